"""Accounts: a tenant and the user who owns it."""

from __future__ import annotations

import re
from dataclasses import dataclass
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
    from tillstream.foundation.database import Connection, Pool

# Deliberately lax: only a letter that arrives proves an address. No space or control character.
_EMAIL: Final = re.compile(r"[^\s@\x00-\x1f\x7f]+@[^\s@\x00-\x1f\x7f]+")
_LONGEST_EMAIL: Final = 254
_LONGEST_NAME: Final = 200

_FIND_USER: LiteralString = """
SELECT tenant_id, tenant_name, user_id, name, role, password_hash FROM shops.find_user(%s) LIMIT 1
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


async def authenticate(pool: Pool, vault: PasswordVault, *, email: str, password: str) -> Account:
    """Who signs in with these.

    Raises:
        CredentialsWrong: for an unknown address and for a wrong password, after the same work.
    """
    try:
        address = parse_email(email)
    except EmailMalformed:
        address = ""
    async with pool.connection() as connection:
        row = await (await connection.execute(_FIND_USER, (address,))).fetchone()
    stored = None if row is None else row[5]
    if not await vault.matches(password, stored) or row is None:
        raise CredentialsWrong
    tenant_id, tenant_name, user_id, name, role, _ = row
    return Account(tenant_id, tenant_name, user_id, address, name, role)


async def describe_account(connection: Connection, tenant_id: int, user_id: int) -> Account | None:
    """The member of the tenant, inside its transaction; None if there is no such member."""
    row = await (await connection.execute(_DESCRIBE, (tenant_id, user_id))).fetchone()
    return None if row is None else Account(*row)


async def find_account(pool: Pool, email: str) -> Account:
    """The account of ``email``, without a password: for the command line only.

    Raises:
        EmailMalformed, AccountUnknown: with a sentence for the operator.
    """
    address = parse_email(email)
    async with pool.connection() as connection:
        row = await (await connection.execute(_FIND_USER, (address,))).fetchone()
    if row is None:
        raise AccountUnknown(address)
    return Account(row[0], row[1], row[2], address, row[3], row[4])


async def add_account(pool: Pool, email: str, password: str, name: str = "") -> Account:
    """Make an account from the command line; ``pool`` is of the API role or the owner.

    Raises:
        EmailMalformed, WeakPassword, EmailTaken: each with a sentence for the operator.
    """
    return await register(pool, PasswordVault(width=1), email=email, password=password, name=name)
