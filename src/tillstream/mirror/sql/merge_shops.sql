-- Write the merged shop settings. Takes one JSON array of rows; returns nothing.
INSERT INTO mirror.shops (
  tenant_id, store_id, name, email, domain, currency, timezone, plan_name, updated_at, state
)
SELECT
  r.tenant_id, r.store_id, r.name, r.email, r.domain, r.currency, r.timezone, r.plan_name,
  r.updated_at, r.state
FROM json_to_recordset(%s::json) AS r (
  tenant_id bigint, store_id bigint, name text, email text, domain text, currency text,
  timezone text, plan_name text, updated_at timestamptz, state json
)
ON CONFLICT (tenant_id, store_id) DO UPDATE SET
  name = excluded.name, email = excluded.email, domain = excluded.domain,
  currency = excluded.currency, timezone = excluded.timezone, plan_name = excluded.plan_name,
  updated_at = excluded.updated_at, state = excluded.state
