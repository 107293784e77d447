"""The steward: does what is due for the connections of stores, beside the worker.

There is one at a time in an installation, whichever process it is in. Every minute, and at once when a
store was connected, it renews tokens that end soon, and has each store's webhook subscriptions audited.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final, LiteralString

import psycopg

from tillstream.command.subscription_audit import Auditor
from tillstream.foundation.clock import utc_now
from tillstream.foundation.database import connect, listen, open_pool
from tillstream.shopify.wire import open_http
from tillstream.shops.renewal import Renewal, StoreKey, TokenLost, TokenUnavailable
from tillstream.shops.sealing import Keyring

if TYPE_CHECKING:
    import httpx

    from tillstream.foundation.clock import Clock
    from tillstream.foundation.database import Connection, Pool
    from tillstream.foundation.settings import Settings

log = logging.getLogger(__name__)

SOON: Final = timedelta(minutes=10)
"""A token that ends within this is renewed."""
IDLE: Final = timedelta(days=30)
"""A refresh token that was not used for this long is: unused, it ends after 90 days."""
AUDIT_EVERY: Final = timedelta(hours=6)
_ROUND: Final = 60.0
"""Seconds between looks at what is due."""
_ANOTHER: Final = 15.0
"""Seconds between looks at whether the steward elsewhere has gone."""
_AT_ONCE: Final = 4
"""Stores that are looked after side by side."""
_MOST: Final = 200
_MOST_AUDITS: Final = 20
"""Few at a time, since a shop that does not answer takes minutes: tokens are looked at in between."""
_FOREVER: Final = timedelta(days=36_500)

_TRY_LOCK: LiteralString = "SELECT pg_try_advisory_lock(7211850)"
_DUE_REFRESHES: LiteralString = """
SELECT tenant_id, store_id, idles FROM shops.due_refreshes(%s, %s, %s, %s)
"""
_DUE_AUDITS: LiteralString = "SELECT tenant_id, store_id FROM shops.due_audits(%s, %s, %s)"


class Steward:
    """Does what is due.

    Args:
        pool: connections of the worker role.
        http: as ``shopify.wire.open_http`` makes it.
        keyring: opens and seals tokens.
        settings: has our address, the default app, and the address of a stand-in.
        clock: the time.
    """

    def __init__(
        self,
        pool: Pool,
        http: httpx.AsyncClient,
        keyring: Keyring,
        settings: Settings,
        clock: Clock = utc_now,
    ) -> None:
        """Nothing is done before ``work``."""
        self._renewal = Renewal(pool, http, keyring, settings, clock)
        self.auditor = Auditor(pool, http, self._renewal, settings, clock)
        self._pool = pool
        self._clock = clock
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self.has_more = False
        """Whether the last round left something that is due already."""

    async def work(self) -> int:
        """Do what is due now; returns how many stores that were."""
        async with self._pool.connection() as connection:
            now = self._clock()
            rows = await (
                await connection.execute(_DUE_REFRESHES, (now, SOON, IDLE, _MOST))
            ).fetchall()
        await asyncio.gather(
            *(self._renew(StoreKey(tenant, store), idles=idles) for tenant, store, idles in rows)
        )
        # Only now, since who has no token cannot be audited.
        async with self._pool.connection() as connection:
            due = await (
                await connection.execute(_DUE_AUDITS, (self._clock(), AUDIT_EVERY, _MOST_AUDITS))
            ).fetchall()
        await asyncio.gather(*(self._audit_calmly(StoreKey(*row)) for row in due))
        self.has_more = len(rows) == _MOST or len(due) == _MOST_AUDITS
        return len(rows) + len(due)

    async def _renew(self, store: StoreKey, *, idles: bool) -> None:
        async with self._gate:
            try:
                await self._renewal.access_token(store, margin=_FOREVER if idles else SOON)
            except (TokenLost, TokenUnavailable) as error:
                # Both are written down with the store, which says when to try again, if ever.
                log.info(
                    "token_not_renewed", extra={"store_id": store.store_id, "error": str(error)}
                )
            except Exception:  # one store may not keep the others waiting
                log.exception("token_renewal_failed", extra={"store_id": store.store_id})

    async def _audit_calmly(self, store: StoreKey) -> None:
        async with self._gate:
            try:
                await self.auditor.audit(store)
            except Exception:  # one store may not keep the others waiting
                log.exception("audit_failed", extra={"store_id": store.store_id})
                await self.auditor.postpone(store, 0, [])


async def run_steward(
    worker_url: str, settings: Settings, clock: Clock = utc_now, *, every: float = _ROUND
) -> None:
    """Be the steward whenever no other process is, until cancelled."""
    keyring = Keyring.from_settings(settings)
    async with (
        open_http(settings.shopify_address) as http,
        open_pool(worker_url, max_size=_AT_ONCE + 1) as pool,
    ):
        steward = Steward(pool, http, keyring, settings, clock)
        while True:
            try:
                connection = await connect(worker_url)
                async with connection:
                    await _serve(connection, steward, every)
            except (psycopg.Error, OSError) as error:
                log.warning("steward_interrupted", extra={"error": type(error).__name__})
            except Exception:  # the office must not stay empty for a fault in one piece of work
                log.exception("steward_failed")
            await asyncio.sleep(_ANOTHER)


async def _serve(connection: Connection, steward: Steward, every: float) -> None:
    """Work while this connection holds the office; return at once if another one does."""
    row = await (await connection.execute(_TRY_LOCK)).fetchone()
    if row is None or not row[0]:
        return
    await listen(connection, "tillstream_connections")
    while True:
        await steward.work()
        while steward.has_more:
            await steward.work()
        async for _ in connection.notifies(timeout=every, stop_after=1):
            pass
