"""The documents under test, and how they are read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[2]
README: Final = ROOT / "README.md"
DOCUMENTS: Final = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

_FENCE: Final = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_SPAN: Final = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


def name(document: Path) -> str:
    return document.relative_to(ROOT).as_posix()


def fences(text: str, *languages: str) -> Iterator[str]:
    """What stands in fenced blocks of these languages."""
    for match in _FENCE.finditer(text):
        if match[2] in languages:
            yield match[3]


def prose(text: str) -> str:
    """The text without its fenced blocks."""
    return _FENCE.sub("", text)


def spans(text: str) -> list[str]:
    """What stands between single backticks, outside fenced blocks."""
    return _SPAN.findall(prose(text))


def rows(text: str, head: str) -> list[list[str]]:
    """The cells of the table below a heading of level two, without its first two lines."""
    section = text.partition(f"\n## {head}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
