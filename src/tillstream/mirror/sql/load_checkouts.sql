-- What is known of these checkouts. Takes one JSON array of keys.
SELECT o.tenant_id, o.store_id, o.token AS key, o.state::text
FROM json_to_recordset(%s::json) AS k (tenant_id bigint, store_id bigint, token text)
JOIN mirror.checkouts AS o USING (tenant_id, store_id, token)
