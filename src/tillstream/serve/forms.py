"""In what form an answer is asked for, and what each kind of value looks like in it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Literal

from tillstream.foundation.money import format_money

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from zoneinfo import ZoneInfo

Form = Literal["json", "csv", "parquet"]
Kind = Literal["id", "text", "texts", "count", "money", "number", "time", "date", "flag"]
"""What a column holds: ids are Shopify's numbers, money is ten-thousandths, a number is a rate or
an average, times are aware."""

MEDIA_TYPES: Final[dict[Form, str]] = {
    "json": "application/json",
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
}
_SUFFIXES: Final[dict[str, Form]] = {".csv": "csv", ".parquet": "parquet"}
_DEFAULT_QUALITY: Final = 1.0
# What a spreadsheet takes for a formula, also after blanks and in full width; see
# https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA: Final = re.compile(r"'*\s*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


@dataclass(frozen=True)
class Column:
    """A column of a list or table: its name in the API and in files, and what it holds."""

    name: str
    kind: Kind


@dataclass(frozen=True)
class Place:
    """In what currency amounts are, and in what zone times are told."""

    currency: str
    zone: ZoneInfo


def choose_form(path: str, accept: str | None) -> Form:
    """The form asked for: the path's suffix decides, else the Accept header, else it is JSON.

    Of what the header likes equally, JSON comes first. A header that likes nothing we have is
    answered in JSON all the same.
    """
    for suffix, form in _SUFFIXES.items():
        if path.endswith(suffix):
            return form
    if not accept:
        return "json"
    wishes = _wishes(accept)
    liked: dict[Form, float] = {
        form: _liking(media_type, wishes) for form, media_type in MEDIA_TYPES.items()
    }
    return max(liked, key=lambda form: liked[form])


def _wishes(accept: str) -> dict[str, float]:
    """Media ranges with the quality given to each."""
    wishes: dict[str, float] = {}
    for part in accept.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = next((one[2:] for one in parameters if one.startswith("q=")), "1")
        wishes[name] = _quality(quality)
    return wishes


def _quality(text: str) -> float:
    return float(text) if re.fullmatch(r"[01](\.[0-9]{0,3})?", text) else _DEFAULT_QUALITY


def _liking(media_type: str, wishes: dict[str, float]) -> float:
    """The quality of the range that names a type most exactly; 0 where none does."""
    kind = media_type.partition("/")[0]
    for named in (media_type, f"{kind}/*", "*/*"):
        if named in wishes:
            return wishes[named]
    return 0.0


def in_json(kind: Kind, value: Any, place: Place) -> Any:  # noqa: ANN401 - a row holds any type
    """A value as the API shows it; None stays None."""
    if value is None:
        return None
    match kind:
        case "id":
            return str(value)
        case "money":
            return format_money(value, place.currency)
        case "time":
            return value.astimezone(place.zone)
        case _:
            return value


def in_row(columns: Sequence[Column], row: Sequence[Any], place: Place) -> dict[str, Any]:
    """A row as the API shows it."""
    return {
        column.name: in_json(column.kind, value, place)
        for column, value in zip(columns, row, strict=True)
    }


def in_parquet(kind: Kind, value: Any, place: Place) -> Any:  # noqa: ANN401 - see in_json
    """A value as Parquet takes it: ids stay numbers, money is an exact decimal."""
    if value is None:
        return None
    match kind:
        case "money":
            return Decimal(format_money(value, place.currency))
        case _:
            return value


def in_csv(kind: Kind, value: Any, place: Place) -> str:  # noqa: ANN401 - see in_json
    """A value as a cell, which no spreadsheet takes for a formula; None is an empty cell."""
    return "" if value is None else _CELLS[kind](value, place)


def harmless(text: str) -> str:
    """Text as a cell that a spreadsheet shows and does not calculate: with an apostrophe before it.

    Text that looks so already gets one more, so that what was written can be told from the cell.
    """
    return f"'{text}" if _FORMULA.match(text) else text


def _harmless_in_list(text: str) -> str:
    """One of several texts in a cell: harmless also where a spreadsheet splits lines at semicolons."""
    return ";".join(map(harmless, text.split(";")))


def as_written(cell: str) -> str:
    """The text that ``harmless`` made a cell of."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


_CELLS: Final[dict[Kind, Callable[[Any, Place], str]]] = {
    "id": lambda value, _: str(value),
    "text": lambda value, _: harmless(value),
    "texts": lambda value, _: "; ".join(map(_harmless_in_list, value)),
    "count": lambda value, _: str(value),
    "money": lambda value, place: format_money(value, place.currency),
    "number": lambda value, _: str(value),
    "time": lambda value, place: value.astimezone(place.zone).isoformat(),
    "date": lambda value, _: value.isoformat(),
    "flag": lambda value, _: "true" if value else "false",
}
