"""Checkouts one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, LiteralString

from tillstream.serve.forms import Column
from tillstream.serve.listing import FIRST_ID, FIRST_TEXT, LAST_TIME, Listing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tillstream.foundation.database import Connection

_COLUMNS: Final = (
    Column("token", "text"),
    Column("store", "id"),
    Column("email", "text"),
    Column("customer_id", "id"),
    Column("customer_name", "text"),
    Column("total", "money"),
    Column("currency", "text"),
    Column("stage", "text"),
    Column("counted", "flag"),
    Column("started_at", "time"),
    Column("last_active_at", "time"),
    Column("abandoned_at", "time"),
    Column("abandonments", "count"),
    Column("recovered_at", "time"),
    Column("completed_at", "time"),
    Column("recovery_url", "text"),
    Column("order_id", "id"),
    Column("order_name", "text"),
    Column("twin_of", "text"),
    Column("inferred_order_id", "id"),
    Column("inferred_order_name", "text"),
    Column("inferred_at", "time"),
)

_SELECT: LiteralString = """
SELECT c.token, t.store_id, m.email, c.customer_id, m.customer_name, c.value, %(currency)s::text,
  c.stage, c.counted, c.started_at, c.last_active_at, c.abandoned_at,
  cardinality(c.abandonment_times), c.recovered_at, c.completed_at, m.abandoned_checkout_url,
  c.order_id, o.name, c.twin_of, c.inferred_order_id, i.name, c.inferred_at,
  c.last_active_at, c.token, t.store_id
FROM unnest(%(stores)s::bigint[]) AS t (store_id)
CROSS JOIN LATERAL (
  SELECT * FROM rollup.checkouts AS r
  WHERE r.tenant_id = %(tenant)s AND r.store_id = t.store_id
    AND r.last_active_at >= %(since)s AND r.last_active_at < %(until)s AND r.last_active_at <= %(at)s
    AND (r.last_active_at < %(at)s OR (r.token, r.store_id) > (%(token)s, %(after_store)s))
"""
_SORTED: LiteralString = """
  ORDER BY r.last_active_at DESC, r.token LIMIT %(limit)s
) AS c
LEFT JOIN LATERAL (
  SELECT email, customer_name, abandoned_checkout_url FROM mirror.checkouts AS m
  WHERE m.tenant_id = %(tenant)s AND m.store_id = t.store_id AND m.token = c.token LIMIT 1
) AS m ON true
LEFT JOIN LATERAL (
  SELECT name FROM mirror.orders AS o
  WHERE o.tenant_id = %(tenant)s AND o.store_id = t.store_id AND o.id = c.order_id LIMIT 1
) AS o ON true
LEFT JOIN LATERAL (
  SELECT name FROM mirror.orders AS i
  WHERE i.tenant_id = %(tenant)s AND i.store_id = t.store_id AND i.id = c.inferred_order_id LIMIT 1
) AS i ON true
ORDER BY c.last_active_at DESC, c.token, t.store_id LIMIT %(limit)s
"""


def checkouts_listing(stage: str | None, *, twins: bool) -> Listing:
    """Checkouts last active in a range, the latest first: those counted, or their twins.

    The statement takes tenant, stores, since, until and currency; stage, if there is one.
    """
    condition: LiteralString = "    AND r.twin_of IS NOT NULL\n" if twins else "    AND r.counted\n"
    if stage is not None:
        condition += "    AND r.stage = %(stage)s\n"
    return Listing(
        "checkouts",
        _COLUMNS,
        _SELECT + condition + _SORTED,
        keys={"at": LAST_TIME, "token": FIRST_TEXT, "after_store": FIRST_ID},
        order="twins" if twins else "",
        personal=True,
    )


# Few at any time: those that were active within the store's window.
_OPEN: LiteralString = """
SELECT count(*) FROM rollup.checkouts
WHERE tenant_id = %(tenant)s AND store_id = ANY (%(stores)s) AND counted AND stage = 'open'
  AND started_at >= %(since)s AND started_at < %(until)s
"""


async def open_checkouts_of(connection: Connection, values: Mapping[str, object]) -> int:
    """How many of the checkouts started in the range are open now."""
    row = await (await connection.execute(_OPEN, values)).fetchone()
    return int(row[0]) if row else 0
