"""What a person does with the journal: look, release, replay, let expire."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final, LiteralString
from uuid import UUID

import msgspec

from tillstream.journal.contract import Frame, Status, first_id_at
from tillstream.journal.ear import HELD
from tillstream.journal.encoding import Undecodable, decode_deliveries
from tillstream.journal.outcome import Kind

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection, Sequence

    from tillstream.foundation.clock import Clock
    from tillstream.foundation.database import Connection

_PAGE: Final = 64
"""Frames read at once for a replay: some 100 kB each."""

_STATUS: LiteralString = (
    "SELECT applied, parked, unrouted, waiting, oldest_waiting_at FROM journal.status()"
)
_LIST: LiteralString = """
SELECT id, kind, shop, topic, webhook_id, tenant_id, store_id, reason, detail, deliveries, held_at,
  released_at IS NOT NULL
FROM journal.held WHERE kind = %s AND id > %s ORDER BY id LIMIT %s
"""
_RELEASE: LiteralString = """
UPDATE journal.held SET released_at = now(), not_before = NULL, attempt = 0
WHERE kind = 'parked' AND (%(all)s OR id = ANY (%(ids)s::int8[]))
"""
_RING: LiteralString = "SELECT pg_notify(shops.channel('tillstream_journal'), %s)"
_FRAMES: LiteralString = """
SELECT id, partition, body FROM journal.frames WHERE id > %b::uuid AND id < %b::uuid ORDER BY id LIMIT %s
"""
# A frame that still waits must not expire, however old it is.
_EXPIRE: LiteralString = """
DELETE FROM journal.frames f WHERE f.id IN (
  SELECT o.id FROM journal.frames o
  WHERE o.id < %b::uuid AND NOT EXISTS (
    SELECT FROM journal.pending p WHERE p.partition = o.partition AND p.frame_id = o.id)
  ORDER BY o.id LIMIT 5000)
"""


_LAST: Final = UUID(int=(1 << 128) - 1)


class HeldRow(msgspec.Struct, frozen=True):
    """A delivery that is held back, without its body."""

    id: int
    kind: Kind
    shop: str
    topic: str
    webhook_id: str
    tenant_id: int | None
    store_id: int | None
    reason: str
    detail: str
    deliveries: int
    """It and its repeats."""
    held_at: datetime
    released: bool


async def status(connection: Connection, clock: Clock) -> Status:
    """Where everything is that PostgreSQL knows of (with a broker see ``rabbitmq.broker_status``).

    Works for both roles.
    """
    row = await (await connection.execute(_STATUS)).fetchone()
    applied, parked, unrouted, waiting, oldest = row or (0, 0, 0, 0, None)
    age = None if oldest is None else max(0.0, (clock() - oldest).total_seconds())
    return Status(applied + parked + unrouted + waiting, applied, parked, unrouted, waiting, age)


async def list_held(
    connection: Connection, kind: Kind, limit: int, after: int = 0
) -> list[HeldRow]:
    """Up to ``limit`` held deliveries with ids above ``after``, by id.

    The worker's role sees all; the API's role those of the transaction's tenant.
    """
    rows = await connection.execute(_LIST, (kind, after, limit))
    return [HeldRow(*row) for row in await rows.fetchall()]


async def release(connection: Connection, ids: Sequence[int] | None) -> int:
    """Let parked deliveries (all for None) be tried again; how many there were.

    Those that are still hopeless park again, under a new id.
    """
    result = await connection.execute(_RELEASE, {"all": ids is None, "ids": list(ids or ())})
    await connection.execute(_RING, (HELD,))
    return result.rowcount


async def replay_frames(
    connection: Connection,
    since: datetime,
    shops: Collection[str] | None = None,
    *,
    until: datetime | None = None,
) -> AsyncGenerator[Frame]:
    """The frames appended from ``since`` (to before ``until``), by time; only deliveries of ``shops`` if given.

    Frames that cannot be read are left out: they were parked when they were claimed.
    """
    after = UUID(int=max(0, first_id_at(since).int - 1))
    end = first_id_at(until) if until else _LAST
    while True:
        rows = await (await connection.execute(_FRAMES, (after, end, _PAGE))).fetchall()
        for frame_id, partition, body in rows:
            try:
                deliveries = decode_deliveries(body)
            except Undecodable:
                continue
            if shops is not None:
                deliveries = [delivery for delivery in deliveries if delivery.shop in shops]
            if deliveries:
                yield Frame(frame_id, partition, deliveries)
        if len(rows) < _PAGE:
            return
        after = rows[-1][0]


async def expire(connection: Connection, before: datetime) -> int:
    """Delete settled frames from before that moment; how many. In an autocommit connection, in portions."""
    total = 0
    while True:
        deleted = (await connection.execute(_EXPIRE, (first_id_at(before),))).rowcount
        total += deleted
        if not deleted:
            return total
