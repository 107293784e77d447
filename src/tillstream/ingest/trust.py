"""What ingest knows of secrets: a cache that follows the database, so that no request reads it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

import psycopg

from tillstream.foundation.database import connect
from tillstream.shops.sealing import Unsealable, store_place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tillstream.foundation.database import Connection
    from tillstream.shops.sealing import Keyring

log = logging.getLogger(__name__)

_LOAD = "SELECT domain, store_id, api_secret_sealed FROM shops.store_secrets()"
_LONGEST_PAUSE: Final = 5.0


class Trust:
    """The secrets of the default app, and those that stores brought.

    ``known`` is false until the stores' have been read once: until then an unknown signature
    must not be called wrong.
    """

    def __init__(self, worker_url: str, app_secrets: Sequence[bytes], keyring: Keyring) -> None:
        """Nothing is read before ``start``."""
        self.app: tuple[bytes, ...] = tuple(app_secrets)
        self.stores: dict[str, tuple[bytes, ...]] = {}
        self.known = False
        self._url = worker_url
        self._keyring = keyring
        self._task: asyncio.Task[None] | None = None
        self._first = asyncio.Event()

    async def start(self, wait: float = 5.0) -> None:
        """Follow the database from now on; returns when it was read, or after ``wait`` seconds."""
        self._task = asyncio.create_task(self._follow())
        try:
            async with asyncio.timeout(wait):
                await self._first.wait()
        except TimeoutError:
            log.warning("secrets_not_read_yet")

    async def close(self) -> None:
        """Stop following."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _follow(self) -> None:
        pause = 0.1
        while True:
            try:
                connection = await connect(self._url)
                async with connection:
                    await connection.execute("LISTEN tillstream_shops")
                    pause = 0.1
                    while True:
                        await self._load(connection)
                        # The generator holds the connection: leave it before asking anything.
                        async for _ in connection.notifies(stop_after=1):
                            pass
            except (psycopg.Error, OSError) as error:
                log.warning("secrets_connection_lost", extra={"error": type(error).__name__})
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _load(self, connection: Connection) -> None:
        stores: dict[str, tuple[bytes, ...]] = {}
        for domain, store_id, sealed in await (await connection.execute(_LOAD)).fetchall():
            if sealed is None:
                continue
            try:
                stores[domain] = (
                    self._keyring.open(bytes(sealed), store_place(store_id, "api_secret")),
                )
            except Unsealable:
                log.exception("store_secret_unsealable", extra={"store_id": store_id})
        self.stores, self.known = stores, True
        self._first.set()
