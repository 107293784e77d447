-- The orders that name one of these customers. Takes a JSON array of [[tenant_id, store_id], customer_id].
SELECT o.tenant_id, o.store_id, o.id, o.state::text
FROM (
  SELECT (k->0->>0)::bigint AS tenant_id, (k->0->>1)::bigint AS store_id, (k->>1)::bigint AS id
  FROM json_array_elements(%s::json) AS k
) AS c
JOIN mirror.orders AS o
  ON o.tenant_id = c.tenant_id AND o.store_id = c.store_id AND o.customer_id = c.id
ORDER BY o.tenant_id, o.store_id, o.id
