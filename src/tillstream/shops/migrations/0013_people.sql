-- People: members, invitations, sign-ins that can be listed, API keys, and the audit log. Safe before
-- the new code.
--
-- What a tenant's row-level security cannot say (the API may not read hashes; a person belongs to
-- several tenants; the last owner stays) is said by the functions below. Each acts on the
-- transaction's own tenant, or proves whom it acts for: by a live sign-in of that tenant, by the hash
-- of a token, or by the password's present hash. None takes a bare user id as proof.

ALTER TABLE shops.tenants
  -- NULL: as the installation is set.
  ADD COLUMN IF NOT EXISTS retention_days integer CHECK (retention_days BETWEEN 1 AND 3650),
  ADD COLUMN IF NOT EXISTS erase_after_days integer CHECK (erase_after_days BETWEEN 0 AND 3650);
GRANT UPDATE (name, retention_days, erase_after_days) ON shops.tenants TO tillstream_api;

ALTER TABLE shops.memberships
  ADD COLUMN since timestamptz NOT NULL DEFAULT now(),
  -- When the person last signed in to, or switched to, this tenant: where they are led next time.
  ADD COLUMN entered_at timestamptz;
GRANT UPDATE (entered_at) ON shops.memberships TO tillstream_api;

ALTER TABLE shops.sessions
  -- When the family began; the rows of its earlier tokens are forgotten some day.
  ADD COLUMN began_at timestamptz NOT NULL DEFAULT now(),
  ADD COLUMN address text CHECK (length(address) <= 45),
  ADD COLUMN agent text CHECK (length(agent) <= 300);
CREATE POLICY sessions_owner ON shops.sessions TO CURRENT_USER USING (true) WITH CHECK (true);
-- Which sign-ins a person has, in all their tenants.
CREATE INDEX sessions_of_user ON shops.sessions (user_id, tenant_id) WHERE revoked_at IS NULL;

CREATE TABLE shops.invitations (
  id bigint GENERATED ALWAYS AS IDENTITY,
  tenant_id bigint NOT NULL REFERENCES shops.tenants,
  email text NOT NULL CHECK (email = lower(email) AND length(email) BETWEEN 3 AND 254),
  role text NOT NULL CHECK (role IN ('owner', 'analyst', 'viewer')),
  token_hash bytea NOT NULL CHECK (octet_length(token_hash) = 32),
  -- Who invited; not a reference, since people leave.
  invited_by bigint NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL CHECK (expires_at > created_at),
  accepted_at timestamptz,
  revoked_at timestamptz,
  CHECK (accepted_at IS NULL OR revoked_at IS NULL),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, token_hash)
);
-- Inviting somebody again replaces the invitation before.
CREATE UNIQUE INDEX invitations_open ON shops.invitations (tenant_id, email)
  WHERE accepted_at IS NULL AND revoked_at IS NULL;

CREATE TABLE shops.api_keys (
  id bigint GENERATED ALWAYS AS IDENTITY,
  tenant_id bigint NOT NULL REFERENCES shops.tenants,
  name text NOT NULL CHECK (btrim(name) <> '' AND length(name) <= 200),
  -- The first characters, so that people can tell keys apart.
  prefix text NOT NULL CHECK (length(prefix) BETWEEN 1 AND 40),
  token_hash bytea NOT NULL CHECK (octet_length(token_hash) = 32),
  scopes text[] NOT NULL
    CHECK (scopes <@ ARRAY['analytics', 'live', 'stores', 'exports'] AND cardinality(scopes) > 0),
  created_by bigint NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL CHECK (expires_at > created_at),
  last_used_at timestamptz,
  revoked_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, token_hash)
);

-- Who did what. Nobody but the database's owner can change or remove a line.
CREATE TABLE shops.audit (
  id bigint GENERATED ALWAYS AS IDENTITY,
  tenant_id bigint NOT NULL REFERENCES shops.tenants,
  at timestamptz NOT NULL,
  -- An e-mail address, a key's name, or what acted by itself. Text: it outlives the person's account.
  actor text NOT NULL CHECK (actor <> '' AND length(actor) <= 300),
  action text NOT NULL CHECK (action ~ '^[a-z][a-z_.]{1,62}[a-z]$'),
  subject text CHECK (length(subject) <= 300),
  detail jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(detail) = 'object'),
  address text CHECK (length(address) <= 45),
  PRIMARY KEY (tenant_id, id)
);

ALTER TABLE shops.invitations ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE shops.api_keys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE shops.audit ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

CREATE POLICY invitations_api ON shops.invitations TO tillstream_api
  USING (tenant_id = (SELECT shops.current_tenant()))
  WITH CHECK (tenant_id = (SELECT shops.current_tenant()));
CREATE POLICY invitations_worker ON shops.invitations TO tillstream_worker
  USING (tenant_id = ANY ((SELECT shops.current_tenants())::bigint[]))
  WITH CHECK (tenant_id = ANY ((SELECT shops.current_tenants())::bigint[]));
CREATE POLICY invitations_owner ON shops.invitations TO CURRENT_USER USING (true) WITH CHECK (true);

CREATE POLICY api_keys_api ON shops.api_keys TO tillstream_api
  USING (tenant_id = (SELECT shops.current_tenant()))
  WITH CHECK (tenant_id = (SELECT shops.current_tenant()));
CREATE POLICY api_keys_worker ON shops.api_keys TO tillstream_worker
  USING (tenant_id = ANY ((SELECT shops.current_tenants())::bigint[]))
  WITH CHECK (tenant_id = ANY ((SELECT shops.current_tenants())::bigint[]));
CREATE POLICY api_keys_owner ON shops.api_keys TO CURRENT_USER USING (true) WITH CHECK (true);

CREATE POLICY audit_api ON shops.audit TO tillstream_api
  USING (tenant_id = (SELECT shops.current_tenant()))
  WITH CHECK (tenant_id = (SELECT shops.current_tenant()));
CREATE POLICY audit_worker ON shops.audit TO tillstream_worker
  USING (tenant_id = ANY ((SELECT shops.current_tenants())::bigint[]))
  WITH CHECK (tenant_id = ANY ((SELECT shops.current_tenants())::bigint[]));
CREATE POLICY audit_owner ON shops.audit TO CURRENT_USER USING (true) WITH CHECK (true);

GRANT SELECT (id, tenant_id, email, role, invited_by, created_at, expires_at, accepted_at, revoked_at),
      INSERT (tenant_id, email, role, token_hash, invited_by, created_at, expires_at),
      UPDATE (revoked_at)
  ON shops.invitations TO tillstream_api;
GRANT SELECT (id, tenant_id, name, prefix, scopes, created_by, created_at, expires_at, last_used_at,
              revoked_at),
      INSERT (tenant_id, name, prefix, token_hash, scopes, created_by, created_at, expires_at),
      UPDATE (revoked_at)
  ON shops.api_keys TO tillstream_api;
GRANT SELECT, INSERT ON shops.audit TO tillstream_api;
GRANT INSERT ON shops.audit TO tillstream_worker;

-- -- Signing in ----------------------------------------------------------------------------------

-- What signing in needs before a tenant is known: one row per membership, the oldest tenant first.
CREATE FUNCTION shops.find_user(sought_email text)
  RETURNS TABLE (user_id bigint, tenant_id bigint, tenant_name text, name text, role text,
                 password_hash text, entered_at timestamptz)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  BEGIN ATOMIC
    SELECT u.id, t.id, t.name, u.name, m.role, u.password_hash, m.entered_at
    FROM shops.users AS u
    JOIN shops.memberships AS m ON m.user_id = u.id
    JOIN shops.tenants AS t ON t.id = m.tenant_id
    WHERE u.email = lower(find_user.sought_email)
    ORDER BY t.id;
  END;

-- Whether that is the user's password still. Keeps it so until the transaction ends: a sign-in that
-- was checked against the old password cannot slip in behind a change.
CREATE FUNCTION shops.hold_password(sought_user bigint, known_hash text) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  BEGIN
    PERFORM FROM shops.users AS u
      WHERE u.id = sought_user AND u.password_hash = known_hash FOR SHARE;
    RETURN FOUND;
  END $$;

-- The person of a live sign-in of this transaction's tenant; NULL without one.
CREATE FUNCTION shops.person_of(acting uuid, moment timestamptz) RETURNS bigint
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  BEGIN ATOMIC
    SELECT s.user_id FROM shops.sessions AS s
    WHERE s.tenant_id = shops.current_tenant() AND s.family = acting
      AND s.revoked_at IS NULL AND s.expires_at > moment
    LIMIT 1;
  END;

-- The tenants of the person of a live sign-in, the oldest first.
CREATE FUNCTION shops.tenants_of(acting uuid, moment timestamptz)
  RETURNS TABLE (tenant_id bigint, tenant_name text, role text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  BEGIN ATOMIC
    SELECT t.id, t.name, m.role
    FROM shops.memberships AS m
    JOIN shops.tenants AS t ON t.id = m.tenant_id
    WHERE m.user_id = shops.person_of(acting, moment)
    ORDER BY t.id;
  END;

-- All standing sign-ins of the person of a live one, in whichever tenant.
CREATE FUNCTION shops.sign_ins_of(acting uuid, moment timestamptz)
  RETURNS TABLE (family uuid, tenant_id bigint, tenant_name text, began_at timestamptz,
                 last_used_at timestamptz, expires_at timestamptz, address text, agent text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  BEGIN ATOMIC
    SELECT latest.family, latest.tenant_id, t.name, latest.began_at, latest.created_at,
           latest.expires_at, latest.address, latest.agent
    FROM (
      SELECT DISTINCT ON (s.tenant_id, s.family) s.*
      FROM shops.sessions AS s
      WHERE s.user_id = shops.person_of(acting, moment)
        AND s.revoked_at IS NULL AND s.expires_at > moment
      ORDER BY s.tenant_id, s.family, s.created_at DESC, s.id DESC) AS latest
    JOIN shops.tenants AS t ON t.id = latest.tenant_id
    ORDER BY latest.created_at DESC, latest.family;
  END;

-- End sign-ins of a person: all but one, those to one tenant, or a single one (NULL: whichever). Each
-- is locked as rotating does (see shops/sessions.py), so that no successor slips in behind; in one
-- order, so that two of these never wait for each other.
CREATE FUNCTION shops.end_families(
    sought_user bigint, only_tenant bigint, only_this uuid, kept uuid, moment timestamptz)
  RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  #variable_conflict use_column
  DECLARE
    found_family uuid;
    ended integer := 0;
  BEGIN
    FOR found_family IN
      SELECT DISTINCT family FROM shops.sessions
      WHERE user_id = sought_user AND revoked_at IS NULL
        AND (only_tenant IS NULL OR tenant_id = only_tenant)
        AND (only_this IS NULL OR family = only_this) AND (kept IS NULL OR family <> kept)
      ORDER BY family
    LOOP
      PERFORM pg_advisory_xact_lock(hashtextextended(found_family::text, 20));
      UPDATE shops.sessions SET revoked_at = moment
        WHERE user_id = sought_user AND family = found_family AND revoked_at IS NULL;
      ended := ended + 1;
    END LOOP;
    RETURN ended;
  END $$;

-- End one of the person's sign-ins; false if there is none such.
CREATE FUNCTION shops.end_sign_in(acting uuid, ended uuid, moment timestamptz) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  BEGIN
    IF ended IS NULL THEN
      RETURN false;
    END IF;
    RETURN shops.end_families(shops.person_of(acting, moment), NULL, ended, NULL, moment) > 0;
  END $$;

-- Set a new password, if the old one is still what it was, and end all sign-ins but the one kept.
CREATE FUNCTION shops.replace_password(
    sought_user bigint, known_hash text, new_hash text, kept uuid, moment timestamptz)
  RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  BEGIN
    UPDATE shops.users AS u SET password_hash = new_hash
      WHERE u.id = sought_user AND u.password_hash = known_hash;
    IF NOT FOUND THEN
      RETURN false;
    END IF;
    PERFORM shops.end_families(sought_user, NULL, NULL, kept, moment);
    RETURN true;
  END $$;

-- -- Members -------------------------------------------------------------------------------------

-- What owners hand out is taken from who is one no longer by shops.withdraw_grants, which comes when all
-- of that has a table: 0060_sql_access.sql.

-- Change a member's role in this transaction's tenant: 'changed', 'same', 'unknown' or 'last-owner'.
CREATE FUNCTION shops.change_role(member bigint, new_role text, moment timestamptz) RETURNS text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  DECLARE
    old_role text;
  BEGIN
    -- One at a time per tenant: two owners who step down at once must not both succeed.
    PERFORM FROM shops.tenants AS t WHERE t.id = shops.current_tenant() FOR NO KEY UPDATE;
    SELECT m.role INTO old_role FROM shops.memberships AS m
      WHERE m.tenant_id = shops.current_tenant() AND m.user_id = member;
    IF old_role IS NULL THEN
      RETURN 'unknown';
    ELSIF old_role = new_role THEN
      RETURN 'same';
    ELSIF old_role = 'owner' AND NOT EXISTS (
        SELECT FROM shops.memberships AS m
        WHERE m.tenant_id = shops.current_tenant() AND m.role = 'owner' AND m.user_id <> member) THEN
      RETURN 'last-owner';
    END IF;
    UPDATE shops.memberships AS m SET role = new_role
      WHERE m.tenant_id = shops.current_tenant() AND m.user_id = member;
    IF old_role = 'owner' THEN
      PERFORM shops.withdraw_grants(member, moment);
    END IF;
    RETURN 'changed';
  END $$;

-- Remove a member from this transaction's tenant: 'removed', 'unknown' or 'last-owner'. Their sign-ins
-- to it go along. Somebody who belongs to no tenant any more has no account any more.
CREATE FUNCTION shops.remove_member(member bigint, moment timestamptz) RETURNS text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  DECLARE
    old_role text;
  BEGIN
    PERFORM FROM shops.tenants AS t WHERE t.id = shops.current_tenant() FOR NO KEY UPDATE;
    -- Against an invitation of another tenant that they accept just now.
    PERFORM FROM shops.users AS u WHERE u.id = member FOR UPDATE;
    SELECT m.role INTO old_role FROM shops.memberships AS m
      WHERE m.tenant_id = shops.current_tenant() AND m.user_id = member;
    IF old_role IS NULL THEN
      RETURN 'unknown';
    ELSIF old_role = 'owner' AND NOT EXISTS (
        SELECT FROM shops.memberships AS m
        WHERE m.tenant_id = shops.current_tenant() AND m.role = 'owner' AND m.user_id <> member) THEN
      RETURN 'last-owner';
    END IF;
    PERFORM shops.withdraw_grants(member, moment);
    -- Deleting the membership deletes the sessions too; but a token that is being renewed holds one
    -- of those and wants the membership. So that one is waited for before.
    PERFORM shops.end_families(member, shops.current_tenant(), NULL, NULL, moment);
    DELETE FROM shops.memberships AS m
      WHERE m.tenant_id = shops.current_tenant() AND m.user_id = member;
    DELETE FROM shops.users AS u
      WHERE u.id = member AND NOT EXISTS (SELECT FROM shops.memberships AS m WHERE m.user_id = member);
    RETURN 'removed';
  END $$;

-- -- Invitations ---------------------------------------------------------------------------------

-- The open invitation of this transaction's tenant with that token.
CREATE FUNCTION shops.find_invitation(sought_hash bytea, moment timestamptz)
  RETURNS TABLE (id bigint, tenant_name text, email text, role text, has_account boolean)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  BEGIN ATOMIC
    SELECT i.id, t.name, i.email, i.role,
           EXISTS (SELECT FROM shops.users AS u WHERE u.email = i.email)
    FROM shops.invitations AS i
    JOIN shops.tenants AS t ON t.id = i.tenant_id
    WHERE i.tenant_id = shops.current_tenant() AND i.token_hash = sought_hash
      AND i.accepted_at IS NULL AND i.revoked_at IS NULL AND i.expires_at > moment;
  END;

-- Accept it: as a new person with that password's hash, or as the known one whose hash that is. No row
-- if the invitation is no longer open, or the person's account came, went or changed meanwhile.
CREATE FUNCTION shops.accept_invitation(
    sought_hash bytea, known_user bigint, given_name text, given_hash text, moment timestamptz)
  RETURNS TABLE (user_id bigint, role text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  #variable_conflict use_column
  DECLARE
    invitation shops.invitations;
    person bigint;
  BEGIN
    SELECT * INTO invitation FROM shops.invitations AS i
      WHERE i.tenant_id = shops.current_tenant() AND i.token_hash = sought_hash
        AND i.accepted_at IS NULL AND i.revoked_at IS NULL AND i.expires_at > moment
      FOR UPDATE;
    IF invitation IS NULL THEN
      RETURN;
    END IF;
    IF known_user IS NULL THEN
      INSERT INTO shops.users (email, name, password_hash)
        VALUES (invitation.email, given_name, given_hash)
        ON CONFLICT (email) DO NOTHING
        RETURNING id INTO person;
    ELSE
      SELECT u.id INTO person FROM shops.users AS u
        WHERE u.id = known_user AND u.email = invitation.email AND u.password_hash = given_hash
        FOR SHARE;
    END IF;
    IF person IS NULL THEN
      RETURN;
    END IF;
    INSERT INTO shops.memberships (tenant_id, user_id, role, since)
      VALUES (invitation.tenant_id, person, invitation.role, moment)
      ON CONFLICT (tenant_id, user_id) DO NOTHING;
    UPDATE shops.invitations AS i SET accepted_at = moment
      WHERE i.tenant_id = invitation.tenant_id AND i.id = invitation.id;
    RETURN QUERY SELECT m.user_id, m.role FROM shops.memberships AS m
      WHERE m.tenant_id = invitation.tenant_id AND m.user_id = person;
  END $$;

-- -- Keys ----------------------------------------------------------------------------------------

-- The key of this transaction's tenant with that hash, if it is good. Its use is written down once a
-- minute, by whoever comes first: the others neither write nor wait.
CREATE FUNCTION shops.use_key(sought_hash bytea, moment timestamptz)
  RETURNS TABLE (id bigint, name text, scopes text[], expires_at timestamptz)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  #variable_conflict use_column
  BEGIN
    UPDATE shops.api_keys AS k SET last_used_at = moment
      WHERE k.tenant_id = shops.current_tenant() AND k.id = (
        SELECT due.id FROM shops.api_keys AS due
        WHERE due.tenant_id = shops.current_tenant() AND due.token_hash = sought_hash
          AND due.revoked_at IS NULL AND due.expires_at > moment
          AND (due.last_used_at IS NULL OR due.last_used_at <= moment - interval '1 minute')
        FOR NO KEY UPDATE SKIP LOCKED);
    RETURN QUERY SELECT k.id, k.name, k.scopes, k.expires_at FROM shops.api_keys AS k
      WHERE k.tenant_id = shops.current_tenant() AND k.token_hash = sought_hash
        AND k.revoked_at IS NULL AND k.expires_at > moment;
  END $$;

-- Open event streams of a tenant's keys are looked at again on this.
CREATE FUNCTION shops.notify_key() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $$
  BEGIN
    PERFORM pg_notify(shops.channel('tillstream_sessions'), OLD.tenant_id || ':keys');
    RETURN NULL;
  END $$;
CREATE TRIGGER api_keys_notify AFTER UPDATE OF revoked_at OR DELETE ON shops.api_keys
  FOR EACH ROW EXECUTE FUNCTION shops.notify_key();

REVOKE EXECUTE ON FUNCTION shops.find_user(text), shops.hold_password(bigint, text),
  shops.person_of(uuid, timestamptz), shops.tenants_of(uuid, timestamptz),
  shops.sign_ins_of(uuid, timestamptz), shops.end_families(bigint, bigint, uuid, uuid, timestamptz),
  shops.end_sign_in(uuid, uuid, timestamptz),
  shops.replace_password(bigint, text, text, uuid, timestamptz),
  shops.change_role(bigint, text, timestamptz), shops.remove_member(bigint, timestamptz),
  shops.find_invitation(bytea, timestamptz),
  shops.accept_invitation(bytea, bigint, text, text, timestamptz),
  shops.use_key(bytea, timestamptz), shops.notify_key() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION shops.find_user(text), shops.hold_password(bigint, text),
  shops.tenants_of(uuid, timestamptz), shops.sign_ins_of(uuid, timestamptz),
  shops.end_sign_in(uuid, uuid, timestamptz),
  shops.replace_password(bigint, text, text, uuid, timestamptz),
  shops.change_role(bigint, text, timestamptz), shops.remove_member(bigint, timestamptz),
  shops.find_invitation(bytea, timestamptz),
  shops.accept_invitation(bytea, bigint, text, text, timestamptz),
  shops.use_key(bytea, timestamptz) TO tillstream_api;
