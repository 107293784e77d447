"""Stores on a real database to which deliveries can be applied, and what can be asked of them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, LiteralString, TypeAlias

import msgspec
import psycopg

from tillstream.foundation.database import connect, set_tenants
from tillstream.journal.contract import Delivery
from tillstream.mirror.merge import Store
from tillstream.rollup.apply import Outcome, apply, pass_deadlines, profile_of
from tillstream.rollup.mending import mend
from tillstream.rollup.rebuild import MOST_ROUNDS
from tillstream.rollup.survey import survey
from tillstream.rollup.verify import StoreReport, state_hash, verify_store

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Sequence

    from psycopg.sql import Composed

    from tests.conftest import Database
    from tillstream.foundation.database import Connection

Query: TypeAlias = "LiteralString | Composed"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)

_numbers = count(1)


def micros(moment: datetime) -> int:
    """µs since the epoch."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def delivery(shop: str, topic: str, body: Any, *, key: str | None = None) -> Delivery:
    """A delivery with an id of its own, received at noon of April 1st 2026."""
    text = body if isinstance(body, bytes) else msgspec.json.encode(body)
    webhook_id = key or f"webhook-{next(_numbers)}"
    return Delivery(
        micros(NOW), "", shop, topic, webhook_id, "", "", "2026-10", "signature", {}, text
    )


def addressed(shop: str, deliveries: Iterable[Delivery]) -> list[Delivery]:
    """The same deliveries, as another shop would have had them."""
    return [msgspec.structs.replace(one, shop=shop) for one in deliveries]


class World:
    """A database with its worker's connection."""

    def __init__(self, database: Database, connection: Connection) -> None:
        """See ``world``."""
        self.database = database
        self.connection = connection

    def tenant(self) -> int:
        """A new tenant."""
        return self.one("INSERT INTO shops.tenants (name) VALUES ('t') RETURNING id")

    def store(
        self, tenant: int, *, timezone: str | None = None, currency: str | None = "EUR"
    ) -> tuple[str, Store]:
        """A newly connected store and its domain."""
        domain = f"store-{next(_numbers)}.myshopify.com"
        store_id = self.one(
            "INSERT INTO shops.stores (tenant_id, domain, name, timezone, currency) "
            "VALUES (%s, %s, '', %s, %s) RETURNING id",
            tenant, domain, timezone, currency,
        )  # fmt: skip
        return domain, Store(tenant, store_id)

    def domain(self, store: Store) -> str:
        """The domain of a store."""
        return self.one("SELECT domain FROM shops.stores WHERE id = %s", store.store_id)

    def ask(self, statement: Query, *values: Any) -> list[tuple[Any, ...]]:
        """What the owner of the database sees, or does."""
        with psycopg.connect(self.database.admin_url, autocommit=True) as connection:
            cursor = connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def one(self, statement: Query, *values: Any) -> Any:
        """The first value of the first row."""
        return self.ask(statement, *values)[0][0]

    async def apply(self, deliveries: Sequence[Delivery], now: datetime = NOW) -> Outcome:
        """Apply as the worker does: in one transaction."""
        async with self.connection.transaction():
            return await apply(self.connection, deliveries, micros(now))

    async def pass_deadlines(self, now: datetime = NOW) -> int:
        """Let the time come."""
        async with self.connection.transaction():
            return await pass_deadlines(self.connection, micros(now))

    async def state(self, store: Store) -> str:
        """The state hash of a store."""
        async with self.connection.transaction():
            await set_tenants(self.connection, [store.tenant_id])
            return await state_hash(self.connection, store)

    async def verify(
        self, store: Store, now: datetime = NOW, *, journal: bool = False
    ) -> StoreReport:
        """Verify a store as the command does."""
        async with self.connection.transaction():
            await set_tenants(self.connection, [store.tenant_id])
            profile = await profile_of(self.connection, store)
            return await verify_store(
                self.connection,
                store,
                self.domain(store),
                profile,
                micros(now),
                since=EPOCH if journal else None,
            )

    async def rebuild(self, store: Store, now: datetime = NOW, *, journal: bool = False) -> int:
        """Rebuild a store as the command does, but in one transaction; the number of its orders."""
        async with self.connection.transaction():
            await set_tenants(self.connection, [store.tenant_id])
            profile = await profile_of(self.connection, store)
            told, since = self.domain(store), EPOCH if journal else None
            orders = 0
            for _ in range(MOST_ROUNDS):
                found = await survey(
                    self.connection, store, told, profile, micros(now), since=since
                )
                orders = found.orders
                await mend(self.connection, found, profile, micros(now))
                if not (found.rows or found.missing):
                    break
            return orders

    def live(self, tenant: int) -> list[tuple[int, int, dict[str, Any]]]:
        """The live rows of a tenant: id, store and data."""
        return [
            (key, store, data)
            for key, store, data in self.ask(
                "SELECT id, store_id, data FROM rollup.live WHERE tenant_id = %s ORDER BY id",
                tenant,
            )
        ]


@asynccontextmanager
async def world(database: Database) -> AsyncGenerator[World]:
    """A world for the length of a test."""
    connection = await connect(database.worker_url)
    async with connection:
        yield World(database, connection)
