-- The ledger and its sums. Money in ten-thousandths of the currency's unit.

-- What each order and checkout contributes to every measure, and when: `hour` is the UTC instant
-- at which the shop-local hour of `at` begins, `day` the shop-local date.
CREATE TABLE rollup.ledger (
  tenant_id bigint NOT NULL,
  store_id bigint NOT NULL,
  source text NOT NULL CHECK (source IN ('order', 'checkout')),
  source_id text NOT NULL,
  entry text NOT NULL,
  at timestamptz NOT NULL,
  hour timestamptz NOT NULL,
  day date NOT NULL,
  customer_id bigint,
  gross_sales bigint NOT NULL DEFAULT 0, discounts bigint NOT NULL DEFAULT 0, sales_reversals bigint NOT NULL DEFAULT 0,
  shipping bigint NOT NULL DEFAULT 0, taxes bigint NOT NULL DEFAULT 0, duties bigint NOT NULL DEFAULT 0,
  additional_fees bigint NOT NULL DEFAULT 0, orders bigint NOT NULL DEFAULT 0, placed_gross bigint NOT NULL DEFAULT 0,
  placed_discounts bigint NOT NULL DEFAULT 0, gift_cards_sold bigint NOT NULL DEFAULT 0, tips bigint NOT NULL DEFAULT 0,
  units_sold bigint NOT NULL DEFAULT 0, units_reversed bigint NOT NULL DEFAULT 0, refund_adjustments bigint NOT NULL DEFAULT 0,
  tax_in_prices bigint NOT NULL DEFAULT 0, cash_rounding bigint NOT NULL DEFAULT 0, checkouts bigint NOT NULL DEFAULT 0,
  abandoned_checkouts bigint NOT NULL DEFAULT 0, abandonments bigint NOT NULL DEFAULT 0, recovered_checkouts bigint NOT NULL DEFAULT 0,
  converted_checkouts bigint NOT NULL DEFAULT 0, recovered_sales bigint NOT NULL DEFAULT 0, abandoned_value bigint NOT NULL DEFAULT 0,
  inferred_recoveries bigint NOT NULL DEFAULT 0, inferred_recovered_sales bigint NOT NULL DEFAULT 0, customer_orders bigint NOT NULL DEFAULT 0,
  -- Of the order that the entry belongs to, the same on all its entries; null where not known.
  channel text, country text, region text, referrer text, landing text, discount_codes text[],
  -- What lines have of the amounts, as an array of [line, product, variant, vendor, amounts…]; the order
  -- of the amounts is LINE_MEASURES of rollup/breakdown.py. Null without lines.
  lines json,
  -- Of a placement: within how many minutes the first parcel was sent, as a step of rollup/sending.py; null
  -- while none was.
  sent_after bigint CHECK (sent_after IS NULL OR (sent_after >= 0 AND entry = 'placement')),
  PRIMARY KEY (tenant_id, store_id, source, source_id, entry)
);
CREATE INDEX ledger_by_hour ON rollup.ledger (tenant_id, store_id, hour);

-- The sum of all entries of an hour. Never written but by adding a difference.
CREATE TABLE rollup.sums (
  tenant_id bigint NOT NULL,
  store_id bigint NOT NULL,
  hour timestamptz NOT NULL,
  day date NOT NULL,
  gross_sales bigint NOT NULL DEFAULT 0, discounts bigint NOT NULL DEFAULT 0, sales_reversals bigint NOT NULL DEFAULT 0,
  shipping bigint NOT NULL DEFAULT 0, taxes bigint NOT NULL DEFAULT 0, duties bigint NOT NULL DEFAULT 0,
  additional_fees bigint NOT NULL DEFAULT 0, orders bigint NOT NULL DEFAULT 0, placed_gross bigint NOT NULL DEFAULT 0,
  placed_discounts bigint NOT NULL DEFAULT 0, gift_cards_sold bigint NOT NULL DEFAULT 0, tips bigint NOT NULL DEFAULT 0,
  units_sold bigint NOT NULL DEFAULT 0, units_reversed bigint NOT NULL DEFAULT 0, refund_adjustments bigint NOT NULL DEFAULT 0,
  tax_in_prices bigint NOT NULL DEFAULT 0, cash_rounding bigint NOT NULL DEFAULT 0, checkouts bigint NOT NULL DEFAULT 0,
  abandoned_checkouts bigint NOT NULL DEFAULT 0, abandonments bigint NOT NULL DEFAULT 0, recovered_checkouts bigint NOT NULL DEFAULT 0,
  converted_checkouts bigint NOT NULL DEFAULT 0, recovered_sales bigint NOT NULL DEFAULT 0, abandoned_value bigint NOT NULL DEFAULT 0,
  inferred_recoveries bigint NOT NULL DEFAULT 0, inferred_recovered_sales bigint NOT NULL DEFAULT 0, customer_orders bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id, store_id, hour)
);

-- Orders by the pair (day, day of the same customer's order before it); see rollup/rhythm.py.
CREATE TABLE rollup.rhythm (
  tenant_id bigint NOT NULL,
  store_id bigint NOT NULL,
  day date NOT NULL,
  previous_day date NOT NULL,
  second boolean NOT NULL,
  orders bigint NOT NULL,
  PRIMARY KEY (tenant_id, store_id, day, previous_day, second)
);

-- The times alone of [[µs, order id], …]. A sorted array is searched where JSON has to be read whole.
CREATE FUNCTION rollup.times_of(moments json) RETURNS bigint[]
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN (SELECT coalesce(array_agg((m.moment ->> 0)::bigint ORDER BY m.place), '{}')
    FROM json_array_elements(moments) WITH ORDINALITY AS m (moment, place));
REVOKE EXECUTE ON FUNCTION rollup.times_of(json) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION rollup.times_of(json) TO tillstream_worker;

-- Lifetime figures of a customer. `moments` lists [µs, order id] of the orders placed, `months` the
-- shop-local months with anything in them: [first day, orders placed, total sales].
CREATE TABLE rollup.customers (
  tenant_id bigint NOT NULL,
  store_id bigint NOT NULL,
  customer_id bigint NOT NULL,
  orders bigint NOT NULL,
  total_spent bigint NOT NULL,
  first_order_at timestamptz, last_order_at timestamptz,
  moments json NOT NULL,
  months json NOT NULL DEFAULT '[]',
  order_times bigint[] NOT NULL GENERATED ALWAYS AS (rollup.times_of(moments)) STORED,
  PRIMARY KEY (tenant_id, store_id, customer_id)
);
-- With what they are scored by, so that groups are counted without the rows themselves.
CREATE INDEX customers_by_value ON rollup.customers (tenant_id, store_id, total_spent DESC, customer_id)
  INCLUDE (orders, first_order_at, last_order_at);

-- Where each checkout stands. `deadline` is when an open one will be abandoned.
CREATE TABLE rollup.checkouts (
  tenant_id bigint NOT NULL,
  store_id bigint NOT NULL,
  token text NOT NULL,
  stage text NOT NULL CHECK (stage IN ('open', 'abandoned', 'recovered', 'converted')),
  counted boolean NOT NULL,
  started_at timestamptz NOT NULL, last_active_at timestamptz NOT NULL,
  abandoned_at timestamptz, recovered_at timestamptz, completed_at timestamptz, deadline timestamptz,
  value bigint NOT NULL, order_id bigint, recovered_value bigint NOT NULL,
  PRIMARY KEY (tenant_id, store_id, token),
  CHECK ((recovered_at IS NOT NULL) = (stage = 'recovered')),
  CHECK (deadline IS NULL OR stage = 'open')
);
CREATE INDEX checkouts_by_activity ON rollup.checkouts (tenant_id, store_id, last_active_at DESC, token) WHERE counted;
CREATE INDEX checkouts_by_stage ON rollup.checkouts (tenant_id, store_id, stage, last_active_at DESC, token) WHERE counted;
CREATE INDEX checkouts_by_deadline ON rollup.checkouts (deadline) WHERE deadline IS NOT NULL;

-- The zone the buckets were made with, the currency the figures are in, and the idle time after
-- which checkouts were called abandoned.
CREATE TABLE rollup.stores (
  tenant_id bigint NOT NULL,
  store_id bigint NOT NULL,
  timezone text NOT NULL,
  currency text,
  window_seconds integer,
  PRIMARY KEY (tenant_id, store_id)
);

-- What happened lately, for those who watch. `id` counts up without gaps within a tenant.
CREATE TABLE rollup.live (
  tenant_id bigint NOT NULL,
  id bigint NOT NULL,
  store_id bigint NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  data json NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX live_by_time ON rollup.live (at);

CREATE TABLE rollup.live_ids (
  tenant_id bigint PRIMARY KEY,
  id bigint NOT NULL
);

-- What the planner should believe before autovacuum has looked; see migration 0030.
INSERT INTO rollup.ledger (tenant_id, store_id, source, source_id, entry, at, hour, day, customer_id)
SELECT 1, 1, CASE WHEN n % 2 = 0 THEN 'order' ELSE 'checkout' END, 'id' || n, 'placement', at, at, at::date, n / 2
FROM generate_series(1, 3000) AS n, LATERAL (SELECT timestamptz 'epoch' + n * interval '1 hour') AS t (at);
INSERT INTO rollup.sums (tenant_id, store_id, hour, day)
SELECT 1, 1, at, at::date
FROM generate_series(1, 3000) AS n, LATERAL (SELECT timestamptz 'epoch' + n * interval '1 hour') AS t (at);
INSERT INTO rollup.rhythm (tenant_id, store_id, day, previous_day, second, orders)
SELECT 1, 1, date '2020-01-01' + n / 50, date '2020-01-01' + n % 50, false, 1 FROM generate_series(1, 3000) AS n;
INSERT INTO rollup.customers (tenant_id, store_id, customer_id, orders, total_spent, moments)
SELECT 1, 1, n, 1, n, '[]' FROM generate_series(1, 3000) AS n;
INSERT INTO rollup.checkouts (tenant_id, store_id, token, stage, counted, started_at, last_active_at, value, recovered_value)
SELECT 1, 1, 'checkout' || n, CASE WHEN n % 3 = 0 THEN 'abandoned' ELSE 'converted' END, true, at, at, n, 0
FROM generate_series(1, 3000) AS n, LATERAL (SELECT timestamptz 'epoch' + n * interval '1 hour') AS t (at);
ANALYZE rollup.ledger, rollup.sums, rollup.rhythm, rollup.customers, rollup.checkouts;
TRUNCATE rollup.ledger, rollup.sums, rollup.rhythm, rollup.customers, rollup.checkouts;

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['ledger', 'sums', 'rhythm', 'customers', 'checkouts', 'stores', 'live', 'live_ids'] LOOP
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

-- Deadlines, and stores whose settings have changed, concern all tenants: the worker does not know whose
-- is next before it asks (rollup.due_checkouts and rollup.stale_stores of 0042_checkouts.sql).
CREATE POLICY owner ON rollup.checkouts FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY owner ON mirror.shops FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY owner ON rollup.stores FOR SELECT TO CURRENT_USER USING (true);

-- Live rows are forgotten by age, whoever's they are.
CREATE POLICY owner_forgets ON rollup.live FOR DELETE TO CURRENT_USER USING (true);
CREATE POLICY owner_sees ON rollup.live FOR SELECT TO CURRENT_USER USING (true);
CREATE FUNCTION rollup.expire_live(kept interval) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$ DELETE FROM rollup.live WHERE at < now() - kept $$;
REVOKE EXECUTE ON FUNCTION rollup.expire_live(interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION rollup.expire_live(interval) TO tillstream_worker;
