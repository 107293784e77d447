"""Shop-local hours and days of an instant. Pure; the only place that computes them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tillstream.mirror.values import EPOCH

_QUARTER = 15 * 60 * 1_000_000


class Bucket(NamedTuple):
    """``hour``: the UTC instant at which the shop-local hour begins. ``day``: the shop-local date."""

    hour: datetime
    day: date


def bucket(at: int, timezone: str) -> Bucket:
    """The bucket of an instant (µs since the epoch) in an IANA zone.

    Days of 23 and 25 hours come out right, because an hour is named by when it begins in UTC.
    """
    # All offsets in use are multiples of a quarter of an hour, so the bucket is the same for all
    # instants of one quarter: that makes the cache effective.
    return _bucket(at // _QUARTER, timezone)


@lru_cache(maxsize=200_000)
def _bucket(quarter: int, timezone: str) -> Bucket:
    instant = EPOCH + timedelta(microseconds=quarter * _QUARTER)
    local = instant.astimezone(_zone(timezone))
    offset = local.utcoffset() or timedelta()
    shifted = instant + offset
    start = shifted.replace(minute=0, second=0, microsecond=0) - offset
    return Bucket(start.astimezone(UTC), local.date())


@lru_cache(maxsize=1000)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
