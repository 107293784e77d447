"""How fast a shop's Admin API may be asked: the bucket of points that Shopify keeps. Pure.

https://shopify.dev/docs/api/usage/limits#graphql-admin-api-rate-limits
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tillstream.shopify.answers import json_object

if TYPE_CHECKING:
    from datetime import datetime

# Until the first answer tells more: the smallest bucket that Shopify documents, full.
_FIRST_SIZE: Final = 1000.0
_FIRST_RATE: Final = 50.0

LONGEST_WAIT: Final = 30.0
"""Seconds; a bucket that would take longer to fill says something we do not understand."""


@dataclass
class Bucket:
    """Points to spend. Requests of this process are taken off at once, Shopify's answers correct it."""

    size: float = _FIRST_SIZE
    rate: float = _FIRST_RATE
    level: float = _FIRST_SIZE
    at: datetime | None = None

    def take(self, cost: float, now: datetime) -> float:
        """Take ``cost`` points, also on credit; the seconds to wait until they are there."""
        self._refill(now)
        self.level -= min(cost, self.size)
        return min(max(0.0, -self.level / self.rate), LONGEST_WAIT)

    def empty(self, now: datetime) -> None:
        """Shopify throttled us: whatever was thought to be left is not."""
        self._refill(now)
        self.level = min(self.level, 0.0)

    def learn(self, cost: object, now: datetime) -> None:
        """Take over what ``extensions.cost`` of an answer says, as far as it makes sense."""
        status = json_object(json_object(cost).get("throttleStatus"))
        size = _positive(status.get("maximumAvailable"))
        rate = _positive(status.get("restoreRate"))
        level = status.get("currentlyAvailable")
        if size is None or rate is None or not isinstance(level, (int, float)):
            return
        self.size, self.rate, self.at = size, rate, now
        self.level = min(float(level), size)

    def _refill(self, now: datetime) -> None:
        if self.at is not None:
            passed = max(0.0, (now - self.at).total_seconds())
            self.level = min(self.size, self.level + passed * self.rate)
        self.at = now


def requested_cost(cost: object) -> float | None:
    """What a query was charged at first, by ``extensions.cost``."""
    return _positive(json_object(cost).get("requestedQueryCost"))


def _positive(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if 0 < value < float("inf") else None
