"""What happens in the stores, told to whoever watches: one listening connection, many watchers.

The worker writes a row into ``rollup.live`` and notifies at its commit. The hub reads the new rows
of tenants that somebody watches, once, under that tenant's row-level security, and hands them to
every watcher of the tenant. A watcher that does not keep up is let go: it comes back and fetches
what it shows, which is cheaper than any queue.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, LiteralString

import psycopg

from tillstream.foundation.database import Pool, connect, listen, tenant_transaction, topic_of
from tillstream.shops.callers import sign_in_name, still_stands

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tillstream.foundation.clock import Clock
    from tillstream.foundation.database import Connection
    from tillstream.shops.callers import Caller

_log = logging.getLogger(__name__)

QUEUE_LENGTH: Final = 256
"""Events that may wait for one watcher; at ten a second, half a minute of not reading."""
MOST_REPLAYED: Final = 500
"""Who missed more is told to fetch everything anew, which costs less."""
_LONGEST_RETRY_SECONDS: Final = 5.0

_BOUNDS: LiteralString = """
SELECT (SELECT min(id) FROM rollup.live WHERE tenant_id = %(tenant)s),
       coalesce((SELECT id FROM rollup.live_ids WHERE tenant_id = %(tenant)s), 0)
"""
_AFTER: LiteralString = """
SELECT id, data FROM rollup.live WHERE tenant_id = %s AND id > %s ORDER BY id LIMIT %s
"""


@dataclass(frozen=True)
class Event:
    """One event of the stream; ``id`` is where to resume after it, None where it does not move."""

    name: str
    data: str
    id: int | None = None

    def encode(self) -> bytes:
        """As the text/event-stream format has it. ``data`` holds no line break: it is JSON."""
        place = "" if self.id is None else f"id: {self.id}\n"
        return f"{place}event: {self.name}\ndata: {self.data}\n\n".encode()


@dataclass(eq=False)
class Watcher:
    """One open stream: what waits to be sent on it, and why it is to end."""

    bearer: Caller
    seen: int = 0
    """The last event it was given, or had before it joined."""
    last_words: Event | None = None
    """Set once the stream is to end: what it says then."""
    _pending: deque[Event] = field(default_factory=deque[Event])
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def give(self, event: Event) -> None:
        """Queue an event, or let the watcher go if it does not keep up."""
        if self.last_words is not None or (event.id is not None and event.id <= self.seen):
            return
        if len(self._pending) >= QUEUE_LENGTH:
            self._pending.clear()
            self.end(Event("overflow", '{"reason":"slow"}'))
            return
        self.seen = self.seen if event.id is None else event.id
        self._pending.append(event)
        self._wake.set()

    def end(self, last_words: Event) -> None:
        """Let the stream end with ``last_words``; the first reason stands."""
        self.last_words = self.last_words or last_words
        self._wake.set()

    async def take(self, seconds: float) -> list[Event]:
        """What has been given since, waiting up to ``seconds`` for it; empty if nothing was."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        self._wake.clear()
        taken = list(self._pending)
        self._pending.clear()
        return taken


@dataclass(eq=False)
class _Feed:
    """A tenant that is watched: by whom, and up to which event they were told."""

    watchers: set[Watcher] = field(default_factory=set[Watcher])
    cursor: int | None = None


def place_to_begin(wanted: int | None, oldest: int | None, newest: int) -> int | None:
    """After which event a stream begins; None if what was ``wanted`` cannot be continued.

    Args:
        wanted: the last event that the client saw; None for one that only wants what comes.
        oldest: the first event that is still kept; None if none is.
        newest: the last event there was; 0 if there never was one.
    """
    if wanted is None or wanted == newest:
        return newest
    if wanted > newest or newest - wanted > MOST_REPLAYED:
        return None
    if oldest is None or wanted < oldest - 1:
        return None
    return wanted


class LiveHub:
    """Listens for the whole process and tells the watchers."""

    def __init__(self, pool: Pool, listen_url: str, clock: Clock) -> None:
        self._pool = pool
        self._listen_url = listen_url
        self._clock = clock
        self._feeds: dict[int, _Feed] = {}
        self._stirred: set[int] = set()
        self._doubted: set[Watcher] = set()
        self._wake = asyncio.Event()
        self.listening = asyncio.Event()
        """Set while the listening connection is up."""

    @property
    def watchers(self) -> int:
        """How many streams are open."""
        return sum(len(feed.watchers) for feed in self._feeds.values())

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Listen for as long as the block lasts; then every stream ends."""
        tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._tell())]
        try:
            yield
        finally:
            self.end_all()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def end_all(self) -> None:
        """Let every open stream end; their clients come back, to this process or another."""
        for watcher in self._everybody():
            watcher.end(Event("end", '{"reason":"shutdown"}'))

    @asynccontextmanager
    async def watch(
        self, bearer: Caller, wanted: int | None
    ) -> AsyncGenerator[tuple[Watcher, list[Event]]]:
        """A stream for the bearer's tenant, and the events it begins with.

        Args:
            bearer: who watches; the stream ends when their sign-in or key does.
            wanted: the last event they saw, to go on from there.
        """
        feed = self._feeds.setdefault(bearer.tenant_id, _Feed())
        watcher = Watcher(bearer)
        # First known to the hub, then reading the past: so nothing falls between the two. What
        # comes twice is told apart by its number.
        feed.watchers.add(watcher)
        try:
            yield watcher, await self._beginning(feed, watcher, wanted)
        finally:
            feed.watchers.discard(watcher)
            self._doubted.discard(watcher)
            if not feed.watchers and self._feeds.get(bearer.tenant_id) is feed:
                del self._feeds[bearer.tenant_id]

    async def _beginning(self, feed: _Feed, watcher: Watcher, wanted: int | None) -> list[Event]:
        tenant_id = watcher.bearer.tenant_id
        async with tenant_transaction(self._pool, tenant_id) as connection:
            # Seen only now, so that a revocation is either seen here or notified.
            await self._check(connection, watcher)
            oldest, newest = await _bounds(connection, tenant_id)
            start = place_to_begin(wanted, oldest, newest)
            past = [] if start is None else await _after(connection, tenant_id, start)
        reached = past[-1].id or newest if past else newest
        watcher.seen = max(watcher.seen, reached)
        if feed.cursor is None:
            feed.cursor = newest
            # What was notified while the cursor was unknown is read now.
            self._stir([tenant_id])
        told = json.dumps({"id": str(newest)}, separators=(",", ":"))
        if start is None:
            return [Event("hello", told, newest), Event("reset", told, newest)]
        return [Event("hello", told, start), *past]

    async def _listen(self) -> None:
        """Keep a connection that listens; after each loss, ask for what was missed."""
        wait = 0.1
        while True:
            try:
                async with await connect(self._listen_url) as connection:
                    await listen(connection, "tillstream_live", "tillstream_sessions")
                    wait = 0.1
                    self._doubt(self._everybody())
                    self._stir(self._feeds)
                    self.listening.set()
                    async for notification in connection.notifies():
                        self._hear(notification)
            except psycopg.Error as error:
                _log.warning("live.listen_lost", extra={"error": type(error).__name__})
            finally:
                self.listening.clear()
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_RETRY_SECONDS)

    def _hear(self, notification: psycopg.Notify) -> None:
        tenant, _, rest = notification.payload.partition(":")
        feed = self._feeds.get(int(tenant)) if tenant.isdecimal() else None
        if feed is None:
            return
        if topic_of(notification) == "tillstream_live":
            self._stir([int(tenant)])
        else:
            self._doubt(w for w in feed.watchers if sign_in_name(w.bearer) == rest)

    def _stir(self, tenants: Iterable[int]) -> None:
        self._stirred.update(tenants)
        self._wake.set()

    def _doubt(self, watchers: Iterable[Watcher]) -> None:
        self._doubted.update(watchers)
        self._wake.set()

    def _everybody(self) -> list[Watcher]:
        return [watcher for feed in self._feeds.values() for watcher in feed.watchers]

    async def _tell(self) -> None:
        """Tell what is new. What is notified meanwhile becomes the next round."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            tenants = self._stirred | {w.bearer.tenant_id for w in self._doubted}
            doubted, self._stirred, self._doubted = self._doubted, set(), set()
            results = await asyncio.gather(
                *(self._tell_tenant(tenant, doubted) for tenant in tenants),
                return_exceptions=True,
            )
            failed = [
                tenant
                for tenant, result in zip(tenants, results, strict=True)
                if isinstance(result, BaseException)
            ]
            if failed:
                _log.warning("live.tell_failed", extra={"tenants": len(failed)})
                await asyncio.sleep(1)
                self._stir(failed)
                self._doubt(w for w in doubted if w.bearer.tenant_id in failed)

    async def _tell_tenant(self, tenant_id: int, doubted: set[Watcher]) -> None:
        feed = self._feeds.get(tenant_id)
        if feed is None:
            return
        async with tenant_transaction(self._pool, tenant_id) as connection:
            for watcher in feed.watchers & doubted:
                await self._check(connection, watcher)
            if feed.cursor is None:
                return
            events = await _after(connection, tenant_id, feed.cursor)
        for event in events:
            for watcher in feed.watchers:
                watcher.give(event)
        if events:
            feed.cursor = events[-1].id
        if len(events) == MOST_REPLAYED:
            self._stir([tenant_id])

    async def _check(self, connection: Connection, watcher: Watcher) -> None:
        """Let a watcher go whose sign-in or key no longer stands."""
        if not await still_stands(connection, watcher.bearer, self._clock()):
            watcher.end(Event("end", '{"reason":"revoked"}'))


async def _bounds(connection: Connection, tenant_id: int) -> tuple[int | None, int]:
    row = await (await connection.execute(_BOUNDS, {"tenant": tenant_id})).fetchone()
    return (None, 0) if row is None else (row[0], row[1])


async def _after(connection: Connection, tenant_id: int, place: int) -> list[Event]:
    cursor = await connection.execute(_AFTER, (tenant_id, place, MOST_REPLAYED))
    return [
        Event("change", json.dumps(data, separators=(",", ":"), ensure_ascii=False), number)
        for number, data in await cursor.fetchall()
    ]
