-- Takes a JSON array of (at in µs, hour, day), a tenant and a store.
UPDATE rollup.ledger AS l SET hour = r.hour, day = r.day
FROM json_to_recordset(%s::json) AS r (at bigint, hour timestamptz, day date)
WHERE l.tenant_id = %s AND l.store_id = %s
  AND l.at = timestamptz 'epoch' + r.at * interval '1 microsecond'
