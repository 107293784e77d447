"""Applying: how fast one worker takes a backlog into mirror and figures, beside decoding alone."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, LiteralString

from tillstream.command.bench_figures import Section, figure
from tillstream.command.bench_stand import BenchFailed, standing
from tillstream.command.bench_story import deliveries, introduction, told
from tillstream.command.roles import open_journal
from tillstream.foundation.clock import utc_now
from tillstream.foundation.database import connect
from tillstream.ingest.batching import Batcher
from tillstream.mirror.topics import read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tillstream.command.bench_stand import Bench, Stand
    from tillstream.journal.contract import Delivery

NAME: Final = "apply"
TITLE: Final = "Applying a backlog with one worker"

_AT_ONCE: Final = 500
"""Deliveries that arrive together: what a busy web process puts into one batch."""
_LOOK_SECONDS: Final = 0.01
_PATIENCE_SECONDS: Final = 300.0

_APPLIED: LiteralString = "SELECT coalesce(sum(applied), 0)::bigint FROM journal.progress"


async def measure(bench: Bench) -> Section:
    """Rounds of a backlog, each of fresh deliveries on top of what is there."""
    count = bench.effort.apply_deliveries
    now = utc_now()
    story = told(1, bench.effort.shops, now)
    first = introduction(bench.effort.shops)
    applied: list[float] = []
    decoded: list[float] = []
    sizes: list[float] = []
    async with standing(bench) as stand:
        await _fill(stand, deliveries(story, first, stand.secret, now))
        await _apply(stand, first, timed=False)
        for number in range(1, bench.effort.rounds + 1):
            backlog = deliveries(story, count, stand.secret, now)
            await _fill(stand, backlog)
            applied.append(await _apply(stand, count))
            decoded.append(_decode(backlog))
            sizes.append(sum(len(one.body) for one in backlog) / count)
            bench.note(
                f"round {number}: {applied[-1]:,.0f}/s applied, {decoded[-1]:,.0f}/s decoded"
            )
    ratios = [did / could for did, could in zip(applied, decoded, strict=True)]
    return Section(
        NAME,
        TITLE,
        [
            figure("applied_per_second", "applied", "/s", applied),
            figure("decoded_per_second", "decoded and read only, one process", "/s", decoded),
            figure("ratio", "applied ÷ decoded only", "", ratios),
            figure("body_bytes", "body, on average", "B", sizes),
        ],
        [
            f"{count:,} different deliveries a round, of every topic, of {bench.effort.shops} shops.",
            "They wait in frames as a busy web process writes them. Nothing is sent meanwhile.",
            "Timed from the first commit to the last: mirror, ledger, sums, live rows and settling.",
            "One worker process and PostgreSQL; decoding is without PostgreSQL.",
        ],
    )


async def _fill(stand: Stand, backlog: Sequence[Delivery]) -> None:
    """Append as ingest does."""
    async with open_journal(stand.settings, stand.database.worker_url) as journal:
        batcher = Batcher(journal, stand.settings.partitions)
        for start in range(0, len(backlog), _AT_ONCE):
            await asyncio.gather(*map(batcher.keep, backlog[start : start + _AT_ONCE]))
        await batcher.close()


async def _apply(stand: Stand, count: int, *, timed: bool = True) -> float:
    """Deliveries per second between the first commit seen and the last; 0 if not ``timed``.

    Raises:
        BenchFailed: when it does not come to an end, or applies not all.
    """
    async with await connect(stand.database.admin_url) as connection:

        async def applied() -> int:
            row = await (await connection.execute(_APPLIED)).fetchone()
            return int(row[0]) if row else 0

        before = await applied()
        seen: list[tuple[float, int]] = []
        async with stand.role("work"), asyncio.timeout(_PATIENCE_SECONDS):
            while not seen or seen[-1][1] < count:
                done = await applied() - before
                if done and (not seen or done > seen[-1][1]):
                    seen.append((time.perf_counter(), done))
                await asyncio.sleep(_LOOK_SECONDS)
            await stand.drained()
    return _rate(seen) if timed else 0.0


def _rate(seen: Sequence[tuple[float, int]]) -> float:
    (began, first), (ended, last) = seen[0], seen[-1]
    if ended <= began:
        message = "The backlog was applied in one transaction: too little to time."
        raise BenchFailed(message)
    return (last - first) / (ended - began)


def _decode(backlog: Sequence[Delivery]) -> float:
    """Deliveries per second when their bodies are only decoded and read, in this process."""
    began = time.perf_counter()
    for delivery in backlog:
        read(delivery.topic, delivery.body)
    return len(backlog) / (time.perf_counter() - began)
