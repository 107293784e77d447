"""Merging a batch: read what is known, join what came, write what changed.

One way for every resource: what is particular to each stands in the register. All statements are
set-based: one per table, whatever the number of deliveries. They run in the
caller's transaction, which must hold the stores' locks (two workers never merge one store at once).
"""

from __future__ import annotations

from collections import defaultdict
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeAlias, TypeVar

import msgspec

from tillstream.foundation.statements import json_text
from tillstream.mirror import (
    carts,
    checkouts,
    collections,
    customers,
    disputes,
    domains,
    draft_orders,
    fulfillments,
    inventory,
    locations,
    orders,
    products,
    returns,
    rows,
    shops,
    tender_transactions,
    transactions,
)
from tillstream.mirror.join import Element, decode, encode, join
from tillstream.mirror.mirrored import Child, Mirrored

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

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

    @property
    def columns(self) -> dict[str, int]:
        """As columns of a row. Written out: it is asked for with every row of a batch."""
        return {"tenant_id": self.tenant_id, "store_id": self.store_id}


MIRRORED: Final[dict[Resource, Mirrored]] = {
    "order": Mirrored(
        "orders",
        ("id",),
        orders.view,
        rows.order_row,
        (
            Child("order_lines", "order_id", rows.line_rows),
            Child("refunds", "order_id", rows.refund_rows),
        ),
    ),
    "checkout": Mirrored("checkouts", ("token",), checkouts.view, rows.checkout_row),
    "customer": Mirrored("customers", ("id",), customers.view, rows.customer_row),
    "product": Mirrored(
        "products",
        ("id",),
        products.view,
        rows.product_row,
        (Child("variants", "product_id", rows.variant_rows),),
    ),
    "shop": Mirrored("shops", (), shops.view, rows.shop_row),
    "transaction": Mirrored("transactions", ("id",), transactions.view, rows.plain),
    "tender_transaction": Mirrored(
        "tender_transactions", ("id",), tender_transactions.view, rows.plain
    ),
    "fulfillment": Mirrored("fulfillments", ("id",), fulfillments.view, rows.plain),
    "return": Mirrored("returns", ("id",), returns.view, rows.plain),
    "draft_order": Mirrored("draft_orders", ("id",), draft_orders.view, rows.plain),
    "dispute": Mirrored("disputes", ("id",), disputes.view, rows.plain),
    "cart": Mirrored("carts", ("token",), carts.view, rows.plain),
    "collection": Mirrored("collections", ("id",), collections.view, rows.plain),
    "inventory_item": Mirrored("inventory_items", ("id",), inventory.view_item, rows.plain),
    "inventory_level": Mirrored(
        "inventory_levels", ("inventory_item_id", "location_id"), inventory.view_level, rows.plain
    ),
    "location": Mirrored("locations", ("id",), locations.view, rows.plain),
    "domain": Mirrored("domains", ("id",), domains.view, rows.plain),
}
"""Every resource there is a copy of, and how it is written."""

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
    others: Mapping[Resource, list[Changed[Any]]] = MappingProxyType({})
    """Of all other resources: the views of their own modules."""
    known: Mapping[Resource, Mapping[tuple[Store, int | str], Element]] = MappingProxyType({})
    """What was known before of what the batch speaks of, changed or not."""


_Key: TypeAlias = tuple[Store, "int | str"]


class _Joined(NamedTuple):
    store: Store
    key: int | str
    before: Element | None
    after: Element


async def merge(connection: Connection, arrived: Iterable[tuple[Store, Change]]) -> Merged:
    """Join changes into the mirror; returns what is different now."""
    batch = _grouped(arrived)
    known: dict[Resource, dict[_Key, Element]] = {resource: {} for resource in batch}
    changed: dict[Resource, list[Changed[Any]]] = {
        # In the order of the register, so that two batches lock tables in one order.
        resource: await _merge(connection, mirrored, batch[resource], known[resource])
        for resource, mirrored in MIRRORED.items()
        if resource in batch
    }
    return Merged(
        changed.pop("order", []),
        changed.pop("checkout", []),
        changed.pop("customer", []),
        changed.pop("product", []),
        changed.pop("shop", []),
        changed,
        known,
    )


def _grouped(
    arrived: Iterable[tuple[Store, Change]],
) -> dict[Resource, dict[_Key, Element]]:
    """The batch joined with itself: one element for each resource it speaks of."""
    batch: dict[Resource, dict[_Key, Element]] = defaultdict(dict)
    for store, change in arrived:
        group, key = batch[change.resource], (store, change.key)
        known = group.get(key)
        group[key] = change.element if known is None else join(known, change.element)
    return batch


async def _merge(
    connection: Connection,
    mirrored: Mirrored,
    told: Mapping[_Key, Element],
    known: dict[_Key, Element],
) -> list[Changed[Any]]:
    """Join one kind of resource with what is stored, and write what that changes.

    What is stored goes into ``known``.
    """
    if not told:
        return []
    joined = await _join(connection, mirrored, told, known)
    changed = [_viewed(mirrored, one) for one in joined]
    if changed:
        rows = [_row(mirrored, one, change) for one, change in zip(joined, changed, strict=True)]
        await connection.execute(mirrored.write(rows[0]), (json_text(rows),))
        for child in mirrored.children:
            await _replace(connection, child, joined, changed)
    return changed


async def _join(
    connection: Connection,
    mirrored: Mirrored,
    told: Mapping[_Key, Element],
    known: dict[_Key, Element],
) -> list[_Joined]:
    """What is stored joined with what came, where that changes it. In key order, so that locks never cross."""
    keys = [_keyed(store, mirrored.key_columns(key)) for store, key in told]
    cursor = await connection.execute(mirrored.load, (json_text(keys),))
    known |= {
        (Store(tenant_id, store_id), mirrored.key_of(values)): decode(state)
        for tenant_id, store_id, state, *values in await cursor.fetchall()
    }
    result: list[_Joined] = []
    for (store, key), element in told.items():
        before = known.get((store, key))
        after = element if before is None else join(before, element)
        if after != before:
            result.append(_Joined(store, key, before, after))
    return sorted(result, key=lambda one: (one.store, one.key))


def _viewed(mirrored: Mirrored, one: _Joined) -> Changed[Any]:
    before = None if one.before is None else mirrored.view(one.key, one.before)
    return Changed(one.store, before, mirrored.view(one.key, one.after))


def _row(mirrored: Mirrored, one: _Joined, change: Changed[Any]) -> Row:
    state = msgspec.Raw(encode(one.after).encode())
    return {**_keyed(one.store, mirrored.row(change.after)), "state": state}


async def _replace(
    connection: Connection,
    child: Child,
    joined: Sequence[_Joined],
    changed: Sequence[Changed[Any]],
) -> None:
    """Write the child rows of those parents whose children differ from before."""
    stale: list[Row] = []
    fresh: list[Row] = []
    for one, change in zip(joined, changed, strict=True):
        before = [] if change.before is None else child.rows(change.before)
        after = child.rows(change.after)
        if before == after:
            continue
        if before:
            stale.append(_keyed(one.store, {child.parent: one.key}))
        fresh.extend(_keyed(one.store, row) for row in after)
    if stale:
        await connection.execute(child.delete, (json_text(stale),))
    if fresh:
        await connection.execute(child.insert(fresh[0]), (json_text(fresh),))


def _keyed(store: Store, row: Row) -> Row:
    return {**store.columns, **row}
