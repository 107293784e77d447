"""What is sold without a checkout: at the till, by draft, at the press of a button."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tillstream.simulator import aftermath
from tillstream.simulator.basket_making import fill_basket
from tillstream.simulator.currency import ratio
from tillstream.simulator.facts import Line, Order, Totals, Whence, placed_totals
from tillstream.simulator.shop_clock import instant
from tillstream.simulator.shoppers import someone, welcome

if TYPE_CHECKING:
    from tillstream.simulator.books import Row
    from tillstream.simulator.facts import Basket, Customer
    from tillstream.simulator.shopfront import Shopfront

_HOUR = 3600
_DAY = 86_400


@dataclass(slots=True, eq=False)
class Draft:
    """An order in the making."""

    id: int
    basket: Basket
    buyer: Customer
    updated_at: int


def order_of(
    shop: Shopfront, basket: Basket, buyer: Customer | None, at: int, source: str
) -> Order:
    """An order of what is in the basket, not placed yet."""
    shop.order_number += 1
    cash = source == "pos" and shop.chance(0.3)
    order = Order(
        id=shop.next_id("order"),
        number=shop.order_number,
        token=shop.token(),
        source_name=source,
        customer=buyer,
        email=buyer.email if buyer else None,
        phone=buyer.phone if buyer else None,
        checkout_token=None,
        cart_token=None,
        created_at=at,
        processed_at=at,
        updated_at=at,
        lines=basket.lines,
        shipping=[basket.shipping] if basket.shipping else [],
        applications=basket.applications,
        duties=basket.duties,
        fees=basket.fees,
        tip=basket.tip,
        presentment=basket.presentment,
        place=basket.place,
        taxes_included=shop.plan.taxes_included,
        totals=totals_of(shop, basket),
        gateway="cash" if cash else "shopify_payments",
    )
    if cash:
        order.cash_rounding = rounded_by(shop, order.totals.price)
    return order


def totals_of(shop: Shopfront, basket: Basket) -> Totals:
    """The basket's figures under the shop's tax regime."""
    return placed_totals(basket, taxes_included=shop.plan.taxes_included)


def rounded_by(shop: Shopfront, amount: int) -> int:
    """What an amount paid in cash is rounded by, where there are no small coins."""
    step = shop.plan.cash_step
    return ratio(amount, step) * step - amount if step else 0


def whence(shop: Shopfront) -> Whence:
    """Where a visitor of the website comes from."""
    habits, rng = shop.plan.habits, shop.random
    if shop.chance(habits.in_app):
        return Whence(rng.choice(shop.plan.apps))
    landing, before = rng.choice(shop.plan.ways)
    return Whence("web", landing, before)


def buy_online_at_once(shop: Shopfront, at: int) -> Order:
    """A customer, known or new, buys through an express button this very moment."""
    basket, buyer = fill_basket(shop), welcome(shop, someone(shop, at), at)
    order = order_of(shop, basket, buyer, at, "web")
    order.whence = whence(shop)
    order.checkout_token, order.cart_token = shop.token(), shop.token()
    aftermath.place(shop, order)
    return order


def buy_in_store(shop: Shopfront, at: int) -> None:
    """A till: nobody's name, sometimes a tip."""
    basket = fill_basket(shop, shipped=False)
    buyer = welcome(shop, someone(shop, at), at) if shop.chance(0.25) else None
    if shop.chance(0.12):
        basket.tip = max(1, sum(line.total for line in basket.lines) // 10)
        tip = Line(shop.next_id("line_item"), None, None, "Tip", basket.tip, 1, tip=True)
        basket.lines.append(tip)
    order = order_of(shop, basket, buyer, at, "pos")
    if buyer is None:
        # A guest's e-mail is null in some bodies and empty in others.
        order.email = None if shop.chance(0.5) else ""
    aftermath.place(shop, order)


# -- drafts --------------------------------------------------------------------------------------


def draft(shop: Shopfront, at: int) -> None:
    """Somebody telephones: an order is written down, and most times it becomes one."""
    buyer = welcome(shop, someone(shop, at), at)
    if buyer is None:
        return
    made = Draft(shop.next_id("draft_order"), fill_basket(shop), buyer, at)
    shop.draft_number += 1
    row: Row = {
        "id": made.id,
        "name": f"#D{shop.draft_number}",
        "status": "open",
        "order_id": None,
        "customer_id": buyer.id,
        "currency": shop.plan.currency,
        "total_price": shop.currency.ten_thousandths(totals_of(shop, made.basket).price),
        "created_at": instant(at),
        "completed_at": None,
        "deleted": False,
    }
    _tell(shop, made, "draft_orders/create", row, at)
    if shop.chance(0.85):
        shop.later(at + shop.between(60, _DAY // 2), complete, made)
    elif shop.chance(0.5):
        shop.later(at + shop.between(_HOUR, 3 * _DAY), discard, made)
    if shop.chance(0.4):
        shop.later(at + shop.between(10, 50), send_invoice, made)


def send_invoice(shop: Shopfront, made: Draft, at: int) -> None:
    """The buyer is asked to pay."""
    if shop.wants("draft_orders/update"):
        row = shop.ledger.records.noted("draft_orders", made.id)
        _tell(shop, made, "draft_orders/update", row | {"status": "invoice_sent"}, at)


def complete(shop: Shopfront, made: Draft, at: int) -> None:
    """The draft becomes an order; some were agreed on days before they were entered."""
    buyer = welcome(shop, made.buyer, at)
    order = order_of(shop, made.basket, buyer, at, "shopify_draft_order")
    if shop.chance(0.3):
        order.processed_at = max(shop.start, at - shop.between(_HOUR, 2 * _DAY))
    order.test = shop.chance(shop.plan.habits.test * 12)
    if shop.wants("draft_orders/update"):
        row = shop.ledger.records.noted("draft_orders", made.id)
        done = {"status": "completed", "order_id": order.id, "completed_at": instant(at)}
        _tell(shop, made, "draft_orders/update", row | done, at)
    aftermath.place(shop, order)


def discard(shop: Shopfront, made: Draft, at: int) -> None:
    """``draft_orders/delete``."""
    body = shop.bodies.draft_order_deleted(made.id)
    row: Row = {"id": made.id, "deleted": True}
    shop.note("draft_orders/delete", body, at, "draft_orders", row, made.id)


def _tell(shop: Shopfront, made: Draft, topic: str, row: Row, at: int) -> None:
    if not shop.wants(topic):
        return
    told = {**row, "updated_at": instant(at)}
    made.updated_at = at
    body = shop.bodies.draft_order(told, made.basket, totals_of(shop, made.basket), made.buyer)
    shop.note(topic, body, at, "draft_orders", told, made.id)
