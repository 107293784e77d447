-- The merges on the way from these customers to the ones that were kept. Takes a JSON array of
-- [[tenant_id, store_id], customer_id]; returns (tenant_id, store_id, customer, merged into).
WITH RECURSIVE asked AS MATERIALIZED (
  SELECT (k->0->>0)::bigint AS tenant_id, (k->0->>1)::bigint AS store_id, (k->>1)::bigint AS id
  FROM json_array_elements(%s::json) AS k
), edge AS (
  SELECT c.tenant_id, c.store_id, c.id, c.merged_into
  FROM asked JOIN mirror.customers AS c USING (tenant_id, store_id, id)
  WHERE c.merged_into IS NOT NULL
  UNION -- which ends in a circle, too
  SELECT c.tenant_id, c.store_id, c.id, c.merged_into
  FROM edge AS e
  JOIN mirror.customers AS c
    ON c.tenant_id = e.tenant_id AND c.store_id = e.store_id AND c.id = e.merged_into
  WHERE c.merged_into IS NOT NULL
)
SELECT tenant_id, store_id, id, merged_into FROM edge
