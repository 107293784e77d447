"""What an order contributes, event by event, in the currency's smallest unit.

Written plainly, from the story's facts and never from a body, and shared with none of the stages it
judges. The definitions are those of ARCHITECTURE.md, which follow Shopify's reports:
https://help.shopify.com/en/manual/reports-and-analytics/shopify-reports/report-types/default-reports/sales-report
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, NamedTuple

from tillstream.simulator.currency import MILLION, ratio

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tillstream.simulator.facts import Edit, Line, Order, Refund, Shipping

SALES = (
    "gross_sales",
    "discounts",
    "sales_reversals",
    "shipping",
    "taxes",
    "duties",
    "additional_fees",
)


@dataclass(slots=True)
class Amounts:
    """Every additive measure of orders, of anything: an event, a day, a product."""

    gross_sales: int = 0
    discounts: int = 0
    sales_reversals: int = 0
    shipping: int = 0
    taxes: int = 0
    duties: int = 0
    additional_fees: int = 0
    orders: int = 0
    placed_gross: int = 0
    placed_discounts: int = 0
    gift_cards_sold: int = 0
    tips: int = 0
    units_sold: int = 0
    units_reversed: int = 0
    refund_adjustments: int = 0
    tax_in_prices: int = 0
    cash_rounding: int = 0
    customer_orders: int = 0

    @property
    def net_sales(self) -> int:
        """Gross less discounts and reversals."""
        return self.gross_sales - self.discounts - self.sales_reversals

    @property
    def total_sales(self) -> int:
        """Net sales with shipping, taxes, duties and fees."""
        return self.net_sales + self.shipping + self.taxes + self.duties + self.additional_fees

    def take(self, other: Amounts, sign: int = 1) -> None:
        """Add all amounts of another, or take them off."""
        for name in MEASURES:
            if amount := getattr(other, name):
                setattr(self, name, getattr(self, name) + sign * amount)

    def __bool__(self) -> bool:
        """Whether anything is in it."""
        return any(getattr(self, name) for name in MEASURES)


MEASURES = tuple(one.name for one in fields(Amounts))


@dataclass(slots=True)
class Entry(Amounts):
    """What one event of an order contributes at an instant; ``lines`` says which line has what of it."""

    at: int = 0
    lines: dict[int, tuple[Line, Amounts]] = field(
        default_factory=dict[int, "tuple[Line, Amounts]"]
    )

    def of_line(self, line: Line, amounts: Amounts) -> None:
        """Add what belongs to a line, to it and to the whole."""
        self.take(amounts)
        self.lines.setdefault(line.id, (line, Amounts()))[1].take(amounts)


class Worth(NamedTuple):
    """What a line comes to: gross and discounts without tax, the tax, and how much of it was in the price."""

    gross: int
    discounts: int
    tax: int
    inside: int

    def share(self, units: int, quantity: int) -> Worth:
        """The part of ``units``, each figure rounded for itself."""
        return Worth(*(ratio(amount * units, quantity) for amount in self))

    def less(self, other: Worth) -> Worth:
        """What is left without a part."""
        return Worth(*(a - b for a, b in zip(self, other, strict=True)))


class _Sheet(dict[str, Entry]):
    """An order's entries by name."""

    def at(self, name: str, at: int) -> Entry:
        """The entry of that name, made when it is first needed."""
        return self.setdefault(name, Entry(at=at))


def entries_of(order: Order) -> dict[str, Entry]:
    """The order's entries by name; none for a test or a deleted order, none that is empty."""
    if order.test or order.deleted:
        return {}
    sheet = _Sheet()
    _book_placement(order, sheet.at("placement", order.processed_at))
    for line in order.lines:
        _book_line(order, line, sheet)
    for shipping in order.shipping:
        _book_shipping(order, shipping, sheet)
    placement = sheet["placement"]
    for amounts in (placement, *(share for _, share in placement.lines.values())):
        amounts.placed_gross, amounts.placed_discounts = amounts.gross_sales, amounts.discounts
    for edit in order.edits:
        _book_removals(order, edit, sheet)
    for refund in order.refunds:
        _book_refund(order, refund, sheet.at(f"refund:{refund.id}", refund.created_at))
    _book_rounding_of_refunds(order, sheet)
    if order.cancelled_at is not None:
        _book_cancellation(sheet, order.cancelled_at)
    return {name: entry for name, entry in sheet.items() if entry}


def worth_of(order: Order, line: Line) -> Worth:
    """The whole line, with every unit ever ordered."""
    if not order.taxes_included:
        return Worth(line.total, line.discount, line.tax, 0)
    if line.tax and not line.discount:
        # The tax told is the tax in the price: no rounding is left over.
        gross = line.total - line.tax
    else:
        rates = sum(rate.millionths for rate, _ in line.taxes)
        gross = ratio(line.total * MILLION, MILLION + rates)
    net = line.total - line.discount - line.tax
    return Worth(gross, gross - net, line.tax, line.total - gross)


def _book_placement(order: Order, placement: Entry) -> None:
    placement.orders = 1
    placement.customer_orders = int(order.customer is not None)
    placement.duties, placement.additional_fees = order.duties, order.fees
    placement.cash_rounding = order.cash_rounding


def _book_shipping(order: Order, shipping: Shipping, sheet: _Sheet) -> None:
    """When the order was placed, or when an edit added it."""
    entry = sheet["placement"]
    if shipping.added is not None:
        edit_id, at = shipping.added
        entry = sheet.at(f"edit:{edit_id}", at)
    inside = shipping.tax if order.taxes_included else 0
    entry.shipping += shipping.discounted - inside
    entry.taxes += shipping.tax


def _book_line(order: Order, line: Line, sheet: _Sheet) -> None:
    """What edits or an exchange added counts on their day, the rest when the order was placed."""
    left, units_left = worth_of(order, line), line.quantity
    for edit_id, units, at in line.added:
        part = worth_of(order, line).share(units, line.quantity)
        _sell(line, part, units, sheet.at(f"edit:{edit_id}", at))
        left, units_left = left.less(part), units_left - units
    entry = sheet["placement"]
    if line.brought is not None:
        return_id, at = line.brought
        entry = sheet.at(f"edit:return-{return_id}", at)
    _sell(line, left, units_left, entry)


def _sell(line: Line, part: Worth, units: int, entry: Entry) -> None:
    if line.gift_card:
        entry.gift_cards_sold += line.price * units
    elif line.tip:
        entry.tips += line.price * units
    else:
        sold = Amounts(
            gross_sales=part.gross, discounts=part.discounts, taxes=part.tax, units_sold=units
        )
        entry.of_line(line, sold)
        entry.tax_in_prices += part.inside


def _book_removals(order: Order, edit: Edit, sheet: _Sheet) -> None:
    """Units and shipping that an edit took off without leaving a refund record."""
    for line, units in edit.unrecorded:
        # As a refund has it: a share of what was paid, of which the tax is rounded for itself.
        paid = ratio((line.total - line.discount) * units, line.quantity)
        tax = ratio(line.tax * units, line.quantity)
        inside = tax if order.taxes_included else 0
        gone = Amounts(sales_reversals=paid - inside, taxes=-tax, units_reversed=units)
        sheet.at(f"edit:{edit.id}", edit.committed_at).of_line(line, gone)
    for shipping in edit.unrecorded_shipping:
        inside = shipping.tax if order.taxes_included else 0
        entry = sheet.at(f"edit:{edit.id}", edit.committed_at)
        entry.shipping -= shipping.discounted - inside
        entry.taxes -= shipping.tax


def _book_refund(order: Order, refund: Refund, entry: Entry) -> None:
    entry.refund_adjustments -= refund.discrepancy
    if order.cancelled_at is not None and refund.created_at > order.cancelled_at:
        # The cancellation has taken everything back already.
        return
    for item in refund.lines:
        if item.line.gift_card:
            entry.gift_cards_sold -= item.line.price * item.quantity
        elif item.line.tip:
            entry.tips -= item.line.price * item.quantity
        else:
            inside = item.tax if order.taxes_included else 0
            back = Amounts(
                sales_reversals=item.subtotal - inside,
                taxes=-item.tax,
                units_reversed=item.quantity,
            )
            entry.of_line(item.line, back)
    entry.taxes -= refund.shipping_tax
    entry.shipping -= refund.shipping
    entry.duties -= refund.duties


def _book_rounding_of_refunds(order: Order, sheet: _Sheet) -> None:
    """Told only as a sum over all refunds, so it counts with the latest."""
    if order.refunds:
        latest = max(order.refunds, key=lambda one: (one.created_at, f"refund:{one.id}"))
        rounded = sum(refund.cash_rounding for refund in order.refunds)
        sheet[f"refund:{latest.id}"].cash_rounding -= rounded


def _book_cancellation(sheet: _Sheet, at: int) -> None:
    """Reverse whatever is left, line by line, so that the order comes to nothing."""
    booked = list(sheet.values())
    entry = sheet.at("cancellation", at)
    entry.take(_left(_beside_lines(one) for one in booked))
    shares: dict[int, tuple[Line, list[Amounts]]] = {}
    for one in booked:
        for line, amounts in one.lines.values():
            shares.setdefault(line.id, (line, []))[1].append(amounts)
    for line, parts in shares.values():
        entry.of_line(line, _left(parts))


def _beside_lines(entry: Entry) -> Amounts:
    """What of an entry belongs to no line."""
    rest = Amounts()
    rest.take(entry)
    for _, share in entry.lines.values():
        rest.take(share, -1)
    return rest


def _left(parts: Iterable[Amounts]) -> Amounts:
    """What takes all parts back."""
    whole = Amounts()
    for part in parts:
        whole.take(part)
    return Amounts(
        sales_reversals=whole.net_sales,
        units_reversed=whole.units_sold - whole.units_reversed,
        shipping=-whole.shipping,
        taxes=-whole.taxes,
        duties=-whole.duties,
        additional_fees=-whole.additional_fees,
        gift_cards_sold=-whole.gift_cards_sold,
        tips=-whole.tips,
    )
