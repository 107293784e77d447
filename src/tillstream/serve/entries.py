"""Entries of the ledger as the API shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tillstream.rollup.breakdown import read_lines
from tillstream.serve.forms import in_json
from tillstream.serve.questions.ledger import AMOUNTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tillstream.serve.forms import Kind, Place

KINDS: Final[Mapping[str, Kind]] = {column.name: column.kind for column in AMOUNTS}
"""What each measure of an entry holds, in the order in which statements select them."""


def amounts_shown(amounts: Mapping[str, int], place: Place) -> dict[str, object]:
    """The measures that are not zero."""
    return {
        name: in_json(kind, amounts[name], place)
        for name, kind in KINDS.items()
        if amounts.get(name)
    }


def lines_shown(text: str | None, place: Place) -> list[dict[str, object]]:
    """What each line of the order has of an entry; see ``rollup/breakdown.py`` for the text."""
    return [
        {
            "product_id": in_json("id", line.product_id, place),
            "variant_id": in_json("id", line.variant_id, place),
            "vendor": line.vendor,
            "amounts": amounts_shown(line.amounts, place),
        }
        for line in read_lines(text or "[]")
    ]
