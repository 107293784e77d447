"""Merging a batch: read what is known, join what came, write what changed.

All statements are set-based: one per table, whatever the number of deliveries. They run in the
caller's transaction, which must hold the stores' locks (two workers never merge one store at once).
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Generic, LiteralString, NamedTuple, TypeVar

import msgspec

from tillstream.foundation.statements import statement
from tillstream.mirror import checkouts, customers, orders, products, rows, shops
from tillstream.mirror.join import Element, decode, encode, join

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from tillstream.foundation.database import Connection
    from tillstream.mirror.change import Change, Resource
    from tillstream.mirror.checkouts import Checkout
    from tillstream.mirror.customers import Customer
    from tillstream.mirror.orders import Order
    from tillstream.mirror.products import Product
    from tillstream.mirror.rows import Row
    from tillstream.mirror.shops import Shop


class Store(NamedTuple):
    """The key under which all rows of a store live."""

    tenant_id: int
    store_id: int


T = TypeVar("T")


class Changed(NamedTuple, Generic[T]):
    """A resource before (None where it was unknown) and after the batch."""

    store: Store
    before: T | None
    after: T


class Merged(NamedTuple):
    """What a batch changed."""

    orders: list[Changed[Order]]
    checkouts: list[Changed[Checkout]]
    customers: list[Changed[Customer]]
    products: list[Changed[Product]]
    shops: list[Changed[Shop]]


class _Joined(NamedTuple):
    store: Store
    key: int | str
    before: Element | None
    after: Element


async def merge(connection: Connection, arrived: Iterable[tuple[Store, Change]]) -> Merged:
    """Join changes into the mirror; returns what is different now."""
    batch = _grouped(arrived)
    return Merged(
        orders=await _merge_orders(connection, batch.get("order", {})),
        checkouts=await _merge_checkouts(connection, batch.get("checkout", {})),
        customers=await _merge_customers(connection, batch.get("customer", {})),
        products=await _merge_products(connection, batch.get("product", {})),
        shops=await _merge_shops(connection, batch.get("shop", {})),
    )


def _grouped(
    arrived: Iterable[tuple[Store, Change]],
) -> dict[Resource, dict[tuple[Store, int | str], Element]]:
    """The batch joined with itself: one element for each resource it speaks of."""
    batch: dict[Resource, dict[tuple[Store, int | str], Element]] = defaultdict(dict)
    for store, change in arrived:
        group, key = batch[change.resource], (store, change.key)
        known = group.get(key)
        group[key] = change.element if known is None else join(known, change.element)
    return batch


_PACKAGE = "tillstream.mirror"
_LOAD: dict[Resource, LiteralString] = {
    "order": statement(_PACKAGE, "load_orders"),
    "checkout": statement(_PACKAGE, "load_checkouts"),
    "customer": statement(_PACKAGE, "load_customers"),
    "product": statement(_PACKAGE, "load_products"),
    "shop": statement(_PACKAGE, "load_shops"),
}
_MERGE: dict[Resource, LiteralString] = {
    "order": statement(_PACKAGE, "merge_orders"),
    "checkout": statement(_PACKAGE, "merge_checkouts"),
    "customer": statement(_PACKAGE, "merge_customers"),
    "product": statement(_PACKAGE, "merge_products"),
    "shop": statement(_PACKAGE, "merge_shops"),
}
_DELETE_LINES = statement(_PACKAGE, "delete_order_lines")
_INSERT_LINES = statement(_PACKAGE, "insert_order_lines")
_DELETE_REFUNDS = statement(_PACKAGE, "delete_refunds")
_INSERT_REFUNDS = statement(_PACKAGE, "insert_refunds")
_DELETE_VARIANTS = statement(_PACKAGE, "delete_variants")
_INSERT_VARIANTS = statement(_PACKAGE, "insert_variants")


async def _merge_orders(
    connection: Connection, told: Mapping[tuple[Store, int | str], Element]
) -> list[Changed[Order]]:
    changed = [_viewed(one, orders.view) for one in await _join(connection, "order", "id", told)]
    await _write(connection, "order", [_row(c, rows.order_row(c[1].after)) for c in changed])
    await _replace(
        connection,
        _DELETE_LINES,
        _INSERT_LINES,
        "order_id",
        [c[1] for c in changed],
        rows.line_rows,
    )
    await _replace(
        connection,
        _DELETE_REFUNDS,
        _INSERT_REFUNDS,
        "order_id",
        [c[1] for c in changed],
        rows.refund_rows,
    )
    return [change for _, change in changed]


async def _merge_checkouts(
    connection: Connection, told: Mapping[tuple[Store, int | str], Element]
) -> list[Changed[Checkout]]:
    changed = [
        _viewed(one, checkouts.view) for one in await _join(connection, "checkout", "token", told)
    ]
    await _write(connection, "checkout", [_row(c, rows.checkout_row(c[1].after)) for c in changed])
    return [change for _, change in changed]


async def _merge_customers(
    connection: Connection, told: Mapping[tuple[Store, int | str], Element]
) -> list[Changed[Customer]]:
    changed = [
        _viewed(one, customers.view) for one in await _join(connection, "customer", "id", told)
    ]
    await _write(connection, "customer", [_row(c, rows.customer_row(c[1].after)) for c in changed])
    return [change for _, change in changed]


async def _merge_products(
    connection: Connection, told: Mapping[tuple[Store, int | str], Element]
) -> list[Changed[Product]]:
    changed = [
        _viewed(one, products.view) for one in await _join(connection, "product", "id", told)
    ]
    await _write(connection, "product", [_row(c, rows.product_row(c[1].after)) for c in changed])
    await _replace(
        connection,
        _DELETE_VARIANTS,
        _INSERT_VARIANTS,
        "product_id",
        [c[1] for c in changed],
        rows.variant_rows,
    )
    return [change for _, change in changed]


async def _merge_shops(
    connection: Connection, told: Mapping[tuple[Store, int | str], Element]
) -> list[Changed[Shop]]:
    changed = [
        _viewed(one, lambda _, element: shops.view(element))
        for one in await _join(connection, "shop", "id", told)
    ]
    await _write(connection, "shop", [_row(c, rows.shop_row(c[1].after)) for c in changed])
    return [change for _, change in changed]


async def _join(
    connection: Connection,
    resource: Resource,
    key_name: str,
    told: Mapping[tuple[Store, int | str], Element],
) -> list[_Joined]:
    """Join with what is stored; only what that changes. In key order, so that locks never cross."""
    if not told:
        return []
    keys = [
        {"tenant_id": store.tenant_id, "store_id": store.store_id, key_name: key}
        for store, key in told
    ]
    cursor = await connection.execute(_LOAD[resource], (_json(keys),))
    known = {
        (Store(tenant_id, store_id), key): decode(state)
        for tenant_id, store_id, key, state in await cursor.fetchall()
    }
    result: list[_Joined] = []
    for (store, key), element in told.items():
        before = known.get((store, key))
        after = element if before is None else join(before, element)
        if after != before:
            result.append(_Joined(store, key, before, after))
    return sorted(result, key=lambda one: (one.store, one.key))


def _viewed(one: _Joined, view: Callable[[Any, Element], T]) -> tuple[Element, Changed[T]]:
    before = None if one.before is None else view(one.key, one.before)
    return one.after, Changed(one.store, before, view(one.key, one.after))


def _row(changed: tuple[Element, Changed[Any]], row: Row) -> Row:
    element, change = changed
    return {
        "tenant_id": change.store.tenant_id,
        "store_id": change.store.store_id,
        **row,
        "state": msgspec.Raw(encode(element).encode()),
    }


async def _write(connection: Connection, resource: Resource, written: list[Row]) -> None:
    if written:
        await connection.execute(_MERGE[resource], (_json(written),))


async def _replace(
    connection: Connection,
    delete: LiteralString,
    insert: LiteralString,
    parent: str,
    changed: Sequence[Changed[Any]],
    project: Callable[[Any], list[Row]],
) -> None:
    """Write the child rows of those parents whose children differ from before."""
    stale: list[Row] = []
    fresh: list[Row] = []
    for change in changed:
        before = [] if change.before is None else project(change.before)
        after = project(change.after)
        if before == after:
            continue
        key = {"tenant_id": change.store.tenant_id, "store_id": change.store.store_id}
        if before:
            stale.append({**key, parent: change.after.id})
        fresh.extend({**key, **row} for row in after)
    if stale:
        await connection.execute(delete, (_json(stale),))
    if fresh:
        await connection.execute(insert, (_json(fresh),))


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
