"""One order: what the copy has of it, what the ledger has of it, and the deliveries that made it."""

from __future__ import annotations

from typing import Final, LiteralString

from tillstream.rollup.columns import each
from tillstream.serve.forms import Column

# All statements of this file take the tenant, the store and the order by name.

ORDER: Final = (
    Column("name", "text"),
    Column("email", "text"),
    Column("customer_id", "id"),
    Column("customer_name", "text"),
    Column("financial_status", "text"),
    Column("fulfillment_status", "text"),
    Column("total_price", "money"),
    Column("current_total_price", "money"),
    Column("subtotal_price", "money"),
    Column("total_discounts", "money"),
    Column("total_tax", "money"),
    Column("taxes_included", "flag"),
    Column("created_at", "time"),
    Column("processed_at", "time"),
    Column("updated_at", "time"),
    Column("cancelled_at", "time"),
    Column("cancel_reason", "text"),
    Column("closed_at", "time"),
    Column("fulfilled_at", "time"),
    Column("test", "flag"),
    Column("deleted", "flag"),
    Column("channel", "text"),
    Column("country", "text"),
    Column("region", "text"),
    Column("referrer", "text"),
    Column("landing", "text"),
    Column("discount_codes", "texts"),
)
"""What is shown of the order itself; then follow the order's currency, that of the customer, and the
total in it."""

READ_ORDER: LiteralString = """
SELECT o.name, o.email, o.customer_id,
  concat_ws(' ', nullif(c.first_name, ''), nullif(c.last_name, '')), o.financial_status,
  o.fulfillment_status, o.total_price, o.current_total_price, o.subtotal_price, o.total_discounts,
  o.total_tax, o.taxes_included, o.created_at, o.processed_at, o.updated_at, o.cancelled_at,
  o.cancel_reason, o.closed_at, o.fulfilled_at, o.test, o.deleted, o.channel, o.country, o.region,
  o.referrer, o.landing, o.discount_codes, o.currency, o.presentment_currency,
  o.total_price_presentment
FROM mirror.orders AS o
LEFT JOIN mirror.customers AS c
  ON c.tenant_id = o.tenant_id AND c.store_id = o.store_id AND c.id = o.customer_id
WHERE o.tenant_id = %(tenant)s AND o.store_id = %(store)s AND o.id = %(order)s
"""

LINES: Final = (
    Column("id", "id"),
    Column("product_id", "id"),
    Column("variant_id", "id"),
    Column("title", "text"),
    Column("variant_title", "text"),
    Column("sku", "text"),
    Column("vendor", "text"),
    Column("quantity", "count"),
    Column("current_quantity", "count"),
    Column("price", "money"),
    Column("discount", "money"),
    Column("tax", "money"),
    Column("gift_card", "flag"),
    Column("tip", "flag"),
)
READ_LINES: LiteralString = """
SELECT id, product_id, variant_id, title, variant_title, sku, vendor, quantity, current_quantity,
  price, discount, tax, gift_card, tip
FROM mirror.order_lines
WHERE tenant_id = %(tenant)s AND store_id = %(store)s AND order_id = %(order)s
ORDER BY id
"""

REFUNDS: Final = (
    Column("id", "id"),
    Column("processed_at", "time"),
    Column("subtotal", "money"),
    Column("tax", "money"),
    Column("shipping", "money"),
)
READ_REFUNDS: LiteralString = """
SELECT id, coalesce(processed_at, created_at), subtotal, tax, shipping
FROM mirror.refunds
WHERE tenant_id = %(tenant)s AND store_id = %(store)s AND order_id = %(order)s
ORDER BY 2, id
"""

FULFILLMENTS: Final = (
    Column("id", "id"),
    Column("name", "text"),
    Column("status", "text"),
    Column("shipment_status", "text"),
    Column("created_at", "time"),
    Column("updated_at", "time"),
)
# The order's parcels are known by the deliveries that told of them: nothing else finds a parcel by
# its order, and an index for it would cost every delivery of one.
READ_FULFILLMENTS: LiteralString = """
SELECT f.id, f.name, f.status, f.shipment_status, f.created_at, f.updated_at
FROM mirror.fulfillments AS f
WHERE f.tenant_id = %(tenant)s AND f.store_id = %(store)s AND f.order_id = %(order)s
  AND f.id = ANY (ARRAY(
    SELECT DISTINCT CASE WHEN d.topic IN ('fulfillments/create', 'fulfillments/update')
      THEN d.resource_id::bigint END
    FROM mirror.history AS h
    JOIN mirror.deliveries AS d
      ON d.tenant_id = h.tenant_id AND d.store_id = h.store_id AND d.key = h.key
    WHERE h.tenant_id = %(tenant)s AND h.store_id = %(store)s AND h.order_id = %(order)s))
ORDER BY f.created_at, f.id
"""

CUSTOMER: Final = (
    Column("id", "id"),
    Column("name", "text"),
    Column("email", "text"),
    Column("orders", "count"),
    Column("total_spent", "money"),
    Column("first_order_at", "time"),
    Column("last_order_at", "time"),
)
# Whose the order is by now, where customers were merged, is known by its entries. CASE and not coalesce, which
# is taken for one that could tell what it sees: behind the wall between tenants it is not taken to an index.
READ_CUSTOMER: LiteralString = """
SELECT k.id, concat_ws(' ', nullif(c.first_name, ''), nullif(c.last_name, '')), c.email,
  coalesce(v.orders, 0), coalesce(v.total_spent, 0), v.first_order_at, v.last_order_at
FROM (
  SELECT CASE WHEN l.customer_id IS NULL THEN o.customer_id ELSE l.customer_id END AS id
  FROM mirror.orders AS o
  LEFT JOIN rollup.ledger AS l
    ON l.tenant_id = o.tenant_id AND l.store_id = o.store_id AND l.source = 'order'
    AND l.source_id = %(order_text)s AND l.entry = 'placement'
  WHERE o.tenant_id = %(tenant)s AND o.store_id = %(store)s AND o.id = %(order)s
) AS k
LEFT JOIN mirror.customers AS c
  ON c.tenant_id = %(tenant)s AND c.store_id = %(store)s AND c.id = k.id
LEFT JOIN rollup.customers AS v
  ON v.tenant_id = %(tenant)s AND v.store_id = %(store)s AND v.customer_id = k.id
WHERE k.id IS NOT NULL
"""

CHECKOUT: Final = (
    Column("inferred", "flag"),
    Column("token", "text"),
    Column("stage", "text"),
    Column("total", "money"),
    Column("started_at", "time"),
    Column("abandoned_at", "time"),
    Column("recovered_at", "time"),
    Column("completed_at", "time"),
)
# The one that it completed has its token or its cart's; the other is one that it only speaks for.
READ_CHECKOUTS: LiteralString = """
SELECT false, r.token, r.stage, r.value, r.started_at, r.abandoned_at, r.recovered_at, r.completed_at
FROM rollup.checkouts AS r
WHERE r.tenant_id = %(tenant)s AND r.store_id = %(store)s AND r.order_id = %(order)s
  AND r.token = ANY (ARRAY(
    SELECT o.checkout_token FROM mirror.orders AS o
    WHERE o.tenant_id = %(tenant)s AND o.store_id = %(store)s AND o.id = %(order)s
    UNION
    SELECT c.token FROM mirror.orders AS o
    JOIN mirror.checkouts AS c
      ON c.tenant_id = o.tenant_id AND c.store_id = o.store_id AND c.cart_token = o.cart_token
    WHERE o.tenant_id = %(tenant)s AND o.store_id = %(store)s AND o.id = %(order)s))
UNION ALL
SELECT true, r.token, r.stage, r.value, r.started_at, r.abandoned_at, r.recovered_at, r.completed_at
FROM rollup.checkouts AS r
WHERE r.tenant_id = %(tenant)s AND r.store_id = %(store)s AND r.inferred_order_id = %(order)s
"""

DELIVERIES: Final = (
    Column("webhook_id", "text"),
    Column("topic", "text"),
    Column("triggered_at", "time"),
    Column("received_at", "time"),
    Column("applied_at", "time"),
    Column("changed", "texts"),
)
READ_DELIVERIES: LiteralString = """
SELECT d.webhook_id, d.topic, d.triggered_at, d.received_at, d.applied_at, h.changed
FROM mirror.history AS h
JOIN mirror.deliveries AS d
  ON d.tenant_id = h.tenant_id AND d.store_id = h.store_id AND d.key = h.key
WHERE h.tenant_id = %(tenant)s AND h.store_id = %(store)s AND h.order_id = %(order)s
ORDER BY d.applied_at, d.received_at, d.key
"""

READ_ENTRIES: LiteralString = f"""
SELECT split_part(l.entry, ':', 1), l.entry, l.at, l.day, l.customer_id, {each("l.$")}, l.lines::text
FROM rollup.ledger AS l
WHERE l.tenant_id = %(tenant)s AND l.store_id = %(store)s AND l.source = 'order'
  AND l.source_id = %(order_text)s
ORDER BY l.at, l.entry
"""  # noqa: S608 - made of literals only

OWNERS: LiteralString = """
SELECT o.store_id, o.name FROM unnest(%(stores)s::bigint[]) AS t (store_id)
JOIN mirror.orders AS o
  ON o.tenant_id = %(tenant)s AND o.store_id = t.store_id AND o.id = %(order)s
ORDER BY o.store_id
"""
