"""Access tokens of stores for whoever calls the Admin API, renewed in time and by one at a time.

A token lasts an hour and comes with a refresh token, which is used once: a new pair ends the one before
as soon as it is used itself. So whoever renews a store's token first locks it, across all processes, and
looks again: another may have done it meanwhile. The new pair is stored in one statement, and only if
what it replaces is still there. An answer that is lost on its way does no harm, since Shopify takes the
old refresh token until the new one is used.

https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/offline-access-tokens
https://shopify.dev/changelog/more-resilient-refreshes-for-expiring-offline-access-tokens
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final, LiteralString, NamedTuple

from tillstream.foundation.database import tenants_transaction
from tillstream.shopify.grants import Grant, GrantRefused, refresh_grant
from tillstream.shops import audit
from tillstream.shops.apps import credentials_of
from tillstream.shops.connections import seal_grant
from tillstream.shops.sealing import store_place

if TYPE_CHECKING:
    from datetime import datetime

    import httpx

    from tillstream.foundation.clock import Clock
    from tillstream.foundation.database import Connection, Pool
    from tillstream.foundation.settings import Settings
    from tillstream.shops.sealing import Keyring, SecretField

log = logging.getLogger(__name__)

MARGIN: Final = timedelta(minutes=1)
"""A token that lasts no longer is renewed before it is used: a call and its retries take their time."""

_FIRST_PAUSE: Final = timedelta(seconds=15)
_LONGEST_PAUSE: Final = timedelta(hours=1)
_ATTEMPTS: Final = 2
_ROUNDS: Final = 3

# The first number names what is locked: the token of a store.
_LOCK: LiteralString = "SELECT pg_advisory_xact_lock(7211851, %s)"
_READ: LiteralString = """
SELECT domain, app_key, client_id, api_secret_sealed, access_token_sealed, access_token_expires_at,
       refresh_token_sealed, refresh_token_expires_at, token_problem, token_failures, token_retry_at
FROM shops.stores
WHERE tenant_id = %s AND id = %s AND removed_at IS NULL AND uninstalled_at IS NULL
"""
_KEEP: LiteralString = """
UPDATE shops.stores
SET access_token_sealed = %(access)s, access_token_expires_at = %(expires)s,
    refresh_token_sealed = %(refresh)s, refresh_token_expires_at = %(refresh_expires)s,
    granted_scopes = %(scopes)s, token_refreshed_at = %(now)s, token_problem = NULL,
    token_failures = 0, token_retry_at = NULL
WHERE tenant_id = %(tenant)s AND id = %(store)s AND refresh_token_sealed = %(spent)s
RETURNING id
"""
_POSTPONE: LiteralString = """
UPDATE shops.stores SET token_failures = token_failures + 1, token_retry_at = %(retry)s
WHERE tenant_id = %(tenant)s AND id = %(store)s AND refresh_token_sealed = %(spent)s
"""
_GIVE_UP: LiteralString = """
UPDATE shops.stores SET token_problem = %(problem)s
WHERE tenant_id = %(tenant)s AND id = %(store)s AND access_token_sealed = %(access)s
  AND token_problem IS NULL
RETURNING domain
"""


class TokenUnavailable(Exception):
    """There is no token now; the message is a sentence without any secret. Later there may be one."""


class TokenLost(Exception):
    """There will be no token until a person connects the store again. ``problem`` is the column's."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"The store has no access token that Shopify accepts ({problem}).")
        self.problem = problem


class StoreKey(NamedTuple):
    """Which store."""

    tenant_id: int
    store_id: int


class _Held(NamedTuple):
    """What the database holds of a store's token."""

    domain: str
    app_key: str
    client_id: str | None
    api_secret: bytes | None
    access: bytes | None
    expires_at: datetime | None
    refresh: bytes | None
    refresh_expires_at: datetime | None
    problem: str | None
    failures: int
    retry_at: datetime | None


@dataclass(frozen=True)
class _App:
    """Who asks Shopify: a client id with the secrets that may be its."""

    client_id: str
    secrets: tuple[str, ...] = field(repr=False)


def pause_after(failures: int) -> timedelta:
    """How long to wait after so many failures in a row: twice as long each time, an hour at most."""
    return min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(failures, 16))


def is_good(expires_at: datetime | None, now: datetime, margin: timedelta) -> bool:
    """Whether a token lasts longer than ``margin``; one without an end always does."""
    return expires_at is None or expires_at > now + margin


def is_lost(refusal: GrantRefused) -> bool:
    """Whether only a person can bring the store back.

    Not where the app's own id and secret are at fault: then no store is, and all of them go on by
    themselves once the operator has set that right.
    """
    return refusal.lasting and refusal.reason != "client"


@dataclass(frozen=True)
class Renewal:
    """Gives out, and renews, the access tokens of stores.

    Args:
        pool: connections of the worker role.
        http: as ``shopify.wire.open_http`` makes it.
        keyring: opens and seals.
        settings: has the default app and the address of a stand-in.
        clock: the time.
    """

    pool: Pool
    http: httpx.AsyncClient
    keyring: Keyring
    settings: Settings
    clock: Clock

    async def access_token(
        self, store: StoreKey, *, margin: timedelta = MARGIN, refused: str | None = None
    ) -> str:
        """A token that lasts longer than ``margin``, renewed if need be.

        Args:
            store: whose.
            margin: how long it has to last.
            refused: a token that Shopify refused: whatever its time, it will not do.

        Raises:
            TokenLost: a person has to connect the store again.
            TokenUnavailable: not now.
        """
        async with tenants_transaction(self.pool, [store.tenant_id]) as connection:
            held = await _read(connection, store)
        token = self._usable(store, held, margin, refused)
        return token if token is not None else await self._renew(store, margin, refused)

    async def give_up(
        self, store: StoreKey, refused: str, problem: str, *, even_renewable: bool = False
    ) -> None:
        """Say to the owner that Shopify will not take this token again.

        Nothing happens if the store has another one by now, or if the token can be renewed and
        ``even_renewable`` does not say that this would not help.
        """
        async with tenants_transaction(self.pool, [store.tenant_id]) as connection:
            held = await _read(connection, store)
            same = self._open(store, held.access, "access_token") == refused
            if same and (even_renewable or held.refresh is None):
                await self._give_up(connection, store, held, problem)

    async def _renew(self, store: StoreKey, margin: timedelta, refused: str | None) -> str:
        """One at a time, however many processes ask."""
        for _ in range(_ROUNDS):
            async with tenants_transaction(self.pool, [store.tenant_id]) as connection:
                await connection.execute(_LOCK, (store.store_id % 2**31,))
                held = await _read(connection, store)
                token = self._usable(store, held, margin, refused)
                if token is None:
                    token = await self._refresh(connection, store, held, refused)
            # The transaction has ended, whatever became of it: what was learnt is stored.
            if isinstance(token, Exception):
                raise token
            if token is not None:
                return token
        message = "The store's token changes all the time."
        raise TokenUnavailable(message)

    def _usable(
        self, store: StoreKey, held: _Held, margin: timedelta, refused: str | None
    ) -> str | None:
        if held.problem is not None:
            raise TokenLost(held.problem)
        token = self._open(store, held.access, "access_token")
        if token is None:
            raise TokenLost("none")
        if token == refused:
            if held.refresh is None:
                raise TokenLost("revoked")
            return None
        if held.refresh is None or is_good(held.expires_at, self.clock(), margin):
            return token
        return None

    async def _refresh(
        self, connection: Connection, store: StoreKey, held: _Held, refused: str | None
    ) -> str | Exception | None:
        """A new token; an exception for the caller; None where somebody connected the store anew."""
        now = self.clock()
        if held.retry_at is not None and held.retry_at > now:
            return self._make_do(store, held, refused, "Shopify could not be asked a moment ago.")
        app = await self._app_of(connection, store, held)
        if app is None:
            await self._postpone(connection, store, held)
            return self._make_do(store, held, refused, "Its app is not known here any more.")
        try:
            grant = await self._ask(app, store, held)
        except GrantRefused as error:
            log.warning(
                "token_refresh_failed",
                extra={"store_id": store.store_id, "reason": error.reason, "error": str(error)},
            )
            if is_lost(error):
                await self._give_up(connection, store, held, error.reason)
                return TokenLost(error.reason)
            await self._postpone(connection, store, held)
            return self._make_do(store, held, refused, str(error))
        values = {
            "tenant": store.tenant_id,
            "store": store.store_id,
            "now": now,
            "scopes": grant.scopes,
            "spent": held.refresh,
            **seal_grant(self.keyring, store.store_id, grant),
        }
        row = await (await connection.execute(_KEEP, values)).fetchone()
        return None if row is None else grant.access_token

    async def _ask(self, app: _App, store: StoreKey, held: _Held) -> Grant:
        """Ask Shopify; with each of the app's secrets, and once more when an answer was lost."""
        token = self._open(store, held.refresh, "refresh_token") or ""
        last: GrantRefused | None = None
        for secret in app.secrets:
            for _ in range(_ATTEMPTS):
                try:
                    return await refresh_grant(
                        self.http,
                        held.domain,
                        app.client_id,
                        secret,
                        token,
                        now=self.clock(),
                        stand_in=self.settings.shopify_address,
                    )
                except GrantRefused as error:
                    last = error
                if last.reason != "unavailable":
                    break
            if last is not None and last.reason != "client":
                break
        if last is None:
            raise GrantRefused("client", "The app has no secret.", lasting=False)
        raise last

    async def _app_of(self, connection: Connection, store: StoreKey, held: _Held) -> _App | None:
        if held.client_id is not None:
            secret = self._open(store, held.api_secret, "api_secret")
            return None if secret is None else _App(held.client_id, (secret,))
        found = await credentials_of(connection, self.keyring, self.settings, held.app_key)
        if found is None or not found.secrets:
            return None
        return _App(found.client_id, tuple(secret.decode() for secret in found.secrets))

    def _make_do(
        self, store: StoreKey, held: _Held, refused: str | None, why: str
    ) -> str | TokenUnavailable:
        """The present token for as long as it lasts at all."""
        token = self._open(store, held.access, "access_token")
        lasts = is_good(held.expires_at, self.clock(), timedelta(seconds=5))
        if token is None or token == refused or not lasts:
            return TokenUnavailable(why)
        return token

    async def _postpone(self, connection: Connection, store: StoreKey, held: _Held) -> None:
        retry = self.clock() + pause_after(held.failures)
        values = {"tenant": store.tenant_id, "store": store.store_id, "spent": held.refresh}
        await connection.execute(_POSTPONE, {**values, "retry": retry})

    async def _give_up(
        self, connection: Connection, store: StoreKey, held: _Held, problem: str
    ) -> None:
        values = {"tenant": store.tenant_id, "store": store.store_id, "access": held.access}
        row = await (await connection.execute(_GIVE_UP, {**values, "problem": problem})).fetchone()
        if row is not None:
            await audit.note(
                connection,
                store.tenant_id,
                "store.token_lost",
                actor=audit.SHOPIFY,
                subject=row[0],
                detail={"problem": problem},
                now=self.clock(),
            )

    def _open(self, store: StoreKey, sealed: bytes | None, secret: SecretField) -> str | None:
        if sealed is None:
            return None
        return self.keyring.open(bytes(sealed), store_place(store.store_id, secret)).decode()


async def _read(connection: Connection, store: StoreKey) -> _Held:
    row = await (await connection.execute(_READ, (store.tenant_id, store.store_id))).fetchone()
    if row is None:
        # Removed or uninstalled.
        raise TokenLost("none")
    return _Held(*row)
