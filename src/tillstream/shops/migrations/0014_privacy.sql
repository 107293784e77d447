-- What the law asks: requests about shoppers and stores, with deadlines and receipts. Safe before the
-- new code: it only adds.

GRANT SELECT (id, retention_days, erase_after_days) ON shops.tenants TO tillstream_worker;

-- Whom a request is about is kept as marks (mirror/redaction.py): ids, and digests of an e-mail
-- address or phone number. The address itself is not kept, so that nothing is left to erase here.
CREATE TABLE shops.privacy_requests (
  tenant_id bigint NOT NULL,
  id bigint GENERATED ALWAYS AS IDENTITY,
  store_id bigint NOT NULL,
  domain text NOT NULL,
  kind text NOT NULL
    CHECK (kind IN ('customers/data_request', 'customers/redact', 'shop/redact', 'erasure')),
  origin text NOT NULL CHECK (origin IN ('shopify', 'operator', 'schedule')),
  -- What it came by: the same delivery twice is one request.
  reference text NOT NULL CHECK (length(reference) BETWEEN 1 AND 200),
  customer_id bigint CHECK (customer_id > 0),
  marks text[] NOT NULL DEFAULT '{}',
  received_at timestamptz NOT NULL,
  due_at timestamptz NOT NULL CHECK (due_at >= received_at),
  done_at timestamptz,
  -- Why it cannot be done: a sentence for the owner.
  problem text CHECK (length(problem) BETWEEN 1 AND 500),
  -- What was done so far, by kind of thing; it becomes part of the receipt.
  progress jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(progress) = 'object'),
  receipt jsonb CHECK (jsonb_typeof(receipt) = 'object'),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, store_id, reference),
  FOREIGN KEY (tenant_id, store_id) REFERENCES shops.stores,
  CHECK ((done_at IS NULL) = (receipt IS NULL)),
  CHECK (problem IS NULL OR done_at IS NULL)
);
CREATE INDEX privacy_requests_open ON shops.privacy_requests (due_at)
  WHERE done_at IS NULL AND problem IS NULL;

ALTER TABLE shops.privacy_requests ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY privacy_requests_api ON shops.privacy_requests FOR SELECT TO tillstream_api
  USING (tenant_id = (SELECT shops.current_tenant()));
CREATE POLICY privacy_requests_worker ON shops.privacy_requests TO tillstream_worker
  USING (tenant_id = ANY ((SELECT shops.current_tenants())::bigint[]))
  WITH CHECK (tenant_id = ANY ((SELECT shops.current_tenants())::bigint[]));
CREATE POLICY privacy_requests_owner ON shops.privacy_requests TO CURRENT_USER
  USING (true) WITH CHECK (true);
GRANT SELECT ON shops.privacy_requests TO tillstream_api;
GRANT SELECT, INSERT ON shops.privacy_requests TO tillstream_worker;
GRANT UPDATE (done_at, problem, progress, receipt, marks) ON shops.privacy_requests TO tillstream_worker;

-- Whoever has data of these shops, connected or not: what the law asks of a shop is asked of all.
CREATE FUNCTION shops.stores_of(domains text[])
  RETURNS TABLE (domain text, tenant_id bigint, store_id bigint, connected boolean,
                 installed_at timestamptz, since timestamptz)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  BEGIN ATOMIC
    SELECT s.domain, s.tenant_id, s.id, s.removed_at IS NULL, s.installed_at,
           coalesce(s.installed_at, s.created_at)
    FROM shops.stores AS s WHERE s.domain = ANY (stores_of.domains) ORDER BY s.tenant_id, s.id;
  END;

-- Stores whose time has come to be erased.
CREATE FUNCTION shops.due_erasures(at timestamptz)
  RETURNS TABLE (domain text, tenant_id bigint, store_id bigint, erase_at timestamptz)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  BEGIN ATOMIC
    SELECT s.domain, s.tenant_id, s.id, s.erase_at FROM shops.stores AS s
    WHERE s.erase_at <= due_erasures.at ORDER BY s.erase_at LIMIT 100;
  END;

-- Requests that are open, the most urgent first.
CREATE FUNCTION shops.open_privacy_requests(most integer)
  RETURNS TABLE (tenant_id bigint, id bigint)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  BEGIN ATOMIC
    SELECT r.tenant_id, r.id FROM shops.privacy_requests AS r
    WHERE r.done_at IS NULL AND r.problem IS NULL
    ORDER BY r.due_at, r.id LIMIT open_privacy_requests.most;
  END;

-- Tenants that keep deliveries for a shorter time than the installation does, with their shops.
CREATE FUNCTION shops.short_retentions(installation_days integer)
  RETURNS TABLE (domain text, retention_days integer)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  BEGIN ATOMIC
    SELECT s.domain, max(t.retention_days) FROM shops.stores AS s
    JOIN shops.tenants AS t ON t.id = s.tenant_id
    WHERE s.removed_at IS NULL AND t.retention_days < short_retentions.installation_days
    GROUP BY s.domain ORDER BY s.domain;
  END;

-- Leaves of a store's row no more than that it was there. Only for an open request of one of the
-- transaction's tenants to erase it.
CREATE FUNCTION shops.forget_store(whose bigint, which bigint, at timestamptz) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  BEGIN
    IF whose <> ALL (shops.current_tenants()) OR NOT EXISTS (
        SELECT FROM shops.privacy_requests AS r
        WHERE r.tenant_id = whose AND r.store_id = which AND r.kind IN ('shop/redact', 'erasure')
          AND r.done_at IS NULL AND r.problem IS NULL) THEN
      RAISE insufficient_privilege USING MESSAGE = 'Nobody asked for this store to be erased.';
    END IF;
    DELETE FROM shops.transfers AS t WHERE t.tenant_id = whose AND t.store_id = which;
    DELETE FROM shops.delivery_versions AS v WHERE v.tenant_id = whose AND v.store_id = which;
    DELETE FROM shops.retiring_secrets AS x WHERE x.tenant_id = whose AND x.store_id = which;
    UPDATE shops.stores AS s
      SET name = '', timezone = NULL, currency = NULL, api_secret_sealed = NULL,
          access_token_sealed = NULL, refresh_token_sealed = NULL, access_token_expires_at = NULL,
          refresh_token_expires_at = NULL, token_refreshed_at = NULL, token_problem = NULL,
          token_retry_at = NULL, granted_scopes = NULL, client_id = NULL, connected_by = 'secret',
          proved_at = NULL, installed_at = NULL, subscriptions_audited_at = NULL,
          audit_retry_at = NULL, warnings = '[]', erase_at = NULL,
          removed_at = coalesce(s.removed_at, at)
      WHERE s.tenant_id = whose AND s.id = which;
  END $$;

REVOKE EXECUTE ON FUNCTION shops.stores_of(text[]), shops.due_erasures(timestamptz),
  shops.open_privacy_requests(integer), shops.short_retentions(integer),
  shops.forget_store(bigint, bigint, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION shops.stores_of(text[]), shops.due_erasures(timestamptz),
  shops.open_privacy_requests(integer), shops.short_retentions(integer),
  shops.forget_store(bigint, bigint, timestamptz) TO tillstream_worker;
