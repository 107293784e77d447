"""Goods that come back in exchange for others, in the same order; only the difference is paid.

What goes out is a new line of the order, which the return names; some shops' exchanges are told as an
edit of the order, too. What comes back is a refund of that return, in which money moves only if what
goes out is worth less.
https://shopify.dev/docs/apps/build/orders-fulfillment/returns-apps/manage-exchanges
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tillstream.simulator import claims
from tillstream.simulator.aftermath import parcels
from tillstream.simulator.aftermath.payments import move, tell_money
from tillstream.simulator.aftermath.refunds import hand_back, refund_line, tell_refund
from tillstream.simulator.basket_making import line_of, on_sale
from tillstream.simulator.facts import Edit, Refund, Return

if TYPE_CHECKING:
    from tillstream.simulator.books import Row
    from tillstream.simulator.facts import Line, Order, Transaction
    from tillstream.simulator.shopfront import Shopfront

_HOUR = 3600
_DAY = 86_400


def ask(shop: Shopfront, order: Order, at: int) -> None:
    """``returns/request``: the buyer of something that was sent would rather have something else."""
    if not order.fulfillments or not _may_come_back(order):
        return
    made = _begin(shop, order, asked=shop.wants("returns/request"))
    if made.asked:
        row: Row = {
            "id": made.id,
            "order_id": order.id,
            "name": made.name,
            "status": "requested",
        }
        body = shop.bodies.returned(row, made)
        shop.note("returns/request", body, at, "returns", row, made.id)
        shop.later(at + shop.between(_HOUR, 20 * _HOUR), claims.agree, made)
    shop.later(at + shop.between(_DAY, 4 * _DAY), swap, (order, made))


def swap_at_till(shop: Shopfront, order: Order, at: int) -> None:
    """At a till nobody asks first, and both go over the counter."""
    swap(shop, (order, _begin(shop, order, asked=False)), at)


def swap(shop: Shopfront, of: tuple[Order, Return], at: int) -> None:
    """The one comes back, the other goes out, and the difference is settled."""
    order, made = of
    goods = _may_come_back(order)
    if not goods:
        if made.asked:
            claims.withdraw(shop, made.id, at)
        return
    at = order.coming(at)
    line = shop.random.choice(goods)
    item = refund_line(shop, line, shop.between(1, line.remaining), "return")
    back = Refund(
        shop.next_id("refund"), at, [item], note="Exchange", restock=True, return_id=made.id
    )
    order.refunds.append(back)
    made.lines.append(_send_out(shop, order, line, item.quantity))
    order.returns.append(made)
    order.tick(at)
    paid = _settle(shop, order, back, made)
    _tell(shop, order, made, at)
    tell_money(shop, order, paid)
    tell_refund(shop, order, back)
    if made.asked:
        claims.process(shop, made, at)
        shop.later(at + shop.between(_HOUR, 2 * _DAY), claims.close, made.id)


def _begin(shop: Shopfront, order: Order, *, asked: bool) -> Return:
    return Return(shop.next_id("return"), f"{order.name}-X{len(order.returns) + 1}", asked)


def _may_come_back(order: Order) -> list[Line]:
    """What of a paid order can be given for something else."""
    if order.deleted or order.cancelled_at is not None or order.paid <= 0:
        return []
    if order.financial_status not in ("paid", "partially_refunded"):
        return []
    return [
        line for line in order.lines if line.product and line.remaining > 0 and not line.gift_card
    ]


def _send_out(shop: Shopfront, order: Order, line: Line, units: int) -> Line:
    """A new line of the order: often the same thing in another size, else something else."""
    wares = on_sale(shop)
    same = line.product if line.product in wares and shop.chance(0.6) else None
    sent = line_of(shop, same or shop.random.choice(wares), units)
    if sent.product is not None and order.place is None:
        sent.levy(sent.product.taxes, included=order.taxes_included)
    order.lines = [*order.lines, sent]
    return sent


def _settle(shop: Shopfront, order: Order, back: Refund, made: Return) -> Transaction | None:
    """Take the difference, mostly at once, or give it back; the money taken, if any."""
    inside = order.taxes_included
    worth = sum(line.total + (0 if inside else line.tax) for line in made.lines)
    returned = sum(item.subtotal + (0 if inside else item.tax) for item in back.lines)
    if worth < returned:
        hand_back(shop, order, back, returned - worth)
        order.financial_status = "refunded" if order.paid <= 0 else "partially_refunded"
        return None
    if worth == returned:
        return None
    if shop.chance(0.15):
        order.financial_status = "partially_paid"
        return None
    return move(shop, order, "sale", worth - returned, back.created_at)


def _tell(shop: Shopfront, order: Order, made: Return, at: int) -> None:
    """Where the new line comes from, and that it has yet to be sent."""
    as_edit = shop.chance(0.4) and shop.wants("orders/edited")
    if as_edit:
        added = [(line, line.quantity) for line in made.lines]
        told = Edit(shop.next_id("edit"), at, added, [])
        order.edits.append(told)
        shop.send("orders/edited", shop.bodies.edited(order, told), at)
    for line in made.lines:
        if as_edit:
            line.added.append((order.edits[-1].id, line.quantity, at))
        else:
            line.brought = made.id, at
        if order.source_name == "pos":
            line.fulfilled = line.quantity
    if order.source_name != "pos":
        order.closed_at, order.fulfillment_status = None, "partial"
        shop.later(at + shop.between(8 * _HOUR, 3 * _DAY), parcels.fulfil, order)
