-- These customers and all that were merged into them, over however many steps. Takes a JSON array
-- of [[tenant_id, store_id], customer_id].
WITH RECURSIVE found AS (
  SELECT (k->0->>0)::bigint AS tenant_id, (k->0->>1)::bigint AS store_id, (k->>1)::bigint AS id
  FROM json_array_elements(%s::json) AS k
  UNION
  SELECT c.tenant_id, c.store_id, c.id
  FROM found AS f
  JOIN mirror.customers AS c
    ON c.tenant_id = f.tenant_id AND c.store_id = f.store_id AND c.merged_into = f.id
)
SELECT tenant_id, store_id, id FROM found
