"""The live stream under a real server: what is written and notified arrives, and only to its tenant.

Nothing sleeps: each test waits for the event it asserts, with a limit.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.serve.test_rsgi_bridge import served
from tillstream.serve.live import MOST_REPLAYED, QUEUE_LENGTH, Event, Watcher, place_to_begin
from tillstream.serve.rsgi_bridge import AsgiOverRsgi
from tillstream.shops.tokens import Bearer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from tests.serve.conftest import Site


@dataclass
class Running:
    """A site on a port."""

    site: Site
    url: str

    @asynccontextmanager
    async def stream(self, token: str, **headers: str) -> AsyncGenerator[Reader]:
        headers = {"Authorization": f"Bearer {token}", **headers}
        async with (
            httpx.AsyncClient(base_url=self.url, timeout=10, trust_env=False) as client,
            client.stream("GET", "/api/live", headers=headers) as response,
        ):
            assert response.status_code == 200
            assert response.headers["content-type"].startswith("text/event-stream")
            yield Reader(response.aiter_lines())

    async def watchers(self, count: int) -> None:
        """Wait until exactly so many streams are open."""
        async with asyncio.timeout(5):
            while self.site.app.state.context.live.watchers != count:  # noqa: ASYNC110
                await asyncio.sleep(0)  # lets the server's side go on


class Reader:
    """Reads events off a stream."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines

    async def next(self) -> dict[str, Any] | None:
        """The next event; None when the stream has ended."""
        event: dict[str, Any] = {}
        async with asyncio.timeout(10):
            async for line in self._lines:
                if line == "" and "event" in event:
                    return event
                name, _, value = line.partition(": ")
                if name == "data":
                    event["data"] = json.loads(value)
                elif name in {"id", "event"}:
                    event[name] = value
        return None


@pytest.fixture
async def running(site: Site) -> AsyncGenerator[Running]:
    bridge = AsgiOverRsgi(site.app)
    await bridge.startup()
    try:
        async with asyncio.timeout(5):
            await site.app.state.context.live.listening.wait()
        async with served(bridge) as url:
            yield Running(site, url)
            site.app.state.context.live.end_all()
    finally:
        await bridge.shutdown()


def write(site: Site, tenant: str, *numbers: int) -> None:
    """Write events and notify, as a worker does at its commit."""
    with psycopg.connect(site.database.worker_url) as connection:
        connection.execute("SELECT set_config('tillstream.tenants', %s, true)", (tenant,))
        for number in numbers:
            connection.execute(
                "INSERT INTO rollup.live (tenant_id, id, store_id, data) VALUES (%s, %s, 1, %s)",
                (tenant, number, json.dumps({"store": "1", "n": number})),
            )
        connection.execute(
            "INSERT INTO rollup.live_ids VALUES (%s, %s) "
            "ON CONFLICT (tenant_id) DO UPDATE SET id = excluded.id",
            (tenant, numbers[-1]),
        )
        connection.execute(
            "SELECT pg_notify(shops.channel('tillstream_live'), %s)", (f"{tenant}:{numbers[-1]}",)
        )


async def test_a_change_arrives_at_every_watcher_of_its_tenant(running: Running) -> None:
    ada = await running.site.register()
    bob = await running.site.register("bob@example.com")
    async with (
        running.stream(ada["token"]) as one,
        running.stream(ada["token"]) as two,
        running.stream(bob["token"]) as other,
    ):
        for reader in (one, two, other):
            assert await reader.next() == {"id": "0", "event": "hello", "data": {"id": "0"}}
        write(running.site, bob["tenant"]["id"], 1)
        write(running.site, ada["tenant"]["id"], 1, 2)
        for reader in (one, two):
            first, second = await reader.next(), await reader.next()
            assert first == {"id": "1", "event": "change", "data": {"store": "1", "n": 1}}
            assert second is not None
            assert second["id"] == "2"
        assert (await other.next() or {})["id"] == "1"
        write(running.site, bob["tenant"]["id"], 2)
        assert (await other.next() or {})["id"] == "2"
    await running.watchers(0)


async def test_coming_back_misses_nothing(running: Running) -> None:
    ada = await running.site.register()
    write(running.site, ada["tenant"]["id"], 1, 2, 3)
    async with running.stream(ada["token"], **{"Last-Event-ID": "1"}) as reader:
        assert await reader.next() == {"id": "1", "event": "hello", "data": {"id": "3"}}
        write(running.site, ada["tenant"]["id"], 4)
        assert [(await reader.next() or {}).get("id") for _ in range(3)] == ["2", "3", "4"]


async def test_who_was_away_too_long_is_told_to_fetch_everything(running: Running) -> None:
    ada = await running.site.register()
    write(running.site, ada["tenant"]["id"], 1, 2, 3)
    with running.site.owner() as owner:
        owner.execute("DELETE FROM rollup.live WHERE id < 3")
    async with running.stream(ada["token"], **{"Last-Event-ID": "1"}) as reader:
        assert (await reader.next() or {})["event"] == "hello"
        assert await reader.next() == {"id": "3", "event": "reset", "data": {"id": "3"}}
        write(running.site, ada["tenant"]["id"], 4)
        assert (await reader.next() or {})["id"] == "4"


async def test_signing_out_ends_the_stream(running: Running) -> None:
    ada = await running.site.register()
    other = await running.site.login()
    async with running.stream(ada["token"]) as reader, running.stream(other) as stays:
        await reader.next()
        await stays.next()
        async with running.site.client(ada["token"]) as client:
            await client.post("/api/auth/logout")
        assert await reader.next() == {"event": "end", "data": {"reason": "revoked"}}
        assert await reader.next() is None
        write(running.site, ada["tenant"]["id"], 1)
        assert (await stays.next() or {})["id"] == "1"


async def test_an_expired_token_ends_the_stream(running: Running) -> None:
    ada = await running.site.register()
    async with running.stream(ada["token"]) as reader:
        await reader.next()
        running.site.clock.forward(minutes=15)
        write(running.site, ada["tenant"]["id"], 1)
        assert (await reader.next() or {})["id"] == "1"
        assert await reader.next() == {"event": "end", "data": {"reason": "expired"}}
        assert await reader.next() is None


async def test_a_lost_listening_connection_is_made_again_and_nothing_is_missed(
    running: Running,
) -> None:
    ada = await running.site.register()
    async with running.stream(ada["token"]) as reader:
        await reader.next()
        with running.site.owner() as owner:
            killed = owner.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE query LIKE 'LISTEN%%'"
            ).fetchone()
        assert killed == (1,)
        write(running.site, ada["tenant"]["id"], 1)
        assert (await reader.next() or {})["id"] == "1"


async def test_a_client_that_goes_away_is_forgotten(running: Running) -> None:
    ada = await running.site.register()
    async with running.stream(ada["token"]) as reader:
        await reader.next()
        await running.watchers(1)
    await running.watchers(0)


async def test_shutting_down_ends_every_stream(running: Running) -> None:
    ada = await running.site.register()
    async with running.stream(ada["token"]) as reader:
        await reader.next()
        running.site.app.state.context.live.end_all()
        assert await reader.next() == {"event": "end", "data": {"reason": "shutdown"}}


def watcher() -> Watcher:
    return Watcher(Bearer(1, 1, "owner", UUID(int=1), datetime(2026, 1, 1, tzinfo=UTC)))


async def test_a_watcher_that_does_not_keep_up_is_let_go() -> None:
    slow = watcher()
    for number in range(1, QUEUE_LENGTH + 1):
        slow.give(Event("change", "{}", number))
    assert slow.last_words is None
    slow.give(Event("change", "{}", QUEUE_LENGTH + 1))
    assert slow.last_words is not None
    assert slow.last_words.name == "overflow"
    assert await slow.take(0) == []


async def test_a_watcher_is_given_nothing_twice() -> None:
    one = watcher()
    one.seen = 5
    for number in (4, 5, 6, 6, 7):
        one.give(Event("change", "{}", number))
    assert [event.id for event in await one.take(0)] == [6, 7]


@given(
    wanted=st.none() | st.integers(0, 2000),
    oldest=st.none() | st.integers(1, 1000),
    kept=st.integers(0, 1000),
)
def test_a_stream_goes_on_only_where_nothing_is_missing(
    wanted: int | None, oldest: int | None, kept: int
) -> None:
    newest = kept if oldest is None else oldest + kept
    start = place_to_begin(wanted, oldest, newest)
    if wanted is None:
        assert start == newest
    elif start is not None:
        assert start == wanted <= newest
        assert newest - start <= MOST_REPLAYED
        # Every event after it is still kept.
        assert start == newest or (oldest is not None and oldest <= start + 1)
