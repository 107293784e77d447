"""Putting right what a survey found, in the one transaction that holds the store's lock.

Deliveries may have come since the survey. What is made of rows below is made anew of those as they
are now; a sum gets added what it lacked: whatever is booked meanwhile adds to the sum and to its
entries alike, so what it lacks stays the same.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, LiteralString, TypeVar

from tillstream.foundation.database import set_tenants
from tillstream.foundation.statements import json_text
from tillstream.mirror import absorption, projections
from tillstream.mirror.merge import MIRRORED, Merged
from tillstream.rollup import breakdown, cohorts
from tillstream.rollup.book import Booked, Source, book, posted_of
from tillstream.rollup.breakdown_statements import ADD_BREAKDOWN
from tillstream.rollup.buckets import bucket
from tillstream.rollup.checkouts import Reference, contributions, derive, stage
from tillstream.rollup.columns import each
from tillstream.rollup.company import Spans, bought
from tillstream.rollup.customers import (
    MOMENTS,
    Record,
    add_cohorts,
    add_rhythm,
    add_spread,
    add_to_customers,
    given,
    ranks,
)
from tillstream.rollup.ledger_statements import ADD_SUMS
from tillstream.rollup.ownership import contributed
from tillstream.rollup.prospects import follow_prospects, settle_prospects
from tillstream.rollup.rhythm import pairs
from tillstream.rollup.stock import MADE_OF, named, settle_stock

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from tillstream.foundation.database import Connection
    from tillstream.mirror.change import Resource
    from tillstream.mirror.merge import Store
    from tillstream.rollup.customers import Rank
    from tillstream.rollup.findings import Findings
    from tillstream.rollup.rhythm import Pair
    from tillstream.rollup.zones import Profile

T = TypeVar("T")

_CHUNK: Final = 1000
_NOTHING: Final = Merged([], [], [], [], [])

_DATE_HOURS: LiteralString = """
UPDATE rollup.sums AS s SET day = k.day
FROM json_to_recordset(%s::json) AS k (hour timestamptz, day date)
WHERE s.tenant_id = %s AND s.store_id = %s AND s.hour = k.hour
"""
_DROP_STANDINGS: LiteralString = """
DELETE FROM rollup.checkouts AS r
WHERE r.tenant_id = %s AND r.store_id = %s AND r.token = ANY (%s) AND NOT EXISTS (
  SELECT FROM mirror.checkouts AS c
  WHERE c.tenant_id = r.tenant_id AND c.store_id = r.store_id AND c.token = r.token)
"""
_BY_CUSTOMER: LiteralString = """
SELECT token FROM mirror.checkouts WHERE tenant_id = %s AND store_id = %s AND token = ANY (%s)
ORDER BY customer_id, token
"""
_RECORDS: LiteralString = """
DELETE FROM rollup.customers WHERE tenant_id = %s AND store_id = %s AND customer_id = ANY (%s)
RETURNING moments::text, months::text
"""
_ORDERS_OF: LiteralString = """
SELECT DISTINCT source_id FROM rollup.ledger
WHERE tenant_id = %s AND store_id = %s AND source = 'order' AND customer_id = ANY (%s)
"""
# Rows of nothing: corrections leave them, and so may whoever wrote there by hand.
_SWEEPS: tuple[LiteralString, ...] = (
    f"DELETE FROM rollup.sums WHERE tenant_id = %s AND store_id = %s AND {each('$ = 0', ' AND ')}",  # noqa: S608
    "DELETE FROM rollup.rhythm WHERE tenant_id = %s AND store_id = %s AND orders = 0",
    (
        "DELETE FROM rollup.cohorts WHERE tenant_id = %s AND store_id = %s "
        "AND customers = 0 AND orders = 0 AND total_spent = 0"
    ),
)
_SWEEP_BREAKDOWN: LiteralString = f"""
DELETE FROM rollup.breakdown
WHERE tenant_id = %s AND store_id = %s AND {each("$ = 0", " AND ", breakdown.MEASURES)}
"""  # noqa: S608 - made of literals only


async def mend(connection: Connection, found: Findings, profile: Profile, now: int) -> None:
    """Put right everything that a survey found.

    Args:
        connection: of the worker role, in a transaction that holds the store's lock.
        found: by a survey of this store in the same zone; nobody else may have mended it since.
        profile: what its figures are made with.
        now: µs since the epoch.
    """
    store = found.store
    await set_tenants(connection, [store.tenant_id])
    if found.missing:
        await absorption.absorb(connection, store, found.missing)
    await projections.mend(connection, store, found.rows)
    await _mend_stock(connection, found)
    orders, tokens = _concerned(found)
    spans = await _book_orders(connection, store, orders, profile)
    await _book_checkouts(connection, store, tokens, spans, profile, now)
    await _mend_sums(connection, found)
    await _mend_customers(connection, found, profile)
    prospects = found.customers | found.prospects
    await settle_prospects(connection, {(store, customer_id) for customer_id in prospects})
    for sweep in _SWEEPS:
        await connection.execute(sweep, store)


def _concerned(found: Findings) -> tuple[set[str], set[str]]:
    """The orders (by id) and the checkouts (by token) whose entries are to be booked anew."""
    orders = {one.source_id for one in found.sources if one.source == "order"}
    tokens = {one.source_id for one in found.sources if one.source == "checkout"} | found.tokens
    for one in found.missing:
        if one.change.resource == "order":
            orders.add(str(one.change.key))
        elif one.change.resource == "checkout":
            tokens.add(str(one.change.key))
    return orders, tokens


async def _book_orders(
    connection: Connection, store: Store, orders: Iterable[str], profile: Profile
) -> Spans:
    """Book what orders contribute now; from when to when that changed something for shoppers."""
    spans = Spans()
    for chunk in _chunks(sorted(orders)):
        keys = [{**store._asdict(), "id": key} for key in chunk]
        cursor = await connection.execute(MIRRORED["order"].load, (json_text(keys),))
        states = {key: state for _, _, state, key in await cursor.fetchall()}
        entries = await contributed(connection, store, states)
        # One that is not there contributes nothing.
        wanted = {Source(store, "order", key): [] for key in chunk} | entries
        booked = await book(connection, wanted, {store: profile})
        await follow_prospects(connection, _NOTHING, booked)
        for shopper, span in (await bought(connection, _NOTHING, booked)).items():
            spans.widen(shopper, span.since)
            spans.widen(shopper, span.until)
    return spans


async def _book_checkouts(
    connection: Connection,
    store: Store,
    tokens: set[str],
    spans: Spans,
    profile: Profile,
    now: int,
) -> None:
    """Let checkouts stand where they should, and book what they contribute."""
    profiles = {store: profile}
    await connection.execute(_DROP_STANDINGS, (*store, sorted(tokens)))
    cursor = await connection.execute(_BY_CUSTOMER, (*store, sorted(tokens)))
    ordered = [token for (token,) in await cursor.fetchall()]
    for chunk in _chunks(ordered) or [[]]:
        told = [Reference(store, token) for token in chunk]
        staged = await stage(connection, told, [], profiles, now, bought=spans, anew=[store])
        spans = Spans()
        await book(connection, contributions(staged), profiles)
        await book(
            connection, contributions(await derive(connection, told, [], profiles, now)), profiles
        )
    # Those that are not there contribute nothing.
    gone = sorted(tokens - set(ordered))
    await book(connection, {Source(store, "checkout", token): [] for token in gone}, profiles)


async def _mend_stock(connection: Connection, found: Findings) -> None:
    """Make the stock anew that was wrong, or that is made of what was."""
    keys: dict[Resource, set[int | str]] = {
        resource: set(found.rows.get(resource, ())) for resource in MADE_OF
    }
    for one in found.missing:
        if one.change.resource in keys:
            keys[one.change.resource].add(one.change.key)
    keys["product"] |= found.stock
    await settle_stock(connection, named(found.store, keys))


async def _mend_sums(connection: Connection, found: Findings) -> None:
    store = found.store
    if found.days:
        rows = [{"hour": hour, "day": day} for hour, day in found.days.items()]
        await connection.execute(_DATE_HOURS, (json_text(rows), *store))
    for chunk in _chunks(found.sums):
        await connection.execute(ADD_SUMS, (json_text(chunk),))
    for chunk in _chunks(found.breakdown):
        await connection.execute(ADD_BREAKDOWN, (json_text(chunk),))
    if found.breakdown:
        await connection.execute(_SWEEP_BREAKDOWN, store)
    await add_rhythm(connection, found.rhythm)
    await add_cohorts(connection, found.cohorts)
    await add_spread(connection, found.spread)


async def _mend_customers(connection: Connection, found: Findings, profile: Profile) -> None:
    """Make customers anew of the ledger, taking back what they gave to rhythm, spread and cohorts."""
    store = found.store

    def day_of(at: int) -> date:
        return bucket(at, profile.timezone).day

    for chunk in _chunks(sorted(found.customers)):
        taken: Counter[tuple[Store, Pair]] = Counter()
        left: Counter[tuple[Store, Rank]] = Counter()
        back: dict[tuple[Store, date, date], cohorts.Row] = {}
        cursor = await connection.execute(_RECORDS, (*store, chunk))
        for moments, months in await cursor.fetchall():
            record = Record(MOMENTS.decode(moments), cohorts.MONTHS.decode(months))
            taken.subtract({(store, pair): n for pair, n in pairs(record.moments, day_of).items()})
            left.subtract((store, rank) for rank in ranks(record, day_of))
            for place, row in given(record, day_of).items():
                key = (store, *place)
                back[key] = cohorts.minus(back.get(key, cohorts.NOTHING), row)
        await add_rhythm(connection, taken)
        await add_spread(connection, left)
        await add_cohorts(connection, back)
        cursor = await connection.execute(_ORDERS_OF, (*store, chunk))
        sources = [Source(store, "order", key) for (key,) in await cursor.fetchall()]
        theirs = [
            one
            for one in await posted_of(connection, sources)
            if one.entry.customer_id in set(chunk)
        ]
        await add_to_customers(connection, Booked([], theirs), {store: profile})


def _chunks(items: Sequence[T]) -> list[Sequence[T]]:
    return [items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK)]
