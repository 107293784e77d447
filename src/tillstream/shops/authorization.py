"""Who is on the way to Shopify and back, to approve that a store is connected.

A person who sets out leaves a pending grant behind: a row with the hash of the ``state`` that
travels through Shopify, the hash of what their browser keeps, and who they are. It is used up
once. All functions with a ``connection`` work inside the tenant's transaction, as the API role.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final, LiteralString

from tillstream.shops.sealing import store_place
from tillstream.shops.sessions import GRACE

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tillstream.foundation.database import Connection
    from tillstream.shops.sealing import Keyring
    from tillstream.shops.sessions import RefreshToken

STATE_LIFETIME: Final = timedelta(minutes=10)
"""A merchant may have to sign in to Shopify first. Shopify's own library allows one minute."""

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
        return cls(draw_secret(random), draw_secret(random))


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


def draw_secret(random: Callable[[int], bytes]) -> str:
    """A new secret that may stand in an address."""
    return urlsafe_b64encode(random(_SECRET_BYTES)).rstrip(b"=").decode()


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
