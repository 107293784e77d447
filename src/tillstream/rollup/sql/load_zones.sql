-- What Shopify says of these shops, the inference window of this installation, and what their figures
-- were made with. Takes a JSON array of keys.
SELECT
  k.tenant_id, k.store_id, m.timezone, m.currency, rollup.inference_seconds(),
  r.timezone, r.currency, r.window_seconds, r.inference_seconds
FROM json_to_recordset(%s::json) AS k (tenant_id bigint, store_id bigint)
LEFT JOIN mirror.shops AS m USING (tenant_id, store_id)
LEFT JOIN rollup.stores AS r USING (tenant_id, store_id)
