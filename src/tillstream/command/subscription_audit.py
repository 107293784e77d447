"""The audit of one store: its webhook subscriptions are held against what is wanted, and set right.

What is missing is made and read back, what is ours twice is removed, what is others' is left alone, and
what cannot be set right becomes a warning that the store's owner sees.

The compliance topics are never among it: Shopify takes those from the app's configuration alone
(``tillstream shopify toml`` prints it).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, LiteralString

from psycopg.types.json import Jsonb

from tillstream.command.audit_findings import Finding, can_be_reached, findings, host_not_public
from tillstream.foundation.clock import utc_now
from tillstream.foundation.database import tenants_transaction
from tillstream.shopify.about import About, ask_about
from tillstream.shopify.admin import (
    API_VERSION,
    AdminClient,
    AdminErrors,
    AdminProblem,
    AdminRefused,
    ShopLocked,
)
from tillstream.shopify.scopes import parse_scopes
from tillstream.shopify.subscriptions import (
    Audit,
    SubscriptionRefused,
    create,
    delete,
    plan,
    read_subscriptions,
    wanted_topics,
)
from tillstream.shops.apps import webhook_address
from tillstream.shops.renewal import StoreKey, TokenLost, TokenUnavailable, pause_after

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import httpx

    from tillstream.foundation.clock import Clock
    from tillstream.foundation.database import Pool
    from tillstream.foundation.settings import Settings
    from tillstream.shopify.admin import TokenSource
    from tillstream.shops.renewal import Renewal

log = logging.getLogger(__name__)

_RECENT: Final = timedelta(days=1)
_MANY_FAILURES: Final = 3

_READ: LiteralString = """
SELECT domain, app_key, connected_by, audit_requests, audit_failures
FROM shops.stores
WHERE tenant_id = %s AND id = %s AND removed_at IS NULL AND uninstalled_at IS NULL
  AND access_token_sealed IS NOT NULL
"""
_VERSIONS: LiteralString = """
SELECT api_version FROM shops.delivery_versions
WHERE tenant_id = %s AND store_id = %s AND seen_at > %s ORDER BY api_version
"""
# What a person set stays as they set it. What was asked for since is not done yet.
_KEEP: LiteralString = """
UPDATE shops.stores
SET warnings = %(warnings)s,
    subscriptions_audited_at = CASE audit_requests WHEN %(requests)s THEN %(now)s END,
    audit_failures = 0, audit_retry_at = NULL, granted_scopes = coalesce(%(scopes)s, granted_scopes),
    proved_at = CASE WHEN %(proved)s THEN coalesce(proved_at, %(now)s) ELSE proved_at END,
    name = CASE name WHEN '' THEN coalesce(%(name)s, '') ELSE name END,
    timezone = coalesce(timezone, %(timezone)s), currency = coalesce(currency, %(currency)s)
WHERE tenant_id = %(tenant)s AND id = %(store)s AND access_token_sealed IS NOT NULL
"""
_POSTPONE: LiteralString = """
UPDATE shops.stores
SET audit_failures = audit_failures + 1, audit_retry_at = %(retry)s, warnings = %(warnings)s
WHERE tenant_id = %(tenant)s AND id = %(store)s
"""


@dataclass(frozen=True)
class _Kept:
    """A store as the audit finds it."""

    key: StoreKey
    domain: str
    app_key: str
    connected_by: str
    requests: int
    failures: int


class Auditor:
    """Audits stores, one at a time.

    Args:
        pool: connections of the worker role.
        http: as ``shopify.wire.open_http`` makes it.
        renewal: gives tokens, and takes back word of those that do not work.
        settings: has our address, and the address of a stand-in.
        clock: the time.
    """

    def __init__(
        self,
        pool: Pool,
        http: httpx.AsyncClient,
        renewal: Renewal,
        settings: Settings,
        clock: Clock = utc_now,
    ) -> None:
        """Nothing is done before ``audit``."""
        self._pool = pool
        self._http = http
        self._renewal = renewal
        self._settings = settings
        self._clock = clock

    async def audit(self, key: StoreKey) -> list[Finding] | None:
        """Compare a store's subscriptions with what is wanted, and set right what can be.

        Returns what is left to say; None where there was nothing to ask with, or no answer.
        """
        store, delivered = await self._read(key)
        if store is None:
            return None
        reachable = can_be_reached(self._settings.host, self._settings.shopify_address)
        if not reachable and store.connected_by != "oauth":
            # Nobody out there is asked by an installation that nobody out there can reach.
            return await self._keep(store, None, [host_not_public(self._settings.host)])
        try:
            return await self._look(store, delivered, reachable=reachable)
        except TokenLost:
            return None
        except TokenUnavailable:
            await self.postpone(key, store.failures, [])
        except ShopLocked as error:
            await self.postpone(key, store.failures, [Finding("shop_locked", str(error))])
        except AdminErrors as error:
            return await self._keep(store, None, [Finding("subscriptions_missing", str(error))])
        except AdminProblem as error:
            many = store.failures + 1 >= _MANY_FAILURES
            told = [Finding("unreachable", str(error))] if many else []
            await self.postpone(key, store.failures, told)
        return None

    async def _look(
        self, store: _Kept, delivered: Sequence[str], *, reachable: bool
    ) -> list[Finding] | None:
        """Ask; with a new token where Shopify refuses the one that should be good."""
        given = ""

        async def token() -> str:
            nonlocal given
            given = await self._renewal.access_token(store.key)
            return given

        client = self._client(store, token)
        try:
            return await self._compare(store, client, delivered, reachable=reachable)
        except AdminRefused as error:
            if error.kind not in {"token", "forbidden"}:
                raise
            refused = given
            if error.kind == "forbidden":
                # Public apps are answered so for tokens that do not expire. Where they do, there is
                # another reason, which a new token would not change.
                await self._renewal.give_up(store.key, refused, "forbidden")
                raise
        return await self._look_again(store, refused, delivered, reachable=reachable)

    async def _look_again(
        self, store: _Kept, refused: str, delivered: Sequence[str], *, reachable: bool
    ) -> list[Finding] | None:
        try:
            given = await self._renewal.access_token(store.key, refused=refused)
        except TokenLost as lost:
            if lost.problem == "revoked":
                await self._renewal.give_up(store.key, refused, "revoked")
            raise

        async def token() -> str:
            return given

        client = self._client(store, token)
        try:
            return await self._compare(store, client, delivered, reachable=reachable)
        except AdminRefused as error:
            if error.kind == "token":
                # It was renewed a moment ago.
                await self._renewal.give_up(store.key, given, "revoked", even_renewable=True)
            raise

    def _client(self, store: _Kept, token: TokenSource) -> AdminClient:
        return AdminClient(
            self._http,
            store.domain,
            token,
            stand_in=self._settings.shopify_address,
            clock=self._clock,
        )

    async def _compare(
        self, store: _Kept, client: AdminClient, delivered: Sequence[str], *, reachable: bool
    ) -> list[Finding] | None:
        about = await ask_about(client)
        if about.domain != store.domain:
            token = await self._renewal.access_token(store.key)
            await self._renewal.give_up(store.key, token, "wrong_shop", even_renewable=True)
            return None
        if not reachable:
            return await self._keep(store, about, [host_not_public(self._settings.host)])
        address = webhook_address(self._settings.host, store.app_key)
        wanted = wanted_topics(parse_scopes(about.scopes))
        before = plan(await read_subscriptions(client), wanted, address, API_VERSION)
        refused = await _set_right(client, before, address)
        after = before
        if before.missing or before.duplicated:
            after = plan(await read_subscriptions(client), wanted, address, API_VERSION)
            log.info(
                "subscriptions_restored",
                extra={
                    "store_id": store.key.store_id,
                    "made": len(set(before.missing) - set(after.missing)),
                    "missing": len(after.missing),
                },
            )
        return await self._keep(store, about, findings(after, refused, delivered))

    async def _read(self, key: StoreKey) -> tuple[_Kept | None, list[str]]:
        async with tenants_transaction(self._pool, [key.tenant_id]) as connection:
            row = await (await connection.execute(_READ, key)).fetchone()
            since = self._clock() - _RECENT
            versions = await (await connection.execute(_VERSIONS, (*key, since))).fetchall()
        return None if row is None else _Kept(key, *row), [str(one[0]) for one in versions]

    async def _keep(self, store: _Kept, about: About | None, found: list[Finding]) -> list[Finding]:
        values = {
            "tenant": store.key.tenant_id,
            "store": store.key.store_id,
            "now": self._clock(),
            "requests": store.requests,
            "warnings": _stored(found),
            "proved": about is not None,
            "scopes": None if about is None else about.scopes,
            "name": None if about is None else about.name,
            "timezone": None if about is None else about.timezone,
            "currency": None if about is None else about.currency,
        }
        async with tenants_transaction(self._pool, [store.key.tenant_id]) as connection:
            await connection.execute(_KEEP, values)
        return found

    async def postpone(self, key: StoreKey, failures: int, found: list[Finding]) -> None:
        """Try again later, the later the more often it failed before.

        Args:
            key: the store.
            failures: how many times in a row it failed before this one.
            found: what there is to say meanwhile.
        """
        values = {
            "tenant": key.tenant_id,
            "store": key.store_id,
            "retry": self._clock() + pause_after(failures + 2),
            "warnings": _stored(found),
        }
        async with tenants_transaction(self._pool, [key.tenant_id]) as connection:
            await connection.execute(_POSTPONE, values)


async def _set_right(client: AdminClient, audit: Audit, address: str) -> dict[str, str]:
    """Make what is missing and remove what is ours twice; what Shopify refused, by topic."""
    refused: dict[str, str] = {}
    for topic in audit.missing:
        try:
            await create(client, topic, address)
        except SubscriptionRefused as error:
            refused[topic] = error.said
        except AdminErrors as error:
            # Such as a topic that this shop's plan does not have: the others are still wanted.
            refused[topic] = str(error)
    for one in audit.duplicated:
        try:
            await delete(client, one.id)
        except SubscriptionRefused as error:
            log.info("subscription_not_removed", extra={"topic": one.topic, "error": error.said})
    return refused


def _stored(found: Iterable[Finding]) -> Jsonb:
    return Jsonb([one._asdict() for one in found])
