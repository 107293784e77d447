"""Holding the sums of hours and days against the ledger: what each lacks."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, LiteralString

from tillstream.mirror.values import microseconds
from tillstream.rollup import breakdown
from tillstream.rollup.breakdown_statements import COMPARE_BREAKDOWN
from tillstream.rollup.buckets import bucket
from tillstream.rollup.columns import each
from tillstream.rollup.findings import Change, Difference, lacking, named
from tillstream.rollup.ledger_statements import COMPARE_SUMS
from tillstream.rollup.measures import ADDITIVE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from tillstream.foundation.database import Connection
    from tillstream.mirror.merge import Store
    from tillstream.rollup.findings import Findings

_HOURS: LiteralString = """
SELECT hour, (extract(epoch FROM hour) * 1000000)::bigint, day FROM rollup.sums
WHERE tenant_id = %s AND store_id = %s ORDER BY hour
"""
_BY_DAY: LiteralString = f"""
SELECT day, {each("sum($)::bigint")} FROM rollup.sums
WHERE tenant_id = %s AND store_id = %s GROUP BY day
"""  # noqa: S608 - made of literals only


async def survey_sums(connection: Connection, findings: Findings) -> None:
    """Whether each hour has the sum of its entries, and is on its day."""
    store = findings.store
    days: dict[datetime, date] = {}
    for hour, at, day in await (await connection.execute(_HOURS, store)).fetchall():
        days[hour] = right = bucket(at, findings.timezone).day
        if day != right:
            findings.days[hour] = right
            where = hour.isoformat()
            findings.add([Difference("sums", where, "day", str(day), str(right), day=str(right))])
    cursor = await connection.execute(COMPARE_SUMS, (*store, *store))
    for hour, *values in await cursor.fetchall():
        day = days.get(hour) or bucket(microseconds(hour), findings.timezone).day
        lack = lacking(ADDITIVE, values)
        findings.sums.append({**store._asdict(), "hour": hour, "day": day, **lack})
        findings.add(
            Difference("sums", hour.isoformat(), measure, str(a), str(b), day=str(day))
            for measure, a, b in named(ADDITIVE, values)
        )


async def survey_breakdown(connection: Connection, findings: Findings) -> None:
    """Whether each row of the breakdown has the sum of its entries' lines or facets."""
    store = findings.store
    cursor = await connection.execute(COMPARE_BREAKDOWN, (*store, *store))
    for dimension, grain, day, value, *values in await cursor.fetchall():
        cell = {"dimension": dimension, "grain": grain, "day": day, "value": value}
        lack = lacking(breakdown.MEASURES, values)
        findings.breakdown.append({**store._asdict(), **cell, **lack})
        where = f"{dimension} {value!r} {grain} {day}"
        findings.add(
            Difference("breakdown", where, measure, str(a), str(b), day=str(day))
            for measure, a, b in named(breakdown.MEASURES, values)
        )


async def changes_of_days(
    connection: Connection, store: Store, figures: Mapping[date, Counter[str]]
) -> list[Change]:
    """What the figures of each day are, and what they should be."""
    stored = {
        day: dict(zip(ADDITIVE, amounts, strict=True))
        for day, *amounts in await (await connection.execute(_BY_DAY, store)).fetchall()
    }
    nothing: Counter[str] = Counter()
    return [
        Change(day.isoformat(), measure, before, after)
        for day in sorted(stored.keys() | figures.keys())
        for measure in ADDITIVE
        if (before := stored.get(day, {}).get(measure, 0))
        != (after := figures.get(day, nothing)[measure])
    ]
