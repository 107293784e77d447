"""What only PostgreSQL does for a journal: cut connections, roles, replay and retention."""

from __future__ import annotations

import asyncio
import socket
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.journal.worlds import DEADLINE, PARTITIONS, PostgresWorld, delivery, frame, shop_in
from tillstream.foundation.clock import utc_now
from tillstream.journal import operations
from tillstream.journal.contract import Frame, Parked, Unavailable
from tillstream.journal.postgres import postgres_journal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.conftest import Database
    from tillstream.foundation.database import Connection


@pytest.fixture
async def postgres(database: Database) -> AsyncIterator[PostgresWorld]:
    async with PostgresWorld(database) as made:
        yield made


@pytest.fixture
def mute_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("mute", [False, True])
async def test_an_append_is_refused_within_two_seconds(
    mute: bool, unused_port: int, mute_port: int
) -> None:
    url = make_conninfo(host="127.0.0.1", port=mute_port if mute else unused_port, user="nobody")
    async with postgres_journal(url, PARTITIONS, utc_now) as journal:
        began = time.monotonic()
        with pytest.raises(Unavailable):
            await journal.append([frame(0)])
        assert time.monotonic() - began < 2
        assert await journal.claim(10, 0) == []


async def test_connections_that_are_cut_under_load_lose_nothing(postgres: PostgresWorld) -> None:
    ingest, worker = await postgres.join(), await postgres.join()
    written: list[Frame] = []
    for turn in range(30):
        frames = [frame(p, 2) for p in range(PARTITIONS)]
        await ingest.append(frames)
        written += frames
        claims = await worker.claim(10, 0.1)
        if turn % 3 == 0:
            async with postgres.admin() as connection:
                await connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE usename LIKE 'tillstream_worker%' AND datname = current_database()"
                )
        await postgres.finish(worker, claims)
    async with asyncio.timeout(DEADLINE):
        while (status := await postgres.status()).waiting:
            await postgres.finish(worker, await worker.claim(100, 0.2))
    assert status.applied == status.accepted == 2 * len(written)


async def test_two_workers_both_get_partitions(postgres: PostgresWorld) -> None:
    one, two = await postgres.join(), await postgres.join()
    shares: dict[int, set[int]] = {0: set(), 1: set()}
    async with asyncio.timeout(DEADLINE):
        while not all(shares.values()):
            await one.append([frame(p) for p in range(PARTITIONS)])
            claimed = [await worker.claim(100, 0.1) for worker in (one, two)]
            for number, worker in enumerate((one, two)):
                shares[number] |= {claim.partition for claim in claimed[number]}
                await postgres.finish(worker, claimed[number])


async def as_api(postgres: PostgresWorld, tenant: int, connection: Connection) -> None:
    await connection.execute("SELECT set_config('tillstream.tenant', %s, false)", (str(tenant),))


async def test_a_tenant_sees_and_releases_its_own_held_deliveries_alone(
    postgres: PostgresWorld,
) -> None:
    journal = await postgres.join()
    mine, theirs, nobodys = (delivery(shop_in(p)) for p in (0, 1, 2))
    await journal.append([frame(0, deliveries=[mine, theirs, nobodys])])
    parked = [Parked(mine, "a", "A.", 1, 1), Parked(theirs, "b", "B.", 2, 2)]
    claims = await postgres.eventually(journal)
    await postgres.finish(journal, claims, parked, [nobodys])
    async with postgres.api() as connection:
        assert await operations.list_held(connection, "parked", 10) == []
        assert await operations.release(connection, None) == 0
        await as_api(postgres, 1, connection)
        [row] = await operations.list_held(connection, "parked", 10)
        assert (row.tenant_id, row.reason) == (1, "a")
        assert await operations.list_held(connection, "unrouted", 10) == []
        assert await operations.release(connection, None) == 1
    held = {row.tenant_id: row.released for row in await postgres.held("parked")}
    assert held == {1: True, 2: False}


@pytest.mark.parametrize("table", ["frames", "pending", "progress"])
async def test_the_api_may_not_read_what_mixes_tenants(postgres: PostgresWorld, table: str) -> None:
    async with postgres.api() as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await connection.execute(
                sql.SQL("SELECT FROM journal.{}").format(sql.Identifier(table))
            )


async def test_the_api_may_know_the_totals(postgres: PostgresWorld) -> None:
    journal = await postgres.join()
    await journal.append([frame(0, 3)])
    async with postgres.api() as connection:
        status = await operations.status(connection, utc_now)
    assert (status.accepted, status.waiting) == (3, 3)
    assert status.oldest_waiting_seconds is not None


async def test_frames_replay_in_order_and_by_shop(postgres: PostgresWorld) -> None:
    journal = await postgres.join()
    one, two = delivery(shop_in(1)), delivery(shop_in(1, 1))
    frames = [frame(1, deliveries=[one, two]), frame(1, deliveries=[two])]
    frames += [frame(0) for _ in range(130)]
    await journal.append(frames)
    since = utc_now() - timedelta(minutes=1)
    async with postgres.connection() as connection:
        replayed = [f async for f in operations.replay_frames(connection, since)]
        assert replayed == sorted(frames, key=lambda f: f.id)
        chosen = [f async for f in operations.replay_frames(connection, since, {one.shop})]
        assert [f.deliveries for f in chosen] == [[one]]
        later = utc_now() + timedelta(minutes=1)
        assert [f async for f in operations.replay_frames(connection, later)] == []
        none = operations.replay_frames(connection, since, until=since + timedelta(seconds=1))
        assert [f async for f in none] == []


async def test_settled_frames_expire_and_waiting_ones_do_not(postgres: PostgresWorld) -> None:
    journal = await postgres.join()
    await journal.append([frame(0), frame(1)])
    await postgres.drain(journal)
    waiting = frame(0)
    await journal.append([waiting])
    async with postgres.connection() as connection:
        assert await operations.expire(connection, utc_now() - timedelta(hours=1)) == 0
        assert await operations.expire(connection, utc_now() + timedelta(hours=1)) == 2
    assert await postgres.drain(journal) == waiting.deliveries
    assert (await postgres.status()).applied == 3
