-- Whom to forget: marks of people, orders and checkouts (see mirror/redaction.py) that stay in force
-- for whatever comes later. `swept_at` is when what had come before was gone through.
-- Safe before the new code: it only adds.
CREATE TABLE mirror.redactions (
  tenant_id bigint NOT NULL,
  store_id bigint NOT NULL,
  mark text NOT NULL CHECK (length(mark) BETWEEN 2 AND 300),
  since timestamptz NOT NULL,
  swept_at timestamptz,
  PRIMARY KEY (tenant_id, store_id, mark)
);
CREATE INDEX redactions_unswept ON mirror.redactions (tenant_id, store_id) WHERE swept_at IS NULL;

ALTER TABLE mirror.redactions ENABLE ROW LEVEL SECURITY;
ALTER TABLE mirror.redactions FORCE ROW LEVEL SECURITY;
CREATE POLICY worker ON mirror.redactions TO tillstream_worker
  USING (tenant_id = ANY ((SELECT shops.current_tenants())::bigint[]))
  WITH CHECK (tenant_id = ANY ((SELECT shops.current_tenants())::bigint[]));
CREATE POLICY api ON mirror.redactions FOR SELECT TO tillstream_api
  USING (tenant_id = (SELECT shops.current_tenant()));
CREATE POLICY owner ON mirror.redactions FOR SELECT TO CURRENT_USER USING (true);
GRANT SELECT, INSERT, DELETE ON mirror.redactions TO tillstream_worker;
GRANT UPDATE (swept_at) ON mirror.redactions TO tillstream_worker;

-- The stores that have something to go through.
CREATE FUNCTION mirror.unswept_stores() RETURNS TABLE (tenant_id bigint, store_id bigint)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
    SELECT DISTINCT r.tenant_id, r.store_id FROM mirror.redactions AS r WHERE r.swept_at IS NULL
  $$;
REVOKE EXECUTE ON FUNCTION mirror.unswept_stores() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mirror.unswept_stores() TO tillstream_worker;

-- Frames that are kept lose the person, and at the end of a store all of its deliveries.
GRANT UPDATE (body, deliveries) ON journal.frames TO tillstream_worker;
