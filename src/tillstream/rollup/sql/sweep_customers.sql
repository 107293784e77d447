-- Drop customers of whom the ledger says nothing. Takes a JSON array of keys.
DELETE FROM rollup.customers AS c
USING json_to_recordset(%s::json) AS k (tenant_id bigint, store_id bigint, customer_id bigint)
WHERE c.tenant_id = k.tenant_id AND c.store_id = k.store_id AND c.customer_id = k.customer_id
