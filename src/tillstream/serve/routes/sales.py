"""The figures of a range, along time, and by the hour of the week."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final
from zoneinfo import ZoneInfo

from fastapi import Query, Response

from tillstream.foundation.database import Connection
from tillstream.rollup.measures import MEASURES, Measure
from tillstream.serve import sales_models as models
from tillstream.serve.asking import Frame, PlainQuestion, Question
from tillstream.serve.buckets import Interval, fill_hours, sum_by_date
from tillstream.serve.export import file_answer
from tillstream.serve.figures import BUYERS, FIGURES, Buyers, Sums, buyers_of, figures_of
from tillstream.serve.filters import AnyFilters, Filters
from tillstream.serve.forms import Column, Place, in_row
from tillstream.serve.panels import once, panel, panels, table_answer
from tillstream.serve.problems import invalid
from tillstream.serve.questions.filtered import FilteredSums
from tillstream.serve.questions.hours import hours_of_week
from tillstream.serve.questions.sums import periods_of, sums_by_day, sums_by_hour
from tillstream.serve.ranges import Compare, Days, Period, like_for_like, start_of_day
from tillstream.serve.scope import FALLBACK_CURRENCY, FALLBACK_TIMEZONE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from tillstream.serve.export import Row
    from tillstream.serve.figures import Figure

router = panels()

MOST_POINTS: Final = 4_000
_POINTS_A_DAY: Final[dict[Interval, float]] = {"hour": 24, "day": 1, "week": 1 / 7, "month": 1 / 28}
_FIGURES_OF_PERIODS: Final = (*FIGURES, *BUYERS)
_PERIOD: Final = (Column("from", "date"), Column("to", "date"), Column("until", "time"))
_HOUR: Final = (
    Column("orders", "count"),
    Column("gross_sales", "money"),
    Column("net_sales", "money"),
    Column("total_sales", "money"),
    Column("units_sold", "count"),
)
_MEASURE: Final = (
    Column("name", "text"),
    Column("label", "text"),
    Column("unit", "text"),
    Column("adds", "text"),
    Column("definition", "text"),
    Column("choice", "text"),
    Column("source", "text"),
    Column("shown", "flag"),
)
# Definitions have no amounts and no times.
_NOWHERE: Final = Place(FALLBACK_CURRENCY, ZoneInfo(FALLBACK_TIMEZONE))
_POINT: Final = (Column("start", "time"), *FIGURES)


@panel(router, "/stats", models.Stats)
async def stats(
    asked: Question,
    filters: AnyFilters,
    compare: Annotated[
        Compare, Query(examples=["year"], description="The earlier period to compare with.")
    ] = "previous",
) -> dict[str, object] | Response:
    """The figures of a range of days, with those of an earlier period.

    `compare=previous` is as many days directly before, `year` the same dates a year earlier
    (29 February compares with 28 February). Where the range holds today, the earlier period counts
    up to the same time of day only, and says so: `comparison.until`. An account without stores gets
    zeros in USD and UTC. Under a filter, figures that it does not tell apart are null.
    """
    async with asked.opened() as (connection, frame):
        earlier = like_for_like(frame.days, compare, frame.now, frame.scope.zone)
        periods = [Period(frame.days)] if earlier is None else [Period(frame.days), earlier]
        found = await _figures(connection, frame, periods, filters)
    if asked.form != "json":
        rows = [
            [period.days.first, period.days.last, period.until, *figures.values()]
            for period, figures in zip(periods, found, strict=True)
        ]
        return table_answer(asked, frame, "stats", (*_PERIOD, *_FIGURES_OF_PERIODS), rows)
    shown = [
        _period(frame, period, figures) for period, figures in zip(periods, found, strict=True)
    ]
    return {**shown[0], "comparison": None if earlier is None else shown[1]}


async def _figures(
    connection: Connection, frame: Frame, periods: Sequence[Period], filters: Filters
) -> list[dict[str, Figure]]:
    """Figures, and those of customers, of each period."""
    known = filters.known
    found: Sequence[tuple[Sums, Buyers | None]]
    if known is None:
        found = await periods_of(connection, frame.tenant_id, frame.scope, periods)
    else:
        question = FilteredSums(connection, frame.tenant_id, frame.scope, filters)
        found = [(await question.of_period(period), None) for period in periods]
    return [{**figures_of(sums, known), **buyers_of(buyers)} for sums, buyers in found]


def _period(frame: Frame, period: Period, figures: Mapping[str, Figure]) -> dict[str, object]:
    return {
        **frame.told,
        "from": period.days.first,
        "to": period.days.last,
        "until": period.until,
        **_shown(figures, _FIGURES_OF_PERIODS, frame.place),
        "as_of": frame.now.astimezone(frame.scope.zone),
    }


def _shown(
    figures: Mapping[str, Figure], columns: Sequence[Column], place: Place
) -> dict[str, Any]:
    return in_row(columns, [figures[one.name] for one in columns], place)


@panel(router, "/sales-over-time", models.SalesOverTime)
async def sales_over_time(
    asked: Question,
    filters: AnyFilters,
    interval: Annotated[
        Interval, Query(examples=["week"], description="How long a point lasts.")
    ] = "day",
) -> dict[str, object] | Response:
    """Every measure along time; buckets without any sale are there, with zeros.

    Weeks begin on Monday. The first week or month may begin before the range, but counts the
    range's days only. Days on which clocks change have 23 or 25 hours.
    """
    async with asked.opened() as (connection, frame):
        _refuse_too_fine(frame.days, interval)
        points = await _points(connection, frame, interval, filters)
    told = [(start, figures_of(sums, filters.known)) for start, sums in points]
    if asked.form != "json":
        rows = [[start, *figures.values()] for start, figures in told]
        return table_answer(asked, frame, "sales-over-time", _POINT, rows)
    return {
        "interval": interval,
        **frame.told,
        "points": [
            {"start": start, **_shown(figures, FIGURES, frame.place)} for start, figures in told
        ],
    }


def _refuse_too_fine(days: Days, interval: Interval) -> None:
    if len(days) * _POINTS_A_DAY[interval] > MOST_POINTS:
        detail = (
            f"That is more than {MOST_POINTS} points: ask for a coarser interval or fewer days."
        )
        raise invalid("query.interval", detail)


async def _points(
    connection: Connection, frame: Frame, interval: Interval, filters: Filters
) -> list[tuple[datetime, Sums]]:
    zone, days = frame.scope.zone, frame.days
    if interval == "hour":
        hours = await _by_hour(connection, frame, filters)
        filled = fill_hours(hours, days, frame.scope.timezone, Sums())
        return [(start.astimezone(zone), sums) for start, sums in filled]
    rows = await _by_day(connection, frame, filters)
    buckets = sum_by_date(rows, days, interval, Sums(), Sums.__add__)
    return [(start_of_day(start, zone), sums) for start, sums in buckets]


async def _by_hour(
    connection: Connection, frame: Frame, filters: Filters
) -> Mapping[datetime, Sums]:
    if filters.wanted:
        question = FilteredSums(connection, frame.tenant_id, frame.scope, filters)
        return await question.by_hour(frame.days)
    return await sums_by_hour(connection, frame.tenant_id, frame.scope, frame.days)


async def _by_day(
    connection: Connection, frame: Frame, filters: Filters
) -> Sequence[tuple[date, Sums]]:
    if filters.wanted:
        question = FilteredSums(connection, frame.tenant_id, frame.scope, filters)
        return await question.by_day(frame.days)
    return await sums_by_day(connection, frame.tenant_id, frame.scope, frame.days)


@panel(router, "/heat-map", models.HeatMap)
async def heat_map(asked: Question, filters: AnyFilters) -> dict[str, object] | Response:
    """Sales by the hour of the week, in the shop's time zone; hours without any are there."""
    async with asked.opened() as (connection, frame):
        sums = await hours_of_week(connection, frame, filters)
    rows = [
        [weekday, hour, *(getattr(one, column.name) for column in _HOUR)]
        for weekday in range(1, 8)
        for hour in range(24)
        for one in [sums.get((weekday, hour), Sums())]
    ]
    columns = (Column("weekday", "count"), Column("hour", "count"), *_HOUR)
    if asked.form != "json":
        return table_answer(asked, frame, "heat-map", columns, rows)
    return {**frame.told, "cells": [in_row(columns, row, frame.place) for row in rows]}


@panel(router, "/measures", models.Measures)
async def measures(asked: PlainQuestion) -> dict[str, object] | Response:
    """What each figure is: its definition, where that comes from, and what was chosen."""
    async with asked.transaction():
        rows = [_measure(one) for one in MEASURES]
    if asked.form != "json":
        return file_answer("measures", asked.form, _MEASURE, once(rows), _NOWHERE)
    return {"measures": [in_row(_MEASURE, row, _NOWHERE) for row in rows]}


def _measure(one: Measure) -> Row:
    shown = one.name in {figure.name for figure in _FIGURES_OF_PERIODS}
    return (one.name, one.label, one.unit, one.adds, one.definition, one.choice, one.source, shown)
