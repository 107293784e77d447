"""What was taken back of an order: by refunds, by edits without a refund, by its cancellation. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tillstream.foundation.money import proportion
from tillstream.rollup.happenings import (
    CANCELLATION,
    added,
    edits_of,
    last_change,
    placement_of,
    refunds_of,
    standing_refunds,
)
from tillstream.rollup.placement import beside_sales, charge, duty_tax

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tillstream.mirror.orders import Line, Order
    from tillstream.mirror.refunds import Refund, RefundLine
    from tillstream.rollup.happenings import Amounts, Happening, Happenings, Moment


def take_back(order: Order, happenings: Happenings) -> None:
    """Write down all that was taken back; what was sold has been written before."""
    standing = {key for _, key in standing_refunds(order)}
    duties = 0
    for moment, key in refunds_of(order):
        refund = order.refunds[key]
        happening = happenings.of(*moment)
        # Money may be given back long after the cancellation that took back the sale.
        happening.add({"refund_adjustments": refund.adjustment})
        if key in standing:
            _refund(order, refund, happening)
            # Shares of running totals leave no cent.
            taxes = duty_tax(order, duties + refund.duties) - duty_tax(order, duties)
            happening.add({"taxes": -taxes})
            duties += refund.duties
    if order.refund_rounding:
        happenings.of(*last_change(order)).add({"cash_rounding": -order.refund_rounding})
    if order.cancelled_at is None:
        _take_back_without_record(order, happenings)
    else:
        refunded = _units_refunded(order)
        for line in order.lines:
            _take_back_removed(order, line, refunded, happenings)
        _take_back_shipping(order, happenings)
        _cancel(happenings, order.cancelled_at)


def _refund(order: Order, refund: Refund, happening: Happening) -> None:
    """What a refund takes back: of lines, of shipping, of duties and fees."""
    lines = {line.id: line for line in order.lines}
    for given in refund.lines:
        line = lines.get(given.line_item_id)
        beside = beside_sales(order, line) if line is not None else None
        if beside or given.gift_card:
            happening.add(_given_back_beside(beside or "gift_cards_sold", line, given))
        else:
            happening.add(_given_back(order, given), given.line_item_id)
    happening.add(
        {
            "shipping": -refund.shipping,
            "taxes": -refund.shipping_tax,
            "duties": -refund.duties,
            "additional_fees": -refund.additional_fees,
        }
    )


def _given_back(order: Order, given: RefundLine) -> Amounts:
    return {
        "sales_reversals": given.subtotal - (given.tax if order.taxes_included else 0),
        "taxes": -given.tax,
        "units_reversed": given.quantity,
    }


def _given_back_beside(measure: str, line: Line | None, given: RefundLine) -> Amounts:
    """A gift card or tip, at the price at which it was counted."""
    return {measure: -(given.subtotal if line is None else line.price * given.quantity)}


def _take_back_without_record(order: Order, happenings: Happenings) -> None:
    """Reverse what the order no longer has though no refund tells of it."""
    units = _units_refunded(order)
    for line in order.lines:
        _take_back_removed(order, line, units, happenings)
    _take_back_shipping(order, happenings)
    refunded = sum(refund.duties for refund in order.refunds.values())
    duties = _gone(order.duties, order.current_duties, refunded)
    given_back = sum(refund.additional_fees for refund in order.refunds.values())
    fees = _gone(order.additional_fees, order.current_additional_fees, given_back)
    if duties or fees:
        taxes = duty_tax(order, refunded + duties) - duty_tax(order, refunded)
        happening = happenings.of(*last_change(order))
        happening.add({"duties": -duties, "additional_fees": -fees, "taxes": -taxes})


def _gone(charged: int, current: int | None, refunded: int) -> int:
    """What is left neither by the order nor by its refunds; 0 where the order does not say."""
    return 0 if current is None else max(0, charged - current - refunded)


def _units_refunded(order: Order) -> Counter[int]:
    """Units that refunds tell of, by line. For all lines at once: an order may have thousands of both."""
    units: Counter[int] = Counter()
    for refund in order.refunds.values():
        for given in refund.lines:
            units[given.line_item_id] += given.quantity
    return units


def _take_back_removed(
    order: Order, line: Line, refunded: Mapping[int, int], happenings: Happenings
) -> None:
    """Reverse units that are gone though no refund tells of them.

    An edit that removes units normally leaves a refund record. Where the record is missing the
    units are reversed at the edits that removed them, else with the placement. What a cancellation
    takes away is reversed by the cancellation.
    """
    missing = _missing_units(line, refunded.get(line.id, 0))
    if not missing:
        return
    taken = 0
    for moment, key in edits_of(order):
        units = min(order.edits[key].removals.get(line.id, 0), missing - taken)
        if units > 0:
            _remove(order, line, taken, units, happenings.of(*moment))
            taken += units
    if missing > taken and order.cancelled_at is None:
        _remove(order, line, taken, missing - taken, happenings.of(*placement_of(order)))


def _missing_units(line: Line, refunded: int) -> int:
    left = line.current_quantity
    if left is None or left >= line.quantity or line.quantity <= 0:
        return 0
    return max(0, line.quantity - left - refunded)


def _remove(order: Order, line: Line, taken: int, units: int, happening: Happening) -> None:
    """Reverse ``units`` of a line after ``taken`` others: shares of running totals leave no cent.

    They are shares of what was paid, as a refund's are: where prices include tax, sale and tax rounded
    each for itself might come to another price.
    """
    if beside := beside_sales(order, line):
        happening.add({beside: -line.price * units})
        return
    net, tax = _worth_of_units(order, line, taken + units)
    net_before, tax_before = _worth_of_units(order, line, taken)
    happening.add(
        {
            "sales_reversals": net - net_before,
            "taxes": tax_before - tax,
            "units_reversed": units,
        },
        line.id,
    )


def _worth_of_units(order: Order, line: Line, units: int) -> tuple[int, int]:
    """What ``units`` of a line were sold for, and the tax on that."""
    currency, paid = order.currency or "", line.price * line.quantity - line.discount
    share = proportion(paid, units, line.quantity, currency)
    tax = proportion(line.tax, units, line.quantity, currency)
    return share - (tax if order.taxes_included else 0), tax


def _take_back_shipping(order: Order, happenings: Happenings) -> None:
    """Reverse shipping that an edit took off or lowered, as far as no refund tells of it.

    Refunds do not tell of which line they are: first of those that no edit took off. What a cancellation
    takes away is reversed by the cancellation.
    """
    inside = order.taxes_included
    known = sum(
        refund.shipping + (refund.shipping_tax if inside else 0)
        for refund in order.refunds.values()
    )
    taken_off = {one for edit in order.edits.values() for one in edit.shipping_removals}
    for shipping in sorted(order.shipping, key=lambda one: one.id in taken_off):
        gone = _gone(shipping.price, shipping.current_price, 0)
        told = min(gone, max(known, 0))
        known -= told
        if order.cancelled_at is not None and shipping.id not in taken_off:
            continue
        # Of what never cost anything no part can have gone.
        if gone > told and shipping.price > 0:
            part = {
                measure: -proportion(amount, gone - told, shipping.price, order.currency or "")
                for measure, amount in charge(order, shipping).items()
            }
            happenings.of(*_unshipped_at(order, shipping.id)).add(part)


def _unshipped_at(order: Order, shipping_id: int | None) -> Moment:
    """When a shipping line was taken off: at the edit that says so, else at the placement."""
    for moment, key in edits_of(order):
        if shipping_id is not None and shipping_id in order.edits[key].shipping_removals:
            return moment
    return placement_of(order)


def _cancel(happenings: Happenings, at: int) -> None:
    """Take back whatever is left, so that the order comes to nothing, line by line."""
    before = list(happenings.values())
    happening = happenings.of(CANCELLATION, at)
    happening.add(_remainder(added([one.rest for one in before])))
    for line_id in dict.fromkeys(line_id for one in before for line_id in one.lines):
        left = _remainder(added([one.lines.get(line_id, {}) for one in before]))
        happening.add(left, line_id)


def _remainder(total: Amounts) -> Amounts:
    """What has to be taken back of a total so that nothing of it is left."""
    left = total.get
    return {
        "sales_reversals": left("gross_sales", 0)
        - left("discounts", 0)
        - left("sales_reversals", 0),
        "units_reversed": left("units_sold", 0) - left("units_reversed", 0),
        **{
            measure: -left(measure, 0)
            for measure in (
                "shipping",
                "taxes",
                "duties",
                "additional_fees",
                "gift_cards_sold",
                "tips",
            )
        },
    }
