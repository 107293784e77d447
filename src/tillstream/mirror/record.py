"""The record of deliveries: which came before, and how many of each topic."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

import msgspec

from tillstream.foundation.statements import statement
from tillstream.mirror.rows import instant
from tillstream.mirror.values import Malformed, moment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tillstream.foundation.database import Connection
    from tillstream.journal.contract import Delivery
    from tillstream.mirror.change import Change
    from tillstream.mirror.merge import Store

_RECORD = statement("tillstream.mirror", "record_deliveries")
_COUNT = statement("tillstream.mirror", "count_topics")


class Arrived(NamedTuple):
    """A delivery whose store is known, and what it says."""

    store: Store
    delivery: Delivery
    key: UUID
    """See :func:`delivery_key`."""
    changes: list[Change]


def delivery_key(delivery: Delivery) -> UUID:
    """Equal for repeats of one delivery, different for all else.

    The webhook id alone would not do: headers are unsigned, so another body could carry the same
    id. The signature covers the body.
    """
    told = f"{delivery.webhook_id}\x00{delivery.topic}\x00{delivery.triggered_at}\x00{delivery.signature}"
    return UUID(bytes=hashlib.blake2b(told.encode(), digest_size=16).digest())


async def record(connection: Connection, arrived: Sequence[Arrived]) -> list[Arrived]:
    """Write deliveries down; returns those that had not come before."""
    if not arrived:
        return []
    rows = [
        {
            "position": position,
            "tenant_id": one.store.tenant_id,
            "store_id": one.store.store_id,
            "key": one.key,
            "webhook_id": _printable(one.delivery.webhook_id),
            "topic": one.delivery.topic,
            "resource_id": str(one.changes[0].key) if one.changes else None,
            "triggered_at": _triggered_at(one.delivery),
            "received_at": instant(one.delivery.received_at),
        }
        for position, one in enumerate(arrived)
    ]
    cursor = await connection.execute(_RECORD, (msgspec.json.encode(rows).decode(),))
    positions: list[int] = sorted(row[0] for row in await cursor.fetchall())
    fresh = [arrived[position] for position in positions]
    await _count(connection, fresh)
    return fresh


async def _count(connection: Connection, fresh: Sequence[Arrived]) -> None:
    counts = Counter((one.store, one.delivery.topic) for one in fresh)
    rows = [
        {
            "tenant_id": store.tenant_id,
            "store_id": store.store_id,
            "topic": topic,
            "received": number,
        }
        for (store, topic), number in sorted(counts.items())
    ]
    if rows:
        await connection.execute(_COUNT, (msgspec.json.encode(rows).decode(),))


def _triggered_at(delivery: Delivery) -> datetime | None:
    """The header's time, where it is one: it is unsigned, so nothing depends on it."""
    try:
        return instant(moment(delivery.triggered_at, "X-Shopify-Triggered-At"))
    except Malformed:
        return None


def _printable(header: str) -> str:
    return header.replace("\x00", "")
