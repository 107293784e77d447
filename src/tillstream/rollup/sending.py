"""How long orders took to be sent, in steps, so that it can be summed and not only listed. Pure.

A step is told by its upper bound in minutes: an order that took at most so long, and longer than the
bound before, was sent in it. Steps are a quarter of an hour wide up to 48 hours, an hour up to 14 days,
and a day from there on. 24, 48 and 72 hours are bounds, so how many were sent within these is exact.
"""

from __future__ import annotations

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


def hours_of(steps: Mapping[int, int], tenths: int) -> float | None:
    """In how many hours so many tenths of the orders were sent; None without orders.

    The time that the tenths took at most, told as if the orders of a step were spread evenly over it.
    It is in the step that holds the true time, so at most a step's width away from it.

    Args:
        steps: orders by step.
        tenths: 5 for the median.
    """
    place, before = tenths * sum(steps.values()), 0
    for step, orders in sorted(steps.items()):
        if orders and 10 * (before + orders) >= place:
            begin = begin_of(step)
            part = (place - 10 * before) / (10 * orders)
            return (begin + (step - begin) * part) / HOUR
        before += orders
    return None


def share_within(steps: Mapping[int, int], hours: int) -> float | None:
    """The share of the orders that were sent within so many hours; None without orders.

    Exact where the hours are a bound.
    """
    whole = sum(steps.values())
    quick = sum(orders for step, orders in steps.items() if step <= hours * HOUR)
    return quick / whole if whole else None
