-- The mirror: one row per resource of a store. `state` holds the merged element (see
-- mirror/join.py), from which every other column is projected; nothing else writes here.
-- Money is in ten-thousandths of the currency's unit.

CREATE TABLE mirror.shops (
  tenant_id bigint NOT NULL,
  store_id bigint NOT NULL,
  name text, email text, domain text, currency text, timezone text, plan_name text,
  updated_at timestamptz,
  state json NOT NULL,
  PRIMARY KEY (tenant_id, store_id)
);

CREATE TABLE mirror.orders (
  tenant_id bigint NOT NULL,
  store_id bigint NOT NULL,
  id bigint NOT NULL,
  name text, email text, phone text, customer_id bigint,
  checkout_token text, cart_token text,
  currency text, presentment_currency text,
  financial_status text, fulfillment_status text, source_name text,
  taxes_included boolean NOT NULL, test boolean NOT NULL, deleted boolean NOT NULL,
  created_at timestamptz, processed_at timestamptz, updated_at timestamptz,
  cancelled_at timestamptz, closed_at timestamptz, cancel_reason text,
  total_price bigint NOT NULL, subtotal_price bigint NOT NULL, total_tax bigint NOT NULL,
  total_discounts bigint NOT NULL, current_total_price bigint NOT NULL,
  discount_codes text[] NOT NULL,
  state json NOT NULL,
  PRIMARY KEY (tenant_id, store_id, id)
);
CREATE INDEX orders_by_checkout ON mirror.orders (tenant_id, store_id, checkout_token) WHERE checkout_token IS NOT NULL;
CREATE INDEX orders_by_cart ON mirror.orders (tenant_id, store_id, cart_token) WHERE cart_token IS NOT NULL;
CREATE INDEX orders_by_time ON mirror.orders (tenant_id, store_id, processed_at DESC, id DESC);

CREATE TABLE mirror.order_lines (
  tenant_id bigint NOT NULL,
  store_id bigint NOT NULL,
  order_id bigint NOT NULL,
  id bigint NOT NULL,
  product_id bigint, variant_id bigint,
  title text, variant_title text, sku text, vendor text,
  quantity integer NOT NULL, current_quantity integer,
  price bigint NOT NULL, discount bigint NOT NULL, tax bigint NOT NULL,
  gift_card boolean NOT NULL, tip boolean NOT NULL,
  PRIMARY KEY (tenant_id, store_id, order_id, id)
);

CREATE TABLE mirror.refunds (
  tenant_id bigint NOT NULL,
  store_id bigint NOT NULL,
  order_id bigint NOT NULL,
  id bigint NOT NULL,
  created_at timestamptz, processed_at timestamptz,
  subtotal bigint NOT NULL, tax bigint NOT NULL, shipping bigint NOT NULL,
  note text,
  PRIMARY KEY (tenant_id, store_id, order_id, id)
);

CREATE TABLE mirror.checkouts (
  tenant_id bigint NOT NULL,
  store_id bigint NOT NULL,
  token text NOT NULL,
  cart_token text, name text, email text, phone text, customer_id bigint, customer_name text,
  currency text, total_price bigint NOT NULL,
  created_at timestamptz, updated_at timestamptz, completed_at timestamptz,
  abandoned_checkout_url text, source_name text, deleted boolean NOT NULL,
  state json NOT NULL,
  PRIMARY KEY (tenant_id, store_id, token)
);
CREATE INDEX checkouts_by_cart ON mirror.checkouts (tenant_id, store_id, cart_token) WHERE cart_token IS NOT NULL;

CREATE TABLE mirror.customers (
  tenant_id bigint NOT NULL,
  store_id bigint NOT NULL,
  id bigint NOT NULL,
  email text, first_name text, last_name text, phone text,
  created_at timestamptz, updated_at timestamptz, deleted boolean NOT NULL,
  state json NOT NULL,
  PRIMARY KEY (tenant_id, store_id, id)
);

CREATE TABLE mirror.products (
  tenant_id bigint NOT NULL,
  store_id bigint NOT NULL,
  id bigint NOT NULL,
  title text, handle text, status text, vendor text, product_type text,
  created_at timestamptz, updated_at timestamptz, deleted boolean NOT NULL,
  state json NOT NULL,
  PRIMARY KEY (tenant_id, store_id, id)
);

CREATE TABLE mirror.variants (
  tenant_id bigint NOT NULL,
  store_id bigint NOT NULL,
  product_id bigint NOT NULL,
  id bigint NOT NULL,
  title text, sku text, price bigint NOT NULL, compare_at_price bigint,
  inventory_item_id bigint, inventory_quantity integer, position integer,
  PRIMARY KEY (tenant_id, store_id, product_id, id)
);

-- One row per delivery applied. `key` is drawn from webhook id, topic and signature: it filters
-- repeats before any work is done on them. Being wrong here costs time, never correctness.
CREATE TABLE mirror.deliveries (
  tenant_id bigint NOT NULL,
  store_id bigint NOT NULL,
  key uuid NOT NULL,
  webhook_id text NOT NULL,
  topic text NOT NULL,
  resource_id text,
  triggered_at timestamptz,
  received_at timestamptz NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, store_id, key)
);

-- How many distinct deliveries of each topic a store has sent, mirrored or not.
CREATE TABLE mirror.topics (
  tenant_id bigint NOT NULL,
  store_id bigint NOT NULL,
  topic text NOT NULL,
  received bigint NOT NULL,
  PRIMARY KEY (tenant_id, store_id, topic)
);

-- What the planner should believe of these tables before autovacuum has ever looked at them: that
-- one store has many rows, and a token or an id one. Without it, the first minutes of a fresh
-- installation look tokens up by walking through all rows of a store. The sample itself goes.
INSERT INTO mirror.orders (
  tenant_id, store_id, id, customer_id, checkout_token, cart_token, taxes_included, test, deleted,
  processed_at, total_price, subtotal_price, total_tax, total_discounts, current_total_price, discount_codes, state)
SELECT 1, 1, n, n / 2, 'checkout' || n, 'cart' || n, false, false, false,
  timestamptz 'epoch' + n * interval '1 hour', n, n, n, n, n, '{}', '{}' FROM generate_series(1, 3000) AS n;
INSERT INTO mirror.order_lines (
  tenant_id, store_id, order_id, id, quantity, price, discount, tax, gift_card, tip)
SELECT 1, 1, n / 2, n, 1, n, 0, n, false, false FROM generate_series(1, 3000) AS n;
INSERT INTO mirror.refunds (tenant_id, store_id, order_id, id, subtotal, tax, shipping)
SELECT 1, 1, n, n, n, n, n FROM generate_series(1, 3000) AS n;
INSERT INTO mirror.checkouts (tenant_id, store_id, token, cart_token, total_price, deleted, state)
SELECT 1, 1, 'checkout' || n, 'cart' || n, n, false, '{}' FROM generate_series(1, 3000) AS n;
INSERT INTO mirror.customers (tenant_id, store_id, id, deleted, state)
SELECT 1, 1, n, false, '{}' FROM generate_series(1, 3000) AS n;
INSERT INTO mirror.products (tenant_id, store_id, id, deleted, state)
SELECT 1, 1, n, false, '{}' FROM generate_series(1, 3000) AS n;
INSERT INTO mirror.variants (tenant_id, store_id, product_id, id, price)
SELECT 1, 1, n / 2, n, n FROM generate_series(1, 3000) AS n;
INSERT INTO mirror.deliveries (tenant_id, store_id, key, webhook_id, topic, received_at)
SELECT 1, 1, gen_random_uuid(), n, 'orders/create', now() FROM generate_series(1, 3000) AS n;
ANALYZE mirror.orders, mirror.order_lines, mirror.refunds, mirror.checkouts, mirror.customers,
  mirror.products, mirror.variants, mirror.deliveries;
TRUNCATE mirror.orders, mirror.order_lines, mirror.refunds, mirror.checkouts, mirror.customers,
  mirror.products, mirror.variants, mirror.deliveries;

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['shops', 'orders', 'order_lines', 'refunds', 'checkouts', 'customers',
                              'products', 'variants', 'deliveries', 'topics'] LOOP
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
