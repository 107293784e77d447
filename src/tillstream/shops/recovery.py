"""Passwords that change: by whoever knows the present one, or by a signed link.

A link's token is ``<address>.<expiry>.<signature>``, its parts in URL-safe base64 or decimal. What is
signed includes the present password's hash, so that a link ends with the password that it replaces:
it works once, and no table has to remember it. The key is derived from the installation's
``JWT_SECRET``; neither that nor a copy of the database is enough by itself.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, LiteralString, Self

from tillstream.shops.accounts import find_person, parse_email
from tillstream.shops.passwords import objection
from tillstream.shops.refusals import (
    AccountUnknown,
    EmailMalformed,
    LinkDead,
    PasswordWrong,
    WeakPassword,
)

if TYPE_CHECKING:
    from uuid import UUID

    from tillstream.foundation.database import Connection, Pool
    from tillstream.shops.accounts import Person
    from tillstream.shops.passwords import PasswordVault

LIFETIME: Final = timedelta(hours=1)

_PURPOSE: Final = b"tillstream password link 1"
_SHAPE: Final = re.compile(r"([A-Za-z0-9_-]{1,400})\.([0-9]{1,11})\.([A-Za-z0-9_-]{43})")
_REPLACE: LiteralString = "SELECT shops.replace_password(%s, %s, %s, %s, %s)"


@dataclass(frozen=True)
class LinkSigner:
    """Signs and checks the links of one installation."""

    key: bytes = field(repr=False)

    @classmethod
    def of(cls, jwt_secret: str) -> Self:
        """The signer of the installation with that ``JWT_SECRET``."""
        # Derived, so that nothing signed for one purpose is good for the other.
        return cls(hmac.digest(jwt_secret.encode(), _PURPOSE, "sha256"))

    def issue(self, person: Person, now: datetime, life: timedelta = LIFETIME) -> str:
        """A token that lets ``person`` choose a new password until ``now + life``."""
        expiry = int((now + life).timestamp())
        address = _encode(person.email.encode())
        return f"{address}.{expiry}.{_encode(self._sign(person, expiry))}"

    def read(self, token: str, now: datetime) -> Claim:
        """Whom a token claims to be for; ``Claim.is_of`` tells whether it is true.

        Raises:
            LinkDead: if it is malformed or too old.
        """
        match = _SHAPE.fullmatch(token)
        if match is None:
            raise LinkDead
        try:
            address = parse_email(_decode(match[1]).decode())
            signature = _decode(match[3])
        except (binascii.Error, ValueError, EmailMalformed) as error:
            raise LinkDead from error
        if now >= datetime.fromtimestamp(int(match[2]), UTC):
            raise LinkDead
        return Claim(address, int(match[2]), signature, self)

    def _sign(self, person: Person, expiry: int) -> bytes:
        told = f"{person.user_id}\n{person.email}\n{expiry}\n{person.password_hash}"
        return hmac.digest(self.key, told.encode(), hashlib.sha256)

    def is_signed(self, person: Person, expiry: int, signature: bytes) -> bool:
        """Whether ``signature`` is ours for that person as they are now; in constant time."""
        return hmac.compare_digest(self._sign(person, expiry), signature)


@dataclass(frozen=True)
class Claim:
    """What a link says, before it is believed."""

    email: str
    expiry: int
    signature: bytes = field(repr=False)
    signer: LinkSigner = field(repr=False)

    def is_of(self, person: Person) -> bool:
        """Whether we signed this for that person, and the password is still the one from then."""
        return self.signer.is_signed(person, self.expiry, self.signature)


async def reset_password(
    pool: Pool, vault: PasswordVault, claim: Claim, password: str, now: datetime
) -> Person:
    """Give the person of a link a new password, and end all their sign-ins.

    Raises:
        LinkDead: if we did not sign it, or the password has changed since.
        WeakPassword: the link is still good.
    """
    async with pool.connection() as connection:
        person = await find_person(connection, claim.email)
    if person is None or not claim.is_of(person):
        raise LinkDead
    complaint = objection(password, person.email)
    if complaint is not None:
        raise WeakPassword(complaint)
    new_hash = await vault.hash(password)
    async with pool.connection() as connection, connection.transaction():
        if not await _replace(connection, person, new_hash, kept=None, now=now):
            raise LinkDead
    return person


@dataclass(frozen=True)
class Change:
    """What who changes their password sends."""

    current: str = field(repr=False)
    new: str = field(repr=False)


async def change_password(
    pool: Pool, vault: PasswordVault, person: Person, change: Change, *, kept: UUID, now: datetime
) -> None:
    """Change a signed-in person's password, and end their other sign-ins.

    Args:
        pool: of the API role.
        vault: hashes and checks.
        person: who is signed in.
        change: the present password, and the new one.
        kept: the sign-in that goes on.
        now: the time.

    Raises:
        PasswordWrong: the present password is another, or was changed meanwhile.
        WeakPassword: the policy objects to the new one.
    """
    if not await vault.matches(change.current, person.password_hash):
        raise PasswordWrong
    complaint = objection(change.new, person.email)
    if complaint is not None:
        raise WeakPassword(complaint)
    new_hash = await vault.hash(change.new)
    async with pool.connection() as connection, connection.transaction():
        if not await _replace(connection, person, new_hash, kept=kept, now=now):
            raise PasswordWrong


async def find_for_link(pool: Pool, email: str) -> Person:
    """Whom a link is asked for by the command line.

    Raises:
        EmailMalformed, AccountUnknown: with a sentence for the operator.
    """
    address = parse_email(email)
    async with pool.connection() as connection:
        person = await find_person(connection, address)
    if person is None:
        raise AccountUnknown(address)
    return person


async def _replace(
    connection: Connection, person: Person, new_hash: str, *, kept: UUID | None, now: datetime
) -> bool:
    values = (person.user_id, person.password_hash, new_hash, kept, now)
    return await (await connection.execute(_REPLACE, values)).fetchone() == (True,)


def _encode(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
