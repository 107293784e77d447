"""Points on a time axis: hours, days, weeks and months of a shop's local time. Pure."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeVar

from tillstream.mirror.values import EPOCH
from tillstream.rollup.buckets import bucket
from tillstream.serve.ranges import Days

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from zoneinfo import ZoneInfo

Interval = Literal["hour", "day", "week", "month"]
DateInterval = Literal["day", "week", "month"]
T = TypeVar("T")

_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)
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


class Offset(NamedTuple):
    """From ``since`` until before ``until`` the zone's clocks are ``seconds`` ahead of UTC."""

    since: datetime
    until: datetime
    seconds: int


def offsets(days: Days, zone: ZoneInfo) -> list[Offset]:
    """The spans of time between changes of the clocks that cover ``days``, in order.

    So that the database can tell local hours without knowing zones of its own. No zone has changed
    its clocks twice within a day.
    """
    found: list[Offset] = []
    since = instant = days.hours_after
    while instant < days.hours_before:
        after = min(instant + _DAY, days.hours_before)
        if _offset(after, zone) != _offset(instant, zone):
            change = _change(instant, after, zone)
            found.append(Offset(since, change, _offset(instant, zone)))
            since = change
        instant = after
    return [*found, Offset(since, days.hours_before, _offset(since, zone))]


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The first instant, to the second, that has the offset of ``after``."""
    while after - before > _SECOND:
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        if _offset(middle, zone) == _offset(before, zone):
            before = middle
        else:
            after = middle
    return after


def _offset(instant: datetime, zone: ZoneInfo) -> int:
    offset = instant.astimezone(zone).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())


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
