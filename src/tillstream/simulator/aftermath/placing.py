"""An order is placed: its payment, and what is to become of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tillstream.simulator import claims
from tillstream.simulator.aftermath import (
    cancellations,
    edits,
    exchanges,
    parcels,
    payments,
    refunds,
)
from tillstream.simulator.aftermath.payments import move, tell_money
from tillstream.simulator.shoppers import know_better

if TYPE_CHECKING:
    from tillstream.simulator.facts import Order, Transaction
    from tillstream.simulator.shopfront import Shopfront

_HOUR = 3600
_DAY = 86_400


def place(shop: Shopfront, order: Order) -> None:
    """Take the order in, with its payment, and plan what becomes of it."""
    shop.ledger.orders[order.id] = order
    habits, draw = shop.plan.habits, shop.random.random()
    at = order.created_at
    if order.source_name == "pos":
        _hand_over(order)
    if order.source_name == "web" and draw < habits.pending:
        order.gateway = "bank_transfer"
        _tell_placed(shop, order)
        shop.later(at + shop.between(_HOUR, 4 * _DAY), payments.settle, order)
    elif order.source_name == "web" and draw < habits.pending + habits.authorized:
        authorization = move(shop, order, "authorization", order.totals.price, at)
        order.financial_status = "authorized"
        _tell_placed(shop, order, authorization)
        shop.later(at + shop.between(_HOUR // 2, _DAY), payments.settle, order)
    else:
        sale = move(shop, order, "sale", order.totals.price, at)
        order.financial_status = "paid"
        _tell_placed(shop, order, sale)
    know_better(shop, order, at)
    _plan_ahead(shop, order)


def _hand_over(order: Order) -> None:
    """At a till the goods are gone with the buyer."""
    for line in order.lines:
        line.fulfilled = line.quantity
    order.fulfillment_status = "fulfilled"


def _tell_placed(shop: Shopfront, order: Order, transaction: Transaction | None = None) -> None:
    paid = ("orders/paid",) if order.financial_status == "paid" else ()
    # Shopify sends an update along with many creations, and either may come first.
    echo = ("orders/updated",) if not shop.lean and shop.chance(0.4) else ()
    shop.send_order(order, "orders/create", *paid, *echo)
    tell_money(shop, order, transaction)


def _plan_ahead(shop: Shopfront, order: Order) -> None:
    habits, at, chance = shop.plan.habits, order.created_at, shop.chance
    if order.source_name == "pos":
        _plan_pos(shop, order)
        return
    cancels = 0.3 if order.financial_status == "pending" else habits.cancelled
    if chance(cancels):
        shop.later(at + shop.between(_HOUR // 2, 20 * _HOUR), cancellations.cancel, order)
    if chance(habits.edited):
        shop.later(at + shop.between(_HOUR // 2, 6 * _HOUR), edits.edit, order)
    shop.later(at + shop.between(8 * _HOUR, 60 * _HOUR), parcels.fulfil, order)
    if chance(habits.refunded):
        back = at + shop.between(3 * _DAY, 25 * _DAY)
        shop.later(back, refunds.refund, order)
        if chance(habits.returned):
            shop.later(back - 2 * _DAY, claims.ask_back, order)
        if chance(0.12):
            shop.later(at + shop.between(26 * _DAY, 40 * _DAY), refunds.refund, order)
    if chance(habits.exchanged):
        shop.later(at + shop.between(3 * _DAY, 16 * _DAY), exchanges.ask, order)
    if chance(habits.disputed):
        shop.later(at + shop.between(_DAY, 20 * _DAY), claims.dispute, order)
    if (order.test or order.source_name == "shopify_draft_order") and chance(0.06):
        shop.later(at + shop.between(_DAY, 50 * _DAY), cancellations.delete, order)


def _plan_pos(shop: Shopfront, order: Order) -> None:
    if shop.chance(shop.plan.habits.refunded):
        shop.later(order.created_at + shop.between(_HOUR, 14 * _DAY), refunds.refund, order)
    if shop.chance(shop.plan.habits.exchanged):
        shop.later(order.created_at + shop.between(_HOUR, 14 * _DAY), exchanges.swap_at_till, order)
    if shop.chance(0.01):
        shop.later(order.created_at + shop.between(_DAY, 20 * _DAY), cancellations.delete, order)
