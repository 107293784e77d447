"""Which events the sources log, and which metrics they print."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LOGGERS: Final = frozenset({"log", "_log"})
_LEVELS: Final = {
    "debug": "debug",
    "info": "info",
    "warning": "warning",
    "error": "error",
    "exception": "error",
    "critical": "critical",
}


class LogEvent(NamedTuple):
    """One kind of log line, whichever places write it."""

    name: str
    level: str
    fields: tuple[str, ...]
    places: tuple[str, ...]
    """Files below the package, with slashes."""


class Metric(NamedTuple):
    """One metric of the text format."""

    name: str
    kind: str
    labels: tuple[str, ...]
    purpose: str


def log_events(folder: Path) -> list[LogEvent]:
    """Every event that the sources below ``folder`` log, by name.

    Raises:
        ValueError: for a message that is no literal string, or fields that are no literal names.
    """
    found: dict[str, LogEvent] = {}
    for file, tree in _parsed(folder):
        place = file.relative_to(folder).as_posix()
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and (one := _log_event(node, place)) is not None:
                found[one.name] = _united(found.get(one.name), one)
    return [found[name] for name in sorted(found, key=_static_first)]


def _log_event(call: ast.Call, place: str) -> LogEvent | None:
    method = call.func
    if not (
        isinstance(method, ast.Attribute)
        and isinstance(method.value, ast.Name)
        and method.value.id in _LOGGERS
        and method.attr in _LEVELS
    ):
        return None
    name = _literal(call.args[0] if call.args else None, place)
    fields = [
        key for extra in call.keywords if extra.arg == "extra" for key in _keys(extra.value, place)
    ]
    if method.attr == "exception":
        fields.append("error")
    return LogEvent(name, _LEVELS[method.attr], tuple(fields), (place,))


def _literal(node: ast.expr | None, place: str) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    message = f"{place}: the name of a log event is not a literal string"
    raise ValueError(message)


def _keys(node: ast.expr, place: str) -> list[str]:
    if isinstance(node, ast.Dict):
        return [_literal(key, place) for key in node.keys]
    message = f"{place}: the fields of a log event are not written out"
    raise ValueError(message)


def _united(known: LogEvent | None, one: LogEvent) -> LogEvent:
    if known is None:
        return one
    return LogEvent(
        one.name,
        one.level if one.level == known.level else f"{known.level}, {one.level}",
        (*known.fields, *(name for name in one.fields if name not in known.fields)),
        (*known.places, *(place for place in one.places if place not in known.places)),
    )


def _static_first(name: str) -> tuple[bool, str]:
    return (" " in name, name)


def metrics(folder: Path) -> list[Metric]:
    """Every metric that the sources below ``folder`` print, by name."""
    texts = [text for _, tree in _parsed(folder) for text in _texts(tree)]
    purposes = {
        name: purpose for text in texts for name, purpose in re.findall(r"# HELP (\w+) (.+)", text)
    }
    kinds = {
        name: kind
        for text in texts
        for name, kind in re.findall(r"# TYPE (\w+) (counter|gauge)", text)
    }
    labels = {
        name: tuple(re.findall(r"(\w+)=", inside))
        for text in texts
        for name, inside in re.findall(r"^(tillstream_\w+)\{(.*)\}", text)
    }
    for _, tree in _parsed(folder):
        for name, purpose in _gauges(tree):
            purposes[name], kinds[name] = purpose, "gauge"
    return [
        Metric(name, kinds[name], labels.get(name, ()), purposes[name]) for name in sorted(kinds)
    ]


def _texts(tree: ast.AST) -> Iterator[str]:
    """All strings of a module; what an f-string fills in is left out."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(
                part.value
                for part in node.values
                if isinstance(part, ast.Constant) and isinstance(part.value, str)
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _gauges(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Name and purpose of each call of ``gauge``."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "gauge"
        ):
            told = [part.value for part in node.args[:2] if isinstance(part, ast.Constant)]
            yield str(told[0]), str(told[1])


def _parsed(folder: Path) -> Iterator[tuple[Path, ast.Module]]:
    for file in sorted(folder.rglob("*.py")):
        yield file, ast.parse(file.read_text(), str(file))
