"""What statements are made of: the text of ``.sql`` files, and many rows in one parameter."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, cast

import msgspec

if TYPE_CHECKING:
    from typing import LiteralString


def statement(package: str, name: str) -> LiteralString:
    """The text of ``<package>/sql/<name>.sql``: part of the program, hence a literal."""
    text = (resources.files(package) / "sql" / f"{name}.sql").read_text()
    return cast("LiteralString", text)


def json_text(value: object) -> str:
    """Rows, or keys of them, as one JSON text, which the statement takes apart again."""
    return msgspec.json.encode(value).decode()
