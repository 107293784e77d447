-- What is left of each variant, so that asking for it does not add up every level. Safe before and after
-- the new code: it only adds.

-- A row for each variant of a product that is not deleted. `on_hand` is what all places have available, or, where
-- no level is known, the variant's own quantity; null where the item is not tracked, or nothing is known.
-- `cost` is that of one unit, in ten-thousandths of the shop's currency. Always made of the copy's rows
-- (rollup/stock.py). A product's variants lie together, so that they are found by it.
CREATE TABLE rollup.stock (
  tenant_id bigint NOT NULL,
  store_id bigint NOT NULL,
  product_id bigint NOT NULL,
  variant_id bigint NOT NULL,
  on_hand bigint,
  cost bigint,
  PRIMARY KEY (tenant_id, store_id, product_id, variant_id)
);

-- Room on the pages for new versions of rows that are written again and again.
ALTER TABLE rollup.stock SET (fillfactor = 70);

-- What the planner should believe before autovacuum has looked; see migration 0030.
INSERT INTO rollup.stock (tenant_id, store_id, product_id, variant_id, on_hand, cost)
SELECT 1, 1, n / 2, n, n % 100, n FROM generate_series(1, 3000) AS n;
ANALYZE rollup.stock;
TRUNCATE rollup.stock;

ALTER TABLE rollup.stock ENABLE ROW LEVEL SECURITY;
ALTER TABLE rollup.stock FORCE ROW LEVEL SECURITY;
CREATE POLICY api ON rollup.stock FOR SELECT TO tillstream_api
  USING (tenant_id = (SELECT shops.current_tenant()));
CREATE POLICY worker ON rollup.stock TO tillstream_worker
  USING (tenant_id = ANY ((SELECT shops.current_tenants())::bigint[]))
  WITH CHECK (tenant_id = ANY ((SELECT shops.current_tenants())::bigint[]));
GRANT SELECT ON rollup.stock TO tillstream_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON rollup.stock TO tillstream_worker;
