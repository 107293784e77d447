"""Hearing that something came: a signal, and a connection that listens for it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, LiteralString

import psycopg

from tillstream.foundation.database import connect, listen, topic_of

if TYPE_CHECKING:
    from psycopg import Notify

    from tillstream.foundation.database import Connection
    from tillstream.journal.backoff import Backoff

log = logging.getLogger(__name__)

HELD = "held"
"""Payload of a notification on ``tillstream_journal`` saying that held deliveries were released."""


RING: LiteralString = "SELECT pg_notify(shops.channel('tillstream_journal'), %s)"
"""Says so to every ear: with ``HELD``, or with an empty text where frames came."""


class Signal:
    """An event that one claimer waits for, with a note that held deliveries are worth a look."""

    def __init__(self) -> None:
        """Begin unset."""
        self._event = asyncio.Event()
        self._held = False

    def set(self, *, held: bool = False) -> None:
        """Wake whoever waits."""
        self._held = self._held or held
        self._event.set()

    def clear(self) -> None:
        """Forget earlier wake-ups: done before looking, so that none in between is missed."""
        self._event.clear()

    def take_held(self) -> bool:
        """Whether held deliveries are worth a look; asking again says no."""
        held, self._held = self._held, False
        return held

    async def wait(self, seconds: float) -> None:
        """Return at the next wake-up, or after ``seconds``."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()


class Ear:
    """Listens to PostgreSQL on a connection of its own, and connects again when it is lost."""

    def __init__(self, url: str, signal: Signal, backoff: Backoff) -> None:
        """Nothing is connected before ``start``."""
        self._url = url
        self._signal = signal
        self._backoff = backoff
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Listen from now on; again is harmless."""
        if self._task is None:
            self._task = asyncio.create_task(self._listen())

    async def close(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _listen(self) -> None:
        refused = 0
        while True:
            try:
                connection = await connect(self._url)
                async with connection:
                    await listen(connection, "tillstream_journal", "tillstream_shops")
                    refused = 0
                    await self._hear(connection)
            except psycopg.Error as error:
                log.warning("journal.listener_lost", extra={"error": str(error)})
            await asyncio.sleep(self._backoff.delay(refused))
            refused += 1

    async def _hear(self, connection: Connection) -> None:
        # Whatever was said while nobody listened may have been about either.
        self._signal.set(held=True)
        async for notification in connection.notifies():
            self._signal.set(held=_is_about_held(notification))


def _is_about_held(notification: Notify) -> bool:
    return topic_of(notification) == "tillstream_shops" or notification.payload == HELD
