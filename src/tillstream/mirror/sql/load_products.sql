-- What is known of these products. Takes one JSON array of keys.
SELECT o.tenant_id, o.store_id, o.id AS key, o.state::text
FROM json_to_recordset(%s::json) AS k (tenant_id bigint, store_id bigint, id bigint)
JOIN mirror.products AS o USING (tenant_id, store_id, id)
