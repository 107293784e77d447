"""The wall between tenants is the database's: every table is asked, not a list of them.

What the catalogue says of each object is in tests/isolation/test_catalogue.py; here is how it acts.

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
SELECT c.oid::regclass::text
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname IN ('shops', 'journal', 'mirror', 'rollup') AND c.relkind IN ('r', 'p')
  AND (EXISTS (SELECT FROM pg_attribute AS a
               WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped)
       OR c.oid IN ('shops.tenants'::regclass, 'shops.users'::regclass))
ORDER BY 1
"""


def tables(connection: psycopg.Connection[Any]) -> list[str]:
    return [row[0] for row in connection.execute(TENANT_TABLES)]


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


NOBODYS: list[LiteralString] = [
    "SELECT password_hash FROM shops.users",
    "SELECT sealed FROM shops.app_secrets",
    "SELECT * FROM shops.channels",
    "UPDATE shops.memberships SET role = 'owner'",
    "UPDATE shops.stores SET domain = 'x.myshopify.com'",
    "DELETE FROM shops.stores",
    "INSERT INTO shops.users (email, password_hash) VALUES ('a@b', '$argon2id$')",
    "INSERT INTO shops.sql_logins (tenant_id, name, username, created_at) VALUES (1, '', 'x', now())",
    "DELETE FROM shops.audit",
]
# The worker opens them: it talks to Shopify.
NOT_THE_APIS: list[LiteralString] = [
    "SELECT * FROM shops.stores",
    "SELECT api_secret_sealed FROM shops.stores",
    "SELECT access_token_sealed FROM shops.stores",
    "SELECT refresh_token_sealed FROM shops.stores",
    "SELECT sealed FROM shops.retiring_secrets",
]


def test_secrets_and_password_hashes_cannot_be_read(database: Database) -> None:
    for url, statements in (
        (database.api_url, NOBODYS + NOT_THE_APIS),
        (database.worker_url, NOBODYS),
    ):
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


@pytest.fixture
def plain(cluster: Cluster) -> Iterator[str]:
    """A database whose owner is no superuser, migrated by that owner."""
    run_on(
        cluster.url, sql.SQL("CREATE ROLE plain_owner LOGIN CREATEROLE PASSWORD 'plain'").format()
    )
    run_on(cluster.url, sql.SQL("CREATE DATABASE plain OWNER plain_owner").format())
    for role in ("tillstream_api", "tillstream_worker", "tillstream_reader"):
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


def test_an_owner_without_superpowers_can_make_sql_logins(database: Database, plain: str) -> None:
    """As on most outside databases: it sees and ends the sessions of the roles that it made."""
    migrate(plain, KEY)
    with psycopg.connect(plain, autocommit=True) as owner:
        two_tenants(owner, rows=False)
    with (
        psycopg.connect(login_url(plain, "api", KEY), autocommit=True) as api,
        psycopg.connect(login_url(plain, "worker", KEY), autocommit=True) as worker,
    ):
        with api.transaction():
            api.execute("SELECT set_config('tillstream.tenant', '1', true)")
            verifier = api.pgconn.encrypt_password(b"hush", b"", b"scram-sha-256").decode()
            made = api.execute(
                "SELECT id, username FROM shops.create_sql_login('psql', 'abcdef0123', %s, 1, now(), 5)",
                (verifier,),
            ).fetchone()
        assert made is not None
        url = make_conninfo(plain, user=made[1], password="hush")
        with psycopg.connect(url, autocommit=True) as session:
            assert session.execute("SELECT count(*) FROM orders").fetchone() == (0,)
            session.execute("BEGIN")
            session.execute("SELECT pg_advisory_lock(1)")  # open where nobody could close it
            ended = worker.execute("SELECT reason FROM shops.end_sql_overdue('1 hour')").fetchall()
            assert ended == [("lock",)]
            with pytest.raises(psycopg.OperationalError):
                session.execute("SELECT 1")
        with psycopg.connect(url, autocommit=True) as session:
            with api.transaction():
                api.execute("SELECT set_config('tillstream.tenant', '1', true)")
                api.execute("SELECT shops.revoke_sql_login(%s, now())", (made[0],))
            assert api.execute("SELECT shops.drop_revoked_sql_logins()").fetchone() == (1,)
            with pytest.raises(psycopg.OperationalError):
                session.execute("SELECT 1")
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(url)
        role = api.execute("SELECT FROM pg_roles WHERE rolname = %s", (made[1],)).fetchone()
        assert role is None


def two_tenants(owner: psycopg.Connection[Any], *, rows: bool = True) -> None:
    """Two tenants with a user, and a store and a sum each (which takes a superuser)."""
    for email in ("a@example.com", "b@example.com"):
        made = owner.execute(
            "SELECT tenant_id FROM shops.create_account(%s, '', 't', '$argon2id$x')", (email,)
        ).fetchone()
        assert made is not None
        if not rows:
            continue
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
