-- Record deliveries as applied; returns the positions of those that had not come before.
-- Takes one JSON array of rows.
WITH told AS (
  SELECT r.*
  FROM json_to_recordset(%s::json) AS r (
    position integer, tenant_id bigint, store_id bigint, key uuid, webhook_id text, topic text,
    resource_id text, triggered_at timestamptz, received_at timestamptz
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
SELECT min(told.position) FROM fresh JOIN told USING (tenant_id, store_id, key)
GROUP BY tenant_id, store_id, key
