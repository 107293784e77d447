"""SQL that lives in ``.sql`` files beside the code that runs it."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from typing import LiteralString


def statement(package: str, name: str) -> LiteralString:
    """The text of ``<package>/sql/<name>.sql``: part of the program, hence a literal."""
    text = (resources.files(package) / "sql" / f"{name}.sql").read_text()
    return cast("LiteralString", text)
