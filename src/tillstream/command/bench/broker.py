"""The journal in RabbitMQ: ingest and end to end, on a node of the bench's own."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tillstream.command.bench import ingest, sustained
from tillstream.command.bench.figures import Section, figure
from tillstream.command.bench.stand import standing
from tillstream.journal.private_broker import BrokerMissing, PrivateBroker

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tillstream.command.bench.stand import Bench

NAME: Final = "rabbitmq"
TITLE: Final = "The same with the journal in RabbitMQ"


async def measure(bench: Bench) -> Section:
    """Two installations beside one node: one for each question."""
    try:
        async with _broker(bench) as url, standing(bench, rabbitmq_url=url) as stand:
            async with stand.gun() as gun:
                rounds = await ingest.rate_of(bench, stand, gun)
            for number, one in enumerate(rounds, 1):
                bench.note(f"round {number}: {one.load.per_second:,.0f}/s durable")
        async with _broker(bench) as url, standing(bench, rabbitmq_url=url) as stand:
            holds = await sustained.holds_of(bench, stand)
    except BrokerMissing as missing:
        return Section(NAME, TITLE, [], [], left_out=str(missing), optional=True)
    figures = [
        figure("durable_per_second", "accepted, durable", "/s", ingest.rates(rounds)),
        *ingest.latencies("durable", rounds),
        *sustained.figures(holds),
    ]
    notes = [
        "One RabbitMQ node on the same machine, quorum queues, publisher confirms.",
        *sustained.notes(bench, holds),
    ]
    return Section(NAME, TITLE, figures, notes)


@asynccontextmanager
async def _broker(bench: Bench) -> AsyncGenerator[str]:
    """The address of a fresh node, ended and removed at the end of the block."""
    bench.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        prefix="bench-broker-", dir=bench.folder, ignore_cleanup_errors=True
    ) as folder:
        broker = PrivateBroker(Path(folder))
        try:
            await asyncio.to_thread(broker.start)
            yield broker.url
        finally:
            await asyncio.to_thread(broker.stop)
