"""The additive measures as columns: the lists of them in SQL are spelled here, not by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from tillstream.rollup.measures import ADDITIVE

if TYPE_CHECKING:
    from typing import LiteralString

# Names out of the registry are part of the program, hence literals.
_COLUMNS: Final = cast("tuple[LiteralString, ...]", ADDITIVE)


def each(
    pattern: LiteralString,
    between: LiteralString = ", ",
    names: tuple[LiteralString, ...] = _COLUMNS,
) -> LiteralString:
    """``pattern`` once for every measure, in the order of ADDITIVE: a ``$`` stands for its name.

    ``each("sum($)")`` is ``sum(gross_sales), sum(discounts), …``.
    """
    return between.join(pattern.replace("$", name) for name in names)
