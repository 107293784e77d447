# ruff: noqa: PLR2004 - odds and shares read best where they are drawn
"""Orders that are changed before anything of them was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tillstream.simulator.aftermath.payments import move, tell_money
from tillstream.simulator.aftermath.refunds import refund_line
from tillstream.simulator.basket_making import line_of, on_sale
from tillstream.simulator.facts import Edit, Refund

if TYPE_CHECKING:
    from tillstream.simulator.facts import Line, Order
    from tillstream.simulator.shopfront import Shopfront


def edit(shop: Shopfront, order: Order, at: int) -> None:
    """Add to the order or take from it, before anything of it was sent or given back."""
    if order.cancelled_at is not None or order.deleted or order.refunds or order.fulfillments:
        return
    at = order.coming(at)
    identifier = shop.next_id("edit")
    draw = shop.random.random()
    additions = _add(shop, order, identifier, at) if draw < 0.7 else []
    touched = [line for line, _ in additions]
    recorded = shop.chance(0.7)
    removals = _remove(shop, order, at, touched, recorded=recorded) if draw > 0.5 else []
    if not additions and not removals:
        return
    order.tick(at)
    told = Edit(identifier, at, additions, removals, [] if recorded else removals)
    order.edits.append(told)
    _balance(shop, order, at)
    if shop.wants("orders/edited"):
        shop.send("orders/edited", shop.bodies.edited(order, told), at)
    if removals and recorded and shop.wants("refunds/create"):
        shop.send("refunds/create", shop.bodies.refund(order.refunds[-1], order), at)
    shop.send_order(order, "orders/updated")


def _add(shop: Shopfront, order: Order, edit_id: int, at: int) -> list[tuple[Line, int]]:
    grown = [li for li in order.lines if li.product and not li.gift_card and not li.allocations]
    units = shop.between(1, 2)
    if grown and shop.chance(0.4):
        line = shop.random.choice(grown)
        line.quantity += units
    else:
        line = line_of(shop, shop.random.choice(on_sale(shop)), units)
        order.lines = [*order.lines, line]
    line.added.append((edit_id, units, at))
    if line.product is not None and order.place is None:
        line.levy(line.product.taxes, included=order.taxes_included)
    return [(line, units)]


def _remove(
    shop: Shopfront, order: Order, at: int, touched: list[Line], *, recorded: bool
) -> list[tuple[Line, int]]:
    """Take units off: Shopify records that as a refund in which no money moves, or not at all."""
    lines = [li for li in order.lines if li.product and not li.gift_card and li not in touched]
    if not lines or sum(line.quantity for line in order.lines) < 2:
        return []
    line = shop.random.choice(lines)
    units = shop.between(1, line.quantity)
    if not recorded:
        line.take_back(units)
        return [(line, units)]
    order.refunds.append(
        Refund(
            shop.next_id("refund"),
            at,
            [refund_line(shop, line, units, "cancel")],
            note="Order edited",
            restock=True,
        )
    )
    return [(line, units)]


def _balance(shop: Shopfront, order: Order, at: int) -> None:
    """Charge what an edit added, in most shops at once."""
    owed = order.current.price - order.paid
    if order.financial_status != "paid" or owed <= 0:
        return
    if shop.chance(0.8):
        tell_money(shop, order, move(shop, order, "sale", owed, at))
    else:
        order.financial_status = "partially_paid"
