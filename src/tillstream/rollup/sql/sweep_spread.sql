-- Drop bins that nobody is in. Takes a JSON array of keys.
DELETE FROM rollup.spread AS s
USING json_to_recordset(%s::json) AS k (tenant_id bigint, store_id bigint, dimension text, bin bigint)
WHERE s.tenant_id = k.tenant_id AND s.store_id = k.store_id AND s.dimension = k.dimension
  AND s.bin = k.bin AND s.customers = 0
