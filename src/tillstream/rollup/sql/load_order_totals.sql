-- What these orders come to. Takes a JSON array of keys.
SELECT o.tenant_id, o.store_id, o.id, o.total_price
FROM json_to_recordset(%s::json) AS k (tenant_id bigint, store_id bigint, id bigint)
JOIN mirror.orders AS o USING (tenant_id, store_id, id)
