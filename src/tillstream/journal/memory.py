"""The journal in memory: durable for as long as the object lives, and otherwise the same.

For tests and for trying things out. Several workers share one ``MemoryStore``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from tillstream.journal.backoff import Backoff
from tillstream.journal.contract import Claim, ClaimLost, Status
from tillstream.journal.ear import Signal
from tillstream.journal.encoding import encode_deliveries
from tillstream.journal.fairness import fair_shares
from tillstream.journal.operations import HeldRow
from tillstream.journal.outcome import HeldDelivery, Kind, Outcome, outcome_of
from tillstream.journal.stored import read_claim

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Sequence
    from uuid import UUID

    from tillstream.foundation.clock import Clock
    from tillstream.foundation.database import Connection
    from tillstream.journal.contract import Delivery, Frame, Parked

IsConnected: TypeAlias = Callable[[str], bool]
"""Whether the shop of that domain is connected."""


class _Waiting(msgspec.Struct):
    """A stored frame, or a held delivery: what may be claimed."""

    partition: int
    stored: bytes
    size: int
    since: datetime
    attempt: int = 0
    not_before: datetime | None = None


class _Held(_Waiting, kw_only=True):
    """A held delivery."""

    content: HeldDelivery
    released: bool = False


class MemoryStore:
    """What a database or broker is to the other journals."""

    def __init__(self, partitions: int, clock: Clock, is_connected: IsConnected) -> None:
        """Begin empty."""
        self.partitions = partitions
        self.clock = clock
        self.is_connected = is_connected
        self.frames: dict[UUID, bytes] = {}
        self.pending: dict[UUID, _Waiting] = {}
        self.held: dict[int, _Held] = {}
        self.applied = 0
        self.owners: dict[int, MemoryJournal] = {}
        self.signals: set[Signal] = set()
        self._last_held_id = 0

    def wake(self) -> None:
        """Tell every waiting worker to look."""
        for signal in self.signals:
            signal.set()

    def hold(self, entry: HeldDelivery) -> None:
        """Keep ``entry``; a repeat of one that is held is only counted."""
        for row in self.held.values():
            if row.content.key == entry.key:
                row.content, row.size = entry, row.size + entry.deliveries
                row.released, row.attempt, row.not_before = False, 0, None
                return
        self._last_held_id += 1
        self.held[self._last_held_id] = _Held(
            entry.partition, entry.stored, entry.deliveries, self.clock(), content=entry
        )

    def release(self, ids: Iterable[int] | None = None) -> int:
        """Let parked deliveries (all, or those of ``ids``) come again; how many there were."""
        chosen = set(self.held if ids is None else ids)
        rows = [
            row
            for held_id, row in self.held.items()
            if held_id in chosen and row.content.kind == "parked"
        ]
        for row in rows:
            row.released, row.since = True, self.clock()
        self.wake()
        return len(rows)

    def list_held(self, kind: Kind) -> list[HeldRow]:
        """The held deliveries of that kind, by id."""
        return [
            HeldRow(
                id=held_id,
                kind=kind,
                shop=row.content.shop,
                topic=row.content.topic,
                webhook_id=row.content.webhook_id,
                tenant_id=row.content.tenant_id,
                store_id=row.content.store_id,
                reason=row.content.reason,
                detail=row.content.detail,
                deliveries=row.size,
                held_at=row.since,
                released=row.released,
            )
            for held_id, row in self.held.items()
            if row.content.kind == kind
        ]

    def due_held(self) -> dict[int, _Held]:
        """Held deliveries that may be tried again, whether or not their delay has passed."""
        return {
            held_id: row
            for held_id, row in self.held.items()
            if row.released
            or (row.content.kind == "unrouted" and self.is_connected(row.content.shop))
        }

    def status(self) -> Status:
        """See ``Status``."""
        due = self.due_held()
        rest = [row for held_id, row in self.held.items() if held_id not in due]
        parked = sum(row.size for row in rest if row.content.kind == "parked")
        unrouted = sum(row.size for row in rest) - parked
        waiting = [*self.pending.values(), *due.values()]
        count = sum(row.size for row in waiting)
        oldest = min((row.since for row in waiting), default=None)
        age = None if oldest is None else (self.clock() - oldest).total_seconds()
        return Status(
            self.applied + parked + unrouted + count, self.applied, parked, unrouted, count, age
        )


class MemoryJournal:
    """Both sides of a journal over a ``MemoryStore``, for one worker."""

    def __init__(self, store: MemoryStore, backoff: Backoff | None = None) -> None:
        """Join the workers of ``store``."""
        self._store = store
        self._backoff = backoff or Backoff()
        self._signal = Signal()
        self._taken: dict[int, set[Claim]] = {}
        self._settling: dict[Claim, Outcome] = {}
        self._first = 0
        store.signals.add(self._signal)

    async def append(self, frames: Sequence[Frame]) -> None:
        """See ``Appender``."""
        now = self._store.clock()
        for frame in frames:
            if frame.id not in self._store.frames:
                stored = encode_deliveries(frame.deliveries)
                self._store.frames[frame.id] = stored
                self._store.pending[frame.id] = _Waiting(
                    frame.partition, stored, len(frame.deliveries), now
                )
        self._store.wake()

    async def claim(self, max_deliveries: int, wait: float) -> list[Claim]:
        """See ``Claimer``."""
        loop = asyncio.get_running_loop()
        end = loop.time() + wait
        while True:
            self._signal.clear()
            claims = self._claim(max_deliveries)
            left = end - loop.time()
            if claims or left <= 0:
                return claims
            await self._signal.wait(min(left, self._next_due()))

    def _claim(self, most: int) -> list[Claim]:
        store = self._store
        turns = [(self._first + n) % store.partitions for n in range(store.partitions)]
        queues = [self._due(partition) for partition in turns if partition not in store.owners]
        ready = [queue for queue in queues if queue]
        claims = [c for share in fair_shares(ready, most, lambda c: c.size) for c in share]
        for claim in claims:
            store.owners[claim.partition] = self
            self._taken.setdefault(claim.partition, set()).add(claim)
            self._first = (claim.partition + 1) % store.partitions
        return claims

    def _due(self, partition: int) -> list[Claim]:
        now = self._store.clock()
        frames = [
            read_claim(partition, frame_id, None, row.attempt, row.size, row.stored)
            for frame_id, row in sorted(self._store.pending.items())
            if row.partition == partition and (row.not_before is None or row.not_before <= now)
        ]
        held = [
            read_claim(partition, None, held_id, row.attempt, row.size, row.stored)
            for held_id, row in self._store.due_held().items()
            if row.partition == partition and (row.not_before is None or row.not_before <= now)
        ]
        return held + frames

    def _next_due(self) -> float:
        rows = [*self._store.pending.values(), *self._store.held.values()]
        times = [
            row.not_before
            for row in rows
            if row.not_before and row.partition not in self._store.owners
        ]
        if not times:
            return float("inf")
        return max(0.001, (min(times) - self._store.clock()).total_seconds())

    async def settle(
        self,
        connection: Connection | None,
        claims: Sequence[Claim],
        *,
        parked: Sequence[Parked],
        unrouted: Sequence[Delivery],
    ) -> None:
        """See ``Claimer``. There is no transaction here: it takes effect with ``settled``."""
        del connection
        outcome = outcome_of(claims, parked, unrouted, self._store.partitions)
        if any(self._row(claim) is None for claim in claims):
            message = "some claims were settled by another worker; roll back"
            raise ClaimLost(message)
        for index, claim in enumerate(claims):
            self._settling[claim] = outcome if index == 0 else Outcome({}, [], [])

    async def settled(self, claims: Sequence[Claim]) -> None:
        """See ``Claimer``."""
        for claim in claims:
            outcome = self._settling.pop(claim, None)
            if outcome is None:
                continue
            for held_id in outcome.released:
                self._store.held.pop(held_id, None)
            for entry in outcome.held:
                self._store.hold(entry)
            self._store.applied += sum(outcome.applied.values())
        for claim in claims:
            if claim.frame_id is not None:
                self._store.pending.pop(claim.frame_id, None)
        self._free(claims)

    async def retry(self, claims: Sequence[Claim], reason: str) -> None:
        """See ``Claimer``."""
        del reason
        now = self._store.clock()
        for claim in claims:
            row = self._row(claim)
            if row is not None:
                row.attempt += 1
                row.not_before = now + timedelta(seconds=self._backoff.delay(claim.attempt))
        self._free(claims)

    async def abandon(self, claims: Sequence[Claim]) -> None:
        """See ``Claimer``."""
        self._free(claims)

    async def close(self) -> None:
        """Leave, as a worker that dies does: what it had is free."""
        self._store.signals.discard(self._signal)
        self._free([claim for claims in self._taken.values() for claim in claims])

    def _row(self, claim: Claim) -> _Waiting | None:
        if claim.frame_id is not None:
            return self._store.pending.get(claim.frame_id)
        return self._store.held.get(claim.held_id or 0)

    def _free(self, claims: Iterable[Claim]) -> None:
        for claim in claims:
            self._settling.pop(claim, None)
            rest = self._taken.get(claim.partition)
            if rest is None or claim not in rest:
                continue
            rest.discard(claim)
            if not rest:
                del self._taken[claim.partition], self._store.owners[claim.partition]
        self._store.wake()


@asynccontextmanager
async def memory_journal(
    store: MemoryStore, *, backoff: Backoff | None = None
) -> AsyncGenerator[MemoryJournal]:
    """One worker's (or ingest's) journal over ``store``."""
    journal = MemoryJournal(store, backoff)
    try:
        yield journal
    finally:
        await journal.close()
