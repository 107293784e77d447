-- Whose abandoned checkouts, and of when, these orders were inferred to make good. Takes a JSON array of keys.
SELECT r.tenant_id, r.store_id, r.customer_id, (extract(epoch FROM r.active_from) * 1000000)::bigint
FROM json_to_recordset(%s::json) AS k (tenant_id bigint, store_id bigint, id bigint)
JOIN rollup.checkouts AS r
  ON r.tenant_id = k.tenant_id AND r.store_id = k.store_id AND r.inferred_order_id = k.id
