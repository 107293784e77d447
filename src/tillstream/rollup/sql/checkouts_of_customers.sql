-- The checkouts that name one of these customers. Takes a JSON array of [[tenant_id, store_id], customer_id].
SELECT c.tenant_id, c.store_id, c.token
FROM (
  SELECT (k->0->>0)::bigint AS tenant_id, (k->0->>1)::bigint AS store_id, (k->>1)::bigint AS id
  FROM json_array_elements(%s::json) AS k
) AS k
JOIN mirror.checkouts AS c
  ON c.tenant_id = k.tenant_id AND c.store_id = k.store_id AND c.customer_id = k.id
