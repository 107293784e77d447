"""One way to set up, break and look at each journal."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Self

import aio_pika
import psycopg

from tillstream.journal import operations
from tillstream.journal.backoff import Backoff
from tillstream.journal.contract import (
    Claim,
    Claimer,
    Delivery,
    Frame,
    Journal,
    Parked,
    Status,
    partition_of,
    time_ordered_id,
)
from tillstream.journal.encoding import encode_deliveries
from tillstream.journal.memory import MemoryJournal, MemoryStore, memory_journal
from tillstream.journal.postgres import PostgresJournal, postgres_journal
from tillstream.journal.rabbitmq import RabbitJournal, rabbitmq_journal
from tillstream.journal.rabbitmq_line import Line
from tillstream.journal.rabbitmq_queues import declare, queue_name
from tillstream.journal.rabbitmq_status import broker_status

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from tests.conftest import Database
    from tillstream.foundation.database import Connection
    from tillstream.journal.operations import HeldRow
    from tillstream.journal.outcome import Kind
    from tillstream.journal.private_broker import PrivateBroker

PARTITIONS = 8
DEADLINE = 20.0
_numbers = count(1)


class MovableClock:
    """Shows the time it was set to."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def shop_in(partition: int, number: int = 0) -> str:
    """The ``number``-th shop that travels in ``partition``."""
    names = (f"shop-{n}.myshopify.com" for n in count())
    found = (name for name in names if partition_of(name, PARTITIONS) == partition)
    for _ in range(number):
        next(found)
    return next(found)


def delivery(shop: str, body: bytes = b"{}", webhook_id: str | None = None) -> Delivery:
    identity = webhook_id or f"webhook-{next(_numbers)}"
    return Delivery(
        1, "", shop, "orders/create", identity, "e", "t", "2026-10", "s", {"a": "b"}, body
    )


def frame(partition: int, size: int = 1, deliveries: list[Delivery] | None = None) -> Frame:
    """A frame of ``size`` new deliveries of one shop."""
    number = next(_numbers)
    at = int(datetime.now(UTC).timestamp() * 1_000_000)
    content = deliveries or [delivery(shop_in(partition)) for _ in range(size)]
    return Frame(time_ordered_id(at, number.to_bytes(8, "big")), partition, content)


class World:
    """A journal with its surroundings; subclasses say how."""

    def __init__(self) -> None:
        self.clock = MovableClock()
        self.backoff = Backoff(base=10, cap=100, randomness=lambda: 0.0)
        self.stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stack.aclose()

    async def join(self) -> Journal:
        """A journal of a process of its own."""
        raise NotImplementedError

    async def kill(self, journal: Journal) -> None:
        """End that process without a word."""
        raise NotImplementedError

    async def append_raw(self, broken: Frame, stored: bytes) -> None:
        """Append ``broken`` with these bytes instead of its own."""
        raise NotImplementedError

    async def connect_shop(self, domain: str) -> None:
        raise NotImplementedError

    async def status(self) -> Status:
        raise NotImplementedError

    async def held(self, kind: Kind) -> list[HeldRow]:
        raise NotImplementedError

    async def release(self, ids: Sequence[int] | None) -> int:
        raise NotImplementedError

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Connection]:
        raise NotImplementedError
        yield

    async def finish(
        self,
        worker: Claimer,
        claims: Sequence[Claim],
        parked: Sequence[Parked] = (),
        unrouted: Sequence[Delivery] = (),
    ) -> None:
        """What a worker does with claims whose deliveries were applied, but for these."""
        async with self.transaction() as connection:
            await worker.settle(connection, claims, parked=parked, unrouted=unrouted)
        await worker.settled(claims)

    async def delivered(self, worker: Journal, frames: int) -> None:
        """Return when ``worker`` may claim ``frames`` frames at once: a broker pushes in its own time."""

    async def drain(self, worker: Claimer) -> list[Delivery]:
        """Claim and settle until nothing waits any more."""
        seen: list[Delivery] = []
        async with asyncio.timeout(DEADLINE):
            while (await self.status()).waiting:
                claims = await worker.claim(100, 0.1)
                seen += [d for claim in claims for d in claim.deliveries]
                await self.finish(worker, claims)
        assert await worker.claim(100, 0) == []
        return seen

    async def eventually(self, worker: Claimer, most: int = 1000) -> list[Claim]:
        """What comes before the deadline."""
        async with asyncio.timeout(DEADLINE):
            while not (claims := await worker.claim(most, 0.5)):
                pass
        return claims


class MemoryWorld(World):
    def __init__(self) -> None:
        super().__init__()
        self.connected: set[str] = set()
        self.store = MemoryStore(PARTITIONS, self.clock, self.connected.__contains__)

    async def join(self) -> Journal:
        return await self.stack.enter_async_context(
            memory_journal(self.store, backoff=self.backoff)
        )

    async def kill(self, journal: Journal) -> None:
        assert isinstance(journal, MemoryJournal)
        await journal.close()

    async def append_raw(self, broken: Frame, stored: bytes) -> None:
        journal = await self.join()
        await journal.append([broken])
        self.store.pending[broken.id].stored = stored

    async def connect_shop(self, domain: str) -> None:
        self.connected.add(domain)
        self.store.wake()

    async def status(self) -> Status:
        return self.store.status()

    async def held(self, kind: Kind) -> list[HeldRow]:
        return self.store.list_held(kind)

    async def release(self, ids: Sequence[int] | None) -> int:
        return self.store.release(ids)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Connection]:
        yield None  # pyright: ignore[reportReturnType]


class PostgresWorld(World):
    def __init__(self, database: Database) -> None:
        super().__init__()
        self.database = database

    def postgres(self) -> AbstractAsyncContextManager[PostgresJournal]:
        return postgres_journal(
            self.database.worker_url, PARTITIONS, self.clock, backoff=self.backoff
        )

    async def join(self) -> Journal:
        return await self.stack.enter_async_context(self.postgres())

    async def kill(self, journal: Journal) -> None:
        assert isinstance(journal, PostgresJournal)
        assert journal._session is not None
        journal._session.pgconn.finish()
        await journal._ear.close()

    async def append_raw(self, broken: Frame, stored: bytes) -> None:
        journal = await self.join()
        assert encode_deliveries(broken.deliveries) != stored
        await journal.append([broken])
        async with self.admin() as connection:
            await connection.execute(
                "UPDATE journal.frames SET body = %b WHERE id = %s", (stored, broken.id)
            )

    async def connect_shop(self, domain: str) -> None:
        async with self.admin() as connection:
            await connection.execute(
                """WITH tenant AS (INSERT INTO shops.tenants (name) VALUES ('t') RETURNING id)
                INSERT INTO shops.stores (tenant_id, domain) SELECT id, %s FROM tenant""",
                (domain,),
            )

    async def status(self) -> Status:
        async with self.connection() as connection:
            return await operations.status(connection, self.clock)

    async def held(self, kind: Kind) -> list[HeldRow]:
        async with self.connection() as connection:
            return await operations.list_held(connection, kind, 100)

    async def release(self, ids: Sequence[int] | None) -> int:
        async with self.connection() as connection:
            return await operations.release(connection, ids)

    def admin(self) -> AbstractAsyncContextManager[Connection]:
        return self._connection(self.database.admin_url)

    def api(self) -> AbstractAsyncContextManager[Connection]:
        return self._connection(self.database.api_url)

    def connection(self) -> AbstractAsyncContextManager[Connection]:
        return self._connection(self.database.worker_url)

    @asynccontextmanager
    async def _connection(self, url: str) -> AsyncGenerator[Connection]:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Connection]:
        async with self.connection() as connection, connection.transaction():
            yield connection


class RabbitWorld(PostgresWorld):
    """The queues outlive a test, so each is emptied by deleting it first."""

    def __init__(self, database: Database, broker: PrivateBroker) -> None:
        super().__init__(database)
        self.broker = broker

    async def __aenter__(self) -> Self:
        async with await aio_pika.connect(self.broker.url) as connection:
            channel = await connection.channel()
            for partition in range(PARTITIONS):
                await channel.queue_delete(queue_name(partition))
        return self

    async def join(self) -> Journal:
        return await self.stack.enter_async_context(
            rabbitmq_journal(
                self.broker.url,
                self.database.worker_url,
                PARTITIONS,
                self.clock,
                backoff=self.backoff,
            )
        )

    async def kill(self, journal: Journal) -> None:
        assert isinstance(journal, RabbitJournal)
        desk = journal.claimer._desk
        assert desk._session is not None
        desk._session.pgconn.finish()
        await desk._ear.close()
        await Line.close(journal.claimer)

    async def delivered(self, worker: Journal, frames: int) -> None:
        assert isinstance(worker, RabbitJournal)
        async with asyncio.timeout(DEADLINE):
            while len(worker.claimer._arrived) < frames:
                assert await worker.claim(0, 0.1) == []

    async def append_raw(self, broken: Frame, stored: bytes) -> None:
        async with await aio_pika.connect(self.broker.url) as connection:
            channel = await connection.channel()
            message = aio_pika.Message(
                stored,
                message_id=broken.id.hex,
                headers={"deliveries": len(broken.deliveries)},
                delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            )
            await declare(channel, PARTITIONS)
            await channel.default_exchange.publish(message, queue_name(broken.partition))

    async def status(self) -> Status:
        async with self.connection() as connection:
            return await broker_status(self.broker.url, connection, PARTITIONS, self.clock)
