"""The journal in RabbitMQ: one quorum queue a partition, acknowledged after the database commit.

Appending needs the broker alone. Workers need PostgreSQL too: that is where a settled frame is
archived (which is also how a frame that comes twice is known), where held deliveries are, and whose
locks keep a store's deliveries at one worker, whichever way they come.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, LiteralString
from uuid import UUID

import aio_pika
import msgspec
from aio_pika.abc import DeliveryMode
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError, DeliveryError

from tillstream.journal import operations
from tillstream.journal.backoff import Backoff
from tillstream.journal.contract import Claim
from tillstream.journal.deadline import within_deadline
from tillstream.journal.encoding import encode_frame
from tillstream.journal.fairness import fair_shares
from tillstream.journal.outcome import outcome_of
from tillstream.journal.postgres_claimer import SESSION_LOST, PostgresClaimer
from tillstream.journal.settling import expect, settle_outcome
from tillstream.journal.stored import read_claim

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable, Sequence

    from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage

    from tillstream.foundation.clock import Clock
    from tillstream.foundation.database import Connection
    from tillstream.journal.contract import Delivery, Frame, Parked, Status

log = logging.getLogger(__name__)

PREFIX: Final = "tillstream.journal"
_ROLL_CALL: Final = "roll_call"
"""Message type of a question to the worker of a queue: how much have you got that came before this?"""

_PREFETCH: Final = 64
"""Frames of one partition that a worker holds unacknowledged, those that wait for a retry included."""

_QUEUE: Final[dict[str, Any]] = {
    "x-queue-type": "quorum",
    "x-single-active-consumer": True,
    # A quorum queue of RabbitMQ 4 drops a message after 20 deliveries unless told otherwise, and one
    # of 3 refuses -1 (no limit). Two thousand million deliveries are no limit for both.
    "x-delivery-limit": 2**31 - 1,
}
_CONNECT_SECONDS: Final = 5.0
_CANCEL_SECONDS: Final = 0.5
_MEMBERSHIP_SECONDS: Final = 1.0
"""How soon workers notice that one has come or gone."""
_ROLL_CALL_SECONDS: Final = 2.0

_LOST: Final = (AMQPError, ChannelInvalidStateError, OSError, RuntimeError, TimeoutError)
"""What aio-pika raises when the broker is not, or no longer, there."""

_ARCHIVED: LiteralString = "SELECT id FROM journal.frames WHERE id = ANY (%b::uuid[])"
_ARCHIVE: LiteralString = """
WITH new AS (
  INSERT INTO journal.frames (id, partition, deliveries, body)
  SELECT * FROM unnest(%b::uuid[], %b::int4[], %b::int4[], %b::bytea[])
  ON CONFLICT (id) DO NOTHING RETURNING 1)
SELECT count(*) FROM new
"""


def queue_name(partition: int) -> str:
    """The queue in which a partition travels."""
    return f"{PREFIX}.{partition}"


def _setter(event: asyncio.Event) -> Callable[[object, BaseException | None], None]:
    """A callback that sets ``event``, whatever it is told."""

    def callback(_sender: object, _reason: BaseException | None = None) -> None:
        event.set()

    return callback


async def _declare(channel: AbstractChannel, partitions: int) -> None:
    for partition in range(partitions):
        # A queue without a leader would never answer; then dialling again may meet one that has.
        await channel.declare_queue(
            queue_name(partition), durable=True, arguments=_QUEUE, timeout=_CONNECT_SECONDS
        )


class _Line:
    """A connection to the broker that is dialled again, with growing delays, whenever it is lost."""

    def __init__(self, url: str, backoff: Backoff) -> None:
        self._url = url
        self._backoff = backoff
        self._task: asyncio.Task[None] | None = None
        self.lost = asyncio.Event()

    def start(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._keep())

    async def close(self) -> None:
        task, self._task = self._task, None
        # Once is not enough: where the awaited thing is done in the same moment, Python 3.11's
        # `wait_for`, which the client uses, returns its result and forgets the cancellation.
        while task is not None and not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=_CANCEL_SECONDS)
        if task is not None and not task.cancelled() and (error := task.exception()) is not None:
            log.warning("journal.broker_lost", extra={"error": repr(error)})

    async def _keep(self) -> None:
        refused = 0
        while True:
            try:
                async with self._dialled() as connection:
                    refused = 0
                    await self.serve(connection)
            except _LOST as error:
                log.warning("journal.broker_lost", extra={"error": repr(error)})
            finally:
                self.down()
            await asyncio.sleep(self._backoff.delay(refused))
            refused += 1

    @asynccontextmanager
    async def _dialled(self) -> AsyncGenerator[AbstractConnection]:
        self.lost = asyncio.Event()
        lost = self.lost
        connection = await aio_pika.connect(self._url, timeout=_CONNECT_SECONDS)
        connection.close_callbacks.add(_setter(lost))
        try:
            yield connection
        finally:
            with contextlib.suppress(*_LOST):
                async with asyncio.timeout(_CONNECT_SECONDS):
                    await connection.close()

    async def channel(self, connection: AbstractConnection, *, confirms: bool) -> AbstractChannel:
        """A channel whose end is the end of the line: better to dial again than to limp."""
        channel = await connection.channel(publisher_confirms=confirms, on_return_raises=confirms)
        channel.close_callbacks.add(_setter(self.lost))
        return channel

    async def serve(self, connection: AbstractConnection) -> None:
        """Use the connection until it is lost."""
        raise NotImplementedError

    def down(self) -> None:
        """The connection is gone."""
        raise NotImplementedError


class RabbitAppender(_Line):
    """Publishes frames, persistent and mandatory, and waits until the broker confirms each."""

    def __init__(self, url: str, partitions: int, clock: Clock, backoff: Backoff) -> None:
        """Nothing is connected before the first append."""
        super().__init__(url, backoff)
        self._partitions = partitions
        self._clock = clock
        self._channel: asyncio.Future[AbstractChannel] | None = None

    async def append(self, frames: Sequence[Frame]) -> None:
        """See ``Appender``."""
        if not frames:
            return
        self.start()
        await within_deadline(self._write(frames), "RabbitMQ did not confirm the batch")

    async def _write(self, frames: Sequence[Frame]) -> None:
        messages = [(queue_name(frame.partition), await self._message(frame)) for frame in frames]
        while True:
            channel = await asyncio.shield(self._open())
            exchange = channel.default_exchange
            sent = [exchange.publish(message, queue, mandatory=True) for queue, message in messages]
            results = await asyncio.gather(*sent, return_exceptions=True)
            # Publishing again what was already stored is harmless: a frame is known by its id.
            messages = [m for m, result in zip(messages, results, strict=True) if _failed(result)]
            if not messages:
                return
            # Either the line is lost, or the queue is (returned) or refuses (negative): in each case
            # dialling again, which also declares the queues again, is what can help.
            self.lost.set()
            await asyncio.sleep(0.05)

    async def _message(self, frame: Frame) -> aio_pika.Message:
        return aio_pika.Message(
            await encode_frame(frame.deliveries),
            message_id=frame.id.hex,
            headers={"deliveries": len(frame.deliveries)},
            timestamp=self._clock(),
            delivery_mode=DeliveryMode.PERSISTENT,
        )

    def _open(self) -> asyncio.Future[AbstractChannel]:
        if self._channel is None or (self._channel.done() and self.lost.is_set()):
            self._channel = asyncio.get_running_loop().create_future()
        return self._channel

    async def serve(self, connection: AbstractConnection) -> None:
        """Offer a channel until it is lost."""
        channel = await self.channel(connection, confirms=True)
        await _declare(channel, self._partitions)
        opened = self._open()
        if opened.done():
            opened = self._channel = asyncio.get_running_loop().create_future()
        opened.set_result(channel)
        await self.lost.wait()

    def down(self) -> None:
        """Let appends wait for the next channel."""
        if self._channel is not None and self._channel.done():
            self._channel = None


def _failed(result: object) -> bool:
    if isinstance(result, (*_LOST, DeliveryError)):
        return True
    if isinstance(result, BaseException):
        raise result
    return False


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


class RabbitClaimer(_Line):
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
        await _declare(self._replies, self._partitions)
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
        if message.type == _ROLL_CALL:
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
        with contextlib.suppress(*_LOST):
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
                with contextlib.suppress(*_LOST):
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


class RabbitJournal:
    """Both sides of the journal in RabbitMQ; a process without a database only appends."""

    def __init__(self, appender: RabbitAppender, claimer: RabbitClaimer | None) -> None:
        """Put the two together."""
        self._appender = appender
        self._claimer = claimer

    async def append(self, frames: Sequence[Frame]) -> None:
        """See ``Appender``."""
        await self._appender.append(frames)

    @property
    def claimer(self) -> RabbitClaimer:
        """The worker's side."""
        if self._claimer is None:
            message = "This journal was opened without a database, which a worker needs."
            raise RuntimeError(message)
        return self._claimer

    async def claim(self, max_deliveries: int, wait: float) -> list[Claim]:
        """See ``Claimer``."""
        return await self.claimer.claim(max_deliveries, wait)

    async def settle(
        self,
        connection: Connection,
        claims: Sequence[Claim],
        *,
        parked: Sequence[Parked],
        unrouted: Sequence[Delivery],
    ) -> None:
        """See ``Claimer``."""
        await self.claimer.settle(connection, claims, parked=parked, unrouted=unrouted)

    async def settled(self, claims: Sequence[Claim]) -> None:
        """See ``Claimer``."""
        await self.claimer.settled(claims)

    async def retry(self, claims: Sequence[Claim], reason: str) -> None:
        """See ``Claimer``."""
        await self.claimer.retry(claims, reason)

    async def abandon(self, claims: Sequence[Claim]) -> None:
        """See ``Claimer``."""
        await self.claimer.abandon(claims)


@asynccontextmanager
async def rabbitmq_journal(
    amqp_url: str,
    worker_url: str | None,
    partitions: int,
    clock: Clock,
    *,
    backoff: Backoff | None = None,
) -> AsyncGenerator[RabbitJournal]:
    """The journal at ``amqp_url``; connects when first used.

    Without ``worker_url`` it only appends, and needs no database.
    """
    redial = Backoff(base=0.1, cap=2.0)
    appender = RabbitAppender(amqp_url, partitions, clock, redial)
    claimer = None
    if worker_url is not None:
        desk = PostgresClaimer(worker_url, partitions, clock, backoff or Backoff())
        claimer = RabbitClaimer(amqp_url, desk, partitions, clock, redial=redial)
    try:
        yield RabbitJournal(appender, claimer)
    finally:
        await appender.close()
        if claimer is not None:
            await claimer.close()


async def broker_status(
    amqp_url: str, connection: Connection, partitions: int, clock: Clock
) -> Status:
    """Where everything is, the queues included.

    The broker tells how many frames are ready, but not how many a worker holds; so each queue's
    worker is asked, by a question that travels behind everything appended so far. Where no worker
    answers in two seconds there is a backlog (or a worker that hangs): ``exact`` is false, and
    ``waiting`` counts frames there, at least 1.

    The database is read after the queues, so a delivery that is settled in between counts twice,
    never not at all: ``waiting == 0`` is exact.
    """
    waiting, exact = await _queued(amqp_url, partitions)
    known = await operations.status(connection, clock)
    return msgspec.structs.replace(
        known,
        accepted=known.accepted + waiting,
        waiting=known.waiting + waiting,
        oldest_waiting_seconds=None if waiting else known.oldest_waiting_seconds,
        exact=exact,
    )


async def _queued(amqp_url: str, partitions: int) -> tuple[int, bool]:
    connection = await aio_pika.connect(amqp_url, timeout=_CONNECT_SECONDS)
    async with connection:
        channel = await connection.channel(publisher_confirms=True)
        await _declare(channel, partitions)
        replies = await channel.declare_queue(exclusive=True)
        answers: dict[str, int] = {}
        complete = asyncio.Event()
        asked: set[str] = set()

        async def hear(message: AbstractIncomingMessage) -> None:
            answers[message.correlation_id or ""] = int(message.body)
            if asked <= answers.keys():
                complete.set()

        await replies.consume(hear, no_ack=True)
        ready: dict[str, int] = {}
        for partition in range(partitions):
            name = queue_name(partition)
            state = (await channel.declare_queue(name, passive=True)).declaration_result
            ready[name] = state.message_count or 0
            if state.consumer_count:
                asked.add(name)
        for name in asked:
            question = aio_pika.Message(
                b"",
                type=_ROLL_CALL,
                reply_to=replies.name,
                correlation_id=name,
                expiration=_ROLL_CALL_SECONDS,
            )
            await channel.default_exchange.publish(question, name)
        if asked:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_ROLL_CALL_SECONDS):
                    await complete.wait()
        silent = asked - answers.keys()
        alone = ready.keys() - asked
        waiting = sum(answers.values()) + sum(max(1, ready[name]) for name in silent)
        waiting += sum(ready[name] for name in alone)
        return waiting, not silent and not any(ready[name] for name in alone)
