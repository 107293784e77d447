-- Write live rows, numbered without gaps within each tenant, and wake those who watch.
-- Takes a JSON array of rows. The numbering locks a row of the tenant until the commit, so that
-- rows become visible in the order of their ids: call it last.
WITH told AS (
  SELECT r.*, row_number() OVER (PARTITION BY tenant_id ORDER BY store_id) AS n
  FROM json_to_recordset(%s::json) AS r (tenant_id bigint, store_id bigint, data json)
), numbered AS (
  INSERT INTO rollup.live_ids AS i (tenant_id, id)
  SELECT tenant_id, count(*) FROM told GROUP BY tenant_id ORDER BY tenant_id
  ON CONFLICT (tenant_id) DO UPDATE SET id = i.id + excluded.id
  RETURNING tenant_id, id
), written AS (
  INSERT INTO rollup.live (tenant_id, id, store_id, data)
  SELECT t.tenant_id, n.id - (SELECT count(*) FROM told AS o WHERE o.tenant_id = t.tenant_id) + t.n,
         t.store_id, t.data
  FROM told AS t JOIN numbered AS n USING (tenant_id)
  RETURNING tenant_id, id
)
SELECT pg_notify(shops.channel('tillstream_live'), tenant_id || ':' || id) FROM written ORDER BY tenant_id, id
