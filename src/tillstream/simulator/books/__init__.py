"""The simulator's own books: what every figure must come to, from what it knows happened.

This is the truth the mirror and the sums are tested against, so it is written plainly, reads
the story's facts (never a body), and shares no code with the stages it judges. Definitions are
those of ARCHITECTURE.md, which follow Shopify's reports:
https://help.shopify.com/en/manual/reports-and-analytics/shopify-reports/report-types/default-reports/sales-report
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tillstream.simulator.books.entries import Amounts, Entry, entries_of
from tillstream.simulator.books.ledger import Figure, Ledger
from tillstream.simulator.books.lives import Life, life_of
from tillstream.simulator.books.rows import Kind, Row
from tillstream.simulator.shop_clock import seconds

if TYPE_CHECKING:
    from datetime import date, datetime

__all__ = [
    "Amounts",
    "Books",
    "Entry",
    "Figure",
    "Kind",
    "Ledger",
    "Life",
    "Row",
    "entries_of",
    "life_of",
]


@dataclass(slots=True)
class Books:
    """The ledgers of all shops of a story, by domain."""

    ledgers: dict[str, Ledger] = field(default_factory=dict[str, Ledger])

    def stats(self, shop: str, from_day: date, to_day: date, now: datetime) -> dict[str, Figure]:
        """The figures of shop-local days, both inclusive, in the shape of the API's ``stats``."""
        return self.ledgers[shop].stats(from_day, to_day, now)

    def rows(self, shop: str, kind: Kind) -> list[Row]:
        """The final rows of a kind; see ``Rows.rows``."""
        return self.ledgers[shop].records.rows(kind)

    def top_customers(self, shop: str, limit: int) -> list[Row]:
        """The customers who spent most."""
        return self.ledgers[shop].top_customers(limit)

    def checkout_list(self, shop: str, now: datetime) -> list[Row]:
        """Every checkout that counts, with its stage."""
        return self.ledgers[shop].checkout_list(now)

    def export(self, now: datetime) -> dict[str, Any]:
        """All figures, in all and by day, as plain JSON."""
        return {domain: _exported(ledger, now) for domain, ledger in self.ledgers.items()}


def _exported(ledger: Ledger, now: datetime) -> dict[str, Any]:
    span = ledger.days()
    if span is None:
        return {"total": None, "days": [], "top_customers": [], "checkouts": []}
    # The last abandonments may fall after the last booking.
    first, last = span[0], max(span[1], ledger.clock.day(seconds(now)))
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return {
        "total": ledger.stats(first, last, now),
        "days": [ledger.stats(day, day, now) for day in days[-62:]],
        "top_customers": ledger.top_customers(20),
        "checkouts": ledger.checkout_list(now)[:200],
    }
