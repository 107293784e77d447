"""Applying: how fast one worker takes a backlog into mirror and figures, beside decoding alone."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, LiteralString

from tillstream.command.bench import accounting
from tillstream.command.bench.figures import Figure, Section, figure
from tillstream.command.bench.stand import BenchFailed, standing
from tillstream.command.bench.story import deliveries, introduction, told
from tillstream.command.roles import open_journal
from tillstream.foundation.clock import utc_now
from tillstream.foundation.database import connect
from tillstream.ingest.batching import Batcher
from tillstream.mirror.topics import read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tillstream.command.bench.stand import Bench, Stand
    from tillstream.foundation.database import Connection
    from tillstream.journal.contract import Delivery

NAME: Final = "apply"
TITLE: Final = "Applying a backlog with one worker"

_AT_ONCE: Final = 500
"""Deliveries that arrive together: what a busy web process puts into one batch."""
_LOOK_SECONDS: Final = 0.01
_PATIENCE_SECONDS: Final = 300.0

_APPLIED: LiteralString = "SELECT coalesce(sum(applied), 0)::bigint FROM journal.progress"


@dataclass(frozen=True)
class Look:
    """How many deliveries were applied at a moment, and the processor time used by then."""

    at: float
    applied: int
    worker: float | None
    postgres: float | None


@dataclass(frozen=True)
class Pace:
    """Deliveries per second, and processor time for each in µs."""

    per_second: float
    worker_us: float | None
    postgres_us: float | None


async def measure(bench: Bench) -> Section:
    """Rounds of a backlog, each of fresh deliveries on top of what is there."""
    count = bench.effort.apply_deliveries
    now = utc_now()
    story = told(1, bench.effort.shops, now)
    first = introduction(bench.effort.shops)
    paces: list[Pace] = []
    decoded: list[float] = []
    sizes: list[float] = []
    async with standing(bench) as stand:
        await _fill(stand, deliveries(story, first, stand.secret, now))
        await _apply(stand, first)
        for number in range(1, bench.effort.rounds + 1):
            backlog = deliveries(story, count, stand.secret, now)
            await _fill(stand, backlog)
            paces.append(pace_of(await _apply(stand, count)))
            decoded.append(_decode(backlog))
            sizes.append(sum(len(one.body) for one in backlog) / count)
            bench.note(
                f"round {number}: {paces[-1].per_second:,.0f}/s applied, {decoded[-1]:,.0f}/s decoded"
            )
    applied = [one.per_second for one in paces]
    ratios = [did / could for did, could in zip(applied, decoded, strict=True)]
    return Section(
        NAME,
        TITLE,
        [
            figure("applied_per_second", "applied", "/s", applied),
            figure("decoded_per_second", "decoded and read only, one process", "/s", decoded),
            figure("ratio", "applied ÷ decoded only", "", ratios),
            *_costs("worker", [one.worker_us for one in paces]),
            *_costs("postgres", [one.postgres_us for one in paces]),
            figure("body_bytes", "body, on average", "B", sizes),
        ],
        [
            f"{count:,} different deliveries a round, of every topic, of {bench.effort.shops} shops.",
            "They wait in frames as a busy web process writes them. Nothing is sent meanwhile.",
            "Timed from the first commit to the last: mirror, ledger, sums, live rows and settling.",
            "One worker process and PostgreSQL; decoding is without PostgreSQL.",
        ],
    )


def _costs(name: str, times: Sequence[float | None]) -> list[Figure]:
    known = [time for time in times if time is not None]
    label = {"worker": "the worker", "postgres": "PostgreSQL"}[name]
    return (
        [figure(f"{name}_cpu_us", f"processor time for each, {label}", "µs", known)]
        if known
        else []
    )


async def _fill(stand: Stand, backlog: Sequence[Delivery]) -> None:
    """Append as ingest does."""
    async with open_journal(stand.settings, stand.database.worker_url) as journal:
        batcher = Batcher(journal, stand.settings.partitions)
        for start in range(0, len(backlog), _AT_ONCE):
            await asyncio.gather(*map(batcher.keep, backlog[start : start + _AT_ONCE]))
        await batcher.close()


async def _apply(stand: Stand, count: int) -> list[Look]:
    """Let a worker apply ``count`` waiting deliveries; a look at each commit that was seen.

    Raises:
        BenchFailed: when not all are applied.
    """
    postmaster = await stand.postmaster()
    looks: list[Look] = []
    async with await connect(stand.database.admin_url) as connection:
        before = await _applied(connection)
        async with stand.role("work") as worker, asyncio.timeout(_PATIENCE_SECONDS):
            while not looks or looks[-1].applied < count:
                done = await _applied(connection) - before
                if done > (looks[-1].applied if looks else 0):
                    looks.append(_look(done, worker.pid or 0, postmaster))
                await asyncio.sleep(_LOOK_SECONDS)
            await stand.drained()
    return looks


async def _applied(connection: Connection) -> int:
    row = await (await connection.execute(_APPLIED)).fetchone()
    return int(row[0]) if row else 0


def _look(applied: int, worker: int, postmaster: int) -> Look:
    at = time.perf_counter()
    return Look(
        at, applied, accounting.cpu_seconds(worker), accounting.tree_cpu_seconds(postmaster)
    )


def pace_of(looks: Sequence[Look]) -> Pace:
    """What it came to between the first commit and the last.

    Raises:
        BenchFailed: when there was only one.
    """
    first, last = looks[0], looks[-1]
    if last.applied <= first.applied:
        message = "The backlog was applied in one transaction: too little to time."
        raise BenchFailed(message)
    count = last.applied - first.applied
    return Pace(
        count / (last.at - first.at),
        _each(first.worker, last.worker, count),
        _each(first.postgres, last.postgres, count),
    )


def _each(before: float | None, after: float | None, count: int) -> float | None:
    """Microseconds of processor time for each delivery."""
    return None if before is None or after is None else (after - before) / count * 1e6


def _decode(backlog: Sequence[Delivery]) -> float:
    """Deliveries per second when their bodies are only decoded and read, in this process."""
    began = time.perf_counter()
    for delivery in backlog:
        read(delivery.topic, delivery.body, delivery.triggered_at)
    return len(backlog) / (time.perf_counter() - began)
