"""Calling off: orders cancelled, paid back later, deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tillstream.simulator.aftermath.payments import move, tell_money
from tillstream.simulator.aftermath.refunds import everything, pay_back, tell_refund

if TYPE_CHECKING:
    from tillstream.simulator.facts import Order, Refund
    from tillstream.simulator.shopfront import Shopfront

_DAY = 86_400


def cancel(shop: Shopfront, order: Order, at: int) -> None:
    """Cancel what was not sent yet: paid orders are refunded, unpaid ones voided."""
    if order.cancelled_at is not None or order.deleted or order.fulfillments:
        return
    at = order.tick(at)
    order.cancelled_at = at
    order.closed_at = at
    order.cancel_reason = shop.random.choice(
        ("customer", "inventory", "fraud", "declined", "other")
    )
    made: Refund | None = None
    if order.paid <= 0:
        made = _void(shop, order, at)
    elif shop.chance(0.9):
        made = everything(shop, order, at, shipping=shop.chance(0.7), restock_type="cancel")
        if made is not None:
            pay_back(shop, order, made)
            order.fulfillment_status = "restocked"
    else:
        # Called off now, paid back tomorrow.
        shop.later(at + _DAY, repay, order)
    shop.send_order(order, "orders/cancelled")
    if made is not None:
        tell_refund(shop, order, made)
    else:
        shop.send_order(order, "orders/updated")


def _void(shop: Shopfront, order: Order, at: int) -> Refund | None:
    """Nothing was paid. Most leave a refund record without money, some leave none."""
    if order.financial_status == "authorized":
        first = order.transactions[0]
        tell_money(shop, order, move(shop, order, "void", first.amount, at, first.id))
    order.financial_status = "voided"
    if shop.chance(0.3):
        return None
    order.fulfillment_status = "restocked"
    return everything(shop, order, at, shipping=False, restock_type="cancel")


def repay(shop: Shopfront, order: Order, at: int) -> None:
    """The money of an order cancelled before."""
    if order.paid <= 0 or order.deleted:
        return
    at = order.coming(at)
    made = everything(shop, order, at, shipping=True, restock_type="cancel")
    if made is not None:
        order.tick(at)
        pay_back(shop, order, made)
        tell_refund(shop, order, made)


def delete(shop: Shopfront, order: Order, at: int) -> None:
    """Delete an order: only those that never went through a checkout can be."""
    if not order.deleted and shop.wants("orders/delete"):
        order.deleted = True
        shop.send("orders/delete", shop.bodies.identifier_only(order.id), at)
