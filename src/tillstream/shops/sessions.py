"""Sign-ins: families of refresh tokens, each good for one use.

A refresh token is ``<tenant id>.<43 characters>``: the tenant is named so that looking it up
is an ordinary statement under that tenant's row-level security. The database holds its SHA-256
only (32 random bytes need no slow hash).

Each use rotates the token. Using one again later than ``GRACE`` means that two parties hold it,
and ends the whole family. Within ``GRACE`` it is the same browser with a second tab, or one
that was reloaded before it read the answer: it gets a sibling token of its own.
"""

from __future__ import annotations

import base64
import binascii
import enum
import hashlib
import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final, LiteralString, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from uuid import UUID

    from tillstream.foundation.database import Connection

LIFETIME: Final = timedelta(days=30)
"""A sign-in ends when it was not used for this long."""
GRACE: Final = timedelta(seconds=10)

_TOKEN_BYTES: Final = 32
_LARGEST_ID: Final = 2**63 - 1
_DIGITS: Final = re.compile(r"[0-9]{1,19}")

_LOCK_FAMILY: LiteralString = "SELECT pg_advisory_xact_lock(hashtextextended(%s::text, 20))"
_FIND: LiteralString = """
SELECT user_id, family, expires_at, rotated_at, revoked_at
FROM shops.sessions WHERE tenant_id = %s AND token_hash = %s
"""
_ROTATE: LiteralString = """
UPDATE shops.sessions SET rotated_at = %s WHERE tenant_id = %s AND token_hash = %s
"""
_INSERT: LiteralString = """
INSERT INTO shops.sessions (tenant_id, user_id, family, token_hash, created_at, expires_at)
VALUES (%s, %s, %s, %s, %s, %s)
"""
_REVOKE: LiteralString = """
UPDATE shops.sessions SET revoked_at = %s
WHERE tenant_id = %s AND family = %s AND revoked_at IS NULL
"""
_FORGET_EXPIRED: LiteralString = """
DELETE FROM shops.sessions WHERE tenant_id = %s AND user_id = %s AND expires_at < %s
"""
_ROLE: LiteralString = """
SELECT m.role FROM shops.memberships AS m
WHERE m.tenant_id = %(tenant)s AND m.user_id = %(user)s AND EXISTS (
  SELECT FROM shops.sessions AS s
  WHERE s.tenant_id = %(tenant)s AND s.family = %(family)s AND s.user_id = %(user)s
    AND s.revoked_at IS NULL AND s.expires_at > %(now)s)
"""


class RefreshTokenMalformed(ValueError):
    """The text is no refresh token."""


@dataclass(frozen=True)
class RefreshToken:
    """What the browser's cookie holds."""

    tenant_id: int
    secret: bytes = field(repr=False)

    @classmethod
    def draw(cls, tenant_id: int, random: Callable[[int], bytes]) -> Self:
        """A new one."""
        return cls(tenant_id, random(_TOKEN_BYTES))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what ``str()`` wrote.

        Raises:
            RefreshTokenMalformed: for anything else.
        """
        tenant, _, encoded = text.partition(".")
        try:
            secret = base64.b64decode(encoded + "=", altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise RefreshTokenMalformed from error
        digits = _DIGITS.fullmatch(tenant)
        if len(secret) != _TOKEN_BYTES or not digits or int(tenant) > _LARGEST_ID:
            raise RefreshTokenMalformed
        return cls(int(tenant), secret)

    def __str__(self) -> str:
        return f"{self.tenant_id}.{base64.urlsafe_b64encode(self.secret).rstrip(b'=').decode()}"

    @property
    def digest(self) -> bytes:
        """What the database holds of it."""
        return hashlib.sha256(self.secret).digest()


@dataclass(frozen=True)
class Session:
    """One refresh token's row."""

    user_id: int
    family: UUID
    expires_at: datetime
    rotated_at: datetime | None
    revoked_at: datetime | None


class Standing(enum.Enum):
    """What a refresh token is worth."""

    LIVE = "never used"
    GRACE = "used a moment ago"
    REUSED = "used before: somebody else holds it too"
    DEAD = "expired or revoked"


def standing(session: Session, now: datetime) -> Standing:
    """What the token of ``session`` is worth at ``now``."""
    if session.revoked_at is not None or now >= session.expires_at:
        return Standing.DEAD
    if session.rotated_at is None:
        return Standing.LIVE
    return Standing.GRACE if now - session.rotated_at <= GRACE else Standing.REUSED


async def open_session(
    connection: Connection, token: RefreshToken, *, user_id: int, family: UUID, now: datetime
) -> None:
    """Begin a sign-in, and forget the user's expired ones. Inside the tenant's transaction."""
    await connection.execute(_FORGET_EXPIRED, (token.tenant_id, user_id, now))
    await _insert(connection, token, user_id=user_id, family=family, now=now)


async def rotate_session(
    connection: Connection, token: RefreshToken, *, successor: RefreshToken, now: datetime
) -> Session | None:
    """Exchange ``token`` for ``successor``, inside the tenant's transaction.

    Returns:
        the session that goes on under ``successor``; None if the token is worth nothing. Then the
        transaction must still be committed: a reused token has revoked its family in it.
    """
    found = await _find(connection, token)
    if found is None:
        return None
    # One at a time per family, so that a revocation cannot miss a successor being inserted.
    await connection.execute(_LOCK_FAMILY, (found.family,))
    session = await _find(connection, token)
    if session is None:
        return None
    match standing(session, now):
        case Standing.LIVE:
            await connection.execute(_ROTATE, (now, token.tenant_id, token.digest))
        case Standing.GRACE:
            pass
        case Standing.REUSED:
            await revoke_family(connection, token.tenant_id, session.family, now)
            return None
        case Standing.DEAD:
            return None
    await _insert(connection, successor, user_id=session.user_id, family=session.family, now=now)
    return session


async def revoke_session(connection: Connection, token: RefreshToken, now: datetime) -> None:
    """Sign out the sign-in that ``token`` belongs to; an unknown token changes nothing."""
    session = await _find(connection, token)
    if session is not None:
        await revoke_family(connection, token.tenant_id, session.family, now)


async def revoke_family(
    connection: Connection, tenant_id: int, family: UUID, now: datetime
) -> None:
    """End a sign-in: its refresh tokens, its access tokens and its open event streams."""
    await connection.execute(_LOCK_FAMILY, (family,))
    await connection.execute(_REVOKE, (now, tenant_id, family))


async def role_of(
    connection: Connection, *, tenant_id: int, user_id: int, family: UUID, now: datetime
) -> str | None:
    """The user's role in the tenant while the sign-in stands; None once it was revoked."""
    values = {"tenant": tenant_id, "user": user_id, "family": family, "now": now}
    cursor = await connection.execute(_ROLE, values)
    row = await cursor.fetchone()
    return None if row is None else str(row[0])


async def _find(connection: Connection, token: RefreshToken) -> Session | None:
    cursor = await connection.execute(_FIND, (token.tenant_id, token.digest))
    row = await cursor.fetchone()
    return None if row is None else Session(*row)


async def _insert(
    connection: Connection, token: RefreshToken, *, user_id: int, family: UUID, now: datetime
) -> None:
    values = (token.tenant_id, user_id, family, token.digest, now, now + LIFETIME)
    await connection.execute(_INSERT, values)
