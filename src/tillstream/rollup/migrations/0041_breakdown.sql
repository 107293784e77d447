-- Sums by what orders and lines are: channel, product, … Money in ten-thousandths of the currency's unit.
-- Safe before and after the new code: it only adds.

-- The sum of all entries of a day, or of a month (`day` is its first), for one value of one dimension:
-- '' where there is none or it is not known. Dimensions of lines (product, variant, vendor) hold what
-- belongs to lines: no shipping, duties or fees; `orders` are the placements that contain the value.
-- An order with two discount codes counts under each. 'fulfilled_after' tells no sales apart: of the orders
-- placed it counts those that were sent, by the minutes it took at most (rollup/sending.py). Any range of days
-- is its whole months and the days at its edges. Never written but by adding a difference. No index but the
-- key: rows are updated in place.
CREATE TABLE rollup.breakdown (
  tenant_id bigint NOT NULL,
  store_id bigint NOT NULL,
  dimension text NOT NULL CHECK (dimension IN (
    'channel', 'country', 'region', 'referrer', 'landing', 'discount_code', 'product', 'variant', 'vendor',
    'fulfilled_after')),
  grain text NOT NULL CHECK (grain IN ('day', 'month')),
  day date NOT NULL,
  value text NOT NULL,
  gross_sales bigint NOT NULL DEFAULT 0, discounts bigint NOT NULL DEFAULT 0, sales_reversals bigint NOT NULL DEFAULT 0,
  shipping bigint NOT NULL DEFAULT 0, taxes bigint NOT NULL DEFAULT 0, duties bigint NOT NULL DEFAULT 0,
  additional_fees bigint NOT NULL DEFAULT 0, orders bigint NOT NULL DEFAULT 0, placed_gross bigint NOT NULL DEFAULT 0,
  placed_discounts bigint NOT NULL DEFAULT 0, units_sold bigint NOT NULL DEFAULT 0, units_reversed bigint NOT NULL DEFAULT 0,
  customer_orders bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id, store_id, dimension, grain, day, value),
  CHECK (grain = 'day' OR extract(day FROM day) = 1)
);

-- What the customers whose first order was in the month `cohort` did in `month` (first days of shop-local
-- months): how many of them ordered, their orders, and the total sales of their orders' entries.
CREATE TABLE rollup.cohorts (
  tenant_id bigint NOT NULL,
  store_id bigint NOT NULL,
  cohort date NOT NULL,
  month date NOT NULL,
  customers bigint NOT NULL DEFAULT 0, orders bigint NOT NULL DEFAULT 0, total_spent bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id, store_id, cohort, month),
  CHECK (extract(day FROM cohort) = 1 AND extract(day FROM month) = 1)
);

-- How many customers have ordered last on which day, so often, and spent so much: what fifths are cut by.
-- `bin` is a day (counted from January 1st of year 1), a number of orders, or one of amounts that are
-- counted together; see rollup/segments.py.
CREATE TABLE rollup.spread (
  tenant_id bigint NOT NULL,
  store_id bigint NOT NULL,
  dimension text NOT NULL CHECK (dimension IN ('last_day', 'orders', 'spent')),
  bin bigint NOT NULL,
  customers bigint NOT NULL,
  PRIMARY KEY (tenant_id, store_id, dimension, bin)
);

-- Customers of the mirror who have no orders.
CREATE TABLE rollup.prospects (
  tenant_id bigint NOT NULL,
  store_id bigint NOT NULL,
  customer_id bigint NOT NULL,
  PRIMARY KEY (tenant_id, store_id, customer_id)
);

-- Room on the pages for new versions of rows that are added to again and again.
ALTER TABLE rollup.breakdown SET (fillfactor = 70);
ALTER TABLE rollup.cohorts SET (fillfactor = 50);
ALTER TABLE rollup.spread SET (fillfactor = 50);

-- What the planner should believe before autovacuum has looked; see migration 0030.
INSERT INTO rollup.breakdown (tenant_id, store_id, dimension, grain, day, value)
SELECT 1, 1, dimension, 'day', date '2020-01-01' + n, 'value' || n
FROM unnest(ARRAY['channel', 'product', 'variant']) AS dimension, generate_series(1, 1000) AS n;
INSERT INTO rollup.cohorts (tenant_id, store_id, cohort, month)
SELECT 1, 1, date '2020-01-01' + n / 30 * interval '1 month', date '2020-01-01' + n * interval '1 month'
FROM generate_series(1, 1000) AS n;
INSERT INTO rollup.spread (tenant_id, store_id, dimension, bin, customers)
SELECT 1, 1, 'spent', n, 1 FROM generate_series(1, 1000) AS n;
INSERT INTO rollup.prospects (tenant_id, store_id, customer_id)
SELECT 1, 1, n FROM generate_series(1, 1000) AS n;
ANALYZE rollup.breakdown, rollup.cohorts, rollup.spread, rollup.prospects;
TRUNCATE rollup.breakdown, rollup.cohorts, rollup.spread, rollup.prospects;

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['breakdown', 'cohorts', 'spread', 'prospects'] LOOP
    EXECUTE format('ALTER TABLE rollup.%I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE rollup.%I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY api ON rollup.%I FOR SELECT TO tillstream_api '
                   'USING (tenant_id = (SELECT shops.current_tenant()))', name);
    EXECUTE format('CREATE POLICY worker ON rollup.%I TO tillstream_worker '
                   'USING (tenant_id = ANY ((SELECT shops.current_tenants())::bigint[])) '
                   'WITH CHECK (tenant_id = ANY ((SELECT shops.current_tenants())::bigint[]))', name);
    EXECUTE format('GRANT SELECT ON rollup.%I TO tillstream_api', name);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON rollup.%I TO tillstream_worker', name);
  END LOOP;
END $$;
