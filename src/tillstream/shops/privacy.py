"""Requests that the law makes of a merchant's data: recorded when they come, done in time, receipted.

https://shopify.dev/docs/apps/build/compliance/privacy-law-compliance
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, LiteralString, NamedTuple, TypeAlias

from psycopg.types.json import Jsonb

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from tillstream.foundation.database import Connection

Kind: TypeAlias = Literal["customers/data_request", "customers/redact", "shop/redact", "erasure"]
Origin: TypeAlias = Literal["shopify", "operator", "schedule"]

ALLOWED: Final = timedelta(days=30)
"""The time that the law, as Shopify reads it, leaves for a request."""

_RECORD: LiteralString = """
INSERT INTO shops.privacy_requests (tenant_id, store_id, domain, kind, origin, reference,
  customer_id, marks, received_at, due_at, problem)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (tenant_id, store_id, reference) DO NOTHING RETURNING id
"""
_FIND: LiteralString = """
SELECT tenant_id, id, store_id, domain, kind, origin, customer_id, marks, received_at, due_at,
  done_at, problem, progress, receipt
FROM shops.privacy_requests WHERE tenant_id = %s AND id = %s
"""
_LIST: LiteralString = """
SELECT tenant_id, id, store_id, domain, kind, origin, customer_id, marks, received_at, due_at,
  done_at, problem, progress, receipt
FROM shops.privacy_requests WHERE tenant_id = %s AND id < %s
ORDER BY id DESC LIMIT %s
"""
_PROGRESS: LiteralString = """
UPDATE shops.privacy_requests SET progress = %s WHERE tenant_id = %s AND id = %s AND done_at IS NULL
"""
_FINISH: LiteralString = """
UPDATE shops.privacy_requests
SET done_at = %s, receipt = %s,
    -- A file has to find the person again; for everything else, no trace of them is needed here.
    marks = CASE kind WHEN 'customers/data_request' THEN marks ELSE '{}' END
WHERE tenant_id = %s AND id = %s AND done_at IS NULL RETURNING id
"""
_REFUSE: LiteralString = """
UPDATE shops.privacy_requests SET problem = %s WHERE tenant_id = %s AND id = %s AND done_at IS NULL
"""
_OPEN_OF: LiteralString = """
SELECT id FROM shops.privacy_requests
WHERE tenant_id = %s AND store_id = %s AND done_at IS NULL AND problem IS NULL ORDER BY id
"""
_STANDING: LiteralString = """
SELECT erase_at IS NOT NULL OR removed_at IS NOT NULL FROM shops.stores
WHERE tenant_id = %s AND id = %s
"""
_OPEN: LiteralString = "SELECT tenant_id, id FROM shops.open_privacy_requests(%s)"
_STORES_OF: LiteralString = """
SELECT domain, tenant_id, store_id, connected, installed_at, since FROM shops.stores_of(%s)
"""
_DUE: LiteralString = "SELECT domain, tenant_id, store_id, erase_at FROM shops.due_erasures(%s)"
_FORGET: LiteralString = "SELECT shops.forget_store(%s, %s, %s)"
_RETENTIONS: LiteralString = "SELECT domain, retention_days FROM shops.short_retentions(%s)"
_KEPT_DAYS: LiteralString = "SELECT erase_after_days FROM shops.tenants WHERE id = %s"


class Holder(NamedTuple):
    """A tenant's store of a shop, connected still or not: somebody who has data of it."""

    domain: str
    tenant_id: int
    store_id: int
    connected: bool
    installed_at: datetime | None
    since: datetime
    """When it was connected (again)."""


class DueErasure(NamedTuple):
    """A store whose ``erase_at`` has come."""

    domain: str
    tenant_id: int
    store_id: int
    erase_at: datetime


@dataclass(frozen=True)
class NewRequest:
    """A request as it comes. ``reference`` tells repeats of one request from another one."""

    kind: Kind
    origin: Origin
    reference: str
    received_at: datetime
    customer_id: int | None = None
    marks: Collection[str] = ()
    problem: str | None = None


@dataclass(frozen=True)
class Request:
    """A request as it stands. ``problem`` says why it cannot be done."""

    tenant_id: int
    id: int
    store_id: int
    domain: str
    kind: Kind
    origin: Origin
    customer_id: int | None
    marks: list[str]
    received_at: datetime
    due_at: datetime
    done_at: datetime | None
    problem: str | None
    progress: Mapping[str, Any] = field(default_factory=dict[str, Any])
    receipt: Mapping[str, Any] | None = None


async def holders_of(connection: Connection, domains: Collection[str]) -> list[Holder]:
    """Everybody who has data of these shops. Worker role."""
    cursor = await connection.execute(_STORES_OF, (sorted(domains),))
    return [Holder(*row) for row in await cursor.fetchall()]


async def record_request(connection: Connection, holder: Holder, request: NewRequest) -> int | None:
    """Write a request down, in a transaction that may touch the tenant; None if it is known already."""
    values = (
        holder.tenant_id,
        holder.store_id,
        holder.domain,
        request.kind,
        request.origin,
        request.reference,
        request.customer_id,
        sorted(request.marks),
        request.received_at,
        request.received_at + ALLOWED,
        request.problem,
    )
    row = await (await connection.execute(_RECORD, values)).fetchone()
    return None if row is None else int(row[0])


async def find_request(connection: Connection, tenant_id: int, request_id: int) -> Request | None:
    """One request of the tenant."""
    row = await (await connection.execute(_FIND, (tenant_id, request_id))).fetchone()
    return None if row is None else Request(*row)


async def list_requests(
    connection: Connection, tenant_id: int, *, before: int = 2**63 - 1, limit: int = 200
) -> list[Request]:
    """The tenant's requests with smaller ids than ``before``, the latest first."""
    cursor = await connection.execute(_LIST, (tenant_id, before, limit))
    return [Request(*row) for row in await cursor.fetchall()]


async def open_requests(connection: Connection, most: int = 100) -> list[tuple[int, int]]:
    """(tenant, request) of those to be done, of whatever tenant, the most urgent first. Worker role."""
    return [(t, r) for t, r in await (await connection.execute(_OPEN, (most,))).fetchall()]


async def open_requests_of(connection: Connection, tenant_id: int, store_id: int) -> list[Request]:
    """The requests about a store that are to be done, the oldest first."""
    rows = await (await connection.execute(_OPEN_OF, (tenant_id, store_id))).fetchall()
    found = [await find_request(connection, tenant_id, row[0]) for row in rows]
    return [request for request in found if request is not None]


async def is_leaving(connection: Connection, tenant_id: int, store_id: int) -> bool:
    """Whether a store is still one to be erased by its date: it may have been connected again."""
    row = await (await connection.execute(_STANDING, (tenant_id, store_id))).fetchone()
    return row is not None and bool(row[0])


async def note_progress(
    connection: Connection, request: Request, progress: Mapping[str, int]
) -> None:
    """Say how far a request has come."""
    await connection.execute(_PROGRESS, (Jsonb(dict(progress)), request.tenant_id, request.id))


async def finish(
    connection: Connection, request: Request, receipt: Mapping[str, Any], now: datetime
) -> bool:
    """Close a request with its receipt; False if it was closed already."""
    values = (now, Jsonb(dict(receipt)), request.tenant_id, request.id)
    return await (await connection.execute(_FINISH, values)).fetchone() is not None


async def refuse(connection: Connection, request: Request, problem: str) -> None:
    """Say why a request cannot be done."""
    await connection.execute(_REFUSE, (problem[:500], request.tenant_id, request.id))


async def due_erasures(connection: Connection, now: datetime) -> list[DueErasure]:
    """The stores whose time to be erased has come. Worker role."""
    return [DueErasure(*row) for row in await (await connection.execute(_DUE, (now,))).fetchall()]


async def forget_store(
    connection: Connection, tenant_id: int, store_id: int, now: datetime
) -> None:
    """Leave of a store's row no more than that it was there; for an open request to erase it."""
    await connection.execute(_FORGET, (tenant_id, store_id, now))


async def short_retentions(connection: Connection, installation_days: int) -> dict[str, int]:
    """Days that a shop's deliveries are kept, where that is less than the installation keeps."""
    cursor = await connection.execute(_RETENTIONS, (installation_days,))
    return dict(await cursor.fetchall())


async def days_until_erasure(connection: Connection, tenant_id: int, default: int) -> int:
    """Days from uninstalling to erasure, by the tenant's choice or else ``default``."""
    row = await (await connection.execute(_KEPT_DAYS, (tenant_id,))).fetchone()
    return default if row is None or row[0] is None else int(row[0])
