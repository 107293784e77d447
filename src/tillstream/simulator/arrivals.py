"""When shoppers come: by hour, weekday and season, with growth and a Black Friday."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from random import Random

# Share of a day's visits in each local hour: a lunch hump and a long evening.
_HOURS: Final = (
    1.1, 0.6, 0.4, 0.3, 0.3, 0.6, 1.5, 2.8, 4.0, 5.0, 5.8, 6.2,
    6.6, 6.0, 5.6, 5.4, 5.6, 6.0, 6.6, 7.6, 8.2, 7.6, 4.4, 1.8,
)  # fmt: skip
_HOURS_SUM: Final = sum(_HOURS)
_WEEKDAYS: Final = (1.08, 1.0, 0.96, 0.98, 0.94, 0.92, 1.12)
_MONTHS: Final = (0.84, 0.86, 0.92, 0.94, 0.98, 0.96, 0.9, 0.94, 0.98, 1.04, 1.22, 1.42)
# From Black Friday to Cyber Monday, then Tuesday's echo.
_PEAK: Final = (4.6, 2.8, 2.4, 3.6, 1.4)
# A shop half as busy again at its story's end as at its start.
_GROWTH: Final = 0.4
# Where counting one by one gets slow and a bell curve is as good.
_MANY: Final = 40


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of a story, in seconds since 1970 (start inclusive, end exclusive).

    ``visits_per_minute`` for each shop, or None for the shop's own habits by hour and season.
    ``lean`` tells only what state needs (history); else all that Shopify sends is sent.
    """

    start: int
    end: int
    visits_per_minute: float | None = None
    lean: bool = False

    @property
    def slot(self) -> int:
        """Seconds for which visits are drawn at once."""
        return 3600 if self.visits_per_minute is None else 60


@lru_cache(maxsize=64)
def black_friday(year: int) -> date:
    """The day after the fourth Thursday of November."""
    first = date(year, 11, 1)
    thursday = first + timedelta(days=(3 - first.weekday()) % 7)
    return thursday + timedelta(days=22)


@lru_cache(maxsize=4096)
def day_weight(day: date) -> float:
    """How busy a date is beside an average one."""
    weight = _WEEKDAYS[day.weekday()] * _MONTHS[day.month - 1]
    after = (day - black_friday(day.year)).days
    return weight * _PEAK[after] if 0 <= after < len(_PEAK) else weight


def visits_expected(per_day: float, day: date, hour: int, progress: float) -> float:
    """Visits to expect in a local hour; ``progress`` through the story is from 0 to 1."""
    growth = 1 + _GROWTH * (progress - 0.5)
    return per_day * day_weight(day) * growth * _HOURS[hour] / _HOURS_SUM


def poisson(rng: Random, mean: float) -> int:
    """How many come where ``mean`` are expected."""
    if mean > _MANY:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    limit, product, count = math.exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count
