-- Takes a JSON array of differences.
INSERT INTO rollup.spread AS s (tenant_id, store_id, dimension, bin, customers)
SELECT k.tenant_id, k.store_id, k.dimension, k.bin, k.customers
FROM json_to_recordset(%s::json) AS k (
  tenant_id bigint, store_id bigint, dimension text, bin bigint, customers bigint
)
ON CONFLICT (tenant_id, store_id, dimension, bin) DO UPDATE SET customers = s.customers + excluded.customers
