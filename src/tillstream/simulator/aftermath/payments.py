"""Money: moved between the buyer and the shop, and told of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from tillstream.simulator.currency import Currency, exchanged
from tillstream.simulator.facts import Transaction
from tillstream.simulator.shop_clock import instant

if TYPE_CHECKING:
    from tillstream.simulator.books import Row
    from tillstream.simulator.facts import Order
    from tillstream.simulator.shopfront import Shopfront


def move(
    shop: Shopfront,
    order: Order,
    kind: Literal["authorization", "capture", "sale", "void", "refund"],
    amount: int,
    at: int,
    parent: int | None = None,
) -> Transaction:
    """A transaction of the order, successful at once."""
    transaction = Transaction(shop.next_id("transaction"), kind, amount, parent, at)
    order.transactions.append(transaction)
    return transaction


def tell_money(shop: Shopfront, order: Order, transaction: Transaction | None) -> None:
    """``order_transactions/create``, and ``tender_transactions/create`` where money moved."""
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


def settle(shop: Shopfront, order: Order, at: int) -> None:
    """The money comes: a capture of what was authorised, or the transfer awaited."""
    if order.cancelled_at is not None or order.deleted or order.financial_status == "paid":
        return
    at = order.tick(at)
    first = order.transactions[0] if order.transactions else None
    kind = "capture" if first else "sale"
    money = move(shop, order, kind, order.current.price, at, first.id if first else None)
    order.financial_status = "paid"
    tell_money(shop, order, money)
    shop.send_order(order, "orders/updated", "orders/paid")
