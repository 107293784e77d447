"""Sales told apart by what orders and lines are: which rows an entry adds to. Pure.

A row is one value of one dimension on one day; months are summed from the days. The amounts are
those that can be told apart, in the order of ``MEASURES``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from tillstream.rollup.entries import LineAmounts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import LiteralString

MEASURES: Final[tuple[LiteralString, ...]] = (
    "gross_sales", "discounts", "sales_reversals", "shipping", "taxes", "duties", "additional_fees", "orders",
    "placed_gross", "placed_discounts", "units_sold", "units_reversed", "customer_orders",
)  # fmt: skip
"""The amounts of a row of ``rollup.breakdown``."""

LINE_MEASURES: Final[tuple[LiteralString, ...]] = (
    "gross_sales", "discounts", "taxes", "units_sold", "placed_gross", "placed_discounts", "sales_reversals",
    "units_reversed",
)  # fmt: skip
"""The amounts of a line in ``rollup.ledger.lines``, after line, product, variant and vendor. Zeros at the
end are left out: what a refund has comes last."""

FACETS: Final = ("channel", "country", "region", "referrer", "landing", "discount_code")
"""The dimensions that belong to orders."""

LINE_DIMENSIONS: Final = ("product", "variant", "vendor")
"""The dimensions that belong to lines."""

_ROWS: Final = msgspec.json.Decoder(list[list[Any]])

_LONGEST: Final = 500
"""Characters of a value. PostgreSQL's keys hold 2,704 bytes, and a character takes four at most."""


def written_lines(lines: Sequence[LineAmounts]) -> list[Sequence[object]] | None:
    """What the ledger keeps of an entry's lines; None of no lines."""
    return [_written(line) for line in lines] or None


def _written(line: LineAmounts) -> Sequence[object]:
    row: list[object] = [*line[:4], *(line.amounts.get(measure, 0) for measure in LINE_MEASURES)]
    while row[-1] == 0:
        row.pop()
    return row


def read_lines(text: str) -> tuple[LineAmounts, ...]:
    """Lines as ``written_lines`` wrote them, from JSON."""
    return tuple(
        LineAmounts(
            line,
            product,
            variant,
            vendor,
            {name: n for name, n in zip(LINE_MEASURES, amounts, strict=False) if n},
        )
        for line, product, variant, vendor, *amounts in _ROWS.decode(text)
    )
