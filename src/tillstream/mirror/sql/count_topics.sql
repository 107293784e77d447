-- Count deliveries by topic. Takes one JSON array of rows.
INSERT INTO mirror.topics AS t (tenant_id, store_id, topic, received)
SELECT r.tenant_id, r.store_id, r.topic, r.received
FROM json_to_recordset(%s::json) AS r (
  tenant_id bigint, store_id bigint, topic text, received bigint
)
ON CONFLICT (tenant_id, store_id, topic) DO UPDATE SET received = t.received + excluded.received
