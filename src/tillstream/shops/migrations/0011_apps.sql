-- The apps of the installation, their secrets, and the earlier secrets of stores. Safe before the new
-- code.
--
-- Apps belong to the installation, not to a tenant: its operator manages them from the command line, as
-- the database's owner. Neither role may touch these tables; both read them through one function.

CREATE TABLE shops.apps (
  -- Part of the webhook address. '' is the default app, whose id and first secrets are settings.
  key text PRIMARY KEY CHECK (key = '' OR key ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  name text NOT NULL DEFAULT '' CHECK (length(name) <= 200),
  client_id text NOT NULL DEFAULT '' CHECK (client_id ~ '^[!-~]{0,128}$'),
  -- Access scopes to ask for; '' means those of the settings.
  scopes text NOT NULL DEFAULT '' CHECK (length(scopes) <= 8192),
  created_at timestamptz NOT NULL DEFAULT now(),
  retired_at timestamptz,
  CHECK (key <> '' OR (client_id = '' AND retired_at IS NULL))
);
INSERT INTO shops.apps (key, name) VALUES ('', 'Default app');

CREATE TABLE shops.app_secrets (
  app_key text NOT NULL REFERENCES shops.apps,
  id bigint GENERATED ALWAYS AS IDENTITY,
  -- Erased some time after it retired; the line stays, to say that there was one.
  sealed bytea,
  created_at timestamptz NOT NULL DEFAULT now(),
  retires_at timestamptz,
  PRIMARY KEY (app_key, id),
  CHECK (sealed IS NOT NULL OR retires_at IS NOT NULL)
);

-- A store's signing secrets of before: good until they retire.
CREATE TABLE shops.retiring_secrets (
  tenant_id bigint NOT NULL,
  store_id bigint NOT NULL,
  id bigint GENERATED ALWAYS AS IDENTITY,
  sealed bytea NOT NULL,
  created_at timestamptz NOT NULL,
  retires_at timestamptz NOT NULL CHECK (retires_at >= created_at),
  PRIMARY KEY (tenant_id, store_id, id),
  FOREIGN KEY (tenant_id, store_id) REFERENCES shops.stores ON DELETE CASCADE
);

ALTER TABLE shops.apps ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE shops.app_secrets ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE shops.retiring_secrets ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

CREATE POLICY apps_owner ON shops.apps TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY app_secrets_owner ON shops.app_secrets TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY retiring_secrets_api ON shops.retiring_secrets TO tillstream_api
  USING (tenant_id = (SELECT shops.current_tenant()))
  WITH CHECK (tenant_id = (SELECT shops.current_tenant()));
CREATE POLICY retiring_secrets_worker ON shops.retiring_secrets TO tillstream_worker
  USING (tenant_id = ANY ((SELECT shops.current_tenants())::bigint[]))
  WITH CHECK (tenant_id = ANY ((SELECT shops.current_tenants())::bigint[]));
CREATE POLICY retiring_secrets_owner ON shops.retiring_secrets TO CURRENT_USER
  USING (true) WITH CHECK (true);

-- What a tenant may know of them: that there are some, and until when.
GRANT SELECT (tenant_id, store_id, id, created_at, retires_at) ON shops.retiring_secrets
  TO tillstream_api, tillstream_worker;

-- An app that is not retired (NULL: all of them) with its secrets that are still accepted, the newest
-- first; one row without a secret where it has none. Both roles need it: webhooks are verified with
-- them, and Shopify asks for one when a store is connected.
CREATE FUNCTION shops.app_credentials(sought_key text DEFAULT NULL)
  RETURNS TABLE (key text, client_id text, scopes text, secret_id bigint, sealed bytea,
                 retires_at timestamptz)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  BEGIN ATOMIC
    SELECT a.key, a.client_id, a.scopes, s.id, s.sealed, s.retires_at
    FROM shops.apps AS a
    LEFT JOIN shops.app_secrets AS s ON s.app_key = a.key AND s.sealed IS NOT NULL
      AND (s.retires_at IS NULL OR s.retires_at > clock_timestamp())
    WHERE a.retired_at IS NULL
      AND (app_credentials.sought_key IS NULL OR a.key = app_credentials.sought_key)
    ORDER BY a.key, s.id DESC;
  END;

-- The sealed signing secrets of connected stores (NULL: of all), also those that are about to retire.
CREATE FUNCTION shops.store_secrets(domains text[] DEFAULT NULL)
  RETURNS TABLE (domain text, store_id bigint, api_secret_sealed bytea, retires_at timestamptz)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  BEGIN ATOMIC
    SELECT s.domain, s.id, s.api_secret_sealed, NULL::timestamptz
    FROM shops.stores AS s
    WHERE s.api_secret_sealed IS NOT NULL AND s.removed_at IS NULL
      AND (store_secrets.domains IS NULL OR s.domain = ANY (store_secrets.domains))
    UNION ALL
    SELECT s.domain, s.id, r.sealed, r.retires_at
    FROM shops.retiring_secrets AS r
    JOIN shops.stores AS s ON s.tenant_id = r.tenant_id AND s.id = r.store_id
    WHERE s.removed_at IS NULL AND r.retires_at > clock_timestamp()
      AND (store_secrets.domains IS NULL OR s.domain = ANY (store_secrets.domains));
  END;

-- Keeps a store's present signing secret for a while, because another is about to take its place.
-- The API cannot read the secret that it moves. Each secret costs every delivery of the store one more
-- HMAC, so that the latest four are kept at most.
CREATE FUNCTION shops.retire_store_secret(
    tenant bigint, store bigint, at timestamptz, until timestamptz)
  RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  BEGIN
    IF tenant IS DISTINCT FROM shops.current_tenant() AND tenant <> ALL (shops.current_tenants()) THEN
      RAISE insufficient_privilege USING MESSAGE = 'The store is not of this tenant.';
    END IF;
    INSERT INTO shops.retiring_secrets (tenant_id, store_id, sealed, created_at, retires_at)
      SELECT s.tenant_id, s.id, s.api_secret_sealed, at, until
      FROM shops.stores AS s
      WHERE s.tenant_id = tenant AND s.id = store AND s.removed_at IS NULL
        AND s.api_secret_sealed IS NOT NULL AND until > at
      FOR UPDATE;
    IF NOT FOUND THEN
      RETURN false;
    END IF;
    DELETE FROM shops.retiring_secrets AS r
      WHERE r.tenant_id = tenant AND r.store_id = store
        AND (r.retires_at <= at OR r.id NOT IN (
          SELECT k.id FROM shops.retiring_secrets AS k
          WHERE k.tenant_id = tenant AND k.store_id = store ORDER BY k.id DESC LIMIT 4));
    RETURN true;
  END $$;

-- Erases what has retired: stores' secrets at once, those of apps after a month, for which time
-- `tillstream app secret retire --at` could still take it back.
CREATE FUNCTION shops.forget_retired_secrets(at timestamptz) RETURNS bigint
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  BEGIN ATOMIC
    WITH of_stores AS (
      DELETE FROM shops.retiring_secrets WHERE retires_at <= at RETURNING 1
    ), of_apps AS (
      UPDATE shops.app_secrets SET sealed = NULL
      WHERE sealed IS NOT NULL AND retires_at <= at - interval '30 days' RETURNING 1
    )
    SELECT (SELECT count(*) FROM of_stores) + (SELECT count(*) FROM of_apps);
  END;

REVOKE EXECUTE ON FUNCTION shops.app_credentials(text), shops.store_secrets(text[]),
  shops.retire_store_secret(bigint, bigint, timestamptz, timestamptz),
  shops.forget_retired_secrets(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION shops.app_credentials(text),
  shops.retire_store_secret(bigint, bigint, timestamptz, timestamptz)
  TO tillstream_api, tillstream_worker;
GRANT EXECUTE ON FUNCTION shops.store_secrets(text[]), shops.forget_retired_secrets(timestamptz)
  TO tillstream_worker;

-- A store that is removed leaves no secret behind.
CREATE FUNCTION shops.drop_retiring_secrets() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  BEGIN
    DELETE FROM shops.retiring_secrets AS r WHERE r.tenant_id = NEW.tenant_id AND r.store_id = NEW.id;
    RETURN NULL;
  END $$;
REVOKE EXECUTE ON FUNCTION shops.drop_retiring_secrets() FROM PUBLIC;
CREATE TRIGGER stores_drop_retiring_secrets AFTER UPDATE OF removed_at ON shops.stores
  FOR EACH ROW WHEN (NEW.removed_at IS NOT NULL)
  EXECUTE FUNCTION shops.drop_retiring_secrets();

-- The doors' caches of apps refresh on this. Stores have a channel of their own.
CREATE FUNCTION shops.notify_app() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $$
  BEGIN
    PERFORM pg_notify(shops.channel('tillstream_apps'), '');
    RETURN NULL;
  END $$;
CREATE TRIGGER apps_notify AFTER INSERT OR UPDATE OR DELETE ON shops.apps
  FOR EACH STATEMENT EXECUTE FUNCTION shops.notify_app();
CREATE TRIGGER app_secrets_notify AFTER INSERT OR UPDATE OR DELETE ON shops.app_secrets
  FOR EACH STATEMENT EXECUTE FUNCTION shops.notify_app();
