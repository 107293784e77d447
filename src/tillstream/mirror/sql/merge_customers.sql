-- Write merged customers. Takes one JSON array of rows; returns nothing.
INSERT INTO mirror.customers (
  tenant_id, store_id, id, email, first_name, last_name, phone, created_at, updated_at,
  deleted, state
)
SELECT
  r.tenant_id, r.store_id, r.id, r.email, r.first_name, r.last_name, r.phone, r.created_at,
  r.updated_at, r.deleted, r.state
FROM json_to_recordset(%s::json) AS r (
  tenant_id bigint, store_id bigint, id bigint, email text, first_name text, last_name text,
  phone text, created_at timestamptz, updated_at timestamptz, deleted boolean, state json
)
ON CONFLICT (tenant_id, store_id, id) DO UPDATE SET
  email = excluded.email, first_name = excluded.first_name, last_name = excluded.last_name,
  phone = excluded.phone, created_at = excluded.created_at, updated_at = excluded.updated_at,
  deleted = excluded.deleted, state = excluded.state
