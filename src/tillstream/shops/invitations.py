"""Invitations: a link that lets one e-mail address into a tenant, once, for a week.

The token is ``<tenant id>.<43 characters>``, as a refresh token is, and the database holds its SHA-256
only. Who accepts proves themselves: a new person chooses a password, somebody with an account gives
theirs. Whoever merely holds the link of somebody's account gets nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final, LiteralString

from tillstream.foundation.database import tenant_transaction
from tillstream.shops.accounts import find_person, parse_email, refused_entry
from tillstream.shops.passwords import objection
from tillstream.shops.refusals import (
    InvitationUnknown,
    LinkDead,
    MemberAlready,
    TooManyInvitations,
    WeakPassword,
)
from tillstream.shops.sessions import RefreshToken, RefreshTokenMalformed

if TYPE_CHECKING:
    from datetime import datetime

    from tillstream.foundation.database import Connection, Pool
    from tillstream.shops.accounts import Person
    from tillstream.shops.members import Role
    from tillstream.shops.passwords import PasswordVault

LIFETIME: Final = timedelta(days=7)
MOST_A_DAY: Final = 50
"""Of one tenant, whoever it invites: anybody may make an account and have us write to strangers."""
_LONGEST_NAME: Final = 200

_IS_MEMBER: LiteralString = """
SELECT FROM shops.memberships AS m JOIN shops.users AS u ON u.id = m.user_id
WHERE m.tenant_id = %s AND u.email = %s
"""
_INVITED: LiteralString = """
SELECT count(*) FROM shops.invitations WHERE tenant_id = %s AND created_at > %s
"""
_REPLACE: LiteralString = """
UPDATE shops.invitations SET revoked_at = %s
WHERE tenant_id = %s AND email = %s AND accepted_at IS NULL AND revoked_at IS NULL
"""
_INSERT: LiteralString = """
INSERT INTO shops.invitations (tenant_id, email, role, token_hash, invited_by, created_at, expires_at)
VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING id
"""
_LOCK_TENANT: LiteralString = "SELECT pg_advisory_xact_lock(hashtextextended(%s::text, 21))"
_LIST: LiteralString = """
SELECT id, email, role, created_at, expires_at FROM shops.invitations
WHERE tenant_id = %s AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > %s
ORDER BY id DESC
"""
_REVOKE: LiteralString = """
UPDATE shops.invitations SET revoked_at = %s
WHERE tenant_id = %s AND id = %s AND accepted_at IS NULL AND revoked_at IS NULL RETURNING email
"""
_LOOK_UP: LiteralString = """
SELECT tenant_name, email, role, has_account FROM shops.find_invitation(%s, %s)
"""
_ACCEPT: LiteralString = """
SELECT user_id, role FROM shops.accept_invitation(%s, %s, %s, %s, %s)
"""


@dataclass(frozen=True)
class Invitation:
    """An open invitation as the tenant's owners see it."""

    id: int
    email: str
    role: Role
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class Offer:
    """An open invitation as who holds its link sees it."""

    tenant: str
    email: str
    role: Role
    has_account: bool


@dataclass(frozen=True)
class Acceptance:
    """What who accepts an invitation sends."""

    token: str = field(repr=False)
    password: str = field(repr=False)
    name: str = ""


@dataclass(frozen=True)
class Accepted:
    """Who has joined, with the password's hash that let them in."""

    tenant_id: int
    user_id: int
    email: str
    role: str
    password_hash: str = field(repr=False)


async def invite(
    connection: Connection,
    token: RefreshToken,
    *,
    email: str,
    role: Role,
    user_id: int,
    now: datetime,
) -> Invitation:
    """Invite somebody, in place of an invitation they have; inside the tenant's transaction.

    Args:
        connection: in the transaction of the tenant that ``token`` names.
        token: a fresh one; ``str(token)`` belongs into the link.
        email: whom.
        role: as what.
        user_id: who invites.
        now: the time.

    Raises:
        EmailMalformed, MemberAlready, TooManyInvitations: nothing was changed.
    """
    address = parse_email(email)
    cursor = await connection.execute(_IS_MEMBER, (token.tenant_id, address))
    if await cursor.fetchone() is not None:
        raise MemberAlready(address)
    # Two owners who invite the same person at once: the later invitation holds.
    await connection.execute(_LOCK_TENANT, (token.tenant_id,))
    cursor = await connection.execute(_INVITED, (token.tenant_id, now - timedelta(days=1)))
    counted = await cursor.fetchone()
    if counted is not None and counted[0] >= MOST_A_DAY:
        raise TooManyInvitations(MOST_A_DAY)
    await connection.execute(_REPLACE, (now, token.tenant_id, address))
    expires_at = now + LIFETIME
    values = (token.tenant_id, address, role, token.digest, user_id, now, expires_at)
    row = await (await connection.execute(_INSERT, values)).fetchone()
    if row is None:
        message = "A statement that returns exactly one row returned none."
        raise RuntimeError(message)
    return Invitation(row[0], address, role, now, expires_at)


async def list_invitations(
    connection: Connection, tenant_id: int, now: datetime
) -> list[Invitation]:
    """The open ones, the latest first."""
    cursor = await connection.execute(_LIST, (tenant_id, now))
    return [Invitation(*row) for row in await cursor.fetchall()]


async def withdraw(
    connection: Connection, tenant_id: int, invitation_id: int, now: datetime
) -> str:
    """Let an invitation's link lead nowhere; whom it was for.

    Raises:
        InvitationUnknown: if it was accepted or withdrawn, or never was.
    """
    row = await (await connection.execute(_REVOKE, (now, tenant_id, invitation_id))).fetchone()
    if row is None:
        raise InvitationUnknown
    return str(row[0])


async def look_up(pool: Pool, text: str, now: datetime) -> Offer:
    """What the link with that token offers.

    Raises:
        LinkDead: if there is no such open invitation.
    """
    token = _parse(text)
    async with tenant_transaction(pool, token.tenant_id) as connection:
        return await _offer(connection, token, now)


async def accept(
    pool: Pool, vault: PasswordVault, acceptance: Acceptance, now: datetime
) -> Accepted:
    """Join the tenant of an invitation.

    Raises:
        LinkDead: if there is no such open invitation, or it was used up meanwhile.
        CredentialsWrong: somebody with an account has to give its password.
        WeakPassword: a new person has to choose a better one.
    """
    token = _parse(acceptance.token)
    async with tenant_transaction(pool, token.tenant_id) as connection:
        offer = await _offer(connection, token, now)
        person = await find_person(connection, offer.email) if offer.has_account else None
    if offer.has_account:
        known, password_hash = await _prove(vault, person, acceptance.password)
    else:
        known, password_hash = None, await _choose(vault, offer.email, acceptance.password)
    name = acceptance.name.strip()[:_LONGEST_NAME]
    values = (token.digest, known, name, password_hash, now)
    async with tenant_transaction(pool, token.tenant_id) as connection:
        row = await (await connection.execute(_ACCEPT, values)).fetchone()
    if row is None:
        raise LinkDead
    return Accepted(token.tenant_id, row[0], offer.email, row[1], password_hash)


async def _prove(vault: PasswordVault, person: Person | None, password: str) -> tuple[int, str]:
    stored = None if person is None else person.password_hash
    if not await vault.matches(password, stored) or person is None:
        raise refused_entry(person)
    return person.user_id, person.password_hash


async def _choose(vault: PasswordVault, email: str, password: str) -> str:
    complaint = objection(password, email)
    if complaint is not None:
        raise WeakPassword(complaint)
    return await vault.hash(password)


async def _offer(connection: Connection, token: RefreshToken, now: datetime) -> Offer:
    row = await (await connection.execute(_LOOK_UP, (token.digest, now))).fetchone()
    if row is None:
        raise LinkDead
    return Offer(*row)


def _parse(text: str) -> RefreshToken:
    try:
        return RefreshToken.parse(text)
    except RefreshTokenMalformed as error:
        raise LinkDead from error
