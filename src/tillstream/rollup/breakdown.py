"""Sales told apart by what orders and lines are: which rows an entry adds to. Pure.

A row is one value of one dimension on one day; months are summed from the days. The amounts are
those that can be told apart, in the order of ``MEASURES``.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import msgspec

from tillstream.rollup.entries import LineAmounts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import date
    from typing import LiteralString

    from tillstream.mirror.merge import Store
    from tillstream.rollup.entries import Entry, Facets
    from tillstream.rollup.happenings import Amounts

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
LINE_DIMENSIONS: Final = ("product", "variant", "vendor")
DIMENSIONS: Final = (*FACETS, *LINE_DIMENSIONS)
"""What sales are told apart by: of orders, and of their lines."""

FULFILLED_AFTER: Final = "fulfilled_after"
"""No dimension of sales: by how long it took, the orders placed that were sent, and nothing but orders.
Its values are steps of ``rollup/sending.py``."""

_ROWS: Final = msgspec.json.Decoder(list[list[Any]])

_Place: TypeAlias = tuple[str, str]
"""A dimension and a value of it."""

_Sums: TypeAlias = "dict[_Place, Amounts]"

_KNOWN: Final = frozenset(MEASURES)
_OF_ORDERS: Final = ("orders", "customer_orders")

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


class Cell(NamedTuple):
    """Which row of ``rollup.breakdown``; ``day`` is the first of the month where ``grain`` is month."""

    store: Store
    dimension: str
    grain: str
    day: date
    value: str


class Dated(NamedTuple):
    """An entry on its day, ``sign`` 1 where it comes to the ledger and -1 where it goes."""

    sign: int
    store: Store
    day: date
    entry: Entry


def differences(dated: Iterable[Dated]) -> dict[Cell, Amounts]:
    """What entries that come and go add to each row: some of ``MEASURES``, no zeros.

    Rows to which they add nothing are left out.
    """
    days: defaultdict[tuple[Store, date], _Sums] = defaultdict(dict)
    for one in dated:
        places = days[one.store, one.day]
        for place, amounts in _placed(one.entry):
            _add(places, place, amounts if one.sign > 0 else _negative(amounts))
    months: defaultdict[tuple[Store, date], _Sums] = defaultdict(dict)
    for (store, day), places in days.items():
        month = months[store, day.replace(day=1)]
        for place, amounts in places.items():
            _add(month, place, amounts)
    return {
        Cell(store, dimension, grain, day, value): kept
        for grain, sums in (("day", days), ("month", months))
        for (store, day), places in sums.items()
        for (dimension, value), amounts in places.items()
        if (kept := _without_zeros(amounts))
    }


def _add(sums: _Sums, place: _Place, amounts: Amounts) -> None:
    """Most places are met once in a batch: their amounts are taken as they are, and never changed."""
    there = sums.get(place)
    sums[place] = amounts if there is None else _sum(there, amounts)


def _sum(one: Amounts, other: Amounts) -> Amounts:
    result = dict(one)
    for measure, amount in other.items():
        result[measure] = result.get(measure, 0) + amount
    return result


def _negative(amounts: Amounts) -> Amounts:
    return {measure: -amount for measure, amount in amounts.items()}


def _without_zeros(amounts: Amounts) -> Amounts:
    if 0 not in amounts.values():
        return amounts
    return {measure: amount for measure, amount in amounts.items() if amount}


def _placed(entry: Entry) -> Iterator[tuple[_Place, Amounts]]:
    """Under which values an entry counts, and with what."""
    whole = {measure: amount for measure, amount in entry.amounts.items() if measure in _KNOWN}
    if whole:
        for place in facet_places(entry.facets):
            yield place, whole
    if entry.sent_after is not None:
        yield (FULFILLED_AFTER, str(entry.sent_after)), {"orders": 1}
    if entry.lines:
        placed = {measure: whole[measure] for measure in _OF_ORDERS if measure in whole}
        for dimension, key in (("product", _product), ("variant", _variant), ("vendor", _vendor)):
            for value, amounts in _by_value(entry.lines, key, placed).items():
                yield (dimension, value), amounts


def facet_places(facets: Facets) -> list[_Place]:
    """The dimensions of orders, each with the value or values under which an order counts."""
    return [
        ("channel", _value(facets.channel)),
        ("country", _value(facets.country)),
        ("region", _value(facets.region)),
        ("referrer", _value(facets.referrer)),
        ("landing", _value(facets.landing)),
        *(("discount_code", code) for code in {*map(_value, facets.discount_codes or ("",))}),
    ]


def _by_value(
    lines: Iterable[LineAmounts], key: Callable[[LineAmounts], str], placed: Amounts
) -> dict[str, Amounts]:
    """What an entry's lines have of its amounts, by one of their dimensions.

    ``placed`` are orders, which are no line's: they count once under every value of their lines.
    """
    values: dict[str, Amounts] = {}
    for line in lines:
        if any(line.amounts.values()):
            value = key(line)
            there = values.get(value)
            values[value] = (
                {**line.amounts, **placed} if there is None else _sum(there, line.amounts)
            )
    return values


def _product(line: LineAmounts) -> str:
    return "" if line.product_id is None else str(line.product_id)


def _variant(line: LineAmounts) -> str:
    return "" if line.variant_id is None else str(line.variant_id)


def _vendor(line: LineAmounts) -> str:
    return _value(line.vendor)


def _value(text: str | None) -> str:
    return (text or "")[:_LONGEST]
