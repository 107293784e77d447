"""Whose the orders are by now: what they contribute, under the customer that merges left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tillstream.mirror import orders
from tillstream.mirror.join import decode
from tillstream.rollup.book import Source
from tillstream.rollup.entries import Entry, order_entries
from tillstream.rollup.merging import affected_orders, newly_merged, resolve

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tillstream.foundation.database import Connection
    from tillstream.mirror.merge import Merged, Store
    from tillstream.mirror.orders import Order


async def order_contributions(connection: Connection, merged: Merged) -> dict[Source, list[Entry]]:
    """What the orders of a batch contribute, and those that a merge of customers gave to another."""
    moved = await affected_orders(connection, newly_merged(merged.customers))
    changed = {(change.store, change.after.id): change.after for change in merged.orders}
    return await entries_of(connection, {**moved, **changed})


async def contributed(
    connection: Connection, store: Store, states: Mapping[int, str]
) -> dict[Source, list[Entry]]:
    """What orders of a store contribute, by their elements as they are stored."""
    viewed = {(store, key): orders.view(key, decode(state)) for key, state in states.items()}
    return await entries_of(connection, viewed)


async def entries_of(
    connection: Connection, viewed: Mapping[tuple[Store, int], Order]
) -> dict[Source, list[Entry]]:
    """What orders contribute, by store and id, each entry under whoever its customer is by now."""
    entries = {
        Source(store, "order", str(order_id)): order_entries(order)
        for (store, order_id), order in viewed.items()
    }
    named = {
        (source.store, entry.customer_id)
        for source, told in entries.items()
        for entry in told
        if entry.customer_id is not None
    }
    whose = await resolve(connection, named)
    return {
        source: [_owned(entry, whose.get((source.store, entry.customer_id or 0))) for entry in told]
        for source, told in entries.items()
    }


def _owned(entry: Entry, customer_id: int | None) -> Entry:
    return entry if customer_id == entry.customer_id else entry._replace(customer_id=customer_id)
