"""The ledger as a pure function: what an order adds to each measure, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from tillstream.foundation.money import proportion
from tillstream.mirror.orders import is_tip

if TYPE_CHECKING:
    from tillstream.mirror.orders import Line, Order
    from tillstream.mirror.refunds import Edit, Refund

Amounts: TypeAlias = dict[str, int]
"""Measure to amount: money in ten-thousandths, or a count. Zeros are left out."""

_RATE_SCALE = 10**8
_SALES = (
    "gross_sales",
    "discounts",
    "sales_reversals",
    "shipping",
    "taxes",
    "duties",
    "additional_fees",
)


class LineAmounts(NamedTuple):
    """What one line of an order has of an entry's amounts."""

    line_id: int
    product_id: int | None
    variant_id: int | None
    vendor: str | None
    amounts: Amounts


class Facets(NamedTuple):
    """By what the sales of an order can be told apart; None where it is not known."""

    channel: str | None = None
    country: str | None = None
    region: str | None = None
    referrer: str | None = None
    landing: str | None = None
    discount_codes: tuple[str, ...] = ()


NO_FACETS: Final = Facets()


class Entry(NamedTuple):
    """One line of the ledger: ``entry`` names what happened, ``at`` when (µs since the epoch).

    ``lines`` says what each line has of the amounts; what belongs to none is what they leave over.
    """

    entry: str
    at: int
    customer_id: int | None
    amounts: Amounts
    lines: tuple[LineAmounts, ...] = ()
    facets: Facets = NO_FACETS


class _Part(NamedTuple):
    """What some units of a line amount to."""

    gross: int
    discounts: int
    taxes: int


def order_entries(order: Order) -> list[Entry]:
    """What an order contributes, at its placement and at each edit, refund and cancellation.

    A test order, a deleted one, and one of which only a refund has arrived contribute nothing.
    """
    placed_at = order.placed_at
    if not order.known or order.test or order.deleted or placed_at is None:
        return []
    placement, edits = _placement_and_edits(order)
    happened: list[tuple[str, int, Amounts]] = [
        ("placement", placed_at, placement),
        *(
            (f"edit:{key}", order.edits[key].committed_at or placed_at, sums)
            for key, sums in edits.items()
        ),
        *(
            (f"refund:{key}", refund.happened_at or placed_at, _refund(order, refund))
            for key, refund in order.refunds.items()
        ),
    ]
    if order.cancelled_at is not None:
        happened.append(
            ("cancellation", order.cancelled_at, _remainder([sums for _, _, sums in happened]))
        )
    return [
        Entry(entry, at, order.customer_id, kept)
        for entry, at, sums in happened
        if (kept := {measure: amount for measure, amount in sums.items() if amount})
    ]


def total_sales(amounts: Amounts) -> int:
    """Total sales in ten-thousandths, of the additive measures it is made of."""
    get = amounts.get
    return (
        get("gross_sales", 0) - get("discounts", 0) - get("sales_reversals", 0) + get("shipping", 0)
        + get("taxes", 0) + get("duties", 0) + get("additional_fees", 0)
    )  # fmt: skip


def _placement_and_edits(order: Order) -> tuple[Amounts, dict[str, Amounts]]:
    """The sale as placed, and what each edit added or took away."""
    currency = order.currency or ""
    placement: Amounts = dict.fromkeys(
        (*_SALES, "placed_gross", "placed_discounts", "gift_cards_sold", "tips"), 0
    )
    edits: dict[str, Amounts] = {}
    for line in order.lines:
        if line.gift_card:
            placement["gift_cards_sold"] += line.price * line.quantity
        elif is_tip(line, order):
            placement["tips"] += line.price * line.quantity
        else:
            whole = _line(line, currency, taxes_included=order.taxes_included)
            left = whole
            for key, units in _added(order, line):
                share = _share(whole, units, line.quantity, currency)
                left = _Part(
                    left.gross - share.gross,
                    left.discounts - share.discounts,
                    left.taxes - share.taxes,
                )
                _add(edits.setdefault(key, {}), share)
            _add(placement, left)
            _take_back_removed(order, line, whole, placement, edits)
    placement["placed_gross"], placement["placed_discounts"] = (
        placement["gross_sales"],
        placement["discounts"],
    )
    for shipping in order.shipping:
        placement["shipping"] += shipping.price - (shipping.tax if order.taxes_included else 0)
        placement["taxes"] += shipping.tax
    placement["duties"] += order.duties
    placement["additional_fees"] += order.additional_fees
    placement["orders"] = 1
    placement["customer_orders"] = int(order.customer_id is not None)
    return placement, edits


def _line(line: Line, currency: str, *, taxes_included: bool) -> _Part:
    """A whole line: gross without tax, discounts without tax, tax."""
    paid = line.price * line.quantity
    gross, net = paid, paid - line.discount
    if taxes_included:
        gross = (
            proportion(paid, _RATE_SCALE, _RATE_SCALE + line.rate, currency) if line.rate else paid
        )
        net -= line.tax
    return _Part(gross, gross - net, line.tax)


def _added(order: Order, line: Line) -> list[tuple[str, int]]:
    """Units of a line that edits added, by edit, never more than the line has."""
    result: list[tuple[str, int]] = []
    left = line.quantity
    for key, edit in _edits_in_order(order):
        units = min(edit.additions.get(line.id, 0), left)
        if units > 0:
            result.append((key, units))
            left -= units
    return result


def _edits_in_order(order: Order) -> list[tuple[str, Edit]]:
    return sorted(order.edits.items(), key=lambda item: (item[1].committed_at or 0, item[0]))


def _share(whole: _Part, units: int, quantity: int, currency: str) -> _Part:
    """What ``units`` of a line's ``quantity`` amount to, rounded to the currency."""
    return _Part(*(proportion(amount, units, quantity, currency) for amount in whole))


def _add(amounts: Amounts, part: _Part) -> None:
    amounts["gross_sales"] = amounts.get("gross_sales", 0) + part.gross
    amounts["discounts"] = amounts.get("discounts", 0) + part.discounts
    amounts["taxes"] = amounts.get("taxes", 0) + part.taxes


def _take_back_removed(
    order: Order, line: Line, whole: _Part, placement: Amounts, edits: dict[str, Amounts]
) -> None:
    """Reverse units that are gone though no refund tells of them.

    An edit that removes units normally leaves a refund record. Where the record is missing the
    units are reversed at the edits that removed them, else with the placement. What a cancellation
    takes away is reversed by the cancellation.
    """
    if line.current_quantity is None or line.quantity <= 0:
        return
    refunded = sum(
        given.quantity
        for refund in order.refunds.values()
        for given in refund.lines
        if given.line_item_id == line.id
    )
    missing = line.quantity - line.current_quantity - refunded
    for key, edit in _edits_in_order(order):
        units = min(edit.removals.get(line.id, 0), missing)
        if units > 0:
            missing -= units
            _reverse(
                edits.setdefault(key, {}), _share(whole, units, line.quantity, order.currency or "")
            )
    if missing > 0 and order.cancelled_at is None:
        _reverse(placement, _share(whole, missing, line.quantity, order.currency or ""))


def _reverse(amounts: Amounts, part: _Part) -> None:
    amounts["sales_reversals"] = amounts.get("sales_reversals", 0) + part.gross - part.discounts
    amounts["taxes"] = amounts.get("taxes", 0) - part.taxes


def _refund(order: Order, refund: Refund) -> Amounts:
    """What a refund takes back: of lines that were sales, of shipping, of duties."""
    lines = {line.id: line for line in order.lines}
    reversed_sales = taxes = 0
    for given in refund.lines:
        line = lines.get(given.line_item_id)
        if given.gift_card or (line is not None and (line.gift_card or is_tip(line, order))):
            continue
        reversed_sales += given.subtotal - (given.tax if order.taxes_included else 0)
        taxes += given.tax
    return {
        "sales_reversals": reversed_sales,
        "shipping": -refund.shipping,
        "taxes": -taxes - refund.shipping_tax,
        "duties": -refund.duties,
    }


def _remainder(sums: list[Amounts]) -> Amounts:
    """What a cancellation has to take back so that the order nets to zero."""
    total = {measure: sum(one.get(measure, 0) for one in sums) for measure in _SALES}
    return {
        "sales_reversals": total["gross_sales"] - total["discounts"] - total["sales_reversals"],
        **{
            measure: -total[measure]
            for measure in ("shipping", "taxes", "duties", "additional_fees")
        },
    }
