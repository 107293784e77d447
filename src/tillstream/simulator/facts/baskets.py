"""What is about to be bought, and what it comes to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tillstream.simulator.facts.lines import Line, Shipping
    from tillstream.simulator.places import Place


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
