"""A leaky bucket of query cost, one for each app and shop.

https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

PLANS: Final = {"standard": 100, "advanced": 200, "plus": 1_000, "enterprise": 2_000}
"""Points restored in a second."""

_SECONDS_TO_FILL: Final = 20
# No single query may ask for more, whatever the plan.
MOST_FOR_ONE: Final = 1_000


@dataclass(slots=True)
class Bucket:
    """``available`` points as of ``at``; ``restore_rate`` a second flow back, up to ``maximum``."""

    maximum: float
    restore_rate: float
    available: float
    at: datetime

    @classmethod
    def for_plan(cls, plan: str, now: datetime) -> Bucket:
        """A full bucket of a plan."""
        rate = PLANS[plan]
        return cls(rate * _SECONDS_TO_FILL, rate, rate * _SECONDS_TO_FILL, now)

    def take(self, points: float, now: datetime) -> bool:
        """Take ``points`` out; False, and nothing is taken, if there are fewer."""
        self._restore(now)
        if points > self.available:
            return False
        self.available -= points
        return True

    def give_back(self, points: float, now: datetime) -> None:
        """Return what was asked for and not used."""
        self._restore(now)
        self.available = min(self.maximum, self.available + points)

    def status(self, now: datetime) -> dict[str, float]:
        """As ``extensions.cost.throttleStatus`` tells it."""
        self._restore(now)
        return {
            "maximumAvailable": float(self.maximum),
            "currentlyAvailable": int(self.available),
            "restoreRate": float(self.restore_rate),
        }

    def _restore(self, now: datetime) -> None:
        passed = max(0.0, (now - self.at).total_seconds())
        self.available = min(self.maximum, self.available + passed * self.restore_rate)
        self.at = now
