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

-- Notifications have no rights: whoever may connect may listen to any channel and notify on it, also
-- merchants' SQL logins, to whom the changes of other tenants are not to be told. So a channel's name
-- ends in something that only our own roles can find out.
CREATE TABLE shops.channels (
  suffix text PRIMARY KEY CHECK (length(suffix) = 32)
);
INSERT INTO shops.channels (suffix) VALUES (replace(gen_random_uuid()::text, '-', ''));
ALTER TABLE shops.channels ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY channels_owner ON shops.channels FOR SELECT TO CURRENT_USER USING (true);
CREATE FUNCTION shops.channel(topic text) RETURNS text
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  BEGIN ATOMIC
    SELECT channel.topic || '_' || c.suffix FROM shops.channels AS c;
  END;
REVOKE EXECUTE ON FUNCTION shops.channel(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION shops.channel(text) TO tillstream_api, tillstream_worker;

-- The tenant of an API transaction; null (and so no rows) where none was set.
CREATE FUNCTION shops.current_tenant() RETURNS bigint
  LANGUAGE sql STABLE PARALLEL SAFE
  RETURN nullif(current_setting('tillstream.tenant', true), '')::bigint;

-- The tenants whose deliveries a worker transaction applies; empty where none was set.
CREATE FUNCTION shops.current_tenants() RETURNS bigint[]
  LANGUAGE sql STABLE PARALLEL SAFE
  RETURN coalesce(string_to_array(nullif(current_setting('tillstream.tenants', true), ''), ',')::bigint[], '{}');
