"""Shop-local hours and days, against a naive walk through the zone's own clock.

Pure code, called directly; nothing is doubled. The reference never computes a bucket: it steps
back minute by minute, in UTC, to where the local hour on the wall began.
"""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tillstream.rollup.buckets import Bucket, bucket

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ZONES = (
    "UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Asia/Kolkata", "Australia/Eucla",
    "Pacific/Chatham", "America/Santiago", "America/Havana", "Asia/Beirut", "Pacific/Apia", "Africa/Casablanca",
    "Pacific/Kiritimati", "Pacific/Pago_Pago", "America/Caracas",
)  # fmt: skip


def micros(text: str) -> int:
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)


def naive(at: int, timezone: str) -> Bucket:
    """Back from the instant while the wall shows the same hour under the same offset."""
    zone = ZoneInfo(timezone)
    instant = EPOCH + timedelta(microseconds=at)
    local = instant.astimezone(zone)
    began = instant - timedelta(
        minutes=local.minute, seconds=local.second, microseconds=local.microsecond
    )
    assert began.astimezone(zone).replace(tzinfo=None, fold=0) == local.replace(
        tzinfo=None, fold=0, minute=0, second=0, microsecond=0
    )
    return Bucket(began, local.date())


@given(
    st.integers(micros("1995-01-01T00:00:00+00:00"), micros("2038-01-01T00:00:00+00:00")),
    st.sampled_from(ZONES),
)
@example(micros("2026-10-25T00:30:00+00:00"), "Europe/Berlin")
@example(micros("2026-10-25T01:30:00+00:00"), "Europe/Berlin")
@example(micros("2011-12-30T09:59:59.999999+00:00"), "Pacific/Apia")
def test_any_instant_against_the_wall_clock(at: int, timezone: str) -> None:
    assert bucket(at, timezone) == naive(at, timezone)


def hours_of(day: date, timezone: str) -> list[datetime]:
    """The buckets of all minutes of a local day, found by trying every minute of three UTC days."""
    start = micros(f"{day.isoformat()}T00:00:00+00:00")
    tried = (bucket(start + minute * 60_000_000, timezone) for minute in range(-1440, 2880))
    return sorted({one.hour for one in tried if one.day == day})


@pytest.mark.parametrize(
    ("timezone", "day", "hours"),
    [
        ("Europe/Berlin", "2026-03-29", 23),
        ("Europe/Berlin", "2026-10-25", 25),
        ("Europe/Berlin", "2026-10-26", 24),
        ("America/New_York", "2026-03-08", 23),
        ("America/New_York", "2026-11-01", 25),
        ("Asia/Kathmandu", "2026-03-29", 24),
        ("Asia/Kolkata", "2026-03-29", 24),
        ("Pacific/Chatham", "2026-04-05", 25),
        ("America/Santiago", "2026-09-06", 23),
        ("Pacific/Apia", "2011-12-30", 0),  # the day that Samoa left out
    ],
)
def test_days_have_their_hours(timezone: str, day: str, hours: int) -> None:
    found = hours_of(date.fromisoformat(day), timezone)
    assert len(found) == hours
    assert all(b - a == timedelta(hours=1) for a, b in itertools.pairwise(found))


def test_the_hour_that_comes_twice_is_two_buckets() -> None:
    # Berlin, October 25th 2026: 02:30 summer time is 00:30 UTC, 02:30 winter time 01:30 UTC.
    first = bucket(micros("2026-10-25T02:30:00+02:00"), "Europe/Berlin")
    second = bucket(micros("2026-10-25T02:30:00+01:00"), "Europe/Berlin")
    assert first == Bucket(datetime(2026, 10, 25, 0, tzinfo=UTC), date(2026, 10, 25))
    assert second == Bucket(datetime(2026, 10, 25, 1, tzinfo=UTC), date(2026, 10, 25))


@pytest.mark.parametrize(
    ("timezone", "at", "hour", "day"),
    [
        # Kathmandu is 5:45 ahead: its midnight is 18:15 UTC, and its hours begin at a quarter past.
        (
            "Asia/Kathmandu",
            "2026-03-01T18:14:59.999999+00:00",
            "2026-03-01T17:15:00+00:00",
            "2026-03-01",
        ),
        ("Asia/Kathmandu", "2026-03-01T18:15:00+00:00", "2026-03-01T18:15:00+00:00", "2026-03-02"),
        ("Asia/Kolkata", "2026-03-01T18:30:00+00:00", "2026-03-01T18:30:00+00:00", "2026-03-02"),
        (
            "America/New_York",
            "2026-03-01T04:59:59.999999+00:00",
            "2026-03-01T04:00:00+00:00",
            "2026-02-28",
        ),
        (
            "America/New_York",
            "2026-03-01T05:00:00+00:00",
            "2026-03-01T05:00:00+00:00",
            "2026-03-01",
        ),
        ("UTC", "1969-12-31T23:59:59.999999+00:00", "1969-12-31T23:00:00+00:00", "1969-12-31"),
    ],
)
def test_edges(timezone: str, at: str, hour: str, day: str) -> None:
    assert bucket(micros(at), timezone) == Bucket(
        datetime.fromisoformat(hour), date.fromisoformat(day)
    )


@pytest.mark.parametrize("timezone", ZONES)
def test_an_hour_lies_in_one_day(timezone: str) -> None:
    """The key of the sums is the hour: it must never belong to two days."""
    start = micros("2024-01-01T00:00:00+00:00")
    seen: dict[datetime, date] = {}
    minutes: Counter[datetime] = Counter()
    for quarter in range(366 * 96):
        found = bucket(start + quarter * 900_000_000, timezone)
        assert seen.setdefault(found.hour, found.day) == found.day
        minutes[found.hour] += 15
    assert set(minutes.values()) <= {15, 30, 45, 60}
