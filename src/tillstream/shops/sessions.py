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
_LONGEST_ADDRESS: Final = 45
_LONGEST_AGENT: Final = 300
_LARGEST_ID: Final = 2**63 - 1
_DIGITS: Final = re.compile(r"[0-9]{1,19}")

_LOCK_FAMILY: LiteralString = "SELECT pg_advisory_xact_lock(hashtextextended(%s::text, 20))"
_FIND: LiteralString = """
SELECT user_id, family, expires_at, rotated_at, revoked_at, began_at
FROM shops.sessions WHERE tenant_id = %s AND token_hash = %s
"""
_ROTATE: LiteralString = """
UPDATE shops.sessions SET rotated_at = %s WHERE tenant_id = %s AND token_hash = %s
"""
_INSERT: LiteralString = """
INSERT INTO shops.sessions
  (tenant_id, user_id, family, token_hash, created_at, expires_at, began_at, address, agent)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_ENTER: LiteralString = """
UPDATE shops.memberships SET entered_at = %s WHERE tenant_id = %s AND user_id = %s
"""
_PERSON: LiteralString = """
SELECT u.email FROM shops.sessions AS s JOIN shops.users AS u ON u.id = s.user_id
WHERE s.tenant_id = %s AND s.family = %s AND s.revoked_at IS NULL LIMIT 1
"""
_HOLD: LiteralString = "SELECT shops.hold_password(%s, %s)"
_SIGN_INS: LiteralString = """
SELECT family, tenant_id, tenant_name, began_at, last_used_at, expires_at, address, agent
FROM shops.sign_ins_of(%s, %s)
"""
_END_SIGN_IN: LiteralString = "SELECT shops.end_sign_in(%s, %s, %s)"
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
    began_at: datetime


@dataclass(frozen=True)
class Device:
    """Where a sign-in comes from, as far as can be told."""

    address: str | None = None
    agent: str | None = None

    def shown(self) -> tuple[str | None, str | None]:
        """Both as they are kept: on one line, and not too long."""
        agent = None if self.agent is None else "".join(c for c in self.agent if c.isprintable())
        address = None if self.address is None else self.address[:_LONGEST_ADDRESS]
        return address, None if agent is None else agent[:_LONGEST_AGENT]


@dataclass(frozen=True)
class SignIn:
    """A standing sign-in as its person sees it."""

    family: UUID
    tenant_id: int
    tenant_name: str
    began_at: datetime
    last_used_at: datetime
    expires_at: datetime
    address: str | None
    agent: str | None


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
    connection: Connection,
    token: RefreshToken,
    *,
    user_id: int,
    family: UUID,
    device: Device,
    now: datetime,
) -> None:
    """Begin a sign-in, and forget the user's expired ones. Inside the tenant's transaction."""
    await connection.execute(_FORGET_EXPIRED, (token.tenant_id, user_id, now))
    session = Session(user_id, family, now + LIFETIME, None, None, now)
    await _insert(connection, token, session, device, now)
    await connection.execute(_ENTER, (now, token.tenant_id, user_id))


async def hold_password(connection: Connection, user_id: int, password_hash: str) -> bool:
    """Whether that is still the user's; it stays so until the transaction ends.

    A sign-in that was let in by the old password must not open behind a change of it.
    """
    cursor = await connection.execute(_HOLD, (user_id, password_hash))
    return await cursor.fetchone() == (True,)


async def list_sign_ins(connection: Connection, family: UUID, now: datetime) -> list[SignIn]:
    """All standing sign-ins of the person whose sign-in ``family`` is, the latest used first.

    Inside the transaction of that one's tenant; the others may be of other tenants.
    """
    cursor = await connection.execute(_SIGN_INS, (family, now))
    return [SignIn(*row) for row in await cursor.fetchall()]


async def end_sign_in(connection: Connection, family: UUID, *, ended: UUID, now: datetime) -> bool:
    """End the sign-in ``ended`` of the person whose sign-in ``family`` is; False if there is none."""
    cursor = await connection.execute(_END_SIGN_IN, (family, ended, now))
    return await cursor.fetchone() == (True,)


async def rotate_session(
    connection: Connection,
    token: RefreshToken,
    *,
    successor: RefreshToken,
    device: Device,
    now: datetime,
) -> Session | None:
    """Exchange ``token`` for ``successor``, inside the tenant's transaction.

    Returns:
        the session that goes on under ``successor``; None if the token is worth nothing. Then the
        transaction must still be committed: a reused token has revoked its family in it.
    """
    found = await find_session(connection, token)
    if found is None:
        return None
    # One at a time per family, so that a revocation cannot miss a successor being inserted.
    await connection.execute(_LOCK_FAMILY, (found.family,))
    session = await find_session(connection, token)
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
    await _insert(connection, successor, session, device, now)
    return session


async def find_session(connection: Connection, token: RefreshToken) -> Session | None:
    """What ``token`` belongs to, whatever it is worth; inside the tenant's transaction."""
    cursor = await connection.execute(_FIND, (token.tenant_id, token.digest))
    row = await cursor.fetchone()
    return None if row is None else Session(*row)


async def person_signed_in(connection: Connection, tenant_id: int, family: UUID) -> str | None:
    """The e-mail address of whose sign-in that is; None once it was revoked."""
    cursor = await connection.execute(_PERSON, (tenant_id, family))
    row = await cursor.fetchone()
    return None if row is None else str(row[0])


async def find_standing(
    connection: Connection, token: RefreshToken, now: datetime
) -> Session | None:
    """The sign-in that a browser's cookie stands for, without using the token up.

    Inside the tenant's transaction; None for one that is worth nothing.
    """
    session = await find_session(connection, token)
    if session is None or standing(session, now) not in {Standing.LIVE, Standing.GRACE}:
        return None
    return session


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


async def _insert(
    connection: Connection, token: RefreshToken, session: Session, device: Device, now: datetime
) -> None:
    values = (
        token.tenant_id,
        session.user_id,
        session.family,
        token.digest,
        now,
        now + LIFETIME,
        session.began_at,
        *device.shown(),
    )
    await connection.execute(_INSERT, values)
