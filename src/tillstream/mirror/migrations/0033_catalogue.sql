-- Customers as more than an address, the catalogue, and where things are kept. See 0030 for how the
-- mirror works. Safe before the new code: it only adds.

-- What Shopify says of a customer's orders is kept beside what the ledger counts, to be compared.
-- `merged_into` is the customer that Shopify kept: resolved in rollup/merging.py, which follows it.
ALTER TABLE mirror.customers
  ADD COLUMN account_state text, ADD COLUMN tags text[] NOT NULL DEFAULT '{}',
  ADD COLUMN orders_count_told bigint, ADD COLUMN amount_spent_told bigint, ADD COLUMN currency text,
  ADD COLUMN email_consent text, ADD COLUMN email_consent_at timestamptz,
  ADD COLUMN sms_consent text, ADD COLUMN sms_consent_at timestamptz,
  ADD COLUMN merged_into bigint;
-- Both ways along a merge; few customers are ever merged.
CREATE INDEX customers_merged ON mirror.customers (tenant_id, store_id, id) INCLUDE (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX customers_by_merge ON mirror.customers (tenant_id, store_id, merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX orders_by_customer ON mirror.orders (tenant_id, store_id, customer_id) WHERE customer_id IS NOT NULL;

ALTER TABLE mirror.products ADD COLUMN tags text[] NOT NULL DEFAULT '{}', ADD COLUMN published_at timestamptz;
-- Of a variant past the hundredth only the id is told, so its price may not be known.
ALTER TABLE mirror.variants ALTER COLUMN price DROP NOT NULL, ADD COLUMN in_stock boolean;
-- What a sold variant is called: figures name it by its id alone.
CREATE INDEX variants_by_id ON mirror.variants (tenant_id, store_id, id);
CREATE INDEX variants_by_item ON mirror.variants (tenant_id, store_id, inventory_item_id) WHERE inventory_item_id IS NOT NULL;

-- What else the shop's own settings say.
ALTER TABLE mirror.shops
  ADD COLUMN myshopify_domain text, ADD COLUMN country_code text, ADD COLUMN province_code text,
  ADD COLUMN taxes_included boolean, ADD COLUMN presentment_currencies text[] NOT NULL DEFAULT '{}',
  ADD COLUMN primary_location_id bigint, ADD COLUMN created_at timestamptz;

-- `rules` are those of a smart collection, an array of {column, relation, condition}; who is in a
-- custom one is in no webhook.
CREATE TABLE mirror.collections (
  tenant_id bigint NOT NULL,
  store_id bigint NOT NULL,
  id bigint NOT NULL,
  title text, handle text, kind text NOT NULL CHECK (kind IN ('unknown', 'custom', 'smart')),
  disjunctive boolean, rules json,
  published_at timestamptz, updated_at timestamptz, deleted boolean NOT NULL,
  state json NOT NULL,
  PRIMARY KEY (tenant_id, store_id, id),
  CHECK ((kind = 'smart') = (rules IS NOT NULL))
);

-- `cost` is that of one unit, in ten-thousandths of the shop's currency.
CREATE TABLE mirror.inventory_items (
  tenant_id bigint NOT NULL,
  store_id bigint NOT NULL,
  id bigint NOT NULL,
  sku text, cost bigint, tracked boolean, requires_shipping boolean,
  created_at timestamptz, updated_at timestamptz, deleted boolean NOT NULL,
  state json NOT NULL,
  PRIMARY KEY (tenant_id, store_id, id)
);

-- `deleted`: not stocked there (any more). `available` may be negative, and is null where not told.
CREATE TABLE mirror.inventory_levels (
  tenant_id bigint NOT NULL,
  store_id bigint NOT NULL,
  inventory_item_id bigint NOT NULL,
  location_id bigint NOT NULL,
  available bigint, updated_at timestamptz, deleted boolean NOT NULL,
  state json NOT NULL,
  PRIMARY KEY (tenant_id, store_id, inventory_item_id, location_id)
);

CREATE TABLE mirror.locations (
  tenant_id bigint NOT NULL,
  store_id bigint NOT NULL,
  id bigint NOT NULL,
  name text, country_code text, province_code text, active boolean,
  created_at timestamptz, updated_at timestamptz, deleted boolean NOT NULL,
  state json NOT NULL,
  PRIMARY KEY (tenant_id, store_id, id)
);

CREATE TABLE mirror.domains (
  tenant_id bigint NOT NULL,
  store_id bigint NOT NULL,
  id bigint NOT NULL,
  host text, ssl_enabled boolean, country text, default_locale text, alternate_locales text[] NOT NULL,
  updated_at timestamptz, deleted boolean NOT NULL,
  state json NOT NULL,
  PRIMARY KEY (tenant_id, store_id, id)
);

-- What the planner should believe before autovacuum has looked; see migration 0030.
INSERT INTO mirror.inventory_items (tenant_id, store_id, id, deleted, state)
SELECT 1, 1, n, false, '{}' FROM generate_series(1, 3000) AS n;
INSERT INTO mirror.inventory_levels (tenant_id, store_id, inventory_item_id, location_id, available, deleted, state)
SELECT 1, 1, n, n % 5, n, false, '{}' FROM generate_series(1, 3000) AS n;
ANALYZE mirror.inventory_items, mirror.inventory_levels;
TRUNCATE mirror.inventory_items, mirror.inventory_levels;

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['collections', 'inventory_items', 'inventory_levels', 'locations', 'domains'] LOOP
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
