"""A small installation for tests about people: the real worker, journal, database and eraser.

Only the clock is pretended, and Shopify. ``everything`` reads what an attacker with the database would:
all rows of all tables, and the deliveries inside the frames.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from tests.rollup.worlds import NOW, World, micros, world
from tillstream.command.erasing import Eraser
from tillstream.command.replaying import replay_store
from tillstream.command.worker import Worker
from tillstream.foundation.database import connect, set_tenants
from tillstream.journal import operations
from tillstream.journal.contract import Delivery, Frame, partition_of, time_ordered_id
from tillstream.journal.encoding import decode_deliveries
from tillstream.journal.postgres import postgres_journal

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Sequence
    from datetime import datetime

    from tests.conftest import Database
    from tillstream.journal.contract import Status
    from tillstream.mirror.merge import Store

PARTITIONS = 8
SCHEMAS = ("shops", "journal", "mirror", "rollup")


def say(shop: str, topic: str, body: Any, number: int, *, at: datetime = NOW) -> Delivery:
    """A delivery; the same ``number`` makes it the same delivery."""
    text = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return Delivery(
        micros(at), "", shop, topic, f"w{number}", "", at.isoformat(), "2026-10", f"s{number}", {}, text
    )  # fmt: skip


class Office:
    """See the module."""

    def __init__(self, database: Database, here: World) -> None:
        self.database = database
        self.world = here
        self.now = NOW
        self._frames = 0

    async def deliver(self, deliveries: Iterable[Delivery], size: int = 50) -> Status:
        """Accept deliveries, in frames of ``size``, and let a worker do all of them."""
        told = list(deliveries)
        async with postgres_journal(
            self.database.worker_url, PARTITIONS, lambda: self.now
        ) as journal:
            for start in range(0, len(told), size):
                await journal.append(self.framed(told[start : start + size]))
            worker = Worker(self.database.worker_url, journal, lambda: self.now)
            stop = asyncio.Event()
            working = asyncio.create_task(worker.run(stop))
            async with asyncio.timeout(60):
                while (status := await self.status()).waiting:
                    await asyncio.wait((working,), timeout=0.02)
                    assert not working.done(), working
            stop.set()
            await working
        return status

    def framed(self, told: Sequence[Delivery]) -> list[Frame]:
        """Deliveries as the journal takes them."""
        by_partition: dict[int, list[Delivery]] = {}
        for one in told:
            by_partition.setdefault(partition_of(one.shop, PARTITIONS), []).append(one)
        frames: list[Frame] = []
        for partition, mine in by_partition.items():
            self._frames += 1
            key = time_ordered_id(micros(self.now), self._frames.to_bytes(8, "big"))
            frames.append(Frame(key, partition, mine))
        return frames

    async def status(self) -> Status:
        """Where everything is."""
        return await operations.status(self.world.connection, lambda: self.now)

    async def erase(self) -> int:
        """Do what is due."""
        async with await connect(self.database.worker_url) as connection:
            return await Eraser(connection, PARTITIONS, lambda: self.now).run()

    async def replay(self, store: Store, domain: str) -> int:
        """Make the store anew from the journal."""
        async with self.world.connection.transaction():
            return await replay_store(self.world.connection, store, domain, lambda: self.now)

    def requests(self) -> list[dict[str, Any]]:
        """All requests there are, by id."""
        with psycopg.connect(self.database.admin_url) as connection:
            cursor = connection.cursor(row_factory=dict_row)
            return cursor.execute("SELECT * FROM shops.privacy_requests ORDER BY id").fetchall()

    def sums(self, store: Store) -> list[tuple[Any, ...]]:
        """Every figure of a store, as its readers get it."""
        rows: list[tuple[Any, ...]] = []
        for table in ("sums", "ledger", "rhythm", "customers", "checkouts"):
            rows += self.world.ask(
                sql.SQL(
                    "SELECT {name}, r::text FROM rollup.{table} AS r "
                    "WHERE tenant_id = %s AND store_id = %s ORDER BY r::text"
                ).format(name=sql.Literal(table), table=sql.Identifier(table)),
                *store,
            )
        return rows

    def deliveries(self, shop: str) -> list[Delivery]:
        """What the journal keeps of a shop, held back or not."""
        rows = self.world.ask("SELECT body FROM journal.frames ORDER BY id")
        rows += self.world.ask("SELECT delivery FROM journal.held ORDER BY id")
        return [one for (body,) in rows for one in decode_deliveries(body) if one.shop == shop]

    def everything(self) -> str:
        """All that the database holds, as text in lower case."""
        told: list[str] = []
        tables = self.world.ask(
            "SELECT table_schema, table_name FROM information_schema.tables "
            "WHERE table_schema = ANY (%s) AND table_type = 'BASE TABLE'",
            list(SCHEMAS),
        )
        for schema, table in tables:
            told += [
                row
                for (row,) in self.world.ask(
                    sql.SQL("SELECT t::text FROM {} AS t").format(sql.Identifier(schema, table))
                )
            ]
        for (stored,) in self.world.ask(
            "SELECT body FROM journal.frames UNION ALL SELECT delivery FROM journal.held"
        ):
            told += [
                str(msgspec.to_builtins(one)) + one.body.decode(errors="replace")
                for one in decode_deliveries(stored)
            ]
        # A digest may spell any short word.
        return re.sub(r"\\x[0-9a-f]+", "", "\n".join(told).casefold())

    async def tenants(self, *stores: Store) -> None:
        """Let the world's open transaction read these."""
        await set_tenants(self.world.connection, [store.tenant_id for store in stores])


@asynccontextmanager
async def office(database: Database) -> AsyncGenerator[Office]:
    """An office for the length of a test."""
    async with world(database) as here:
        yield Office(database, here)
