-- Write refunds. Takes one JSON array of rows.
INSERT INTO mirror.refunds (
  tenant_id, store_id, order_id, id, created_at, processed_at, subtotal, tax, shipping, note
)
SELECT
  r.tenant_id, r.store_id, r.order_id, r.id, r.created_at, r.processed_at, r.subtotal, r.tax,
  r.shipping, r.note
FROM json_to_recordset(%s::json) AS r (
  tenant_id bigint, store_id bigint, order_id bigint, id bigint, created_at timestamptz,
  processed_at timestamptz, subtotal bigint, tax bigint, shipping bigint, note text
)
