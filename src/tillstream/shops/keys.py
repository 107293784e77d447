"""Replacing the key that seals: every sealed value is opened and sealed anew, while all goes on.

Each sealed column of the database is listed in ``SEALED``; a test compares it with the catalogue. A
value says itself which key sealed it, so the work needs no books of its own: whoever does it again
goes on where the one before was stopped.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, LiteralString

from psycopg import sql
from psycopg.errors import DeadlockDetected

from tillstream.shops.refusals import RotationUnderWay
from tillstream.shops.sealing import Unsealable, app_place, store_place

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from tillstream.foundation.database import Connection
    from tillstream.shops.sealing import Keyring, SecretField

_LOCK: Final = 7211835

_TRY_LOCK: LiteralString = "SELECT pg_try_advisory_lock(%s)"
_UNLOCK: LiteralString = "SELECT pg_advisory_unlock(%s)"
_MARK: LiteralString = "SELECT pg_current_xact_id()::text"
_PASSED: LiteralString = "SELECT pg_snapshot_xmin(pg_current_snapshot()) > %s::xid8"

_BATCH: Final = 100
"""Values in one transaction: their rows are locked for some milliseconds."""

ON_ITS_WAY: Final = 2.0
"""Between sealing a value and sending it there is a millisecond of work, on a machine that may be busy."""

_LOOK_AGAIN: Final = 0.1
"""Seconds between looks at whether transactions of before have ended."""

_WAIT_AT_MOST: Final = 120.0
"""Seconds for which transactions of before are waited for; what they write is found by the next run."""


@dataclass(frozen=True)
class SealedColumn:
    """A column of sealed values: where it is, and what place each of its values is bound to.

    ``tenant`` and ``ids`` together are the key of the table; ``place`` is given the values of ``ids``.
    Where rows belong to no tenant, ``tenant`` is None.
    """

    table: str
    tenant: str | None
    ids: tuple[str, ...]
    column: str
    place: Callable[..., bytes]

    @property
    def name(self) -> str:
        """As people write it."""
        return f"{self.table}.{self.column}"

    @property
    def key(self) -> tuple[str, ...]:
        """All columns of the table's key."""
        return self.ids if self.tenant is None else (self.tenant, *self.ids)

    def place_of(self, key: Sequence[Any]) -> bytes:
        """The place of the value in the row that has this key."""
        return self.place(*key[len(self.key) - len(self.ids) :])


def _of_store(secret: SecretField) -> Callable[..., bytes]:
    def place(store_id: int, *_: int) -> bytes:
        return store_place(store_id, secret)

    return place


SEALED: Final[tuple[SealedColumn, ...]] = (
    SealedColumn("shops.app_secrets", None, ("app_key", "id"), "sealed", app_place),
    SealedColumn(
        "shops.stores", "tenant_id", ("id",), "api_secret_sealed", _of_store("api_secret")
    ),
    # Moved there as it was, by a role that could not read it.
    SealedColumn(
        "shops.retiring_secrets", "tenant_id", ("store_id", "id"), "sealed", _of_store("api_secret")
    ),
    SealedColumn(
        "shops.stores", "tenant_id", ("id",), "access_token_sealed", _of_store("access_token")
    ),
    SealedColumn(
        "shops.stores", "tenant_id", ("id",), "refresh_token_sealed", _of_store("refresh_token")
    ),
)


@dataclass(frozen=True)
class ColumnState:
    """How many values of a column the current key sealed, an older one that is known, or another."""

    column: str
    current: int
    older: int
    unknown: int


@dataclass(frozen=True)
class Rotation:
    """What became of a rotation: values sealed anew, and those that no known key opens."""

    resealed: int
    unopened: int


async def state_of(connection: Connection, keyring: Keyring) -> list[ColumnState]:
    """How far each column is; ``connection`` is of the database's owner."""
    keyring.follow()
    states: list[ColumnState] = []
    for column in SEALED:
        statement = sql.SQL(
            "SELECT substring({value} FROM 2 FOR 4), count(*) FROM {table} "
            "WHERE {value} IS NOT NULL GROUP BY 1"
        ).format(value=sql.Identifier(column.column), table=_table(column))
        counts = {
            bytes(key_id): int(count)
            for key_id, count in await (await connection.execute(statement)).fetchall()
        }
        current = counts.pop(keyring.current, 0)
        older = sum(count for key_id, count in counts.items() if key_id in keyring.keys)
        unknown = sum(counts.values()) - older
        states.append(ColumnState(column.name, current, older, unknown))
    return states


async def rotate(
    connection: Connection,
    keyring: Keyring,
    report: Callable[[str, int, int], None],
    *,
    on_its_way: float = ON_ITS_WAY,
) -> Rotation:
    """Seal everything with the keyring's current key; it may be stopped at any time and done again.

    Args:
        connection: of the database's owner, outside a transaction.
        keyring: has the current key and those of before.
        report: is told the column, how many of its values are done, and how many there are to do.
        on_its_way: seconds between a value's sealing and its statement, at the very most.

    Raises:
        RotationUnderWay: another process does the same.
    """
    async with _alone(connection):
        first = await _pass(connection, keyring, report)
        # A value that was sealed with the key of before may still be on its way into the database.
        await asyncio.sleep(on_its_way)
        await _wait_for_writers(connection)
        second = await _pass(connection, keyring, report)
    return Rotation(first.resealed + second.resealed, second.unopened)


@asynccontextmanager
async def _alone(connection: Connection) -> AsyncGenerator[None]:
    row = await (await connection.execute(_TRY_LOCK, (_LOCK,))).fetchone()
    if row is None or not row[0]:
        raise RotationUnderWay
    try:
        yield
    finally:
        if not connection.closed:
            await connection.execute(_UNLOCK, (_LOCK,))


async def _pass(
    connection: Connection, keyring: Keyring, report: Callable[[str, int, int], None]
) -> Rotation:
    resealed = unopened = 0
    states = {state.column: state for state in await state_of(connection, keyring)}
    for column in SEALED:
        total = states[column.name].older + states[column.name].unknown
        done = 0
        after: tuple[Any, ...] | None = None
        while total:
            rows = await _due(connection, keyring, column, after)
            if not rows:
                break
            written, closed = await _reseal(connection, keyring, column, rows)
            resealed += written
            unopened += closed
            done += len(rows)
            report(column.name, done, max(done, total))
            after = tuple(rows[-1][:-1])
    return Rotation(resealed, unopened)


async def _due(
    connection: Connection, keyring: Keyring, column: SealedColumn, after: Sequence[Any] | None
) -> list[tuple[Any, ...]]:
    """The next values that the current key did not seal, as (key of the row …, value)."""
    key = _names(column.key)
    onward = (
        sql.SQL("")
        if after is None
        else sql.SQL("AND ({}) > ({})").format(
            key, sql.SQL(", ").join([sql.Placeholder()] * len(after))
        )
    )
    statement = sql.SQL(
        "SELECT {key}, {value} FROM {table} WHERE {value} IS NOT NULL "
        "AND substring({value} FROM 2 FOR 4) <> %s {onward} ORDER BY {key} LIMIT %s"
    ).format(
        key=key, value=sql.Identifier(column.column), table=_table(column), onward=onward
    )  # fmt: skip
    values = (keyring.current, *(after or ()), _BATCH)
    return await (await connection.execute(statement, values)).fetchall()


async def _reseal(
    connection: Connection, keyring: Keyring, column: SealedColumn, rows: Sequence[tuple[Any, ...]]
) -> tuple[int, int]:
    """Seal these anew where nobody has replaced them meanwhile; how many, and how many do not open."""
    fresh: list[tuple[Any, ...]] = []
    for *key, value in rows:
        place = column.place_of(key)
        try:
            secret = keyring.open(bytes(value), place)
        except Unsealable:
            continue
        fresh.append((keyring.seal(secret, place), *key, value))
    statement = sql.SQL("UPDATE {table} SET {value} = %s WHERE {key} AND {value} = %s").format(
        table=_table(column),
        value=sql.Identifier(column.column),
        key=sql.SQL(" AND ").join(
            sql.SQL("{} = %s").format(sql.Identifier(name)) for name in column.key
        ),
    )
    written = 0
    while fresh:
        try:
            async with connection.transaction(), connection.cursor() as cursor:
                await cursor.executemany(statement, fresh)
                written = cursor.rowcount
            break
        except DeadlockDetected:  # somebody else changes several of these rows: after them
            continue
    return written, len(rows) - len(fresh)


async def _wait_for_writers(connection: Connection) -> None:
    """Return when every transaction that has written by now has ended, or after two minutes."""
    mark = (await (await connection.execute(_MARK)).fetchone() or ("0",))[0]
    waited = 0.0
    while waited < _WAIT_AT_MOST:
        row = await (await connection.execute(_PASSED, (mark,))).fetchone()
        if row is not None and row[0]:
            return
        await asyncio.sleep(_LOOK_AGAIN)
        waited += _LOOK_AGAIN


def _table(column: SealedColumn) -> sql.Identifier:
    return sql.Identifier(*column.table.split("."))


def _names(columns: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(name) for name in columns)
