-- Clear the variants of these parents before they are written anew. Takes one JSON array of keys.
DELETE FROM mirror.variants AS o
USING json_to_recordset(%s::json) AS k (tenant_id bigint, store_id bigint, product_id bigint)
WHERE o.tenant_id = k.tenant_id AND o.store_id = k.store_id AND o.product_id = k.product_id
