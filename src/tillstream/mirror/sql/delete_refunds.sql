-- Clear the refunds of these parents before they are written anew. Takes one JSON array of keys.
DELETE FROM mirror.refunds AS o
USING json_to_recordset(%s::json) AS k (tenant_id bigint, store_id bigint, order_id bigint)
WHERE o.tenant_id = k.tenant_id AND o.store_id = k.store_id AND o.order_id = k.order_id
