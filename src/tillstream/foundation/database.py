"""Connections to PostgreSQL, and transactions that say whose rows they may touch."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, LiteralString, TypeAlias

from psycopg import AsyncConnection, IsolationLevel, sql
from psycopg_pool import AsyncConnectionPool

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Sequence

    from psycopg import Notify

Connection: TypeAlias = AsyncConnection[tuple[Any, ...]]
Pool: TypeAlias = AsyncConnectionPool[Connection]

_SET_TENANT: LiteralString = "SELECT set_config('tillstream.tenant', %s, true)"
_CHANNEL: LiteralString = "SELECT shops.channel(%s)"
_SET_TENANTS: LiteralString = "SELECT set_config('tillstream.tenants', %s, true)"


async def connect(url: str) -> Connection:
    """One connection in autocommit mode, so that a transaction is always one that was asked for."""
    return await AsyncConnection.connect(url, autocommit=True)


@asynccontextmanager
async def open_pool(
    url: str, *, min_size: int = 1, max_size: int = 8, session: LiteralString = ""
) -> AsyncGenerator[Pool]:
    """A pool of autocommit connections, closed at the end of the block.

    ``session`` is said on each of them when it is new: settings that hold as long as it is open.
    """

    async def begin(connection: Connection) -> None:
        await connection.execute(session)

    pool: Pool = AsyncConnectionPool(
        url,
        min_size=min_size,
        max_size=max_size,
        open=False,
        kwargs={"autocommit": True},
        configure=begin if session else None,
        reset=_as_usual,
        check=AsyncConnectionPool.check_connection,
    )
    async with pool:
        yield pool


async def _as_usual(connection: Connection) -> None:
    # What `tenant_snapshot` set; psycopg keeps it for the next BEGIN and tells the server nothing.
    if connection.isolation_level is not None:
        await connection.set_isolation_level(None)
        await connection.set_read_only(None)


async def streamed(
    connection: Connection, name: str, query: LiteralString, values: Sequence[object]
) -> AsyncGenerator[tuple[Any, ...]]:
    """The rows of ``query`` as they are read, without holding all of them; inside a transaction.

    ``name`` is the cursor's: one of its own for each that is open at a time.
    """
    async with connection.cursor(name) as cursor:
        cursor.itersize = 10_000
        await cursor.execute(query, values)
        async for row in cursor:
            yield row


async def listen(connection: Connection, *topics: str) -> None:
    """Hear from now on what is notified as ``pg_notify(shops.channel(topic), …)``."""
    for topic in topics:
        row = await (await connection.execute(_CHANNEL, (topic,))).fetchone()
        channel = str(row[0]) if row else topic
        await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))


def topic_of(notification: Notify) -> str:
    """The topic that was notified: its channel's name without the secret end."""
    return notification.channel.rpartition("_")[0]


async def set_tenants(connection: Connection, tenants: Iterable[int]) -> None:
    """Let the rest of a worker's transaction touch the rows of ``tenants``, and no others."""
    await connection.execute(_SET_TENANTS, (",".join(str(tenant) for tenant in tenants),))


@asynccontextmanager
async def tenant_transaction(pool: Pool, tenant_id: int) -> AsyncGenerator[Connection]:
    """A transaction of the API role that sees one tenant's rows."""
    async with pool.connection() as connection, connection.transaction():
        await connection.execute(_SET_TENANT, (str(tenant_id),))
        yield connection


@asynccontextmanager
async def tenant_snapshot(
    pool: Pool, tenant_id: int, *, read_only: bool
) -> AsyncGenerator[Connection]:
    """A ``tenant_transaction`` whose statements all see what was there when it began, and its own.

    Without ``read_only`` it may add rows. To change rows that others change, too, is no good in it:
    PostgreSQL refuses that, as the change would rest on what is no longer so.

    Args:
        pool: of ``open_pool``, which gives the connection its usual ways back.
        tenant_id: whose rows it sees.
        read_only: whether the server is to refuse everything that writes.
    """
    async with pool.connection() as connection:
        # Said with the BEGIN that is sent anyway: no round trip more.
        await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
        await connection.set_read_only(read_only or None)
        async with connection.transaction():
            await connection.execute(_SET_TENANT, (str(tenant_id),))
            yield connection


@asynccontextmanager
async def tenants_transaction(pool: Pool, tenants: Iterable[int]) -> AsyncGenerator[Connection]:
    """A transaction of the worker role that sees the rows of ``tenants``."""
    async with pool.connection() as connection, connection.transaction():
        await set_tenants(connection, tenants)
        yield connection
