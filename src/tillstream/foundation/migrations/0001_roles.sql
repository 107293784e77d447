-- The two group roles that everything below grants to. Cluster-wide, so several
-- databases of one server share them; logins are members and live outside migrations.
DO $$
BEGIN
  PERFORM pg_advisory_xact_lock(7211834);
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tillstream_api') THEN
    CREATE ROLE tillstream_api NOLOGIN NOBYPASSRLS NOCREATEDB NOCREATEROLE;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tillstream_worker') THEN
    CREATE ROLE tillstream_worker NOLOGIN NOBYPASSRLS NOCREATEDB NOCREATEROLE;
  END IF;
END $$;

CREATE SCHEMA shops;
CREATE SCHEMA journal;
CREATE SCHEMA mirror;
CREATE SCHEMA rollup;
GRANT USAGE ON SCHEMA shops, journal, mirror, rollup TO tillstream_api, tillstream_worker;

-- The tenant of an API transaction; null (and so no rows) where none was set.
CREATE FUNCTION shops.current_tenant() RETURNS bigint
  LANGUAGE sql STABLE PARALLEL SAFE
  RETURN nullif(current_setting('tillstream.tenant', true), '')::bigint;

-- The tenants whose deliveries a worker transaction applies; empty where none was set.
CREATE FUNCTION shops.current_tenants() RETURNS bigint[]
  LANGUAGE sql STABLE PARALLEL SAFE
  RETURN coalesce(string_to_array(nullif(current_setting('tillstream.tenants', true), ''), ',')::bigint[], '{}');
