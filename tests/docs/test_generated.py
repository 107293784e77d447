"""The parts of documents that follow the code do. `python -m tillstream.command.documents` rewrites them."""

from __future__ import annotations

import ast
import re
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from tillstream.command import documents, source_scan
from tillstream.command.documents import PARTS, ROOT, SOURCES
from tillstream.foundation import settings
from tillstream.rollup.measures import ADDITIVE, MEASURES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize(("path", "name", "write"), PARTS, ids=[part[1] for part in PARTS])
def test_generated_parts_are_up_to_date(path: str, name: str, write: Callable[[str], str]) -> None:
    text = (ROOT / path).read_text()
    assert documents.part(text, name) == write(text), "run: python -m tillstream.command.documents"


def test_every_event_has_a_meaning() -> None:
    meanings = documents.meanings((ROOT / "docs/events.md").read_text())
    for event in source_scan.log_events(SOURCES):
        meaning = meanings.get(event.name, "")
        assert meaning.endswith("."), f"say in docs/events.md what `{event.name}` means"


def test_no_event_hides_from_the_scan() -> None:
    # The scan knows loggers by their names.
    for file in sorted(SOURCES.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Assign) and "getLogger(__name__)" in ast.unparse(node.value):
                assert ast.unparse(node.targets[0]) in {"log", "_log"}, file


def test_settings_are_read_as_they_are_listed() -> None:
    source = ast.parse((SOURCES / "foundation/settings.py").read_text())
    read = {
        argument.value
        for call in ast.walk(source)
        if isinstance(call, ast.Call) and ast.unparse(call.func) != "Setting"
        for argument in call.args
        if isinstance(argument, ast.Constant)
        and re.fullmatch(r"[A-Z]+(?:_[A-Z]+)*", str(argument.value))
    }
    assert read == {setting.name for setting in settings.SETTINGS}


def test_the_registry_and_the_columns_name_the_same_measures() -> None:
    assert {one.name for one in MEASURES if one.adds == "sum"} == set(ADDITIVE)


def test_the_scan_finds_what_is_logged_and_counted(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "module.py").write_text(
        dedent("""
            log.warning("one", extra={"shop": 1, "error": 2})
            _log.exception("two")
            math.log(3)

            def lines():
                yield "# HELP tillstream_things_total Things."
                yield "# TYPE tillstream_things_total counter"
                yield f'tillstream_things_total{{kind="{kind}",other="{other}"}} {count}'
                yield from gauge("tillstream_level", "How high.", 1)
        """)
    )
    (tmp_path / "other.py").write_text('log.info("one", extra={"topic": 1})')
    assert source_scan.log_events(tmp_path) == [
        ("one", "warning, info", ("shop", "error", "topic"), ("deep/module.py", "other.py")),
        ("two", "error", ("error",), ("deep/module.py",)),
    ]
    assert source_scan.metrics(tmp_path) == [
        ("tillstream_level", "gauge", (), "How high."),
        ("tillstream_things_total", "counter", ("kind", "other"), "Things."),
    ]


@pytest.mark.parametrize("call", ["log.info(f'built {name}')", "log.info('one', extra=fields)"])
def test_the_scan_refuses_events_it_cannot_read(tmp_path: Path, call: str) -> None:
    (tmp_path / "module.py").write_text(call)
    with pytest.raises(ValueError, match=r"module\.py"):
        source_scan.log_events(tmp_path)


def test_rewriting_keeps_what_stands_around_and_what_was_written_by_hand() -> None:
    events = [source_scan.LogEvent("one", "info", ("shop",), ("a.py",))]
    begin, end = (
        "<!-- events: written by python -m tillstream.command.documents -->",
        "<!-- events: end -->",
    )
    before = f"Above.\n\n{begin}\n{end}\n\nBelow.\n"
    once = documents.replaced(before, "events", documents.events_part(events, {"one": "First."}))
    assert documents.meanings(once) == {"one": "First."}
    again = documents.replaced(
        once, "events", documents.events_part(events, documents.meanings(once))
    )
    assert again == once
    assert once.startswith("Above.\n")
    assert once.endswith("\nBelow.\n")
