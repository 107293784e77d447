"""Booking: put what orders and checkouts contribute into the ledger, and the difference into the sums.

Runs in the transaction that merged the mirror, so that figures and rows never disagree.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tillstream.foundation.statements import json_text, statement
from tillstream.mirror.merge import Store
from tillstream.mirror.rows import instant
from tillstream.rollup.breakdown import (
    Cell,
    Dated,
    differences,
    read_lines,
    written_lines,
)
from tillstream.rollup.breakdown_statements import ADD_BREAKDOWN, SWEEP_BREAKDOWN
from tillstream.rollup.buckets import Bucket, bucket
from tillstream.rollup.customers import add_to_customers
from tillstream.rollup.entries import NO_FACETS, Entry, Facets
from tillstream.rollup.ledger_statements import (
    ADD_SUMS,
    LOAD_LEDGER,
    SWEEP_SUMS,
    WRITE_LEDGER,
    WRITE_SENT,
)
from tillstream.rollup.measures import ADDITIVE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from tillstream.foundation.database import Connection
    from tillstream.rollup.happenings import Amounts
    from tillstream.rollup.zones import Profile

_DELETE_LEDGER = statement("tillstream.rollup", "delete_ledger")

_OTHERS: Final = 8
"""Columns between an entry's key and its amounts: facets, lines and when it was sent."""
_HOUR: Final = (*Store._fields, "hour")
_CELL: Final = (*Store._fields, *Cell._fields[1:])


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

    Returns:
        What changed of them. That an order was sent is in the ledger and in its own sums, and changes
        nothing else: entries of which only that is new are left out.
    """
    if not contributions:
        return Booked([], [])
    posted = await posted_of(connection, contributions.keys())
    wanted = [
        Posted(source, entry, bucket(entry.at, profiles[source.store].timezone))
        for source, entries in contributions.items()
        for entry in entries
    ]
    booked, sent = _difference(posted, wanted)
    await _write(connection, booked)
    await _write_sent(connection, sent)
    await _add_to_sums(connection, booked)
    await _add_to_breakdown(connection, booked, sent)
    await add_to_customers(connection, booked, profiles)
    return booked


async def posted_of(connection: Connection, sources: Iterable[Source]) -> list[Posted]:
    """What the ledger holds for these sources."""
    keys = [
        {**source.store.columns, "source": source.source, "source_id": source.source_id}
        for source in sources
    ]
    cursor = await connection.execute(LOAD_LEDGER, (json_text(keys),))
    return [_read(row) for row in await cursor.fetchall()]


def _read(row: tuple[Any, ...]) -> Posted:
    tenant_id, store_id, source, source_id, entry, at, hour, day, customer_id, *rest = row
    channel, country, region, referrer, landing, codes, lines, sent_after = rest[:_OTHERS]
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
            sent_after,
        ),
        Bucket(hour, day),
    )


def _difference(posted: list[Posted], wanted: list[Posted]) -> tuple[Booked, Booked]:
    """What changed; and apart from it, what differs in nothing but when it was sent."""
    before = {(one.source, one.entry.entry): one for one in posted}
    after = {(one.source, one.entry.entry): one for one in wanted}
    removed = {key: one for key, one in before.items() if after.get(key) != one}
    added = {key: one for key, one in after.items() if before.get(key) != one}
    sent = [key for key, one in added.items() if key in removed and _alike(removed[key], one)]
    apart = Booked([removed.pop(key) for key in sent], [added.pop(key) for key in sent])
    return Booked([*removed.values()], [*added.values()]), apart


def _alike(one: Posted, other: Posted) -> bool:
    """Whether two differ in nothing but when they were sent."""
    entry = one.entry._replace(sent_after=other.entry.sent_after)
    return one._replace(entry=entry) == other


async def _write(connection: Connection, booked: Booked) -> None:
    kept = {(one.source, one.entry.entry) for one in booked.added}
    gone = [_key(one) for one in booked.removed if (one.source, one.entry.entry) not in kept]
    if gone:
        await connection.execute(_DELETE_LEDGER, (json_text(gone),))
    await write_entries(connection, booked.added)


async def _write_sent(connection: Connection, sent: Booked) -> None:
    rows = [
        {
            **_key(one),
            "at": instant(one.entry.at),
            "hour": one.bucket.hour,
            "day": one.bucket.day,
            "sent_after": one.entry.sent_after,
        }
        for one in sent.added
    ]
    if rows:
        await connection.execute(WRITE_SENT, (json_text(rows),))


async def write_entries(connection: Connection, posted: Sequence[Posted]) -> None:
    """Put entries into the ledger, over what is there of them, and into no sum."""
    if not posted:
        return
    rows = [
        {
            **_key(one),
            "at": instant(one.entry.at),
            "hour": one.bucket.hour,
            "day": one.bucket.day,
            "customer_id": one.entry.customer_id,
            **_facets(one.entry.facets),
            "lines": written_lines(one.entry.lines),
            "sent_after": one.entry.sent_after,
            **one.entry.amounts,
        }
        for one in posted
    ]
    await connection.execute(WRITE_LEDGER, (json_text(rows),))


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
    sums: defaultdict[tuple[Store, datetime], Counter[str]] = defaultdict(Counter)
    days: dict[tuple[Store, datetime], date] = {}
    for one in booked.removed:
        sums[one.source.store, one.bucket.hour].subtract(one.entry.amounts)
        days[one.source.store, one.bucket.hour] = one.bucket.day
    for one in booked.added:
        sums[one.source.store, one.bucket.hour].update(one.entry.amounts)
        # That of the entry that comes: the other may be what is being put right.
        days[one.source.store, one.bucket.hour] = one.bucket.day
    rows = [
        {**store.columns, "hour": hour, "day": days[store, hour], **amounts}
        for (store, hour), amounts in sorted(sums.items(), key=lambda item: item[0])
        if any(amounts.values())
    ]
    if not rows:
        return
    cursor = await connection.execute(ADD_SUMS, (json_text(rows),))
    if nothing := await cursor.fetchall():
        await connection.execute(SWEEP_SUMS, (json_text(_keyed(nothing, _HOUR)),))


async def _add_to_breakdown(connection: Connection, booked: Booked, sent: Booked) -> None:
    dated = [
        Dated(sign, one.source.store, one.bucket.day, one.entry)
        for posted, sign in (
            (booked.removed, -1),
            (booked.added, 1),
            # Their sales are what they were.
            (map(_without_sales, sent.removed), -1),
            (map(_without_sales, sent.added), 1),
        )
        for one in posted
        if one.source.source == "order"
    ]
    rows = [
        {
            **cell.store.columns,
            "dimension": cell.dimension,
            "grain": cell.grain,
            "day": cell.day,
            "value": cell.value,
            **amounts,
        }
        for cell, amounts in sorted(differences(dated).items(), key=_by_cell)
    ]
    if not rows:
        return
    cursor = await connection.execute(ADD_BREAKDOWN, (json_text(rows),))
    if nothing := await cursor.fetchall():
        await connection.execute(SWEEP_BREAKDOWN, (json_text(_keyed(nothing, _CELL)),))


def _without_sales(one: Posted) -> Posted:
    return one._replace(entry=one.entry._replace(amounts={}, lines=()))


def _by_cell(row: tuple[Cell, Amounts]) -> Cell:
    return row[0]


def _keyed(rows: Iterable[Sequence[object]], names: Sequence[str]) -> list[dict[str, object]]:
    return [dict(zip(names, row, strict=True)) for row in rows]
