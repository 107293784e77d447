"""Appending to the journal in PostgreSQL, and ringing for its workers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, LiteralString

import psycopg
from psycopg_pool import PoolTimeout

from tillstream.journal.contract import Unavailable
from tillstream.journal.deadline import DEADLINE, drop, within_deadline
from tillstream.journal.ear import RING
from tillstream.journal.encoding import encode_frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tillstream.foundation.database import Pool
    from tillstream.journal.contract import Frame

log = logging.getLogger(__name__)

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
                    await connection.execute(RING, ("",), prepare=True)
            if not self._again:
                return

    async def close(self) -> None:
        if self._ringing is not None:
            drop(self._ringing)
