-- Drop pairs that came to nothing. Takes a JSON array of keys.
DELETE FROM rollup.rhythm AS r
USING json_to_recordset(%s::json) AS k (tenant_id bigint, store_id bigint, day date, previous_day date, second boolean)
WHERE r.tenant_id = k.tenant_id AND r.store_id = k.store_id AND r.day = k.day
  AND r.previous_day = k.previous_day AND r.second = k.second AND r.orders = 0
