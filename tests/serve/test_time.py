"""Ranges, buckets and cursors: the parts that decide, for all inputs.

Zones are drawn from those with odd clocks: half hours, no midnight, a day that never was. Left out
is Newfoundland before 2011, which set its clocks back at 00:01, so that one hour lay in two days.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillstream.rollup.buckets import bucket
from tillstream.rollup.measures import ADDITIVE, MEASURES
from tillstream.serve.buckets import (
    DateInterval,
    Interval,
    date_starts,
    fill_hours,
    first_day,
    hour_starts,
    sum_by_date,
)
from tillstream.serve.cursors import CursorRefused, read_cursor, write_cursor
from tillstream.serve.figures import (
    BUYERS,
    FIGURES,
    OF_LINES,
    OF_ORDERS,
    Buyers,
    Sums,
    buyers_of,
    figures_of,
)
from tillstream.serve.ranges import (
    Days,
    RangeRefused,
    choose_days,
    compared_with,
    local_today,
    start_of_day,
)

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "Africa/Cairo",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "Etc/GMT+12",
)
zones = st.sampled_from(ZONES)
days_of_trade = st.dates(date(2006, 1, 1), date(2035, 12, 31))
intervals: st.SearchStrategy[DateInterval] = st.sampled_from(["day", "week", "month"])


@st.composite
def ranges(draw: st.DrawFn, longest: int = 800) -> Days:
    first = draw(days_of_trade)
    return Days(first, first + timedelta(days=draw(st.integers(0, longest))))


@given(ranges())
def test_the_previous_period_is_as_long_and_ends_the_day_before(days: Days) -> None:
    before = compared_with(days, "previous")
    assert before is not None
    assert len(before) == len(days)
    assert before.last + timedelta(days=1) == days.first


@given(ranges())
def test_a_year_earlier_has_the_same_dates(days: Days) -> None:
    earlier = compared_with(days, "year")
    assert earlier is not None
    for now, then in ((days.first, earlier.first), (days.last, earlier.last)):
        assert then.year == now.year - 1
        assert (then.month, then.day) in {(now.month, now.day), (2, 28)}
    assert compared_with(days, "none") is None


def test_a_leap_day_compares_with_the_day_before() -> None:
    leap = Days(date(2024, 2, 29), date(2024, 2, 29))
    assert compared_with(leap, "year") == Days(date(2023, 2, 28), date(2023, 2, 28))


@given(st.none() | st.dates(), st.none() | st.dates(), days_of_trade)
def test_a_chosen_range_is_in_order_or_refused(
    first: date | None, last: date | None, today: date
) -> None:
    try:
        days = choose_days(first, last, today)
    except RangeRefused:
        return
    assert days.first <= days.last
    assert first in {None, days.first}
    assert last in {None, days.last}
    assert (first is None and last is None) <= (len(days) == 30 and days.last == today)


@given(ranges(5), zones)
def test_hours_lie_in_their_days_and_leave_no_gap(days: Days, zone: str) -> None:
    starts = hour_starts(days, zone)
    assert starts == sorted(set(starts))
    for start in starts:
        found = bucket(
            (start - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1), zone
        )
        # Where clocks go back by half an hour, the half that comes again is a bucket of its own,
        # named by when its hour would have begun: within the one before.
        assert found.hour == start or (zone == "Australia/Lord_Howe" and found.hour in starts)
    for one, two in pairwise(starts):
        assert two - one <= timedelta(hours=2)
    assert all(days.hours_after <= start < days.hours_before for start in starts)


@given(st.datetimes(datetime(2006, 1, 1), datetime(2035, 12, 31)), zones)  # noqa: DTZ001
def test_every_instant_of_a_range_falls_into_one_of_its_hours(at: datetime, zone: str) -> None:
    instant = at.replace(tzinfo=UTC)
    micros = (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    hour, day = bucket(micros, zone)
    days = Days(day, day)
    assert hour in hour_starts(days, zone)
    assert days.hours_after <= hour < days.hours_before


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("Africa/Cairo", date(2026, 4, 24), 23),  # has no midnight
        ("Asia/Kolkata", date(2026, 3, 29), 24),
        ("Pacific/Apia", date(2011, 12, 30), 0),  # was skipped
    ],
)
def test_days_have_the_hours_that_clocks_showed(zone: str, day: date, hours: int) -> None:
    assert len(hour_starts(Days(day, day), zone)) == hours


@given(days_of_trade, zones)
def test_a_day_starts_with_its_first_instant(day: date, name: str) -> None:
    zone = ZoneInfo(name)
    start = start_of_day(day, zone)
    assert start.date() >= day
    before = (start.astimezone(UTC) - timedelta(microseconds=1)).astimezone(zone)
    assert before.date() < day
    assert local_today(start, zone) == start.date()


@given(ranges(), intervals)
def test_buckets_cover_each_day_once(days: Days, interval: DateInterval) -> None:
    starts = list(date_starts(days, interval))
    assert starts == sorted(set(starts))
    each = [days.first + timedelta(days=n) for n in range(len(days))]
    assert {first_day(day, interval) for day in each} == set(starts)
    if interval == "week":
        assert {start.weekday() for start in starts} == {0}


@given(ranges(60), intervals, st.data())
def test_sums_by_date_lose_nothing(days: Days, interval: DateInterval, data: st.DataObject) -> None:
    each = [days.first + timedelta(days=n) for n in range(len(days))]
    rows = data.draw(st.lists(st.tuples(st.sampled_from(each), st.integers(-9, 9))))
    buckets = sum_by_date(rows, days, interval, 0, int.__add__)
    assert sum(value for _, value in buckets) == sum(value for _, value in rows)


def test_an_hour_outside_the_grid_keeps_its_point() -> None:
    odd = datetime(2026, 3, 10, 9, 7, tzinfo=UTC)
    day = Days(date(2026, 3, 10), date(2026, 3, 10))
    points = fill_hours({odd: 5}, day, "UTC", 0)
    assert len(points) == 25
    assert (odd, 5) in points


@given(st.datetimes(timezones=st.just(UTC)), st.text(), st.integers(-(2**63), 2**63 - 1))
def test_cursors_come_back_as_they_were_or_not_at_all(at: datetime, text: str, number: int) -> None:
    cursor = write_cursor(at, text, number)
    assert cursor.isascii()
    if "\0" not in text:
        assert read_cursor(cursor, (datetime, str, int)) == (at, text, number)
    with pytest.raises(CursorRefused):
        read_cursor(cursor, (str, int))


@given(st.text() | st.binary().map(lambda raw: write_cursor(raw.hex())))
def test_made_up_cursors_are_refused(text: str) -> None:
    with pytest.raises(CursorRefused):
        read_cursor(text, (datetime, str, int))


def test_sums_are_the_registrys_additive_measures() -> None:
    assert tuple(Sums.__dataclass_fields__) == ADDITIVE


def test_every_public_measure_is_a_figure() -> None:
    shown = {**figures_of(Sums()), **buyers_of(Buyers())}
    kinds = {"money": "money", "count": "count", "rate": "number"}
    units = {measure.name: kinds[measure.unit] for measure in MEASURES}
    assert {measure.name for measure in MEASURES if measure.public} <= set(shown)
    assert {one.name: one.kind for one in (*FIGURES, *BUYERS)}.items() <= units.items()
    assert list(shown) == [one.name for one in (*FIGURES, *BUYERS)]


def test_figures_that_a_filter_hides_are_null() -> None:
    for known in (OF_ORDERS, OF_LINES):
        shown = figures_of(Sums(orders=1), known)
        assert {name for name, value in shown.items() if value is not None} == known
    assert set(buyers_of(None).values()) == {None}


measures = st.lists(st.integers(-(10**12), 10**12), min_size=len(ADDITIVE), max_size=len(ADDITIVE))


@given(measures, measures)
def test_derived_money_adds_up(one: list[int], two: list[int]) -> None:
    a, b = Sums.of(one), Sums.of(two)
    assert (a + b).total_sales == a.total_sales + b.total_sales
    assert (a + b).net_sales == a.gross_sales + b.gross_sales - sum(
        (a.discounts, b.discounts, a.sales_reversals, b.sales_reversals)
    )


def test_rates_without_a_denominator_are_null() -> None:
    shown = {**figures_of(Sums()), **buyers_of(Buyers())}
    assert shown["average_order_value"] is None
    assert shown["recovered_checkout_rate"] is None
    assert shown["returning_customer_rate"] is None
    assert shown["total_sales"] == 0


def test_interval_names_are_the_apis() -> None:
    assert Interval.__args__ == ("hour", "day", "week", "month")
