"""Customers one by one: those worth most, and all of them."""

# ruff: noqa: S608 - statements are made of literals only

from __future__ import annotations

from typing import Final, LiteralString

from tillstream.serve.forms import Column
from tillstream.serve.listing import FIRST_ID, LAST_ID, Listing

_WORTH: Final = (
    Column("id", "id"),
    Column("name", "text"),
    Column("email", "text"),
    Column("orders", "count"),
    Column("total_spent", "money"),
    Column("first_order_at", "time"),
    Column("last_order_at", "time"),
)
_NAME: LiteralString = "concat_ws(' ', nullif(m.first_name, ''), nullif(m.last_name, ''))"

TOP_CUSTOMERS: Final = Listing(
    "customers",
    (*_WORTH, Column("store", "id")),
    """
SELECT c.customer_id, """
    + _NAME
    + """, m.email, c.orders, c.total_spent, c.first_order_at, c.last_order_at, t.store_id,
  c.total_spent, c.customer_id, t.store_id
FROM unnest(%(stores)s::bigint[]) AS t (store_id)
CROSS JOIN LATERAL (
  SELECT * FROM rollup.customers AS r
  WHERE r.tenant_id = %(tenant)s AND r.store_id = t.store_id AND r.total_spent <= %(spent)s
    AND (r.total_spent < %(spent)s OR (r.customer_id, r.store_id) > (%(id)s, %(after_store)s))
  ORDER BY r.total_spent DESC, r.customer_id LIMIT %(limit)s
) AS c
LEFT JOIN LATERAL (
  SELECT first_name, last_name, email FROM mirror.customers AS m
  WHERE m.tenant_id = %(tenant)s AND m.store_id = t.store_id AND m.id = c.customer_id LIMIT 1
) AS m ON true
ORDER BY c.total_spent DESC, c.customer_id, t.store_id LIMIT %(limit)s
""",
    keys={"spent": LAST_ID, "id": FIRST_ID, "after_store": FIRST_ID},
    called="top-customers",
    personal=True,
)
"""Customers by lifetime value; takes tenant and stores."""

_CUSTOMERS: LiteralString = (
    """
SELECT m.id, """
    + _NAME
    + """, m.email, coalesce(m.orders, 0), coalesce(m.total_spent, 0), m.first_order_at,
  m.last_order_at, t.store_id, m.created_at,
  CASE WHEN m.orders >= 2 THEN 'repeat' WHEN m.orders = 1 THEN 'one_time' ELSE 'none' END,
  m.tags, m.account_state, m.id, t.store_id
FROM unnest(%(stores)s::bigint[]) AS t (store_id)
CROSS JOIN LATERAL (
  SELECT r.*, c.orders, c.total_spent, c.first_order_at, c.last_order_at
  FROM mirror.customers AS r
  LEFT JOIN rollup.customers AS c
    ON c.tenant_id = r.tenant_id AND c.store_id = r.store_id AND c.customer_id = r.id
"""
)
# Who has no orders is listed by name: nobody has to go through everybody to find them.
_PROSPECTS: LiteralString = """
  JOIN rollup.prospects AS p
    ON p.tenant_id = r.tenant_id AND p.store_id = r.store_id AND p.customer_id = r.id
"""
_THERE: LiteralString = """
  WHERE r.tenant_id = %(tenant)s AND r.store_id = t.store_id AND NOT r.deleted
    AND r.merged_into IS NULL AND (r.id, r.store_id) < (%(id)s, %(after_store)s)
"""
_SORTED: LiteralString = """
  ORDER BY r.id DESC LIMIT %(limit)s
) AS m
ORDER BY m.id DESC, t.store_id DESC LIMIT %(limit)s
"""
_OF_KIND: Final[dict[str | None, LiteralString]] = {
    None: _THERE,
    "none": _PROSPECTS + _THERE,
    "one_time": _THERE + "    AND c.orders = 1\n",
    "repeat": _THERE + "    AND c.orders >= 2\n",
}


def customers_listing(kind: str | None) -> Listing:
    """All customers, the newest first, or those of a kind; takes tenant and stores.

    Who was merged into another customer is that customer, and not listed.
    """
    return Listing(
        "customers",
        (
            *_WORTH,
            Column("store", "id"),
            Column("created_at", "time"),
            Column("kind", "text"),
            Column("tags", "texts"),
            Column("account_state", "text"),
        ),
        _CUSTOMERS + _OF_KIND[kind] + _SORTED,
        keys={"id": LAST_ID, "after_store": LAST_ID},
        personal=True,
    )
