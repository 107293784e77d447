"""Everything that a store's mirror has of one person, as a document for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, LiteralString

from tillstream.foundation.money import format_money
from tillstream.mirror import checkouts, customers, orders, rows
from tillstream.mirror.forgetting import traces
from tillstream.mirror.join import decode

if TYPE_CHECKING:
    from collections.abc import Collection

    from tillstream.foundation.database import Connection
    from tillstream.mirror.forgetting import Traces
    from tillstream.mirror.merge import Store
    from tillstream.mirror.orders import Order

_ORDERS: LiteralString = """
SELECT id, state::text FROM mirror.orders
WHERE tenant_id = %s AND store_id = %s AND id = ANY (%s) ORDER BY id
"""
_CHECKOUTS: LiteralString = """
SELECT token, state::text FROM mirror.checkouts
WHERE tenant_id = %s AND store_id = %s AND token = ANY (%s) ORDER BY token
"""
_CUSTOMERS: LiteralString = """
SELECT id, state::text FROM mirror.customers
WHERE tenant_id = %s AND store_id = %s AND id = ANY (%s) ORDER BY id
"""
_DELIVERIES: LiteralString = """
SELECT topic, resource_id, triggered_at, received_at FROM mirror.deliveries
WHERE tenant_id = %s AND store_id = %s AND resource_id = ANY (%s)
  AND (topic LIKE 'orders/%%' OR topic LIKE 'refunds/%%' OR topic LIKE 'checkouts/%%'
       OR topic LIKE 'customer%%')
ORDER BY received_at, topic
"""

_MONEY = (
    "total_price", "subtotal_price", "total_tax", "total_discounts", "current_total_price", "price",
    "discount", "tax", "subtotal", "shipping", "amount_spent_told",
)  # fmt: skip


async def record_of(connection: Connection, store: Store, marks: Collection[str]) -> dict[str, Any]:
    """The record of whoever has these marks, ready to be written as JSON.

    Amounts are decimal strings in the currency that stands beside them. What was forgotten is not
    in it any more.
    """
    found = await traces(connection, store, marks)
    customer_ids = [int(mark[1:]) for mark in marks if mark.startswith("c")]
    people = sorted({*found.customers, *customer_ids})
    return {
        "customers": [
            _customer(customers.view(key, decode(state)))
            for key, state in await _states(connection, _CUSTOMERS, store, people)
        ],
        "orders": [
            _order(orders.view(key, decode(state)))
            for key, state in await _states(connection, _ORDERS, store, found.orders)
        ],
        "checkouts": [
            _checkout(checkouts.view(key, decode(state)))
            for key, state in await _states(connection, _CHECKOUTS, store, found.checkouts)
        ],
        "deliveries": await _deliveries(connection, store, found, people),
    }


async def _states(
    connection: Connection, statement: LiteralString, store: Store, keys: Collection[Any]
) -> list[tuple[Any, str]]:
    cursor = await connection.execute(statement, (*store, list(keys)))
    return [(key, state) for key, state in await cursor.fetchall()]


async def _deliveries(
    connection: Connection, store: Store, found: Traces, people: list[int]
) -> list[dict[str, Any]]:
    """When Shopify told what: the bodies themselves are in the rows above."""
    keys = [*map(str, found.orders), *found.checkouts, *map(str, people)]
    cursor = await connection.execute(_DELIVERIES, (*store, keys))
    return [
        {"topic": topic, "of": of, "sent_at": sent_at, "received_at": received_at}
        for topic, of, sent_at, received_at in await cursor.fetchall()
    ]


def _order(order: Order) -> dict[str, Any]:
    return {
        **_priced(rows.order_row(order), order.currency),
        "customer_name": order.customer_name,
        "lines": [_priced(row, order.currency) for row in rows.line_rows(order)],
        "refunds": [_priced(row, order.currency) for row in rows.refund_rows(order)],
    }


def _customer(customer: customers.Customer) -> dict[str, Any]:
    return _priced(rows.customer_row(customer), customer.currency)


def _checkout(checkout: checkouts.Checkout) -> dict[str, Any]:
    return _priced(rows.checkout_row(checkout), checkout.currency)


def _priced(row: dict[str, Any], currency: str | None) -> dict[str, Any]:
    return _timed(
        {
            name: format_money(value, currency or "")
            if name in _MONEY and value is not None
            else value
            for name, value in row.items()
        }
    )


def _timed(row: dict[str, Any]) -> dict[str, Any]:
    """Ids as strings, as everywhere in the API."""
    return {
        name: str(value) if value is not None and _is_id(name) else value
        for name, value in row.items()
    }


def _is_id(name: str) -> bool:
    return name in {"id", "merged_into"} or name.endswith("_id")
