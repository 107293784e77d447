"""Customers without orders: who is one, as the mirror and the ledger change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tillstream.foundation.statements import json_text, statement

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from tillstream.foundation.database import Connection
    from tillstream.mirror.merge import Merged, Store
    from tillstream.rollup.book import Booked

_PACKAGE = "tillstream.rollup"
_FOLLOW = statement(_PACKAGE, "follow_prospects")
_WRONG = statement(_PACKAGE, "wrong_prospects")


def touched(merged: Merged, booked: Booked) -> set[tuple[Store, int]]:
    """Who may have become a prospect or ceased to be one. Pure."""
    known = {
        (change.store, change.after.id)
        for change in merged.customers
        if change.before is None or change.before.deleted != change.after.deleted
    }
    placed = {
        (one.source.store, one.entry.customer_id)
        for one in (*booked.removed, *booked.added)
        if one.entry.entry == "placement" and one.entry.customer_id is not None
    }
    return known | placed


async def follow_prospects(connection: Connection, merged: Merged, booked: Booked) -> None:
    """Let ``rollup.prospects`` follow; the ledger and the customers have to be booked already."""
    await settle_prospects(connection, touched(merged, booked))


async def settle_prospects(
    connection: Connection, customers: AbstractSet[tuple[Store, int]]
) -> None:
    """List those of these customers who are prospects, and not those who are none."""
    if not customers:
        return
    keys = [
        {**store.columns, "customer_id": customer_id} for store, customer_id in sorted(customers)
    ]
    await connection.execute(_FOLLOW, (json_text(keys),))


async def wrong_prospects(connection: Connection, store: Store) -> list[tuple[int, bool]]:
    """Customers of a store who are listed and are no prospects (with True), or the other way round."""
    cursor = await connection.execute(_WRONG, (*store, *store))
    return [(customer_id, listed) for customer_id, listed in await cursor.fetchall()]
