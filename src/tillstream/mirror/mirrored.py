"""What merging has to know of a resource: its table, its key, and how an element becomes rows.

The statements are made of that. They are set-based, take one JSON array each, and name no column
that the rows do not have themselves: a new column is a new line of a projection and of a migration.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Final

from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tillstream.mirror.join import Element
    from tillstream.mirror.rows import Row

SCHEMA: Final = "mirror"
STORE_KEY: Final = ("tenant_id", "store_id")
"""What every key begins with."""

_LOAD: Final = sql.SQL("""
SELECT o.tenant_id, o.store_id, o.state::text{key}
FROM json_populate_recordset(NULL::{table}, %s::json) AS k
JOIN {table} AS o USING ({using})
""")
_WRITE: Final = sql.SQL("""
INSERT INTO {table} ({columns})
SELECT {columns} FROM json_populate_recordset(NULL::{table}, %s::json)
ON CONFLICT ({key}) DO UPDATE SET {values}
""")
_DELETE: Final = sql.SQL("""
DELETE FROM {table} AS o USING json_populate_recordset(NULL::{table}, %s::json) AS k
WHERE o.tenant_id = k.tenant_id AND o.store_id = k.store_id AND o.{parent} = k.{parent}
""")
_INSERT: Final = sql.SQL("""
INSERT INTO {table} ({columns})
SELECT {columns} FROM json_populate_recordset(NULL::{table}, %s::json)
""")


class Child:
    """Rows that hang on a resource and are written anew with it, such as the lines of an order.

    Args:
        table: in the schema of the mirror.
        parent: the column that holds the resource's id.
        rows: the rows of a view, each with ``parent``; none where the resource is deleted.
    """

    def __init__(self, table: str, parent: str, rows: Callable[[Any], list[Row]]) -> None:
        self.table = table
        self.parent = parent
        self.rows = rows

    @cached_property
    def delete(self) -> bytes:
        """Removes the rows of all the parents in one JSON array."""
        return _DELETE.format(
            table=sql.Identifier(SCHEMA, self.table), parent=sql.Identifier(self.parent)
        ).as_bytes()

    def insert(self, row: Row) -> bytes:
        """Writes rows that look like this one."""
        return _insert(self.table, tuple(row))


class Mirrored:
    """One resource of the mirror.

    Args:
        table: in the schema of the mirror.
        key: the columns that tell a store's resources apart: one for an id or a token, none where a
            store has but one, and more where the key of a change is their values, joined by ``:``.
        view: the readable resource of a key and its element; takes any element.
        row: the columns of a view, without the store's key and ``state``; always the same ones.
        children: what else is written of a view.
    """

    def __init__(
        self,
        table: str,
        key: tuple[str, ...],
        view: Callable[[Any, Element], Any],
        row: Callable[[Any], Row],
        children: Sequence[Child] = (),
    ) -> None:
        self.table = table
        self.key = key
        self.view = view
        self.row = row
        self.children = tuple(children)

    @cached_property
    def load(self) -> bytes:
        """Finds tenant, store, state and key columns of all the keys in one JSON array."""
        return _LOAD.format(
            table=sql.Identifier(SCHEMA, self.table),
            using=_list((*STORE_KEY, *self.key)),
            key=sql.SQL("").join(sql.SQL(", o.{}").format(sql.Identifier(k)) for k in self.key),
        ).as_bytes()

    def write(self, row: Row) -> bytes:
        """Writes rows that look like this one over what is there."""
        return _upsert(self.table, (*STORE_KEY, *self.key), tuple(row))

    def key_columns(self, key: int | str) -> Row:
        """The key of a change as columns; an id may come as its decimal text."""
        if len(self.key) == 1:
            return {self.key[0]: key}
        return dict(zip(self.key, str(key).split(":"), strict=True)) if self.key else {}

    def key_of(self, values: Sequence[int | str]) -> int | str:
        """The key of a change from the values of the key columns."""
        if len(values) == 1:
            return values[0]
        return ":".join(map(str, values)) if values else 0


@lru_cache(maxsize=64)
def _upsert(table: str, key: tuple[str, ...], columns: tuple[str, ...]) -> bytes:
    assignment = sql.SQL("{0} = excluded.{0}")
    return _WRITE.format(
        table=sql.Identifier(SCHEMA, table),
        columns=_list(columns),
        key=_list(key),
        values=sql.SQL(", ").join(
            assignment.format(sql.Identifier(column)) for column in columns if column not in key
        ),
    ).as_bytes()


@lru_cache(maxsize=64)
def _insert(table: str, columns: tuple[str, ...]) -> bytes:
    return _INSERT.format(table=sql.Identifier(SCHEMA, table), columns=_list(columns)).as_bytes()


def _list(columns: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))
