-- Record deliveries as applied. Returns (position, NULL) of those that had not come before, and
-- (position, mark) for every mark in force that one of them names, new or not.
-- Takes one JSON array of rows.
WITH told AS MATERIALIZED (
  SELECT r.*
  FROM json_to_recordset(%s::json) AS r (
    position integer, tenant_id bigint, store_id bigint, key uuid, webhook_id text, topic text,
    resource_id text, triggered_at timestamptz, received_at timestamptz, marks text[]
  )
), fresh AS (
  INSERT INTO mirror.deliveries (
    tenant_id, store_id, key, webhook_id, topic, resource_id, triggered_at, received_at
  )
  SELECT DISTINCT ON (tenant_id, store_id, key)
    tenant_id, store_id, key, webhook_id, topic, resource_id, triggered_at, received_at
  FROM told
  ORDER BY tenant_id, store_id, key, position
  ON CONFLICT (tenant_id, store_id, key) DO NOTHING
  RETURNING tenant_id, store_id, key
)
SELECT min(told.position), NULL::text FROM fresh JOIN told USING (tenant_id, store_id, key)
GROUP BY tenant_id, store_id, key
UNION ALL
SELECT told.position, r.mark
FROM told CROSS JOIN LATERAL unnest(told.marks) AS named (mark)
JOIN mirror.redactions AS r
  ON r.tenant_id = told.tenant_id AND r.store_id = told.store_id AND r.mark = named.mark
