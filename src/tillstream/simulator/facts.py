"""What the simulator knows to be true: the people, wares, checkouts and orders of a story.

Instants are whole seconds since 1970 and money is the shop's smallest unit. Bodies are
printed from these facts and the books are kept from them; neither reads the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tillstream.simulator.currency import at_rate, contained, ratio

if TYPE_CHECKING:
    from tillstream.simulator.places import City, Place
    from tillstream.simulator.plan import TaxRate


@dataclass(slots=True, eq=False)
class Customer:
    """A person the shop knows."""

    id: int
    email: str
    first_name: str
    last_name: str
    phone: str | None
    place: Place
    city: City
    street: str
    address_id: int
    created_at: int
    updated_at: int
    note: str | None = None
    verified: bool = True
    registered: bool = False
    deleted: bool = False
    merged_into: Customer | None = None
    tags: list[str] = field(default_factory=list[str])
    email_consent: str | None = None
    sms_consent: str | None = None
    orders_told: int | None = None
    spent_told: int | None = None

    @property
    def name(self) -> str:
        """First and last name as they are written where the person lives."""
        return f"{self.first_name} {self.last_name}"


@dataclass(slots=True, eq=False)
class Variant:
    """One variant of a product."""

    id: int
    title: str
    sku: str
    price: int
    compare_at_price: int | None
    inventory_item_id: int
    inventory_quantity: int
    position: int
    cost: int | None = None
    in_stock: bool | None = None


@dataclass(slots=True, eq=False)
class Product:
    """A product on sale, or taken off."""

    id: int
    title: str
    handle: str
    product_type: str
    option_name: str
    vendor: str
    variants: list[Variant]
    taxes: tuple[TaxRate, ...]
    gift_card: bool
    grams: int
    created_at: int
    updated_at: int
    status: str = "active"
    deleted: bool = False
    tags: list[str] = field(default_factory=list[str])


@dataclass(slots=True, eq=False)
class Line:
    """A line of an order (or of a checkout: then without an id).

    ``allocations`` are (index of the discount application, amount); ``taxes`` (rate, amount).
    ``quantity`` counts what was ever ordered; ``removed`` what was since taken off or refunded.
    ``added`` are (edit id, units, committed at).
    """

    id: int
    product: Product | None
    variant: Variant | None
    title: str
    price: int
    quantity: int
    allocations: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    taxes: list[tuple[TaxRate, int]] = field(default_factory=list["tuple[TaxRate, int]"])
    gift_card: bool = False
    tip: bool = False
    removed: int = 0
    fulfilled: int = 0
    refunded_subtotal: int = 0
    refunded_tax: int = 0
    added: list[tuple[int, int, int]] = field(default_factory=list[tuple[int, int, int]])

    @property
    def total(self) -> int:
        """Price × quantity."""
        return self.price * self.quantity

    @property
    def discount(self) -> int:
        """All discount allocations."""
        return sum(amount for _, amount in self.allocations)

    @property
    def tax(self) -> int:
        """All taxes."""
        return sum(amount for _, amount in self.taxes)

    @property
    def remaining(self) -> int:
        """Units neither refunded nor removed."""
        return self.quantity - self.removed

    def levy(self, rates: tuple[TaxRate, ...], *, included: bool) -> None:
        """Set the taxes on the discounted total."""
        self.taxes = levied(self.total - self.discount, rates, included=included)

    def take_back(self, units: int) -> tuple[int, int]:
        """Take off ``units``; their share of (subtotal, tax).

        Shares are differences of rounded running totals, so that giving back every unit, in
        however many refunds, gives back the whole to the cent.
        """
        self.removed += units
        subtotal = ratio((self.total - self.discount) * self.removed, self.quantity)
        tax = ratio(self.tax * self.removed, self.quantity)
        share = subtotal - self.refunded_subtotal, tax - self.refunded_tax
        self.refunded_subtotal, self.refunded_tax = subtotal, tax
        return share


def levied(amount: int, rates: tuple[TaxRate, ...], *, included: bool) -> list[tuple[TaxRate, int]]:
    """Each tax on ``amount``, which holds them already where they are ``included``."""
    if not included:
        return [(rate, at_rate(amount, rate.millionths)) for rate in rates]
    together = sum(rate.millionths for rate in rates)
    return [(rate, contained(amount, rate.millionths, together)) for rate in rates]


@dataclass(slots=True, eq=False)
class Shipping:
    """The shipping line of an order."""

    id: int
    title: str
    code: str
    price: int
    discount: int
    application: int | None
    taxes: list[tuple[TaxRate, int]]

    @property
    def discounted(self) -> int:
        """What the buyer paid for shipping."""
        return self.price - self.discount

    @property
    def tax(self) -> int:
        """All taxes on it."""
        return sum(amount for _, amount in self.taxes)


@dataclass(frozen=True, slots=True)
class Application:
    """A discount code as applied: what it took off in all."""

    code: str
    value_type: str
    value: str
    code_type: str
    target_type: str
    target_selection: str
    allocation_method: str
    amount: int


@dataclass(slots=True, eq=False)
class Basket:
    """What is about to be bought, priced."""

    lines: list[Line]
    shipping: Shipping | None
    applications: list[Application]
    duties: int = 0
    fees: int = 0
    tip: int = 0
    presentment: tuple[str, int] | None = None
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """An order's figures as placed."""

    lines: int
    subtotal: int
    tax: int
    discounts: int
    shipping: int
    price: int


@dataclass(frozen=True, slots=True)
class Transaction:
    """Money moved, or promised."""

    id: int
    kind: Literal["authorization", "capture", "sale", "void", "refund"]
    amount: int
    parent_id: int | None
    created_at: int


@dataclass(frozen=True, slots=True)
class RefundLine:
    """Units of a line given back. ``subtotal`` holds ``tax`` where the shop's taxes are included."""

    id: int
    line: Line
    quantity: int
    subtotal: int
    tax: int
    restock_type: str


@dataclass(slots=True, eq=False)
class Refund:
    """A refund record. ``shipping`` is without ``shipping_tax``.

    ``told_as`` says how the body tells of shipping: Shopify has listed it as order adjustments,
    as refund shipping lines, and as both.
    """

    id: int
    created_at: int
    lines: list[RefundLine]
    shipping: int = 0
    shipping_tax: int = 0
    duties: int = 0
    discrepancy: int = 0
    cash_rounding: int = 0
    note: str | None = None
    restock: bool = False
    told_as: Literal["adjustments", "lines", "both"] = "adjustments"
    transactions: list[Transaction] = field(default_factory=list[Transaction])


@dataclass(frozen=True, slots=True)
class Edit:
    """A committed order edit: (line, units) added and removed.

    ``unrecorded`` are those of the removals that left no refund record.
    """

    id: int
    committed_at: int
    additions: list[tuple[Line, int]]
    removals: list[tuple[Line, int]]
    unrecorded: list[tuple[Line, int]] = field(default_factory=list[tuple[Line, int]])


@dataclass(slots=True, eq=False)
class Fulfillment:
    """A parcel on its way: (line, units)."""

    id: int
    created_at: int
    lines: list[tuple[Line, int]]
    number: int
    shipment_status: str | None = None
    updated_at: int | None = None


@dataclass(slots=True, eq=False)
class Checkout:
    """A checkout as last told of. ``activity`` holds (instant, contact known) of each delivery."""

    token: str
    cart_token: str | None
    number: int
    basket: Basket
    totals: Totals
    created_at: int
    updated_at: int
    email: str | None = None
    phone: str | None = None
    customer: Customer | None = None
    completed_at: int | None = None
    deleted: bool = False
    activity: list[tuple[int, bool]] = field(default_factory=list[tuple[int, bool]])
    visit: Whence | None = None

    @property
    def id(self) -> int:
        """The numeric id that bodies had before API version 2026-04."""
        return 30_000_000_000_000 + self.number


@dataclass(frozen=True, slots=True)
class Whence:
    """Where an order or a checkout comes from: the channel, the page first seen, the page before it."""

    channel: str
    landing_site: str | None = None
    referring_site: str | None = None


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
    shipping: Shipping | None
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
    def shipping_given_back(self) -> tuple[int, int]:
        """Shipping refunded, and the tax on it."""
        return sum(r.shipping for r in self.refunds), sum(r.shipping_tax for r in self.refunds)

    @property
    def current(self) -> Totals:
        """The figures after edits, removals and refunds."""
        goods = [line for line in self.lines if not line.tip]
        subtotal = sum(li.total - li.discount - li.refunded_subtotal for li in goods)
        back, back_tax = self.shipping_given_back
        shipped = self.shipping.discounted if self.shipping else 0
        shipping_tax = self.shipping.tax if self.shipping else 0
        shipping = shipped - back - (back_tax if self.taxes_included else 0)
        tax = sum(li.tax - li.refunded_tax for li in goods) + shipping_tax - back_tax
        duties = self.duties - sum(r.duties for r in self.refunds)
        discounts = sum(ratio(li.discount * li.remaining, li.quantity) for li in goods)
        added = 0 if self.taxes_included else tax
        return Totals(
            lines=sum(li.price * li.remaining for li in goods),
            subtotal=subtotal,
            tax=tax,
            discounts=discounts + (self.shipping.discount if self.shipping else 0),
            shipping=shipping,
            price=subtotal + shipping + added + duties + self.fees + self.tip,
        )


def placed_totals(basket: Basket, *, taxes_included: bool) -> Totals:
    """An order's figures when it is placed. The tip is outside the subtotal."""
    goods = [line for line in basket.lines if not line.tip]
    shipping = basket.shipping
    shipped = shipping.discounted if shipping else 0
    subtotal = sum(line.total - line.discount for line in goods)
    tax = sum(line.tax for line in goods) + (shipping.tax if shipping else 0)
    extra = basket.duties + basket.fees + basket.tip
    return Totals(
        lines=sum(line.total for line in goods),
        subtotal=subtotal,
        tax=tax,
        discounts=sum(line.discount for line in goods) + (shipping.discount if shipping else 0),
        shipping=shipped,
        price=subtotal + shipped + (0 if taxes_included else tax) + extra,
    )
