"""A store with a year of orders, put in beside the journal: taking a million in would take too long.

What is written is what the real way leaves behind. Bodies are read by the mirror's readers, and
rows are made by its projections; entries are those of the ledger's functions, and every sum is made
of them as after a change of zone; checkouts are staged and booked as when a store is rebuilt. Left
out is only what deliveries leave of themselves: frames, the record of deliveries, live rows.
``tillstream verify`` finds nothing wrong with it.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final, LiteralString, TypeVar

import msgspec
from psycopg import sql

from tillstream.command.bench.drawn_store import (
    CURRENCY,
    ZONE,
    Extent,
    customers,
    shop,
    visits,
)
from tillstream.mirror import checkouts as mirrored_checkouts
from tillstream.mirror import customers as mirrored_customers
from tillstream.mirror import order_reading
from tillstream.mirror.join import encode, join_all
from tillstream.mirror.merge import MIRRORED, Store, merge
from tillstream.mirror.topics import read
from tillstream.rollup.book import Posted, Source, book, write_entries
from tillstream.rollup.buckets import bucket
from tillstream.rollup.checkouts import Reference, contributions, stage
from tillstream.rollup.entries import order_entries
from tillstream.rollup.prospects import settle_prospects, wrong_prospects
from tillstream.rollup.resum import resum
from tillstream.rollup.stock import restock
from tillstream.rollup.zones import Configured, settle_zones

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from tillstream.command.bench.drawn_store import Visit
    from tillstream.foundation.database import Connection
    from tillstream.mirror.change import Change
    from tillstream.mirror.rows import Row
    from tillstream.rollup.zones import Profile

_CHUNK: Final = 5_000
_WINDOW_SECONDS: Final = 600

_FIND: LiteralString = """
SELECT s.tenant_id, s.id FROM shops.stores AS s WHERE s.domain = %s AND s.removed_at IS NULL
"""
_SETTLE: LiteralString = "VACUUM (ANALYZE)"
_FLUSH: LiteralString = "CHECKPOINT"

T = TypeVar("T")


async def populate(
    connection: Connection,
    domain: str,
    orders: int,
    now: datetime,
    note: Callable[[str], None] = lambda _: None,
) -> None:
    """Give a connected store a year of ``orders`` up to ``now``.

    Args:
        connection: of a superuser, whom row-level security does not bind.
        domain: of the store, which tells neither zone nor currency itself.
        orders: how many, spread evenly over the year.
        now: when the last one was placed.
        note: is told how far it is.
    """
    row = await (await connection.execute(_FIND, (domain,))).fetchone()
    if row is None:
        message = f"{domain} is not connected."
        raise LookupError(message)
    store, extent = Store(*row), Extent(orders, now)
    await connection.execute("SET synchronous_commit = off")
    await connection.execute("SET work_mem = '256MB'")
    async with connection.transaction():
        await _tell_of_the_shop(connection, store, extent)
        configured = Configured(store, ZONE, CURRENCY, _WINDOW_SECONDS)
        profile = (await settle_zones(connection, [configured])).profiles[store]
    await _write_customers(connection, store, extent)
    tokens = await _write_visits(connection, store, extent, note)
    async with connection.transaction():
        note(f"{orders:,} orders in the ledger; summing")
        await resum(connection, store, profile.timezone)
        wrong = await wrong_prospects(connection, store)
        await settle_prospects(connection, {(store, customer_id) for customer_id, _ in wrong})
        await restock(connection, store)
    await _stage(connection, tokens, profile, now, note)


async def settle(connection: Connection) -> None:
    """Do at once what autovacuum and the checkpointer would do in the next minutes."""
    await connection.execute(_SETTLE)
    await connection.execute(_FLUSH)


async def _tell_of_the_shop(connection: Connection, store: Store, extent: Extent) -> None:
    for told in _chunks(shop(extent)):
        changes = (
            change for topic, body in told for change in read(topic, msgspec.json.encode(body))
        )
        await merge(connection, ((store, change) for change in changes))


async def _write_customers(connection: Connection, store: Store, extent: Extent) -> None:
    for bodies in _chunks(customers(extent)):
        async with connection.transaction():
            changes = [mirrored_customers.read(body)[0] for body in bodies]
            await _copy(connection, store, changes)


async def _write_visits(
    connection: Connection, store: Store, extent: Extent, note: Callable[[str], None]
) -> list[Reference]:
    """Orders with their entries, and checkouts; returns whom to stage."""
    tokens: list[Reference] = []
    written = 0
    for chunk in _chunks(visits(extent)):
        async with connection.transaction():
            await _write_orders(connection, store, chunk)
            changes = [_checkout(one) for one in chunk]
            await _copy(connection, store, changes)
            tokens += [Reference(store, str(change.key)) for change in changes]
        written += len(chunk)
        if written // 100_000 > (written - len(chunk)) // 100_000:
            note(f"{written:,} visits written")
    return tokens


def _checkout(visit: Visit) -> Change:
    told = [mirrored_checkouts.read(body)[0] for body in visit.checkout]
    return told[0]._replace(element=join_all(one.element for one in told))


async def _write_orders(connection: Connection, store: Store, chunk: Sequence[Visit]) -> None:
    changes = [order_reading.read(one.order)[0] for one in chunk if one.order is not None]
    views = await _copy(connection, store, changes)
    await write_entries(
        connection,
        [
            Posted(
                Source(store, "order", str(order.id)),
                # All of them customers that were merged with nobody.
                entry,
                bucket(entry.at, ZONE),
            )
            for order in views
            for entry in order_entries(order)
        ],
    )


async def _stage(
    connection: Connection,
    tokens: Sequence[Reference],
    profile: Profile,
    now: datetime,
    note: Callable[[str], None],
) -> None:
    """As rebuilding does: the orders are booked, so the checkouts can be."""
    at = int(now.timestamp() * 1_000_000)
    for start in range(0, len(tokens), _CHUNK):
        chunk = tokens[start : start + _CHUNK]
        profiles = {chunk[0].store: profile}
        async with connection.transaction():
            staged = await stage(connection, chunk, [], profiles, at)
            await book(connection, contributions(staged), profiles)
        if start % (20 * _CHUNK) == 0:
            note(f"{start + len(chunk):,} checkouts staged")


async def _copy(connection: Connection, store: Store, changes: Sequence[Change]) -> list[Any]:
    """Write resources of one kind, and what hangs on them, that are new; returns them."""
    if not changes:
        return []
    mirrored = MIRRORED[changes[0].resource]
    views = [mirrored.view(change.key, change.element) for change in changes]
    rows = [
        {**store._asdict(), **mirrored.row(view), "state": encode(change.element)}
        for view, change in zip(views, changes, strict=True)
    ]
    await _copy_rows(connection, mirrored.table, rows)
    for child in mirrored.children:
        hanging = [{**store._asdict(), **row} for view in views for row in child.rows(view)]
        await _copy_rows(connection, child.table, hanging)
    return views


async def _copy_rows(connection: Connection, table: str, rows: Sequence[Row]) -> None:
    if not rows:
        return
    query = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier("mirror", table), sql.SQL(", ").join(map(sql.Identifier, rows[0]))
    )
    async with connection.cursor().copy(query) as copy:
        for row in rows:
            await copy.write_row(tuple(row.values()))


def _chunks(items: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, _CHUNK)):
        yield chunk
