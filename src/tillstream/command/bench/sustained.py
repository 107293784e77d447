"""End to end: the rate at which all of ``tillstream up`` applies what it accepts, and holds it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from tillstream.command.bench import accounting
from tillstream.command.bench.figures import Figure, Section, figure, slope
from tillstream.command.bench.gun import CONNECTIONS, Fire
from tillstream.command.bench.stand import standing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tillstream.command.bench.stand import Bench, Gun, LoadSummary, Stand
    from tillstream.journal.contract import Status

NAME: Final = "sustained"
TITLE: Final = "End to end: applied as fast as accepted"

Payroll: TypeAlias = "Mapping[str, int | None]"
"""Process ids of those whose time is taken down: each with its descendants."""

_LOOK_SECONDS: Final = 0.25
_FIRST_GUESS: Final = 4_000.0
"""Deliveries per second with which the search begins: above what is hoped for."""
_STEP_UP: Final = 1.15
_STEP_DOWN: Final = 0.9
_STEADY: Final = 0.02
"""Growth of the backlog, as a share of the rate offered, that still counts as none."""
_SHORT: Final = 0.05
"""Share of all that was offered that may wait at any time: of 20 seconds, one second's worth."""
_SETTLING: Final = 1 / 3
"""Share of a hold in which it settles; judged is the rest."""


@dataclass(frozen=True)
class Look:
    """What the journal said, and when."""

    at: float
    applied: int
    waiting: int
    exact: bool
    """Whether ``waiting`` is: a broker may only know its backlog roughly."""


@dataclass(frozen=True)
class Hold:
    """A rate offered for a while, and what became of it."""

    offered: float
    accepted: float
    applied: float
    growth: float
    """Of the backlog, in deliveries per second."""
    most_waiting: int
    exact: bool
    """Whether ``most_waiting`` is; a broker may count too few."""
    load: LoadSummary
    used: Mapping[str, float]
    """Seconds of processor time by who used them; empty where that is not known."""

    @property
    def held(self) -> bool:
        """Whether it was taken in as offered, and the backlog did not grow."""
        if self.accepted < self.offered * (1 - 2 * _STEADY):
            return False
        # A batch or two under way, the more of them the busier the worker, is no backlog.
        short = self.exact and self.most_waiting <= self.load.answered * _SHORT
        return short or self.growth <= self.offered * _STEADY


async def measure(bench: Bench) -> Section:
    """The highest rate held, with the embedded PostgreSQL alone."""
    async with standing(bench) as stand:
        holds = await holds_of(bench, stand)
    return Section(NAME, TITLE, figures(holds, at_least=3000), notes(bench, holds))


async def holds_of(bench: Bench, stand: Stand) -> list[Hold]:
    """The rates tried, in turn: too much first, then what was applied of it, up or down from there."""
    holds: list[Hold] = []
    async with stand.everything() as (worker, web), stand.gun() as gun:
        await stand.introduce(gun)
        payroll = {"web": web.pid, "worker": worker.pid, "postgres": await stand.postmaster()}
        offered: float | None = _FIRST_GUESS
        while offered is not None:
            holds.append(await _hold(bench, stand, gun, (offered, payroll)))
            one = holds[-1]
            bench.note(
                f"offered {one.offered:,.0f}/s: {one.applied:,.0f}/s applied, "
                f"backlog {one.growth:+,.0f}/s, {'held' if one.held else 'not held'}"
            )
            await stand.drained()
            offered = next_rate(holds, bench.effort.holds)
    return holds


def next_rate(holds: Sequence[Hold], most: int) -> float | None:
    """What to offer next; None when the highest rate is known well enough."""
    if len(holds) >= most:
        return None
    last = holds[-1]
    if last.held:
        higher = last.offered * _STEP_UP
        refused = min((one.offered for one in holds if not one.held), default=None)
        return higher if refused is None or higher < refused * _STEP_DOWN else None
    if any(one.held for one in holds):
        return None
    # What it applied while it was being flooded, at most a step below what was too much.
    return min(last.applied, last.offered * _STEP_DOWN)


def best(holds: Sequence[Hold]) -> Hold | None:
    """The highest rate that was held."""
    return max((one for one in holds if one.held), key=lambda one: one.offered, default=None)


def figures(holds: Sequence[Hold], *, at_least: float | None = None) -> list[Figure]:
    """Of the highest rate held; where none was, of the last one tried."""
    shown = best(holds) or holds[-1]
    each = {name: time / shown.load.answered * 1e6 for name, time in shown.used.items()}
    flood = max(one.applied for one in holds)
    return [
        figure("applied_per_second", "applied", "/s", [shown.applied], at_least=at_least),
        figure("offered_per_second", "offered", "/s", [shown.offered]),
        figure("accepted_per_second", "accepted", "/s", [shown.accepted]),
        figure("backlog_growth", "growth of the backlog", "/s", [shown.growth]),
        figure("backlog_most", "longest backlog seen", "", [shown.most_waiting]),
        figure(
            "answer_p99_ms", "p99 to the answer, meanwhile", "ms", [shown.load.latency_ms["p99"]]
        ),
        figure("applied_most", "applied at most, in any of the rates tried", "/s", [flood]),
        *(
            figure(f"{name}_cpu_us", f"processor time for each accepted, {name}", "µs", [time])
            for name, time in each.items()
        ),
    ]


def notes(bench: Bench, holds: Sequence[Hold]) -> list[str]:
    """What the figures are of."""
    tried = ", ".join(f"{one.offered:,.0f} ({'held' if one.held else 'grew'})" for one in holds)
    outcome = (
        "The highest rate held."
        if best(holds)
        else "NO rate tried was held; the last one is shown."
    )
    return [
        f"{outcome} Tried, each for {bench.effort.hold_seconds:g} s: {tried} /s.",
        f"Held: accepted as offered; {_SHORT:.0%} of all waits at most, or the backlog grows by under {_STEADY:.0%}.",
        "Web process, worker, PostgreSQL and the sender share the cores; every delivery is new.",
    ]


async def _hold(bench: Bench, stand: Stand, gun: Gun, asked: tuple[float, Payroll]) -> Hold:
    offered, payroll = asked
    await gun.load(round(offered * bench.effort.hold_seconds))
    before = _used(payroll)
    firing = asyncio.create_task(
        gun.fire(Fire(stand.settings.port, connections=CONNECTIONS, rate=offered))
    )
    looks: list[Look] = []
    try:
        while not firing.done():
            looks.append(_look(await stand.status()))
            await asyncio.wait((firing,), timeout=_LOOK_SECONDS)
        looks.append(_look(await stand.status()))
    finally:
        firing.cancel()
    after, load = _used(payroll), firing.result()
    used = {name: after[name] - before[name] for name in before if name in after}
    return judge(offered, load, looks, used)


def judge(
    offered: float, load: LoadSummary, looks: Sequence[Look], used: Mapping[str, float]
) -> Hold:
    """What a hold came to, its settling left out."""
    begin = looks[0].at + (looks[-1].at - looks[0].at) * _SETTLING
    steady = [look for look in looks if look.at >= begin]
    applied = slope([(look.at, look.applied) for look in steady])
    exact = all(look.exact for look in looks)
    growth = slope([(look.at, look.waiting) for look in steady])
    return Hold(
        offered,
        load.per_second,
        applied,
        growth if exact else load.per_second - applied,
        max(look.waiting for look in steady),
        exact,
        load,
        {**used, "sender": load.cpu_seconds} if used else {},
    )


def _used(payroll: Payroll) -> dict[str, float]:
    times = {name: accounting.tree_cpu_seconds(pid or 0) for name, pid in payroll.items()}
    return {name: time for name, time in times.items() if time is not None}


def _look(status: Status) -> Look:
    return Look(time.perf_counter(), status.applied, status.waiting, status.exact)
