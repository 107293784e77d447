"""Files and filters: the parts that decide, for all inputs."""

from __future__ import annotations

import csv
import io
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.serve.test_time import ranges, zones
from tillstream.serve.buckets import hour_starts, offsets
from tillstream.serve.export import csv_lines
from tillstream.serve.filters import Filters, read_filters
from tillstream.serve.forms import Column, Place, as_written, choose_form, harmless, in_csv, in_row
from tillstream.serve.problems import ProblemFound
from tillstream.serve.ranges import Days, Period, compared_with, like_for_like, parts_of

PLACE = Place("EUR", ZoneInfo("Europe/Berlin"))
# What spreadsheets begin a formula with, and what may stand before it.
dangerous = st.text("=+-@\t\r\n'＝＋－＠ aé\",;1", max_size=8)  # noqa: RUF001 - full width


# -- cells ----------------------------------------------------------------------------------------


@given(dangerous | st.text(max_size=30))
def test_a_cell_begins_no_formula_and_says_what_was_written(text: str) -> None:
    cell = harmless(text)
    assert cell.lstrip("'").lstrip()[:1] not in {*"=+-@＝＋－＠"} or cell.startswith("'")  # noqa: RUF001
    assert cell[:1] not in {*"=+-@\t\r\n＝＋－＠"}  # noqa: RUF001
    assert as_written(cell) == text


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+49 30 1234", "'+49 30 1234"),
        ("  @SUM(A1)", "'  @SUM(A1)"),
        ("'=1", "''=1"),
        ("'t Hooft", "'t Hooft"),
        ("Eve = Adam", "Eve = Adam"),
        ("", ""),
    ],
)
def test_only_what_looks_like_a_formula_gets_an_apostrophe(text: str, cell: str) -> None:
    assert harmless(text) == cell


@given(st.lists(dangerous | st.text(max_size=30), max_size=4))
def test_no_cell_of_a_list_that_is_split_begins_a_formula(texts: list[str]) -> None:
    """A spreadsheet that splits lines at semicolons makes cells of what a list has between them."""
    told = in_csv("texts", texts, PLACE)
    assert all(piece.strip()[:1] not in {*"=+-@＝＋－＠"} for piece in told.split(";"))  # noqa: RUF001
    plain = [text.replace(";", "") for text in texts]
    told = in_csv("texts", plain, PLACE)
    assert [as_written(one) for one in told.split("; ")] == (plain or [""])


@given(st.lists(st.lists(dangerous, min_size=2, max_size=2), min_size=1, max_size=5))
def test_lines_are_read_as_they_were_written(rows: list[list[str]]) -> None:
    lines = csv_lines([[in_csv("text", cell, PLACE) for cell in row] for row in rows])
    assert not lines.startswith(b"\xef\xbb\xbf")
    read = list(csv.reader(io.StringIO(lines.decode(), newline="")))
    assert [[as_written(cell) for cell in row] for row in read] == rows


def test_each_kind_has_its_form() -> None:
    noon = datetime(2026, 7, 1, 12, tzinfo=UTC)
    columns = [
        Column("a", "id"), Column("b", "money"), Column("c", "time"), Column("d", "date"),
        Column("e", "flag"), Column("f", "texts"), Column("g", "number"), Column("h", "count"),
    ]  # fmt: skip
    row = [5, -12_345_000, noon, date(2026, 7, 1), True, ["A", "=B"], 0.25, 7]
    cells = [in_csv(column.kind, value, PLACE) for column, value in zip(columns, row, strict=True)]
    assert cells == [
        "5", "-1234.50", "2026-07-01T14:00:00+02:00", "2026-07-01", "true", "A; '=B", "0.25", "7"
    ]  # fmt: skip
    shown = in_row(columns, row, PLACE)
    assert (shown["a"], shown["b"], shown["c"].isoformat()) == ("5", "-1234.50", cells[2])
    assert [in_csv(column.kind, None, PLACE) for column in columns] == [""] * len(columns)
    assert set(in_row(columns, [None] * len(columns), PLACE).values()) == {None}


@pytest.mark.parametrize(
    ("path", "accept", "form"),
    [
        ("/orders", None, "json"),
        ("/orders", "*/*", "json"),
        ("/orders", "text/csv", "csv"),
        ("/orders", "text/*", "csv"),
        ("/orders", "application/json, text/csv", "json"),
        ("/orders", "application/json;q=0.5, text/csv", "csv"),
        ("/orders", "text/csv;q=0.1, application/vnd.apache.parquet;q=0.2", "parquet"),
        ("/orders", "text/csv;q=0, */*;q=0.1", "json"),
        ("/orders", "image/png", "json"),
        ("/orders", ",;q=,;", "json"),
        ("/orders.csv", "application/json", "csv"),
        ("/orders.parquet", "text/html,*/*", "parquet"),
    ],
)
def test_the_suffix_or_the_header_chooses_the_form(
    path: str, accept: str | None, form: str
) -> None:
    assert choose_form(path, accept) == form


@given(st.text(max_size=60))
def test_any_header_chooses_some_form(accept: str) -> None:
    assert choose_form("/orders", accept) in {"json", "csv", "parquet"}


# -- ranges ---------------------------------------------------------------------------------------


@given(ranges(), st.integers(-40, 40))
def test_parts_come_to_each_day_once(days: Days, ahead: int) -> None:
    counted: Counter[date] = Counter()
    for sign, grain, first in parts_of(days, days.last + timedelta(days=ahead)):
        after = first + timedelta(days=1)
        if grain == "month":
            assert first.day == 1
            after = (first + timedelta(days=31)).replace(day=1)
        for n in range((after - first).days):
            counted[first + timedelta(days=n)] += sign
    assert {day: times for day, times in counted.items() if times} == dict.fromkeys(days, 1)


@given(ranges())
def test_no_whole_month_is_read_by_the_day(days: Days) -> None:
    singles = [day for _, grain, day in parts_of(days, days.last) if grain == "day"]
    assert len({(day.year, day.month) for day in singles}) <= 2
    # What lies ahead has no rows, whether or not it is subtracted.
    assert len([day for day in singles if day <= days.last]) <= 45


@given(ranges(400), st.sampled_from(["previous", "year"]), st.integers(-500, 500), zones, st.data())
def test_like_is_compared_with_like(
    days: Days, compare: str, offset: int, name: str, data: st.DataObject
) -> None:
    zone = ZoneInfo(name)
    minutes = data.draw(st.integers(0, 24 * 60 - 1))
    noon = datetime.combine(days.last, datetime.min.time(), UTC)
    now = noon + timedelta(days=offset, minutes=minutes)
    today = now.astimezone(zone).date()
    period = like_for_like(days, "previous" if compare == "previous" else "year", now, zone)
    assert period is not None
    assert period.days == compared_with(days, "previous" if compare == "previous" else "year")
    if not days.first <= today <= days.last:
        assert period == Period(period.days)
        assert period.whole == period.days
        return
    assert period.until is not None
    assert period.days.first <= period.until.date() <= period.days.last
    assert period.until.time() == now.astimezone(zone).time()
    if compare == "previous":
        # As many days are over as in the range itself.
        assert (today - days.first).days == (period.until.date() - period.days.first).days
    whole = [] if period.whole is None else list(period.whole)
    assert [*whole, period.cut_day] == [day for day in period.days if day <= period.until.date()]


@given(ranges(800), zones)
def test_offsets_tell_the_local_hour_of_every_hour(days: Days, name: str) -> None:
    zone = ZoneInfo(name)
    spans = offsets(days, zone)
    assert spans[0].since == days.hours_after
    assert spans[-1].until == days.hours_before
    assert all(one.until == two.since for one, two in pairwise(spans))
    few = Days(days.first, min(days.last, days.first + timedelta(days=5)))
    for start in [*hour_starts(few, name), *(span.since for span in spans)]:
        span = next(one for one in spans if one.since <= start < one.until)
        told = start + timedelta(seconds=span.seconds)
        assert told.replace(tzinfo=None) == start.astimezone(zone).replace(tzinfo=None)


# -- filters --------------------------------------------------------------------------------------

some = st.none() | st.text(max_size=20)


@given(some, some, some, some)
def test_filters_are_what_orders_can_have_or_refused(
    channel: str | None, country: str | None, product: str | None, code: str | None
) -> None:
    try:
        found = read_filters(channel, country, product, code)
    except ProblemFound:
        return
    assert (found.channel, found.discount_code) == (channel, code)
    assert len(found.country or "DE") == 2
    assert int(found.product or "0") < 2**63
    assert len(found.wanted) == 4 - [channel, country, product, code].count(None)


def test_filters_are_written_one_way() -> None:
    assert read_filters(None, "de", "007", None) == Filters(country="DE", product="7")
    assert Filters().known is None
    assert "shipping" in (Filters(channel="").known or ())
    assert "shipping" not in (Filters(channel="web", product="7").known or ())
