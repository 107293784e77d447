"""The journal in PostgreSQL: frames in a table, partitions under advisory locks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final, LiteralString

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from tillstream.foundation.database import connect
from tillstream.journal.backoff import Backoff
from tillstream.journal.contract import Claim, ClaimLost, Unavailable
from tillstream.journal.ear import Ear, Signal
from tillstream.journal.encoding import encode_frame
from tillstream.journal.outcome import Outcome, outcome_of
from tillstream.journal.stored import read_claim

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Sequence
    from typing import Any

    from tillstream.foundation.clock import Clock
    from tillstream.foundation.database import Connection, Pool
    from tillstream.journal.contract import Delivery, Frame, Parked

log = logging.getLogger(__name__)

DEADLINE: Final = 1.8
"""Seconds after which an append gives up; the contract says two."""

CONNECT_SECONDS: Final = 4
"""Seconds after which connecting to a server that does not answer is given up."""

_ROLL_CALL: Final = 1.0
"""Seconds that a count of the workers holds good."""

# One statement is one round trip and one commit. A repeated append (the answer to the first was
# lost) finds its frame there and adds nothing.
_APPEND: LiteralString = """
WITH new AS (
  INSERT INTO journal.frames (id, partition, deliveries, body)
  SELECT * FROM unnest(%b::uuid[], %b::int4[], %b::int4[], %b::bytea[])
  ON CONFLICT (id) DO NOTHING
  RETURNING id, partition, deliveries)
INSERT INTO journal.pending (partition, frame_id, deliveries) SELECT partition, id, deliveries FROM new
"""

SESSION_LOST: Final = (psycopg.OperationalError, psycopg.InterfaceError)

_RING: LiteralString = "SELECT pg_notify(shops.channel('tillstream_journal'), %s)"

# The first number names what is locked: 7211840 a partition, 7211841 a worker's presence.
_JOIN: LiteralString = "SELECT pg_advisory_lock(7211841, pg_backend_pid())"
_WORKERS: LiteralString = """
SELECT array_agg(objid::int ORDER BY objid), pg_backend_pid() FROM pg_locks
WHERE locktype = 'advisory' AND classid = 7211841 AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_CLAIM: LiteralString = """
SELECT partition, frame_id, NULL::int8, attempt, deliveries, body
FROM journal.claim(%b::int4, %b::int4, %b::int4[], %b::int4, %b::int4, %b::timestamptz)
"""
_LOCK: LiteralString = """
SELECT partition FROM unnest(%b::int4[]) partition WHERE pg_try_advisory_lock(7211840, partition)
"""
_UNLOCK: LiteralString = """
SELECT pg_advisory_unlock(7211840, partition) FROM unnest(%b::int4[]) partition
"""
_NEXT_DUE: LiteralString = """
SELECT min(not_before) FROM (
  SELECT not_before FROM journal.pending WHERE partition <> ALL (%b::int4[])
  UNION ALL SELECT not_before FROM journal.held WHERE partition <> ALL (%b::int4[])) due
"""
_HELD_PARTITIONS: LiteralString = (
    "SELECT DISTINCT partition::int4 FROM journal.due_held(%b::timestamptz)"
)
_HELD_ROWS: LiteralString = """
SELECT id, attempt, deliveries, delivery FROM journal.due_held(%b::timestamptz)
WHERE partition = %b::int4 ORDER BY id LIMIT %b::int4
"""
_SETTLE: LiteralString = """
WITH gone AS (
  DELETE FROM journal.pending p USING unnest(%b::int4[], %b::uuid[]) AS c(partition, frame_id)
  WHERE p.partition = c.partition AND p.frame_id = c.frame_id
  RETURNING 1),
progress AS (
  INSERT INTO journal.progress AS p (partition, applied) SELECT * FROM unnest(%b::int4[], %b::int8[])
  ON CONFLICT (partition) DO UPDATE SET applied = p.applied + excluded.applied)
SELECT count(*) FROM gone
"""
_FORGET_HELD: LiteralString = """
WITH gone AS (DELETE FROM journal.held WHERE id = ANY (%b::int8[]) RETURNING 1)
SELECT count(*) FROM gone
"""
_HOLD: LiteralString = """
INSERT INTO journal.held AS h (kind, delivery_key, partition, shop, topic, webhook_id,
  tenant_id, store_id, reason, detail, delivery, deliveries)
VALUES (%s, %b, %s, %s, %s, %s, %s, %s, %s, %s, %b, %s)
ON CONFLICT (delivery_key) DO UPDATE SET
  kind = excluded.kind, tenant_id = excluded.tenant_id, store_id = excluded.store_id,
  reason = excluded.reason, detail = excluded.detail, deliveries = h.deliveries + excluded.deliveries,
  attempt = 0, not_before = NULL, released_at = NULL
"""
_RETRY: LiteralString = """
UPDATE journal.pending p
SET attempt = p.attempt + 1, not_before = c.not_before, reason = %s
FROM unnest(%b::int4[], %b::uuid[], %b::timestamptz[]) AS c(partition, frame_id, not_before)
WHERE p.partition = c.partition AND p.frame_id = c.frame_id
"""
_RETRY_HELD: LiteralString = """
UPDATE journal.held h SET attempt = h.attempt + 1, not_before = c.not_before
FROM unnest(%b::int8[], %b::timestamptz[]) AS c(id, not_before) WHERE h.id = c.id
"""


class PostgresAppender:
    """Writes frames with one statement a batch."""

    def __init__(self, pool: Pool) -> None:
        """Write through ``pool``, whose connections must not be checked before each use."""
        self._pool = pool
        self._bell = _Bell(pool)

    async def append(self, frames: Sequence[Frame]) -> None:
        """Write all frames in one commit. See ``Appender``."""
        if not frames:
            return
        await within_deadline(self._write(frames), "PostgreSQL did not store the batch")
        self._bell.ring()

    async def _write(self, frames: Sequence[Frame]) -> None:
        values = (
            [frame.id for frame in frames],
            [frame.partition for frame in frames],
            [len(frame.deliveries) for frame in frames],
            [await encode_frame(frame.deliveries) for frame in frames],
        )
        while True:
            try:
                async with self._pool.connection(DEADLINE) as connection:
                    await connection.execute(_APPEND, values, prepare=True)
            except PoolTimeout as error:
                raise Unavailable(str(error)) from error
            except psycopg.OperationalError as error:
                # The pool has dropped that connection; the next one may work. The caller's
                # deadline ends this.
                log.warning("journal.append_interrupted", extra={"error": str(error)})
                await asyncio.sleep(0.05)
            else:
                return

    async def close(self) -> None:
        """Stop ringing."""
        await self._bell.close()


class _Bell:
    """Tells workers that something came, beside the append and not inside it.

    A transaction that notifies holds one lock of the whole server until its commit is on disk,
    which would queue appenders and workers behind each other. A notification on its own writes
    nothing, so it holds that lock for microseconds. If the process dies in between, workers find
    the frames when their wait ends. Rings that come while one is under way are one.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._ringing: asyncio.Task[None] | None = None
        self._again = False

    def ring(self) -> None:
        if self._ringing is None or self._ringing.done():
            self._ringing = asyncio.create_task(self._ring())
        else:
            self._again = True

    async def _ring(self) -> None:
        while True:
            self._again = False
            with contextlib.suppress(psycopg.OperationalError, PoolTimeout):
                async with self._pool.connection(DEADLINE) as connection:
                    await connection.execute(_RING, ("",), prepare=True)
            if not self._again:
                return

    async def close(self) -> None:
        if self._ringing is not None:
            _drop(self._ringing)


async def within_deadline(writing: Coroutine[Any, Any, None], otherwise: str) -> None:
    """Let ``writing`` finish, or give up on it in time.

    Not ``wait_for``: it waits until a cancelled task has ended, and a statement that is cancelled
    waits for the server, which may be what hangs.

    Raises:
        Unavailable: it did not finish; it goes on, or not, unheard.
    """
    task = asyncio.ensure_future(writing)
    try:
        done, _ = await asyncio.wait({task}, timeout=DEADLINE)
    except asyncio.CancelledError:
        _drop(task)
        raise
    if not done:
        _drop(task)
        message = f"{otherwise} within {DEADLINE} seconds"
        raise Unavailable(message)
    task.result()


def _drop(task: asyncio.Future[None]) -> None:
    """Cancel a task whose result nobody waits for."""
    task.cancel()
    task.add_done_callback(lambda done: done.cancelled() or done.exception())


class PostgresClaimer:
    """Claims partitions with one connection that holds their locks, woken by another that listens."""

    def __init__(self, url: str, partitions: int, clock: Clock, backoff: Backoff) -> None:
        """Nothing is connected before the first claim."""
        # A server that takes connections but does not answer must not hold a worker for minutes.
        self._url = make_conninfo(url, connect_timeout=CONNECT_SECONDS)
        self._partitions = partitions
        self._clock = clock
        self.backoff = backoff
        self.signal = Signal()
        self._ear = Ear(self._url, self.signal, backoff)
        self._session: Connection | None = None
        self._lock = asyncio.Lock()
        self._taken: dict[int, set[Claim]] = {}
        self._first = 0
        self._look_at_held = True
        self._workers: tuple[int, ...] = ()
        self._me = 0
        self._counted_at = 0.0
        self._refused = 0

    # --- claiming

    async def claim(self, max_deliveries: int, wait: float) -> list[Claim]:
        """See ``Claimer``. Returns nothing, after ``wait``, while the database is away."""
        loop = asyncio.get_running_loop()
        end = loop.time() + wait
        while True:
            self.signal.clear()
            claims, again_in = await self.attempt(max_deliveries)
            left = end - loop.time()
            if claims or left <= 0:
                return claims
            await self.signal.wait(left if again_in is None else min(left, max(again_in, 0.001)))

    async def attempt(
        self, max_deliveries: int, *, frames: bool = True
    ) -> tuple[list[Claim], float | None]:
        """What is due now; if nothing, the seconds after which something may be.

        Without ``frames``, only held deliveries of which word has come.
        """
        self._ear.start()
        async with self._lock:
            try:
                session = await self._connected()
                await self._count_workers(session)
                claims = await self._claim_held(session, max_deliveries)
                if not frames:
                    return claims, None
                claims += await self._claim_frames(session, max_deliveries)
                if claims:
                    return claims, None
                self._look_at_held = True
                return await self._claim_held(session, max_deliveries), await self._next_due(
                    session
                )
            except SESSION_LOST as error:
                await self.lose(error)
                self._refused += 1
                return [], self.backoff.delay(min(self._refused, 6))

    async def _claim_frames(self, session: Connection, most: int) -> list[Claim]:
        widest = -(-self._partitions // max(1, len(self._workers))) - len(self._taken)
        if widest <= 0:
            return []
        rows = await session.execute(
            _CLAIM,
            (self._partitions, self._first, list(self._taken), widest, most, self._clock()),
            prepare=True,
        )
        claims = [read_claim(*row) for row in await rows.fetchall()]
        if claims:
            self._first = (claims[-1].partition + 1) % self._partitions
        return self.remember(claims)

    async def _claim_held(self, session: Connection, most: int) -> list[Claim]:
        if not self._look_at_held:
            return []
        now = self._clock()
        due = {row[0] for row in await (await session.execute(_HELD_PARTITIONS, (now,))).fetchall()}
        locked = await self._lock_free(session, sorted(due))
        # Those that another worker has, or this one for frames, are looked at once more next time.
        self._look_at_held = bool(due.difference(locked))
        claims: list[Claim] = []
        for partition in locked:
            rows = await (await session.execute(_HELD_ROWS, (now, partition, most))).fetchall()
            claims += [read_claim(partition, None, *row) for row in rows]
            if rows:
                self._look_at_held = self._look_at_held or len(rows) == most
            else:
                await session.execute(_UNLOCK, ([partition],))
        return self.remember(claims)

    async def _lock_free(self, session: Connection, partitions: Iterable[int]) -> list[int]:
        """Those of ``partitions`` that were free and now belong to this session."""
        wanted = [partition for partition in partitions if partition not in self._taken]
        if not wanted:
            return []
        rows = await session.execute(_LOCK, (wanted,), prepare=True)
        return [row[0] for row in await rows.fetchall()]

    @asynccontextmanager
    async def locked(
        self, partitions: Iterable[int]
    ) -> AsyncGenerator[tuple[Connection | None, list[int]]]:
        """The session with those of ``partitions`` that were free, locked; none if it is lost.

        Those of which no claim was remembered are free again at the end.
        """
        async with self._lock:
            session = self._session
            locked = await self._lock_free(session, partitions) if session else []
            yield (session, locked) if locked else (None, [])
            unused = [partition for partition in locked if partition not in self._taken]
            if session and unused:
                await session.execute(_UNLOCK, (unused,), prepare=True)

    def has(self, partition: int) -> bool:
        """Whether claims of that partition are unfinished."""
        return partition in self._taken

    @property
    def workers(self) -> tuple[tuple[int, ...], int]:
        """The workers that were present at the last count, and which of them this one is."""
        return self._workers, self._me

    def remember(self, claims: list[Claim]) -> list[Claim]:
        """Keep the partitions of ``claims`` until each of them is finished."""
        for claim in claims:
            self._taken.setdefault(claim.partition, set()).add(claim)
        return claims

    async def _next_due(self, session: Connection) -> float | None:
        mine = list(self._taken)
        row = await (await session.execute(_NEXT_DUE, (mine, mine))).fetchone()
        return None if row is None or row[0] is None else (row[0] - self._clock()).total_seconds()

    async def _count_workers(self, session: Connection) -> None:
        # The process's own time: how many workers there are is no matter of the journal's clock.
        now = asyncio.get_running_loop().time()
        if self._workers and now - self._counted_at < _ROLL_CALL:
            return
        row = await (await session.execute(_WORKERS)).fetchone()
        self._workers, self._me = (tuple(row[0] or ()), row[1]) if row else ((), 0)
        self._counted_at = now

    # --- finishing

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
        frames = [claim for claim in claims if claim.frame_id is not None]
        await self.settle_outcome(connection, frames, outcome)

    async def settle_outcome(
        self, connection: Connection, frames: Sequence[Claim], outcome: Outcome
    ) -> None:
        """Write ``outcome`` down; ``frames`` are those of its claims that are stored here."""
        await self._settle_held(connection, outcome)
        values = (
            [claim.partition for claim in frames],
            [claim.frame_id for claim in frames],
            list(outcome.applied),
            list(outcome.applied.values()),
        )
        result = await connection.execute(_SETTLE, values, prepare=True)
        expect(await result.fetchone(), len(frames))

    async def _settle_held(self, connection: Connection, outcome: Outcome) -> None:
        """Take finished deliveries out of the held ones, and put the new ones in."""
        if outcome.released:
            row = await (await connection.execute(_FORGET_HELD, (outcome.released,))).fetchone()
            expect(row, len(outcome.released))
        if outcome.held:
            async with connection.cursor() as cursor:
                await cursor.executemany(_HOLD, [held.row() for held in outcome.held])

    async def settled(self, claims: Sequence[Claim]) -> None:
        """See ``Claimer``."""
        await self._finish(claims)

    async def abandon(self, claims: Sequence[Claim]) -> None:
        """See ``Claimer``."""
        await self._finish(claims, then=self._ring)

    async def retry(self, claims: Sequence[Claim], reason: str) -> None:
        """See ``Claimer``. If the database is away the claims come again without a delay."""
        now = self._clock()
        due = {c: now + timedelta(seconds=self.backoff.delay(c.attempt)) for c in claims}
        frames = [claim for claim in claims if claim.frame_id is not None]
        held = [(claim.held_id, due[claim]) for claim in claims if claim.held_id is not None]

        async def postpone(session: Connection) -> None:
            await session.execute(
                _RETRY,
                (
                    reason[:1000],
                    [claim.partition for claim in frames],
                    [claim.frame_id for claim in frames],
                    [due[claim] for claim in frames],
                ),
            )
            if held:
                await session.execute(_RETRY_HELD, ([h[0] for h in held], [h[1] for h in held]))

        await self._finish(claims, first=postpone, then=self._ring)
        self.signal.set()

    async def _finish(
        self,
        claims: Sequence[Claim],
        *,
        first: Callable[[Connection], Coroutine[Any, Any, None]] | None = None,
        then: Callable[[Connection], Coroutine[Any, Any, None]] | None = None,
    ) -> None:
        async with self._lock:
            # A claim of an earlier session has lost its lock with it: it must not free a new one.
            known = [claim for claim in claims if claim in self._taken.get(claim.partition, ())]
            free = self._release(known)
            if self._session is None:
                return
            try:
                if first is not None and known:
                    await first(self._session)
                if free:
                    await self._session.execute(_UNLOCK, (free,), prepare=True)
                if then is not None:
                    await then(self._session)
            except SESSION_LOST as error:
                await self.lose(error)

    def _release(self, claims: Iterable[Claim]) -> list[int]:
        """Forget ``claims``; the partitions of which none is left."""
        free: list[int] = []
        for claim in claims:
            rest = self._taken[claim.partition]
            rest.discard(claim)
            if not rest:
                del self._taken[claim.partition]
                free.append(claim.partition)
        return free

    @staticmethod
    async def _ring(session: Connection) -> None:
        await session.execute(_RING, ("",))

    # --- the session

    async def _connected(self) -> Connection:
        if self._session is not None and not self._session.closed:
            if self.signal.take_held():
                self._look_at_held = True
            return self._session
        await self.lose()
        session = await connect(self._url)
        try:
            await session.execute(_JOIN)
        except BaseException:
            await session.close()
            raise
        self._session = session
        self._look_at_held = True
        self._refused = 0
        return session

    async def lose(self, error: Exception | None = None) -> None:
        """The session is gone, and with it every partition it had."""
        if error is not None:
            log.warning("journal.session_lost", extra={"error": str(error)})
        session, self._session = self._session, None
        self._taken.clear()
        self._workers = ()
        if session is not None:
            await session.close()

    async def close(self) -> None:
        """Give back everything and disconnect."""
        await self._ear.close()
        async with self._lock:
            await self.lose()


def expect(row: tuple[int] | None, number: int) -> None:
    """Compare-and-set: fewer rows than were claimed means that another worker settled them."""
    if row is None or row[0] != number:
        message = f"{row[0] if row else 0} of {number} claims were still open; roll back"
        raise ClaimLost(message)


class PostgresJournal(PostgresClaimer):
    """Both sides of the journal in PostgreSQL."""

    def __init__(
        self, appender: PostgresAppender, url: str, partitions: int, clock: Clock, backoff: Backoff
    ) -> None:
        """Append with ``appender``; claim with connections of its own to ``url``."""
        super().__init__(url, partitions, clock, backoff)
        self._appender = appender

    async def append(self, frames: Sequence[Frame]) -> None:
        """See ``Appender``."""
        await self._appender.append(frames)


@asynccontextmanager
async def postgres_journal(
    worker_url: str, partitions: int, clock: Clock, *, backoff: Backoff | None = None
) -> AsyncGenerator[PostgresJournal]:
    """The journal in the database at ``worker_url``; connects when first used.

    Not through a pooler in transaction mode: locks and LISTEN belong to a session.
    """
    pool: Pool = AsyncConnectionPool(
        worker_url,
        min_size=1,
        max_size=4,
        open=False,
        kwargs={"autocommit": True, "connect_timeout": CONNECT_SECONDS},
        # The pool tries to reconnect with exponential backoff, and gives up (until someone asks) after this.
        reconnect_timeout=20,
    )
    await pool.open(wait=False)
    appender = PostgresAppender(pool)
    journal = PostgresJournal(appender, worker_url, partitions, clock, backoff or Backoff())
    try:
        yield journal
    finally:
        await appender.close()
        await journal.close()
        await pool.close(timeout=1)
