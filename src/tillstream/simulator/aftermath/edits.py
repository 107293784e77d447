# ruff: noqa: PLR2004 - odds and shares read best where they are drawn
"""Orders that are changed before anything of them was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tillstream.simulator.aftermath.payments import move, tell_money
from tillstream.simulator.aftermath.refunds import give_back, refund_line
from tillstream.simulator.basket_making import line_of, on_sale
from tillstream.simulator.facts import Edit, Refund, Shipping, levied

if TYPE_CHECKING:
    from tillstream.simulator.facts import Line, Order
    from tillstream.simulator.plan import ShippingMethod
    from tillstream.simulator.shopfront import Shopfront


class _Reshipped(NamedTuple):
    """Shipping that an edit added, and what it took off."""

    added: list[Shipping]
    dropped: list[Shipping]


def edit(shop: Shopfront, order: Order, at: int) -> None:
    """Add to the order or take from it, before anything of it was sent or given back."""
    if order.cancelled_at is not None or order.deleted or order.refunds or order.fulfillments:
        return
    at = order.coming(at)
    identifier = shop.next_id("edit")
    draw = shop.random.random()
    additions = _add(shop, order, identifier, at) if draw < 0.7 else []
    removals = _choose(shop, order, [line for line, _ in additions]) if draw > 0.5 else []
    shipping = _Reshipped([], [])
    if shop.chance(0.35) and order.shipping:
        shipping = _reship(shop, order, identifier, at)
    if not additions and not removals and not any(shipping):
        return
    told = Edit(
        identifier, at, additions, removals,
        shipping_additions=shipping.added, shipping_removals=shipping.dropped,
    )  # fmt: skip
    record = _take_off(shop, order, told)
    order.tick(at)
    order.edits.append(told)
    _balance(shop, order, at)
    if shop.wants("orders/edited"):
        shop.send("orders/edited", shop.bodies.edited(order, told), at)
    if record is not None and shop.wants("refunds/create"):
        shop.send("refunds/create", shop.bodies.refund(record, order), at)
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


def _choose(shop: Shopfront, order: Order, touched: list[Line]) -> list[tuple[Line, int]]:
    """Units to be taken off."""
    lines = [li for li in order.lines if li.product and not li.gift_card and li not in touched]
    if not lines or sum(line.quantity for line in order.lines) < 2:
        return []
    line = shop.random.choice(lines)
    return [(line, shop.between(1, line.quantity))]


def _reship(shop: Shopfront, order: Order, edit_id: int, at: int) -> _Reshipped:
    """Shipping is taken off, sent another way at another price, or more is asked.

    Shopify's edits add and remove shipping lines; another price is a line removed and one added.
    https://shopify.dev/docs/api/admin-graphql/latest/enums/CalculatedShippingLineStagedStatus
    """
    draw = shop.random.random()
    dropped = list(order.shipping) if draw < 0.75 else []
    for shipping in dropped:
        shipping.removed = edit_id, at
    if draw < 0.35:
        return _Reshipped([], dropped)
    titles = {shipping.title for shipping in order.shipping}
    others = [method for method in shop.plan.shipping if method.title not in titles]
    charged = _charge(shop, order, shop.random.choice(others or shop.plan.shipping))
    charged.added = edit_id, at
    order.shipping = [*order.shipping, charged]
    return _Reshipped([charged], dropped)


def _charge(shop: Shopfront, order: Order, method: ShippingMethod) -> Shipping:
    charged = Shipping(
        shop.next_id("line_item"), method.title, method.code, method.price, 0, None, []
    )
    if shop.plan.shipping_taxed and order.place is None:
        charged.taxes = levied(method.price, shop.plan.taxes, included=order.taxes_included)
    return charged


def _take_off(shop: Shopfront, order: Order, told: Edit) -> Refund | None:
    """Shopify records what was taken off as a refund in which no money moves, or not at all."""
    if not told.removals and not told.shipping_removals:
        return None
    if not shop.chance(0.7):
        for line, units in told.removals:
            line.take_back(units)
        for shipping in told.shipping_removals:
            shipping.take_back(*shipping.left(included=order.taxes_included))
        told.unrecorded.extend(told.removals)
        told.unrecorded_shipping.extend(told.shipping_removals)
        return None
    lines = [refund_line(shop, line, units, "cancel") for line, units in told.removals]
    record = Refund(shop.next_id("refund"), told.committed_at, lines, note="Order edited")
    record.restock = bool(lines)
    give_back(shop, order, record, told.shipping_removals, whole=True)
    order.refunds.append(record)
    return record


def _balance(shop: Shopfront, order: Order, at: int) -> None:
    """Charge what an edit added, in most shops at once."""
    owed = order.current.price - order.paid
    if order.financial_status != "paid" or owed <= 0:
        return
    if shop.chance(0.8):
        tell_money(shop, order, move(shop, order, "sale", owed, at))
    else:
        order.financial_status = "partially_paid"
