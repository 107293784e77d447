"""Ingest: how many webhooks are durable in a second, beside a server that stores nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, LiteralString

from tillstream.command.bench import accounting
from tillstream.command.bench.figures import Figure, Section, figure
from tillstream.command.bench.gun import CONNECTIONS, Fire
from tillstream.command.bench.stand import standing
from tillstream.foundation.database import connect

if TYPE_CHECKING:
    from tillstream.command.bench.stand import Bench, Gun, LoadSummary, Stand
    from tillstream.foundation.database import Connection

NAME: Final = "ingest"
TITLE: Final = "Ingest: accepted and durable, beside storing nothing"

# One batch is one transaction, whose time every frame of it bears.
_BATCHES: LiteralString = """
SELECT count(DISTINCT appended_at), coalesce(sum(deliveries), 0)::bigint FROM journal.frames
"""
_EMPTY: LiteralString = "TRUNCATE journal.frames, journal.pending"


@dataclass(frozen=True)
class Target:
    """A server that is fired at."""

    port: int
    processes: tuple[int, ...]
    """Whose processor time counts as serving: each with all its descendants."""


@dataclass(frozen=True)
class Round:
    """One load on one server."""

    load: LoadSummary
    serving_seconds: float | None
    """Processor time of server and database."""

    @property
    def sender_share(self) -> float | None:
        """Share of the processor time that went into sending."""
        if self.serving_seconds is None:
            return None
        return self.load.cpu_seconds / (self.load.cpu_seconds + self.serving_seconds)


async def measure(bench: Bench) -> Section:
    """Alternating rounds against the installation and against the ceiling."""
    durable: list[Round] = []
    ceiling: list[Round] = []
    batches: list[float] = []
    async with (
        standing(bench) as stand,
        stand.role("web") as web,
        stand.ceiling() as (void, void_port),
        stand.gun() as gun,
        await connect(stand.database.admin_url) as connection,
    ):
        keeping = Target(stand.settings.port, (web.pid or 0, await stand.postmaster()))
        dropping = Target(void_port, (void.pid,))
        await gun.load(bench.effort.requests)
        for target in (keeping, dropping):
            await _fire(gun, target, bench.effort.round_seconds / 2)
        await connection.execute(_EMPTY)
        for number in range(1, bench.effort.rounds + 1):
            durable.append(await _fire(gun, keeping, bench.effort.round_seconds))
            batches.append(await _mean_batch(connection))
            ceiling.append(await _fire(gun, dropping, bench.effort.round_seconds))
            rates = durable[-1].load.per_second, ceiling[-1].load.per_second
            bench.note(
                f"round {number}: {rates[0]:,.0f}/s durable, {rates[1]:,.0f}/s storing nothing"
            )
    return Section(NAME, TITLE, _figures(durable, ceiling, batches), _notes(bench))


async def rate_of(bench: Bench, stand: Stand, gun: Gun) -> list[Round]:
    """Rounds against the web process of an installation alone, without a ceiling."""
    async with stand.role("web") as web:
        target = Target(stand.settings.port, (web.pid or 0, await stand.postmaster()))
        await gun.load(bench.effort.requests)
        await _fire(gun, target, bench.effort.round_seconds / 2)
        return [
            await _fire(gun, target, bench.effort.round_seconds) for _ in range(bench.effort.rounds)
        ]


async def _fire(gun: Gun, target: Target, seconds: float) -> Round:
    before = _cpu(target)
    load = await gun.fire(Fire(target.port, seconds=seconds))
    after = _cpu(target)
    return Round(load, None if before is None or after is None else after - before)


def _cpu(target: Target) -> float | None:
    times = [accounting.tree_cpu_seconds(pid) for pid in target.processes]
    known = [time for time in times if time is not None]
    return sum(known) if len(known) == len(times) else None


async def _mean_batch(connection: Connection) -> float:
    """Deliveries in a commit, of the round just over; the journal is emptied for the next."""
    row = await (await connection.execute(_BATCHES)).fetchone()
    await connection.execute(_EMPTY)
    batches, deliveries = row or (0, 0)
    return deliveries / batches if batches else 0.0


def _figures(durable: list[Round], ceiling: list[Round], batches: list[float]) -> list[Figure]:
    pairs = zip(durable, ceiling, strict=True)
    ratios = [kept.load.per_second / dropped.load.per_second for kept, dropped in pairs]
    return [
        figure("durable_per_second", "accepted, durable", "/s", rates(durable)),
        figure("ceiling_per_second", "answered, storing nothing", "/s", rates(ceiling)),
        figure("ratio", "durable ÷ storing nothing", "", ratios, at_least=0.4),
        *latencies("durable", durable),
        *latencies("ceiling", ceiling),
        figure("batch", "deliveries in a commit, on average", "", batches),
        *_costs("durable", durable),
        *_costs("ceiling", ceiling),
        *_cost_ratio(durable, ceiling),
    ]


def rates(rounds: list[Round]) -> list[float]:
    """Answers per second of each round."""
    return [one.load.per_second for one in rounds]


def latencies(name: str, rounds: list[Round]) -> list[Figure]:
    """Time from request to answer."""
    return [
        figure(
            f"{name}_latency_{share}_ms",
            f"{share} to the answer, {name}",
            "ms",
            [one.load.latency_ms[share] for one in rounds],
        )
        for share in ("p50", "p99")
    ]


def _cost_ratio(durable: list[Round], ceiling: list[Round]) -> list[Figure]:
    """The same ratio in processor time, which other programs on the machine disturb less."""
    times = [(_each(kept), _each(dropped)) for kept, dropped in zip(durable, ceiling, strict=True)]
    ratios = [free / paid for paid, free in times if paid and free]
    if not ratios:
        return []
    return [figure("cpu_ratio", "processor time storing nothing ÷ durable", "", ratios)]


def _each(one: Round) -> float | None:
    """Microseconds of serving for each webhook."""
    if one.serving_seconds is None:
        return None
    return one.serving_seconds / one.load.answered * 1e6


def _costs(name: str, rounds: list[Round]) -> list[Figure]:
    served = [time for time in map(_each, rounds) if time is not None]
    shares = [one.sender_share * 100 for one in rounds if one.sender_share is not None]
    if not served:
        return []
    return [
        figure(f"{name}_cpu_us", f"processor time for each, serving, {name}", "µs", served),
        figure(f"{name}_sender_share", f"processor time that sending took, {name}", "%", shares),
    ]


def _notes(bench: Bench) -> list[str]:
    return [
        f"{CONNECTIONS} kept connections from a process of its own, each with one request under way.",
        f"{bench.effort.requests:,} different signed requests, sent round and round, on the same cores.",
        "The web process runs as in `tillstream up`, without a worker; PostgreSQL with fsync.",
        "Storing nothing: the same server and door with a journal that keeps nothing; rounds alternate.",
        "Serving is the web process and PostgreSQL. Sending is measured against sending and serving.",
    ]
