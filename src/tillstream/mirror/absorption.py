"""Whether a store's copy has taken in every delivery that the journal still keeps.

Merging is a join, so what has been taken in changes nothing when it is joined once more. That holds
however far back the journal reaches and in whatever order things came: nothing has to be replayed,
and memory holds a portion of the journal at a time.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, LiteralString, NamedTuple

import msgspec

from tillstream.foundation.statements import json_text
from tillstream.journal.encoding import Undecodable, decode_deliveries
from tillstream.journal.operations import replay_frames
from tillstream.mirror import projections
from tillstream.mirror.forgetting import in_force
from tillstream.mirror.history import order_of
from tillstream.mirror.join import Element, decode, encode, join, redact
from tillstream.mirror.merge import MIRRORED, Store
from tillstream.mirror.record import Arrived, delivery_key, record
from tillstream.mirror.redaction import marks_of
from tillstream.mirror.topics import read
from tillstream.mirror.values import Malformed, microseconds

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Sequence
    from uuid import UUID

    from tillstream.foundation.database import Connection
    from tillstream.journal.contract import Delivery
    from tillstream.mirror.change import Change, Resource

_CHUNK: Final = 1000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_PENDING: LiteralString = "SELECT frame_id FROM journal.pending"
_HELD: LiteralString = "SELECT delivery FROM journal.held WHERE shop = %s"


class Unabsorbed(NamedTuple):
    """A kept delivery of which a resource does not have everything, and what it tells of it."""

    arrived: Arrived
    change: Change

    @property
    def order_id(self) -> int | None:
        """The order concerned, if one is."""
        return order_of(self.change)


class Kept(NamedTuple):
    """A portion of the journal that was gone through."""

    deliveries: int
    """How many there have been so far."""
    missing: list[Unabsorbed]


async def unabsorbed(
    connection: Connection, store: Store, domain: str, since: datetime = _EPOCH
) -> AsyncGenerator[Kept]:
    """Go through all kept deliveries of a store; what still waits or is held back is left out.

    Args:
        connection: of the worker role, in a repeatable-read transaction, so that mirror and journal
            are those of one moment.
        store: whose copy.
        domain: under which its deliveries were sent.
        since: leave out what came before, such as deliveries for an account that had the shop then.
    """
    pending = {frame_id for (frame_id,) in await (await connection.execute(_PENDING)).fetchall()}
    held = await _held(connection, domain)
    first = microseconds(since)
    arrived: list[Arrived] = []
    done = 0
    async for frame in replay_frames(connection, since, {domain}):
        if frame.id in pending:
            continue
        # A frame is a little later than what is in it.
        ours = [one for one in frame.deliveries if one.received_at >= first]
        arrived += _readable(store, ours, held)
        if len(arrived) >= _CHUNK:
            done += len(arrived)
            yield Kept(done, await _missing(connection, store, arrived))
            arrived = []
    yield Kept(done + len(arrived), await _missing(connection, store, arrived))


async def absorb(connection: Connection, store: Store, missing: Sequence[Unabsorbed]) -> None:
    """Take these deliveries in; the store's lock must be held.

    Where the copy has a body that says otherwise than the journal does, the journal is right.
    """
    told: defaultdict[Resource, dict[int | str, Element]] = defaultdict(dict)
    for one in missing:
        group, key = told[one.change.resource], one.change.key
        known = group.get(key)
        group[key] = one.change.element if known is None else join(known, one.change.element)
    for resource, elements in told.items():
        stored = await _stored(connection, store, resource, elements)
        rows = [
            _row(store, resource, key, join(element, stored.get(key, Element())))
            for key, element in elements.items()
        ]
        await connection.execute(MIRRORED[resource].write(rows[0]), (json_text(rows),))
    await projections.mend(connection, store, told)
    await record(connection, list({one.arrived.key: one.arrived for one in missing}.values()))


def _row(store: Store, resource: Resource, key: int | str, element: Element) -> dict[str, object]:
    mirrored = MIRRORED[resource]
    return {
        **store.columns,
        **mirrored.row(mirrored.view(key, element)),
        "state": msgspec.Raw(encode(element).encode()),
    }


def _readable(store: Store, deliveries: Iterable[Delivery], held: set[UUID]) -> list[Arrived]:
    """What was, or should have been, applied to the store."""
    found: list[Arrived] = []
    for delivery in deliveries:
        key = delivery_key(delivery)
        if key in held or not delivery.speaks_for(store.store_id):
            continue
        try:
            changes = read(delivery.topic, delivery.body, delivery.triggered_at)
        except Malformed:
            continue
        if changes:
            found.append(Arrived(store, delivery, key, changes))
    return found


async def _held(connection: Connection, domain: str) -> set[UUID]:
    cursor = await connection.execute(_HELD, (domain,))
    keys: set[UUID] = set()
    for (stored,) in await cursor.fetchall():
        try:
            keys.update(delivery_key(delivery) for delivery in decode_deliveries(stored))
        except Undecodable:
            continue
    return keys


async def _missing(
    connection: Connection, store: Store, arrived: Sequence[Arrived]
) -> list[Unabsorbed]:
    told: defaultdict[Resource, dict[int | str, list[Unabsorbed]]] = defaultdict(dict)
    for one in await _without_people(connection, store, arrived):
        for change in one.changes:
            told[change.resource].setdefault(change.key, []).append(Unabsorbed(one, change))
    found: list[Unabsorbed] = []
    for resource, words in told.items():
        stored = await _stored(connection, store, resource, words)
        for key, ones in words.items():
            known = stored.get(key)
            found += [
                one for one in ones if known is None or not absorbs(known, one.change.element)
            ]
    return found


def absorbs(known: Element, told: Element) -> bool:
    """Whether joining ``told`` in, from either side, changes nothing. Pure.

    From both sides, since of two layers with one stamp a join takes the first: these are one body,
    so that they can only differ where somebody wrote into the copy.
    """
    return join(known, told) == known and join(told, known) == known


async def _without_people(
    connection: Connection, store: Store, arrived: Sequence[Arrived]
) -> list[Arrived]:
    """As they were taken in: without the people whom the store has to forget."""
    marks = {mark for one in arrived for change in one.changes for mark in marks_of(change)}
    gone = await in_force(connection, store, marks) if marks else set[str]()
    return [
        one._replace(
            changes=[
                change
                if marks_of(change).isdisjoint(gone)
                else change._replace(element=redact(change.element))
                for change in one.changes
            ]
        )
        for one in arrived
    ]


async def _stored(
    connection: Connection, store: Store, resource: Resource, keys: Iterable[int | str]
) -> dict[int | str, Element]:
    mirrored = MIRRORED[resource]
    told = [{**store.columns, **mirrored.key_columns(key)} for key in keys]
    cursor = await connection.execute(mirrored.load, (json_text(told),))
    return {
        mirrored.key_of(values): decode(state) for _, _, state, *values in await cursor.fetchall()
    }
