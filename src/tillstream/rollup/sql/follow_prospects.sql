-- Let customers without orders be prospects, and no others. Takes a JSON array of the customers concerned.
WITH told AS MATERIALIZED (
  SELECT k.tenant_id, k.store_id, k.customer_id,
    EXISTS (
      SELECT FROM mirror.customers AS m
      WHERE m.tenant_id = k.tenant_id AND m.store_id = k.store_id AND m.id = k.customer_id AND NOT m.deleted
    ) AND NOT EXISTS (
      SELECT FROM rollup.customers AS c
      WHERE c.tenant_id = k.tenant_id AND c.store_id = k.store_id AND c.customer_id = k.customer_id AND c.orders > 0
    ) AS prospect
  FROM json_to_recordset(%s::json) AS k (tenant_id bigint, store_id bigint, customer_id bigint)
), gone AS (
  DELETE FROM rollup.prospects AS p USING told AS t
  WHERE p.tenant_id = t.tenant_id AND p.store_id = t.store_id AND p.customer_id = t.customer_id AND NOT t.prospect
)
INSERT INTO rollup.prospects (tenant_id, store_id, customer_id)
SELECT tenant_id, store_id, customer_id FROM told WHERE prospect
ON CONFLICT DO NOTHING
