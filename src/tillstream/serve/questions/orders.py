"""Orders one by one, and how long they took to be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, LiteralString

from tillstream.serve.forms import Column
from tillstream.serve.listing import LAST_ID, LAST_TIME, Listing

if TYPE_CHECKING:
    from tillstream.serve.filters import Filters

_COLUMNS: Final = (
    Column("id", "id"),
    Column("store", "id"),
    Column("name", "text"),
    Column("email", "text"),
    Column("customer_id", "id"),
    Column("customer_name", "text"),
    Column("financial_status", "text"),
    Column("fulfillment_status", "text"),
    Column("total_price", "money"),
    Column("current_total_price", "money"),
    Column("processed_at", "time"),
    Column("cancelled_at", "time"),
    Column("fulfilled_at", "time"),
    Column("test", "flag"),
    Column("channel", "text"),
    Column("country", "text"),
    Column("region", "text"),
    Column("discount_codes", "texts"),
)

_SELECT: LiteralString = """
SELECT o.id, t.store_id, o.name, o.email, o.customer_id,
  concat_ws(' ', nullif(c.first_name, ''), nullif(c.last_name, '')), o.financial_status,
  o.fulfillment_status, o.total_price, o.current_total_price, o.processed_at, o.cancelled_at,
  o.fulfilled_at, o.test, o.channel, o.country, o.region, o.discount_codes,
  o.processed_at, o.id, t.store_id
FROM unnest(%(stores)s::bigint[]) AS t (store_id)
CROSS JOIN LATERAL (
  SELECT * FROM mirror.orders AS r
  WHERE r.tenant_id = %(tenant)s AND r.store_id = t.store_id AND NOT r.deleted
    AND r.processed_at >= %(since)s AND r.processed_at < %(until)s
    AND (r.processed_at, r.id, r.store_id) < (%(at)s, %(id)s, %(after_store)s)
"""
_SORTED: LiteralString = """
  ORDER BY r.processed_at DESC, r.id DESC LIMIT %(limit)s
) AS o
LEFT JOIN LATERAL (
  SELECT first_name, last_name FROM mirror.customers AS c
  WHERE c.tenant_id = %(tenant)s AND c.store_id = t.store_id AND c.id = o.customer_id LIMIT 1
) AS c ON true
ORDER BY o.processed_at DESC, o.id DESC, t.store_id DESC LIMIT %(limit)s
"""
# A condition for each filter. An unknown facet is null in the mirror and "" to those who ask.
_CONDITIONS: Final[dict[str, LiteralString]] = {
    "channel": "    AND coalesce(r.channel, '') = %(channel)s\n",
    "country": "    AND coalesce(r.country, '') = %(country)s\n",
    "discount_code": """
    AND CASE WHEN %(discount_code)s = '' THEN cardinality(r.discount_codes) = 0
             ELSE r.discount_codes @> ARRAY[%(discount_code)s::text] END
""",
    "product": """
    AND EXISTS (
      SELECT FROM mirror.order_lines AS l
      WHERE l.tenant_id = r.tenant_id AND l.store_id = r.store_id AND l.order_id = r.id
        AND l.product_id IS NOT DISTINCT FROM nullif(%(product)s, '')::bigint
        AND NOT l.gift_card AND NOT l.tip)
""",
}


def orders_listing(filters: Filters) -> Listing:
    """Orders placed in a range, the latest first.

    The statement takes tenant, stores, since and until, and the filters that are set.
    """
    statement = _SELECT
    for name in filters.wanted:
        statement += _CONDITIONS[name]
    return Listing(
        "orders",
        _COLUMNS,
        statement + _SORTED,
        keys={"at": LAST_TIME, "id": LAST_ID, "after_store": LAST_ID},
        personal=True,
    )
