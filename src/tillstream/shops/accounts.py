"""Accounts: tenants, and the people who sign in to them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, LiteralString

from tillstream.shops.passwords import PasswordVault, objection
from tillstream.shops.refusals import (
    AccountUnknown,
    CredentialsWrong,
    EmailMalformed,
    EmailTaken,
    WeakPassword,
)

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from tillstream.foundation.database import Connection, Pool

# Deliberately lax: only a letter that arrives proves an address. No space or control character.
_EMAIL: Final = re.compile(r"[^\s@\x00-\x1f\x7f]+@[^\s@\x00-\x1f\x7f]+")
_LONGEST_EMAIL: Final = 254
_LONGEST_NAME: Final = 200

_FIND_USER: LiteralString = """
SELECT tenant_id, tenant_name, user_id, name, role, password_hash, entered_at
FROM shops.find_user(%s)
"""
_TENANTS: LiteralString = "SELECT tenant_id, tenant_name, role FROM shops.tenants_of(%s, %s)"
_DIRECTORY: LiteralString = """
SELECT u.email, u.name, t.id, t.name, m.role, m.since
FROM shops.users AS u
JOIN shops.memberships AS m ON m.user_id = u.id
JOIN shops.tenants AS t ON t.id = m.tenant_id
ORDER BY u.email, t.id
"""
_CREATE: LiteralString = "SELECT user_id, tenant_id FROM shops.create_account(%s, %s, %s, %s)"
_DESCRIBE: LiteralString = """
SELECT t.id, t.name, u.id, u.email, u.name, m.role
FROM shops.memberships AS m
JOIN shops.tenants AS t ON t.id = m.tenant_id
JOIN shops.users AS u ON u.id = m.user_id
WHERE m.tenant_id = %s AND m.user_id = %s
"""


@dataclass(frozen=True)
class Account:
    """A user as a member of one tenant."""

    tenant_id: int
    tenant_name: str
    user_id: int
    email: str
    name: str
    role: str


@dataclass(frozen=True)
class Membership:
    """A tenant that a person belongs to, and as what."""

    tenant_id: int
    tenant_name: str
    role: str


@dataclass(frozen=True)
class Person:
    """Somebody with a password, and the tenants they belong to, the oldest first; never none."""

    user_id: int
    email: str
    name: str
    password_hash: str = field(repr=False)
    memberships: tuple[Membership, ...]
    last_entered: int
    """The tenant they were in last; the oldest until there is one."""

    @property
    def tenants(self) -> tuple[int, ...]:
        """The ids of their tenants."""
        return tuple(membership.tenant_id for membership in self.memberships)

    def as_member(self, tenant_id: int) -> Account:
        """The person as a member of one of their tenants."""
        found = next(one for one in self.memberships if one.tenant_id == tenant_id)
        return Account(
            tenant_id, found.tenant_name, self.user_id, self.email, self.name, found.role
        )


def parse_email(text: str) -> str:
    """``text`` as an e-mail address in lower case.

    Raises:
        EmailMalformed: if it cannot be one.
    """
    email = text.strip().lower()
    if len(email) > _LONGEST_EMAIL or not _EMAIL.fullmatch(email):
        raise EmailMalformed
    return email


async def register(
    pool: Pool, vault: PasswordVault, *, email: str, password: str, name: str = ""
) -> Account:
    """Make a tenant with its first user.

    Raises:
        EmailMalformed, WeakPassword, EmailTaken: each with a sentence for the user.
    """
    address = parse_email(email)
    complaint = objection(password, address)
    if complaint is not None:
        raise WeakPassword(complaint)
    tenant_name = (name.strip() or address.partition("@")[0])[:_LONGEST_NAME]
    password_hash = await vault.hash(password)
    values = (address, name.strip()[:_LONGEST_NAME], tenant_name, password_hash)
    async with pool.connection() as connection:
        row = await (await connection.execute(_CREATE, values)).fetchone()
    if row is None:
        raise EmailTaken
    user_id, tenant_id = row
    return Account(tenant_id, tenant_name, user_id, address, values[1], "owner")


async def authenticate(pool: Pool, vault: PasswordVault, *, email: str, password: str) -> Person:
    """Who signs in with these.

    Raises:
        CredentialsWrong: for an unknown address and for a wrong password, after the same work.
    """
    try:
        address = parse_email(email)
    except EmailMalformed:
        address = ""
    async with pool.connection() as connection:
        person = await find_person(connection, address)
    stored = None if person is None else person.password_hash
    if not await vault.matches(password, stored) or person is None:
        raise refused_entry(person)
    return person


def refused_entry(person: Person | None) -> CredentialsWrong:
    """The refusal of a wrong password; for nobody's it says the same."""
    return CredentialsWrong() if person is None else CredentialsWrong(person.email, person.tenants)


async def find_person(connection: Connection, address: str) -> Person | None:
    """Whose e-mail address that is; ``address`` as ``parse_email`` gives it."""
    cursor = await connection.execute(_FIND_USER, (address,))
    rows = await cursor.fetchall()
    if not rows:
        return None
    entered = [row for row in rows if row[6] is not None]
    latest = max(entered, key=lambda row: row[6]) if entered else rows[0]
    _, _, user_id, name, _, password_hash, _ = rows[0]
    return Person(
        user_id=user_id,
        email=address,
        name=name,
        password_hash=password_hash,
        memberships=tuple(Membership(row[0], row[1], row[4]) for row in rows),
        last_entered=latest[0],
    )


async def tenants_of(connection: Connection, family: UUID, now: datetime) -> tuple[Membership, ...]:
    """The tenants of the person who signed in, the oldest first.

    Inside the transaction of the tenant that the sign-in is of; empty once it has ended.
    """
    cursor = await connection.execute(_TENANTS, (family, now))
    return tuple(Membership(*row) for row in await cursor.fetchall())


async def describe_account(connection: Connection, tenant_id: int, user_id: int) -> Account | None:
    """The member of the tenant, inside its transaction; None if there is no such member."""
    row = await (await connection.execute(_DESCRIBE, (tenant_id, user_id))).fetchone()
    return None if row is None else Account(*row)


async def find_account(pool: Pool, email: str) -> Account:
    """The account that ``email`` owns (else belongs to), without a password: for the command line.

    Raises:
        EmailMalformed, AccountUnknown: with a sentence for the operator.
    """
    address = parse_email(email)
    async with pool.connection() as connection:
        person = await find_person(connection, address)
    if person is None:
        raise AccountUnknown(address)
    owned = (one.tenant_id for one in person.memberships if one.role == "owner")
    return person.as_member(next(owned, person.tenants[0]))


@dataclass(frozen=True)
class Listed:
    """A member of a tenant, as the operator's list has them."""

    email: str
    name: str
    tenant_id: int
    tenant_name: str
    role: str
    since: datetime


async def list_accounts(pool: Pool) -> list[Listed]:
    """All members of all tenants, by e-mail address.

    ``pool`` is of the database's owner: the API role sees no tenant here.
    """
    async with pool.connection() as connection:
        cursor = await connection.execute(_DIRECTORY)
        return [Listed(*row) for row in await cursor.fetchall()]


async def add_account(pool: Pool, email: str, password: str, name: str = "") -> Account:
    """Make an account from the command line; ``pool`` is of the API role or the owner.

    Raises:
        EmailMalformed, WeakPassword, EmailTaken: each with a sentence for the operator.
    """
    return await register(pool, PasswordVault(width=1), email=email, password=password, name=name)
