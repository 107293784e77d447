-- Takes a JSON array of rows.
INSERT INTO rollup.customers (
  tenant_id, store_id, customer_id, orders, total_spent, first_order_at, last_order_at, moments, months
)
SELECT
  r.tenant_id, r.store_id, r.customer_id, r.orders, r.total_spent, r.first_order_at,
  r.last_order_at, r.moments, r.months
FROM json_to_recordset(%s::json) AS r (
  tenant_id bigint, store_id bigint, customer_id bigint, orders bigint, total_spent bigint,
  first_order_at timestamptz, last_order_at timestamptz, moments json, months json
)
ON CONFLICT (tenant_id, store_id, customer_id) DO UPDATE SET
  orders = excluded.orders, total_spent = excluded.total_spent,
  first_order_at = excluded.first_order_at, last_order_at = excluded.last_order_at,
  moments = excluded.moments, months = excluded.months
