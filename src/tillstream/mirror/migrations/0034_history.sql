-- Which fields of an order each delivery changed when it was applied: names, never values. What was
-- stale or known already changed none, and says so. `key` is that of mirror.deliveries.
-- Safe before the new code: it only adds.
CREATE TABLE mirror.history (
  tenant_id bigint NOT NULL,
  store_id bigint NOT NULL,
  order_id bigint NOT NULL,
  key uuid NOT NULL,
  changed text[] NOT NULL,
  PRIMARY KEY (tenant_id, store_id, order_id, key)
);

-- What the planner should believe before autovacuum has looked; see migration 0030.
INSERT INTO mirror.history (tenant_id, store_id, order_id, key, changed)
SELECT 1, 1, n / 4, gen_random_uuid(), '{}' FROM generate_series(1, 3000) AS n;
ANALYZE mirror.history;
TRUNCATE mirror.history;

ALTER TABLE mirror.history ENABLE ROW LEVEL SECURITY;
ALTER TABLE mirror.history FORCE ROW LEVEL SECURITY;
CREATE POLICY api ON mirror.history FOR SELECT TO tillstream_api
  USING (tenant_id = (SELECT shops.current_tenant()));
CREATE POLICY worker ON mirror.history TO tillstream_worker
  USING (tenant_id = ANY ((SELECT shops.current_tenants())::bigint[]))
  WITH CHECK (tenant_id = ANY ((SELECT shops.current_tenants())::bigint[]));
GRANT SELECT ON mirror.history TO tillstream_api;
GRANT SELECT, INSERT, DELETE ON mirror.history TO tillstream_worker;
