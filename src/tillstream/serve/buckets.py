"""Points on a time axis: hours, days, weeks and months of a shop's local time. Pure."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal, TypeVar

from tillstream.mirror.values import EPOCH
from tillstream.rollup.buckets import bucket
from tillstream.serve.ranges import Days

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

Interval = Literal["hour", "day", "week", "month"]
DateInterval = Literal["day", "week", "month"]
T = TypeVar("T")

_HOUR: Final = timedelta(hours=1)
_QUARTER: Final = timedelta(minutes=15)
_MICROSECOND: Final = timedelta(microseconds=1)


def first_day(day: date, interval: DateInterval) -> date:
    """The first day of the week (a Monday), or month, that ``day`` lies in."""
    match interval:
        case "day":
            return day
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)


def date_starts(days: Days, interval: DateInterval) -> Iterator[date]:
    """The first day of every bucket that touches ``days``, in order.

    The first week or month may begin before the range; its figures are of the range only.
    """
    start = first_day(days.first, interval)
    while start <= days.last:
        yield start
        start = _next_start(start, interval)


def _next_start(start: date, interval: DateInterval) -> date:
    match interval:
        case "day":
            return start + timedelta(days=1)
        case "week":
            return start + timedelta(days=7)
        case "month":
            return (start + timedelta(days=31)).replace(day=1)


def hour_starts(days: Days, zone: str) -> list[datetime]:
    """The UTC instant of every local hour of ``days``: 23 or 25 a day where clocks change.

    They are asked of the same function that made the rollup's buckets, so that both agree also
    where clocks have odd histories.
    """
    starts: dict[datetime, None] = {}
    instant = days.hours_after
    while instant < days.hours_before:
        hour, day = bucket((instant - EPOCH) // _MICROSECOND, zone)
        if days.first <= day <= days.last:
            starts[hour] = None
        # An hour after the hour began; where the clock was set back within it, an hour on is still
        # the same hour or one that began earlier: then on by a quarter, finer than any change.
        instant = max(hour + _HOUR, instant + _QUARTER)
    return list(starts)


def sum_by_date(
    rows: Iterable[tuple[date, T]],
    days: Days,
    interval: DateInterval,
    zero: T,
    add: Callable[[T, T], T],
) -> list[tuple[date, T]]:
    """Rows of single days added up by bucket, every bucket present."""
    sums = dict.fromkeys(date_starts(days, interval), zero)
    for day, value in rows:
        start = first_day(day, interval)
        sums[start] = add(sums[start], value)
    return list(sums.items())


def fill_hours(
    rows: Mapping[datetime, T], days: Days, zone: str, zero: T
) -> list[tuple[datetime, T]]:
    """Rows by hour (UTC instants) with the empty hours of ``days`` filled in, in order.

    A row at an instant that is no full hour in this zone keeps a point of its own: no sale may
    vanish from a chart.
    """
    starts = set(hour_starts(days, zone)) | set(rows)
    return [(start, rows.get(start, zero)) for start in sorted(starts)]
