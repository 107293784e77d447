-- Write merged products. Takes one JSON array of rows; returns nothing.
INSERT INTO mirror.products (
  tenant_id, store_id, id, title, handle, status, vendor, product_type, created_at, updated_at,
  deleted, state
)
SELECT
  r.tenant_id, r.store_id, r.id, r.title, r.handle, r.status, r.vendor, r.product_type,
  r.created_at, r.updated_at, r.deleted, r.state
FROM json_to_recordset(%s::json) AS r (
  tenant_id bigint, store_id bigint, id bigint, title text, handle text, status text,
  vendor text, product_type text, created_at timestamptz, updated_at timestamptz,
  deleted boolean, state json
)
ON CONFLICT (tenant_id, store_id, id) DO UPDATE SET
  title = excluded.title, handle = excluded.handle, status = excluded.status,
  vendor = excluded.vendor, product_type = excluded.product_type,
  created_at = excluded.created_at, updated_at = excluded.updated_at,
  deleted = excluded.deleted, state = excluded.state
