"""Holding customers against the ledger, and what is summed of customers against them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final, LiteralString

from tillstream.foundation.database import streamed
from tillstream.rollup import cohorts
from tillstream.rollup.buckets import bucket
from tillstream.rollup.customers import MOMENTS, Rank, Record, Turn, given, ranks, turned
from tillstream.rollup.findings import Difference, named
from tillstream.rollup.prospects import wrong_prospects
from tillstream.rollup.rhythm import FIRST, Pair, pairs

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence
    from datetime import date

    from tillstream.foundation.database import Connection
    from tillstream.mirror.merge import Store
    from tillstream.rollup.findings import Findings

# Total sales as entries.total_sales has it.
_OF_CUSTOMERS: LiteralString = """
SELECT customer_id, date_trunc('month', day::timestamp)::date, entry = 'placement',
  (extract(epoch FROM at) * 1000000)::bigint, source_id::bigint,
  gross_sales - discounts - sales_reversals + shipping + taxes + duties + additional_fees
FROM rollup.ledger
WHERE tenant_id = %s AND store_id = %s AND source = 'order' AND customer_id IS NOT NULL
ORDER BY customer_id
"""
_CUSTOMERS: LiteralString = """
SELECT customer_id, orders, total_spent, (extract(epoch FROM first_order_at) * 1000000)::bigint,
  (extract(epoch FROM last_order_at) * 1000000)::bigint, moments::text, months::text
FROM rollup.customers WHERE tenant_id = %s AND store_id = %s ORDER BY customer_id
"""
_RHYTHM: LiteralString = """
SELECT day, nullif(previous_day, '-infinity'), second, orders FROM rollup.rhythm
WHERE tenant_id = %s AND store_id = %s
"""
_COHORTS: LiteralString = """
SELECT cohort, month, customers, orders, total_spent FROM rollup.cohorts
WHERE tenant_id = %s AND store_id = %s
"""
_SPREAD: LiteralString = """
SELECT dimension, bin, customers FROM rollup.spread WHERE tenant_id = %s AND store_id = %s
"""

_NOBODY: Final = Record([], [])


async def survey_customers(connection: Connection, findings: Findings) -> None:
    """Customers against the ledger; rhythm, cohorts, spread and prospects against the customers."""

    def day_of(at: int) -> date:
        return bucket(at, findings.timezone).day

    rhythm: Counter[Pair] = Counter()
    given_by_all: dict[tuple[date, date], cohorts.Row] = {}
    spread: Counter[Rank] = Counter()
    async for customer_id, wanted, row in _side_by_side(connection, findings.store):
        stored = (
            _NOBODY
            if row is None
            else Record(MOMENTS.decode(row[4]), cohorts.MONTHS.decode(row[5]))
        )
        rhythm.update(pairs(stored.moments, day_of))
        spread.update(ranks(stored, day_of))
        for place, added in given(stored, day_of).items():
            given_by_all[place] = cohorts.plus(given_by_all.get(place, cohorts.NOTHING), added)
        compared = _customer_compared(stored, row, wanted)
        if compared:
            findings.customers.add(customer_id)
            where = f"customer {customer_id}"
            findings.add(
                Difference("customers", where, column, str(a), str(b)) for column, a, b in compared
            )
    await _survey_rhythm(connection, findings, rhythm)
    await _survey_cohorts(connection, findings, given_by_all)
    await _survey_spread(connection, findings, spread)
    await _survey_prospects(connection, findings)


def _customer_compared(
    stored: Record, row: Sequence[Any] | None, wanted: Record
) -> list[tuple[str, object, object]]:
    if row is None or wanted.nothing:
        here = "missing" if row is None else "present"
        there = "missing" if wanted.nothing else "present"
        return [("", here, there)] if here != there else []
    moments = wanted.moments
    columns = [
        ("orders", row[0], len(moments)),
        ("total_spent", row[1], sum(spent for _, _, spent in wanted.months)),
        ("first_order_at", row[2], moments[0][0] if moments else None),
        ("last_order_at", row[3], moments[-1][0] if moments else None),
        ("moments", stored.moments, moments),
        ("months", stored.months, wanted.months),
    ]
    return [(name, a, b) for name, a, b in columns if a != b]


async def _side_by_side(
    connection: Connection, store: Store
) -> AsyncGenerator[tuple[int, Record, Sequence[Any] | None]]:
    """Every customer: as the ledger has it, and as it is stored."""
    stored = {
        row[0]: row[1:] async for row in streamed(connection, "survey_customers", _CUSTOMERS, store)
    }
    async for customer_id, record in _records(connection, store):
        yield customer_id, record, stored.pop(customer_id, None)
    for customer_id, row in stored.items():
        yield customer_id, _NOBODY, row


async def _records(connection: Connection, store: Store) -> AsyncGenerator[tuple[int, Record]]:
    """Customers by their entries, one after the other."""
    turn = Turn(set(), set(), {})
    current: int | None = None
    async for row in streamed(connection, "survey_entries", _OF_CUSTOMERS, store):
        customer_id, month, placed, at, order_id, spent = row
        if customer_id != current:
            if current is not None:
                yield current, turned(_NOBODY, turn)
            current, turn = customer_id, Turn(set(), set(), {})
        if placed:
            turn.come.add((at, order_id))
        there = turn.months.get(month, cohorts.Activity(0, 0))
        turn.months[month] = cohorts.Activity(there.orders + placed, there.spent + spent)
    if current is not None:
        yield current, turned(_NOBODY, turn)


async def _survey_rhythm(connection: Connection, findings: Findings, wanted: Counter[Pair]) -> None:
    cursor = await connection.execute(_RHYTHM, findings.store)
    stored = {
        Pair(day, previous or FIRST, second): orders
        for day, previous, second, orders in await cursor.fetchall()
    }
    for pair in sorted(stored.keys() | wanted.keys()):
        here, there = stored.get(pair, 0), wanted.get(pair, 0)
        if here != there or (pair in stored and not there):
            findings.rhythm[findings.store, pair] = there - here
            previous = "no day" if pair.previous_day == FIRST else str(pair.previous_day)
            where = f"orders of {pair.day} after one of {previous}{', second' * pair.second}"
            # A row of nothing should not be there.
            name, a, b = ("orders", here, there) if here or there else ("", "present", "missing")
            difference = Difference("rhythm", where, name, str(a), str(b), day=str(pair.day))
            findings.add([difference])


async def _survey_cohorts(
    connection: Connection, findings: Findings, wanted: Mapping[tuple[date, date], cohorts.Row]
) -> None:
    cursor = await connection.execute(_COHORTS, findings.store)
    stored = {
        (cohort, month): cohorts.Row(*amounts)
        for cohort, month, *amounts in await cursor.fetchall()
    }
    for place in sorted(stored.keys() | wanted.keys()):
        here = stored.get(place, cohorts.NOTHING)
        there = wanted.get(place, cohorts.NOTHING)
        if here == there and (any(there) or place not in stored):
            continue
        cohort, month = place
        findings.cohorts[findings.store, cohort, month] = cohorts.minus(there, here)
        where = f"cohort {cohort:%Y-%m} in {month:%Y-%m}"
        findings.add(
            Difference("cohorts", where, name, str(a), str(b), day=str(month))
            for name, a, b in named(cohorts.Row._fields, [*here, *there])
        )


async def _survey_spread(connection: Connection, findings: Findings, wanted: Counter[Rank]) -> None:
    cursor = await connection.execute(_SPREAD, findings.store)
    stored = {Rank(*key): customers for *key, customers in await cursor.fetchall()}
    for rank in sorted(stored.keys() | wanted.keys()):
        here, there = stored.get(rank, 0), wanted.get(rank, 0)
        if here != there or (rank in stored and not there):
            findings.spread[findings.store, rank] = there - here
            where = f"customers of {rank.dimension} {rank.bin}"
            findings.add([Difference("spread", where, "customers", str(here), str(there))])


async def _survey_prospects(connection: Connection, findings: Findings) -> None:
    for customer_id, listed in await wrong_prospects(connection, findings.store):
        findings.prospects.add(customer_id)
        here, there = ("present", "missing") if listed else ("missing", "present")
        findings.add([Difference("prospects", f"customer {customer_id}", "", here, there)])
