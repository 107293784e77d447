"""The record of deliveries: which came before, and how many of each topic."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from tillstream.foundation.statements import json_text, statement
from tillstream.mirror.join import redact
from tillstream.mirror.redaction import marks_in_text, marks_of, own_mark
from tillstream.mirror.topics import how_named
from tillstream.mirror.values import Malformed, instant, moment

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


class Recorded(NamedTuple):
    """What a batch of deliveries is to the mirror."""

    fresh: list[Arrived]
    """Those that had not come before, without the people whom they should not have told of."""
    forgotten: dict[Store, frozenset[str]]
    """The marks in force that any of them named, new or not, by store."""
    implied: dict[Store, frozenset[str]]
    """The marks of what is forgotten with them: those that are not in force yet."""


def delivery_key(delivery: Delivery) -> UUID:
    """Equal for repeats of one delivery, different for all else.

    The webhook id alone would not do: headers are unsigned, so another body could carry the same
    id. The signature covers the body.
    """
    told = f"{delivery.webhook_id}\x00{delivery.topic}\x00{delivery.triggered_at}\x00{delivery.signature}"
    return UUID(bytes=hashlib.blake2b(told.encode(), digest_size=16).digest())


async def record(connection: Connection, arrived: Sequence[Arrived]) -> Recorded:
    """Write deliveries down, and see which are new and which tell of people to be forgotten."""
    if not arrived:
        return Recorded([], {}, {})
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
            "marks": _marks(one),
        }
        for position, one in enumerate(arrived)
    ]
    cursor = await connection.execute(_RECORD, (json_text(rows),))
    positions: list[int] = []
    named: defaultdict[int, set[str]] = defaultdict(set)
    for position, mark in await cursor.fetchall():
        if mark is None:
            positions.append(position)
        else:
            named[position].add(mark)
    forgotten: defaultdict[Store, set[str]] = defaultdict(set)
    implied: defaultdict[Store, set[str]] = defaultdict(set)
    for position, marks in named.items():
        forgotten[arrived[position].store] |= marks
        implied[arrived[position].store] |= _implied(arrived[position], marks)
    fresh = [
        _without(arrived[p], named[p]) if p in named else arrived[p] for p in sorted(positions)
    ]
    await _count(connection, fresh)
    return Recorded(fresh, _frozen(forgotten), _frozen(implied))


def _frozen(marks: dict[Store, set[str]]) -> dict[Store, frozenset[str]]:
    return {store: frozenset(found) for store, found in marks.items() if found}


def _implied(one: Arrived, marks: set[str]) -> set[str]:
    """The own marks of what is forgotten, by which other deliveries about it are known."""
    return {
        own
        for change in one.changes
        if not marks_of(change).isdisjoint(marks)
        and (own := own_mark(change.resource, change.key)) not in marks
    }


def _marks(one: Arrived) -> list[str]:
    """By which marks a delivery could be one to forget."""
    named = how_named(one.delivery.topic)
    if named == "nobody":
        return []
    if named == "text" or not one.changes:
        # Nobody reads of people in these bodies, but they are kept for as long as the others.
        return sorted(marks_in_text(one.delivery.body))
    found = marks_of(one.changes[0])
    for change in one.changes[1:]:
        found |= marks_of(change)
    return list(found)


def _without(one: Arrived, marks: set[str]) -> Arrived:
    """The delivery's changes, those that tell of a person to forget without the person."""
    return one._replace(
        changes=[
            change
            if marks_of(change).isdisjoint(marks)
            else change._replace(element=redact(change.element))
            for change in one.changes
        ]
    )


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
        await connection.execute(_COUNT, (json_text(rows),))


def _triggered_at(delivery: Delivery) -> datetime | None:
    """The header's time, where it is one: it is unsigned, so nothing depends on it."""
    try:
        return instant(moment(delivery.triggered_at, "X-Shopify-Triggered-At"))
    except Malformed:
        return None


def _printable(header: str) -> str:
    return header.replace("\x00", "")
