-- SQL for merchants: read-only logins to the database itself, limited to their tenant's rows.
-- Safe before and after the new code: it only adds, and takes away what nobody of ours used.
--
-- A login is a PostgreSQL role "tillstream_sql_<tenant>_<random>", member of tillstream_reader.
-- What it may see is decided by session_user, which no login can change: SET ROLE does not touch
-- it, SET SESSION AUTHORIZATION takes a superuser, and the setting that says the API's tenant is
-- read by the API's policies only.
DO $$
BEGIN
  PERFORM pg_advisory_xact_lock(7211834);
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tillstream_reader') THEN
    CREATE ROLE tillstream_reader NOLOGIN NOBYPASSRLS NOCREATEDB NOCREATEROLE;
  END IF;
END $$;

CREATE TABLE shops.sql_logins (
  id bigint GENERATED ALWAYS AS IDENTITY,
  tenant_id bigint NOT NULL REFERENCES shops.tenants,
  name text NOT NULL CHECK (length(name) <= 200),
  -- Unique over all tenants and never used again: a name is what tells whose rows a session sees.
  username text NOT NULL UNIQUE CHECK (username ~ '^tillstream_sql_[0-9]+_[a-z0-9]{8,}$'),
  created_at timestamptz NOT NULL,
  -- The owner who made it: it ends with their role.
  created_by bigint NOT NULL,
  revoked_at timestamptz CHECK (revoked_at >= created_at),
  dropped_at timestamptz CHECK (dropped_at IS NULL OR revoked_at IS NOT NULL),
  PRIMARY KEY (tenant_id, id)
);
ALTER TABLE shops.sql_logins ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY sql_logins_api ON shops.sql_logins TO tillstream_api
  USING (tenant_id = (SELECT shops.current_tenant()))
  WITH CHECK (tenant_id = (SELECT shops.current_tenant()));
CREATE POLICY sql_logins_worker ON shops.sql_logins TO tillstream_worker
  USING (tenant_id = ANY ((SELECT shops.current_tenants())::bigint[]))
  WITH CHECK (tenant_id = ANY ((SELECT shops.current_tenants())::bigint[]));
CREATE POLICY sql_logins_owner ON shops.sql_logins TO CURRENT_USER USING (true) WITH CHECK (true);
GRANT SELECT ON shops.sql_logins TO tillstream_api;

-- Whose rows this session may read: null, and so none, for everyone but a login that is not revoked.
CREATE FUNCTION shops.reader_tenant() RETURNS bigint
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  BEGIN ATOMIC
    SELECT l.tenant_id FROM shops.sql_logins AS l
    WHERE l.username = session_user AND l.revoked_at IS NULL;
  END;

-- A login for the transaction's tenant; no row where it has as many as it may have.
-- `verifier` is what PostgreSQL keeps of the password (SCRAM-SHA-256), made by the caller, so that
-- the password itself is in no statement and in no log.
CREATE FUNCTION shops.create_sql_login(
    login_name text, suffix text, verifier text, maker bigint, made_at timestamptz, most integer)
  RETURNS TABLE (id bigint, username text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  #variable_conflict use_column
  DECLARE
    tenant bigint := shops.current_tenant();
    login text := format('tillstream_sql_%s_%s', tenant, suffix);
    made bigint;
  BEGIN
    IF tenant IS NULL OR verifier !~ '^SCRAM-SHA-256\$\d+:[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=]+:[A-Za-z0-9+/=]+$' THEN
      RAISE EXCEPTION 'a tenant and a verifier are needed' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('sql logins ' || tenant, 60));
    IF (SELECT count(*) FROM shops.sql_logins AS l
        WHERE l.tenant_id = tenant AND l.revoked_at IS NULL) >= most THEN
      RETURN;
    END IF;
    INSERT INTO shops.sql_logins (tenant_id, name, username, created_at, created_by)
      VALUES (tenant, login_name, login, made_at, maker) RETURNING sql_logins.id INTO made;
    EXECUTE format('CREATE ROLE %I LOGIN INHERIT CONNECTION LIMIT 4 PASSWORD %L IN ROLE tillstream_reader',
                   login, verifier);
    -- What a session begins with. It may change these itself; shops.end_sql_overdue() is what holds.
    EXECUTE format('ALTER ROLE %I SET search_path = merchant', login);
    EXECUTE format('ALTER ROLE %I SET default_transaction_read_only = on', login);
    EXECUTE format('ALTER ROLE %I SET statement_timeout = ''30s''', login);
    EXECUTE format('ALTER ROLE %I SET idle_in_transaction_session_timeout = ''60s''', login);
    EXECUTE format('ALTER ROLE %I SET lock_timeout = ''5s''', login);
    IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
      -- This one it cannot change.
      EXECUTE format('ALTER ROLE %I SET temp_file_limit = ''1GB''', login);
    ELSE
      -- Who is no superuser sees and ends the sessions of roles it is a member of.
      EXECUTE format('GRANT %I TO %I', login, current_user);
    END IF;
    RETURN QUERY SELECT made, login;
  END $$;

-- Ends what the login can do, at the commit, and returns its name; null where the tenant has no such
-- login.
CREATE FUNCTION shops.revoke_sql_login(sought bigint, moment timestamptz) RETURNS text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  DECLARE
    login text;
  BEGIN
    UPDATE shops.sql_logins AS l SET revoked_at = greatest(moment, l.created_at)
      WHERE l.tenant_id = shops.current_tenant() AND l.id = sought AND l.revoked_at IS NULL
      RETURNING l.username INTO login;
    IF login IS NULL THEN
      RETURN NULL;
    END IF;
    -- A database that was moved without its roles has the row alone.
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = login) THEN
      EXECUTE format('ALTER ROLE %I NOLOGIN CONNECTION LIMIT 0', login);
    END IF;
    RETURN login;
  END $$;

-- Take from somebody who is no owner (any more) what owners hand out: keys, open invitations and logins.
CREATE FUNCTION shops.withdraw_grants(member bigint, moment timestamptz) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  BEGIN
    UPDATE shops.api_keys AS k SET revoked_at = moment
      WHERE k.tenant_id = shops.current_tenant() AND k.created_by = member AND k.revoked_at IS NULL;
    UPDATE shops.invitations AS i SET revoked_at = moment
      WHERE i.tenant_id = shops.current_tenant() AND i.invited_by = member
        AND i.accepted_at IS NULL AND i.revoked_at IS NULL;
    -- Their sessions are ended within seconds by the workers' guard: not before the commit.
    PERFORM shops.revoke_sql_login(l.id, moment) FROM shops.sql_logins AS l
      WHERE l.tenant_id = shops.current_tenant() AND l.created_by = member AND l.revoked_at IS NULL;
  END $$;

-- Ends the sessions of revoked logins and drops their roles; to be called after the revocation was
-- committed, and again by whoever comes by, should it not have come to that.
CREATE FUNCTION shops.drop_revoked_sql_logins() RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  DECLARE
    login record;
    dropped integer := 0;
  BEGIN
    FOR login IN
      SELECT l.tenant_id, l.id, l.username FROM shops.sql_logins AS l
      WHERE l.revoked_at IS NOT NULL AND l.dropped_at IS NULL
      FOR UPDATE SKIP LOCKED
    LOOP
      IF EXISTS (SELECT FROM pg_roles WHERE rolname = login.username) THEN
        PERFORM pg_terminate_backend(a.pid, 2000) FROM pg_stat_activity AS a
          WHERE a.usename = login.username;
        BEGIN
          EXECUTE format('DROP OWNED BY %I', login.username);
          EXECUTE format('DROP ROLE %I', login.username);
        EXCEPTION WHEN dependent_objects_still_exist THEN
          -- Something of it in another database: it cannot log in, and is tried again.
          CONTINUE;
        END;
      END IF;
      UPDATE shops.sql_logins AS l SET dropped_at = greatest(now(), l.revoked_at)
        WHERE l.tenant_id = login.tenant_id AND l.id = login.id;
      dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
  END $$;

-- Ends sessions of merchants' logins that work or wait inside a transaction for longer than they may,
-- or hold an advisory lock, with which they could stand in the workers' way. A session can lift its own
-- statement_timeout and catch a cancellation; it cannot catch this.
CREATE FUNCTION shops.end_sql_overdue(longest interval)
  RETURNS TABLE (username name, reason text)
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
    SELECT o.usename, o.reason
    FROM (
      SELECT a.pid, a.usename, CASE
        WHEN EXISTS (SELECT FROM pg_locks AS k WHERE k.pid = a.pid AND k.locktype = 'advisory') THEN 'lock'
        WHEN a.state = 'active' AND a.query_start < clock_timestamp() - longest THEN 'statement'
        WHEN a.xact_start < clock_timestamp() - 2 * longest THEN 'transaction'
        END AS reason
      FROM pg_stat_activity AS a
      WHERE a.backend_type = 'client backend'
        AND a.usename IN (SELECT l.username FROM shops.sql_logins AS l WHERE l.dropped_at IS NULL)
      OFFSET 0
    ) AS o
    WHERE o.reason IS NOT NULL AND pg_terminate_backend(o.pid)
  $$;

REVOKE EXECUTE ON FUNCTION shops.reader_tenant(),
  shops.create_sql_login(text, text, text, bigint, timestamptz, integer),
  shops.withdraw_grants(bigint, timestamptz),
  shops.revoke_sql_login(bigint, timestamptz), shops.drop_revoked_sql_logins(),
  shops.end_sql_overdue(interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION shops.reader_tenant() TO tillstream_reader;
GRANT EXECUTE ON FUNCTION shops.create_sql_login(text, text, text, bigint, timestamptz, integer),
  shops.revoke_sql_login(bigint, timestamptz) TO tillstream_api;
GRANT EXECUTE ON FUNCTION shops.drop_revoked_sql_logins() TO tillstream_api, tillstream_worker;
GRANT EXECUTE ON FUNCTION shops.end_sql_overdue(interval) TO tillstream_worker;

-- What PostgreSQL gives to everybody and a stranger on the inside could use against the others:
-- objects in schema public, advisory locks (the workers share their partitions by them), large objects
-- (a way to write in spite of having no table), and records in the log of changes. Only a superuser can
-- take back what belongs to PostgreSQL itself; docs/sql.md says what stays without one.
DO $$
DECLARE
  routine regprocedure;
BEGIN
  IF (SELECT nspowner FROM pg_namespace WHERE nspname = 'public')
     IN (SELECT oid FROM pg_roles WHERE pg_has_role(current_user, oid, 'USAGE')) THEN
    REVOKE CREATE ON SCHEMA public FROM PUBLIC;
  END IF;
  IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
    RETURN;
  END IF;
  FOR routine IN
    SELECT p.oid::regprocedure FROM pg_proc AS p
    WHERE p.pronamespace = 'pg_catalog'::regnamespace
      AND (p.proname ~ '^pg_(try_)?advisory_' OR p.proname ~ '^(lo_|loread$|lowrite$)'
           OR p.proname = 'pg_logical_emit_message')
  LOOP
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', routine);
    IF routine::text ~ 'advisory' THEN
      EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO tillstream_api, tillstream_worker', routine);
    END IF;
  END LOOP;
END $$;
