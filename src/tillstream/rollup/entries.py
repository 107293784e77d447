"""The ledger as a pure function: what an order adds to each measure, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tillstream.rollup.happenings import PLACEMENT, Amounts, Happenings
from tillstream.rollup.placement import sell
from tillstream.rollup.reversals import take_back
from tillstream.rollup.sending import step_of

if TYPE_CHECKING:
    from tillstream.mirror.orders import Line, Order
    from tillstream.rollup.happenings import Happening

_LONGEST: Final = 255
"""Characters of a code or a channel: they become keys of sums."""


class LineAmounts(NamedTuple):
    """What one line of an order has of an entry's amounts."""

    line_id: int
    product_id: int | None
    variant_id: int | None
    vendor: str | None
    amounts: Amounts


class Facets(NamedTuple):
    """By what the sales of an order can be told apart; None where it is not known.

    ``region`` is written with its country: ``US-CA``.
    """

    channel: str | None = None
    country: str | None = None
    region: str | None = None
    referrer: str | None = None
    landing: str | None = None
    discount_codes: tuple[str, ...] = ()


NO_FACETS: Final = Facets()


class Entry(NamedTuple):
    """One line of the ledger: ``entry`` names what happened, ``at`` when (µs since the epoch).

    Zeros are left out of the amounts. ``lines`` says what each line has of them; what belongs to
    none is what they leave over. ``sent_after`` is a placement's alone: how long it took until the
    first parcel was sent, as a step of ``rollup/sending.py``; None while none was sent.
    """

    entry: str
    at: int
    customer_id: int | None
    amounts: Amounts
    lines: tuple[LineAmounts, ...] = ()
    facets: Facets = NO_FACETS
    sent_after: int | None = None


def order_entries(order: Order) -> list[Entry]:
    """What an order contributes, at its placement and at each edit, refund and cancellation.

    A test order, a deleted one, and one of which only a refund has arrived contribute nothing.
    """
    if not order.known or order.test or order.deleted or order.placed_at is None:
        return []
    happenings = Happenings()
    sell(order, happenings)
    take_back(order, happenings)
    facets = facets_of(order)
    lines = {line.id: line for line in order.lines}
    return [
        Entry(
            name,
            one.at,
            order.customer_id,
            amounts,
            _line_amounts(one, lines),
            facets,
            _sent_after(order, one) if name == PLACEMENT else None,
        )
        for name, one in happenings.items()
        if (amounts := _without_zeros(one.total()))
    ]


def _sent_after(order: Order, placement: Happening) -> int | None:
    return None if order.fulfilled_at is None else step_of(placement.at, order.fulfilled_at)


def facets_of(order: Order) -> Facets:
    """By what the sales of an order can be told apart."""
    return Facets(
        _short(order.channel),
        order.country,
        _region(order.country, order.region),
        order.referrer,
        order.landing,
        tuple(code[:_LONGEST] for code in order.discount_codes),
    )


def total_sales(amounts: Amounts) -> int:
    """Total sales in ten-thousandths, of the additive measures it is made of."""
    get = amounts.get
    return (
        get("gross_sales", 0) - get("discounts", 0) - get("sales_reversals", 0) + get("shipping", 0)
        + get("taxes", 0) + get("duties", 0) + get("additional_fees", 0)
    )  # fmt: skip


def _line_amounts(one: Happening, lines: dict[int, Line]) -> tuple[LineAmounts, ...]:
    return tuple(
        _of_line(line_id, lines.get(line_id), kept)
        for line_id, amounts in one.lines.items()
        if (kept := _without_zeros(amounts))
    )


def _of_line(line_id: int, line: Line | None, amounts: Amounts) -> LineAmounts:
    """A line by its id; a refund may tell of one that the order's bodies do not have."""
    if line is None:
        return LineAmounts(line_id, None, None, None, amounts)
    return LineAmounts(line_id, line.product_id, line.variant_id, _short(line.vendor), amounts)


def _without_zeros(amounts: Amounts) -> Amounts:
    return {measure: amount for measure, amount in amounts.items() if amount}


def _region(country: str | None, region: str | None) -> str | None:
    """The region with its country. Some of Shopify's codes of provinces have it already."""
    if country is None or region is None:
        return None
    return region if region.startswith(f"{country}-") else f"{country}-{region}"


def _short(text: str | None) -> str | None:
    return None if text is None else text[:_LONGEST]
