"""Customers that Shopify merged: whose orders are whose.

A merge keeps one customer and deletes the other. The orders of the deleted one keep naming it in
their bodies, so the ledger asks here who that is by now. A merge may be known before either of the
customers, and before or after the orders it moves: the answer depends on the merges alone.

https://shopify.dev/docs/api/admin-graphql/latest/mutations/customerMerge
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, LiteralString, TypeAlias

from tillstream.foundation.statements import json_text, statement
from tillstream.mirror import orders
from tillstream.mirror.join import decode
from tillstream.mirror.merge import Store

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from tillstream.foundation.database import Connection
    from tillstream.mirror.customers import Customer
    from tillstream.mirror.merge import Changed
    from tillstream.mirror.orders import Order

Whose: TypeAlias = tuple[Store, int]
"""A customer of a store."""

_PACKAGE = "tillstream.rollup"
_EDGES = statement(_PACKAGE, "merge_edges")
_MERGED = statement(_PACKAGE, "merged_customers")
_ORDERS = statement(_PACKAGE, "orders_of_customers")


async def resolve(connection: Connection, customers: Collection[Whose]) -> dict[Whose, int]:
    """Who each of these customers is by now: itself, where it was not merged.

    The store's lock must be held, and the mirror already merged.
    """
    edges = {
        (Store(tenant_id, store_id), customer_id): merged_into
        for tenant_id, store_id, customer_id, merged_into in await _rows(
            connection, _EDGES, customers
        )
    }
    return {one: survivor(one, edges) for one in customers}


def survivor(customer: Whose, edges: Mapping[Whose, int]) -> int:
    """The customer at the end of the merges; of merges that go in a circle, the smallest id of it.

    Args:
        customer: from where to follow.
        edges: by customer, the one that it was merged into.
    """
    store, here = customer
    path: list[int] = []
    seen: set[int] = set()
    while (following := edges.get((store, here))) is not None:
        if here in seen:
            return min(path[path.index(here) :])
        seen.add(here)
        path.append(here)
        here = following
    return here


def newly_merged(changed: Iterable[Changed[Customer]]) -> set[Whose]:
    """The customers of a batch that lead to somebody else now than they did before it."""
    return {
        (change.store, change.after.id)
        for change in changed
        if change.after.merged_into != (change.before.merged_into if change.before else None)
    }


async def affected_customers(connection: Connection, merged: Collection[Whose]) -> set[Whose]:
    """Whoever may be somebody else once these were merged: they, and all merged into them before.

    The ones they were merged into stay who they are.
    """
    return {
        (Store(tenant_id, store_id), customer_id)
        for tenant_id, store_id, customer_id in await _rows(connection, _MERGED, merged)
    }


async def affected_orders(
    connection: Connection, merged: Collection[Whose]
) -> dict[tuple[Store, int], Order]:
    """The orders that may be somebody else's once these customers were merged, by store and id.

    Their bodies did not change: only what :func:`resolve` says of their customer.
    """
    affected = await affected_customers(connection, merged)
    return {
        (Store(tenant_id, store_id), order_id): orders.view(order_id, decode(state))
        for tenant_id, store_id, order_id, state in await _rows(connection, _ORDERS, affected)
    }


async def _rows(
    connection: Connection, query: LiteralString, customers: Collection[Whose]
) -> list[tuple[Any, ...]]:
    if not customers:
        return []
    asked = json_text(sorted(customers))
    return await (await connection.execute(query, (asked,))).fetchall()
