-- Takes a JSON array of differences.
INSERT INTO rollup.rhythm AS r (tenant_id, store_id, day, previous_day, second, orders)
SELECT k.tenant_id, k.store_id, k.day, k.previous_day, k.second, k.orders
FROM json_to_recordset(%s::json) AS k (
  tenant_id bigint, store_id bigint, day date, previous_day date, second boolean, orders bigint
)
ON CONFLICT (tenant_id, store_id, day, previous_day, second)
DO UPDATE SET orders = r.orders + excluded.orders
