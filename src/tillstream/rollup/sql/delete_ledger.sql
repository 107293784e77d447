-- Takes a JSON array of keys.
DELETE FROM rollup.ledger AS l
USING json_to_recordset(%s::json) AS k (tenant_id bigint, store_id bigint, source text, source_id text, entry text)
WHERE l.tenant_id = k.tenant_id AND l.store_id = k.store_id
  AND l.source = k.source AND l.source_id = k.source_id AND l.entry = k.entry
