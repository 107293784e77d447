"""How often customers come back, kept so that any range of days is a small sum. Pure.

Distinct customers do not add up over days. Pairs do: count every order under the pair (its day,
the day of the same customer's order before it). The customers of a range are then the orders in it
whose previous order lies before it, whatever the range.
"""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FIRST = date.min
"""Stands for "no earlier order"; stored as -infinity."""


class Pair(NamedTuple):
    """``second`` marks the pair of a customer's second order."""

    day: date
    previous_day: date
    second: bool


def pairs(moments: Sequence[tuple[int, int]], day_of: Callable[[int], date]) -> Counter[Pair]:
    """The pairs of one customer's orders.

    Args:
        moments: (time in µs, order id) of each order, sorted.
        day_of: the shop-local day of a time.
    """
    result: Counter[Pair] = Counter()
    previous = FIRST
    for position, (at, _) in enumerate(moments):
        day = day_of(at)
        result[Pair(day, previous, position == 1)] += 1
        previous = day
    return result
