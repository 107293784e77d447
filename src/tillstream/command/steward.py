"""The steward: looks after the connections of stores, beside the worker.

There is one at a time in an installation, whichever process it is in. Every minute, and at once when a
store was connected, it does what is due: it renews tokens that end soon, and compares each store's webhook
subscriptions with what is wanted. What is missing is made and read back, what is ours twice is removed,
what is others' is left alone, and what it cannot set right becomes a warning that the store's owner sees.

The compliance topics are never among it: Shopify takes those from the app's configuration alone
(``tillstream shopify toml`` prints it).
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, LiteralString, NamedTuple, cast

import psycopg
from psycopg.types.json import Jsonb

from tillstream.foundation.clock import utc_now
from tillstream.foundation.database import connect, listen, open_pool, tenants_transaction
from tillstream.foundation.loopback import is_loopback
from tillstream.shopify.admin import (
    API_VERSION,
    AdminClient,
    AdminErrors,
    AdminProblem,
    AdminRefused,
    ShopLocked,
)
from tillstream.shopify.scopes import format_scopes, parse_scopes
from tillstream.shopify.subscriptions import (
    Audit,
    Subscription,
    SubscriptionRefused,
    create,
    delete,
    plan,
    read_subscriptions,
    wanted_topics,
)
from tillstream.shopify.wire import open_http
from tillstream.shops.renewal import Renewal, StoreKey, TokenLost, TokenUnavailable, pause_after
from tillstream.shops.sealing import Keyring

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    import httpx

    from tillstream.foundation.clock import Clock
    from tillstream.foundation.database import Connection, Pool
    from tillstream.foundation.settings import Settings
    from tillstream.journal.contract import Claim, Claimer, Delivery, Parked

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
_RECENT: Final = timedelta(days=1)
_MANY_FAILURES: Final = 3

_TRY_LOCK: LiteralString = "SELECT pg_try_advisory_lock(7211850)"
_DUE_REFRESHES: LiteralString = """
SELECT tenant_id, store_id, idles FROM shops.due_refreshes(%s, %s, %s, %s)
"""
_DUE_AUDITS: LiteralString = "SELECT tenant_id, store_id FROM shops.due_audits(%s, %s, %s)"
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
_NOTE_VERSIONS: LiteralString = "SELECT shops.note_versions(%s, %s, %s)"

_ABOUT: Final = """\
query About {
  shop { name myshopifyDomain ianaTimezone currencyCode }
  currentAppInstallation { accessScopes { handle } }
}"""


# -- Deciding --------------------------------------------------------------------------------------


class Finding(NamedTuple):
    """Something that the store's owner should know; the codes are those of ``connections.TITLES``."""

    code: str
    detail: str


def webhook_address(host: str, app_key: str) -> str:
    """Where an app's deliveries are sent."""
    return f"{host}/api/webhook/{app_key}" if app_key else f"{host}/api/webhook"


def can_be_reached(host: str, stand_in: str | None) -> bool:
    """Whether Shopify can deliver to this address: over HTTPS, or a stand-in on the same machine."""
    return host.startswith("https://") or (stand_in is not None and is_loopback(host))


def findings(audit: Audit, refused: Mapping[str, str], delivered: Collection[str]) -> list[Finding]:
    """What an audit has left to say, once everything that can be set right was.

    Args:
        audit: of the subscriptions as they were read back.
        refused: what Shopify said, by topic.
        delivered: the API versions in which deliveries came lately.
    """
    found: list[Finding] = []
    if audit.missing:
        said = sorted({refused[topic] for topic in audit.missing if topic in refused})
        words = f" Shopify says: {' '.join(said)}" if said else ""
        found.append(
            Finding("subscriptions_missing", f"Not subscribed: {', '.join(audit.missing)}.{words}")
        )
    old = [one for one in audit.wrong_version if one.is_whole]
    if old:
        found.append(Finding("version_subscribed", _versions_subscribed(old)))
    others = sorted(version for version in delivered if version != API_VERSION)
    if others:
        found.append(
            Finding(
                "version_delivered",
                f"Deliveries of the last day came in {', '.join(others)} instead of {API_VERSION}. "
                "Set api_version in the app's configuration, or look for a subscription of an "
                "older version.",
            )
        )
    if audit.duplicated:
        found.append(Finding("duplicated", _twice(audit.duplicated)))
    return found


def _versions_subscribed(subscriptions: Iterable[Subscription]) -> str:
    listed = ", ".join(f"{one.topic} ({one.api_version})" for one in subscriptions)
    return f"Subscribed in another version than {API_VERSION}: {listed}."


def _twice(subscriptions: Iterable[Subscription]) -> str:
    topics = ", ".join(sorted({one.topic for one in subscriptions}))
    return f"Subscribed more than once: {topics}. It does no harm but makes twice the traffic."


class About(NamedTuple):
    """What a shop says of itself and of the app's installation."""

    domain: str
    name: str | None
    timezone: str | None
    currency: str | None
    scopes: str


def read_about(data: Mapping[str, Any]) -> About:
    """The answer to the question about the shop, as far as it was answered."""
    shop = _fields(data.get("shop"))
    scopes = _fields(data.get("currentAppInstallation")).get("accessScopes")
    handles = [
        str(_fields(one).get("handle", ""))
        for one in cast("list[object]", scopes if isinstance(scopes, list) else [])
    ]
    return About(
        domain=str(shop.get("myshopifyDomain", "")).lower(),
        name=_text(shop.get("name"), 200),
        timezone=_text(shop.get("ianaTimezone"), 64),
        currency=_text(shop.get("currencyCode"), 3),
        scopes=format_scopes(parse_scopes(",".join(handles))),
    )


def _fields(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _text(value: object, longest: int) -> str | None:
    return value[:longest] if isinstance(value, str) and value else None


# -- Doing -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Kept:
    """A store as the audit finds it."""

    key: StoreKey
    domain: str
    app_key: str
    connected_by: str
    requests: int
    failures: int


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
        self.renewal = Renewal(pool, http, keyring, settings, clock)
        self._pool = pool
        self._http = http
        self._settings = settings
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
                await self.renewal.access_token(store, margin=_FOREVER if idles else SOON)
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
                await self.audit(store)
            except Exception:  # one store may not keep the others waiting
                log.exception("audit_failed", extra={"store_id": store.store_id})
                await self._postpone(store, 0, [])

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
            return await self._keep(store, None, [self._unreachable_host()])
        try:
            return await self._look(store, delivered, reachable=reachable)
        except TokenLost:
            return None
        except TokenUnavailable:
            await self._postpone(key, store.failures, [])
        except ShopLocked as error:
            await self._postpone(key, store.failures, [Finding("shop_locked", str(error))])
        except AdminErrors as error:
            return await self._keep(store, None, [Finding("subscriptions_missing", str(error))])
        except AdminProblem as error:
            many = store.failures + 1 >= _MANY_FAILURES
            told = [Finding("unreachable", str(error))] if many else []
            await self._postpone(key, store.failures, told)
        return None

    async def _look(
        self, store: _Kept, delivered: Sequence[str], *, reachable: bool
    ) -> list[Finding] | None:
        """Ask; with a new token where Shopify refuses the one that should be good."""
        given = ""

        async def token() -> str:
            nonlocal given
            given = await self.renewal.access_token(store.key)
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
                await self.renewal.give_up(store.key, refused, "forbidden")
                raise
        return await self._look_again(store, refused, delivered, reachable=reachable)

    async def _look_again(
        self, store: _Kept, refused: str, delivered: Sequence[str], *, reachable: bool
    ) -> list[Finding] | None:
        try:
            given = await self.renewal.access_token(store.key, refused=refused)
        except TokenLost as lost:
            if lost.problem == "revoked":
                await self.renewal.give_up(store.key, refused, "revoked")
            raise

        async def token() -> str:
            return given

        client = self._client(store, token)
        try:
            return await self._compare(store, client, delivered, reachable=reachable)
        except AdminRefused as error:
            if error.kind == "token":
                # It was renewed a moment ago.
                await self.renewal.give_up(store.key, given, "revoked", even_renewable=True)
            raise

    def _client(self, store: _Kept, token: Any) -> AdminClient:
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
        about = read_about(await client.query(_ABOUT))
        if about.domain != store.domain:
            token = await self.renewal.access_token(store.key)
            await self.renewal.give_up(store.key, token, "wrong_shop", even_renewable=True)
            return None
        if not reachable:
            return await self._keep(store, about, [self._unreachable_host()])
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

    def _unreachable_host(self) -> Finding:
        return Finding(
            "host_not_public",
            f"Shopify delivers over HTTPS only, and HOST is {self._settings.host}. Set HOST to the "
            "public https:// address of this installation; webhooks are subscribed then.",
        )

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

    async def _postpone(self, key: StoreKey, failures: int, found: list[Finding]) -> None:
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


# -- Running ---------------------------------------------------------------------------------------


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


class VersionLog:
    """A journal's worker side that notes in which API versions deliveries come.

    What was noted is written once an hour at most for each shop and version.
    """

    def __init__(self, journal: Claimer, clock: Clock = utc_now) -> None:
        """Everything is passed on to ``journal``."""
        self._journal = journal
        self._clock = clock
        self._new: set[tuple[str, str]] = set()
        self._written: dict[tuple[str, str], datetime] = {}

    async def claim(self, max_deliveries: int, wait: float) -> list[Claim]:
        """As the journal does."""
        claims = await self._journal.claim(max_deliveries, wait)
        for claim in claims:
            for delivery in claim.deliveries:
                told = (delivery.shop, delivery.api_version)
                if told not in self._written:
                    self._new.add(told)
        return claims

    async def settle(
        self,
        connection: Connection,
        claims: Sequence[Claim],
        *,
        parked: Sequence[Parked],
        unrouted: Sequence[Delivery],
    ) -> None:
        """As the journal does."""
        await self._journal.settle(connection, claims, parked=parked, unrouted=unrouted)

    async def settled(self, claims: Sequence[Claim]) -> None:
        """As the journal does."""
        await self._journal.settled(claims)

    async def retry(self, claims: Sequence[Claim], reason: str) -> None:
        """As the journal does."""
        await self._journal.retry(claims, reason)

    async def abandon(self, claims: Sequence[Claim]) -> None:
        """As the journal does."""
        await self._journal.abandon(claims)

    async def write(self, connection: Connection) -> None:
        """Write down what is new."""
        now = self._clock()
        self._written = {
            told: at for told, at in self._written.items() if at > now - timedelta(hours=1)
        }
        # Whatever a delivery calls its version, the column takes no more than that.
        new = [told for told in self._new if 0 < len(told[1]) <= 64]  # noqa: PLR2004
        self._new = set()
        if not new:
            return
        shops, versions = [shop for shop, _ in new], [version for _, version in new]
        await connection.execute(_NOTE_VERSIONS, (shops, versions, now))
        self._written.update(dict.fromkeys(new, now))


async def write_versions(worker_url: str, versions: VersionLog, *, every: float = 30.0) -> None:
    """Write down what is new now and then, until cancelled."""
    while True:
        await asyncio.sleep(every)
        try:
            connection = await connect(worker_url)
            async with connection:
                await versions.write(connection)
        except (psycopg.Error, OSError) as error:
            log.warning("versions_not_written", extra={"error": type(error).__name__})
