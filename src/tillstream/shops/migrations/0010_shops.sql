-- Tenants, their users and sessions, and the stores they connected. Safe before the new code.
--
-- Row-level security is forced, so it binds the owner too. Where the owner has to see across
-- tenants (the SECURITY DEFINER functions below run as it) a policy named "<table>_owner" says so;
-- CURRENT_USER there is whoever migrates, which need not be a superuser.

CREATE TABLE shops.tenants (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL CHECK (btrim(name) <> '' AND length(name) <= 200),
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE shops.users (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  email text NOT NULL UNIQUE CHECK (email = lower(email) AND length(email) BETWEEN 3 AND 254),
  name text NOT NULL DEFAULT '' CHECK (length(name) <= 200),
  password_hash text NOT NULL CHECK (password_hash LIKE '$argon2id$%'),
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE shops.memberships (
  tenant_id bigint NOT NULL REFERENCES shops.tenants,
  user_id bigint NOT NULL REFERENCES shops.users,
  role text NOT NULL CHECK (role IN ('owner', 'analyst', 'viewer')),
  PRIMARY KEY (tenant_id, user_id)
);
CREATE INDEX memberships_by_user ON shops.memberships (user_id, tenant_id);

-- One row per refresh token; the rows of one sign-in share a family, which access tokens name.
CREATE TABLE shops.sessions (
  id bigint GENERATED ALWAYS AS IDENTITY,
  tenant_id bigint NOT NULL,
  user_id bigint NOT NULL,
  family uuid NOT NULL,
  token_hash bytea NOT NULL CHECK (octet_length(token_hash) = 32),
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL CHECK (expires_at > created_at),
  rotated_at timestamptz CHECK (rotated_at >= created_at),
  revoked_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, token_hash),
  FOREIGN KEY (tenant_id, user_id) REFERENCES shops.memberships ON DELETE CASCADE
);
CREATE INDEX sessions_by_family ON shops.sessions (tenant_id, family);
CREATE INDEX sessions_by_user ON shops.sessions (tenant_id, user_id);

CREATE TABLE shops.stores (
  id bigint GENERATED ALWAYS AS IDENTITY,
  tenant_id bigint NOT NULL REFERENCES shops.tenants,
  domain text NOT NULL
    CHECK (domain ~ '^[a-z0-9][a-z0-9-]*\.myshopify\.com$' AND length(domain) <= 255),
  name text NOT NULL DEFAULT '' CHECK (length(name) <= 200),
  timezone text CHECK (timezone <> ''),
  currency text CHECK (currency ~ '^[A-Z]{3}$'),
  abandonment_window interval NOT NULL DEFAULT interval '10 minutes'
    CHECK (abandonment_window BETWEEN interval '1 minute' AND interval '30 days'),
  api_secret_sealed bytea,
  access_token_sealed bytea,
  -- What the API may know of the secrets without being able to read even their sealed form.
  has_api_secret boolean GENERATED ALWAYS AS (api_secret_sealed IS NOT NULL) STORED,
  has_access_token boolean GENERATED ALWAYS AS (access_token_sealed IS NOT NULL) STORED,
  created_at timestamptz NOT NULL DEFAULT now(),
  removed_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, domain)
);
-- The directory's rule: a shop is connected by one tenant at a time. It crosses tenants on purpose,
-- and is silent about which tenant that is.
CREATE UNIQUE INDEX stores_connected_domain ON shops.stores (domain) WHERE removed_at IS NULL;

ALTER TABLE shops.tenants ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE shops.users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE shops.memberships ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE shops.sessions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE shops.stores ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

CREATE POLICY tenants_api ON shops.tenants TO tillstream_api
  USING (id = (SELECT shops.current_tenant())) WITH CHECK (id = (SELECT shops.current_tenant()));
CREATE POLICY tenants_worker ON shops.tenants TO tillstream_worker
  USING (id = ANY ((SELECT shops.current_tenants())::bigint[]))
  WITH CHECK (id = ANY ((SELECT shops.current_tenants())::bigint[]));
CREATE POLICY tenants_owner ON shops.tenants TO CURRENT_USER USING (true) WITH CHECK (true);

-- A user is visible to a tenant of which they are a member; nobody changes users through a policy.
CREATE POLICY users_api ON shops.users FOR SELECT TO tillstream_api
  USING (EXISTS (SELECT FROM shops.memberships AS m
                 WHERE m.user_id = users.id AND m.tenant_id = (SELECT shops.current_tenant())));
CREATE POLICY users_owner ON shops.users TO CURRENT_USER USING (true) WITH CHECK (true);

CREATE POLICY memberships_api ON shops.memberships TO tillstream_api
  USING (tenant_id = (SELECT shops.current_tenant()))
  WITH CHECK (tenant_id = (SELECT shops.current_tenant()));
CREATE POLICY memberships_worker ON shops.memberships TO tillstream_worker
  USING (tenant_id = ANY ((SELECT shops.current_tenants())::bigint[]))
  WITH CHECK (tenant_id = ANY ((SELECT shops.current_tenants())::bigint[]));
CREATE POLICY memberships_owner ON shops.memberships TO CURRENT_USER USING (true) WITH CHECK (true);

CREATE POLICY sessions_api ON shops.sessions TO tillstream_api
  USING (tenant_id = (SELECT shops.current_tenant()))
  WITH CHECK (tenant_id = (SELECT shops.current_tenant()));
CREATE POLICY sessions_worker ON shops.sessions TO tillstream_worker
  USING (tenant_id = ANY ((SELECT shops.current_tenants())::bigint[]))
  WITH CHECK (tenant_id = ANY ((SELECT shops.current_tenants())::bigint[]));

CREATE POLICY stores_api ON shops.stores TO tillstream_api
  USING (tenant_id = (SELECT shops.current_tenant()))
  WITH CHECK (tenant_id = (SELECT shops.current_tenant()));
CREATE POLICY stores_worker ON shops.stores TO tillstream_worker
  USING (tenant_id = ANY ((SELECT shops.current_tenants())::bigint[]))
  WITH CHECK (tenant_id = ANY ((SELECT shops.current_tenants())::bigint[]));
CREATE POLICY stores_owner ON shops.stores TO CURRENT_USER USING (true) WITH CHECK (true);

-- Rights by column: the API writes secrets but cannot read them, nor any password's hash.
GRANT SELECT ON shops.tenants, shops.memberships TO tillstream_api;
GRANT SELECT (id, email, name, created_at) ON shops.users TO tillstream_api;
GRANT SELECT, INSERT, DELETE ON shops.sessions TO tillstream_api;
GRANT UPDATE (rotated_at, revoked_at) ON shops.sessions TO tillstream_api;
GRANT SELECT (id, tenant_id, domain, name, timezone, currency, abandonment_window,
              has_api_secret, has_access_token, created_at, removed_at)
  ON shops.stores TO tillstream_api, tillstream_worker;
GRANT INSERT (tenant_id, domain, name, timezone, currency, abandonment_window,
              api_secret_sealed, access_token_sealed)
  ON shops.stores TO tillstream_api;
GRANT UPDATE (name, timezone, currency, abandonment_window, api_secret_sealed,
              access_token_sealed, removed_at)
  ON shops.stores TO tillstream_api;

-- A new tenant with its owner; no row where the e-mail address is taken.
CREATE FUNCTION shops.create_account(
    new_email text, new_name text, new_tenant_name text, new_password_hash text)
  RETURNS TABLE (user_id bigint, tenant_id bigint)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  #variable_conflict use_column
  DECLARE
    made_user bigint;
    made_tenant bigint;
  BEGIN
    INSERT INTO shops.users (email, name, password_hash)
      VALUES (lower(new_email), new_name, new_password_hash)
      ON CONFLICT (email) DO NOTHING
      RETURNING id INTO made_user;
    IF made_user IS NULL THEN
      RETURN;
    END IF;
    INSERT INTO shops.tenants (name) VALUES (new_tenant_name) RETURNING id INTO made_tenant;
    INSERT INTO shops.memberships (tenant_id, user_id, role)
      VALUES (made_tenant, made_user, 'owner');
    RETURN QUERY SELECT made_user, made_tenant;
  END $$;

REVOKE EXECUTE ON FUNCTION shops.create_account(text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION shops.create_account(text, text, text, text) TO tillstream_api;

-- Caches of routes and secrets refresh on this.
CREATE FUNCTION shops.notify_store() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $$
  BEGIN
    PERFORM pg_notify(shops.channel('tillstream_shops'), (CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END).domain);
    RETURN NULL;
  END $$;
CREATE TRIGGER stores_notify AFTER INSERT OR UPDATE OR DELETE ON shops.stores
  FOR EACH ROW EXECUTE FUNCTION shops.notify_store();

-- Open event streams of a revoked sign-in end on this.
CREATE FUNCTION shops.notify_session() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $$
  BEGIN
    PERFORM pg_notify(shops.channel('tillstream_sessions'), OLD.tenant_id || ':' || OLD.family);
    RETURN NULL;
  END $$;
CREATE TRIGGER sessions_notify_revoked AFTER UPDATE OF revoked_at ON shops.sessions
  FOR EACH ROW WHEN (NEW.revoked_at IS NOT NULL AND OLD.revoked_at IS NULL)
  EXECUTE FUNCTION shops.notify_session();
CREATE TRIGGER sessions_notify_deleted AFTER DELETE ON shops.sessions
  FOR EACH ROW WHEN (OLD.revoked_at IS NULL)
  EXECUTE FUNCTION shops.notify_session();
