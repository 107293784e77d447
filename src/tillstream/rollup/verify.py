"""Checking everything against everything: projections and ledger against the mirror, sums against the ledger.

And the state hash: a digest of what the deliveries of a store mean (mirror, ledger, sums), not of
when or how often they came, so that it is equal wherever the same deliveries were applied.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import msgspec
from psycopg import sql

from tillstream.mirror import orders as mirrored_orders
from tillstream.mirror.join import decode
from tillstream.rollup.book import Posted, Source, posted_of
from tillstream.rollup.buckets import bucket
from tillstream.rollup.checkouts import Reference, contributions, derive
from tillstream.rollup.entries import Entry, order_entries, total_sales
from tillstream.rollup.ledger_statements import COMPARE_SUMS
from tillstream.rollup.measures import ADDITIVE
from tillstream.rollup.rhythm import FIRST, Pair, pairs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping
    from datetime import date

    from tillstream.foundation.database import Connection
    from tillstream.mirror.merge import Store
    from tillstream.rollup.checkouts import Staged
    from tillstream.rollup.zones import Profile

# Every table that says what the deliveries mean, with the columns that order its rows.
HASHED: Final[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
    ("mirror", "shops", ("updated_at",)),
    ("mirror", "orders", ("id",)),
    ("mirror", "order_lines", ("order_id", "id")),
    ("mirror", "refunds", ("order_id", "id")),
    ("mirror", "checkouts", ("token",)),
    ("mirror", "customers", ("id",)),
    ("mirror", "products", ("id",)),
    ("mirror", "variants", ("product_id", "id")),
    ("mirror", "transactions", ("id",)),
    ("mirror", "tender_transactions", ("id",)),
    ("mirror", "fulfillments", ("id",)),
    ("mirror", "returns", ("id",)),
    ("mirror", "draft_orders", ("id",)),
    ("mirror", "disputes", ("id",)),
    ("mirror", "carts", ("token",)),
    ("rollup", "ledger", ("source", "source_id", "entry")),
    ("rollup", "sums", ("hour",)),
    ("rollup", "rhythm", ("day", "previous_day", "second")),
    ("rollup", "customers", ("customer_id",)),
    ("rollup", "checkouts", ("token",)),
    ("rollup", "breakdown", ("dimension", "grain", "day", "value")),
    ("rollup", "cohorts", ("cohort", "month")),
)

_CHUNK: Final = 2000
_MOST: Final = 100
"""Differences that are listed for a store; more are only counted."""


class Difference(msgspec.Struct, frozen=True):
    """One disagreement: what is stored, and what it should be."""

    level: str
    """``ledger``, ``stages``, ``sums`` or ``customers``."""
    where: str
    """The order, checkout, hour or customer concerned."""
    measure: str
    stored: str
    expected: str


class StoreReport(msgspec.Struct):
    """What verifying one store found."""

    domain: str
    state_hash: str
    orders: int
    differences: list[Difference]


async def state_hash(connection: Connection, store: Store) -> str:
    """A digest of all that is known of a store; hexadecimal SHA-256."""
    digest = hashlib.sha256()
    await connection.execute("SET LOCAL TimeZone = 'UTC'")
    await connection.execute("SET LOCAL DateStyle = 'ISO'")
    for schema, table, order in HASHED:
        digest.update(f"{schema}.{table}\n".encode())
        async for chunk in _table(connection, store, schema, table, order):
            digest.update(chunk)
    return digest.hexdigest()


async def _table(
    connection: Connection, store: Store, schema: str, table: str, order: tuple[str, ...]
) -> AsyncIterator[bytes]:
    """The rows of a store without its own key, in an order that no locale changes."""
    cursor = await connection.execute(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = %s AND table_name = %s "
        "AND column_name NOT IN ('tenant_id', 'store_id') ORDER BY ordinal_position",
        (schema, table),
    )
    types = dict(await cursor.fetchall())
    query = sql.SQL(
        "COPY (SELECT {columns} FROM {table} WHERE tenant_id = {tenant} AND store_id = {store} "
        "ORDER BY {order}) TO STDOUT"
    ).format(
        columns=sql.SQL(", ").join(map(sql.Identifier, types)),
        table=sql.Identifier(schema, table),
        tenant=sql.Literal(store.tenant_id),
        store=sql.Literal(store.store_id),
        order=sql.SQL(", ").join(
            sql.SQL('{} COLLATE "C"').format(sql.Identifier(name))
            if types[name] == "text"
            else sql.Identifier(name)
            for name in order
        ),
    )
    async with connection.cursor().copy(query) as copy:
        async for chunk in copy:
            yield bytes(chunk)


async def verify_store(
    connection: Connection,
    store: Store,
    domain: str,
    profile: Profile,
    now: int,
    progress: Callable[[int], None] = lambda _: None,
) -> StoreReport:
    """Recompute a store and compare; in the caller's transaction, which should be repeatable-read."""
    differences: list[Difference] = []
    orders = 0
    placements: dict[int, list[tuple[int, int]]] = {}
    spent: Counter[int] = Counter()
    async for batch in order_batches(connection, store):
        orders += len(batch)
        progress(orders)
        await _check_ledger(connection, store, batch, profile, differences)
        for source, entries in batch.items():
            for entry in entries:
                if entry.customer_id is not None:
                    spent[entry.customer_id] += total_sales(entry.amounts)
                    if entry.entry == "placement":
                        placements.setdefault(entry.customer_id, []).append(
                            (entry.at, int(source.source_id))
                        )
    async for tokens in token_batches(connection, store):
        staged = await derive(connection, tokens, [], {store: profile}, now)
        await _check_stages(connection, store, staged, differences)
        await _check_ledger(connection, store, contributions(staged), profile, differences)
    await _check_orphans(connection, store, differences)
    await _check_sums(connection, store, differences)
    await _check_customers(connection, store, placements, spent, profile, differences)
    return StoreReport(domain, await state_hash(connection, store), orders, differences[:_MOST])


async def order_batches(
    connection: Connection, store: Store
) -> AsyncIterator[dict[Source, list[Entry]]]:
    """What a store's orders contribute, some orders at a time."""
    after = -1
    while True:
        cursor = await connection.execute(
            "SELECT id, state::text FROM mirror.orders WHERE tenant_id = %s AND store_id = %s AND id > %s "
            "ORDER BY id LIMIT %s",
            (*store, after, _CHUNK),
        )
        rows = await cursor.fetchall()
        if not rows:
            return
        after = rows[-1][0]
        yield {
            Source(store, "order", str(key)): order_entries(
                mirrored_orders.view(key, decode(state))
            )
            for key, state in rows
        }


async def token_batches(connection: Connection, store: Store) -> AsyncIterator[list[Reference]]:
    """The tokens of a store's checkouts, some at a time."""
    after = ""
    while True:
        cursor = await connection.execute(
            "SELECT token FROM mirror.checkouts WHERE tenant_id = %s AND store_id = %s AND token > %s "
            "ORDER BY token LIMIT %s",
            (*store, after, _CHUNK),
        )
        rows = await cursor.fetchall()
        if not rows:
            return
        after = rows[-1][0]
        yield [Reference(store, token) for (token,) in rows]


async def _check_ledger(
    connection: Connection,
    store: Store,
    expected: Mapping[Source, list[Entry]],
    profile: Profile,
    differences: list[Difference],
) -> None:
    if not expected:
        return
    stored = {
        (one.source, one.entry.entry): one for one in await posted_of(connection, expected.keys())
    }
    wanted = {
        (source, entry.entry): Posted(source, entry, bucket(entry.at, profile.timezone))
        for source, entries in expected.items()
        for entry in entries
        if source.store == store
    }
    for key in sorted(stored.keys() | wanted.keys()):
        if stored.get(key) != wanted.get(key):
            source, entry = key
            where = f"{source.source} {source.source_id} {entry}"
            differences.extend(_entry_differences(where, stored.get(key), wanted.get(key)))


def _entry_differences(
    where: str, stored: Posted | None, wanted: Posted | None
) -> Iterable[Difference]:
    if stored is None or wanted is None:
        here, there = ("missing", "present") if stored is None else ("present", "missing")
        yield Difference("ledger", where, "", here, there)
        return
    for measure in ADDITIVE:
        a, b = stored.entry.amounts.get(measure, 0), wanted.entry.amounts.get(measure, 0)
        if a != b:
            yield Difference("ledger", where, measure, str(a), str(b))
    here, there = ((one.bucket, one.entry.at, one.entry.customer_id) for one in (stored, wanted))
    if here != there:
        yield Difference("ledger", where, "time or customer", str(here), str(there))


async def _check_stages(
    connection: Connection, store: Store, staged: Iterable[Staged], differences: list[Difference]
) -> None:
    """Whether each checkout stands in the stage that its times give."""
    wanted = {one.checkout.token: (one.life.stage, one.life.counted) for one in staged}
    cursor = await connection.execute(
        "SELECT token, stage, counted FROM rollup.checkouts "
        "WHERE tenant_id = %s AND store_id = %s AND token = ANY (%s)",
        (*store, list(wanted)),
    )
    stored = {token: (stage, counted) for token, stage, counted in await cursor.fetchall()}
    differences.extend(
        Difference("stages", f"checkout {token}", "", str(stored.get(token)), str(stage))
        for token, stage in sorted(wanted.items())
        if stored.get(token) != stage
    )


async def _check_orphans(
    connection: Connection, store: Store, differences: list[Difference]
) -> None:
    """Entries of orders and checkouts that the mirror does not have."""
    cursor = await connection.execute(
        "SELECT l.source, l.source_id, l.entry FROM rollup.ledger AS l "
        "WHERE l.tenant_id = %s AND l.store_id = %s AND NOT CASE l.source "
        "WHEN 'order' THEN EXISTS (SELECT FROM mirror.orders AS o WHERE o.tenant_id = l.tenant_id "
        "AND o.store_id = l.store_id AND o.id = l.source_id::bigint) "
        "ELSE EXISTS (SELECT FROM mirror.checkouts AS c WHERE c.tenant_id = l.tenant_id "
        "AND c.store_id = l.store_id AND c.token = l.source_id) END LIMIT 100",
        store,
    )
    differences.extend(
        Difference("ledger", f"{source} {source_id} {entry}", "", "present", "missing")
        for source, source_id, entry in await cursor.fetchall()
    )


async def _check_sums(connection: Connection, store: Store, differences: list[Difference]) -> None:
    cursor = await connection.execute(COMPARE_SUMS, (*store, *store))
    for hour, *values in await cursor.fetchall():
        stored, wanted = values[: len(ADDITIVE)], values[len(ADDITIVE) :]
        for measure, a, b in zip(ADDITIVE, stored, wanted, strict=True):
            if (a or 0) != (b or 0):
                differences.append(Difference("sums", hour.isoformat(), measure, str(a), str(b)))


async def _check_customers(
    connection: Connection,
    store: Store,
    placements: Mapping[int, list[tuple[int, int]]],
    spent: Mapping[int, int],
    profile: Profile,
    differences: list[Difference],
) -> None:
    cursor = await connection.execute(
        "SELECT customer_id, total_spent, moments FROM rollup.customers WHERE tenant_id = %s AND store_id = %s",
        store,
    )
    stored: dict[int, tuple[int, list[tuple[int, int]]]] = {
        key: (total, [(at, order) for at, order in moments])
        for key, total, moments in await cursor.fetchall()
    }
    wanted = {
        key: (spent.get(key, 0), sorted(placements.get(key, [])))
        for key in placements.keys() | spent.keys()
        if placements.get(key) or spent.get(key)
    }
    differences.extend(
        Difference("customers", f"customer {key}", "", str(stored.get(key)), str(wanted.get(key)))
        for key in sorted(stored.keys() | wanted.keys())
        if stored.get(key) != wanted.get(key)
    )
    await _check_rhythm(connection, store, wanted, profile, differences)


async def _check_rhythm(
    connection: Connection,
    store: Store,
    customers: Mapping[int, tuple[int, list[tuple[int, int]]]],
    profile: Profile,
    differences: list[Difference],
) -> None:
    def day_of(at: int) -> date:
        return bucket(at, profile.timezone).day

    wanted: Counter[Pair] = Counter()
    for _, moments in customers.values():
        wanted.update(pairs(moments, day_of))
    cursor = await connection.execute(
        "SELECT day, nullif(previous_day, '-infinity'), second, orders FROM rollup.rhythm "
        "WHERE tenant_id = %s AND store_id = %s",
        store,
    )
    rows: list[tuple[Any, ...]] = await cursor.fetchall()
    stored = {
        Pair(day, previous or FIRST, second): orders for day, previous, second, orders in rows
    }
    differences.extend(
        Difference("customers", str(pair), "orders", str(stored.get(pair)), str(wanted.get(pair)))
        for pair in sorted(stored.keys() | wanted.keys())
        if stored.get(pair, 0) != wanted.get(pair, 0)
    )
