"""The journal in RabbitMQ: one quorum queue a partition, acknowledged after the database commit.

Appending needs the broker alone; workers need PostgreSQL too.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tillstream.journal.backoff import Backoff
from tillstream.journal.postgres_claimer import PostgresClaimer
from tillstream.journal.rabbitmq_appender import RabbitAppender
from tillstream.journal.rabbitmq_claimer import RabbitClaimer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from tillstream.foundation.clock import Clock
    from tillstream.foundation.database import Connection
    from tillstream.journal.contract import Claim, Delivery, Frame, Parked


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
