"""Checking everything against everything: see ``rollup/survey.py`` for the levels.

And the state hash: a digest of what the deliveries of a store mean (mirror, ledger, sums), not of
when or how often they came, so that it is equal wherever the same deliveries were applied.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import msgspec
from psycopg import sql

from tillstream.rollup.findings import Difference
from tillstream.rollup.progress import Progress, unheard
from tillstream.rollup.survey import survey

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from tillstream.foundation.database import Connection
    from tillstream.mirror.merge import Store
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
    ("mirror", "collections", ("id",)),
    ("mirror", "inventory_items", ("id",)),
    ("mirror", "inventory_levels", ("inventory_item_id", "location_id")),
    ("mirror", "locations", ("id",)),
    ("mirror", "domains", ("id",)),
    ("rollup", "ledger", ("source", "source_id", "entry")),
    ("rollup", "sums", ("hour",)),
    ("rollup", "rhythm", ("day", "previous_day", "second")),
    ("rollup", "customers", ("customer_id",)),
    ("rollup", "checkouts", ("token",)),
    ("rollup", "breakdown", ("dimension", "grain", "day", "value")),
    ("rollup", "cohorts", ("cohort", "month")),
    ("rollup", "spread", ("dimension", "bin")),
    ("rollup", "prospects", ("customer_id",)),
    ("rollup", "stock", ("product_id", "variant_id")),
)


class StoreReport(msgspec.Struct):
    """What verifying one store found."""

    domain: str
    state_hash: str
    orders: int
    differences: list[Difference]
    """The first of them."""
    differing: int
    """How many there are."""
    levels: dict[str, int]
    """How many there are at each level that has any."""
    deliveries: int | None
    """Kept deliveries that were held against the copy; null where the journal was not read."""


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


async def verify_store(  # noqa: PLR0913 - see survey
    connection: Connection,
    store: Store,
    domain: str,
    profile: Profile,
    now: int,
    *,
    since: datetime | None = None,
    progress: Progress = unheard,
) -> StoreReport:
    """Recompute a store and compare; in the caller's transaction, which should be repeatable-read.

    See :func:`tillstream.rollup.survey.survey` for the arguments.
    """
    found = await survey(connection, store, domain, profile, now, since=since, progress=progress)
    digest = await state_hash(connection, store)
    levels = dict(sorted(found.levels.items()))
    return StoreReport(
        domain, digest, found.orders, found.differences, found.count, levels, found.deliveries
    )
