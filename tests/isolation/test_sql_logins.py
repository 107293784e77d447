"""A merchant's login to the database, and what a merchant could try with it.

Real: PostgreSQL, the API, and connections as the login; two tenants' rows, as the worker applies them.
"""

from __future__ import annotations

import re
import socket
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, LiteralString, cast

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.isolation.rivals import CANARY, DOMAINS, OWN, Rivals, fingerprint, make_rivals
from tillstream.foundation.database import connect, tenant_transaction
from tillstream.foundation.embedded.server import EmbeddedPostgres
from tillstream.foundation.endpoints import Endpoint
from tillstream.foundation.migrate import login_url, migrate
from tillstream.shops import sql_access
from tillstream.shops.refusals import SqlAccessUnavailable

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.serve.conftest import Site

Session = psycopg.Connection[Any]
VIEWS = (
    "orders",
    "order_lines",
    "customers",
    "checkouts",
    "products",
    "daily_sales",
    "sales_breakdown",
    "cohorts",
)


@pytest.fixture
async def rivals(site: Site) -> Rivals:
    return await make_rivals(site)


async def make_login(rivals: Rivals, side: str = "attacker") -> dict[str, Any]:
    tenant = rivals.attacker if side == "attacker" else rivals.victim
    async with rivals.site.client(tenant.token) as client:
        answer = await client.post("/api/sql-logins", json={"name": "Metabase"})
    assert answer.status_code == 201, answer.text
    return answer.json()


@contextmanager
def session_of(login: dict[str, Any]) -> Generator[Session]:
    with psycopg.connect(login["url"], autocommit=True) as session:
        yield session


def rows(session: Session, statement: str) -> list[tuple[Any, ...]]:
    return session.execute(cast("LiteralString", statement)).fetchall()


# -- what it is for --------------------------------------------------------------------------------


async def test_a_login_reads_its_own_stores_in_every_view(rivals: Rivals) -> None:
    login = await make_login(rivals)
    with session_of(login) as session:
        for view in VIEWS:
            found = str(rows(session, f"SELECT * FROM {view}"))
            assert DOMAINS["attacker"] in found, view
            assert not rivals.leaks(found), view
        assert rows(session, "SELECT count(*), sum(total_price) FROM orders") == [(8, 204)]
        # Two orders were refunded in part, on the same day.
        day = rows(
            session, "SELECT day::text, currency, orders, gross_sales, net_sales FROM daily_sales"
        )
        stats = await analytics(rivals, "stats?from=2026-03-14&to=2026-03-14")
        assert day == [
            ("2026-03-14", "USD", 8, float(stats["gross_sales"]), float(stats["net_sales"]))
        ]
        stages = dict(rows(session, "SELECT stage, count(*) FROM checkouts GROUP BY stage"))
        assert stages == {"abandoned": 4, "converted": 8}
        spent = rows(session, "SELECT sum(orders), sum(total_spent) FROM customers")
        assert spent[0][0] == 8


async def analytics(rivals: Rivals, question: str) -> dict[str, Any]:
    async with rivals.site.client(rivals.attacker.token) as client:
        answer = await client.get(f"/api/analytics/{question}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_every_view_and_column_says_what_it_is(site: Site) -> None:
    with site.owner() as owner:
        silent = owner.execute(
            "SELECT c.relname, a.attname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid "
            "WHERE c.relnamespace = 'merchant'::regnamespace AND a.attnum > 0 "
            "AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid) IS NULL)"
        ).fetchall()
        views = owner.execute(
            "SELECT relname, relkind FROM pg_class WHERE relnamespace = 'merchant'::regnamespace"
        ).fetchall()
    assert silent == []
    assert {(view, "v") for view in VIEWS} == set(views)


async def test_a_removed_stores_rows_are_no_longer_shown(rivals: Rivals) -> None:
    login = await make_login(rivals)
    async with rivals.site.client(rivals.attacker.token) as client:
        gone = await client.delete(f"/api/stores/{rivals.attacker.store_id}")
        assert gone.status_code == 204, gone.text
    with session_of(login) as session:
        for view in VIEWS:
            assert rows(session, f"SELECT count(*) FROM {view}") == [(0,)], view


# -- making and revoking ---------------------------------------------------------------------------


async def test_a_login_is_made_listed_and_revoked(rivals: Rivals) -> None:
    login = await make_login(rivals)
    assert login["local"]
    assert login["host"].startswith("/")
    async with rivals.site.client(rivals.attacker.token) as client:
        listed = (await client.get("/api/sql-logins")).json()
        assert [one["username"] for one in listed["logins"]] == [login["username"]]
        assert login["password"] not in str(listed)
        with session_of(login) as session:
            assert rows(session, "SELECT count(*) FROM orders") == [(8,)]
            gone = await client.delete(f"/api/sql-logins/{login['id']}")
            assert gone.status_code == 204, gone.text
            with pytest.raises(psycopg.OperationalError):
                session.execute("SELECT count(*) FROM orders")
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(login["url"])
        assert (await client.get("/api/sql-logins")).json()["logins"] == []
        assert (await client.delete(f"/api/sql-logins/{login['id']}")).status_code == 404
    with rivals.site.owner() as owner:
        role = owner.execute("SELECT FROM pg_roles WHERE rolname = %s", (login["username"],))
        assert role.fetchone() is None


async def test_a_login_ends_with_the_role_of_who_made_it(rivals: Rivals) -> None:
    login = await make_login(rivals)
    tenant = rivals.attacker.tenant_id
    with session_of(login) as session, rivals.site.owner() as owner:
        assert rows(session, "SELECT count(*) FROM orders") == [(8,)]
        # Another owner takes the role away, as PATCH /api/members/{id} does it.
        owner.execute(
            "WITH other AS (INSERT INTO shops.users (email, password_hash) "
            "VALUES ('other@rivals.example', '$argon2id$') RETURNING id) "
            "INSERT INTO shops.memberships (tenant_id, user_id, role) SELECT %s, id, 'owner' FROM other",
            (tenant,),
        )
        me = owner.execute(
            "SELECT created_by FROM shops.sql_logins WHERE username = %s", (login["username"],)
        ).fetchone()
        async with tenant_transaction(rivals.site.pool, tenant) as connection:
            await connection.execute("SELECT shops.change_role(%s, 'viewer', now())", me)
        assert rows(session, "SELECT count(*) FROM orders") == [(0,)]
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(login["url"])


async def test_revoked_sees_nothing_even_while_its_session_lives(rivals: Rivals) -> None:
    """The moment between the revocation and the end of its sessions."""
    login = await make_login(rivals)
    site = rivals.site
    with session_of(login) as session:
        assert rows(session, "SELECT count(*) FROM orders") == [(8,)]
        async with tenant_transaction(site.pool, rivals.attacker.tenant_id) as connection:
            await sql_access.revoke_login(connection, int(login["id"]), site.clock.now)
        for view in VIEWS:
            assert rows(session, f"SELECT count(*) FROM {view}") == [(0,)], view
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(login["url"])
        # Whoever comes by finishes it: here the worker.
        async with await connect(site.database.worker_url) as worker:
            assert await sql_access.drop_revoked(worker) == 1
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")


async def test_logins_are_few_and_the_owners(rivals: Rivals) -> None:
    async with rivals.site.client(rivals.attacker.token) as client:
        for _ in range(sql_access.MOST_LOGINS):
            answer = await client.post("/api/sql-logins", json={"name": "one"})
            assert answer.status_code == 201
        answer = await client.post("/api/sql-logins", json={"name": "one too many"})
        assert answer.status_code == 409
        assert answer.json()["type"] == "urn:tillstream:problem:too-many-sql-logins"
        # Another's cannot be removed, and is not told from one that is not there.
        theirs = await make_login(rivals, "victim")
        assert (await client.delete(f"/api/sql-logins/{theirs['id']}")).status_code == 404
        with rivals.site.owner() as owner:
            owner.execute(
                "UPDATE shops.memberships SET role = 'analyst' WHERE tenant_id = %s",
                (rivals.attacker.tenant_id,),
            )
        assert (await client.get("/api/sql-logins")).status_code == 403
        assert (await client.post("/api/sql-logins", json={"name": "x"})).status_code == 403
    with session_of(theirs) as session:
        assert rows(session, "SELECT count(*) FROM orders") == [(8,)]


async def test_the_password_reaches_no_log_and_no_table(rivals: Rivals) -> None:
    with rivals.site.owner() as owner:
        owner.execute("ALTER SYSTEM SET log_statement = 'all'")
        owner.execute("SELECT pg_reload_conf()")
    try:
        login = await make_login(rivals)
        with rivals.site.owner() as owner:
            found = owner.execute(
                "SELECT rolpassword FROM pg_authid WHERE rolname = %s", (login["username"],)
            ).fetchone()
            assert found is not None
            assert found[0].startswith("SCRAM-SHA-256$")
            file = owner.execute("SHOW data_directory").fetchone()
            assert file is not None
        log = (Path(file[0]).parent / "postgres.log").read_text(errors="replace")
        assert "create_sql_login" in log, (
            "the log has to show statements for this test to mean anything"
        )
        assert login["password"] not in log
    finally:
        with rivals.site.owner() as owner:
            owner.execute("ALTER SYSTEM RESET log_statement")
            owner.execute("SELECT pg_reload_conf()")


# -- what a merchant could try ---------------------------------------------------------------------

FORBIDDEN: tuple[str, ...] = (
    # becoming somebody else
    "SET ROLE tillstream_api",
    "SET ROLE tillstream_worker",
    "SET ROLE postgres",
    "SET SESSION AUTHORIZATION postgres",
    "RESET SESSION AUTHORIZATION; SET ROLE postgres",
    "SELECT set_config('role', 'tillstream_worker', false)",
    "SELECT set_config('session_authorization', 'postgres', false)",
    "CREATE ROLE me2 LOGIN",
    "ALTER ROLE CURRENT_USER CREATEROLE",
    "ALTER ROLE CURRENT_USER CONNECTION LIMIT 100",
    "ALTER ROLE CURRENT_USER BYPASSRLS",
    "ALTER ROLE tillstream_reader BYPASSRLS",
    "GRANT tillstream_worker TO CURRENT_USER",
    "SET row_security = off; SELECT * FROM merchant.orders",
    "SET temp_file_limit = -1",
    "SET session_replication_role = replica",
    # the tables themselves
    "SELECT * FROM mirror.orders",
    "SELECT state FROM mirror.orders",
    "TABLE shops.stores",
    "SELECT * FROM shops.users",
    "SELECT * FROM shops.sql_logins",
    "SELECT * FROM shops.sessions",
    "SELECT * FROM shops.api_keys",
    "SELECT * FROM journal.frames",
    "SELECT * FROM rollup.ledger",
    "SELECT * FROM public.tillstream_migrations",
    "SELECT * FROM pg_authid",
    "SELECT * FROM pg_shadow",
    "SELECT * FROM pg_statistic",
    "SELECT * FROM pg_largeobject",
    "SELECT * FROM pg_user_mapping",
    "SELECT * FROM pg_hba_file_rules",
    "SELECT * FROM pg_subscription",
    "SELECT * FROM pg_backend_memory_contexts",
    # functions of ours
    "SELECT shops.current_tenant()",
    "SELECT shops.reader_tenant()",
    "SELECT * FROM shops.store_secrets()",
    "SELECT * FROM shops.route(ARRAY['a'])",
    "SELECT * FROM shops.find_user('a@b')",
    "SELECT shops.create_sql_login('a', 'b', 'c', 1, now(), 5)",
    "SELECT * FROM shops.end_sql_overdue('1s')",
    "SELECT journal.status()",
    "SELECT * FROM rollup.due_checkouts(now(), 10, '{}')",
    # writing
    "INSERT INTO merchant.orders (id) VALUES (1)",
    "UPDATE merchant.customers SET email = 'x'",
    "DELETE FROM merchant.products",
    "TRUNCATE merchant.orders",
    "SELECT * FROM merchant.orders FOR UPDATE",
    "CREATE TABLE merchant.mine (a int)",
    "CREATE TABLE public.mine (a int)",
    "CREATE TEMPORARY TABLE mine (a int)",
    "CREATE TABLE pg_temp.mine AS SELECT * FROM merchant.orders",
    "CREATE SCHEMA mine",
    "CREATE VIEW public.mine AS SELECT 1",
    "CREATE FUNCTION public.leak(text) RETURNS boolean LANGUAGE sql RETURN true",
    "CREATE FUNCTION pg_temp.leak(text) RETURNS boolean LANGUAGE sql COST 0.0001 RETURN true",
    "CREATE OPERATOR public.<<< (FUNCTION = texteq, LEFTARG = text, RIGHTARG = text)",
    "CREATE EXTENSION dblink",
    "CREATE EXTENSION pg_trgm",
    "CREATE PUBLICATION mine FOR ALL TABLES",
    "CREATE STATISTICS public.mine ON id, store FROM merchant.orders",
    "ALTER VIEW merchant.orders SET (security_barrier = false)",
    "ALTER VIEW merchant.orders SET (security_invoker = false)",
    "CREATE OR REPLACE VIEW merchant.orders AS SELECT 1",
    "CREATE RULE r AS ON SELECT TO merchant.orders DO INSTEAD SELECT 1",
    "DROP VIEW merchant.orders",
    "ALTER DATABASE postgres SET search_path = public",
    "LOCK TABLE merchant.orders IN ACCESS EXCLUSIVE MODE",
    "ANALYZE mirror.orders",
    "VACUUM mirror.orders",
    "REINDEX TABLE mirror.orders",
    "SELECT lo_create(0)",
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT pg_logical_emit_message(false, 'a', 'b')",
    # the machine, and others' sessions
    "COPY merchant.orders TO '/tmp/orders'",
    "COPY merchant.orders TO PROGRAM 'cat'",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_ls_dir('.')",
    "SELECT pg_stat_file('PG_VERSION')",
    "SELECT pg_advisory_lock(7211840, 1)",
    "SELECT pg_try_advisory_lock(7211833)",
    "SELECT pg_advisory_xact_lock_shared(1)",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename <> session_user",
    "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE usename <> session_user",
    "SELECT pg_reload_conf()",
    "SELECT pg_switch_wal()",
    "SELECT pg_promote()",
    "SELECT pg_log_backend_memory_contexts(1)",
    "SELECT pg_stat_reset()",
    "ALTER SYSTEM SET work_mem = '1GB'",
    "LOAD 'auto_explain'",
    "DO LANGUAGE plpython3u 'pass'",
    "CREATE LANGUAGE plperl",
    "BEGIN; PREPARE TRANSACTION 'x'",
    "CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p",
    "CREATE SERVER s FOREIGN DATA WRAPPER f",
    "CHECKPOINT",
)


async def test_everything_else_is_refused(rivals: Rivals) -> None:
    """Each as the login, with what it may lift lifted first; and nothing of the victim's changed."""
    before = fingerprint(rivals.site.database.admin_url, rivals.victim)
    login = await make_login(rivals)
    allowed: list[str] = []
    with session_of(login) as session:
        session.execute("SET default_transaction_read_only = off")
        session.execute("SET statement_timeout = '5s'")
        for statement in FORBIDDEN:
            try:
                cursor = session.execute(cast("LiteralString", statement))
                shown = str(cursor.fetchall()) if cursor.description else ""
            except psycopg.Error as error:
                if rivals.leaks(str(error)) or session.closed:
                    allowed.append(f"{statement}: {error}")
            else:
                allowed.append(f"{statement}: {shown}")
        session.execute("RESET ROLE")
        assert rows(session, "SELECT count(*) FROM orders") == [(8,)]
    assert allowed == []
    assert fingerprint(rivals.site.database.admin_url, rivals.victim) == before


LEAKS: tuple[str, ...] = (
    # a setting that says the API's tenant
    "SELECT set_config('tillstream.tenant', '{victim}', false), set_config('tillstream.tenants', '{victim}', false)",
    # functions of the language that tell what they are given, by their error or by a notice
    "SELECT count(*) FROM orders WHERE email::integer > 0",
    "SELECT count(*) FROM customers WHERE 1 / (CASE WHEN email LIKE 'canary%' THEN 0 ELSE 1 END) = 1",
    "SELECT count(*) FROM customers WHERE CAST(email AS xml) IS NULL",
    "SELECT count(*) FROM customers WHERE CAST(email AS jsonb) IS NULL",
    "SELECT count(*) FROM customers WHERE to_number(email, '9') > 0",
    "SELECT count(*) FROM orders WHERE to_date(name, 'YYYY') IS NULL",
    "SELECT query_to_xml('SELECT * FROM merchant.customers', true, false, '')",
    "SELECT schema_to_xml('merchant', true, false, '')",
    "SELECT database_to_xml(true, false, '')",
    "SELECT string_agg(c::text, ',') FROM customers AS c",
    "SELECT * FROM orders AS o FULL JOIN customers AS c ON true",
    "SELECT * FROM orders TABLESAMPLE SYSTEM (100)",
    "COPY (SELECT * FROM customers) TO STDOUT",
    "EXPLAIN (ANALYZE, VERBOSE) SELECT * FROM customers WHERE email LIKE 'canary%'",
    "SELECT * FROM daily_sales",
    "WITH RECURSIVE r AS (SELECT email FROM customers UNION SELECT email FROM r) TABLE r",
    # what PostgreSQL knows of tables, statistics and sessions
    "SELECT * FROM pg_stats",
    "SELECT * FROM pg_stats_ext",
    "SELECT * FROM pg_stats_ext_exprs",
    "SELECT * FROM pg_stat_activity",
    "SELECT * FROM pg_locks",
    "SELECT * FROM pg_prepared_statements",
    "SELECT * FROM pg_cursors",
    "SELECT * FROM pg_settings",
    "SELECT * FROM pg_seclabels",
    "SELECT * FROM pg_description",
    "SELECT * FROM pg_db_role_setting",
    "SELECT * FROM pg_policies",
    "SELECT * FROM pg_stat_user_tables",
    "SELECT * FROM pg_statio_user_tables",
    "SELECT * FROM pg_sequences",
    "SELECT * FROM pg_stat_ssl",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM information_schema.columns",
    "SELECT * FROM information_schema.role_table_grants",
    "SELECT * FROM information_schema.view_column_usage",
    "SELECT pg_get_viewdef('merchant.orders'::regclass)",
)


@pytest.mark.parametrize("become", ["", "SET ROLE tillstream_reader"])
async def test_nothing_of_the_victims_is_shown(rivals: Rivals, become: LiteralString) -> None:
    login = await make_login(rivals)
    notices: list[str] = []
    with rivals.site.owner() as owner:
        owner.execute("ANALYZE")
    with session_of(login) as session:
        session.add_notice_handler(lambda notice: notices.append(str(notice.message_primary)))
        if become:
            session.execute(become)
        for statement in LEAKS:
            text = statement.replace("{victim}", str(rivals.victim.tenant_id))
            shown = ""
            try:
                if text.startswith("COPY"):
                    with session.cursor().copy(cast("LiteralString", text)) as copy:
                        shown = b"".join(bytes(part) for part in copy).decode()
                else:
                    shown = str(rows(session, text))
            except psycopg.Error as error:
                shown = str(error)
            assert not rivals.leaks(re.sub(r"LIKE 'canary%'|'canary%'|~~ 'canary", "", shown)), text
            assert rows(session, "SELECT count(*) FROM merchant.orders") == [(8,)], text
    assert not rivals.leaks("".join(notices))


async def test_an_anonymous_block_sees_no_more(rivals: Rivals) -> None:
    login = await make_login(rivals)
    notices: list[str] = []
    block = f"""
    DO $$
    DECLARE row record;
    BEGIN
      PERFORM set_config('tillstream.tenant', '{rivals.victim.tenant_id}', true);
      FOR row IN SELECT * FROM merchant.customers LOOP
        RAISE NOTICE '%', row;
      END LOOP;
    END $$
    """
    with session_of(login) as session:
        session.add_notice_handler(lambda notice: notices.append(str(notice.message_primary)))
        session.execute(cast("LiteralString", block))
    assert len(notices) == 4
    assert all(OWN in notice for notice in notices)
    assert not rivals.leaks("".join(notices))


async def test_estimates_do_not_tell_texts_of_others(rivals: Rivals) -> None:
    """The planner estimates from samples of all tenants' rows; the views keep texts out of that.

    Otherwise, asking for the estimates of `email < '…'` again and again would find, letter by letter,
    the bounds of the histogram: addresses of other tenants' customers.
    """
    login = await make_login(rivals)
    with rivals.site.owner() as owner:
        # One address so common that it would be in the list of common values.
        owner.execute(
            "INSERT INTO mirror.customers "
            "(tenant_id, store_id, id, email, first_name, last_name, phone, deleted, state) "
            "SELECT %s, %s, 10000 + n, %s, %s, %s, %s, false, '{}' FROM generate_series(1, 500) AS n",
            (rivals.victim.tenant_id, rivals.victim.store_id, *[CANARY] * 4),
        )
        owner.execute("ANALYZE")
        texts = owner.execute(
            "SELECT table_name, column_name FROM information_schema.columns "
            "WHERE table_schema = 'merchant' AND (data_type IN ('text', 'ARRAY') OR column_name LIKE '%\\_id') "
            "ORDER BY 1, 2"
        ).fetchall()
    assert {("customers", "email"), ("order_lines", "product_id")} <= set(texts)
    with session_of(login) as session:
        for view, column in texts:
            for comparison in (
                "{c} = {v}",
                "{c} < {v}",
                "{c} LIKE {v} || '%'",
                "{c} IN ({v}, 'x')",
            ):
                estimates: set[str] = set()
                numbers = ("1", "301", "503", "9001", "90010", "999999999")
                for value in numbers if column.endswith("_id") else (CANARY, OWN, "mm", "a", "zz"):
                    given = f"'{{{value}}}'" if column == "discount_codes" else f"'{value}'"
                    text = comparison.format(c=column, v=given)
                    try:
                        plan = rows(session, f"EXPLAIN SELECT * FROM {view} WHERE {text}")
                    except psycopg.Error:
                        continue  # no such comparison of lists
                    estimates.add(re.sub(r"'[^']*'", "", str(plan)))
                assert len(estimates) <= 1, f"{view}.{column}: {comparison}"


# -- taking too much -------------------------------------------------------------------------------


async def test_statements_end_after_a_while_and_connections_are_few(rivals: Rivals) -> None:
    login = await make_login(rivals)
    with session_of(login) as session:
        assert rows(session, "SHOW statement_timeout") == [("30s",)]
        assert rows(session, "SHOW idle_in_transaction_session_timeout") == [("1min",)]
        assert rows(session, "SHOW default_transaction_read_only") == [("on",)]
        assert rows(session, "SHOW temp_file_limit") == [("1GB",)]
        others = [psycopg.connect(login["url"]) for _ in range(sql_access.MOST_CONNECTIONS - 1)]
        with pytest.raises(psycopg.OperationalError, match="too many connections"):
            psycopg.connect(login["url"])
        for other in others:
            other.close()


STUBBORN: LiteralString = """
DO $$
BEGIN
  LOOP
    BEGIN
      PERFORM pg_sleep(60);
    EXCEPTION WHEN query_canceled THEN
      NULL;
    END;
  END LOOP;
END $$
"""


async def test_who_lifts_the_limit_is_ended_by_the_worker(rivals: Rivals) -> None:
    login = await make_login(rivals)
    site = rivals.site
    with session_of(login) as stubborn, session_of(login) as idle, session_of(login) as fair:
        stubborn.execute("SET default_transaction_read_only = off")
        stubborn.execute("ALTER ROLE CURRENT_USER SET statement_timeout = 0")
        stubborn.execute("SET statement_timeout = 0")
        stubborn.pgconn.send_query(STUBBORN.encode())
        idle.execute("SET idle_in_transaction_session_timeout = 0")
        idle.execute("BEGIN")
        idle.execute("SELECT count(*) FROM orders")
        async with await connect(site.database.worker_url) as worker:
            assert await sql_access.end_overdue(worker) == []
            ended: set[str] = set()
            while ended != {"statement", "transaction"}:
                found = await sql_access.end_overdue(worker, timedelta(milliseconds=5))
                assert {username for username, _ in found} <= {login["username"]}
                ended |= {reason for _, reason in found}
        with suppress(psycopg.OperationalError):
            while stubborn.pgconn.get_result() is not None:
                pass
        with pytest.raises(psycopg.OperationalError):
            stubborn.execute("SELECT 1")
        with pytest.raises(psycopg.OperationalError):
            idle.execute("SELECT 1")
        assert rows(fair, "SELECT count(*) FROM orders") == [(8,)]


async def test_only_logins_of_merchants_are_ended(rivals: Rivals) -> None:
    site = rivals.site
    with psycopg.connect(site.database.api_url) as ours:
        ours.execute("SELECT 1")  # and now it waits inside its transaction
        async with await connect(site.database.worker_url) as worker:
            assert await sql_access.end_overdue(worker, timedelta(0)) == []
        ours.execute("SELECT 1")


# -- where the database is not ours ----------------------------------------------------------------


@pytest.fixture
def modest(site: Site) -> Generator[str]:
    """The database's owner becomes a role that may neither create roles nor do anything special."""
    with site.owner() as owner:
        owner.execute("CREATE ROLE modest_owner")
        owner.execute(
            "ALTER FUNCTION "
            "shops.create_sql_login(text, text, text, bigint, timestamptz, integer) OWNER TO modest_owner"
        )
        owner.execute("GRANT USAGE ON SCHEMA shops TO modest_owner")
        owner.execute("GRANT ALL ON shops.sql_logins TO modest_owner")
        owner.execute(
            "CREATE POLICY modest ON shops.sql_logins TO modest_owner USING (true) WITH CHECK (true)"
        )
    try:
        yield "modest_owner"
    finally:
        with site.owner() as owner:
            owner.execute("REASSIGN OWNED BY modest_owner TO postgres")
            owner.execute("DROP POLICY modest ON shops.sql_logins")
            owner.execute("DROP OWNED BY modest_owner")
            owner.execute("DROP ROLE modest_owner")


async def test_a_database_that_lets_no_roles_be_made_says_so(site: Site, modest: str) -> None:
    token = (await site.register())["token"]
    async with site.client(token) as client:
        answer = await client.post("/api/sql-logins", json={"name": "Metabase"})
        assert answer.status_code == 409, answer.text
        problem = answer.json()
        assert problem["type"] == "urn:tillstream:problem:sql-unavailable"
        assert "CREATEROLE" in problem["detail"]
        assert (await client.get("/api/sql-logins")).json()["logins"] == []
    assert SqlAccessUnavailable is not None


def test_the_embedded_database_opens_its_port_to_readers_only(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = EmbeddedPostgres(tmp_path, durable=False, listen=Endpoint("127.0.0.1", port))
    url = server.start()
    try:
        migrate(url, b"key")
        with psycopg.connect(url, autocommit=True) as owner:
            owner.execute("CREATE ROLE reads LOGIN PASSWORD 'reads' IN ROLE tillstream_reader")
        there = {"host": "127.0.0.1", "port": port}
        with psycopg.connect(
            make_conninfo("", dbname="postgres", user="reads", password="reads", **there)
        ) as reader:
            assert reader.execute("SELECT count(*) FROM merchant.orders").fetchone() == (0,)
        for other in (url, login_url(url, "api", b"key"), login_url(url, "worker", b"key")):
            with pytest.raises(psycopg.OperationalError, match="rejects connection"):
                psycopg.connect(make_conninfo(other, **there))
        with pytest.raises(psycopg.OperationalError, match="rejects connection"):
            psycopg.connect(
                make_conninfo("", dbname="template1", user="reads", password="reads", **there)
            )
    finally:
        server.stop()


async def test_a_login_hears_nothing_of_what_changes(rivals: Rivals) -> None:
    """Anybody may LISTEN; but our channels' names end in what a login cannot find out."""
    login = await make_login(rivals)
    site = rivals.site
    with session_of(login) as session, psycopg.connect(site.database.api_url) as ours:
        own = ours.execute("SELECT shops.channel('tillstream_shops')").fetchone()
        assert own is not None
        ours.rollback()
        for topic in ("shops", "live", "journal", "sessions", "apps", "connections"):
            session.execute(f"LISTEN tillstream_{topic}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute("SELECT shops.channel('tillstream_shops')")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute("SELECT * FROM shops.channels")
        ours.execute(sql.SQL("LISTEN {}").format(sql.Identifier(own[0])))
        ours.commit()
        async with site.client(rivals.victim.token) as client:
            changed = await client.patch(
                f"/api/stores/{rivals.victim.store_id}", json={"name": "changed"}
            )
            assert changed.status_code == 200
        # Notifications come in order of commits: what the login did not hear by now, it never will.
        session.execute("LISTEN of_the_test")
        ours.execute("NOTIFY of_the_test")
        ours.commit()
        heard = [one.channel for one in session.notifies(timeout=5, stop_after=1)]
        assert heard == ["of_the_test"]
        assert [one.payload for one in ours.notifies(timeout=5, stop_after=1)] == [
            DOMAINS["victim"]
        ]
