"""From sums of measures to the figures that are shown. Pure.

Figures are kept as they are counted (money in ten-thousandths) until they are shown.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final, Self, TypeAlias

from tillstream.foundation.money import average
from tillstream.rollup.measures import MEASURES
from tillstream.serve.forms import Column, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tillstream.rollup.measures import Unit

Figure: TypeAlias = int | float | None


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums of the measures over some time, in the order in which the statements select them.

    Money in ten-thousandths of the currency's unit. The fields are the registry's additive
    measures (a test holds them to it), which is also where they are defined.
    """

    gross_sales: int = 0
    discounts: int = 0
    sales_reversals: int = 0
    shipping: int = 0
    taxes: int = 0
    duties: int = 0
    additional_fees: int = 0
    orders: int = 0
    placed_gross: int = 0
    placed_discounts: int = 0
    gift_cards_sold: int = 0
    tips: int = 0
    units_sold: int = 0
    units_reversed: int = 0
    refund_adjustments: int = 0
    tax_in_prices: int = 0
    cash_rounding: int = 0
    checkouts: int = 0
    abandoned_checkouts: int = 0
    abandonments: int = 0
    recovered_checkouts: int = 0
    converted_checkouts: int = 0
    recovered_sales: int = 0
    abandoned_value: int = 0
    inferred_recoveries: int = 0
    inferred_recovered_sales: int = 0
    customer_orders: int = 0

    @classmethod
    def of(cls, row: Sequence[int]) -> Self:
        """From a row of the database, in this order."""
        return cls(*row)

    def __add__(self, other: Sums) -> Sums:
        return Sums(*(getattr(self, name) + getattr(other, name) for name in _NAMES))

    @property
    def net_sales(self) -> int:
        """Gross sales less discounts and reversals."""
        return self.gross_sales - self.discounts - self.sales_reversals

    @property
    def total_sales(self) -> int:
        """Net sales with shipping, taxes, duties and fees."""
        return self.net_sales + self.shipping + self.taxes + self.duties + self.additional_fees

    @property
    def live_view_total_sales(self) -> int:
        """Total sales without duties and fees, as Live View adds them up."""
        return self.net_sales + self.shipping + self.taxes

    @property
    def average_order_value(self) -> int | None:
        """What the average order came to when it was placed; None without orders."""
        return self._for_each_order(self.placed_gross - self.placed_discounts)

    @property
    def total_sales_per_order(self) -> int | None:
        """Total sales over the orders placed; None without orders."""
        return self._for_each_order(self.total_sales)

    @property
    def net_sales_per_order(self) -> int | None:
        """Net sales over the orders placed; None without orders."""
        return self._for_each_order(self.net_sales)

    @property
    def recovered_checkout_rate(self) -> float | None:
        """Recovered among abandoned checkouts; None without any."""
        return rate(self.recovered_checkouts, self.abandoned_checkouts)

    def _for_each_order(self, amount: int) -> int | None:
        return average(amount, self.orders) if self.orders > 0 else None


_NAMES = tuple(field.name for field in fields(Sums))

_KINDS: Final[Mapping[Unit, Kind]] = {"money": "money", "count": "count", "rate": "number"}
# Served although no panel leads with it.
_SHOWN_TOO: Final = frozenset({"converted_checkouts"})

FIGURES: Final[tuple[Column, ...]] = tuple(
    Column(measure.name, _KINDS[measure.unit])
    for measure in MEASURES
    if (measure.public or measure.name in _SHOWN_TOO) and hasattr(Sums, measure.name)
)
"""The figures of some time, in the registry's order."""

BUYERS: Final[tuple[Column, ...]] = (
    Column("customers", "count"),
    Column("new_customers", "count"),
    Column("returning_customers", "count"),
    Column("returning_customer_rate", "number"),
)

OF_ORDERS: Final = frozenset(
    {
        "gross_sales", "discounts", "sales_reversals", "net_sales", "shipping", "taxes", "duties",
        "additional_fees", "total_sales", "live_view_total_sales", "orders", "units_sold",
        "units_reversed", "average_order_value", "total_sales_per_order", "net_sales_per_order",
    }
)  # fmt: skip
"""The figures known of a channel, a country or a discount code."""

OF_LINES: Final = OF_ORDERS - {"shipping", "duties", "additional_fees", "live_view_total_sales"}
"""The figures known of a product: shipping, duties and fees belong to no line of an order, so that
total sales of a product are net sales and taxes."""


@dataclass(frozen=True, slots=True)
class Buyers:
    """Customers of a range of days, added over stores."""

    customers: int = 0
    new_customers: int = 0
    second_orders: int = 0
    """Customers whose first two orders both fall inside the range."""

    def __add__(self, other: Buyers) -> Buyers:
        return Buyers(
            self.customers + other.customers,
            self.new_customers + other.new_customers,
            self.second_orders + other.second_orders,
        )

    @property
    def returning_customers(self) -> int:
        """Customers of the range with two or more orders up to its end."""
        return self.customers - self.new_customers + self.second_orders

    @property
    def returning_customer_rate(self) -> float | None:
        """Returning customers among all of the range; None without any."""
        return rate(self.returning_customers, self.customers)


def rate(part: int, whole: int) -> float | None:
    """``part`` of ``whole`` as a number from 0 to 1; None where ``whole`` is 0."""
    return part / whole if whole else None


def figures_of(sums: Sums, known: frozenset[str] | None = None) -> dict[str, Figure]:
    """Every figure of FIGURES; None for those that are not in ``known``, where it is given."""
    return {
        one.name: getattr(sums, one.name) if known is None or one.name in known else None
        for one in FIGURES
    }


def buyers_of(buyers: Buyers | None) -> dict[str, Figure]:
    """The figures about customers; all None where they are not known."""
    return {one.name: None if buyers is None else getattr(buyers, one.name) for one in BUYERS}
