"""The journal in PostgreSQL: frames in a table, partitions under advisory locks."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from psycopg_pool import AsyncConnectionPool

from tillstream.journal.backoff import Backoff
from tillstream.journal.postgres_appender import PostgresAppender
from tillstream.journal.postgres_claimer import CONNECT_SECONDS, PostgresClaimer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from tillstream.foundation.clock import Clock
    from tillstream.foundation.database import Pool
    from tillstream.journal.contract import Frame


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
