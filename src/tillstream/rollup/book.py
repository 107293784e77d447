"""Booking: put what orders and checkouts contribute into the ledger, and the difference into the sums.

Runs in the transaction that merged the mirror, so that figures and rows never disagree.
"""

from __future__ import annotations

from bisect import insort
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from tillstream.foundation.statements import statement
from tillstream.mirror.merge import Store
from tillstream.mirror.rows import instant
from tillstream.rollup.breakdown import read_lines, written_lines
from tillstream.rollup.buckets import Bucket, bucket
from tillstream.rollup.entries import NO_FACETS, Entry, Facets, total_sales
from tillstream.rollup.ledger_statements import ADD_SUMS, LOAD_LEDGER, SWEEP_SUMS, WRITE_LEDGER
from tillstream.rollup.measures import ADDITIVE
from tillstream.rollup.rhythm import Pair, pairs
from tillstream.rollup.zones import Profile, add_rhythm

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from tillstream.foundation.database import Connection

_PACKAGE = "tillstream.rollup"
_DELETE_LEDGER = statement(_PACKAGE, "delete_ledger")
_LOAD_CUSTOMERS = statement(_PACKAGE, "load_customers")
_WRITE_CUSTOMERS = statement(_PACKAGE, "write_customers")
_SWEEP_CUSTOMERS = statement(_PACKAGE, "sweep_customers")


_OTHERS: Final = 7
"""Columns between an entry's key and its amounts: facets and lines."""


class Source(NamedTuple):
    """Whose entries: an order by its id, or a checkout by its token."""

    store: Store
    source: str
    source_id: str


class Posted(NamedTuple):
    """An entry as it stands, or is to stand, in the ledger."""

    source: Source
    entry: Entry
    bucket: Bucket


class Booked(NamedTuple):
    """What a booking changed: entries that went and entries that came."""

    removed: list[Posted]
    added: list[Posted]


async def book(
    connection: Connection,
    contributions: Mapping[Source, list[Entry]],
    profiles: Mapping[Store, Profile],
) -> Booked:
    """Make the ledger hold exactly ``contributions`` for their sources.

    Args:
        connection: in a transaction that holds the stores' locks.
        contributions: all entries of each source that may have changed.
        profiles: of every store concerned.
    """
    if not contributions:
        return Booked([], [])
    posted = await posted_of(connection, contributions.keys())
    wanted = [
        Posted(source, entry, bucket(entry.at, profiles[source.store].timezone))
        for source, entries in contributions.items()
        for entry in entries
    ]
    booked = _difference(posted, wanted)
    await _write(connection, booked)
    await _add_to_sums(connection, booked)
    await _add_to_customers(connection, booked, profiles)
    return booked


async def posted_of(connection: Connection, sources: Iterable[Source]) -> list[Posted]:
    """What the ledger holds for these sources."""
    keys = [
        {**source.store._asdict(), "source": source.source, "source_id": source.source_id}
        for source in sources
    ]
    cursor = await connection.execute(LOAD_LEDGER, (_json(keys),))
    return [_read(row) for row in await cursor.fetchall()]


def _read(row: tuple[Any, ...]) -> Posted:
    tenant_id, store_id, source, source_id, entry, at, hour, day, customer_id, *rest = row
    channel, country, region, referrer, landing, codes, lines = rest[:_OTHERS]
    amounts = zip(ADDITIVE, rest[_OTHERS:], strict=True)
    return Posted(
        Source(Store(tenant_id, store_id), source, source_id),
        Entry(
            entry,
            at,
            customer_id,
            {measure: amount for measure, amount in amounts if amount},
            () if lines is None else read_lines(lines),
            Facets(channel, country, region, referrer, landing, tuple(codes or ())),
        ),
        Bucket(hour, day),
    )


def _difference(posted: list[Posted], wanted: list[Posted]) -> Booked:
    before = {(one.source, one.entry.entry): one for one in posted}
    after = {(one.source, one.entry.entry): one for one in wanted}
    return Booked(
        removed=[one for key, one in before.items() if after.get(key) != one],
        added=[one for key, one in after.items() if before.get(key) != one],
    )


async def _write(connection: Connection, booked: Booked) -> None:
    kept = {(one.source, one.entry.entry) for one in booked.added}
    gone = [_key(one) for one in booked.removed if (one.source, one.entry.entry) not in kept]
    if gone:
        await connection.execute(_DELETE_LEDGER, (_json(gone),))
    if booked.added:
        rows = [
            {
                **_key(one),
                "at": instant(one.entry.at),
                "hour": one.bucket.hour,
                "day": one.bucket.day,
                "customer_id": one.entry.customer_id,
                **_facets(one.entry.facets),
                "lines": written_lines(one.entry.lines),
                **one.entry.amounts,
            }
            for one in booked.added
        ]
        await connection.execute(WRITE_LEDGER, (_json(rows),))


def _facets(facets: Facets) -> dict[str, Any]:
    told = facets._asdict()
    return {**told, "discount_codes": facets.discount_codes or None} if facets != NO_FACETS else {}


def _key(one: Posted) -> dict[str, Any]:
    source = one.source
    return {
        "tenant_id": source.store.tenant_id,
        "store_id": source.store.store_id,
        "source": source.source,
        "source_id": source.source_id,
        "entry": one.entry.entry,
    }


async def _add_to_sums(connection: Connection, booked: Booked) -> None:
    sums: defaultdict[tuple[Store, Bucket], Counter[str]] = defaultdict(Counter)
    for one in booked.removed:
        sums[one.source.store, one.bucket].subtract(one.entry.amounts)
    for one in booked.added:
        sums[one.source.store, one.bucket].update(one.entry.amounts)
    rows = [
        {**store._asdict(), "hour": at.hour, "day": at.day, **amounts}
        for (store, at), amounts in sorted(sums.items(), key=lambda item: item[0])
        if any(amounts.values())
    ]
    if rows:
        await connection.execute(ADD_SUMS, (_json(rows),))
    # Entries that come may bring an hour to nothing too, if no placement or start is among them.
    swept = [
        row
        for row in rows
        if booked.removed or not any(map(row.get, ("orders", "checkouts", "abandoned_checkouts")))
    ]
    if swept:
        await connection.execute(SWEEP_SUMS, (_json(swept),))


class _Turn(NamedTuple):
    """How one customer's record changes."""

    gone: set[tuple[int, int]]
    come: set[tuple[int, int]]
    spent: int


async def _add_to_customers(
    connection: Connection, booked: Booked, profiles: Mapping[Store, Profile]
) -> None:
    turns = _turns(booked)
    if not turns:
        return
    keys = [{**store._asdict(), "customer_id": customer_id} for store, customer_id in turns]
    cursor = await connection.execute(_LOAD_CUSTOMERS, (_json(keys),))
    known: dict[tuple[Store, int], tuple[int, list[tuple[int, int]]]] = {
        (Store(tenant_id, store_id), customer_id): (spent, [(at, order) for at, order in moments])
        for tenant_id, store_id, customer_id, spent, moments in await cursor.fetchall()
    }
    rows: list[dict[str, Any]] = []
    rhythm: Counter[tuple[Store, Pair]] = Counter()
    for (store, customer_id), turn in sorted(turns.items()):
        spent, before = known.get((store, customer_id), (0, []))
        after = _moved(before, turn)
        if after != before:
            zone = profiles[store].timezone

            def day_of(at: int, zone: str = zone) -> date:
                return bucket(at, zone).day

            rhythm.subtract({(store, pair): n for pair, n in pairs(before, day_of).items()})
            rhythm.update({(store, pair): n for pair, n in pairs(after, day_of).items()})
        rows.append(
            {
                **store._asdict(),
                "customer_id": customer_id,
                "orders": len(after),
                "total_spent": spent + turn.spent,
                "first_order_at": instant(after[0][0]) if after else None,
                "last_order_at": instant(after[-1][0]) if after else None,
                "moments": after,
            }
        )
    await connection.execute(_WRITE_CUSTOMERS, (_json(rows),))
    emptied = [row for row in rows if not row["orders"] and not row["total_spent"]]
    if emptied:
        await connection.execute(_SWEEP_CUSTOMERS, (_json(emptied),))
    await add_rhythm(connection, rhythm)


def _turns(booked: Booked) -> dict[tuple[Store, int], _Turn]:
    gone: defaultdict[tuple[Store, int], set[tuple[int, int]]] = defaultdict(set)
    come: defaultdict[tuple[Store, int], set[tuple[int, int]]] = defaultdict(set)
    spent: Counter[tuple[Store, int]] = Counter()
    for posted, sign, moments in ((booked.removed, -1, gone), (booked.added, 1, come)):
        for one in posted:
            if one.entry.customer_id is None or one.source.source != "order":
                continue
            key = (one.source.store, one.entry.customer_id)
            spent[key] += sign * total_sales(one.entry.amounts)
            if one.entry.entry == "placement":
                moments[key].add((one.entry.at, int(one.source.source_id)))
    return {key: _Turn(gone[key], come[key], spent[key]) for key in spent}


def _moved(before: list[tuple[int, int]], turn: _Turn) -> list[tuple[int, int]]:
    after = [moment for moment in before if moment not in turn.gone]
    for moment in turn.come:
        insort(after, moment)
    return after


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
