"""From sums of measures to the figures that are shown. Pure."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Self

from tillstream.foundation.money import divide, format_money

if TYPE_CHECKING:
    from collections.abc import Sequence


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
    def average_order_value(self) -> int | None:
        """What the average order came to when it was placed; None without orders."""
        if self.orders <= 0:
            return None
        return divide(self.placed_gross - self.placed_discounts, self.orders)


_NAMES = tuple(field.name for field in fields(Sums))

MONEY: tuple[str, ...] = (
    "total_sales",
    "gross_sales",
    "discounts",
    "sales_reversals",
    "net_sales",
    "shipping",
    "taxes",
    "duties",
    "additional_fees",
    "gift_cards_sold",
    "tips",
    "recovered_sales",
    "abandoned_value",
)
COUNTS: tuple[str, ...] = (
    "orders",
    "checkouts",
    "abandoned_checkouts",
    "recovered_checkouts",
    "converted_checkouts",
)


@dataclass(frozen=True, slots=True)
class Buyers:
    """Customers of a range of days, added over stores."""

    customers: int = 0
    new_customers: int = 0
    second_orders: int = 0
    """Customers whose first two orders both fall inside the range."""

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


def figures_of(sums: Sums, currency: str) -> dict[str, str | int | float | None]:
    """Every measure and what derives from the measures, as the API shows them."""
    average = sums.average_order_value
    return {
        **{name: format_money(getattr(sums, name), currency) for name in MONEY},
        **{name: getattr(sums, name) for name in COUNTS},
        "average_order_value": None if average is None else format_money(average, currency),
        "recovered_checkout_rate": rate(sums.recovered_checkouts, sums.abandoned_checkouts),
    }


def buyers_of(buyers: Buyers) -> dict[str, int | float | None]:
    """The figures about customers, as the API shows them."""
    return {
        "customers": buyers.customers,
        "new_customers": buyers.new_customers,
        "returning_customers": buyers.returning_customers,
        "returning_customer_rate": buyers.returning_customer_rate,
    }
