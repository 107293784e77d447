"""Consuming the journal in RabbitMQ: frames are acknowledged after the database's commit.

PostgreSQL is needed too: that is where a settled frame is archived (which is also how a frame that
comes twice is known), where held deliveries are, and whose locks keep a store's deliveries at one
worker, whichever way they come.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, LiteralString
from uuid import UUID

import aio_pika
import msgspec

from tillstream.journal.contract import Claim
from tillstream.journal.fairness import fair_shares
from tillstream.journal.outcome import outcome_of
from tillstream.journal.postgres_claimer import SESSION_LOST, PostgresClaimer
from tillstream.journal.rabbitmq_line import LOST, Line
from tillstream.journal.rabbitmq_queues import ROLL_CALL, declare, queue_name
from tillstream.journal.settling import expect, settle_outcome
from tillstream.journal.stored import read_claim

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage

    from tillstream.foundation.clock import Clock
    from tillstream.foundation.database import Connection
    from tillstream.journal.backoff import Backoff
    from tillstream.journal.contract import Delivery, Parked

_PREFETCH: Final = 64
"""Frames of one partition that a worker holds unacknowledged, those that wait for a retry included."""

_MEMBERSHIP_SECONDS: Final = 1.0
"""How soon workers notice that one has come or gone."""

_ARCHIVED: LiteralString = "SELECT id FROM journal.frames WHERE id = ANY (%b::uuid[])"
_ARCHIVE: LiteralString = """
WITH new AS (
  INSERT INTO journal.frames (id, partition, deliveries, body)
  SELECT * FROM unnest(%b::uuid[], %b::int4[], %b::int4[], %b::bytea[])
  ON CONFLICT (id) DO NOTHING RETURNING 1)
SELECT count(*) FROM new
"""


class _Arrived(msgspec.Struct, eq=False):
    """A frame that the broker has given us and that is not settled."""

    id: UUID
    partition: int
    size: int
    body: bytes
    messages: list[Any]
    attempt: int = 0
    not_before: datetime | None = None
    claim: Claim | None = None


class RabbitClaimer(Line):
    """Consumes the queues that are its share of the workers', and settles into PostgreSQL."""

    def __init__(
        self,
        amqp_url: str,
        desk: PostgresClaimer,
        partitions: int,
        clock: Clock,
        *,
        redial: Backoff,
    ) -> None:
        """Claim with the locks of ``desk``, which also brings what is held in PostgreSQL."""
        super().__init__(amqp_url, redial)
        self._desk = desk
        self._partitions = partitions
        self._clock = clock
        self._arrived: dict[UUID, _Arrived] = {}
        self._first = 0
        self._begun = False
        self._wanted: frozenset[int] = frozenset()
        self._changed = asyncio.Event()
        self._channels: dict[int, AbstractChannel] = {}
        self._replies: AbstractChannel | None = None

    # --- the broker's side

    async def serve(self, connection: AbstractConnection) -> None:
        """Consume the wanted queues until the line is lost."""
        self._replies = await self.channel(connection, confirms=False)
        await declare(self._replies, self._partitions)
        while not self.lost.is_set():
            self._changed.clear()
            await self._adjust(connection)
            waits = {asyncio.ensure_future(event.wait()) for event in (self.lost, self._changed)}
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()

    async def _adjust(self, connection: AbstractConnection) -> None:
        """Leave queues that are another worker's by now, unless in use; join those that are ours."""
        for partition in self._channels.keys() - self._wanted:
            if not self._desk.has(partition):
                channel = self._channels.pop(partition)
                channel.close_callbacks.clear()
                self._forget(a for a in self._arrived.values() if a.partition == partition)
                # Closing gives everything unacknowledged back to the queue.
                await channel.close()
        for partition in self._wanted - self._channels.keys():
            channel = await self.channel(connection, confirms=False)
            await channel.set_qos(prefetch_count=_PREFETCH)
            self._channels[partition] = channel
            queue = await channel.get_queue(queue_name(partition), ensure=False)

            async def receive(message: AbstractIncomingMessage, partition: int = partition) -> None:
                await self._receive(message, partition)

            await queue.consume(receive)

    async def _receive(self, message: AbstractIncomingMessage, partition: int) -> None:
        if message.type == ROLL_CALL:
            await self._answer(message, partition)
            return
        frame_id = _frame_id(message)
        known = self._arrived.get(frame_id)
        if known is not None:
            # Published twice, or delivered again after a lost line: acknowledged together.
            known.messages.append(message)
            return
        size = message.headers.get("deliveries")
        self._arrived[frame_id] = _Arrived(
            frame_id,
            partition,
            size if isinstance(size, int) and size > 0 else 1,
            message.body,
            [message],
        )
        self._desk.signal.set()

    async def _answer(self, message: AbstractIncomingMessage, partition: int) -> None:
        # The queue gave us everything that was before the question, so this is all of it.
        unsettled = [a.size for a in self._arrived.values() if a.partition == partition]
        with contextlib.suppress(*LOST):
            if self._replies is not None and message.reply_to:
                answer = aio_pika.Message(
                    str(sum(unsettled)).encode(), correlation_id=message.correlation_id
                )
                await self._replies.default_exchange.publish(answer, message.reply_to)
            await message.ack()

    def down(self) -> None:
        """Forget what the broker will give again; claims under way may still be settled."""
        self._channels.clear()
        self._replies = None
        for arrived in self._arrived.values():
            arrived.messages.clear()
        self._forget(self._arrived.values())

    def _forget(self, arrived: Iterable[_Arrived]) -> None:
        for each in list(arrived):
            if each.claim is None:
                del self._arrived[each.id]

    def _share(self) -> None:
        """Want the queues that fall to this worker among those present."""
        workers, me = self._desk.workers
        if me not in workers:
            return
        turn = workers.index(me)
        wanted = frozenset(range(turn, self._partitions, len(workers)))
        if wanted != self._wanted:
            self._wanted = wanted
            self._changed.set()

    # --- the worker's side

    async def claim(self, max_deliveries: int, wait: float) -> list[Claim]:
        """See ``Claimer``. Returns nothing, after ``wait``, while PostgreSQL is away."""
        self.start()
        loop = asyncio.get_running_loop()
        end = loop.time() + wait
        while True:
            self._desk.signal.clear()
            claims, again_in = await self._attempt(max_deliveries)
            left = end - loop.time()
            if claims or left <= 0:
                return claims
            await self._desk.signal.wait(max(0.001, min(left, again_in, _MEMBERSHIP_SECONDS)))

    async def _attempt(self, most: int) -> tuple[list[Claim], float]:
        # Frames that an earlier PostgreSQL journal left behind are looked for when there is time.
        idle = not self._due()
        claims, again_in = await self._desk.attempt(most, frames=idle or not self._begun)
        self._begun = True
        self._share()
        try:
            claims = claims + await self._claim_arrived(most)
        except SESSION_LOST as error:
            await self._desk.lose(error)
        return claims, self._next_due() if again_in is None else min(again_in, self._next_due())

    async def _claim_arrived(self, most: int) -> list[Claim]:
        due = self._due()
        async with self._desk.locked(due) as (session, partitions):
            if session is None:
                return []
            frames = [a for partition in partitions for a in due[partition]]
            # Read after the lock was taken, so whatever its last holder settled is seen.
            rows = await session.execute(_ARCHIVED, ([a.id for a in frames],), prepare=True)
            done = {row[0] for row in await rows.fetchall()}
            await self._acknowledge([a for a in frames if a.id in done])
            order = sorted(partitions, key=lambda p: (p - self._first) % self._partitions)
            # While we asked, the line may have been lost or a queue left to another worker.
            rest = [[a for a in due[p] if self._arrived.get(a.id) is a] for p in order]
            chosen = fair_shares(rest, most, lambda a: a.size)
            claims = [self._claimed(a) for group in chosen for a in group]
            if claims:
                self._first = (claims[-1].partition + 1) % self._partitions
            return self._desk.remember(claims)

    def _due(self) -> dict[int, list[_Arrived]]:
        now = self._clock()
        due: dict[int, list[_Arrived]] = {}
        for arrived in self._arrived.values():
            if arrived.claim is None and (arrived.not_before is None or arrived.not_before <= now):
                due.setdefault(arrived.partition, []).append(arrived)
        return due

    def _next_due(self) -> float:
        now = self._clock()
        times = [a.not_before for a in self._arrived.values() if a.not_before and a.claim is None]
        return max(0.0, (min(times) - now).total_seconds()) if times else float("inf")

    @staticmethod
    def _claimed(arrived: _Arrived) -> Claim:
        arrived.claim = read_claim(
            arrived.partition, arrived.id, None, arrived.attempt, arrived.size, arrived.body
        )
        return arrived.claim

    async def settle(
        self,
        connection: Connection,
        claims: Sequence[Claim],
        *,
        parked: Sequence[Parked],
        unrouted: Sequence[Delivery],
    ) -> None:
        """See ``Claimer``."""
        outcome = outcome_of(claims, parked, unrouted, self._partitions)
        ours = [arrived for claim in claims if (arrived := self._arrival(claim)) is not None]
        mine = {arrived.id for arrived in ours}
        stored = [c for c in claims if c.frame_id is not None and c.frame_id not in mine]
        await settle_outcome(connection, stored, outcome)
        if not ours:
            return
        values = (
            [arrived.id for arrived in ours],
            [arrived.partition for arrived in ours],
            [arrived.size for arrived in ours],
            [arrived.body for arrived in ours],
        )
        expect(
            await (await connection.execute(_ARCHIVE, values, prepare=True)).fetchone(), len(ours)
        )

    async def settled(self, claims: Sequence[Claim]) -> None:
        """See ``Claimer``."""
        ours = [arrived for claim in claims if (arrived := self._arrival(claim)) is not None]
        await self._acknowledge(ours)
        await self._desk.settled(claims)
        self._after(claims)

    async def retry(self, claims: Sequence[Claim], reason: str) -> None:
        """See ``Claimer``. The frames stay here, unacknowledged, until their delay has passed."""
        now = self._clock()
        for claim in claims:
            arrived = self._arrival(claim)
            if arrived is not None:
                arrived.attempt += 1
                delay = self._desk.backoff.delay(claim.attempt)
                arrived.not_before = now + timedelta(seconds=delay)
        self._give_back(claims)
        await self._desk.retry(claims, reason)
        self._after(claims)

    async def abandon(self, claims: Sequence[Claim]) -> None:
        """See ``Claimer``. They go back to the broker when the journal is closed."""
        self._give_back(claims)
        await self._desk.abandon(claims)
        self._after(claims)

    def _give_back(self, claims: Iterable[Claim]) -> None:
        for claim in claims:
            arrived = self._arrival(claim)
            if arrived is not None:
                arrived.claim = None
                if not arrived.messages:
                    # Its line was lost: the broker gives it again, to whomever.
                    del self._arrived[arrived.id]

    def _after(self, claims: Iterable[Claim]) -> None:
        if any(claim.partition not in self._wanted for claim in claims):
            self._changed.set()

    def _arrival(self, claim: Claim) -> _Arrived | None:
        arrived = self._arrived.get(claim.frame_id) if claim.frame_id is not None else None
        return arrived if arrived is not None and arrived.claim is claim else None

    async def _acknowledge(self, done: Iterable[_Arrived]) -> None:
        for arrived in done:
            self._arrived.pop(arrived.id, None)
            for message in arrived.messages:
                # If the line is lost it comes again, and is known as settled then.
                with contextlib.suppress(*LOST):
                    await message.ack()

    async def close(self) -> None:
        """Give everything back to the broker and disconnect."""
        await super().close()
        await self._desk.close()


def _frame_id(message: AbstractIncomingMessage) -> UUID:
    try:
        return UUID(hex=message.message_id or "")
    except ValueError:
        # Not one of ours. It will park as unreadable, under an id that is the same next time.
        return UUID(bytes=blake2b(message.body, digest_size=16).digest())
