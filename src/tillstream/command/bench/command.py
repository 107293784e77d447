"""``tillstream bench``: measure this machine and this version, in one run.

Every section makes an installation of its own in a temporary folder inside the data folder (so on
the disk that the product would use) and removes it, also after Ctrl-C.
"""

from __future__ import annotations

import asyncio
import logging
import os
import platform
import signal
import subprocess
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec
from rich.console import Console
from rich.table import Table

from tillstream.command.bench import (
    analytics,
    apply,
    broker,
    footprint,
    ingest,
    latency,
    sustained,
    year,
)
from tillstream.command.bench.effort import effort_of
from tillstream.command.bench.figures import Figure, Grid, Machine, Report, Section
from tillstream.command.bench.process import ProcessFailed
from tillstream.command.bench.stand import Bench, BenchFailed
from tillstream.command.console import err, out, print_json
from tillstream.command.up import ChildFailed
from tillstream.foundation.clock import utc_now
from tillstream.foundation.embedded.cluster import find_programs

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Coroutine, Mapping
    from typing import Any

    from tillstream.foundation.settings import Settings

    Measurement: TypeAlias = Callable[[Bench], Coroutine[Any, Any, Section]]

PURPOSE = "Measure what this machine takes in, applies, shows and keeps."

SECTIONS: Final[Mapping[str, Measurement]] = {
    ingest.NAME: ingest.measure,
    apply.NAME: apply.measure,
    sustained.NAME: sustained.measure,
    latency.NAME: latency.measure,
    analytics.NAME: analytics.measure,
    footprint.NAME: footprint.measure,
    broker.NAME: broker.measure,
    year.NAME: year.measure,
}
"""In the order in which they run. See docs/bench.md."""

_FAILURES: Final = (BenchFailed, ProcessFailed, ChildFailed, TimeoutError, OSError)
"""What a measurement may meet without the others being worth less."""

_WIDTH: Final = 120
"""Columns of the tables, also where the output is no terminal."""

_TERMINATED: Final = 128 + signal.SIGTERM


def register(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    add = parser.add_argument
    add("--section", action="append", choices=list(SECTIONS), help="only this one; may be repeated")
    add(
        "--quick",
        action="store_true",
        help="a minute's look at whether it works, not a measurement",
    )
    add("--seconds", type=_positive, metavar="N", help="length of each timed measurement")
    add(
        "--orders",
        type=_counted,
        metavar="N",
        help="how many the year has, and the largest store that is asked",
    )
    add(
        "--json", metavar="FILE", help="write the report as JSON; - prints it in place of the table"
    )


async def run(settings: Settings, options: argparse.Namespace) -> int:
    """Exit status 1 when something could not be measured; a promise missed is shown, no failure."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    terminated = False

    def terminate() -> None:
        nonlocal terminated
        terminated = True
        if task is not None:
            task.cancel()

    logging.getLogger("httpx").setLevel(logging.WARNING)  # it tells of each request
    loop.add_signal_handler(signal.SIGTERM, terminate)
    try:
        report = await _report(settings, options)
    except asyncio.CancelledError:
        if not terminated:
            raise
        return _TERMINATED
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
    _publish(report, options.json or None)
    return 1 if any(section.left_out and not section.optional for section in report.sections) else 0


async def _report(settings: Settings, options: argparse.Namespace) -> Report:
    effort = effort_of(quick=options.quick, seconds=options.seconds, orders=options.orders)
    began, started_at = time.monotonic(), utc_now()
    machine = await asyncio.to_thread(_machine)
    sections: list[Section] = []
    for name in options.section or SECTIONS:
        _note(f"{name} …")
        bench = Bench(settings.data, effort, lambda words, name=name: _note(f"{name}: {words}"))
        sections.append(await _measured(name, bench))
    seconds = round(time.monotonic() - began, 1)
    return Report(version("tillstream"), started_at, seconds, effort.quick, machine, sections)


async def _measured(name: str, bench: Bench) -> Section:
    try:
        return await SECTIONS[name](bench)
    except _FAILURES as failure:
        reason = f"It failed: {str(failure) or type(failure).__name__}"
        bench.note(reason)
        return Section(name, name, [], [], left_out=reason)


def _machine() -> Machine:
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    program = str(find_programs() / "postgres")
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    return Machine(
        system=f"{platform.system()} {platform.release()}",
        processor=_processor(),
        cores=_cores(),
        memory_gb=_memory_gb(),
        python=platform.python_version(),
        postgres=said.stdout.split()[-1],
        load_average=None if load is None else round(load, 2),
    )


def _cores() -> int:
    """Those that this process may use, which in a container can be fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory_gb() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)
    except (OSError, ValueError):
        return None


def _publish(report: Report, file: str | None) -> None:
    if file == "-":
        print_json(report)
        return
    _print(report)
    if file is not None:
        written = msgspec.json.format(msgspec.json.encode(report), indent=2)
        Path(file).write_bytes(written + b"\n")


def _print(report: Report) -> None:
    # Rich would fit the table into 80 columns where the output is no terminal.
    paper = Console(highlight=False, soft_wrap=True, width=max(out.width, _WIDTH))
    machine = report.machine
    memory = "" if machine.memory_gb is None else f", {machine.memory_gb:g} GB"
    busy = "" if machine.load_average is None else f", load {machine.load_average:g} before"
    paper.print(
        f"Tillstream {report.version} on {machine.processor}: {machine.cores} cores{memory}{busy}; "
        f"{machine.system}, Python {machine.python}, PostgreSQL {machine.postgres}"
    )
    for section in report.sections:
        paper.print()
        if section.left_out:
            paper.print(f"[bold]{section.title}[/bold]\n  Left out. {section.left_out}")
            continue
        if not section.tabled:
            paper.print(_table(section))
        for grid in section.grids:
            paper.print(_laid_out(grid, section.title))
        for note in section.notes:
            paper.print(f"  {note}", markup=False, style="dim")
    paper.print()
    if report.quick:
        paper.print("This was a quick look: the figures say that it works, not how fast it is.")


def _table(section: Section) -> Table:
    table = Table(
        box=None, pad_edge=False, title=section.title, title_justify="left", title_style="bold"
    )
    table.add_column("", no_wrap=True)
    for column in ("median", "lowest", "highest"):
        table.add_column(column, justify="right")
    table.add_column("")
    table.add_column("promised")
    for one in section.figures:
        spread = ("", "") if one.rounds == 1 else (_number(one.low), _number(one.high))
        table.add_row(f"  {one.label}", _number(one.median), *spread, one.unit, _promise(one))
    return table


def _laid_out(grid: Grid, title: str) -> Table:
    table = Table(
        box=None,
        pad_edge=False,
        title=grid.title or title,
        title_justify="left",
        title_style="bold",
    )
    for place, column in enumerate(grid.columns):
        table.add_column(column, justify="right" if place else "left", no_wrap=True)
    for first, *rest in grid.rows:
        table.add_row(f"  {first}", *rest)
    return table


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:g}"  # noqa: PLR2004


def _promise(one: Figure) -> str:
    if one.met is None:
        return ""
    told = f"≥ {one.at_least:g}" if one.at_least is not None else f"≤ {one.at_most:g}"
    return f"[green]{told}  kept[/green]" if one.met else f"[red]{told}  MISSED[/red]"


def _note(words: str) -> None:
    err.print(words, markup=False)


def _counted(text: str) -> int:
    value = int(text)
    if not value > 0:
        message = "must be more than 0"
        raise ValueError(message)
    return value


def _positive(text: str) -> float:
    value = float(text)
    if not value > 0:
        message = "must be more than 0"
        raise ValueError(message)
    return value
