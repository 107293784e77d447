"""Customers without orders: who is one, as the mirror and the ledger change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tillstream.foundation.statements import statement

if TYPE_CHECKING:
    from tillstream.foundation.database import Connection
    from tillstream.mirror.merge import Merged, Store
    from tillstream.rollup.book import Booked

_PACKAGE = "tillstream.rollup"
_FOLLOW = statement(_PACKAGE, "follow_prospects")
_FIND = statement(_PACKAGE, "find_prospects")


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
    customers = touched(merged, booked)
    if not customers:
        return
    keys = [
        {**store._asdict(), "customer_id": customer_id} for store, customer_id in sorted(customers)
    ]
    await connection.execute(_FOLLOW, (msgspec.json.encode(keys).decode(),))


async def find_prospects(connection: Connection, store: Store) -> None:
    """All prospects of a store anew, by the mirror and ``rollup.customers``."""
    await connection.execute(
        "DELETE FROM rollup.prospects WHERE tenant_id = %s AND store_id = %s", store
    )
    await connection.execute(_FIND, store)
