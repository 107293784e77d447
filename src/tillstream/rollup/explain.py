"""Why a figure is what it is: of what sums each measure of the registry is made. Pure.

Every figure is a sum over entries of the ledger, or one such sum over another. Customers do not add
up, but the entries that make them count do: each is the one order by which somebody is counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tillstream.rollup.measures import MEASURES

if TYPE_CHECKING:
    from collections.abc import Mapping

DISTINCT: Final = ("customers", "new_customers", "returning_customers")
"""Measures that count customers: 1 for the order that makes one count."""


@dataclass(frozen=True)
class Parts:
    """How often each column of an entry goes into a figure.

    A figure without a ``denominator`` is the sum of its numerator over the entries; one with it is
    that sum over the denominator's.
    """

    numerator: Mapping[str, int]
    denominator: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def columns(self) -> frozenset[str]:
        """The columns that it is made of."""
        return frozenset(self.numerator) | frozenset(self.denominator)

    @property
    def counts_customers(self) -> bool:
        """Whether it takes looking at customers' orders before the range."""
        return not self.columns.isdisjoint(DISTINCT)


_NET_SALES: Final = {"gross_sales": 1, "discounts": -1, "sales_reversals": -1}
_TOTAL_SALES: Final = {
    **_NET_SALES, "shipping": 1, "taxes": 1, "duties": 1, "additional_fees": 1,
}  # fmt: skip
_DERIVED: Final[Mapping[str, Parts]] = {
    "net_sales": Parts(_NET_SALES),
    "total_sales": Parts(_TOTAL_SALES),
    "live_view_total_sales": Parts({**_NET_SALES, "shipping": 1, "taxes": 1}),
    "average_order_value": Parts({"placed_gross": 1, "placed_discounts": -1}, {"orders": 1}),
    "total_sales_per_order": Parts(_TOTAL_SALES, {"orders": 1}),
    "net_sales_per_order": Parts(_NET_SALES, {"orders": 1}),
    "returning_customer_rate": Parts({"returning_customers": 1}, {"customers": 1}),
    "recovered_checkout_rate": Parts({"recovered_checkouts": 1}, {"abandoned_checkouts": 1}),
}

PARTS: Final[Mapping[str, Parts]] = {
    measure.name: _DERIVED[measure.name] if measure.adds == "derived" else Parts({measure.name: 1})
    for measure in MEASURES
}
"""What every measure of the registry is made of. A new derived one has to be added above."""
