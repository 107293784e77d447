"""Logging: one line of JSON an event, to standard error. Event names are static; see docs/events.md."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import psycopg

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


_LONGEST_CHAIN: Final = 8
_QUOTING: Final = ("22", "23")
"""Classes of SQLSTATE (data, integrity) whose messages quote what was refused."""


def described(error: BaseException | None) -> str:
    """A trace without any value: where it went wrong, and what kind of error came from which.

    Messages of errors quote what they refuse: a row, a header, a part of somebody's JSON. Only those
    of this program and of the system are written by people who knew that they would be read by others.
    """
    parts: list[str] = []
    while error is not None and len(parts) < _LONGEST_CHAIN:
        where = "".join(traceback.format_tb(error.__traceback__))
        parts.append(f"{where}{type(error).__qualname__}{_said(error)}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\nFollowing:\n".join(parts)


def _said(error: BaseException) -> str:
    if isinstance(error, psycopg.Error):
        return _said_by_database(error)
    if isinstance(error, OSError) and error.strerror:
        return f": {error.strerror}"
    return f": {error}" if type(error).__module__.startswith("tillstream.") else ""


def _said_by_database(error: psycopg.Error) -> str:
    told = error.diag
    code = error.sqlstate or ""
    names = [name for name in (told.table_name, told.column_name, told.constraint_name) if name]
    message = told.message_primary or ""
    if not code and isinstance(error, psycopg.OperationalError):
        message = str(error)  # of a connection: where to and as whom, never with what password
    if code[:2] in _QUOTING:
        message = ""
    return "".join(
        [
            f" {code}" if code else "",
            f" ({', '.join(names)})" if names else "",
            f": {message}" if message else "",
        ]
    )


class JsonLines(logging.Formatter):
    """A record as one JSON object: time, level, event, where, and the event's own fields."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "where": record.name,
            **{name: value for name, value in vars(record).items() if name not in _STANDARD},
        }
        if record.exc_info:
            line["error"] = described(record.exc_info[1])
        return msgspec.json.encode(line, enc_hook=str).decode()


def trace_to_stderr() -> None:
    """Let an error that ends the program, or a thread, be told without values from now on."""
    sys.excepthook = lambda _, error, __: _write(error)
    threading.excepthook = lambda told: _write(told.exc_value)


def _write(error: BaseException | None) -> None:
    if not isinstance(error, SystemExit):
        sys.stderr.write(described(error) + "\n")


def log_to_stderr(level: str) -> None:
    """Log from now on, at this level and above."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # Libraries speak up only when something is wrong.
    for noisy in ("psycopg", "aio_pika", "aiormq", "asyncio", "httpx", "httpcore"):
        logging.getLogger(noisy).setLevel("WARNING")
