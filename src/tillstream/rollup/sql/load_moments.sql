-- All orders of these customers as [[µs, order id], …]. Takes a JSON array of keys.
SELECT c.tenant_id, c.store_id, c.customer_id, c.moments
FROM json_to_recordset(%s::json) AS k (tenant_id bigint, store_id bigint, customer_id bigint)
JOIN rollup.customers AS c USING (tenant_id, store_id, customer_id)
