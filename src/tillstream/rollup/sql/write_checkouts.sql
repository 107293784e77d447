-- Takes a JSON array of rows.
INSERT INTO rollup.checkouts (
  tenant_id, store_id, token, stage, counted, started_at, last_active_at, abandoned_at,
  recovered_at, completed_at, deadline, value, order_id, recovered_value
)
SELECT
  r.tenant_id, r.store_id, r.token, r.stage, r.counted, r.started_at, r.last_active_at,
  r.abandoned_at, r.recovered_at, r.completed_at, r.deadline, r.value, r.order_id,
  r.recovered_value
FROM json_to_recordset(%s::json) AS r (
  tenant_id bigint, store_id bigint, token text, stage text, counted boolean,
  started_at timestamptz, last_active_at timestamptz, abandoned_at timestamptz,
  recovered_at timestamptz, completed_at timestamptz, deadline timestamptz, value bigint,
  order_id bigint, recovered_value bigint
)
ON CONFLICT (tenant_id, store_id, token) DO UPDATE SET
  stage = excluded.stage, counted = excluded.counted, started_at = excluded.started_at,
  last_active_at = excluded.last_active_at, abandoned_at = excluded.abandoned_at,
  recovered_at = excluded.recovered_at, completed_at = excluded.completed_at,
  deadline = excluded.deadline, value = excluded.value, order_id = excluded.order_id,
  recovered_value = excluded.recovered_value
