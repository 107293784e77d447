"""Opaque cursors: where the next page of a list begins. Pure."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import datetime
from typing import Any, cast


class CursorRefused(ValueError):
    """The text is no cursor of this list."""

    def __init__(self) -> None:
        super().__init__("This is not a cursor of this list. Begin again without one.")


def write_cursor(*keys: datetime | str | int) -> str:
    """A cursor that stands after the row with these sort keys."""
    values = [key.isoformat() if isinstance(key, datetime) else key for key in keys]
    text = json.dumps(values, separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def read_cursor(text: str, kinds: tuple[type[datetime | str | int], ...]) -> tuple[Any, ...]:
    """The keys of a cursor that consists of ``kinds``.

    Raises:
        CursorRefused: if it is not one.
    """
    values = _values(text)
    if len(values) != len(kinds):
        raise CursorRefused
    return tuple(_read(value, kind) for value, kind in zip(values, kinds, strict=True))


def _values(text: str) -> list[object]:
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        values: object = json.loads(decoded)
    except (binascii.Error, ValueError, RecursionError) as error:
        raise CursorRefused from error
    if not isinstance(values, list):
        raise CursorRefused
    return cast("list[object]", values)


def _read(value: object, kind: type[datetime | str | int]) -> datetime | str | int:
    if kind is datetime:
        return _time(value)
    if type(value) is not kind or not _storable(value):
        raise CursorRefused
    return cast("str | int", value)


def _time(text: object) -> datetime:
    try:
        moment = datetime.fromisoformat(text if isinstance(text, str) else "")
    except ValueError as error:
        raise CursorRefused from error
    if moment.tzinfo is None:
        raise CursorRefused
    return moment


def _storable(value: object) -> bool:
    """Whether PostgreSQL can compare with it: text without NUL or half a pair, 64 signed bits."""
    if isinstance(value, str):
        return "\0" not in value and not any("\ud800" <= one <= "\udfff" for one in value)
    return isinstance(value, int) and -(2**63) <= value < 2**63
