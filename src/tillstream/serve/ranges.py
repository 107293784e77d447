"""Which days a question is about: shop-local dates, and the period to compare them with. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

Compare = Literal["previous", "year", "none"]
Grain = Literal["day", "month"]

DEFAULT_DAYS: Final = 30
EARLIEST: Final = date(1990, 1, 1)
"""Before any online shop; later than the first dates that arithmetic on them could leave behind."""
LATEST: Final = date(2200, 12, 31)


class RangeRefused(ValueError):
    """The dates make no range. ``where`` is the parameter at fault, the message a sentence."""

    def __init__(self, where: str, message: str) -> None:
        super().__init__(message)
        self.where = where


@dataclass(frozen=True)
class Days:
    """The days from ``first`` to ``last``, both included."""

    first: date
    last: date

    def __len__(self) -> int:
        return (self.last - self.first).days + 1

    def __iter__(self) -> Iterator[date]:
        return (self.first + timedelta(days=n) for n in range(len(self)))

    @property
    def hours_after(self) -> datetime:
        """An instant no later than the first of these days begins, in whatever zone.

        Zones reach 14 hours ahead of UTC. Rows are then picked by their own ``day``; this and
        ``hours_before`` only let an index on hours find them.
        """
        return datetime.combine(self.first, time(), UTC) - timedelta(hours=15)

    @property
    def hours_before(self) -> datetime:
        """An instant no earlier than the last of these days ends: zones lag UTC by 12 hours."""
        return datetime.combine(self.last, time(), UTC) + timedelta(hours=24 + 13)


@dataclass(frozen=True)
class Period:
    """Days, the last of which may be cut short: at ``until``, where that is not None.

    ``days`` are those asked for; what lies at or after ``until`` does not count.
    """

    days: Days
    until: datetime | None = None

    @property
    def whole(self) -> Days | None:
        """The days that count from their beginning to their end; None if there are none."""
        if self.until is None:
            return self.days
        cut = self.cut_day
        if cut is None or cut <= self.days.first:
            return None
        return Days(self.days.first, cut - timedelta(days=1))

    @property
    def cut_day(self) -> date | None:
        """The day that counts in part, as the zone of ``until`` has it; None if none does."""
        return None if self.until is None else self.until.date()


class Part(NamedTuple):
    """A month, by its first day, or a day that is added (``sign`` 1) or taken away (-1)."""

    sign: int
    grain: Grain
    day: date


def parts_of(days: Days, today: date) -> list[Part]:
    """What ``days`` are made of: whole months, and the days at the edges, each day once.

    Of a month of which most days belong to the range, the others are taken away: so the month that
    ``today`` lies in costs no more than one that is over. Days after today have no rows to read.
    """
    parts: list[Part] = []
    first = days.first.replace(day=1)
    while first <= days.last:
        after = _next_month(first)
        month = [first + timedelta(days=n) for n in range((after - first).days)]
        inside = [day for day in month if days.first <= day <= days.last]
        outside = [day for day in month if not days.first <= day <= days.last]
        # A month has more values than a day has, but not many times as many.
        if 2 * (1 + sum(day <= today for day in outside)) < len(inside):
            parts.append(Part(1, "month", first))
            parts.extend(Part(-1, "day", day) for day in outside)
        else:
            parts.extend(Part(1, "day", day) for day in inside)
        first = after
    return parts


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)


def choose_days(
    first: date | None, last: date | None, today: date, usual: int = DEFAULT_DAYS
) -> Days:
    """The days asked for; the last ``usual`` ones up to ``today`` where nothing was said.

    With only one end given, the other is as many days away from it, but not later than today.

    Raises:
        RangeRefused: if the range ends before it begins, or lies where no shop was.
    """
    away = timedelta(days=usual - 1)
    end = last or (max(first, min(today, _after(first, away))) if first else today)
    begin = first or max(EARLIEST, end - away)
    if begin > end:
        raise RangeRefused("query.to", "The range ends before it begins.")
    if begin < EARLIEST:
        raise RangeRefused("query.from", f"The range begins before {EARLIEST.isoformat()}.")
    if end > LATEST:
        raise RangeRefused("query.to", f"The range ends after {LATEST.isoformat()}.")
    return Days(begin, end)


def _after(first: date, away: timedelta) -> date:
    return first + away if first < LATEST else first


def compared_with(days: Days, compare: Compare) -> Days | None:
    """The earlier period: as many days directly before, or the same dates a year earlier."""
    match compare:
        case "none":
            return None
        case "previous":
            length = timedelta(days=len(days))
            return Days(days.first - length, days.last - length)
        case "year":
            return Days(_year_earlier(days.first), _year_earlier(days.last))


def like_for_like(days: Days, compare: Compare, now: datetime, zone: ZoneInfo) -> Period | None:
    """The earlier period, cut where ``days`` have come to by ``now``.

    Half of today compares with half of the day that stands for it: the time of day is the same, in
    the shop's zone. Days that are over, or have not begun, compare whole.
    """
    earlier = compared_with(days, compare)
    today = local_today(now, zone)
    if earlier is None:
        return None
    if not days.first <= today <= days.last:
        return Period(earlier)
    day = today - (days.first - earlier.first) if compare == "previous" else _year_earlier(today)
    until = now.astimezone(zone)
    return Period(earlier, until.replace(year=day.year, month=day.month, day=day.day))


def _year_earlier(day: date) -> date:
    """The same date a year earlier; 29 February becomes 28 February."""
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)


def local_today(now: datetime, zone: ZoneInfo) -> date:
    """The date in ``zone`` at ``now``."""
    return now.astimezone(zone).date()


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of ``day`` in ``zone``, aware, in that zone.

    Where clocks jump over midnight the day begins later than 00:00; where they repeat it, it
    begins with the first of the two.
    """
    midnight = datetime.combine(day, time(), zone).astimezone(UTC)
    while midnight.astimezone(zone).date() < day:
        midnight += timedelta(minutes=15)
    return midnight.astimezone(zone)
