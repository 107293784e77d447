"""What ingest knows of apps and secrets: a cache that follows the database, so that no request reads it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final, LiteralString

import psycopg

from tillstream.foundation.database import connect, listen, topic_of
from tillstream.ingest.verify import FOREVER, Accepted, is_genuine
from tillstream.shops.apps import DEFAULT
from tillstream.shops.sealing import Unsealable, app_place, store_place

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from tillstream.foundation.database import Connection
    from tillstream.shops.sealing import Keyring

log = logging.getLogger(__name__)

_LOAD_APPS: LiteralString = "SELECT key, secret_id, sealed, retires_at FROM shops.app_credentials()"
_LOAD_STORES: LiteralString = """
SELECT domain, store_id, api_secret_sealed, retires_at FROM shops.store_secrets(%s::text[])
ORDER BY retires_at DESC NULLS FIRST
"""
_APPS: Final = "tillstream_apps"
_STORES: Final = "tillstream_shops"

_LONGEST_PAUSE: Final = 5.0
_QUIET: Final = 60.0
"""Seconds without a notification after which the connection is asked whether it still lives."""
_PATIENCE: Final = 10.0
"""Seconds that it has to say so."""


class Trust:
    """The secrets of the apps by their key, and those that stores brought by their domain.

    ``known`` is false until the database was read once: until then an unknown signature or app must
    not be called wrong. The default app's secrets of the settings need no database.
    """

    def __init__(self, worker_url: str, app_secrets: Sequence[bytes], keyring: Keyring) -> None:
        """Nothing is read before ``start``."""
        self._of_settings = tuple((secret, FOREVER) for secret in app_secrets)
        self.apps: dict[str, Accepted] = {DEFAULT: Accepted.of(self._of_settings)}
        self.stores: dict[str, Accepted] = {}
        self._owners: dict[str, int] = {}
        self.known = False
        self._url = worker_url
        self._keyring = keyring
        self._task: asyncio.Task[None] | None = None
        self._first = asyncio.Event()

    def accepted(self, app: str, shop: str, now: int) -> tuple[bytes, ...] | None:
        """The secrets that may have signed a delivery; None where there is no such app.

        Args:
            app: the key in the address.
            shop: the domain in the header; it may say anything.
            now: microseconds since 1970. What has retired by then does not count, whenever the
                database was read.
        """
        found = self.apps.get(app)
        if found is None:
            return None
        if now >= found.until:
            found = self.apps[app] = found.at(now)
        domain = shop.strip().lower()
        own = self.stores.get(domain)
        if own is None:
            return found.secrets
        if now >= own.until:
            own = self.stores[domain] = own.at(now)
        return found.secrets + own.secrets

    def signed_for(self, app: str, shop: str, signature: str, body: bytes) -> int | None:
        """The store whose own secret signed what is genuine; None where a secret of the app did."""
        owner = self._owners.get(shop.strip().lower())
        if owner is None or is_genuine(signature, body, self.apps[app].secrets):
            return None
        return owner

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
                    await listen(connection, _APPS, _STORES)
                    await self._load_apps(connection)
                    await self._load_stores(connection, None)
                    self.known = True
                    self._first.set()
                    pause = 0.1
                    while True:
                        await self._keep_up(connection)
            except (psycopg.Error, OSError) as error:
                log.warning("secrets_connection_lost", extra={"error": type(error).__name__})
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _keep_up(self, connection: Connection) -> None:
        """Wait for changes and read what they are about: one store's, not all stores'."""
        # The generator holds the connection: leave it before asking anything.
        told = [one async for one in connection.notifies(timeout=_QUIET, stop_after=1)]
        if not told:
            async with asyncio.timeout(_PATIENCE):
                await connection.execute("SELECT 1")
            return
        if any(topic_of(one) == _APPS for one in told):
            await self._load_apps(connection)
        domains = {one.payload for one in told if topic_of(one) == _STORES}
        if domains:
            await self._load_stores(connection, domains)

    async def _load_apps(self, connection: Connection) -> None:
        found: dict[str, list[tuple[bytes, int]]] = {DEFAULT: []}
        for key, secret_id, sealed, retires_at in await _rows(connection, _LOAD_APPS):
            secrets = found.setdefault(key, [])
            if sealed is None:
                continue
            try:
                plain = self._keyring.open(bytes(sealed), app_place(key, secret_id))
            except Unsealable:
                log.exception("app_secret_unsealable", extra={"app": key, "secret": secret_id})
                secrets += _known_before(self.apps, key)
            else:
                secrets.append((plain, _microseconds(retires_at)))
        found[DEFAULT] += self._of_settings
        self.apps = {key: Accepted.of(secrets) for key, secrets in found.items()}

    async def _load_stores(self, connection: Connection, domains: Collection[str] | None) -> None:
        """Read the secrets of these stores; None means all of them."""
        asked = None if domains is None else sorted(domains)
        found: dict[str, list[tuple[bytes, int]]] = {}
        owners: dict[str, int] = {}
        for domain, store_id, sealed, retires_at in await _rows(connection, _LOAD_STORES, asked):
            owners[domain] = store_id
            try:
                plain = self._keyring.open(bytes(sealed), store_place(store_id, "api_secret"))
            except Unsealable:
                log.exception("store_secret_unsealable", extra={"store_id": store_id})
                kept = found.setdefault(domain, [])
                # Of this very store: the shop may have changed hands meanwhile.
                if self._owners.get(domain) == store_id:
                    kept += _known_before(self.stores, domain)
            else:
                found.setdefault(domain, []).append((plain, _microseconds(retires_at)))
        accepted = {domain: Accepted.of(secrets) for domain, secrets in found.items()}
        if domains is None:
            self.stores, self._owners = accepted, owners
            return
        for domain in domains:
            if domain in accepted:
                self.stores[domain], self._owners[domain] = accepted[domain], owners[domain]
            else:
                self.stores.pop(domain, None)
                self._owners.pop(domain, None)


def _known_before(accepted: Mapping[str, Accepted], name: str) -> tuple[tuple[bytes, int], ...]:
    """What counted before a secret became unreadable here: rather that than genuine deliveries refused.

    Most likely it was sealed anew with a key that this process has not been given.
    """
    return accepted[name].terms if name in accepted else ()


async def _rows(
    connection: Connection, statement: LiteralString, *values: object
) -> list[tuple[Any, ...]]:
    return await (await connection.execute(statement, values or None)).fetchall()


def _microseconds(moment: datetime | None) -> int:
    return FOREVER if moment is None else int(moment.timestamp() * 1_000_000)
