"""What the catalogue of a database says about the wall between tenants, object by object.

Nothing here knows the names of tables: everything that is in a schema of ours is looked at, and what is
not as it has to be is an escape, unless ALLOWED says why it may. Reasons that fit nothing any more are
escapes, too.
"""

# ruff: noqa: E501 - SQL and reasons, a line each

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, LiteralString

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

ROLES = ("tillstream_api", "tillstream_worker", "tillstream_reader")
"""Everybody but the owner. Processes and merchants log in as members of these."""

TENANT_OF = {
    "tillstream_api": "(tenant_id = ( SELECT shops.current_tenant() AS current_tenant))",
    "tillstream_worker": "(tenant_id = ANY (( SELECT shops.current_tenants() AS current_tenants)::bigint[]))",
    "tillstream_reader": "(tenant_id = ( SELECT shops.reader_tenant() AS reader_tenant))",
}
"""The one condition that a policy of each role may have."""

_ALL_JOURNAL = (
    "frames hold deliveries of many tenants, and of shops before anybody knows whose they are"
)

ALLOWED: dict[str, str] = {
    # tables without a tenant
    "table without tenant: shops.tenants": "the tenant is its id",
    "table without tenant: shops.users": "a person may belong to several tenants",
    "table without tenant: shops.apps": "the installation's apps, which the operator manages",
    "table without tenant: shops.app_secrets": "their sealed secrets, which no role may read",
    "table without tenant: shops.channels": "the secret end of channel names, which no role may read",
    "table without tenant: journal.frames": _ALL_JOURNAL,
    "table without tenant: journal.pending": _ALL_JOURNAL,
    "table without tenant: journal.progress": "counts by partition",
    "table without tenant: public.tillstream_migrations": "names of migrations",
    "row security off: public.tillstream_migrations": "names of migrations, the same for everybody",
    # policies that say it otherwise
    "policy: shops.tenants tillstream_api": "(id = ( SELECT shops.current_tenant() AS current_tenant))",
    "policy: shops.tenants tillstream_worker": (
        "(id = ANY (( SELECT shops.current_tenants() AS current_tenants)::bigint[]))"
    ),
    "policy: shops.users tillstream_api": (
        "(EXISTS ( SELECT FROM shops.memberships m WHERE ((m.user_id = users.id) AND "
        "(m.tenant_id = ( SELECT shops.current_tenant() AS current_tenant)))))"
    ),
    "policy: journal.frames tillstream_worker": "true",
    "policy: journal.pending tillstream_worker": "true",
    "policy: journal.progress tillstream_worker": "true",
    "policy: journal.held tillstream_worker": "true",
    # keys that do not begin with the tenant
    "key: shops.tenants_pkey": "the tenant is its id",
    "key: shops.users_pkey": "people belong to no one tenant",
    "key: shops.users_email_key": "one account for each address",
    "key: shops.stores_connected_domain": "a shop is connected by one tenant at a time",
    "key: shops.sql_logins_username_key": "names of roles are unique in PostgreSQL",
    "key: shops.apps_pkey": "no tenant's",
    "key: shops.app_secrets_pkey": "no tenant's",
    "key: shops.channels_pkey": "no tenant's",
    "key: journal.frames_pkey": _ALL_JOURNAL,
    "key: journal.pending_pkey": _ALL_JOURNAL,
    "key: journal.progress_pkey": _ALL_JOURNAL,
    "key: journal.held_pkey": _ALL_JOURNAL,
    "key: journal.held_delivery_key_key": "a delivery is held once, whosever it is",
    "key: public.tillstream_migrations_pkey": "no tenant's",
    # hashes that the API reads, since it looks rows up by what somebody brings
    "secret: shops.sessions.token_hash": "of 32 random bytes: it gives nothing away",
    "secret: shops.transfers.code_hash": "of a random code",
    "secret: shops.grants_pending.state_hash": "of 32 random bytes, for minutes",
    "secret: shops.grants_pending.browser_hash": "of 32 random bytes, for minutes",
    "secret: shops.grants_pending.transfer_hash": "of a random code",
    # what PUBLIC may call
    "public function: shops.current_tenant()": "reads a setting of one's own session",
    "public function: shops.current_tenants()": "reads a setting of one's own session",
}


@dataclass
class Escapes:
    """What was found, and which of the reasons were needed for it."""

    found: list[str] = field(default_factory=list[str])
    needed: set[str] = field(default_factory=set[str])

    def unless_allowed(self, what: str, detail: str = "") -> None:
        """Note it, unless there is a reason."""
        if what in ALLOWED:
            self.needed.add(what)
        else:
            self.found.append(f"{what} {detail}".strip())


_OURS: LiteralString = """
n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
"""

_TABLES: LiteralString = """
SELECT n.nspname || '.' || c.relname, c.oid, c.relkind, c.relrowsecurity, c.relforcerowsecurity,
  EXISTS (SELECT FROM pg_attribute AS a
          WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped),
  c.reloptions, o.rolname
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_roles AS o ON o.oid = c.relowner
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY 1
"""
_POLICIES: LiteralString = """
SELECT p.polname, coalesce(r.rolname, 'public'), p.polpermissive,
  regexp_replace(pg_get_expr(p.polqual, p.polrelid), '\\s+', ' ', 'g'),
  regexp_replace(pg_get_expr(p.polwithcheck, p.polrelid), '\\s+', ' ', 'g')
FROM pg_policy AS p CROSS JOIN unnest(p.polroles) AS granted LEFT JOIN pg_roles AS r ON r.oid = granted
WHERE p.polrelid = %s
"""
_RIGHTS: LiteralString = """
SELECT r, bool_or(has_any_column_privilege(r, %(table)s::oid, p)) OR has_table_privilege(r, %(table)s::oid, 'DELETE')
  OR has_table_privilege(r, %(table)s::oid, 'TRUNCATE')
FROM unnest(%(roles)s::text[]) AS r, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) AS p GROUP BY r
"""
_BROAD: LiteralString = """
SELECT r, p FROM unnest(%(roles)s::text[]) AS r, unnest(ARRAY['TRUNCATE', 'TRIGGER', 'REFERENCES']) AS p
WHERE has_table_privilege(r, %(table)s::oid, p)
"""
_PUBLIC_TABLE: LiteralString = """
SELECT a.privilege_type FROM pg_class AS c CROSS JOIN aclexplode(c.relacl) AS a
WHERE c.oid = %(table)s AND a.grantee = 0
UNION ALL
SELECT a.privilege_type FROM pg_attribute AS t CROSS JOIN aclexplode(t.attacl) AS a
WHERE t.attrelid = %(table)s AND a.grantee = 0
"""
_SEQUENCE_RIGHTS: LiteralString = """
SELECT r FROM unnest(%(roles)s::text[]) AS r, unnest(ARRAY['USAGE', 'SELECT', 'UPDATE']) AS p
WHERE has_sequence_privilege(r, %(table)s::oid, p)
"""
_KEYS: LiteralString = """
SELECT n.nspname || '.' || c.relname, a.attname
FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
WHERE i.indisunique AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1
"""
_REFERENCES: LiteralString = """
SELECT f.conrelid::regclass::text || '.' || f.conname
FROM pg_constraint AS f
JOIN pg_attribute AS theirs ON theirs.attrelid = f.confrelid AND theirs.attname = 'tenant_id'
JOIN pg_attribute AS ours ON ours.attrelid = f.conrelid AND ours.attname = 'tenant_id'
WHERE f.contype = 'f' AND NOT (ours.attnum = ANY (f.conkey) AND theirs.attnum = ANY (f.confkey))
"""
_FUNCTIONS: LiteralString = """
SELECT p.oid::regprocedure::text, p.prosecdef, coalesce(p.proconfig, '{}'), p.prorettype = 'trigger'::regtype,
  has_function_privilege('public', p.oid, 'EXECUTE'), p.prokind, p.prosupport <> 0, p.proleakproof,
  ARRAY(SELECT r FROM unnest(%(roles)s::text[]) AS r WHERE has_function_privilege(r, p.oid, 'EXECUTE') ORDER BY 1)
FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1
"""
_SCHEMAS: LiteralString = """
SELECT n.nspname, has_schema_privilege('public', n.oid, 'USAGE'),
  ARRAY(SELECT r FROM unnest(%(roles)s::text[] || ARRAY['public']) AS r WHERE has_schema_privilege(r, n.oid, 'CREATE'))
FROM pg_namespace AS n WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1
"""
_BELOW_US: LiteralString = """
SELECT r.rolname, r.rolsuper, r.rolbypassrls, r.rolcreaterole, r.rolcreatedb, r.rolreplication,
  EXISTS (SELECT FROM pg_shdepend AS d WHERE d.refobjid = r.oid AND d.deptype = 'o'
          AND d.dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))),
  ARRAY(SELECT g.rolname FROM pg_auth_members AS m JOIN pg_roles AS g ON g.oid = m.roleid WHERE m.member = r.oid)
FROM pg_roles AS r
WHERE r.rolname = ANY (%(roles)s::text[])
   OR EXISTS (SELECT FROM pg_auth_members AS m JOIN pg_roles AS g ON g.oid = m.roleid
              WHERE m.member = r.oid AND g.rolname = ANY (%(roles)s::text[]) AND NOT r.rolsuper
                AND r.rolname ~ '^tillstream_')
"""
_ODDITIES: LiteralString = """
SELECT 'default privileges: ' || coalesce(n.nspname, 'any schema') || ' ' || d.defaclobjtype::text
FROM pg_default_acl AS d LEFT JOIN pg_namespace AS n ON n.oid = d.defaclnamespace
UNION ALL SELECT 'rule: ' || w.ev_class::regclass::text || ' ' || w.rulename::text FROM pg_rewrite AS w
  JOIN pg_class AS c ON c.oid = w.ev_class JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND w.rulename <> '_RETURN'
UNION ALL SELECT 'extension: ' || extname::text FROM pg_extension WHERE extname <> 'plpgsql'
UNION ALL SELECT 'event trigger: ' || evtname FROM pg_event_trigger
UNION ALL SELECT 'publication: ' || pubname FROM pg_publication
UNION ALL SELECT 'subscription: ' || subname FROM pg_subscription
UNION ALL SELECT 'foreign server: ' || srvname FROM pg_foreign_server
UNION ALL SELECT 'large object: ' || oid::text FROM pg_largeobject_metadata
UNION ALL SELECT 'statistics object: ' || stxname FROM pg_statistic_ext
UNION ALL SELECT 'public may make temporary objects' WHERE has_database_privilege('public', current_database(), 'TEMPORARY')
UNION ALL SELECT 'public may create schemas' WHERE has_database_privilege('public', current_database(), 'CREATE')
UNION ALL SELECT 'public may call: ' || p.oid::regprocedure::text FROM pg_proc AS p
  WHERE p.pronamespace = 'pg_catalog'::regnamespace AND has_function_privilege('public', p.oid, 'EXECUTE')
    AND (p.proname ~ '^pg_(try_)?advisory_' OR p.proname ~ '^lo_' OR p.proname = 'pg_logical_emit_message')
"""
_SECRET_COLUMNS: LiteralString = """
SELECT n.nspname || '.' || c.relname || '.' || a.attname, r
FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN unnest(ARRAY['tillstream_api', 'tillstream_reader']) AS r
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relkind IN ('r', 'p', 'v')
  AND a.attnum > 0 AND NOT a.attisdropped AND a.attname ~ '(^|_)(sealed|hash|verifier)$'
  AND has_column_privilege(r, c.oid, a.attnum, 'SELECT')
ORDER BY 1
"""

DEFINERS: dict[str, str] = {
    # function: which roles may call it, and why it may see more than they
    "shops.channel(text)": "api worker: names of channels",
    "shops.reader_tenant()": "reader: whose rows the session's login reads",
    "shops.create_sql_login(text,text,text,bigint,timestamp with time zone,integer)": "api: makes a role, for the transaction's tenant",
    "shops.revoke_sql_login(bigint,timestamp with time zone)": "api: disables a role of the transaction's tenant",
    "shops.drop_revoked_sql_logins()": "api worker: drops roles that were revoked, and tells how many",
    "shops.end_sql_overdue(interval)": "worker: ends sessions of merchants' logins",
    "shops.route(text[])": "worker: whose a shop is",
    "mirror.unswept_stores()": "worker: where a person is still to be forgotten",
    "shops.accept_invitation(bytea,bigint,text,text,timestamp with time zone)": "api: joining, by the hash of the invitation's token",
    "shops.app_credentials(text)": "api worker: the apps' sealed secrets",
    "shops.change_role(bigint,text,timestamp with time zone)": "api: of a member of the transaction's tenant",
    "shops.due_audits(timestamp with time zone,interval,integer)": "worker: whose subscriptions are due",
    "shops.due_erasures(timestamp with time zone)": "worker: whose data is to be erased",
    "shops.due_refreshes(timestamp with time zone,interval,interval,integer)": "worker: whose tokens are due",
    "shops.end_sign_in(uuid,uuid,timestamp with time zone)": "api: of the person of a live sign-in of the tenant",
    "shops.find_invitation(bytea,timestamp with time zone)": "api: by the hash of its token, in the transaction's tenant",
    "shops.forget_retired_secrets(timestamp with time zone)": "worker: erases by age",
    "shops.forget_store(bigint,bigint,timestamp with time zone)": "worker: for an open request of the transaction's tenants",
    "shops.hold_password(bigint,text)": "api: whether a hash is still the present one",
    "shops.note_versions(text[],text[],timestamp with time zone)": "worker: versions that deliveries came in",
    "shops.open_privacy_requests(integer)": "worker: whose requests are due",
    "shops.own_app_secret(bytea,timestamp with time zone)": "api: sealed, for a grant pending in the transaction's tenant",
    "shops.remove_member(bigint,timestamp with time zone)": "api: of the transaction's tenant",
    "shops.replace_password(bigint,text,text,uuid,timestamp with time zone)": "api: by the present password's hash",
    "shops.retire_store_secret(bigint,bigint,timestamp with time zone,timestamp with time zone)": "api worker: of a store of the transaction's tenants",
    "shops.short_retentions(integer)": "worker: whose deliveries are kept for less long",
    "shops.sign_ins_of(uuid,timestamp with time zone)": "api: of the person of a live sign-in of the tenant",
    "shops.store_secrets(text[])": "worker: the sealed secrets with which deliveries are checked",
    "shops.stores_of(text[])": "worker: whoever has data of a shop that Shopify wants erased",
    "shops.take_over(bytea,timestamp with time zone)": "api: for a grant used up just now in the transaction's tenant",
    "shops.tenants_of(uuid,timestamp with time zone)": "api: of the person of a live sign-in of the tenant",
    "shops.use_key(bytea,timestamp with time zone)": "api: by a key's hash, in the transaction's tenant",
    "shops.verdict_of(bytea,timestamp with time zone)": "api: for a grant used up just now in the transaction's tenant",
    "shops.scopes_of_apps()": "api: what the apps of the installation ask for",
    "shops.find_user(text)": "api: signing in, before a tenant is known",
    "shops.create_account(text,text,text,text)": "api: registering",
    "journal.status()": "api worker: totals over everyone, nothing of anyone",
    "rollup.due_checkouts(timestamp with time zone,integer,bigint[])": "worker: whose deadlines have passed",
    "rollup.stale_stores()": "worker: whose settings changed",
    "rollup.next_deadline()": "api: one moment of everyone, nothing of anyone",
    "rollup.expire_live(interval)": "worker: forgets live rows by age",
}


def escapes(owner: psycopg.Connection[Any]) -> Escapes:
    """Everything in the database that does not stand behind the wall."""
    found = Escapes()
    for part in (_relations, _keys, _functions, _schemas, _roles, _odd, _secrets):
        part(owner, found)
    return found


def _relations(owner: psycopg.Connection[Any], found: Escapes) -> None:
    for name, oid, kind, enabled, forced, has_tenant, options, _ in owner.execute(
        _TABLES
    ).fetchall():
        if kind == "S":
            for (role,) in owner.execute(
                _SEQUENCE_RIGHTS, {"roles": [*ROLES, "public"], "table": oid}
            ):
                found.unless_allowed(f"sequence: {name}", f"{role} may use it")
        elif kind == "v":
            for option in ("security_invoker=true", "security_barrier=true"):
                if option not in (options or []):
                    found.unless_allowed(f"view: {name}", f"is not {option}")
        elif kind in {"m", "f"}:
            found.unless_allowed(f"relation without row security: {name}")
        else:
            _table(owner, found, name, oid, has_tenant)
            if not (enabled and forced):
                found.unless_allowed(f"row security off: {name}")
        for (right,) in owner.execute(_PUBLIC_TABLE, {"table": oid}):
            found.unless_allowed(f"public: {name}", f"everybody has {right}")


def _table(
    owner: psycopg.Connection[Any], found: Escapes, name: str, oid: int, has_tenant: bool
) -> None:
    if not has_tenant:
        found.unless_allowed(f"table without tenant: {name}")
    for role, right in owner.execute(_BROAD, {"roles": list(ROLES), "table": oid}):
        found.unless_allowed(f"right: {name}", f"{role} has {right}")
    able = {
        r
        for r, any_right in owner.execute(_RIGHTS, {"roles": list(ROLES), "table": oid})
        if any_right
    }
    kept: set[str] = set()
    for policy, role, permissive, using, check in owner.execute(_POLICIES, (oid,)).fetchall():
        if role == "public":
            found.unless_allowed(f"policy for everybody: {name} {policy}")
        if role not in ROLES or not permissive:
            continue
        kept.add(role)
        what = f"policy: {name} {role}"
        wanted = ALLOWED.get(what, TENANT_OF[role])
        if what in ALLOWED and using == ALLOWED[what]:
            found.needed.add(what)
        if {using, check} - {None} != {wanted}:
            found.found.append(f"{what} {policy}: USING {using} WITH CHECK {check}")
    bare = able - kept - {"public"}
    # Without a policy row-level security shows nothing, unless it is off, which is told above.
    found.needed.update(f"no policy: {name} {role}" for role in bare)


def _keys(owner: psycopg.Connection[Any], found: Escapes) -> None:
    for name, column in owner.execute(_KEYS).fetchall():
        if column != "tenant_id":
            found.unless_allowed(f"key: {name}", f"begins with {column}")
    for (name,) in owner.execute(_REFERENCES).fetchall():
        found.unless_allowed(f"reference: {name}", "may lead to another tenant's row")


def _functions(owner: psycopg.Connection[Any], found: Escapes) -> None:
    for name, definer, config, trigger, public, kind, _, leakproof, roles in owner.execute(
        _FUNCTIONS, {"roles": list(ROLES)}
    ).fetchall():
        if kind != "f":
            found.unless_allowed(f"routine: {name}", f"of kind {kind}")
        if leakproof:
            found.unless_allowed(f"leakproof: {name}", "would see rows before the policies have")
        if public and not trigger:
            found.unless_allowed(f"public function: {name}")
        if not definer:
            continue
        if not any(
            one in {"search_path=pg_catalog", "search_path=pg_catalog, pg_temp"} for one in config
        ):
            found.unless_allowed(f"search path: {name}", str(config))
        if public:
            found.unless_allowed(f"definer for everybody: {name}")
        if trigger:
            continue
        callers = " ".join(role.removeprefix("tillstream_") for role in roles)
        wanted = DEFINERS.get(name, ": ").partition(":")[0]
        if callers != wanted:
            found.unless_allowed(f"definer: {name}", f"may be called by: {callers or 'nobody'}")
        found.needed.add(f"definer {name}")


def _schemas(owner: psycopg.Connection[Any], found: Escapes) -> None:
    for name, public, creators in owner.execute(_SCHEMAS, {"roles": list(ROLES)}).fetchall():
        if public and name != "public":
            found.unless_allowed(f"schema: {name}", "everybody may use it")
        if creators:
            found.unless_allowed(f"schema: {name}", f"{creators} may create in it")


def _roles(owner: psycopg.Connection[Any], found: Escapes) -> None:
    for name, *powers, owns, groups in owner.execute(_BELOW_US, {"roles": list(ROLES)}).fetchall():
        if any(powers):
            found.unless_allowed(
                f"role: {name}", f"super, bypassrls, createrole, createdb, replication: {powers}"
            )
        if owns:
            found.unless_allowed(f"role: {name}", "owns something")
        if set(groups) - set(ROLES) or (name in ROLES and groups) or len(groups) > 1:
            found.unless_allowed(f"role: {name}", f"is a member of {groups}")


def _odd(owner: psycopg.Connection[Any], found: Escapes) -> None:
    for (what,) in owner.execute(_ODDITIES).fetchall():
        found.unless_allowed(what)


def _secrets(owner: psycopg.Connection[Any], found: Escapes) -> None:
    for column, role in owner.execute(_SECRET_COLUMNS).fetchall():
        found.unless_allowed(f"secret: {column}", f"{role} may read it")


def needless(found: Escapes) -> Iterator[str]:
    """Reasons that excuse nothing any more."""
    yield from (what for what in ALLOWED if what not in found.needed)
    yield from (name for name in DEFINERS if f"definer {name}" not in found.needed)
