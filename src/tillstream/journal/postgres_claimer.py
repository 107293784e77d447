"""Claiming from the journal in PostgreSQL: partitions under advisory locks of one session."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final, LiteralString

import psycopg
from psycopg.conninfo import make_conninfo

from tillstream.foundation.database import connect
from tillstream.journal.ear import RING, Ear, Signal
from tillstream.journal.outcome import outcome_of
from tillstream.journal.settling import postpone, settle_outcome
from tillstream.journal.stored import read_claim

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Sequence
    from typing import Any

    from tillstream.foundation.clock import Clock
    from tillstream.foundation.database import Connection
    from tillstream.journal.backoff import Backoff
    from tillstream.journal.contract import Claim, Delivery, Parked

log = logging.getLogger(__name__)

CONNECT_SECONDS: Final = 4
"""Seconds after which connecting to a server that does not answer is given up."""

_ROLL_CALL: Final = 1.0
"""Seconds that a count of the workers holds good."""

SESSION_LOST: Final = (psycopg.OperationalError, psycopg.InterfaceError)

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
        await settle_outcome(connection, frames, outcome)

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

        async def delay(session: Connection) -> None:
            await postpone(session, due, reason)

        await self._finish(claims, first=delay, then=self._ring)
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
        await session.execute(RING, ("",))

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
