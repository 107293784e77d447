"""What an order or a checkout is made of: lines, shipping, and the taxes on both."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tillstream.simulator.currency import at_rate, contained, ratio

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tillstream.simulator.facts.wares import Product, Variant
    from tillstream.simulator.plan import TaxRate


@dataclass(slots=True, eq=False)
class Line:
    """A line of an order (or of a checkout: then without an id).

    ``allocations`` are (index of the discount application, amount); ``taxes`` (rate, amount).
    ``quantity`` counts what was ever ordered; ``removed`` what was since taken off or refunded.
    ``added`` are (edit id, units, committed at); ``brought`` is (return id, at) of the exchange that
    brought the line, where no edit tells of it.
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
    brought: tuple[int, int] | None = None

    @property
    def total(self) -> int:
        """Price × quantity."""
        return self.price * self.quantity

    @property
    def discount(self) -> int:
        """All discount allocations."""
        return _sum(self.allocations) if self.allocations else 0

    @property
    def tax(self) -> int:
        """All taxes."""
        return _sum(self.taxes) if self.taxes else 0

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
    """A shipping line of an order.

    ``added`` and ``removed`` are (edit id, committed at) of the edits that did so. ``given_back`` is
    without ``tax_given_back``; once it is removed all of it is.
    """

    id: int
    title: str
    code: str
    price: int
    discount: int
    application: int | None
    taxes: list[tuple[TaxRate, int]]
    added: tuple[int, int] | None = None
    removed: tuple[int, int] | None = None
    given_back: int = 0
    tax_given_back: int = 0

    @property
    def discounted(self) -> int:
        """What the buyer paid for shipping."""
        return self.price - self.discount

    @property
    def tax(self) -> int:
        """All taxes on it."""
        return _sum(self.taxes) if self.taxes else 0

    def left(self, *, included: bool) -> tuple[int, int]:
        """What was not given back: without its tax, and the tax."""
        net = self.discounted - (self.tax if included else 0)
        return net - self.given_back, self.tax - self.tax_given_back

    def take_back(self, amount: int, tax: int) -> None:
        """Take off ``amount`` and the ``tax`` on it."""
        self.given_back += amount
        self.tax_given_back += tax


def _sum(shares: Iterable[tuple[object, int]]) -> int:
    """All amounts. A loop: a generator costs more than the one or two that there are."""
    total = 0
    for _, amount in shares:
        total += amount
    return total
