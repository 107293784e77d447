-- What is known of these shops. Takes one JSON array of keys.
SELECT o.tenant_id, o.store_id, 0 AS key, o.state::text
FROM json_to_recordset(%s::json) AS k (tenant_id bigint, store_id bigint)
JOIN mirror.shops AS o USING (tenant_id, store_id)
