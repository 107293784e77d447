"""``tillstream bench``: that each section measures something real and says it in the promised shape.

Real processes, a real PostgreSQL, real webhooks. No figure is held to a time: the machine is shared.
`sustained` and `rabbitmq` are left to the real run, being made of the parts that run here.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tillstream.command.bench import accounting
from tillstream.command.bench import command as bench
from tillstream.command.bench.figures import Report, figure, percentile, slope
from tillstream.command.bench.gun import Around
from tillstream.command.bench.questions import questions
from tillstream.command.bench.stand import LoadSummary
from tillstream.command.bench.sustained import Hold, Look, best, judge, next_rate
from tillstream.serve.app import bare_app

if TYPE_CHECKING:
    from pathlib import Path

NO_LOAD = LoadSummary(1, 1, 0, {"200": 1}, 1.0, 0.1, 1.0, {"p50": 1.0, "p99": 1.0}, 1.0)

EXPECTED = {
    "ingest": {
        "durable_per_second", "ceiling_per_second", "ratio", "durable_latency_p50_ms",
        "durable_latency_p99_ms", "ceiling_latency_p50_ms", "ceiling_latency_p99_ms", "batch",
        "durable_cpu_us", "durable_sender_share", "ceiling_cpu_us", "cpu_ratio", "ceiling_sender_share",
    },
    "latency": {"p50_ms", "p99_ms", "most_ms", "received_p50_ms", "received_p99_ms", "matched"},
    "analytics": {
        *(
            f"{question.key}_{size}_{share}_ms"
            for question in questions(date(2026, 11, 22))
            for size in ("small", "middle", "large")
            for share in ("p50", "p99")
        ),
        *(f"{question.key}_growth" for question in questions(date(2026, 11, 22))),
    },
    "footprint": {
        "web_idle_mb", "web_after_load_mb", "worker_idle_mb", "worker_after_load_mb",
        "postgres_idle_mb", "postgres_after_load_mb", "orders", "deliveries_per_order",
        "mirror_bytes", "rollup_bytes", "state_bytes", "journal_bytes",
    },
}  # fmt: skip


def _quick(data: Path, *more: str) -> list[str]:
    command = [sys.executable, "-m", "tillstream.command.main", "bench", "--quick"]
    return [*command, "--data", str(data), *more]


@pytest.mark.skipif(sys.platform != "linux", reason="processor time and memory come from /proc")
async def test_a_quick_run_reports_each_section_in_the_documented_shape(tmp_path: Path) -> None:
    sections = [word for name in EXPECTED for word in ("--section", name)]
    file = tmp_path / "report.json"
    process = await asyncio.create_subprocess_exec(
        *_quick(tmp_path / "data", *sections, "--json", str(file)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, noted = await process.communicate()
    assert process.returncode == 0, noted.decode()
    assert b"Ingest" in said
    assert b"round 1" in noted
    report = msgspec.json.decode(file.read_bytes(), type=Report)
    assert report.quick
    assert report.machine.cores >= 1
    assert report.machine.postgres.startswith("18")
    found = {section.name: {one.name for one in section.figures} for section in report.sections}
    assert found == EXPECTED
    for section in report.sections:
        assert section.left_out is None
        assert section.notes
        for one in section.figures:
            assert one.low <= one.median <= one.high, one
            assert one.low > 0, one
            assert (one.met is None) == (one.at_least is None and one.at_most is None)
    assert _left_in(tmp_path / "data") == {"secrets.json"}


async def test_a_year_is_taken_in_and_agrees_with_the_books(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    command = _quick(tmp_path / "data", "--section", "year", "--orders", "60", "--json", str(file))
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    said, noted = await process.communicate()
    assert process.returncode == 0, noted.decode()
    (section,) = msgspec.json.decode(file.read_bytes(), type=Report).sections
    assert section.left_out is None, section.left_out
    figures = {one.name: one.median for one in section.figures}
    assert figures["orders"] > 30
    assert figures["compared"] > 5_000
    assert (figures["wrong"], figures["differences"]) == (0, 0), noted.decode()
    (sizes,) = section.grids
    assert {"mirror.orders", "rollup.ledger", "journal.frames"} <= {row[0] for row in sizes.rows}
    assert b"Size on disk by table" in said


def test_every_call_of_a_panel_is_asked() -> None:
    """A call that is added has to be measured."""
    asked = {one.path.partition("?")[0] for one in questions(date(2026, 11, 22))}
    documented: dict[str, Any] = bare_app().openapi()["paths"]
    panels = {path for path in documented if path.startswith("/api/analytics/")}
    assert panels <= asked, panels - asked
    assert len({one.key for one in questions(date(2024, 2, 29))}) == len(
        questions(date(2024, 2, 29))
    )


async def test_nothing_is_left_when_it_is_interrupted(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *_quick(tmp_path, "--section", "ingest", "--seconds", "60"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    async with asyncio.timeout(60):
        # The web process, the ceiling and the sender each have a session of their own.
        while len(accounting.tree(process.pid)) < 8:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        started = accounting.tree(process.pid)
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 130, (await process.stderr.read()).decode()
    assert [pid for pid in started if _alive(pid)] == []
    assert _left_in(tmp_path) == {"secrets.json"}


def _left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_figure_is_the_median_between_the_extremes_and_knows_its_promise() -> None:
    kept = figure("ratio", "ratio", "", [0.5, 0.3, 0.45], at_least=0.4)
    assert (kept.median, kept.low, kept.high, kept.rounds, kept.met) == (0.45, 0.3, 0.5, 3, True)
    assert figure("p99", "p99", "ms", [101.0], at_most=100).met is False
    assert figure("p99", "p99", "ms", [101.0]).met is None
    assert figure("rate", "rate", "/s", [12_345.678]).median == 12_346
    assert figure("share", "share", "", [0.123456]).median == 0.1235


def test_a_percentile_is_one_of_the_values() -> None:
    values = [float(n) for n in range(100, 0, -1)]
    assert [percentile(values, share) for share in (0.0, 0.5, 0.99, 1.0)] == [1, 50, 99, 100]
    assert percentile([7.0], 0.99) == 7


def test_a_slope_is_per_unit_and_zero_where_there_is_none() -> None:
    assert slope([(0, 10), (1, 12), (2, 14)]) == pytest.approx(2)
    assert slope([(5, 3), (5, 9)]) == 0
    assert slope([]) == 0


def test_requests_go_round_and_round_until_time_is_up() -> None:
    around = Around([b"a", b"b"], 0.05)
    fired = list(around)
    assert len(fired) > 2
    assert fired[:4] == [b"a", b"b", b"a", b"b"]
    assert list(Around([], 10)) == []


def _hold(offered: float, *, applied: float, growth: float) -> Hold:
    return Hold(offered, offered, applied, growth, 9_999, True, NO_LOAD, {})


def test_the_search_comes_down_to_what_was_applied_and_goes_up_while_it_holds() -> None:
    flood = _hold(4000, applied=2500, growth=1500)
    assert next_rate([flood], 5) == 2500
    assert next_rate([_hold(4000, applied=3900, growth=200)], 5) == 3600
    held = _hold(2500, applied=2500, growth=10)
    assert next_rate([flood, held], 5) == pytest.approx(2875)
    higher = _hold(2875, applied=2700, growth=175)
    assert next_rate([flood, held, higher], 5) is None
    assert best([flood, held, higher]) is held
    assert best([flood]) is None
    assert next_rate([flood, held], 2) is None


def test_a_batch_under_way_is_no_backlog_unless_it_is_only_guessed() -> None:
    busy = Hold(1.0, 1.0, 1.0, 0.5, 0, True, NO_LOAD, {})
    assert busy.held
    assert not replace(busy, most_waiting=1).held
    assert not replace(busy, exact=False).held
    assert not replace(busy, accepted=0.9).held


def test_a_hold_is_judged_after_it_has_settled() -> None:
    looks = [Look(n, applied=1000 * n, waiting=900 if n < 3 else 50, exact=True) for n in range(10)]
    hold = judge(1.0, NO_LOAD, looks, {"web": 0.5})
    assert hold.applied == pytest.approx(1000)
    assert hold.growth == pytest.approx(0)
    assert hold.most_waiting == 50
    assert hold.held
    assert hold.used == {"web": 0.5, "sender": 0.1}


def test_where_the_backlog_is_not_known_exactly_it_grows_by_what_is_not_applied() -> None:
    looks = [Look(n, applied=3 * n, waiting=0, exact=n != 4) for n in range(10)]
    assert judge(5.0, NO_LOAD, looks, {}).growth == pytest.approx(1.0 - 3)


def test_the_options_are_read_as_documented() -> None:
    parser = argparse.ArgumentParser()
    bench.register(parser)
    told = parser.parse_args(["--quick", "--section", "apply", "--seconds", "2.5", "--json", "-"])
    assert (told.quick, told.section, told.seconds, told.json) == (True, ["apply"], 2.5, "-")
    for wrong in (["--section", "nothing"], ["--seconds", "0"]):
        with pytest.raises(SystemExit):
            parser.parse_args(wrong)
