-- Takes a JSON array of rows.
INSERT INTO rollup.checkouts (
  tenant_id, store_id, token, customer_id, stage, counted, started_at, last_active_at, abandoned_at,
  abandonment_times, recovered_at, completed_at, deadline, active_from, active_until, value, order_id,
  recovered_value, twin_of, inferred_order_id, inferred_at, inferred_value
)
SELECT
  r.tenant_id, r.store_id, r.token, r.customer_id, r.stage, r.counted, r.started_at, r.last_active_at,
  r.abandoned_at, r.abandonment_times, r.recovered_at, r.completed_at, r.deadline, r.active_from,
  r.active_until, r.value, r.order_id, r.recovered_value, r.twin_of, r.inferred_order_id,
  r.inferred_at, r.inferred_value
FROM json_to_recordset(%s::json) AS r (
  tenant_id bigint, store_id bigint, token text, customer_id bigint, stage text, counted boolean,
  started_at timestamptz, last_active_at timestamptz, abandoned_at timestamptz,
  abandonment_times timestamptz[], recovered_at timestamptz, completed_at timestamptz,
  deadline timestamptz, active_from timestamptz, active_until timestamptz, value bigint,
  order_id bigint, recovered_value bigint, twin_of text, inferred_order_id bigint,
  inferred_at timestamptz, inferred_value bigint
)
ON CONFLICT (tenant_id, store_id, token) DO UPDATE SET
  customer_id = excluded.customer_id, stage = excluded.stage, counted = excluded.counted,
  started_at = excluded.started_at, last_active_at = excluded.last_active_at,
  abandoned_at = excluded.abandoned_at, abandonment_times = excluded.abandonment_times,
  recovered_at = excluded.recovered_at, completed_at = excluded.completed_at,
  deadline = excluded.deadline, active_from = excluded.active_from,
  active_until = excluded.active_until, value = excluded.value, order_id = excluded.order_id,
  recovered_value = excluded.recovered_value, twin_of = excluded.twin_of,
  inferred_order_id = excluded.inferred_order_id, inferred_at = excluded.inferred_at,
  inferred_value = excluded.inferred_value
