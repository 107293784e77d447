"""How long orders took to be sent, in steps, so that it can be summed and not only listed. Pure.

A step is told by its upper bound in minutes: an order that took at most so long, and longer than the
bound before, was sent in it. Steps are a quarter of an hour wide up to 48 hours, an hour up to 14 days,
and a day from there on. 24, 48 and 72 hours are bounds, so how many were sent within these is exact.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

HOUR: Final = 60
"""Minutes of an hour."""

_DAY: Final = 24 * HOUR
_MINUTE: Final = 60_000_000
_WIDTHS: Final = ((2 * _DAY, 15), (14 * _DAY, HOUR))
"""Up to which bound steps are how wide, in minutes; each bound is one of the wider steps as well."""


def step_of(placed_at: int, sent_at: int) -> int:
    """The step in which an order was sent: its upper bound in minutes.

    The times are in µs. What was sent before it was placed took no time, and 0 is a step of its own.
    """
    minutes = -((placed_at - sent_at) // _MINUTE)
    if minutes <= 0:
        return 0
    width = _width(minutes)
    return -(-minutes // width) * width


def begin_of(step: int) -> int:
    """The bound before a step: what took longer than so many minutes may be in it."""
    return step - _width(step) if step else 0


def _width(minutes: int) -> int:
    return next((width for until, width in _WIDTHS if minutes <= until), _DAY)


class Sent:
    """Orders that were sent, by their steps, and what is to be told of how long they took."""

    def __init__(self, steps: Mapping[int, int]) -> None:
        """Take orders in by step."""
        self._steps: Final = sorted(steps)
        self._reached: Final = list(accumulate(map(steps.__getitem__, self._steps)))
        """Up to each step, how many orders were sent."""
        self.orders: Final = self._reached[-1] if steps else 0

    def hours_of(self, tenths: int) -> float | None:
        """In how many hours so many tenths of the orders were sent (5: the median); None without orders.

        The time that the tenths took at most, told as if the orders of a step were spread evenly over
        it. It is in the step that holds the true time, so at most a step's width away from it.
        """
        if not self.orders:
            return None
        # In tenths of orders, for whole numbers.
        place = tenths * self.orders
        at = bisect_left(self._reached, -(-place // 10))
        step, before = self._steps[at], self._reached[at - 1] if at else 0
        part = (place - 10 * before) / (10 * (self._reached[at] - before))
        begin = begin_of(step)
        return (begin + (step - begin) * part) / HOUR

    def share_within(self, hours: int) -> float | None:
        """The share of the orders that were sent within so many hours; None without orders.

        Exact where the hours are a bound.
        """
        if not self.orders:
            return None
        quick = bisect_right(self._steps, hours * HOUR)
        return (self._reached[quick - 1] if quick else 0) / self.orders
