-- Drop rows that came to nothing, so that equal ledgers give equal tables. Takes a JSON array of keys.
DELETE FROM rollup.cohorts AS c
USING json_to_recordset(%s::json) AS k (tenant_id bigint, store_id bigint, cohort date, month date)
WHERE c.tenant_id = k.tenant_id AND c.store_id = k.store_id AND c.cohort = k.cohort AND c.month = k.month
