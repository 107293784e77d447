"""Nothing in the database escapes the wall between tenants, whoever adds it; see catalogue.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

import psycopg

from tests.isolation.catalogue import escapes, needless

if TYPE_CHECKING:
    from tests.conftest import Database


def test_nothing_escapes(database: Database) -> None:
    with psycopg.connect(database.admin_url) as owner:
        found = escapes(owner)
    assert found.found == []
    assert list(needless(found)) == []


HOLES: list[LiteralString] = [
    "CREATE TABLE shops.notes (tenant_id bigint, id bigint, PRIMARY KEY (tenant_id, id))",
    "CREATE TABLE public.notes (tenant_id bigint)",
    "CREATE SCHEMA other; CREATE TABLE other.notes (tenant_id bigint)",
    "ALTER TABLE mirror.orders DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE mirror.orders NO FORCE ROW LEVEL SECURITY",
    "ALTER POLICY api ON mirror.orders USING (true)",
    "ALTER POLICY worker ON rollup.sums WITH CHECK (true)",
    "ALTER POLICY reader ON mirror.customers USING (tenant_id = tenant_id)",
    "CREATE POLICY more ON mirror.orders FOR SELECT TO tillstream_api USING (test)",
    "CREATE POLICY more ON mirror.orders USING (true)",
    "CREATE POLICY more ON shops.stores TO tillstream_reader USING (shops.current_tenant() = tenant_id)",
    "GRANT SELECT ON mirror.orders TO PUBLIC",
    "GRANT SELECT (email) ON mirror.orders TO PUBLIC",
    "GRANT TRUNCATE ON mirror.orders TO tillstream_worker",
    "GRANT TRIGGER ON mirror.orders TO tillstream_api",
    "GRANT SELECT ON shops.stores TO tillstream_api",
    "GRANT SELECT (password_hash) ON shops.users TO tillstream_api",
    "CREATE VIEW merchant.more AS SELECT * FROM mirror.orders",
    "CREATE VIEW rollup.more WITH (security_invoker = true) AS SELECT * FROM mirror.orders",
    "ALTER VIEW merchant.orders SET (security_invoker = false)",
    "CREATE MATERIALIZED VIEW rollup.more AS SELECT * FROM mirror.orders",
    "CREATE SEQUENCE shops.more; GRANT USAGE ON SEQUENCE shops.more TO tillstream_api",
    "GRANT SELECT ON ALL SEQUENCES IN SCHEMA shops TO PUBLIC",
    "CREATE FUNCTION shops.more() RETURNS bigint LANGUAGE sql SECURITY DEFINER RETURN 1",
    "CREATE FUNCTION shops.more() RETURNS bigint LANGUAGE sql RETURN 1",
    "GRANT EXECUTE ON FUNCTION shops.store_secrets(text[]) TO tillstream_api",
    "GRANT EXECUTE ON FUNCTION shops.find_user(text) TO PUBLIC",
    "ALTER FUNCTION shops.route(text[]) RESET search_path",
    "ALTER FUNCTION shops.route(text[]) SET search_path = public, pg_catalog",
    "ALTER FUNCTION shops.current_tenant() LEAKPROOF",
    "CREATE PROCEDURE shops.more() LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
    "CREATE UNIQUE INDEX more ON mirror.orders (id)",
    "CREATE TABLE shops.more (tenant_id bigint, store_id bigint, id bigint REFERENCES shops.more2 (id))",
    "GRANT USAGE ON SCHEMA mirror TO PUBLIC",
    "GRANT CREATE ON SCHEMA public TO PUBLIC",
    "GRANT CREATE ON SCHEMA shops TO tillstream_api",
    "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA mirror GRANT ALL ON TABLES TO tillstream_api",
    "ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC",
    "ALTER TABLE mirror.orders OWNER TO tillstream_worker",
    "ALTER ROLE tillstream_api BYPASSRLS",
    "ALTER ROLE tillstream_reader CREATEROLE",
    "GRANT tillstream_worker TO tillstream_api",
    "GRANT pg_read_all_data TO tillstream_reader",
    "CREATE RULE more AS ON INSERT TO mirror.orders DO ALSO NOTIFY more",
    "CREATE PUBLICATION more FOR ALL TABLES",
    "SELECT lo_create(4711)",
    "GRANT EXECUTE ON FUNCTION pg_advisory_lock(bigint) TO PUBLIC",
]


def test_every_hole_is_seen(database: Database) -> None:
    """Each is made, seen, and undone: the test of the test."""
    unseen: list[str] = []
    with psycopg.connect(database.admin_url) as owner:
        owner.execute("CREATE TABLE shops.more2 (tenant_id bigint, id bigint UNIQUE)")
        owner.commit()
        before = set(escapes(owner).found)
        for hole in HOLES:
            owner.execute(hole)
            if not set(escapes(owner).found) - before:
                unseen.append(hole)
            owner.rollback()
    assert unseen == []
