# ruff: noqa: PLR2004 - odds and shares read best where they are drawn
"""Giving back: a part, the whole, or only money."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tillstream.simulator.aftermath.payments import move, tell_money
from tillstream.simulator.currency import at_rate, ratio
from tillstream.simulator.facts import Refund, RefundLine, ShippingBack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tillstream.simulator.facts import Line, Order, Shipping
    from tillstream.simulator.shopfront import Shopfront


def refund(shop: Shopfront, order: Order, at: int) -> None:
    """Give back a part, the whole, or only money."""
    if order.deleted or order.financial_status not in ("paid", "partially_refunded"):
        return
    if order.paid <= 0:
        return
    at = order.coming(at)
    draw = shop.random.random()
    if draw < 0.12:
        made = _goodwill(shop, order, at)
    elif draw < 0.55:
        made = _partial(shop, order, at)
    else:
        made = everything(shop, order, at, shipping=shop.chance(0.5), restock_type="return")
    if made is not None:
        order.tick(at)
        pay_back(shop, order, made)
        tell_refund(shop, order, made)


def _goodwill(shop: Shopfront, order: Order, at: int) -> Refund | None:
    """Money without goods: to Shopify's reports no reversal of a sale."""
    amount = min(order.paid, at_rate(order.paid, shop.between(30_000, 200_000)))
    if amount == 0:
        return None
    made = Refund(shop.next_id("refund"), at, [], discrepancy=-amount, note="Goodwill")
    order.refunds.append(made)
    return made


def _partial(shop: Shopfront, order: Order, at: int) -> Refund | None:
    lines = [line for line in order.lines if line.remaining > 0 and not line.tip]
    if not lines:
        return None
    line = shop.random.choice(lines)
    kind = "return" if shop.chance(0.7) else "no_restock"
    item = refund_line(shop, line, shop.between(1, line.remaining), kind)
    made = Refund(shop.next_id("refund"), at, [item], restock=kind == "return")
    if shop.chance(0.15):
        give_back(shop, order, made, order.shipping, whole=shop.chance(0.5))
    if shop.chance(0.1):
        # Kept back for the trouble: less money goes out than the goods were worth.
        made.discrepancy = item.subtotal // 10
    order.refunds.append(made)
    return made


def everything(
    shop: Shopfront, order: Order, at: int, *, shipping: bool, restock_type: str
) -> Refund | None:
    """A refund of all that is left; None where nothing is."""
    lines = [line for line in order.lines if line.remaining > 0 and not line.tip]
    items = [refund_line(shop, line, line.remaining, restock_type) for line in lines]
    made = Refund(shop.next_id("refund"), at, items, restock=True)
    if shipping:
        give_back(shop, order, made, order.shipping, whole=True)
        made.duties = order.duties - sum(r.duties for r in order.refunds)
    if not items and not made.shipping:
        return None
    order.refunds.append(made)
    return made


def refund_line(shop: Shopfront, line: Line, units: int, restock_type: str) -> RefundLine:
    """Take ``units`` of a line back."""
    subtotal, tax = line.take_back(units)
    return RefundLine(shop.next_id("refund"), line, units, subtotal, tax, restock_type)


def give_back(
    shop: Shopfront, order: Order, made: Refund, shipping: Sequence[Shipping], *, whole: bool
) -> None:
    """Give back what is left of shipping, or half of it."""
    for one in shipping:
        net, tax = one.left(included=order.taxes_included)
        amount, tax = (net, tax) if whole else (net // 2, tax // 2)
        if amount or tax:
            one.take_back(amount, tax)
            made.shipping_back.append(ShippingBack(one, amount, tax))
    if made.shipping_back:
        made.told_as = shop.random.choice(("adjustments", "lines", "both"))


def pay_back(shop: Shopfront, order: Order, made: Refund) -> None:
    """Move the money that a refund is worth, as far as there is any."""
    goods = sum(item.subtotal for item in made.lines)
    tax = 0 if order.taxes_included else sum(item.tax for item in made.lines)
    amount = goods + tax + made.shipping + made.shipping_tax + made.duties - made.discrepancy
    hand_back(shop, order, made, amount)
    whole = order.paid <= 0
    order.financial_status = "refunded" if whole else "partially_refunded"


def hand_back(shop: Shopfront, order: Order, made: Refund, amount: int) -> None:
    """Give back as much of ``amount`` as was paid; cash in the coins that there are."""
    amount = min(amount, order.paid)
    if amount <= 0:
        return
    parent = order.transactions[0].id
    made.transactions.append(move(shop, order, "refund", amount, made.created_at, parent))
    if order.gateway == "cash" and (step := shop.plan.cash_step):
        made.cash_rounding = ratio(amount, step) * step - amount


def tell_refund(shop: Shopfront, order: Order, made: Refund) -> None:
    """``refunds/create``, its money, and the order as it is now."""
    if shop.wants("refunds/create"):
        shop.send("refunds/create", shop.bodies.refund(made, order), order.updated_at)
    for transaction in made.transactions:
        tell_money(shop, order, transaction)
    shop.send_order(order, "orders/updated")
