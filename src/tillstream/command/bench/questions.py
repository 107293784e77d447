"""What the analytics bench asks: every call of a panel, as a dashboard would. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

_PROMISED: Final = 20.0
_PROMISED_OF_ALL_CUSTOMERS: Final = 200.0

_DIMENSIONS: Final = (
    "channel", "country", "region", "referrer", "landing", "discount_code", "product", "variant", "vendor",
    "product_type", "collection",
)  # fmt: skip

_PANELS: Final[Mapping[str, str]] = {
    "stats": "stats",
    "stats, one country": "stats?country=US",
    "sales over time": "sales-over-time",
    "sales over time, one product": "sales-over-time?product=1",
    "top customers": "top-customers",
    "customers": "customers",
    "orders": "orders",
    "orders, one channel": "orders?channel=pos",
    "checkouts": "checkouts",
    "checkouts, abandoned": "checkouts?stage=abandoned",
    "products": "products",
    "products, by net sales": "products?sort=net_sales",
    "inventory": "inventory",
    "heat map": "heat-map",
    "fulfillment times": "fulfillment-times",
    "measures": "measures",
    "ledger of total sales": "ledger?measure=total_sales",
    "ledger of the rate": "ledger?measure=recovered_checkout_rate",
    **{f"breakdown by {one.replace('_', ' ')}": f"breakdown?by={one}" for one in _DIMENSIONS},
}
"""As the dashboard first asks them: the last 30 days, by day, the first page."""

_OF_ALL_CUSTOMERS: Final[Mapping[str, str]] = {
    "cohorts": "cohorts",
    "customer segments": "customer-segments",
}


@dataclass(frozen=True)
class Question:
    """A call: what it is named in tables, its path, and the milliseconds promised of its p99."""

    name: str
    path: str
    promised: float | None

    @property
    def key(self) -> str:
        """Its name for programs."""
        return self.name.replace(",", "").replace(" ", "_")


def questions(today: date) -> list[Question]:
    """Every call. Those of a whole year, and of two filters at once, are shown without a promise."""
    # 29 February has no year before it.
    since = today.replace(year=today.year - 1, day=min(today.day, 28))
    year = f"from={since}&to={today}"
    week = f"from={today - timedelta(days=6)}&to={today}"
    unpromised = {
        "stats of a year": f"stats?{year}",
        "sales over time of a year": f"sales-over-time?{year}",
        "sales over time, hours of a week": f"sales-over-time?interval=hour&{week}",
        "products of a year": f"products?{year}",
        "breakdown by variant of a year": f"breakdown?by=variant&{year}",
        "stats, two filters": "stats?country=US&channel=web",
        "fulfillment times of a year": f"fulfillment-times?{year}",
    }
    return [
        *(_asked(name, path, _PROMISED) for name, path in _PANELS.items()),
        *(_asked(n, path, _PROMISED_OF_ALL_CUSTOMERS) for n, path in _OF_ALL_CUSTOMERS.items()),
        *(_asked(name, path, None) for name, path in unpromised.items()),
        Question("history of an order", "/api/orders/1/history", _PROMISED),
    ]


def _asked(name: str, path: str, promised: float | None) -> Question:
    return Question(name, f"/api/analytics/{path}", promised)
