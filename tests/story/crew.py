"""Several workers in this process: the real ones, on a real database, over the journal in memory.

Cheaper than whole programs, so that many orders of telling can be tried. The frames of one store are
dealt out over as many partitions as there are workers: more than a running Tillstream ever does, where
one store's deliveries meet one worker at a time. Nothing but the database's locks keeps them apart.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.rollup.worlds import micros
from tillstream.command.worker import Worker
from tillstream.journal.contract import Delivery, Frame, time_ordered_id
from tillstream.journal.memory import MemoryJournal, MemoryStore

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from tests.rollup.worlds import World
    from tillstream.journal.contract import Claim
    from tillstream.simulator.webhook import Webhook


class _Watched(MemoryJournal):
    """One worker's side of the journal, which says when everything that can be is settled."""

    def __init__(self, store: MemoryStore, quiet: asyncio.Event) -> None:
        super().__init__(store)
        self._all, self._quiet = store, quiet

    async def settled(self, claims: Sequence[Claim]) -> None:
        await super().settled(claims)
        if not self._all.pending:
            self._quiet.set()


def delivered(webhook: Webhook, shop: str) -> Delivery:
    """A webhook as ingest hands it on, addressed to ``shop``."""
    return Delivery(
        micros(webhook.triggered_at),
        "",
        shop,
        webhook.topic,
        webhook.webhook_id,
        webhook.event_id,
        webhook.triggered_at.isoformat(),
        webhook.api_version,
        "signature",
        {},
        webhook.body,
    )


async def work(
    here: World,
    deliveries: Sequence[Delivery],
    now: datetime,
    *,
    workers: int,
    dice: random.Random,
    largest: int = 1000,
) -> MemoryStore:
    """Let ``workers`` apply all deliveries, in frames of any size up to ``largest`` dealt out at random.

    The frames of a partition keep their order; those of different partitions run side by side. What
    is left in the store afterwards is what was parked or belongs to no shop.
    """
    connected = {domain for (domain,) in here.ask("SELECT domain FROM shops.stores")}
    store = MemoryStore(workers, lambda: now, connected.__contains__)
    quiet, stop = asyncio.Event(), asyncio.Event()
    journals = [_Watched(store, quiet) for _ in range(workers)]
    await journals[0].append(
        [
            Frame(time_ordered_id(micros(now) + n, bytes(8)), dice.randrange(workers), frame)
            for n, frame in enumerate(_cut(deliveries, dice, largest))
        ]
    )
    crew = [Worker(here.database.worker_url, journal, lambda: now) for journal in journals]
    working = [asyncio.create_task(one.run(stop)) for one in crew]
    async with asyncio.timeout(120):
        await quiet.wait()
        stop.set()
        await asyncio.gather(*working)
    while await here.pass_deadlines(now):
        pass
    return store


def _cut(
    deliveries: Sequence[Delivery], dice: random.Random, largest: int
) -> Iterator[list[Delivery]]:
    """Frames of any size: some of a single delivery, as when little comes."""
    start = 0
    while start < len(deliveries):
        end = start + (1 if dice.random() < 0.1 else dice.randint(1, largest))
        yield list(deliveries[start:end])
        start = end
