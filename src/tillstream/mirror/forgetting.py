"""Whom a store has to forget: the marks in force, and going through what is stored already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, LiteralString, NamedTuple

from tillstream.mirror.change import Change, Resource
from tillstream.mirror.join import FORGOTTEN
from tillstream.mirror.merge import Store, merge
from tillstream.mirror.redaction import LETTERS, own_mark

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from tillstream.foundation.database import Connection

_IN_FORCE: LiteralString = """
SELECT mark FROM mirror.redactions WHERE tenant_id = %s AND store_id = %s AND mark = ANY (%s)
"""
_PUT_IN_FORCE: LiteralString = """
INSERT INTO mirror.redactions (tenant_id, store_id, mark, since)
SELECT %s, %s, mark, %s FROM unnest(%s::text[]) AS mark ORDER BY mark
ON CONFLICT (tenant_id, store_id, mark) DO NOTHING
"""
_UNSWEPT_STORES: LiteralString = "SELECT tenant_id, store_id FROM mirror.unswept_stores()"
_UNSWEPT: LiteralString = """
SELECT mark FROM mirror.redactions WHERE tenant_id = %s AND store_id = %s AND swept_at IS NULL
"""
_SWEPT: LiteralString = """
UPDATE mirror.redactions SET swept_at = %s
WHERE tenant_id = %s AND store_id = %s AND mark = ANY (%s) AND swept_at IS NULL
"""
# Looked for in the state: a column may show one address only, while the state knows all that were
# told. It reads every row of the store, which a request about people is worth.
_TRACES: Final[dict[Resource, LiteralString]] = {
    "order": """
SELECT id FROM mirror.orders
WHERE tenant_id = %(tenant)s AND store_id = %(store)s AND (id = ANY (%(keys)s::bigint[]) OR EXISTS (
  SELECT FROM json_array_elements_text(state->'people') AS named WHERE named = ANY (%(marks)s)))
  AND state->'redacted' IS NULL
ORDER BY id
""",
    "checkout": """
SELECT token FROM mirror.checkouts
WHERE tenant_id = %(tenant)s AND store_id = %(store)s AND (token = ANY (%(keys)s::text[]) OR EXISTS (
  SELECT FROM json_array_elements_text(state->'people') AS named WHERE named = ANY (%(marks)s)))
  AND state->'redacted' IS NULL
ORDER BY token
""",
    "customer": """
SELECT id FROM mirror.customers
WHERE tenant_id = %(tenant)s AND store_id = %(store)s AND (id = ANY (%(keys)s::bigint[]) OR EXISTS (
  SELECT FROM json_array_elements_text(state->'people') AS named WHERE named = ANY (%(marks)s)))
  AND state->'redacted' IS NULL
ORDER BY id
""",
}


class Traces(NamedTuple):
    """Where a store has something of people: the keys of rows."""

    orders: list[int]
    checkouts: list[str]
    customers: list[int]

    def by_resource(self) -> dict[Resource, Sequence[int | str]]:
        """The same by the names of resources."""
        return {"order": self.orders, "checkout": self.checkouts, "customer": self.customers}

    def marks(self) -> set[str]:
        """The marks of these rows themselves, by which other deliveries about them are known."""
        return {
            own_mark(resource, key) for resource, keys in self.by_resource().items() for key in keys
        }


async def in_force(connection: Connection, store: Store, marks: Collection[str]) -> set[str]:
    """Those of the marks that are in force."""
    cursor = await connection.execute(_IN_FORCE, (*store, sorted(marks)))
    return {mark for (mark,) in await cursor.fetchall()}


async def put_in_force(
    connection: Connection, store: Store, marks: Collection[str], now: datetime
) -> int:
    """Forget these from now on, whatever comes; how many were not forgotten before.

    The transaction must hold the store's lock: a batch that did not see the marks shall be done.
    """
    result = await connection.execute(_PUT_IN_FORCE, (*store, now, sorted(marks)))
    return result.rowcount


async def unswept_stores(connection: Connection) -> list[Store]:
    """The stores, of whatever tenant, that have something to go through. Worker role."""
    cursor = await connection.execute(_UNSWEPT_STORES)
    return [Store(tenant_id, store_id) for tenant_id, store_id in await cursor.fetchall()]


async def unswept(connection: Connection, store: Store) -> set[str]:
    """The marks for which what was stored before them is still to be gone through."""
    return {mark for (mark,) in await (await connection.execute(_UNSWEPT, store)).fetchall()}


async def swept(
    connection: Connection, store: Store, marks: Collection[str], now: datetime
) -> None:
    """Say that what was stored has been gone through for these marks."""
    await connection.execute(_SWEPT, (now, *store, sorted(marks)))


async def traces(connection: Connection, store: Store, marks: Collection[str]) -> Traces:
    """Where the mirror has something of people with these marks, and has not forgotten them.

    Args:
        connection: of either role, in a transaction that may read the store.
        store: where.
        marks: of whom.
    """
    # Whoever is known by an address alone may have an id as well, and orders under that; and other
    # ids, which were merged into it.
    named, customers = set(marks), list[int]()
    while fresh := sorted(
        {*await _trace(connection, store, "customer", named)}.difference(customers)
    ):
        customers += fresh
        named |= {own_mark("customer", key) for key in fresh}
    orders = await _trace(connection, store, "order", named)
    return Traces(orders, await _trace(connection, store, "checkout", named), sorted(customers))


async def _trace(
    connection: Connection, store: Store, resource: Resource, marks: Collection[str]
) -> list[Any]:
    own = [mark[1:] for mark in marks if mark.startswith(LETTERS[resource])]
    values = {
        "tenant": store.tenant_id,
        "store": store.store_id,
        "keys": own if resource == "checkout" else [int(key) for key in own],
        "marks": sorted(marks),
    }
    cursor = await connection.execute(_TRACES[resource], values)
    return [key for (key,) in await cursor.fetchall()]


async def forget(
    connection: Connection, store: Store, resource: Resource, keys: Collection[int | str]
) -> None:
    """Forget the people in these rows; the transaction must hold the store's lock."""
    await merge(connection, ((store, Change(resource, key, FORGOTTEN)) for key in keys))
