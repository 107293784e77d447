"""Stores that are connected by OAuth: the way to Shopify and back, and what a connection is worth.

A person who sets out leaves a pending grant behind: a row with the hash of the ``state`` that
travels through Shopify, the hash of what their browser keeps, and who they are. It is used up
once. All functions with a ``connection`` work inside the tenant's transaction, as the API role.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal, LiteralString

from psycopg.errors import UniqueViolation

from tillstream.shopify.scopes import missing_scopes, parse_scopes
from tillstream.shops.refusals import DomainTaken, StoreUnknown
from tillstream.shops.sealing import store_place
from tillstream.shops.sessions import GRACE
from tillstream.shops.stores import Store, find_store

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from tillstream.foundation.database import Connection
    from tillstream.shopify.grants import Grant
    from tillstream.shops.sealing import Keyring
    from tillstream.shops.sessions import RefreshToken

Standing = Literal["connected", "needs_reconnect", "uninstalled"]
Verdict = Literal["free", "won", "transferred", "taken"]

STATE_LIFETIME: Final = timedelta(minutes=10)
"""A merchant may have to sign in to Shopify first. Shopify's own library allows one minute."""
TRANSFER_LIFETIME: Final = timedelta(days=3)

_SECRET_BYTES: Final = 32

_SIGNED_IN: LiteralString = """
SELECT m.user_id, u.email, m.role
FROM shops.sessions AS s
JOIN shops.memberships AS m ON m.tenant_id = s.tenant_id AND m.user_id = s.user_id
JOIN shops.users AS u ON u.id = s.user_id
WHERE s.tenant_id = %(tenant)s AND s.token_hash = %(hash)s AND s.revoked_at IS NULL
  AND s.expires_at > %(now)s AND (s.rotated_at IS NULL OR s.rotated_at >= %(fresh)s)
"""
_OWN_APP: LiteralString = """
SELECT client_id FROM shops.stores
WHERE tenant_id = %s AND domain = %s AND removed_at IS NULL AND has_api_secret
"""
_FORGET_EXPIRED: LiteralString = """
DELETE FROM shops.grants_pending WHERE tenant_id = %s AND expires_at < %s
"""
_SCOPES_OF_APPS: LiteralString = "SELECT key, scopes FROM shops.scopes_of_apps()"
_SET_OUT: LiteralString = """
INSERT INTO shops.grants_pending (tenant_id, state_hash, user_id, domain, app_key, client_id,
                                  browser_hash, transfer_hash, created_at, expires_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_PENDING: LiteralString = """
SELECT user_id, domain, app_key, client_id, browser_hash FROM shops.grants_pending
WHERE tenant_id = %s AND state_hash = %s AND used_at IS NULL AND expires_at > %s
"""
_USE_UP: LiteralString = """
UPDATE shops.grants_pending SET used_at = %s
WHERE tenant_id = %s AND state_hash = %s AND used_at IS NULL AND expires_at > %s
RETURNING state_hash
"""
_OF_OWN_APP: LiteralString = """
SELECT store_id, api_secret_sealed FROM shops.own_app_secret(%s, %s)
"""
_VERDICT: LiteralString = "SELECT shops.verdict_of(%s, %s)"
_TAKE_OVER: LiteralString = "SELECT shops.take_over(%s, %s)"
_FIND_BY_DOMAIN: LiteralString = """
SELECT id FROM shops.stores WHERE tenant_id = %s AND domain = %s FOR UPDATE
"""
_INSERT: LiteralString = """
INSERT INTO shops.stores (tenant_id, domain) VALUES (%s, %s) RETURNING id
"""
_KEEP_GRANT: LiteralString = """
UPDATE shops.stores
SET removed_at = NULL, uninstalled_at = NULL, erase_at = NULL,
    app_key = %(app)s, client_id = %(client_id)s, connected_by = 'oauth', proved_at = %(now)s,
    installed_at = %(installed)s, granted_scopes = %(scopes)s, token_problem = NULL,
    token_failures = 0, token_retry_at = NULL, token_refreshed_at = %(now)s,
    access_token_sealed = %(access)s, access_token_expires_at = %(expires)s,
    refresh_token_sealed = %(refresh)s, refresh_token_expires_at = %(refresh_expires)s,
    warnings = '[]', subscriptions_audited_at = NULL, audit_failures = 0, audit_retry_at = NULL
WHERE tenant_id = %(tenant)s AND id = %(store)s
"""
_OFFER_TRANSFER: LiteralString = """
INSERT INTO shops.transfers (tenant_id, store_id, code_hash, created_at, expires_at)
VALUES (%s, %s, %s, %s, %s)
"""
_WITHDRAW_TRANSFERS: LiteralString = """
DELETE FROM shops.transfers WHERE tenant_id = %s AND store_id = %s AND used_at IS NULL
"""


@dataclass(frozen=True)
class StoreWarning:
    """Something about a connection that somebody should see to."""

    code: str
    title: str
    detail: str


@dataclass(frozen=True)
class Traveller:
    """Who sets out for Shopify: a signed-in member of a tenant."""

    tenant_id: int
    user_id: int
    email: str
    role: str


@dataclass(frozen=True)
class Journey:
    """The two halves of a way to Shopify and back; the database holds only their hashes."""

    state: str = field(repr=False)
    """Travels through Shopify."""
    browser: str = field(repr=False)
    """Stays in the browser."""

    @classmethod
    def draw(cls, random: Callable[[int], bytes]) -> Journey:
        """A new one."""
        return cls(_spelled(random(_SECRET_BYTES)), _spelled(random(_SECRET_BYTES)))


@dataclass(frozen=True)
class Pending:
    """A grant that somebody asked for and has not used up."""

    user_id: int
    domain: str
    app_key: str
    client_id: str | None
    """The store's own custom app; None where the installation's app asks."""
    browser_hash: bytes = field(repr=False)


def digest(secret: str) -> bytes:
    """What the database holds of a state, a browser's half, or a transfer code."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


# -- What a connection is worth --------------------------------------------------------------------


def standing(store: Store) -> Standing:
    """Whether the connection works, as far as is known."""
    if store.uninstalled_at is not None:
        return "uninstalled"
    return "connected" if store.token_problem is None else "needs_reconnect"


def warnings_of(
    store: Store, missing: Collection[str], *, proof_needed: bool = False
) -> list[StoreWarning]:
    """What somebody should see to, the gravest first.

    Args:
        store: as its tenant sees it.
        missing: the scopes needed that were not granted.
        proof_needed: whether a shop that is only claimed gets no deliveries.
    """
    if store.uninstalled_at is not None:
        return [_warning("uninstalled", _uninstalled_detail(store))]
    found: list[StoreWarning] = []
    if store.token_problem is not None:
        found.append(_warning("token_refused", _PROBLEMS.get(store.token_problem, _LOST)))
    elif store.token_failures >= _MANY_FAILURES:
        found.append(_warning("token_waiting", _WAITING))
    if missing:
        found.append(
            _warning("scopes_missing", f"Not granted: {', '.join(sorted(missing))}. {_APPROVE}")
        )
    if proof_needed and store.proved_at is None:
        found.append(_warning("unproved", _UNPROVED))
    found += [_warning(one.get("code", ""), one.get("detail", "")) for one in store.warnings]
    return found


_MANY_FAILURES: Final = 3
_WAITING: Final = (
    "The last attempts to renew the access token failed; they go on by themselves. If it stays so, the "
    "operator of this installation finds the reason in the log (token_refresh_failed)."
)
_APPROVE: Final = "Connect the store again and approve all of what it asks for."
_RECONNECT: Final = "Connect the store again to go on."
_LOST: Final = f"Shopify no longer accepts the connection. {_RECONNECT}"
_UNPROVED: Final = (
    "Nothing is received yet: connect the store with Shopify, or give an Admin API access token, "
    "to show that the shop agrees."
)
# By token_problem: reasons of GrantRefused, and what calls of the Admin API found.
_PROBLEMS: Final[Mapping[str, str]] = {
    "grant": f"Shopify says that the permission to refresh the token has ended. {_RECONNECT}",
    "shop": "Shopify knows no such shop (any more).",
    "revoked": f"Shopify no longer accepts the access token. {_RECONNECT}",
    "forbidden": (
        "Shopify refuses all calls with this token, as it does to public apps whose tokens do not "
        f"expire. {_RECONNECT}"
    ),
    "wrong_shop": "The access token belongs to another shop. Give the one of this shop.",
}
TITLES: Final[Mapping[str, str]] = {
    "uninstalled": "The app was uninstalled",
    "token_refused": "Shopify no longer accepts the connection",
    "token_waiting": "The access token could not be renewed yet",
    "scopes_missing": "Some permissions are missing",
    "unproved": "The shop has not agreed yet",
    "host_not_public": "Webhooks cannot reach this address",
    "subscriptions_missing": "Some webhooks could not be subscribed",
    "version_subscribed": "Webhooks come in another API version",
    "version_delivered": "Deliveries come in another API version",
    "duplicated": "Webhooks are subscribed twice",
    "shop_locked": "Shopify has locked the shop",
    "unreachable": "Shopify could not be reached",
}
"""What each warning is called. The codes are stable."""


def _warning(code: str, detail: str) -> StoreWarning:
    return StoreWarning(code, TITLES.get(code, "The connection needs a look"), detail)


def _uninstalled_detail(store: Store) -> str:
    if store.erase_at is None:
        return "Nothing is received any more. Connect the store again to go on."
    day = store.erase_at.astimezone(UTC).date().isoformat()
    return f"Its data is erased on {day}. Connect the store again before then to go on."


def installation_time(timestamp: str, now: datetime) -> datetime:
    """When an installation happened, for comparison with what Shopify's clock says of later events.

    The callback's signed ``timestamp`` counts whole seconds by Shopify's clock, ours may be off:
    so it is our time, kept within that second. (Two things that Shopify dates are compared: an
    uninstallation that came just before a re-installation must not end the new one.)
    """
    told = datetime.fromtimestamp(int(timestamp), UTC)
    return min(max(now, told), told + timedelta(seconds=1))


async def missing_scopes_of(
    connection: Connection, stores: Sequence[Store], default: str
) -> dict[int, frozenset[str]]:
    """The scopes that each store's app asks for and the store has not granted, by store id.

    Empty for stores of which Shopify has not told yet what was granted. ``default`` are the scopes
    of apps that name none.
    """
    apps = dict[str, str]()
    if any(store.app_key for store in stores):
        apps = dict(await (await connection.execute(_SCOPES_OF_APPS)).fetchall())
    return {
        store.id: frozenset[str]()
        if store.granted_scopes is None
        else missing_scopes(
            parse_scopes(store.granted_scopes), parse_scopes(apps.get(store.app_key) or default)
        )
        for store in stores
    }


# -- The way there and back ------------------------------------------------------------------------


async def traveller_of(
    connection: Connection, token: RefreshToken, now: datetime
) -> Traveller | None:
    """Who is signed in by a refresh cookie, which stays as it is; None for nobody."""
    values = {
        "tenant": token.tenant_id,
        "hash": token.digest,
        "now": now,
        "fresh": now - GRACE,
    }
    row = await (await connection.execute(_SIGNED_IN, values)).fetchone()
    return None if row is None else Traveller(token.tenant_id, *row)


async def own_client_id(connection: Connection, tenant_id: int, domain: str) -> str | None:
    """The client id of the custom app that the tenant's store brought, with its secret, if it did."""
    row = await (await connection.execute(_OWN_APP, (tenant_id, domain))).fetchone()
    return None if row is None else row[0]


async def set_out(  # noqa: PLR0913 - a row has that many columns
    connection: Connection,
    traveller: Traveller,
    journey: Journey,
    *,
    domain: str,
    app_key: str,
    client_id: str | None,
    transfer: str | None,
    now: datetime,
) -> None:
    """Remember who asks for a grant, for ten minutes."""
    await connection.execute(_FORGET_EXPIRED, (traveller.tenant_id, now))
    values = (
        traveller.tenant_id,
        digest(journey.state),
        traveller.user_id,
        domain,
        app_key,
        client_id,
        digest(journey.browser),
        None if not transfer else digest(transfer),
        now,
        now + STATE_LIFETIME,
    )
    await connection.execute(_SET_OUT, values)


async def find_pending(
    connection: Connection, tenant_id: int, state: str, now: datetime
) -> Pending | None:
    """The pending grant of a state; None if there is none, or not any more."""
    row = await (await connection.execute(_PENDING, (tenant_id, digest(state), now))).fetchone()
    return None if row is None else Pending(row[0], row[1], row[2], row[3], bytes(row[4]))


async def use_up(connection: Connection, tenant_id: int, state: str, now: datetime) -> bool:
    """Use a pending grant; false if somebody did already, or it expired."""
    values = (now, tenant_id, digest(state), now)
    return await (await connection.execute(_USE_UP, values)).fetchone() is not None


async def own_app_secret(
    connection: Connection, keyring: Keyring, state: str, now: datetime
) -> str | None:
    """The secret of the store's own custom app, for whoever's grant is pending."""
    row = await (await connection.execute(_OF_OWN_APP, (digest(state), now))).fetchone()
    if row is None:
        return None
    return keyring.open(bytes(row[1]), store_place(row[0], "api_secret")).decode()


async def verdict_of(connection: Connection, state: str, now: datetime) -> Verdict:
    """What is in the way of connecting the shop of a grant that was just used up.

    Asked before the code is exchanged: an exchange ends the refresh tokens that the same app had
    of the shop before, and so would lock out another account that is to keep it.
    """
    row = await (await connection.execute(_VERDICT, (digest(state), now))).fetchone()
    return "taken" if row is None else row[0]


async def keep_grant(  # noqa: PLR0913 - what was granted, to whom, by what, and when
    connection: Connection,
    keyring: Keyring,
    tenant_id: int,
    state: str,
    pending: Pending,
    grant: Grant,
    *,
    installed_at: datetime,
    now: datetime,
) -> tuple[Store, Verdict]:
    """Connect the shop to the tenant by what Shopify granted, or connect it again.

    Raises:
        DomainTaken: another tenant has proved it, and gave no leave. Nothing is kept then.
    """
    row = await (await connection.execute(_TAKE_OVER, (digest(state), now))).fetchone()
    verdict: Verdict = "taken" if row is None else row[0]
    if verdict == "taken":
        raise DomainTaken(pending.domain)
    try:
        async with connection.transaction():
            store_id = await _store_of(connection, tenant_id, pending.domain)
            await connection.execute(
                _KEEP_GRANT,
                {
                    "tenant": tenant_id,
                    "store": store_id,
                    "app": pending.app_key,
                    "client_id": pending.client_id,
                    "installed": installed_at,
                    "now": now,
                    "scopes": grant.scopes,
                    **seal_grant(keyring, store_id, grant),
                },
            )
    except UniqueViolation as error:
        raise DomainTaken(pending.domain) from error
    return await find_store(connection, tenant_id, store_id), verdict


async def holds(connection: Connection, tenant_id: int, domain: str) -> bool:
    """Whether the tenant has that shop connected."""
    cursor = await connection.execute(
        "SELECT FROM shops.stores WHERE tenant_id = %s AND domain = %s AND removed_at IS NULL",
        (tenant_id, domain),
    )
    return await cursor.fetchone() is not None


async def offer_transfer(
    connection: Connection,
    tenant_id: int,
    store_id: int,
    *,
    random: Callable[[int], bytes],
    now: datetime,
) -> tuple[str, datetime]:
    """A code with which another account may connect the shop in this one's place, and its end.

    Codes given before are withdrawn.

    Raises:
        StoreUnknown: if the tenant has no such store.
    """
    await find_store(connection, tenant_id, store_id)
    code = f"tt_{_spelled(random(_SECRET_BYTES))}"
    expires_at = now + TRANSFER_LIFETIME
    await connection.execute(_WITHDRAW_TRANSFERS, (tenant_id, store_id))
    values = (tenant_id, store_id, digest(code), now, expires_at)
    await connection.execute(_OFFER_TRANSFER, values)
    return code, expires_at


async def _store_of(connection: Connection, tenant_id: int, domain: str) -> int:
    found = await (await connection.execute(_FIND_BY_DOMAIN, (tenant_id, domain))).fetchone()
    if found is None:
        found = await (await connection.execute(_INSERT, (tenant_id, domain))).fetchone()
    if found is None:
        raise StoreUnknown
    return int(found[0])


def seal_grant(keyring: Keyring, store_id: int, grant: Grant) -> dict[str, object]:
    """A grant as the columns ``access``, ``expires``, ``refresh`` and ``refresh_expires``."""
    refresh = grant.refresh_token
    return {
        "access": keyring.seal(grant.access_token.encode(), store_place(store_id, "access_token")),
        "expires": grant.expires_at,
        "refresh": None
        if refresh is None
        else keyring.seal(refresh.encode(), store_place(store_id, "refresh_token")),
        "refresh_expires": grant.refresh_expires_at,
    }


def _spelled(secret: bytes) -> str:
    return urlsafe_b64encode(secret).rstrip(b"=").decode()
