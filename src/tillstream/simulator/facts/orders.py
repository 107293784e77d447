"""An order and all that has happened to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tillstream.simulator.currency import ratio
from tillstream.simulator.facts.afterwards import Edit, Fulfillment, Refund, Return, Transaction
from tillstream.simulator.facts.baskets import Totals

if TYPE_CHECKING:
    from tillstream.simulator.facts.baskets import Application
    from tillstream.simulator.facts.checkouts import Whence
    from tillstream.simulator.facts.lines import Line, Shipping
    from tillstream.simulator.facts.people import Customer
    from tillstream.simulator.places import Place


@dataclass(slots=True, eq=False)
class Order:
    """An order and all that has happened to it."""

    id: int
    number: int
    token: str
    source_name: str
    customer: Customer | None
    email: str | None
    phone: str | None
    checkout_token: str | None
    cart_token: str | None
    created_at: int
    processed_at: int
    updated_at: int
    lines: list[Line]
    shipping: list[Shipping]
    applications: list[Application]
    duties: int
    fees: int
    tip: int
    presentment: tuple[str, int] | None
    place: Place | None
    taxes_included: bool
    totals: Totals
    gateway: str
    financial_status: str = "pending"
    fulfillment_status: str | None = None
    test: bool = False
    deleted: bool = False
    cancelled_at: int | None = None
    cancel_reason: str | None = None
    closed_at: int | None = None
    tags: str = ""
    whence: Whence | None = None
    checkout_id: int | None = None
    cash_rounding: int = 0
    refunds: list[Refund] = field(default_factory=list[Refund])
    edits: list[Edit] = field(default_factory=list[Edit])
    returns: list[Return] = field(default_factory=list[Return])
    fulfillments: list[Fulfillment] = field(default_factory=list[Fulfillment])
    transactions: list[Transaction] = field(default_factory=list[Transaction])

    def tick(self, at: int) -> int:
        """Change now: ``updated_at`` becomes the instant of ``coming``."""
        self.updated_at = self.coming(at)
        return self.updated_at

    def coming(self, at: int) -> int:
        """The instant of a change at ``at``: later, if need be, so that no two states share one."""
        return max(at, self.updated_at + 1)

    @property
    def name(self) -> str:
        """``#1001`` and on."""
        return f"#{self.number}"

    @property
    def channel(self) -> str:
        """The sales channel, as ``source_name`` tells it."""
        return self.whence.channel if self.whence else self.source_name

    @property
    def destination(self) -> tuple[str, str]:
        """The codes of the country and the province in its address; empty where it has none."""
        if self.customer is None:
            return "", ""
        place = self.place or self.customer.place
        city = self.customer.city if place is self.customer.place else place.cities[0]
        return place.code, city.province_code

    @property
    def paid(self) -> int:
        """Money taken and not given back."""
        taken = sum(t.amount for t in self.transactions if t.kind in ("sale", "capture"))
        return taken - self.given_back

    @property
    def given_back(self) -> int:
        """Money given back."""
        return sum(t.amount for t in self.transactions if t.kind == "refund")

    @property
    def current(self) -> Totals:
        """The figures after edits, removals and refunds."""
        goods = [line for line in self.lines if not line.tip]
        subtotal = sum(li.total - li.discount - li.refunded_subtotal for li in goods)
        left = [one.left(included=self.taxes_included) for one in self.shipping]
        shipping_tax = sum(tax for _, tax in left)
        shipping = sum(net for net, _ in left) + (shipping_tax if self.taxes_included else 0)
        tax = sum(li.tax - li.refunded_tax for li in goods) + shipping_tax
        duties = self.duties - sum(r.duties for r in self.refunds)
        discounts = sum(ratio(li.discount * li.remaining, li.quantity) for li in goods)
        added = 0 if self.taxes_included else tax
        return Totals(
            lines=sum(li.price * li.remaining for li in goods),
            subtotal=subtotal,
            tax=tax,
            discounts=discounts + sum(one.discount for one in self.shipping if not one.removed),
            shipping=shipping,
            price=subtotal + shipping + added + duties + self.fees + self.tip,
        )
