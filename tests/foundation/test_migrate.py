"""Migrations on a real PostgreSQL: from nothing, again, by several at once, and refused.

The cluster is the session's; the databases are this file's own. Nothing is doubled. Asserted is
what the catalogue says, and what a login can do.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.conftest import KEY, Cluster, Database, drop_database, run_on
from tillstream.foundation.migrate import (
    SchemaTooNew,
    ensure_logins,
    is_current,
    login_url,
    migrate,
    migrations,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_numbers = count(1)


@pytest.fixture
def empty(cluster: Cluster) -> Iterator[str]:
    """The URL of a database with nothing in it."""
    name = f"empty_{next(_numbers)}"
    run_on(cluster.url, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    url = make_conninfo(cluster.url, dbname=name)
    try:
        yield url
    finally:
        drop_database(cluster.url, url, name)


def applied(url: str) -> set[int]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT number FROM public.tillstream_migrations").fetchall()
    return {number for (number,) in rows}


def test_numbers_are_unique_and_stages_come_in_their_order() -> None:
    numbers = [number for number, _, _ in migrations()]
    assert numbers == sorted(set(numbers))
    assert {1, 10, 20, 30, 40} <= set(numbers)
    assert is_current(set(numbers))
    assert is_current({*numbers, 9999})
    assert not is_current(set(numbers[:-1]))


def test_an_empty_database_is_brought_up_once(empty: str) -> None:
    expected = [f"{number:04d}_{name}" for number, name, _ in migrations()]
    assert migrate(empty, KEY) == expected
    assert migrate(empty, KEY) == []
    assert is_current(applied(empty))


def test_several_processes_may_start_at_once(empty: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(migrate, [empty] * 4, [KEY] * 4))
    # One of them did all of it, or they took turns; nothing was applied twice.
    assert sorted(name for names in done for name in names) == [
        f"{number:04d}_{name}" for number, name, _ in migrations()
    ]


def test_an_older_program_refuses_a_newer_database(database: Database) -> None:
    with psycopg.connect(database.admin_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO public.tillstream_migrations (number, name) VALUES (9999, 'later')"
        )
    with pytest.raises(SchemaTooNew, match="9999"):
        migrate(database.admin_url, KEY)


def test_the_logins_are_members_of_their_role_and_of_nothing_else(database: Database) -> None:
    for url, role in ((database.api_url, "api"), (database.worker_url, "worker")):
        with psycopg.connect(url) as connection:
            row = connection.execute(
                "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication "
                "FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
            assert row == (False, False, False, False, False)
            groups = connection.execute(
                "SELECT g.rolname FROM pg_auth_members AS m JOIN pg_roles AS g ON g.oid = m.roleid "
                "JOIN pg_roles AS u ON u.oid = m.member WHERE u.rolname = current_user"
            ).fetchall()
            assert groups == [(f"tillstream_{role}",)]
            owned = connection.execute(
                "SELECT count(*) FROM pg_class WHERE pg_get_userbyid(relowner) = current_user"
            ).fetchone()
            assert owned == (0,)


def test_the_logins_may_read_how_far_the_schema_is(database: Database) -> None:
    assert is_current(applied(database.api_url))
    assert is_current(applied(database.worker_url))
    with (
        psycopg.connect(database.worker_url) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("DELETE FROM public.tillstream_migrations")


def test_another_key_changes_the_passwords(database: Database) -> None:
    old = login_url(database.admin_url, "api", KEY)
    new = login_url(database.admin_url, "api", b"another key of the tests")
    assert old != new
    ensure_logins(database.admin_url, b"another key of the tests")
    with psycopg.connect(new) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_database_has_logins_of_its_own() -> None:
    here = login_url("postgresql://owner@127.0.0.1/one", "api", KEY)
    there = login_url("postgresql://owner@127.0.0.1/two", "api", KEY)
    worker = login_url("postgresql://owner@127.0.0.1/one", "worker", KEY)
    users = {
        word for url in (here, there, worker) for word in url.split() if word.startswith("user=")
    }
    assert len(users) == 3


def test_a_migration_that_cannot_have_its_lock_gives_up_and_leaves_no_trace(empty: str) -> None:
    before = len(migrations())
    migrate(empty, KEY)
    number, name, _ = migrations()[-1]
    with psycopg.connect(empty, autocommit=True) as connection:
        connection.execute("DELETE FROM public.tillstream_migrations WHERE number = %s", (number,))
    # What it makes is there already: it fails half way, and nothing of it may be written down.
    with pytest.raises((psycopg.errors.DuplicateTable, psycopg.errors.DuplicateSchema)):
        migrate(empty, KEY)
    assert applied(empty) == {n for n, _, _ in migrations()} - {number}
    assert before == len(migrations()), name
