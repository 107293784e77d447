# ruff: noqa: PLR2004 - odds and shares read best where they are drawn
"""What happens to an order once it is placed.

Each action first takes the order's next instant (``order.tick``), changes the facts, tells the
ledger nothing (it reads the same facts), and sends the new state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from tillstream.simulator import claims
from tillstream.simulator.basket_making import line_of, on_sale
from tillstream.simulator.currency import Currency, at_rate, exchanged, ratio
from tillstream.simulator.facts import Edit, Fulfillment, Refund, RefundLine, Transaction
from tillstream.simulator.shop_clock import instant
from tillstream.simulator.shoppers import know_better

if TYPE_CHECKING:
    from tillstream.simulator.books import Row
    from tillstream.simulator.facts import Line, Order
    from tillstream.simulator.shopfront import Shopfront

_HOUR = 3600
_DAY = 86_400


# -- placing and paying --------------------------------------------------------------------------


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
        shop.later(at + shop.between(_HOUR, 4 * _DAY), settle, order)
    elif order.source_name == "web" and draw < habits.pending + habits.authorized:
        authorization = _move(shop, order, "authorization", order.totals.price, at)
        order.financial_status = "authorized"
        _tell_placed(shop, order, authorization)
        shop.later(at + shop.between(_HOUR // 2, _DAY), settle, order)
    else:
        sale = _move(shop, order, "sale", order.totals.price, at)
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
    _tell_money(shop, order, transaction)


def _tell_money(shop: Shopfront, order: Order, transaction: Transaction | None) -> None:
    if transaction is None:
        return
    at, code = order.updated_at, order.presentment[0] if order.presentment else shop.plan.currency
    amount = transaction.amount
    if order.presentment:
        amount = exchanged(amount, shop.currency, order.presentment)
    row: Row = {
        "id": transaction.id,
        "order_id": order.id,
        "amount": Currency.of(code).ten_thousandths(amount),
        "currency": code,
        "test": order.test,
        "processed_at": instant(transaction.created_at),
    }
    body = shop.bodies.transaction(transaction, order)
    more: Row = {
        "parent_id": transaction.parent_id,
        "kind": transaction.kind,
        "status": "success",
        "gateway": order.gateway,
        "created_at": instant(transaction.created_at),
    }
    shop.note("order_transactions/create", body, at, "transactions", row | more, transaction.id)
    if transaction.kind in ("sale", "capture", "refund"):
        _tell_tender(shop, order, transaction, row)


def _tell_tender(shop: Shopfront, order: Order, transaction: Transaction, row: Row) -> None:
    """The same money as it moved between buyer and shop: less than nothing where it went back."""
    identifier = shop.next_id("tender_transaction")
    body = shop.bodies.tender(transaction, order, identifier)
    moved: Row = {
        **row,
        "id": identifier,
        "amount": -row["amount"] if transaction.kind == "refund" else row["amount"],
        "payment_method": "cash" if order.gateway == "cash" else "credit_card",
    }
    at = order.updated_at
    shop.note("tender_transactions/create", body, at, "tender_transactions", moved, identifier)


def _move(
    shop: Shopfront,
    order: Order,
    kind: Literal["authorization", "capture", "sale", "void", "refund"],
    amount: int,
    at: int,
    parent: int | None = None,
) -> Transaction:
    transaction = Transaction(shop.next_id("transaction"), kind, amount, parent, at)
    order.transactions.append(transaction)
    return transaction


def _plan_ahead(shop: Shopfront, order: Order) -> None:
    habits, at, chance = shop.plan.habits, order.created_at, shop.chance
    if order.source_name == "pos":
        _plan_pos(shop, order)
        return
    cancels = 0.3 if order.financial_status == "pending" else habits.cancelled
    if chance(cancels):
        shop.later(at + shop.between(_HOUR // 2, 20 * _HOUR), cancel, order)
    if chance(habits.edited):
        shop.later(at + shop.between(_HOUR // 2, 6 * _HOUR), edit, order)
    shop.later(at + shop.between(8 * _HOUR, 60 * _HOUR), fulfil, order)
    if chance(habits.refunded):
        back = at + shop.between(3 * _DAY, 25 * _DAY)
        shop.later(back, refund, order)
        if chance(habits.returned):
            shop.later(back - 2 * _DAY, claims.ask_back, order)
        if chance(0.12):
            shop.later(at + shop.between(26 * _DAY, 40 * _DAY), refund, order)
    if chance(habits.disputed):
        shop.later(at + shop.between(_DAY, 20 * _DAY), claims.dispute, order)
    if (order.test or order.source_name == "shopify_draft_order") and chance(0.06):
        shop.later(at + shop.between(_DAY, 50 * _DAY), delete, order)


def _plan_pos(shop: Shopfront, order: Order) -> None:
    if shop.chance(shop.plan.habits.refunded):
        shop.later(order.created_at + shop.between(_HOUR, 14 * _DAY), refund, order)
    if shop.chance(0.01):
        shop.later(order.created_at + shop.between(_DAY, 20 * _DAY), delete, order)


def settle(shop: Shopfront, order: Order, at: int) -> None:
    """The money comes: a capture of what was authorised, or the transfer awaited."""
    if order.cancelled_at is not None or order.deleted or order.financial_status == "paid":
        return
    at = order.tick(at)
    first = order.transactions[0] if order.transactions else None
    kind = "capture" if first else "sale"
    money = _move(shop, order, kind, order.current.price, at, first.id if first else None)
    order.financial_status = "paid"
    _tell_money(shop, order, money)
    shop.send_order(order, "orders/updated", "orders/paid")


# -- goods ---------------------------------------------------------------------------------------


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


# -- editing -------------------------------------------------------------------------------------


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
            [_refund_line(shop, line, units, "cancel")],
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
        _tell_money(shop, order, _move(shop, order, "sale", owed, at))
    else:
        order.financial_status = "partially_paid"


# -- giving back ---------------------------------------------------------------------------------


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
        made = _everything(shop, order, at, shipping=shop.chance(0.5), restock_type="return")
    if made is not None:
        order.tick(at)
        _pay_back(shop, order, made, at)
        _tell_refund(shop, order, made)


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
    item = _refund_line(shop, line, shop.between(1, line.remaining), kind)
    made = Refund(shop.next_id("refund"), at, [item], restock=kind == "return")
    if shop.chance(0.15):
        _give_back_shipping(shop, order, made, whole=shop.chance(0.5))
    if shop.chance(0.1):
        # Kept back for the trouble: less money goes out than the goods were worth.
        made.discrepancy = item.subtotal // 10
    order.refunds.append(made)
    return made


def _everything(
    shop: Shopfront, order: Order, at: int, *, shipping: bool, restock_type: str
) -> Refund | None:
    lines = [line for line in order.lines if line.remaining > 0 and not line.tip]
    items = [_refund_line(shop, line, line.remaining, restock_type) for line in lines]
    made = Refund(shop.next_id("refund"), at, items, restock=True)
    if shipping:
        _give_back_shipping(shop, order, made, whole=True)
        made.duties = order.duties - sum(r.duties for r in order.refunds)
    if not items and not made.shipping:
        return None
    order.refunds.append(made)
    return made


def _refund_line(shop: Shopfront, line: Line, units: int, restock_type: str) -> RefundLine:
    subtotal, tax = line.take_back(units)
    return RefundLine(shop.next_id("refund"), line, units, subtotal, tax, restock_type)


def _give_back_shipping(shop: Shopfront, order: Order, made: Refund, *, whole: bool) -> None:
    shipping = order.shipping
    if shipping is None:
        return
    net = shipping.discounted - (shipping.tax if order.taxes_included else 0)
    back, back_tax = order.shipping_given_back
    left, left_tax = net - back, shipping.tax - back_tax
    made.shipping = left if whole else left // 2
    made.shipping_tax = left_tax if whole else left_tax // 2
    made.told_as = shop.random.choice(("adjustments", "lines", "both"))


def _pay_back(shop: Shopfront, order: Order, made: Refund, at: int) -> None:
    goods = sum(item.subtotal for item in made.lines)
    tax = 0 if order.taxes_included else sum(item.tax for item in made.lines)
    amount = goods + tax + made.shipping + made.shipping_tax + made.duties - made.discrepancy
    amount = min(amount, order.paid)
    if amount > 0:
        parent = order.transactions[0].id
        made.transactions.append(_move(shop, order, "refund", amount, at, parent))
        if order.gateway == "cash" and (step := shop.plan.cash_step):
            made.cash_rounding = ratio(amount, step) * step - amount
    whole = order.paid <= 0
    order.financial_status = "refunded" if whole else "partially_refunded"


def _tell_refund(shop: Shopfront, order: Order, made: Refund) -> None:
    if shop.wants("refunds/create"):
        shop.send("refunds/create", shop.bodies.refund(made, order), order.updated_at)
    for transaction in made.transactions:
        _tell_money(shop, order, transaction)
    shop.send_order(order, "orders/updated")


# -- calling off ---------------------------------------------------------------------------------


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
        made = _everything(shop, order, at, shipping=shop.chance(0.7), restock_type="cancel")
        if made is not None:
            _pay_back(shop, order, made, at)
            order.fulfillment_status = "restocked"
    else:
        # Called off now, paid back tomorrow.
        shop.later(at + _DAY, repay, order)
    shop.send_order(order, "orders/cancelled")
    if made is not None:
        _tell_refund(shop, order, made)
    else:
        shop.send_order(order, "orders/updated")


def _void(shop: Shopfront, order: Order, at: int) -> Refund | None:
    """Nothing was paid. Most leave a refund record without money, some leave none."""
    if order.financial_status == "authorized":
        first = order.transactions[0]
        _tell_money(shop, order, _move(shop, order, "void", first.amount, at, first.id))
    order.financial_status = "voided"
    if shop.chance(0.3):
        return None
    order.fulfillment_status = "restocked"
    return _everything(shop, order, at, shipping=False, restock_type="cancel")


def repay(shop: Shopfront, order: Order, at: int) -> None:
    """The money of an order cancelled before."""
    if order.paid <= 0 or order.deleted:
        return
    at = order.coming(at)
    made = _everything(shop, order, at, shipping=True, restock_type="cancel")
    if made is not None:
        order.tick(at)
        _pay_back(shop, order, made, at)
        _tell_refund(shop, order, made)


def delete(shop: Shopfront, order: Order, at: int) -> None:
    """Delete an order: only those that never went through a checkout can be."""
    if not order.deleted and shop.wants("orders/delete"):
        order.deleted = True
        shop.send("orders/delete", shop.bodies.identifier_only(order.id), at)
