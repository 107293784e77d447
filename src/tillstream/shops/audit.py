"""The audit log: who did what in a tenant, for its owners. Lines are added and never changed.

Actions are named ``<thing>.<what became of it>`` in lower case, such as ``store.connected`` or
``member.removed``. A line holds identifiers and choices, never a secret: callers pass what may be
shown, and long values are cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, LiteralString

from psycopg.types.json import Jsonb

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from tillstream.foundation.database import Connection

OPERATOR: Final = "operator"
"""The actor where somebody acted by the command line."""
SYSTEM: Final = "tillstream"
"""The actor where Tillstream acted by itself."""
SHOPIFY: Final = "shopify"
"""The actor where Shopify told us to."""

_LONGEST: Final = 300
_LONGEST_ADDRESS: Final = 45

_NOTE: LiteralString = """
INSERT INTO shops.audit (tenant_id, at, actor, action, subject, detail, address)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
_LIST: LiteralString = """
SELECT id, at, actor, action, subject, detail, address FROM shops.audit
WHERE tenant_id = %s AND id < %s ORDER BY id DESC LIMIT %s
"""


@dataclass(frozen=True)
class Line:
    """One line of the log."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str | None
    detail: Mapping[str, Any]
    address: str | None


async def note(  # noqa: PLR0913 - a line has that many columns
    connection: Connection,
    tenant_id: int,
    action: str,
    *,
    actor: str,
    subject: str | None = None,
    detail: Mapping[str, str | int | bool | Sequence[str] | None] | None = None,
    address: str | None = None,
    now: datetime,
) -> None:
    """Write a line, inside a transaction that may touch the tenant's rows (API or worker role).

    Args:
        connection: in the transaction that does what is noted, so that both happen or neither.
        tenant_id: whose log it is.
        action: such as ``store.connected``.
        actor: an e-mail address, ``OPERATOR``, ``SYSTEM`` or ``SHOPIFY``.
        subject: what it was done to, as people call it: a domain, an e-mail address, a name.
        detail: what else is worth knowing; no secret, no personal data of shoppers.
        address: the client's, where there is one.
        now: the time.
    """
    values = (
        tenant_id,
        now,
        _shown(actor) or SYSTEM,
        action,
        None if subject is None else _shown(subject),
        Jsonb({key: _detail(value) for key, value in (detail or {}).items()}),
        None if address is None else address[:_LONGEST_ADDRESS],
    )
    await connection.execute(_NOTE, values)


async def list_lines(
    connection: Connection, tenant_id: int, *, before: int, limit: int
) -> list[Line]:
    """Up to ``limit`` lines with smaller ids than ``before``, the latest first."""
    cursor = await connection.execute(_LIST, (tenant_id, before, limit))
    return [Line(*row) for row in await cursor.fetchall()]


def _detail(value: str | int | bool | Sequence[str] | None) -> object:  # noqa: FBT001 - data
    if isinstance(value, str):
        return _shown(value)
    if value is None or isinstance(value, int):
        return value
    return [_shown(one) for one in value]


def _shown(text: str) -> str:
    """``text`` on one line and not too long; PostgreSQL would refuse a NUL."""
    return "".join(c if c.isprintable() else " " for c in text[:_LONGEST])
