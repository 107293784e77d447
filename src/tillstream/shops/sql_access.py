"""SQL for merchants: read-only logins to PostgreSQL that see their tenant's rows and nothing else.

What a login may see is decided in the database, by its session (migrations 0060 and 0061). Here are
the calls that make and revoke logins, and the one that ends what takes too long.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final, LiteralString
from urllib.parse import quote, urlsplit

from psycopg.errors import InsufficientPrivilege

from tillstream.foundation.endpoints import Endpoint
from tillstream.shops.refusals import SqlAccessUnavailable, SqlLoginUnknown, TooManySqlLogins

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tillstream.foundation.database import Connection
    from tillstream.foundation.settings import Settings

MOST_LOGINS: Final = 5
"""Logins of one tenant at a time."""
MOST_CONNECTIONS: Final = 4
"""Connections of one login at a time; set where the role is created, in migration 0060."""
LONGEST_STATEMENT: Final = timedelta(seconds=30)
"""After which a statement is ended: what sessions begin with, see migration 0060."""
PATIENCE: Final = timedelta(seconds=5)
"""How much longer a session that lifted its own limit may work before it is ended."""

_ANYWHERE: Final = frozenset({"0.0.0.0", "::", "*"})  # noqa: S104 - told apart, not listened on
_PASSWORD_BYTES: Final = 24
_SUFFIX_BYTES: Final = 5

_LIST: LiteralString = """
SELECT id, name, username, created_at FROM shops.sql_logins
WHERE tenant_id = %s AND revoked_at IS NULL ORDER BY id
"""
_CREATE: LiteralString = "SELECT id, username FROM shops.create_sql_login(%s, %s, %s, %s, %s, %s)"
_REVOKE: LiteralString = "SELECT shops.revoke_sql_login(%s, %s)"
_DROP: LiteralString = "SELECT shops.drop_revoked_sql_logins()"
_END_OVERDUE: LiteralString = "SELECT username, reason FROM shops.end_sql_overdue(%s)"


@dataclass(frozen=True)
class SqlLogin:
    """A login that works, as its tenant may see it."""

    id: int
    name: str
    username: str
    created_at: datetime


@dataclass(frozen=True)
class DatabaseAddress:
    """Where SQL logins connect to. ``host`` may be the folder of a socket: then on that machine only."""

    host: str
    port: int
    database: str

    @property
    def is_local(self) -> bool:
        """Whether it can only be reached on the server itself, as the user who runs Tillstream."""
        return self.host.startswith("/")

    def url(self, username: str, password: str | None = None) -> str:
        """A connection address for psql and the like; with a password, never to be logged."""
        login = username if password is None else f"{username}:{quote(password, safe='')}"
        database = quote(self.database, safe="")
        if self.is_local:
            return f"postgresql://{login}@/{database}?host={quote(self.host, safe='')}&port={self.port}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"postgresql://{login}@{host}:{self.port}/{database}"


@dataclass(frozen=True)
class NewSqlLogin:
    """A login just made; the only time that its password is known."""

    login: SqlLogin
    password: str = field(repr=False)


async def list_logins(connection: Connection, tenant_id: int) -> list[SqlLogin]:
    """The tenant's logins that were not revoked, the oldest first. Inside its transaction."""
    cursor = await connection.execute(_LIST, (tenant_id,))
    return [SqlLogin(*row) for row in await cursor.fetchall()]


async def create_login(
    connection: Connection,
    name: str,
    *,
    user_id: int,
    now: datetime,
    random: Callable[[int], bytes],
) -> NewSqlLogin:
    """Make a login for the tenant of the transaction; it works once that is committed.

    It ends when ``user_id``, who makes it, is an owner no longer.

    Raises:
        TooManySqlLogins: if it has ``MOST_LOGINS``.
        SqlAccessUnavailable: if the database does not let Tillstream create roles.
    """
    password = base64.urlsafe_b64encode(random(_PASSWORD_BYTES)).decode()
    # PostgreSQL's own form of keeping passwords. It depends on no user name.
    verifier = connection.pgconn.encrypt_password(password.encode(), b"", b"scram-sha-256")
    suffix = random(_SUFFIX_BYTES).hex()
    values = (name, suffix, verifier.decode(), user_id, now, MOST_LOGINS)
    try:
        async with connection.transaction():
            row = await (await connection.execute(_CREATE, values)).fetchone()
    except InsufficientPrivilege as error:
        raise SqlAccessUnavailable from error
    if row is None:
        raise TooManySqlLogins(MOST_LOGINS)
    return NewSqlLogin(SqlLogin(row[0], name, row[1], now), password)


async def revoke_login(connection: Connection, login_id: int, now: datetime) -> str:
    """Let the login see nothing from the commit on; its username. ``drop_revoked`` ends its sessions.

    Raises:
        SqlLoginUnknown: if the tenant has no such login, or revoked it.
    """
    row = await (await connection.execute(_REVOKE, (login_id, now))).fetchone()
    if row is None or row[0] is None:
        raise SqlLoginUnknown
    return str(row[0])


async def drop_revoked(connection: Connection) -> int:
    """End the sessions of revoked logins and drop their roles; how many. In no transaction yet."""
    row = await (await connection.execute(_DROP)).fetchone()
    return 0 if row is None else int(row[0])


async def end_overdue(
    connection: Connection, longest: timedelta = LONGEST_STATEMENT + PATIENCE
) -> list[tuple[str, str]]:
    """End sessions that work for longer than ``longest``, wait twice as long inside a transaction, or
    hold an advisory lock: (username, "statement" | "transaction" | "lock"). As the worker role.
    """  # noqa: D205 - one sentence
    return await (await connection.execute(_END_OVERDUE, (longest,))).fetchall()


def told_endpoint(settings: Settings) -> Endpoint | None:
    """Where the operator says that logins reach the database; None for where Tillstream does."""
    if settings.database_url is not None:
        return settings.sql_host
    if settings.sql_listen is None:
        return None
    if settings.sql_host is None and settings.sql_listen.host in _ANYWHERE:
        return Endpoint(urlsplit(settings.host).hostname or "localhost", settings.sql_listen.port)
    return settings.sql_host or settings.sql_listen


def address_of(connection: Connection, told: Endpoint | None) -> DatabaseAddress:
    """Where logins reach the database: as the operator ``told``, else where ``connection`` does."""
    info = connection.info
    host, port = told or (info.host, info.port)
    return DatabaseAddress(host, port, info.dbname)
