"""Whether the rows that readers see are what the merged elements say, and making them so.

``state`` is what a store's copy consists of; every other column, and every child row, is projected
from it. Whatever else wrote there is found here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
from psycopg import sql

from tillstream.foundation.statements import json_text
from tillstream.mirror.join import decode
from tillstream.mirror.merge import MIRRORED
from tillstream.mirror.mirrored import SCHEMA, STORE_KEY

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection, Iterable, Mapping, Sequence

    from tillstream.foundation.database import Connection
    from tillstream.mirror.change import Resource
    from tillstream.mirror.merge import Store
    from tillstream.mirror.mirrored import Child, Mirrored
    from tillstream.mirror.rows import Row

_CHUNK: Final = 1000

_STATES: Final = sql.SQL("""
SELECT state::text{key} FROM {table} WHERE tenant_id = %s AND store_id = %s {after}
ORDER BY {order} LIMIT %s
""")
# Compared as text: some columns are JSON, which PostgreSQL cannot compare.
_DIFFERING: Final = sql.SQL("""
SELECT ARRAY[{stored}], ARRAY[{wanted}] {key}
FROM json_populate_recordset(NULL::{table}, %s::json) AS w
JOIN {table} AS s USING ({using})
WHERE ARRAY[{stored}] IS DISTINCT FROM ARRAY[{wanted}]
""")
_CHILDREN: Final = sql.SQL("""
WITH stored AS MATERIALIZED (
  SELECT {parent} AS parent, ARRAY[{columns}] AS row FROM {table}
  WHERE tenant_id = %s AND store_id = %s AND {parent} = ANY (%s)
), wanted AS MATERIALIZED (
  SELECT {parent} AS parent, ARRAY[{columns}] AS row FROM json_populate_recordset(NULL::{table}, %s::json)
)
SELECT parent, row, NULL FROM (SELECT * FROM stored EXCEPT ALL SELECT * FROM wanted) AS much
UNION ALL
SELECT parent, NULL, row FROM (SELECT * FROM wanted EXCEPT ALL SELECT * FROM stored) AS little
ORDER BY 1, 2, 3
""")
_STRAYS: Final = sql.SQL("""
SELECT DISTINCT c.{parent} FROM {table} AS c
WHERE c.tenant_id = %s AND c.store_id = %s AND NOT EXISTS (
  SELECT FROM {owner} AS o
  WHERE o.tenant_id = c.tenant_id AND o.store_id = c.store_id AND o.{key} = c.{parent})
ORDER BY 1
""")

_PERSONAL: Final = frozenset(
    {
        "email", "phone", "first_name", "last_name", "customer_name", "note", "abandoned_checkout_url", "tags",
        "account_state", "email_consent", "sms_consent",
    }
)  # fmt: skip
"""Columns whose values are not shown: reports are kept, and read by others."""


class Mismatch(NamedTuple):
    """A value that is not what the element says. ``column`` is empty where a whole row is concerned."""

    resource: Resource
    key: int | str
    table: str
    column: str
    stored: str
    wanted: str


async def mismatches(connection: Connection, store: Store) -> AsyncGenerator[Mismatch]:
    """Everything in a store's copy that its elements do not say; in the caller's transaction."""
    for resource, mirrored in MIRRORED.items():
        async for states in _pages(connection, store, mirrored):
            views = {key: mirrored.view(key, decode(state)) for key, state in states.items()}
            for mismatch in await _of_rows(connection, store, resource, mirrored, views):
                yield mismatch
            for child in mirrored.children:
                for mismatch in await _of_children(connection, store, resource, child, views):
                    yield mismatch
        for child in mirrored.children:
            for key in await _strays(connection, store, mirrored, child):
                yield Mismatch(resource, key, child.table, "", "present", "missing")


async def mend(
    connection: Connection, store: Store, keys: Mapping[Resource, Collection[int | str]]
) -> None:
    """Write these resources' rows anew from their elements; the store's lock must be held."""
    for resource, mirrored in MIRRORED.items():
        wanted = sorted(keys.get(resource, ()), key=str)
        for start in range(0, len(wanted), _CHUNK):
            await _rewrite(connection, store, mirrored, wanted[start : start + _CHUNK])


async def _rewrite(
    connection: Connection, store: Store, mirrored: Mirrored, keys: Sequence[int | str]
) -> None:
    told = json_text([_keyed(store, mirrored.key_columns(key)) for key in keys])
    cursor = await connection.execute(mirrored.load, (told,))
    states = {mirrored.key_of(values): state for _, _, state, *values in await cursor.fetchall()}
    views = {key: mirrored.view(key, decode(state)) for key, state in states.items()}
    rows = [
        {**_keyed(store, mirrored.row(view)), "state": msgspec.Raw(states[key].encode())}
        for key, view in views.items()
    ]
    if rows:
        await connection.execute(mirrored.write(rows[0]), (json_text(rows),))
    for child in mirrored.children:
        # Also those of parents that are not there any more.
        parents = [_keyed(store, {child.parent: key}) for key in keys]
        await connection.execute(child.delete, (json_text(parents),))
        fresh = [_keyed(store, row) for view in views.values() for row in child.rows(view)]
        if fresh:
            await connection.execute(child.insert(fresh[0]), (json_text(fresh),))


async def _pages(
    connection: Connection, store: Store, mirrored: Mirrored
) -> AsyncGenerator[dict[int | str, str]]:
    """The elements of a store, as text by key, some at a time."""
    first, following = _page_queries(mirrored.table, mirrored.key)
    rows = await (await connection.execute(first, (*store, _CHUNK))).fetchall()
    while rows:
        yield {mirrored.key_of(values): state for state, *values in rows}
        if len(rows) < _CHUNK:
            return
        after = rows[-1][1:]
        rows = await (await connection.execute(following, (*store, *after, _CHUNK))).fetchall()


@lru_cache(maxsize=64)
def _page_queries(table: str, key: tuple[str, ...]) -> tuple[bytes, bytes]:
    """The query for the first page, and that for those after a key."""
    names = sql.SQL(", ").join(map(sql.Identifier, key or ("tenant_id",)))
    after = sql.SQL("AND ({}) > ({})").format(
        names, sql.SQL(", ").join([sql.Placeholder()] * len(key))
    )
    first, following = (
        _STATES.format(
            table=sql.Identifier(SCHEMA, table),
            key=sql.SQL("").join(sql.SQL(", {}").format(sql.Identifier(name)) for name in key),
            order=names,
            after=condition,
        ).as_bytes()
        for condition in (sql.SQL(""), after)
    )
    return first, following


async def _of_rows(
    connection: Connection,
    store: Store,
    resource: Resource,
    mirrored: Mirrored,
    views: Mapping[int | str, Any],
) -> list[Mismatch]:
    rows = [_keyed(store, mirrored.row(view)) for view in views.values()]
    columns = tuple(name for name in rows[0] if name not in {*STORE_KEY, *mirrored.key})
    query = _row_query(mirrored.table, mirrored.key, columns)
    cursor = await connection.execute(query, (json_text(rows),))
    return [
        Mismatch(resource, mirrored.key_of(key), mirrored.table, column, *_shown(column, a, b))
        for stored, wanted, *key in await cursor.fetchall()
        for column, a, b in zip(columns, stored, wanted, strict=True)
        if a != b
    ]


@lru_cache(maxsize=64)
def _row_query(table: str, key: tuple[str, ...], columns: tuple[str, ...]) -> bytes:
    return _DIFFERING.format(
        table=sql.Identifier(SCHEMA, table),
        using=sql.SQL(", ").join(map(sql.Identifier, (*STORE_KEY, *key))),
        key=sql.SQL("").join(sql.SQL(", s.{}").format(sql.Identifier(name)) for name in key),
        stored=_texts("s", columns),
        wanted=_texts("w", columns),
    ).as_bytes()


def _texts(alias: str, columns: Iterable[str]) -> sql.Composed:
    one = sql.SQL("{}.{}::text")
    return sql.SQL(", ").join(one.format(sql.Identifier(alias), sql.Identifier(c)) for c in columns)


async def _of_children(
    connection: Connection,
    store: Store,
    resource: Resource,
    child: Child,
    views: Mapping[int | str, Any],
) -> list[Mismatch]:
    rows = [_keyed(store, row) for view in views.values() for row in child.rows(view)]
    query = await _child_query(connection, child.table, child.parent)
    cursor = await connection.execute(query, (*store, list(views), json_text(rows)))
    return [
        Mismatch(resource, key, child.table, "", *_presence(stored, wanted))
        for key, stored, wanted in await cursor.fetchall()
    ]


async def _child_query(connection: Connection, table: str, parent: str) -> bytes:
    """Children are compared by all columns that they have, whatever their key is."""
    cursor = await connection.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s "
        "AND column_name <> ALL (%s) ORDER BY ordinal_position",
        (SCHEMA, table, list(STORE_KEY)),
    )
    one = sql.SQL("{}::text")
    return _CHILDREN.format(
        table=sql.Identifier(SCHEMA, table),
        parent=sql.Identifier(parent),
        columns=sql.SQL(", ").join(
            one.format(sql.Identifier(name)) for (name,) in await cursor.fetchall()
        ),
    ).as_bytes()


async def _strays(
    connection: Connection, store: Store, mirrored: Mirrored, child: Child
) -> list[int | str]:
    """Children of resources that are not there."""
    query = _STRAYS.format(
        table=sql.Identifier(SCHEMA, child.table),
        owner=sql.Identifier(SCHEMA, mirrored.table),
        parent=sql.Identifier(child.parent),
        key=sql.Identifier(mirrored.key[0]),
    )
    return [key for (key,) in await (await connection.execute(query, store)).fetchall()]


def _presence(stored: object, wanted: object) -> tuple[str, str]:
    if stored is None:
        return "missing", "present"
    return ("present", "missing") if wanted is None else ("present", "another")


def _shown(column: str, stored: str | None, wanted: str | None) -> tuple[str, str]:
    if column in _PERSONAL:
        return "another value", "not shown: it is of a person"
    return str(stored), str(wanted)


def _keyed(store: Store, row: Row) -> Row:
    return {"tenant_id": store.tenant_id, "store_id": store.store_id, **row}
