"""What an order sold, when it was placed and when an edit or an exchange added to it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from tillstream.foundation.money import proportion
from tillstream.mirror.orders import is_tip
from tillstream.rollup.happenings import Moment, edits_of, placement_of, refunds_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tillstream.mirror.orders import Line, Order, Shipping
    from tillstream.rollup.happenings import Amounts, Happenings

_RATE_SCALE = 10**8


class Worth(NamedTuple):
    """What some units of a line amount to, in ten-thousandths.

    ``gross`` and ``discounts`` are without tax; ``inside`` is the tax that was taken out of
    ``gross``, where prices include it.
    """

    gross: int
    discounts: int
    taxes: int
    inside: int

    def less(self, part: Worth) -> Worth:
        """What is left without a part."""
        return Worth(*(whole - taken for whole, taken in zip(self, part, strict=True)))

    @property
    def net(self) -> int:
        """Gross less discounts."""
        return self.gross - self.discounts


def sell(order: Order, happenings: Happenings) -> None:
    """Write down the sale as placed, and what edits and exchanges added."""
    placed = happenings.of(*placement_of(order))
    for line in order.lines:
        _sell_line(order, line, happenings)
    for shipping in order.shipping:
        happenings.of(*_shipped_at(order, shipping)).add(charge(order, shipping))
    placed.add(
        {
            "orders": 1,
            "customer_orders": int(order.customer_id is not None),
            "duties": order.duties,
            "taxes": duty_tax(order, order.duties),
            "additional_fees": order.additional_fees,
            "cash_rounding": order.payment_rounding,
        }
    )
    for amounts in (placed.rest, *placed.lines.values()):
        amounts["placed_gross"] = amounts.get("gross_sales", 0)
        amounts["placed_discounts"] = amounts.get("discounts", 0)


def beside_sales(order: Order, line: Line) -> Literal["gift_cards_sold", "tips"] | None:
    """The measure of a line that is no sale; None for a sale."""
    if line.gift_card:
        return "gift_cards_sold"
    return "tips" if is_tip(line, order) else None


def worth_of(order: Order, line: Line) -> Worth:
    """A whole line, all of its units ever ordered."""
    paid = line.price * line.quantity
    if not order.taxes_included:
        return Worth(paid, line.discount, line.tax, 0)
    gross = _without_tax(line, paid, order.currency or "")
    return Worth(gross, gross - (paid - line.discount - line.tax), line.tax, paid - gross)


def share_of(whole: Worth, units: int, quantity: int, currency: str) -> Worth:
    """What ``units`` of a line's ``quantity`` amount to, rounded to the currency."""
    return Worth(*(proportion(amount, units, quantity, currency) for amount in whole))


def duty_tax(order: Order, duties: int) -> int:
    """The tax on so much of an order's duties."""
    tax = sum(line.duty_tax for line in order.lines)
    if order.duties <= 0 or not tax:
        return tax
    return proportion(tax, duties, order.duties, order.currency or "")


def charge(order: Order, shipping: Shipping) -> Amounts:
    """What a shipping line charged: without its tax, and the tax."""
    inside = shipping.tax if order.taxes_included else 0
    return {
        "shipping": shipping.price - inside,
        "taxes": shipping.tax,
    }


def _without_tax(line: Line, paid: int, currency: str) -> int:
    """A price without the tax that is in it.

    Without a discount the tax told is the tax in the price, and taking it out leaves no cent over
    that would look like a discount. With one, the tax told is that of the reduced price; the rates
    say what was in the full one.
    """
    if line.tax and not line.discount:
        return paid - line.tax
    if line.rate:
        return proportion(paid, _RATE_SCALE, _RATE_SCALE + line.rate, currency)
    reduced = paid - line.discount
    return proportion(paid, reduced - line.tax, reduced, currency) if reduced > 0 else paid


def _sell_line(order: Order, line: Line, happenings: Happenings) -> None:
    whole = left = worth_of(order, line)
    units_left = line.quantity
    for moment, units in _added(order, line):
        part = share_of(whole, units, line.quantity, order.currency or "")
        _write(order, line, moment, part, units, happenings)
        left = left.less(part)
        units_left -= units
    _write(order, line, placement_of(order), left, units_left, happenings)


def _write(
    order: Order, line: Line, moment: Moment, part: Worth, units: int, happenings: Happenings
) -> None:
    happening = happenings.of(*moment)
    if beside := beside_sales(order, line):
        happening.add({beside: line.price * units})
        return
    happening.add(
        {
            "gross_sales": part.gross,
            "discounts": part.discounts,
            "taxes": part.taxes,
            "units_sold": units,
        },
        line.id,
    )
    happening.add({"tax_in_prices": part.inside})


def _added(order: Order, line: Line) -> Iterator[tuple[Moment, int]]:
    """Units of a line that came later, by what brought them, never more than the line has."""
    left = line.quantity
    for moment, key in edits_of(order):
        units = min(order.edits[key].additions.get(line.id, 0), left)
        if units > 0:
            yield moment, units
            left -= units
    if left > 0 and (moment := _exchanged_at(order, line)) is not None:
        yield moment, left


def _exchanged_at(order: Order, line: Line) -> Moment | None:
    """When an exchange brought the line: with the first refund of the same return."""
    returned = order.exchanges.get(line.id)
    if returned is None:
        return None
    for moment, key in refunds_of(order):
        if order.refunds[key].return_id == returned:
            return Moment(f"edit:return-{returned}", moment.at)
    return None


def _shipped_at(order: Order, shipping: Shipping) -> Moment:
    """When a shipping line was charged: at the edit that added it, else at the placement."""
    for moment, key in edits_of(order):
        if shipping.id is not None and shipping.id in order.edits[key].shipping_additions:
            return moment
    return placement_of(order)
