-- How a store came to be connected, and what keeps the connection alive. Safe before the new code.

ALTER TABLE shops.stores
  -- The app that the store is connected by: a key of the directory of apps, '' for the default one.
  ADD COLUMN app_key text NOT NULL DEFAULT ''
    CHECK (app_key = '' OR app_key ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  -- Client id of the store's own custom app; its secret is api_secret_sealed. NULL: the app's.
  ADD COLUMN client_id text CHECK (client_id ~ '^[!-~]{1,128}$'),
  ADD COLUMN connected_by text NOT NULL DEFAULT 'secret' CHECK (connected_by IN ('secret', 'oauth')),
  -- When Shopify, asked for this tenant, said that the shop agrees (or the operator vouched for it).
  ADD COLUMN proved_at timestamptz,
  ADD COLUMN granted_scopes text CHECK (length(granted_scopes) <= 8192),
  ADD COLUMN access_token_expires_at timestamptz,
  ADD COLUMN refresh_token_sealed bytea,
  ADD COLUMN refresh_token_expires_at timestamptz,
  ADD COLUMN token_refreshed_at timestamptz,
  -- Why the token will not work again until a person connects the store anew.
  ADD COLUMN token_problem text CHECK (token_problem ~ '^[a-z][a-z_]{0,63}$'),
  -- Failures in a row that may pass by themselves, and when to try again.
  ADD COLUMN token_failures integer NOT NULL DEFAULT 0 CHECK (token_failures >= 0),
  ADD COLUMN token_retry_at timestamptz,
  ADD COLUMN installed_at timestamptz,
  ADD COLUMN uninstalled_at timestamptz,
  ADD COLUMN erase_at timestamptz,
  ADD COLUMN subscriptions_audited_at timestamptz,
  -- Counts what made an audit due at once, so that one under way does not pass for it.
  ADD COLUMN audit_requests integer NOT NULL DEFAULT 0,
  ADD COLUMN audit_failures integer NOT NULL DEFAULT 0 CHECK (audit_failures >= 0),
  ADD COLUMN audit_retry_at timestamptz,
  -- What the steward found: [{"code", "detail"}]; the API adds what follows from the row itself.
  ADD COLUMN warnings jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(warnings) = 'array'),
  ADD CONSTRAINT stores_refresh_is_of_a_token
    CHECK (refresh_token_sealed IS NULL OR access_token_sealed IS NOT NULL),
  ADD CONSTRAINT stores_oauth_is_proof CHECK (connected_by <> 'oauth' OR proved_at IS NOT NULL),
  -- Uninstalling stops the token at once.
  ADD CONSTRAINT stores_uninstalled_has_no_token
    CHECK (uninstalled_at IS NULL OR access_token_sealed IS NULL),
  ADD CONSTRAINT stores_removed_has_no_token
    CHECK (removed_at IS NULL OR access_token_sealed IS NULL);

-- A person on the way to Shopify and back. The browser holds the other half, which this binds.
CREATE TABLE shops.grants_pending (
  tenant_id bigint NOT NULL,
  state_hash bytea NOT NULL CHECK (octet_length(state_hash) = 32),
  user_id bigint NOT NULL,
  domain text NOT NULL CHECK (domain ~ '^[a-z0-9][a-z0-9-]*\.myshopify\.com$'),
  app_key text NOT NULL,
  -- The store's own custom app, where the grant is asked for by that one.
  client_id text,
  browser_hash bytea NOT NULL CHECK (octet_length(browser_hash) = 32),
  transfer_hash bytea CHECK (octet_length(transfer_hash) = 32),
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL CHECK (expires_at > created_at),
  used_at timestamptz,
  PRIMARY KEY (tenant_id, state_hash),
  FOREIGN KEY (tenant_id, user_id) REFERENCES shops.memberships ON DELETE CASCADE
);

-- An owner's leave for another account to connect the shop in their place.
CREATE TABLE shops.transfers (
  tenant_id bigint NOT NULL,
  id bigint GENERATED ALWAYS AS IDENTITY,
  store_id bigint NOT NULL,
  code_hash bytea NOT NULL CHECK (octet_length(code_hash) = 32),
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL CHECK (expires_at > created_at),
  used_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, store_id) REFERENCES shops.stores ON DELETE CASCADE
);
CREATE INDEX transfers_by_code ON shops.transfers (code_hash);

-- Which API versions a store's deliveries were serialised in, and when the last one came.
CREATE TABLE shops.delivery_versions (
  tenant_id bigint NOT NULL,
  store_id bigint NOT NULL,
  api_version text NOT NULL CHECK (length(api_version) BETWEEN 1 AND 64),
  seen_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, store_id, api_version),
  FOREIGN KEY (tenant_id, store_id) REFERENCES shops.stores ON DELETE CASCADE
);

ALTER TABLE shops.grants_pending ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE shops.transfers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE shops.delivery_versions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

CREATE POLICY grants_pending_api ON shops.grants_pending TO tillstream_api
  USING (tenant_id = (SELECT shops.current_tenant()))
  WITH CHECK (tenant_id = (SELECT shops.current_tenant()));
CREATE POLICY grants_pending_worker ON shops.grants_pending TO tillstream_worker
  USING (tenant_id = ANY ((SELECT shops.current_tenants())::bigint[]))
  WITH CHECK (tenant_id = ANY ((SELECT shops.current_tenants())::bigint[]));
CREATE POLICY grants_pending_owner ON shops.grants_pending TO CURRENT_USER
  USING (true) WITH CHECK (true);
CREATE POLICY transfers_api ON shops.transfers TO tillstream_api
  USING (tenant_id = (SELECT shops.current_tenant()))
  WITH CHECK (tenant_id = (SELECT shops.current_tenant()));
CREATE POLICY transfers_worker ON shops.transfers TO tillstream_worker
  USING (tenant_id = ANY ((SELECT shops.current_tenants())::bigint[]))
  WITH CHECK (tenant_id = ANY ((SELECT shops.current_tenants())::bigint[]));
CREATE POLICY transfers_owner ON shops.transfers TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY delivery_versions_api ON shops.delivery_versions TO tillstream_api
  USING (tenant_id = (SELECT shops.current_tenant()))
  WITH CHECK (tenant_id = (SELECT shops.current_tenant()));
CREATE POLICY delivery_versions_worker ON shops.delivery_versions TO tillstream_worker
  USING (tenant_id = ANY ((SELECT shops.current_tenants())::bigint[]))
  WITH CHECK (tenant_id = ANY ((SELECT shops.current_tenants())::bigint[]));
CREATE POLICY delivery_versions_owner ON shops.delivery_versions TO CURRENT_USER
  USING (true) WITH CHECK (true);

-- The API writes tokens and cannot read them; the worker, which calls Shopify, reads and renews them.
GRANT SELECT (app_key, client_id, connected_by, proved_at, granted_scopes, access_token_expires_at,
              refresh_token_expires_at, token_refreshed_at, token_problem, token_failures,
              token_retry_at, installed_at, uninstalled_at, erase_at, subscriptions_audited_at,
              audit_requests, audit_failures, audit_retry_at, warnings)
  ON shops.stores TO tillstream_api, tillstream_worker;
GRANT INSERT (app_key, client_id)
  ON shops.stores TO tillstream_api;
GRANT UPDATE (app_key, client_id, connected_by, proved_at, granted_scopes, access_token_expires_at,
              refresh_token_sealed, refresh_token_expires_at, token_refreshed_at, token_problem,
              token_failures, token_retry_at, installed_at, uninstalled_at, erase_at,
              subscriptions_audited_at, audit_failures, audit_retry_at, warnings)
  ON shops.stores TO tillstream_api;
GRANT SELECT (api_secret_sealed, access_token_sealed, refresh_token_sealed)
  ON shops.stores TO tillstream_worker;
GRANT UPDATE (name, timezone, currency, proved_at, granted_scopes, access_token_sealed,
              access_token_expires_at, refresh_token_sealed, refresh_token_expires_at,
              token_refreshed_at, token_problem, token_failures, token_retry_at, uninstalled_at,
              erase_at, subscriptions_audited_at, audit_failures, audit_retry_at, warnings)
  ON shops.stores TO tillstream_worker;
GRANT SELECT, INSERT, DELETE ON shops.grants_pending TO tillstream_api;
GRANT UPDATE (used_at) ON shops.grants_pending TO tillstream_api;
GRANT SELECT, INSERT, DELETE ON shops.transfers TO tillstream_api;
GRANT SELECT ON shops.delivery_versions TO tillstream_api, tillstream_worker;

-- Where deliveries of these shops go. Shops that nobody has connected have no row. Where the
-- session says that claims have to be proved, a shop that was only claimed has none either.
-- `since` (µs since 1970): what was received before then was received for the account that had the shop
-- before, which gave it up at that moment; null where there was none.
CREATE INDEX stores_given_up ON shops.stores (domain, removed_at) WHERE removed_at IS NOT NULL;
CREATE FUNCTION shops.route(domains text[])
  RETURNS TABLE (domain text, tenant_id bigint, store_id bigint, timezone text, currency text,
                 window_seconds double precision, since bigint)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  BEGIN ATOMIC
    SELECT s.domain, s.tenant_id, s.id, s.timezone, s.currency,
           extract(epoch FROM s.abandonment_window)::double precision,
           (SELECT (extract(epoch FROM max(f.removed_at)) * 1000000)::bigint FROM shops.stores AS f
            WHERE f.domain = s.domain AND f.removed_at IS NOT NULL)
    FROM shops.stores AS s
    WHERE s.domain = ANY (route.domains) AND s.removed_at IS NULL
      AND (s.proved_at IS NOT NULL
           OR coalesce(current_setting('tillstream.claims', true), '') <> 'proved');
  END;

-- The sealed secret of the store's own custom app, for whoever is just on the way back from
-- Shopify for that store: only while their grant is pending and not used up.
CREATE FUNCTION shops.own_app_secret(sought_state bytea, at timestamptz)
  RETURNS TABLE (store_id bigint, api_secret_sealed bytea)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  BEGIN ATOMIC
    SELECT s.id, s.api_secret_sealed
    FROM shops.grants_pending AS g
    JOIN shops.stores AS s
      ON s.tenant_id = g.tenant_id AND s.domain = g.domain AND s.client_id = g.client_id
    WHERE g.tenant_id = (SELECT shops.current_tenant())
      AND g.state_hash = own_app_secret.sought_state
      AND g.expires_at > own_app_secret.at
      AND s.removed_at IS NULL AND s.api_secret_sealed IS NOT NULL;
  END;

-- Which scopes each app asks for, so that a store can be told what it lacks; '' means those of the
-- settings. Nothing else of the directory of apps is anybody's business.
CREATE FUNCTION shops.scopes_of_apps() RETURNS TABLE (key text, scopes text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  BEGIN ATOMIC
    SELECT a.key, a.scopes FROM shops.apps AS a WHERE a.retired_at IS NULL;
  END;

-- What is in the way of a shop that the current tenant is about to prove, or has proved:
--   free         nobody else has it
--   won          another tenant has only claimed it, or it was uninstalled there: it loses it
--   transferred  its owner gave a code
--   taken        another tenant has proved it
-- It looks across tenants on purpose, and only for a grant that was used up just now.
CREATE FUNCTION shops.verdict_of(state bytea, at timestamptz) RETURNS text
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  DECLARE
    asked shops.grants_pending%ROWTYPE;
    holder shops.stores%ROWTYPE;
  BEGIN
    SELECT g.* INTO asked FROM shops.grants_pending AS g
      WHERE g.tenant_id = shops.current_tenant() AND g.state_hash = state
        AND g.used_at <= at AND g.used_at > at - interval '5 minutes';
    IF NOT FOUND THEN
      RAISE insufficient_privilege USING MESSAGE = 'No grant was used up for this.';
    END IF;
    SELECT s.* INTO holder FROM shops.stores AS s
      WHERE s.domain = asked.domain AND s.removed_at IS NULL;
    IF NOT FOUND OR holder.tenant_id = asked.tenant_id THEN
      RETURN 'free';
    ELSIF holder.proved_at IS NULL OR holder.uninstalled_at IS NOT NULL THEN
      RETURN 'won';
    ELSIF EXISTS (
        SELECT FROM shops.transfers AS t
        WHERE t.tenant_id = holder.tenant_id AND t.store_id = holder.id
          AND t.code_hash = asked.transfer_hash AND t.used_at IS NULL AND t.expires_at > at) THEN
      RETURN 'transferred';
    END IF;
    RETURN 'taken';
  END $$;

-- Makes room for a shop that the current tenant has just proved, if the verdict allows it.
CREATE FUNCTION shops.take_over(state bytea, at timestamptz) RETURNS text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  DECLARE
    asked shops.grants_pending%ROWTYPE;
    holder shops.stores%ROWTYPE;
    verdict text;
  BEGIN
    SELECT g.* INTO asked FROM shops.grants_pending AS g
      WHERE g.tenant_id = shops.current_tenant() AND g.state_hash = state;
    -- The holder's row first: what is decided about it stays true until the end.
    SELECT s.* INTO holder FROM shops.stores AS s
      WHERE s.domain = asked.domain AND s.removed_at IS NULL FOR UPDATE;
    verdict := shops.verdict_of(state, at);
    IF verdict IN ('free', 'taken') THEN
      RETURN verdict;
    END IF;
    UPDATE shops.transfers AS t SET used_at = at
      WHERE t.tenant_id = holder.tenant_id AND t.store_id = holder.id
        AND t.code_hash = asked.transfer_hash AND t.used_at IS NULL;
    UPDATE shops.stores AS s
      SET removed_at = at, api_secret_sealed = NULL, access_token_sealed = NULL,
          refresh_token_sealed = NULL, access_token_expires_at = NULL,
          refresh_token_expires_at = NULL, proved_at = NULL, connected_by = 'secret',
          -- What an account gathered of a shop that was never its own is not kept.
          erase_at = CASE verdict WHEN 'won' THEN coalesce(s.erase_at, at + interval '30 days') END,
          warnings = jsonb_build_array(jsonb_build_object(
            'code', verdict, 'detail', 'Another account has connected this shop since.'))
      WHERE s.tenant_id = holder.tenant_id AND s.id = holder.id;
    -- Its owners are told in their own log; whoever takes over learns nothing of them.
    INSERT INTO shops.audit (tenant_id, at, actor, action, subject, detail)
      VALUES (holder.tenant_id, at, 'shopify', 'store.lost', holder.domain,
              jsonb_build_object('how', verdict));
    RETURN verdict;
  END $$;

-- Which stores' tokens run out soon, or were not renewed for long. The longest overdue first.
CREATE FUNCTION shops.due_refreshes(at timestamptz, soon interval, idle interval, most integer)
  RETURNS TABLE (tenant_id bigint, store_id bigint, idles boolean)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  BEGIN ATOMIC
    SELECT s.tenant_id, s.id, s.token_refreshed_at <= due_refreshes.at - due_refreshes.idle
    FROM shops.stores AS s
    WHERE s.refresh_token_sealed IS NOT NULL AND s.removed_at IS NULL
      AND s.uninstalled_at IS NULL AND s.token_problem IS NULL
      AND (s.token_retry_at IS NULL OR s.token_retry_at <= due_refreshes.at)
      AND (s.access_token_expires_at <= due_refreshes.at + due_refreshes.soon
           OR s.token_refreshed_at <= due_refreshes.at - due_refreshes.idle)
    ORDER BY s.access_token_expires_at, s.id LIMIT due_refreshes.most;
  END;

-- Which stores' subscriptions are to be looked at: new ones first.
CREATE FUNCTION shops.due_audits(at timestamptz, every interval, most integer)
  RETURNS TABLE (tenant_id bigint, store_id bigint)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  BEGIN ATOMIC
    SELECT s.tenant_id, s.id FROM shops.stores AS s
    WHERE s.has_access_token AND s.removed_at IS NULL AND s.uninstalled_at IS NULL
      AND s.token_problem IS NULL
      AND (s.audit_retry_at IS NULL OR s.audit_retry_at <= due_audits.at)
      AND (s.subscriptions_audited_at IS NULL
           OR s.subscriptions_audited_at <= due_audits.at - due_audits.every)
    ORDER BY s.subscriptions_audited_at NULLS FIRST, s.id LIMIT due_audits.most;
  END;

-- Notes the versions that deliveries of these shops came in; the two arrays go together.
CREATE FUNCTION shops.note_versions(domains text[], versions text[], at timestamptz) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  BEGIN ATOMIC
    INSERT INTO shops.delivery_versions (tenant_id, store_id, api_version, seen_at)
    SELECT DISTINCT s.tenant_id, s.id, told.version, note_versions.at
    FROM unnest(note_versions.domains, note_versions.versions) AS told (domain, version)
    JOIN shops.stores AS s ON s.domain = told.domain AND s.removed_at IS NULL
    ON CONFLICT ON CONSTRAINT delivery_versions_pkey DO UPDATE SET seen_at = excluded.seen_at;
  END;

REVOKE EXECUTE ON FUNCTION shops.route(text[]), shops.own_app_secret(bytea, timestamptz),
  shops.scopes_of_apps(), shops.verdict_of(bytea, timestamptz), shops.take_over(bytea, timestamptz),
  shops.due_refreshes(timestamptz, interval, interval, integer),
  shops.due_audits(timestamptz, interval, integer), shops.note_versions(text[], text[], timestamptz)
  FROM PUBLIC;
GRANT EXECUTE ON FUNCTION shops.own_app_secret(bytea, timestamptz), shops.scopes_of_apps(),
  shops.verdict_of(bytea, timestamptz), shops.take_over(bytea, timestamptz) TO tillstream_api;
GRANT EXECUTE ON FUNCTION shops.route(text[]),
  shops.due_refreshes(timestamptz, interval, interval, integer),
  shops.due_audits(timestamptz, interval, integer), shops.note_versions(text[], text[], timestamptz)
  TO tillstream_worker;

-- Caches of routes and secrets are told of what they hold, not of every token that is renewed.
DROP TRIGGER stores_notify ON shops.stores;
CREATE TRIGGER stores_notify AFTER INSERT OR DELETE ON shops.stores
  FOR EACH ROW EXECUTE FUNCTION shops.notify_store();
CREATE TRIGGER stores_notify_change AFTER UPDATE ON shops.stores
  FOR EACH ROW WHEN (
    (OLD.domain, OLD.removed_at, OLD.api_secret_sealed, OLD.proved_at, OLD.name, OLD.timezone,
     OLD.currency, OLD.abandonment_window, OLD.app_key)
    IS DISTINCT FROM
    (NEW.domain, NEW.removed_at, NEW.api_secret_sealed, NEW.proved_at, NEW.name, NEW.timezone,
     NEW.currency, NEW.abandonment_window, NEW.app_key))
  EXECUTE FUNCTION shops.notify_store();

-- The steward looks after a store at once when it gets a token that it did not fetch itself.
CREATE FUNCTION shops.notify_connection() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $$
  BEGIN
    PERFORM pg_notify(shops.channel('tillstream_connections'), NEW.tenant_id || ':' || NEW.id);
    RETURN NULL;
  END $$;
CREATE FUNCTION shops.count_audit_request() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $$
  BEGIN
    NEW.audit_requests := OLD.audit_requests + 1;
    RETURN NEW;
  END $$;
CREATE TRIGGER stores_count_audit_request BEFORE UPDATE OF subscriptions_audited_at ON shops.stores
  FOR EACH ROW WHEN (NEW.subscriptions_audited_at IS NULL)
  EXECUTE FUNCTION shops.count_audit_request();
CREATE TRIGGER stores_notify_connection AFTER UPDATE OF subscriptions_audited_at ON shops.stores
  FOR EACH ROW WHEN (NEW.access_token_sealed IS NOT NULL AND NEW.subscriptions_audited_at IS NULL)
  EXECUTE FUNCTION shops.notify_connection();
