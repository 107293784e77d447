"""Goods on their way, and the order put away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tillstream.simulator.facts import Fulfillment
from tillstream.simulator.shop_clock import instant

if TYPE_CHECKING:
    from tillstream.simulator.books import Row
    from tillstream.simulator.facts import Order
    from tillstream.simulator.shopfront import Shopfront

_HOUR = 3600
_DAY = 86_400


def fulfil(shop: Shopfront, order: Order, at: int) -> None:
    """Send a parcel with everything open, or in two."""
    if order.cancelled_at is not None or order.deleted:
        return
    if order.financial_status in ("pending", "authorized"):
        shop.later(at + _DAY, fulfil, order)
        return
    open_lines = [(li, li.remaining - li.fulfilled) for li in order.lines if not li.tip]
    open_lines = [(line, units) for line, units in open_lines if units > 0]
    if not open_lines:
        return
    partial = len(open_lines) > 1 and not order.fulfillments and shop.chance(0.1)
    parcel = open_lines[:1] if partial else open_lines
    at = order.tick(at)
    for line, units in parcel:
        line.fulfilled += units
    number = len(order.fulfillments) + 1
    sent = Fulfillment(shop.next_id("fulfillment"), at, parcel, number)
    order.fulfillments.append(sent)
    order.fulfillment_status = "partial" if partial else "fulfilled"
    if partial:
        shop.later(at + shop.between(_DAY, 5 * _DAY), fulfil, order)
    elif shop.lean:
        order.closed_at = at
    else:
        shop.later(at + shop.between(_HOUR, 3 * _DAY), archive, order)
    topic = "orders/partially_fulfilled" if partial else "orders/fulfilled"
    shop.send_order(order, "orders/updated", topic)
    _tell_parcel(shop, order, sent, "fulfillments/create")
    if shop.wants("fulfillments/update") and shop.chance(0.5):
        shop.later(at + shop.between(_DAY, 4 * _DAY), deliver_parcel, (order, sent))


def deliver_parcel(shop: Shopfront, of: tuple[Order, Fulfillment], at: int) -> None:
    """The parcel arrives."""
    order, parcel = of
    parcel.shipment_status, parcel.updated_at = "delivered", at
    _tell_parcel(shop, order, parcel, "fulfillments/update")


def _tell_parcel(shop: Shopfront, order: Order, parcel: Fulfillment, topic: str) -> None:
    at = parcel.updated_at or parcel.created_at
    row: Row = {
        "id": parcel.id,
        "order_id": order.id,
        "status": "success",
        "shipment_status": parcel.shipment_status,
        "location_id": shop.id + 17,
        "service": "manual",
        "name": f"{order.name}.{parcel.number}",
        "created_at": instant(parcel.created_at),
        "updated_at": instant(at),
    }
    body = shop.bodies.fulfillment(parcel, order)
    shop.note(topic, body, at, "fulfillments", row, parcel.id)


def archive(shop: Shopfront, order: Order, at: int) -> None:
    """Close a finished order."""
    if order.closed_at is None and not order.deleted:
        order.closed_at = order.tick(at)
        shop.send_order(order, "orders/updated")
