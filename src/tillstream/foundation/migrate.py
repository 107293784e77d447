"""Bring a database to the current schema, and its two logins into being.

Migrations are plain SQL files ``<stage>/migrations/NNNN_name.sql``. They go forward only,
each in a transaction of its own with a lock timeout, under an advisory lock so that several
processes may start at once.
"""

from __future__ import annotations

import hashlib
import hmac
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal, LiteralString, cast

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Role = Literal["api", "worker"]

STAGES: tuple[str, ...] = ("foundation", "shops", "journal", "mirror", "rollup")
"""The packages that own tables, in the order in which they may refer to each other."""

_LOCK = 7211833
_LOGINS: LiteralString = """
SELECT r.rolname, (SELECT count(*) FROM pg_stat_activity AS a WHERE a.usename = r.rolname)
FROM pg_roles AS r
WHERE left(r.rolname, -8) = ANY (%(stems)s::text[])
ORDER BY r.rolname
"""
_CREATE_LOG: LiteralString = """
CREATE TABLE IF NOT EXISTS public.tillstream_migrations (
  number integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())
"""


class SchemaTooNew(RuntimeError):
    """The database was migrated by a newer Tillstream than this one."""


def migrations() -> list[tuple[int, str, str]]:
    """All migrations as (number, name, SQL), in the order in which they run."""
    return sorted(_read())


def _read() -> Iterator[tuple[int, str, str]]:
    for stage in STAGES:
        folder = resources.files(f"tillstream.{stage}") / "migrations"
        if not folder.is_dir():
            continue
        for file in folder.iterdir():
            if file.name.endswith(".sql"):
                number, _, name = file.name.removesuffix(".sql").partition("_")
                yield int(number), name, file.read_text()


def migrate(admin_url: str, key: bytes) -> list[str]:
    """Apply what is missing and make the logins; returns the names of what was applied.

    Args:
        admin_url: a role that may create schemas and roles.
        key: the installation's key, from which the logins' passwords are derived.

    Raises:
        SchemaTooNew: if the database knows migrations that this program does not.
    """
    known = migrations()
    done: list[str] = []
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        connection.execute(_CREATE_LOG)
        applied = {
            row[0] for row in connection.execute("SELECT number FROM public.tillstream_migrations")
        }
        unknown = applied - {number for number, _, _ in known}
        if unknown:
            message = (
                f"The database has migrations {sorted(unknown)} that this version of Tillstream "
                "does not know. Start the newer version, or restore a backup from before it."
            )
            raise SchemaTooNew(message)
        for number, name, text in known:
            if number not in applied:
                _apply(connection, number, name, text)
                done.append(f"{number:04d}_{name}")
        _create_logins(connection, key)
        connection.execute(
            "GRANT SELECT ON public.tillstream_migrations TO tillstream_api, tillstream_worker"
        )
    return done


def _apply(connection: psycopg.Connection[Any], number: int, name: str, text: str) -> None:
    with connection.transaction():
        connection.execute("SET LOCAL lock_timeout = '10s'")
        # The file is part of the program, hence as trustworthy as a literal.
        connection.execute(cast("LiteralString", text))
        connection.execute(
            "INSERT INTO public.tillstream_migrations (number, name) VALUES (%s, %s)",
            (number, name),
        )


def ensure_logins(admin_url: str, key: bytes) -> None:
    """Make (or re-key) the two logins of this database without migrating it."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        _create_logins(connection, key)


def login_url(admin_url: str, role: Role, key: bytes) -> str:
    """Where and as whom a process of that role connects. Holds a password: never print it."""
    parameters = conninfo_to_dict(admin_url)
    database = str(parameters.get("dbname") or parameters.get("user") or "postgres")
    return make_conninfo(
        admin_url, user=_login_name(database, role, key), password=_password(database, role, key)
    )


def _login_name(database: str, role: Role, key: bytes) -> str:
    # Each key has logins of its own: while it is replaced, processes with the key of before and
    # processes with the new one work side by side.
    mark = hmac.new(key, f"postgres login name {database}".encode(), "sha256").hexdigest()[:8]
    return f"{_login_stem(database, role)}{mark}"


def _login_stem(database: str, role: Role) -> str:
    return f"tillstream_{role}_{hashlib.sha256(database.encode()).hexdigest()[:10]}_"


def _password(database: str, role: Role, key: bytes) -> str:
    return hmac.new(key, f"postgres login {database} {role}".encode(), "sha256").hexdigest()


def _create_logins(connection: psycopg.Connection[Any], key: bytes) -> None:
    database = connection.info.dbname
    roles: tuple[Role, ...] = ("api", "worker")
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(7211834)")
        for role in roles:
            login = _login_name(database, role, key)
            name = sql.Identifier(login)
            exists = connection.execute(
                "SELECT 1 FROM pg_roles WHERE rolname = %s", (login,)
            ).fetchone()
            verb = sql.SQL("ALTER") if exists else sql.SQL("CREATE")
            # Only the verifier is sent: a statement may be shown to others while it runs, or logged.
            verifier = connection.pgconn.encrypt_password(
                _password(database, role, key).encode(), login.encode(), b"scram-sha-256"
            )
            connection.execute(
                sql.SQL("{} ROLE {} LOGIN INHERIT PASSWORD {}").format(
                    verb, name, sql.Literal(verifier.decode())
                )
            )
            connection.execute(
                sql.SQL("GRANT {} TO {}").format(sql.Identifier(f"tillstream_{role}"), name)
            )
            connection.execute(
                sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(database), name)
            )
        # Otherwise everybody may make temporary tables, and in them functions of their own.
        # (Who does not own the database is told that nothing changed.)
        connection.execute(
            sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC").format(sql.Identifier(database))
        )


def earlier_logins(connection: psycopg.Connection[Any], keys: Sequence[bytes]) -> dict[str, int]:
    """Logins of this database that belong to none of ``keys``, and how many sessions each has."""
    database = connection.info.dbname
    roles: tuple[Role, ...] = ("api", "worker")
    known = {_login_name(database, role, key) for role in roles for key in keys}
    stems = [_login_stem(database, role) for role in roles]
    rows = connection.execute(_LOGINS, {"stems": stems}).fetchall()
    return {str(login): int(sessions) for login, sessions in rows if login not in known}


def drop_logins(connection: psycopg.Connection[Any], logins: Iterable[str]) -> None:
    """Remove logins that nobody is to use any more; sessions that they have open go on."""
    database = sql.Identifier(connection.info.dbname)
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(7211834)")
        for login in logins:
            name = sql.Identifier(login)
            connection.execute(
                sql.SQL("REVOKE CONNECT ON DATABASE {} FROM {}").format(database, name)
            )
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(name))


def is_current(numbers: set[int]) -> bool:
    """Whether ``numbers`` (those the database has) are all that this program knows."""
    return {number for number, _, _ in migrations()} <= numbers
