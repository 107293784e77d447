"""A shop's wall clock: instants are whole seconds since 1970, printed with the shop's offset."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Callable

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - wall time: the offset is printed beside it
_ORDINAL = date(1970, 1, 1).toordinal()
_DAY = 86_400
# Every offset change in the IANA data since 1972 falls on a quarter of an hour.
_QUARTER = 900


class ShopClock:
    """Local times of one IANA zone, with the offsets remembered for speed."""

    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)
        self._offsets: dict[int, tuple[int, str]] = {}
        # One body prints an instant many times, and its order prints it again in the next one.
        self._texts: Callable[[int], str] = lru_cache(maxsize=1 << 14)(self._print)

    def text(self, at: int) -> str:
        """RFC 3339 in the shop's offset: ``2026-11-22T09:05:00-05:00``."""
        return self._texts(at)

    def _print(self, at: int) -> str:
        seconds, suffix = self._offset(at)
        return (_EPOCH + timedelta(seconds=at + seconds)).isoformat() + suffix

    def day(self, at: int) -> date:
        """The shop's date at the instant."""
        return date.fromordinal(_ORDINAL + (at + self._offset(at)[0]) // _DAY)

    def hour(self, at: int) -> int:
        """The shop's hour of the day, 0 to 23."""
        return (at + self._offset(at)[0]) % _DAY // 3600

    def _offset(self, at: int) -> tuple[int, str]:
        quarter = at // _QUARTER
        found = self._offsets.get(quarter)
        if found is None:
            found = self._offsets[quarter] = self._look_up(at)
        return found

    def _look_up(self, at: int) -> tuple[int, str]:
        offset = datetime.fromtimestamp(at, self._zone).utcoffset() or timedelta()
        seconds = int(offset.total_seconds())
        sign, minutes = ("-" if seconds < 0 else "+"), abs(seconds) // 60
        return seconds, f"{sign}{minutes // 60:02d}:{minutes % 60:02d}"


def instant(at: int) -> datetime:
    """The aware UTC time of whole seconds since 1970."""
    return datetime.fromtimestamp(at, UTC)


def seconds(at: datetime) -> int:
    """Whole seconds since 1970 of an aware time; fractions are cut off."""
    return int(at.timestamp())
