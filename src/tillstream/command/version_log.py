"""Notes in which API versions the deliveries of each shop come."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, LiteralString

import psycopg

from tillstream.foundation.clock import utc_now
from tillstream.foundation.database import connect

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tillstream.foundation.clock import Clock
    from tillstream.foundation.database import Connection
    from tillstream.journal.contract import Claim, Claimer, Delivery, Parked

log = logging.getLogger(__name__)

_NOTE_VERSIONS: LiteralString = "SELECT shops.note_versions(%s, %s, %s)"


class VersionLog:
    """A journal's worker side that notes in which API versions deliveries come.

    What was noted is written once an hour at most for each shop and version.
    """

    def __init__(self, journal: Claimer, clock: Clock = utc_now) -> None:
        """Everything is passed on to ``journal``."""
        self._journal = journal
        self._clock = clock
        self._new: set[tuple[str, str]] = set()
        self._written: dict[tuple[str, str], datetime] = {}

    async def claim(self, max_deliveries: int, wait: float) -> list[Claim]:
        """As the journal does."""
        claims = await self._journal.claim(max_deliveries, wait)
        for claim in claims:
            for delivery in claim.deliveries:
                told = (delivery.shop, delivery.api_version)
                if told not in self._written:
                    self._new.add(told)
        return claims

    async def settle(
        self,
        connection: Connection,
        claims: Sequence[Claim],
        *,
        parked: Sequence[Parked],
        unrouted: Sequence[Delivery],
    ) -> None:
        """As the journal does."""
        await self._journal.settle(connection, claims, parked=parked, unrouted=unrouted)

    async def settled(self, claims: Sequence[Claim]) -> None:
        """As the journal does."""
        await self._journal.settled(claims)

    async def retry(self, claims: Sequence[Claim], reason: str) -> None:
        """As the journal does."""
        await self._journal.retry(claims, reason)

    async def abandon(self, claims: Sequence[Claim]) -> None:
        """As the journal does."""
        await self._journal.abandon(claims)

    async def write(self, connection: Connection) -> None:
        """Write down what is new."""
        now = self._clock()
        self._written = {
            told: at for told, at in self._written.items() if at > now - timedelta(hours=1)
        }
        # Whatever a delivery calls its version, the column takes no more than that.
        new = [told for told in self._new if 0 < len(told[1]) <= 64]  # noqa: PLR2004
        self._new = set()
        if not new:
            return
        shops, versions = [shop for shop, _ in new], [version for _, version in new]
        await connection.execute(_NOTE_VERSIONS, (shops, versions, now))
        self._written.update(dict.fromkeys(new, now))


async def write_versions(worker_url: str, versions: VersionLog, *, every: float = 30.0) -> None:
    """Write down what is new now and then, until cancelled."""
    while True:
        await asyncio.sleep(every)
        try:
            connection = await connect(worker_url)
            async with connection:
                await versions.write(connection)
        except (psycopg.Error, OSError) as error:
            log.warning("versions_not_written", extra={"error": type(error).__name__})
