"""Customers, their cohorts and how often they come back, by what a booking changed.

A customer's record is read, turned and written; rhythm and cohorts take the difference between what
the customer gave them before and gives them now.
"""

from __future__ import annotations

from bisect import insort
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from tillstream.foundation.statements import json_text, statement
from tillstream.mirror.merge import Store
from tillstream.mirror.rows import instant
from tillstream.rollup import cohorts
from tillstream.rollup.buckets import bucket
from tillstream.rollup.cohorts import Activity
from tillstream.rollup.entries import total_sales
from tillstream.rollup.rhythm import FIRST, Pair, pairs
from tillstream.rollup.segments import bin_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date

    from tillstream.foundation.database import Connection
    from tillstream.rollup.book import Booked
    from tillstream.rollup.zones import Profile

_PACKAGE = "tillstream.rollup"
_LOAD = statement(_PACKAGE, "load_customers")
_WRITE = statement(_PACKAGE, "write_customers")
_SWEEP = statement(_PACKAGE, "sweep_customers")
_ADD_RHYTHM = statement(_PACKAGE, "add_rhythm")
_SWEEP_RHYTHM = statement(_PACKAGE, "sweep_rhythm")
_ADD_COHORTS = statement(_PACKAGE, "add_cohorts")
_SWEEP_COHORTS = statement(_PACKAGE, "sweep_cohorts")
_ADD_SPREAD = statement(_PACKAGE, "add_spread")
_SWEEP_SPREAD = statement(_PACKAGE, "sweep_spread")

MOMENTS: Final = msgspec.json.Decoder(list[tuple[int, int]])
"""Reads ``rollup.customers.moments``: time in µs and id of each order placed, in order."""


class Record(NamedTuple):
    """What is kept of a customer: the orders placed, and the months with anything in them."""

    moments: list[tuple[int, int]]
    months: list[tuple[date, int, int]]

    @property
    def total_spent(self) -> int:
        """In ten-thousandths."""
        return sum(spent for _, _, spent in self.months)

    @property
    def nothing(self) -> bool:
        """Whether the ledger says nothing of the customer, or what it says comes to nothing."""
        return not self.moments and not self.months


class Rank(NamedTuple):
    """A row of ``rollup.spread``: customers of one bin of a dimension are counted together."""

    dimension: str
    bin: int


class Turn(NamedTuple):
    """How one customer's record changes: orders that are placed no more, new ones, and by month."""

    gone: set[tuple[int, int]]
    come: set[tuple[int, int]]
    months: dict[date, Activity]


NOTHING: Final = Record([], [])


async def add_to_customers(
    connection: Connection, booked: Booked, profiles: Mapping[Store, Profile]
) -> None:
    """Let customers, rhythm and cohorts follow the ledger."""
    turns = turns_of(booked)
    if not turns:
        return
    known = await _known(connection, turns)
    written: dict[tuple[Store, int], Record] = {}
    rhythm: Counter[tuple[Store, Pair]] = Counter()
    added: dict[tuple[Store, date, date], cohorts.Row] = {}
    spread: Counter[tuple[Store, Rank]] = Counter()
    for key, turn in sorted(turns.items()):
        store = key[0]
        day_of = _days(profiles[store].timezone)
        before = known.get(key, NOTHING)
        after = written[key] = turned(before, turn)
        if after.moments != before.moments:
            rhythm.subtract({(store, pair): n for pair, n in pairs(before.moments, day_of).items()})
            rhythm.update({(store, pair): n for pair, n in pairs(after.moments, day_of).items()})
        for (cohort, month), row in cohorts.difference(
            given(before, day_of), given(after, day_of)
        ).items():
            place = (store, cohort, month)
            added[place] = cohorts.plus(added.get(place, cohorts.NOTHING), row)
        spread.subtract((store, one) for one in ranks(before, day_of))
        spread.update((store, one) for one in ranks(after, day_of))
    await _write(connection, written)
    await add_rhythm(connection, rhythm)
    await add_cohorts(connection, added)
    await add_spread(connection, spread)


def turns_of(booked: Booked) -> dict[tuple[Store, int], Turn]:
    """What a booking means to each customer whose orders it touched."""
    turns: dict[tuple[Store, int], Turn] = {}
    for posted, sign in ((booked.removed, -1), (booked.added, 1)):
        for one in posted:
            if one.entry.customer_id is None or one.source.source != "order":
                continue
            key = (one.source.store, one.entry.customer_id)
            turn = turns.setdefault(key, Turn(set(), set(), {}))
            placed = one.entry.entry == "placement"
            if placed:
                moment = (one.entry.at, int(one.source.source_id))
                (turn.come if sign > 0 else turn.gone).add(moment)
            month = cohorts.month_of(one.bucket.day)
            there = turn.months.get(month, Activity(0, 0))
            turn.months[month] = Activity(
                there.orders + sign * placed, there.spent + sign * total_sales(one.entry.amounts)
            )
    return turns


def turned(before: Record, turn: Turn) -> Record:
    """A customer's record after a turn. Pure."""
    moments = [moment for moment in before.moments if moment not in turn.gone]
    for moment in turn.come:
        insort(moments, moment)
    return Record(moments, cohorts.moved(before.months, turn.months))


def given(record: Record, day_of: Callable[[int], date]) -> dict[tuple[date, date], cohorts.Row]:
    """What a customer gives to the cohorts."""
    first = day_of(record.moments[0][0]) if record.moments else None
    return cohorts.contributions(first, record.months)


def ranks(record: Record, day_of: Callable[[int], date]) -> list[Rank]:
    """Where a customer stands among the others; nowhere without orders."""
    if not record.moments:
        return []
    return [
        Rank("last_day", day_of(record.moments[-1][0]).toordinal()),
        Rank("orders", len(record.moments)),
        Rank("spent", bin_of(record.total_spent)),
    ]


def _days(zone: str) -> Callable[[int], date]:
    return lambda at: bucket(at, zone).day


async def _known(
    connection: Connection, customers: Iterable[tuple[Store, int]]
) -> dict[tuple[Store, int], Record]:
    keys = [{**store.columns, "customer_id": customer_id} for store, customer_id in customers]
    cursor = await connection.execute(_LOAD, (json_text(keys),))
    return {
        (Store(tenant_id, store_id), customer_id): Record(
            MOMENTS.decode(moments), cohorts.MONTHS.decode(months)
        )
        for tenant_id, store_id, customer_id, moments, months in await cursor.fetchall()
    }


async def _write(connection: Connection, written: Mapping[tuple[Store, int], Record]) -> None:
    """Write what is known of customers; whom nothing is known of has no row."""
    rows: list[dict[str, Any]] = []
    gone: list[dict[str, Any]] = []
    for (store, customer_id), record in written.items():
        key = {**store.columns, "customer_id": customer_id}
        if record.nothing:
            gone.append(key)
        else:
            rows.append({**key, **_row(record)})
    if rows:
        await connection.execute(_WRITE, (json_text(rows),))
    if gone:
        await connection.execute(_SWEEP, (json_text(gone),))


def _row(record: Record) -> dict[str, Any]:
    moments = record.moments
    return {
        "orders": len(moments),
        "total_spent": record.total_spent,
        "first_order_at": instant(moments[0][0]) if moments else None,
        "last_order_at": instant(moments[-1][0]) if moments else None,
        "moments": moments,
        "months": record.months,
    }


async def add_rhythm(connection: Connection, differences: Mapping[tuple[Store, Pair], int]) -> None:
    """Add differences to ``rollup.rhythm``."""
    rows: list[dict[str, Any]] = [
        {
            **store.columns,
            "day": pair.day,
            "previous_day": "-infinity" if pair.previous_day == FIRST else pair.previous_day,
            "second": pair.second,
            "orders": orders,
        }
        for (store, pair), orders in sorted(differences.items())
        if orders
    ]
    if rows:
        await connection.execute(_ADD_RHYTHM, (json_text(rows),))
    lessened = [row for row in rows if row["orders"] < 0]
    if lessened:
        await connection.execute(_SWEEP_RHYTHM, (json_text(lessened),))


async def add_cohorts(
    connection: Connection, differences: Mapping[tuple[Store, date, date], cohorts.Row]
) -> None:
    """Add differences to ``rollup.cohorts``."""
    rows: list[dict[str, Any]] = [
        {**store.columns, "cohort": cohort, "month": month, **row._asdict()}
        for (store, cohort, month), row in sorted(differences.items())
        if any(row)
    ]
    if not rows:
        return
    cursor = await connection.execute(_ADD_COHORTS, (json_text(rows),))
    if nothing := await cursor.fetchall():
        keys = [
            dict(zip(("tenant_id", "store_id", "cohort", "month"), key, strict=True))
            for key in nothing
        ]
        await connection.execute(_SWEEP_COHORTS, (json_text(keys),))


async def add_spread(connection: Connection, differences: Mapping[tuple[Store, Rank], int]) -> None:
    """Add differences to ``rollup.spread``."""
    rows: list[dict[str, Any]] = [
        {**store.columns, **rank._asdict(), "customers": customers}
        for (store, rank), customers in sorted(differences.items())
        if customers
    ]
    if rows:
        await connection.execute(_ADD_SPREAD, (json_text(rows),))
    lessened = [row for row in rows if row["customers"] < 0]
    if lessened:
        await connection.execute(_SWEEP_SPREAD, (json_text(lessened),))
