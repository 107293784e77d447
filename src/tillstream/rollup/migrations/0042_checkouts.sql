-- What the checkouts of one shopper say of each other, and every abandonment of a checkout.
-- Safe before and after the new code.

-- `customer_id` is the customer that merges led to. `active_from` and `active_until` enclose the first
-- run: from when contact details were known until the shopper left the checkout or completed it.
-- A twin is not counted: the checkout `twin_of`, of the same shopper at the same time, stands for both.
-- `inferred_order_id` is an order by which the shopper of an abandoned checkout probably bought after all.
ALTER TABLE rollup.checkouts
  ADD COLUMN customer_id bigint,
  ADD COLUMN abandonment_times timestamptz[] NOT NULL DEFAULT '{}',
  ADD COLUMN active_from timestamptz, ADD COLUMN active_until timestamptz,
  ADD COLUMN twin_of text,
  ADD COLUMN inferred_order_id bigint, ADD COLUMN inferred_at timestamptz,
  ADD COLUMN inferred_value bigint,
  -- One that was abandoned, and to which the shopper came back, will be abandoned again.
  DROP CONSTRAINT checkouts_check1,
  ADD CONSTRAINT deadline_while_unfinished CHECK (deadline IS NULL OR stage IN ('open', 'abandoned')),
  ADD CONSTRAINT abandonments_agree CHECK (
    abandoned_at IS NOT DISTINCT FROM abandonment_times[1] AND (cardinality(abandonment_times) > 0) = (stage IN ('abandoned', 'recovered'))),
  ADD CONSTRAINT twins_are_not_counted CHECK (twin_of IS NULL OR NOT counted),
  ADD CONSTRAINT inferred_while_abandoned CHECK (
    inferred_order_id IS NULL OR (stage = 'abandoned' AND counted AND inferred_at IS NOT NULL AND inferred_value IS NOT NULL));

-- The checkouts of a shopper about a time; whole in the index, for one customer may have thousands.
CREATE INDEX checkouts_of_customer ON rollup.checkouts (tenant_id, store_id, customer_id, last_active_at, active_from)
  WHERE customer_id IS NOT NULL;
-- Those that a merge of customers moves.
CREATE INDEX checkouts_by_customer ON mirror.checkouts (tenant_id, store_id, customer_id) WHERE customer_id IS NOT NULL;
-- As those that are counted are listed: the latest active first.
CREATE INDEX checkouts_twins ON rollup.checkouts (tenant_id, store_id, last_active_at DESC, token) WHERE twin_of IS NOT NULL;
CREATE INDEX checkouts_by_inference ON rollup.checkouts (tenant_id, store_id, inferred_order_id)
  WHERE inferred_order_id IS NOT NULL;

-- What the planner should believe before autovacuum has looked; see migration 0030. An owner who is no
-- superuser may not write past the wall, so it is out of the way until the sample has gone again.
ALTER TABLE rollup.checkouts NO FORCE ROW LEVEL SECURITY;
INSERT INTO rollup.checkouts (
  tenant_id, store_id, token, stage, counted, started_at, last_active_at, abandoned_at, abandonment_times,
  value, recovered_value, customer_id, active_from, active_until)
SELECT 1, 1, 'checkout' || n, CASE WHEN n % 3 = 0 THEN 'abandoned' ELSE 'converted' END, true, at, at,
  CASE WHEN n % 3 = 0 THEN at END, CASE WHEN n % 3 = 0 THEN ARRAY[at] ELSE '{}' END, n, 0, n / 2, at, at
FROM generate_series(1, 3000) AS n, LATERAL (SELECT timestamptz 'epoch' + n * interval '1 hour') AS t (at);
ANALYZE rollup.checkouts;
TRUNCATE rollup.checkouts;
ALTER TABLE rollup.checkouts FORCE ROW LEVEL SECURITY;

-- The longest time in seconds from an abandonment to an order that it is said to have led to: by how
-- many the checkouts of a store were judged, and what the installation's sessions say (the setting
-- TILLSTREAM_INFERENCE_WINDOW_DAYS; see command/installation.py).
ALTER TABLE rollup.stores ADD COLUMN inference_seconds integer;
CREATE FUNCTION rollup.inference_seconds() RETURNS integer
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
  AS $$ SELECT coalesce(nullif(current_setting('tillstream.inference_days', true), '')::integer, 7) * 86400 $$;
REVOKE EXECUTE ON FUNCTION rollup.inference_seconds() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION rollup.inference_seconds() TO tillstream_worker;

-- Stores whose settings, by account, installation or Shopify, are no longer those their figures were
-- made with.
CREATE FUNCTION rollup.stale_stores()
  RETURNS TABLE (tenant_id bigint, store_id bigint)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
    SELECT r.tenant_id, r.store_id
    FROM rollup.stores AS r
    JOIN shops.stores AS s ON s.tenant_id = r.tenant_id AND s.id = r.store_id
    LEFT JOIN mirror.shops AS m ON m.tenant_id = r.tenant_id AND m.store_id = r.store_id
    WHERE (coalesce(m.timezone, s.timezone, 'UTC'), coalesce(m.currency, s.currency),
           extract(epoch FROM s.abandonment_window)::integer, rollup.inference_seconds())
      IS DISTINCT FROM (r.timezone, r.currency, r.window_seconds, r.inference_seconds)
    ORDER BY r.tenant_id, r.store_id LIMIT 100
  $$;

-- Deadlines that have passed, but in stores that somebody else is in.
CREATE FUNCTION rollup.due_checkouts(until timestamptz, most integer, busy bigint[])
  RETURNS TABLE (tenant_id bigint, store_id bigint, token text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
    SELECT c.tenant_id, c.store_id, c.token FROM rollup.checkouts AS c
    WHERE c.deadline < until AND c.store_id <> ALL (busy) ORDER BY c.deadline LIMIT most
  $$;
-- The earliest of all deadlines: for those who run the installation, to see whether they pass.
CREATE FUNCTION rollup.next_deadline() RETURNS timestamptz
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$ SELECT min(c.deadline) FROM rollup.checkouts AS c WHERE c.deadline IS NOT NULL $$;
REVOKE EXECUTE ON FUNCTION rollup.stale_stores(), rollup.due_checkouts(timestamptz, integer, bigint[]),
  rollup.next_deadline() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION rollup.next_deadline() TO tillstream_api;
GRANT EXECUTE ON FUNCTION rollup.stale_stores(), rollup.due_checkouts(timestamptz, integer, bigint[])
  TO tillstream_worker;
