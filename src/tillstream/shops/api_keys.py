"""API keys: for machines, with scopes and an end, shown once.

A key is ``ts_<tenant id>_<43 characters>``: the tenant is named so that looking it up is an ordinary
statement under that tenant's row-level security. The database holds its SHA-256 only (32 random bytes
need no slow hash), which the API's role cannot even read.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal, LiteralString, Self

from tillstream.shops.refusals import KeyUnknown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tillstream.foundation.database import Connection

Scope = Literal["analytics", "live", "stores", "exports"]

PREFIX: Final = "ts_"
LONGEST_LIFE: Final = timedelta(days=366)

_SECRET_BYTES: Final = 32
_LARGEST_ID: Final = 2**63 - 1
_SHAPE: Final = re.compile(r"ts_([1-9][0-9]{0,18})_([A-Za-z0-9_-]{43})")
_SHOWN: Final = 4
"""Characters of the secret that the list shows: enough to tell keys apart."""

_INSERT: LiteralString = """
INSERT INTO shops.api_keys (tenant_id, name, prefix, token_hash, scopes, created_by, created_at, expires_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
RETURNING id, name, prefix, scopes, created_at, expires_at, last_used_at
"""
_LIST: LiteralString = """
SELECT id, name, prefix, scopes, created_at, expires_at, last_used_at FROM shops.api_keys
WHERE tenant_id = %s AND revoked_at IS NULL ORDER BY id DESC
"""
_REVOKE: LiteralString = """
UPDATE shops.api_keys SET revoked_at = %s
WHERE tenant_id = %s AND id = %s AND revoked_at IS NULL RETURNING name
"""
_USE: LiteralString = "SELECT id, name, scopes, expires_at FROM shops.use_key(%s, %s)"


@dataclass(frozen=True)
class PresentedKey:
    """What a caller sent: a tenant, and the hash by which the key is looked up there."""

    tenant_id: int
    digest: bytes = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The key that ``text`` has the form of, if it has."""
        match = _SHAPE.fullmatch(text)
        if match is None or int(match[1]) > _LARGEST_ID:
            return None
        try:
            secret = base64.b64decode(match[2] + "=", altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        return cls(int(match[1]), hashlib.sha256(secret).digest())


@dataclass(frozen=True)
class KeyBearer:
    """A key that is good: what it may do, and until when."""

    tenant_id: int
    digest: bytes = field(repr=False)
    id: int
    name: str
    scopes: frozenset[str]
    expires_at: datetime


@dataclass(frozen=True)
class Key:
    """A key as its owners see it."""

    id: int
    name: str
    prefix: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True)
class KeyWish:
    """What a key is to be like."""

    name: str
    scopes: Sequence[Scope]
    life: timedelta


async def make_key(
    connection: Connection,
    tenant_id: int,
    wish: KeyWish,
    *,
    user_id: int,
    random: Callable[[int], bytes],
    now: datetime,
) -> tuple[Key, str]:
    """A new key and its text, which nobody can see again; inside the tenant's transaction."""
    secret = random(_SECRET_BYTES)
    encoded = base64.urlsafe_b64encode(secret).rstrip(b"=").decode()
    start = f"{PREFIX}{tenant_id}_"
    values = (
        tenant_id,
        wish.name,
        start + encoded[:_SHOWN],
        hashlib.sha256(secret).digest(),
        sorted(set(wish.scopes)),
        user_id,
        now,
        now + wish.life,
    )
    row = await (await connection.execute(_INSERT, values)).fetchone()
    if row is None:
        message = "A statement that returns exactly one row returned none."
        raise RuntimeError(message)
    return Key(*row), start + encoded


async def list_keys(connection: Connection, tenant_id: int) -> list[Key]:
    """The tenant's keys, the newest first; also those that have expired, but none revoked."""
    cursor = await connection.execute(_LIST, (tenant_id,))
    return [Key(*row) for row in await cursor.fetchall()]


async def revoke_key(connection: Connection, tenant_id: int, key_id: int, now: datetime) -> str:
    """End a key and its event streams; its name.

    Raises:
        KeyUnknown: if it was revoked already, or never was.
    """
    row = await (await connection.execute(_REVOKE, (now, tenant_id, key_id))).fetchone()
    if row is None:
        raise KeyUnknown
    return str(row[0])


async def enter_with_key(
    connection: Connection, presented: PresentedKey, now: datetime
) -> KeyBearer | None:
    """The key, if it is good, inside its tenant's transaction. Writes down its use once a minute."""
    row = await (await connection.execute(_USE, (presented.digest, now))).fetchone()
    if row is None:
        return None
    number, name, scopes, expires_at = row
    return KeyBearer(
        tenant_id=presented.tenant_id,
        digest=presented.digest,
        id=number,
        name=name,
        scopes=frozenset(scopes),
        expires_at=expires_at,
    )
