-- What surrounds orders: money that moved, parcels, returns, drafts, disputes and carts; and by what
-- orders are told apart. See 0030 for how the mirror works. There is nothing of a person in any of
-- these tables. Safe before the new code: it only adds.

-- Country and region are ISO codes of the address, `referrer` a bare host and `landing` a bare path.
-- `total_price_presentment` is in `presentment_currency`: what the buyer saw.
ALTER TABLE mirror.orders
  ADD COLUMN channel text, ADD COLUMN country text, ADD COLUMN region text,
  ADD COLUMN referrer text, ADD COLUMN landing text,
  ADD COLUMN total_price_presentment bigint, ADD COLUMN fulfilled_at timestamptz;

-- `currency` is the transaction's own, which need not be the shop's. A refund lists its transactions
-- without one.
CREATE TABLE mirror.transactions (
  tenant_id bigint NOT NULL,
  store_id bigint NOT NULL,
  id bigint NOT NULL,
  order_id bigint, parent_id bigint, kind text, status text,
  amount bigint, currency text, gateway text, test boolean NOT NULL,
  created_at timestamptz, processed_at timestamptz,
  state json NOT NULL,
  PRIMARY KEY (tenant_id, store_id, id)
);

-- Money that came in (positive) or went out (negative).
CREATE TABLE mirror.tender_transactions (
  tenant_id bigint NOT NULL,
  store_id bigint NOT NULL,
  id bigint NOT NULL,
  order_id bigint, amount bigint, currency text, payment_method text,
  processed_at timestamptz, test boolean NOT NULL,
  state json NOT NULL,
  PRIMARY KEY (tenant_id, store_id, id)
);

CREATE TABLE mirror.fulfillments (
  tenant_id bigint NOT NULL,
  store_id bigint NOT NULL,
  id bigint NOT NULL,
  order_id bigint, status text, shipment_status text, location_id bigint, service text, name text,
  created_at timestamptz, updated_at timestamptz,
  state json NOT NULL,
  PRIMARY KEY (tenant_id, store_id, id)
);

-- Bodies of returns mostly tell no time: `updated_at` is then when Shopify triggered the last one.
CREATE TABLE mirror.returns (
  tenant_id bigint NOT NULL,
  store_id bigint NOT NULL,
  id bigint NOT NULL,
  order_id bigint, name text, status text, created_at timestamptz, updated_at timestamptz,
  state json NOT NULL,
  PRIMARY KEY (tenant_id, store_id, id)
);

CREATE TABLE mirror.draft_orders (
  tenant_id bigint NOT NULL,
  store_id bigint NOT NULL,
  id bigint NOT NULL,
  order_id bigint, customer_id bigint, name text, status text, currency text, total_price bigint,
  created_at timestamptz, updated_at timestamptz, completed_at timestamptz, deleted boolean NOT NULL,
  state json NOT NULL,
  PRIMARY KEY (tenant_id, store_id, id)
);

CREATE TABLE mirror.disputes (
  tenant_id bigint NOT NULL,
  store_id bigint NOT NULL,
  id bigint NOT NULL,
  order_id bigint, type text, amount bigint, currency text, reason text, status text,
  initiated_at timestamptz, finalized_on timestamptz,
  state json NOT NULL,
  PRIMARY KEY (tenant_id, store_id, id)
);

-- `items` counts lines, `units` what is in them; `value` is what they come to after discounts.
CREATE TABLE mirror.carts (
  tenant_id bigint NOT NULL,
  store_id bigint NOT NULL,
  token text NOT NULL,
  currency text, items integer, units bigint, value bigint, created_at timestamptz, updated_at timestamptz,
  state json NOT NULL,
  PRIMARY KEY (tenant_id, store_id, token)
);

-- What the planner should believe before autovacuum has looked; see migration 0030.
INSERT INTO mirror.transactions (tenant_id, store_id, id, order_id, test, state)
SELECT 1, 1, n, n / 2, false, '{}' FROM generate_series(1, 3000) AS n;
INSERT INTO mirror.tender_transactions (tenant_id, store_id, id, order_id, test, state)
SELECT 1, 1, n, n, false, '{}' FROM generate_series(1, 3000) AS n;
INSERT INTO mirror.fulfillments (tenant_id, store_id, id, order_id, state)
SELECT 1, 1, n, n, '{}' FROM generate_series(1, 3000) AS n;
INSERT INTO mirror.carts (tenant_id, store_id, token, state)
SELECT 1, 1, 'cart' || n, '{}' FROM generate_series(1, 3000) AS n;
ANALYZE mirror.transactions, mirror.tender_transactions, mirror.fulfillments, mirror.carts;
TRUNCATE mirror.transactions, mirror.tender_transactions, mirror.fulfillments, mirror.carts;

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['transactions', 'tender_transactions', 'fulfillments', 'returns',
                              'draft_orders', 'disputes', 'carts'] LOOP
    EXECUTE format('ALTER TABLE mirror.%I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE mirror.%I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY api ON mirror.%I FOR SELECT TO tillstream_api '
                   'USING (tenant_id = (SELECT shops.current_tenant()))', name);
    EXECUTE format('CREATE POLICY worker ON mirror.%I TO tillstream_worker '
                   'USING (tenant_id = ANY ((SELECT shops.current_tenants())::bigint[])) '
                   'WITH CHECK (tenant_id = ANY ((SELECT shops.current_tenants())::bigint[]))', name);
    EXECUTE format('GRANT SELECT ON mirror.%I TO tillstream_api', name);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON mirror.%I TO tillstream_worker', name);
  END LOOP;
END $$;
