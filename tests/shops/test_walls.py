"""The wall between tenants is the database's: every table is asked, not a list of them.

Real: two migrated databases, one of them owned by a role that is no superuser.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.conftest import KEY, drop_database, run_on
from tillstream.foundation.migrate import login_url, migrate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Cluster, Database

TENANT_TABLES: LiteralString = """
SELECT c.oid::regclass::text, c.relrowsecurity, c.relforcerowsecurity
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname IN ('shops', 'journal', 'mirror', 'rollup') AND c.relkind IN ('r', 'p')
  AND (EXISTS (SELECT FROM pg_attribute AS a
               WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped)
       OR c.oid IN ('shops.tenants'::regclass, 'shops.users'::regclass))
ORDER BY 1
"""
# Frames hold deliveries of shops before a tenant is known: the journal's own tables may leave
# tenant_id empty, and only the worker reads them.
POLICIES: LiteralString = """
SELECT role.rolname, pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)
FROM pg_policy AS p, unnest(p.polroles) AS granted JOIN pg_roles AS role ON role.oid = granted
WHERE p.polrelid = %s::regclass AND role.rolname = ANY (ARRAY['tillstream_api', 'tillstream_worker'])
"""


def tables(connection: psycopg.Connection[Any]) -> list[str]:
    return [row[0] for row in connection.execute(TENANT_TABLES)]


def test_every_tenant_table_has_its_rows_locked(database: Database) -> None:
    with psycopg.connect(database.admin_url) as owner:
        found = owner.execute(TENANT_TABLES).fetchall()
        assert {"shops.stores", "mirror.orders", "rollup.sums", "rollup.live"} <= {
            row[0] for row in found
        }
        assert [row[0] for row in found if not (row[1] and row[2])] == []


def test_every_tenant_table_has_a_policy_of_the_tenant_for_both_roles(database: Database) -> None:
    with psycopg.connect(database.admin_url) as owner:
        for table in tables(owner):
            if table in {"shops.users", "shops.tenants"} or table.startswith("journal."):
                continue
            policies = {row[0]: row[1:] for row in owner.execute(POLICIES, (table,))}
            assert set(policies) == {"tillstream_api", "tillstream_worker"}, table
            assert "current_tenant()" in policies["tillstream_api"][0], table
            assert "current_tenants()" in policies["tillstream_worker"][0], table
            for using, check in policies.values():
                assert check in {None, using}, table


def test_every_key_of_tenant_data_begins_with_the_tenant(database: Database) -> None:
    # The ids of directory rows, and the one rule that crosses tenants on purpose.
    exempt = {"shops.stores_connected_domain", "shops.users_pkey", "shops.users_email_key",
              "shops.tenants_pkey"}  # fmt: skip
    with psycopg.connect(database.admin_url) as owner:
        found = owner.execute("""
            SELECT i.indexrelid::regclass::text, a.attname
            FROM pg_index AS i
            JOIN pg_class AS c ON c.oid = i.indrelid
            JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
            WHERE i.indisunique AND c.relnamespace IN (
              'shops'::regnamespace, 'mirror'::regnamespace, 'rollup'::regnamespace)
        """).fetchall()
    assert len(found) > 20
    assert {index for index, column in found if column != "tenant_id"} == exempt


@pytest.mark.parametrize("role", ["api", "worker"])
def test_a_statement_without_a_tenant_sees_nothing(database: Database, role: str) -> None:
    with psycopg.connect(database.admin_url, autocommit=True) as owner:
        two_tenants(owner)
    url = database.api_url if role == "api" else database.worker_url
    with psycopg.connect(url, autocommit=True) as connection:
        for table in readable(connection, tables(connection)):
            assert count(connection, table) == 0, table


def test_a_statement_sees_its_tenants_rows_only(database: Database) -> None:
    with psycopg.connect(database.admin_url, autocommit=True) as owner:
        two_tenants(owner)
    with psycopg.connect(database.api_url) as connection:
        connection.execute("SELECT set_config('tillstream.tenant', '1', true)")
        for table in ("shops.tenants", "shops.users", "shops.stores", "rollup.sums"):
            assert count(connection, table) == 1, table
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            connection.execute(
                "INSERT INTO shops.stores (tenant_id, domain) VALUES (2, 'x.myshopify.com')"
            )
    with psycopg.connect(database.worker_url) as connection:
        connection.execute("SELECT set_config('tillstream.tenants', '1,2', true)")
        assert count(connection, "rollup.sums") == 2
        connection.execute("SELECT set_config('tillstream.tenants', '2', true)")
        assert count(connection, "rollup.sums") == 1
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            connection.execute("UPDATE rollup.sums SET tenant_id = 1")


def test_the_tenant_ends_with_the_transaction(database: Database) -> None:
    with psycopg.connect(database.admin_url, autocommit=True) as owner:
        two_tenants(owner)
    with psycopg.connect(database.api_url, autocommit=True) as connection:
        with connection.transaction():
            connection.execute("SELECT set_config('tillstream.tenant', '1', true)")
            assert count(connection, "rollup.sums") == 1
        assert count(connection, "rollup.sums") == 0


def test_secrets_and_password_hashes_cannot_be_read_by_either_role(database: Database) -> None:
    statements: list[LiteralString] = [
        "SELECT api_secret_sealed FROM shops.stores",
        "SELECT access_token_sealed FROM shops.stores",
        "SELECT password_hash FROM shops.users",
        "SELECT * FROM shops.stores",
        "UPDATE shops.memberships SET role = 'owner'",
        "UPDATE shops.stores SET domain = 'x.myshopify.com'",
        "DELETE FROM shops.stores",
        "INSERT INTO shops.users (email, password_hash) VALUES ('a@b', '$argon2id$')",
    ]
    for url in (database.api_url, database.worker_url):
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in statements:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement)


CALLS: list[tuple[LiteralString, str]] = [
    ("SELECT * FROM shops.route(ARRAY['a.myshopify.com'])", "worker"),
    ("SELECT * FROM shops.store_secrets()", "worker"),
    ("SELECT * FROM shops.find_user('a@b')", "api"),
    ("SELECT * FROM shops.create_account('a@b', '', 't', '$argon2id$x')", "api"),
]


@pytest.mark.parametrize(("call", "who"), CALLS)
def test_functions_that_cross_tenants_are_for_one_role(
    database: Database, call: LiteralString, who: str
) -> None:
    with (
        psycopg.connect(database.api_url, autocommit=True) as api,
        psycopg.connect(database.worker_url, autocommit=True) as worker,
    ):
        (api if who == "api" else worker).execute(call)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            (worker if who == "api" else api).execute(call)


def test_definer_functions_pin_their_search_path(database: Database) -> None:
    with psycopg.connect(database.admin_url) as owner:
        loose = owner.execute("""
            SELECT p.oid::regprocedure::text FROM pg_proc AS p
            JOIN pg_namespace AS n ON n.oid = p.pronamespace
            WHERE n.nspname IN ('shops', 'journal', 'mirror', 'rollup') AND p.prosecdef
              AND NOT coalesce(array_to_string(p.proconfig, ',') LIKE '%search_path=%', false)
        """).fetchall()
        public = owner.execute("""
            SELECT p.oid::regprocedure::text FROM pg_proc AS p
            JOIN pg_namespace AS n ON n.oid = p.pronamespace
            WHERE n.nspname IN ('shops', 'journal', 'mirror', 'rollup') AND p.prosecdef
              AND has_function_privilege('public', p.oid, 'EXECUTE')
        """).fetchall()
    assert loose == []
    assert public == []


@pytest.fixture
def plain(cluster: Cluster) -> Iterator[str]:
    """A database whose owner is no superuser, migrated by that owner."""
    run_on(
        cluster.url, sql.SQL("CREATE ROLE plain_owner LOGIN CREATEROLE PASSWORD 'plain'").format()
    )
    run_on(cluster.url, sql.SQL("CREATE DATABASE plain OWNER plain_owner").format())
    for role in ("tillstream_api", "tillstream_worker"):
        run_on(
            cluster.url,
            sql.SQL("GRANT {} TO plain_owner WITH ADMIN OPTION, INHERIT FALSE").format(
                sql.Identifier(role)
            ),
        )
    try:
        yield make_conninfo(cluster.url, dbname="plain", user="plain_owner", password="plain")
    finally:
        drop_database(cluster.url, make_conninfo(cluster.url, dbname="plain"), "plain")
        run_on(cluster.url, sql.SQL("DROP ROLE plain_owner").format())


def test_an_owner_without_superpowers_can_run_it(database: Database, plain: str) -> None:
    migrate(plain, KEY)
    with psycopg.connect(login_url(plain, "api", KEY), autocommit=True) as api:
        made = api.execute(
            "SELECT * FROM shops.create_account('A@b', '', 't', '$argon2id$x')"
        ).fetchone()
        found = api.execute("SELECT user_id, tenant_id FROM shops.find_user('a@B')").fetchone()
        assert made == found
        assert made is not None
        with api.transaction():
            api.execute("SELECT set_config('tillstream.tenant', %s, true)", (str(made[1]),))
            api.execute(
                "INSERT INTO shops.stores (tenant_id, domain, api_secret_sealed) VALUES (%s, %s, 'x')",
                (made[1], "a.myshopify.com"),
            )
        assert count(api, "shops.stores") == 0
    with psycopg.connect(login_url(plain, "worker", KEY), autocommit=True) as worker:
        routes = worker.execute("SELECT * FROM shops.route('{a.myshopify.com}')").fetchall()
        secrets = worker.execute("SELECT * FROM shops.store_secrets()").fetchall()
    assert [row[0] for row in routes] == ["a.myshopify.com"]
    assert [row[2] for row in secrets] == [b"x"]


def two_tenants(owner: psycopg.Connection[Any]) -> None:
    """Two tenants with a user, a store and a sum each."""
    for email in ("a@example.com", "b@example.com"):
        made = owner.execute(
            "SELECT tenant_id FROM shops.create_account(%s, '', 't', '$argon2id$x')", (email,)
        ).fetchone()
        assert made is not None
        domain = f"{email[0]}.myshopify.com"
        owner.execute(
            "INSERT INTO shops.stores (tenant_id, domain) VALUES (%s, %s)", (made[0], domain)
        )
        owner.execute(
            "INSERT INTO rollup.sums (tenant_id, store_id, hour, day) "
            "VALUES (%s, 1, '2026-01-01Z', '2026-01-01')",
            (made[0],),
        )


def readable(connection: psycopg.Connection[Any], names: list[str]) -> list[str]:
    """Those of the tables of which the role may read at least one column."""
    found = connection.execute(
        "SELECT t FROM unnest(%s::text[]) AS t WHERE has_any_column_privilege(t, 'SELECT')",
        (names,),
    )
    return [row[0] for row in found]


def count(connection: psycopg.Connection[Any], table: str) -> int:
    schema, _, name = table.partition(".")
    row = connection.execute(
        sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, name))
    ).fetchone()
    assert row is not None
    return row[0]
