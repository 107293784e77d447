"""What a person does with the journal: look, release, replay, let expire."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final, LiteralString
from uuid import UUID

import msgspec

from tillstream.journal.contract import Frame, Status, first_id_at
from tillstream.journal.ear import HELD, RING
from tillstream.journal.encoding import Undecodable, decode_deliveries, encode_deliveries
from tillstream.journal.outcome import Kind

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Collection, Sequence

    from tillstream.foundation.clock import Clock
    from tillstream.foundation.database import Connection
    from tillstream.journal.contract import Delivery

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
_KEPT: LiteralString = """
SELECT f.id, f.body, EXISTS (
  SELECT FROM journal.pending p WHERE p.partition = f.partition AND p.frame_id = f.id)
FROM journal.frames f WHERE f.partition = %s AND f.id > %b::uuid AND f.id < %b::uuid
ORDER BY f.id LIMIT %s FOR NO KEY UPDATE OF f
"""
_REWRITE: LiteralString = "UPDATE journal.frames SET body = %b, deliveries = %s WHERE id = %b::uuid"
_DROP: LiteralString = "DELETE FROM journal.frames WHERE id = %b::uuid"
_HELD_OF: LiteralString = """
SELECT id, delivery FROM journal.held WHERE shop = %s AND id > %s ORDER BY id LIMIT %s FOR UPDATE
"""
_REWRITE_HELD: LiteralString = "UPDATE journal.held SET delivery = %b WHERE id = %s"
_DROP_HELD: LiteralString = """
DELETE FROM journal.held WHERE id = %s RETURNING partition::int4, deliveries
"""
_COUNT_APPLIED: LiteralString = """
INSERT INTO journal.progress AS p (partition, applied) VALUES (%s, %s)
ON CONFLICT (partition) DO UPDATE SET applied = p.applied + excluded.applied
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
    """Where everything is that PostgreSQL knows of (with a broker see ``rabbitmq_status.broker_status``).

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
    await connection.execute(RING, (HELD,))
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


class Revised(msgspec.Struct, frozen=True):
    """What going through a part of what is kept came to."""

    after: UUID | int | None
    """Where to go on; None at the end."""
    changed: int
    """Deliveries that are now kept otherwise, or no more."""
    waiting: int = 0
    """Frames that were left because they still have to be applied."""


async def revise_frames(
    connection: Connection,
    partition: int,
    revise: Callable[[Delivery], Delivery | None],
    *,
    after: UUID | None = None,
    until: datetime | None = None,
    most: int = _PAGE,
) -> Revised:
    """Go through the next frames of a partition that are kept for replay, in a transaction.

    Args:
        connection: of the worker role.
        partition: that of the shop concerned.
        revise: what is to be kept of a delivery: itself, another, or None for nothing. A frame that
            still has to be applied loses none, or its count would no longer be what was accepted.
        after: the frame to go on after.
        until: leave the frames that were appended from then on.
        most: frames of one transaction.
    """
    end = first_id_at(until) if until else _LAST
    values = (partition, after or UUID(int=0), end, most)
    rows = await (await connection.execute(_KEPT, values)).fetchall()
    changed = waiting = 0
    for frame_id, body, pending in rows:
        before = _readable(body)
        revised = [revise(delivery) for delivery in before]
        waiting += pending and None in revised
        kept = [
            delivery if now is None and pending else now
            for delivery, now in zip(before, revised, strict=True)
        ]
        differing = sum(a is not b for a, b in zip(before, kept, strict=True))
        if differing:
            changed += differing
            await rewrite_frame(connection, frame_id, [one for one in kept if one is not None])
    return Revised(rows[-1][0] if len(rows) == most else None, changed, waiting)


async def rewrite_frame(
    connection: Connection, frame_id: UUID, deliveries: Sequence[Delivery]
) -> None:
    """Let a frame hold these deliveries from now on; none, and it is gone."""
    if deliveries:
        values = (encode_deliveries(deliveries), len(deliveries), frame_id)
        await connection.execute(_REWRITE, values)
    else:
        await connection.execute(_DROP, (frame_id,))


async def revise_held(
    connection: Connection,
    shop: str,
    revise: Callable[[Delivery], Delivery | None],
    *,
    after: int = 0,
    most: int = _PAGE,
) -> Revised:
    """The same for the deliveries of a shop that are held back; one that goes counts as applied."""
    rows = await (await connection.execute(_HELD_OF, (shop, after, most))).fetchall()
    changed = 0
    for held_id, stored in rows:
        before = _readable(stored)
        kept = [now for delivery in before if (now := revise(delivery)) is not None]
        if len(kept) == len(before) and all(a is b for a, b in zip(before, kept, strict=True)):
            continue
        changed += 1
        if kept:
            await connection.execute(_REWRITE_HELD, (encode_deliveries(kept), held_id))
        else:
            gone = await (await connection.execute(_DROP_HELD, (held_id,))).fetchone()
            await connection.execute(_COUNT_APPLIED, gone)
    return Revised(rows[-1][0] if len(rows) == most else None, changed)


def _readable(stored: bytes) -> list[Delivery]:
    """What can be read: frames that cannot were parked when they were claimed."""
    try:
        return decode_deliveries(stored)
    except Undecodable:
        return []
