"""What only a broker can do to a journal: die under load, be shared, bring what is not ours.

The broker of the first test is its own, since it is killed; it really loses what was not on disk.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import aio_pika
import pytest

from tests.journal.worlds import DEADLINE, PARTITIONS, RabbitWorld, frame
from tillstream.foundation.clock import utc_now
from tillstream.journal.backoff import Backoff
from tillstream.journal.contract import Frame, Unavailable
from tillstream.journal.private_broker import PrivateBroker
from tillstream.journal.rabbitmq import RabbitJournal, rabbitmq_journal
from tillstream.journal.rabbitmq_queues import queue_name
from tillstream.journal.rabbitmq_status import broker_status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.conftest import Database


@pytest.fixture
async def rabbit(database: Database, broker: PrivateBroker) -> AsyncIterator[RabbitWorld]:
    async with RabbitWorld(database, broker) as made:
        yield made


@pytest.fixture
def mortal(
    broker: PrivateBroker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PrivateBroker]:
    """A second node, only for the one test (asking for `broker` skips where there is none)."""
    node = PrivateBroker(tmp_path_factory.mktemp("mortal"))
    node.start()
    yield node
    node.stop()


class Tally(list[Frame]):
    """A list whose growth can be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.grown = asyncio.Event()
        self.longest_refusal = 0.0

    def add(self, frames: list[Frame]) -> None:
        self.extend(frames)
        self.grown.set()

    async def grow(self, number: int) -> None:
        goal = len(self) + number
        async with asyncio.timeout(DEADLINE):
            while len(self) < goal:
                self.grown.clear()
                await self.grown.wait()


async def append_for_ever(journal: RabbitJournal, confirmed: Tally, refused: asyncio.Event) -> None:
    while True:
        batch = [frame(partition, 2) for partition in range(PARTITIONS)]
        began = time.monotonic()
        try:
            await journal.append(batch)
        except Unavailable:
            confirmed.longest_refusal = max(confirmed.longest_refusal, time.monotonic() - began)
            refused.set()
        else:
            confirmed.add(batch)


async def apply_for_ever(world: RabbitWorld, journal: RabbitJournal, applied: Tally) -> None:
    while True:
        claims = await journal.claim(50, 1)
        await world.finish(journal, claims)
        applied.add([Frame(c.frame_id, c.partition, c.deliveries) for c in claims if c.frame_id])


async def test_a_broker_killed_under_load_loses_nothing(
    database: Database, mortal: PrivateBroker
) -> None:
    confirmed, applied = Tally(), Tally()
    async with (
        RabbitWorld(database, mortal) as world,
        rabbitmq_journal(mortal.url, None, PARTITIONS, utc_now) as ingest,
        rabbitmq_journal(
            mortal.url, database.worker_url, PARTITIONS, utc_now, backoff=Backoff(base=0.1)
        ) as worker,
        asyncio.TaskGroup() as group,
    ):
        refused = asyncio.Event()
        appending = group.create_task(append_for_ever(ingest, confirmed, refused))
        applying = group.create_task(apply_for_ever(world, worker, applied))
        # Under load for three seconds: RabbitMQ 3.10 writes the names of new queues to disk up to a
        # second later, and one that is killed before that comes back without a leader.
        loop = asyncio.get_running_loop()
        killed_at = loop.time() + 3
        while loop.time() < killed_at:
            await applied.grow(1)
        await asyncio.to_thread(mortal.kill)
        async with asyncio.timeout(DEADLINE):
            await refused.wait()
        await asyncio.to_thread(mortal.start)
        await confirmed.grow(50)
        appending.cancel()
        async with asyncio.timeout(2 * DEADLINE):
            while (await world.status()).waiting:
                pass
        applying.cancel()
    async with world.connection() as connection:
        rows = await (await connection.execute("SELECT id FROM journal.frames")).fetchall()
        status = await broker_status(mortal.url, connection, PARTITIONS, utc_now)
    assert confirmed.longest_refusal < 2
    stored = {row[0] for row in rows}
    assert {f.id for f in confirmed} <= stored
    # Once each; the one whose settling was cut off by our own cancelling may be missing.
    assert len(applied) == len({f.id for f in applied}) <= len(stored)
    assert (status.waiting, status.applied) == (0, 2 * len(stored))


async def test_without_a_broker_an_append_is_refused_within_two_seconds(unused_port: int) -> None:
    async with rabbitmq_journal(
        f"amqp://guest:guest@127.0.0.1:{unused_port}/", None, PARTITIONS, utc_now
    ) as journal:
        began = time.monotonic()
        with pytest.raises(Unavailable):
            await journal.append([frame(0)])
        assert time.monotonic() - began < 2


async def test_a_message_that_is_not_ours_parks(rabbit: RabbitWorld) -> None:
    journal = await rabbit.join()
    await journal.append([frame(0)])
    assert len(await rabbit.drain(journal)) == 1
    async with await aio_pika.connect(rabbit.broker.url) as connection:
        channel = await connection.channel()
        await channel.default_exchange.publish(aio_pika.Message(b"hello"), queue_name(0))
    assert await rabbit.drain(journal) == []
    [row] = await rabbit.held("parked")
    assert row.reason == "undecodable_frame"


async def test_workers_share_the_queues_and_take_over_from_each_other(rabbit: RabbitWorld) -> None:
    one, two = await rabbit.join(), await rabbit.join()
    await one.append([frame(p) for p in range(PARTITIONS)])
    await rabbit.finish(one, await rabbit.eventually(one))
    served: set[int] = set()
    async with asyncio.timeout(DEADLINE):
        while not served:
            await one.append([frame(p) for p in range(PARTITIONS)])
            await rabbit.finish(one, await one.claim(100, 0.1))
            claims = await two.claim(100, 0.1)
            served |= {c.partition for c in claims}
            await rabbit.finish(two, claims)
    await rabbit.kill(one)
    await rabbit.drain(two)


async def test_frames_that_an_earlier_journal_left_in_postgresql_are_applied(
    rabbit: RabbitWorld,
) -> None:
    async with rabbit.postgres() as before:
        left_behind = frame(2, 3)
        await before.append([left_behind])
    assert await rabbit.drain(await rabbit.join()) == left_behind.deliveries


async def test_a_backlog_that_nobody_holds_is_never_reported_as_nothing(
    rabbit: RabbitWorld,
) -> None:
    journal = await rabbit.join()
    await journal.append([frame(2, 3)])
    status = await rabbit.status()
    assert not status.exact
    assert status.waiting > 0
