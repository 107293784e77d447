"""Bulk operations: one query over everything, its result a file of JSON lines.

https://shopify.dev/docs/api/usage/bulk-operations/queries
An operation is worked on as time passes: it is created, runs for a while, and ends; the rows are
made when it ends, from what is true then.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    parse,
    validate,
)
from graphql.type import GraphQLObjectType

from tillstream.simulator.admin.cost import named_type

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from graphql import DocumentNode, GraphQLSchema, SelectionSetNode

    from tillstream.simulator.admin.consent import Installation

Row: TypeAlias = dict[str, Any]

MOST_AT_ONCE: Final = 5
_MOST_CONNECTIONS: Final = 5
_MOST_LEVELS: Final = 2
URL_LIFE: Final = timedelta(days=7)


class BulkRefused(Exception):
    """Why a query cannot be run in bulk."""


@dataclass(slots=True)
class BulkOperation:
    """An operation; ``ends_at`` is when the work will have been done."""

    id: int
    query: str
    installation: Installation
    api_version: str
    created_at: datetime
    starts_at: datetime
    ends_at: datetime
    file: str
    status: str = "CREATED"
    error_code: str | None = None
    completed_at: datetime | None = None
    fails_with: str | None = None
    lines: list[bytes] = field(default_factory=list[bytes])
    roots: int = 0

    @property
    def over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.status in ("CANCELED", "COMPLETED", "EXPIRED", "FAILED")

    @property
    def size(self) -> int:
        """Bytes of the result."""
        return sum(len(line) for line in self.lines)

    def webhook_body(self) -> bytes:
        """``bulk_operations/finish``: in lower case, and without the address of the result."""
        printed = {
            "admin_graphql_api_id": f"gid://shopify/BulkOperation/{self.id}",
            "completed_at": _rfc3339(self.completed_at),
            "created_at": _rfc3339(self.created_at),
            "error_code": self.error_code.lower() if self.error_code else None,
            "status": self.status.lower(),
            "type": "query",
        }
        return json.dumps(printed).encode()


@dataclass(slots=True)
class BulkOperations:
    """The operations on one shop. ``seconds`` is how long one takes; ``failures`` are to come.

    ``work`` runs the query of an operation and yields its rows.
    """

    mint: Callable[[], str]
    work: Callable[[BulkOperation], Iterator[Row]]
    seconds: float = 1.0
    failures: list[str] = field(default_factory=list[str])
    known: dict[int, BulkOperation] = field(default_factory=dict[int, BulkOperation])

    def of(self, installation: Installation) -> list[BulkOperation]:
        """An installation's own."""
        return [found for found in self.known.values() if found.installation is installation]

    def start(
        self, installation: Installation, identifier: int, query: str, version: str, now: datetime
    ) -> BulkOperation:
        """Begin an operation for a query that was found fit.

        Raises:
            BulkRefused: while as many run as may run at once.
        """
        running = [found for found in self.of(installation) if not found.over]
        if len(running) >= MOST_AT_ONCE:
            message = f"{MOST_AT_ONCE} bulk operations are running on this shop already."
            raise BulkRefused(message)
        made = BulkOperation(
            id=identifier,
            query=query,
            installation=installation,
            api_version=version,
            created_at=now,
            starts_at=now + timedelta(seconds=self.seconds / 4),
            ends_at=now + timedelta(seconds=self.seconds),
            file=self.mint(),
            fails_with=self.failures.pop(0) if self.failures else None,
        )
        self.known[identifier] = made
        return made

    def cancel(self, operation: BulkOperation) -> None:
        """Ask it to stop: it does when it is looked after next."""
        if not operation.over:
            operation.status = "CANCELING"

    def look_after(self, now: datetime) -> list[BulkOperation]:
        """Move every operation on to ``now``; those that ended just then."""
        ended: list[BulkOperation] = []
        for operation in self.known.values():
            if operation.over:
                continue
            self._move_on(operation, now)
            if operation.over:
                operation.completed_at = now
                ended.append(operation)
        return ended

    def _move_on(self, operation: BulkOperation, now: datetime) -> None:
        if operation.status == "CANCELING":
            operation.status = "CANCELED"
        elif now >= operation.ends_at:
            self._finish(operation)
        elif now >= operation.starts_at:
            operation.status = "RUNNING"

    def _finish(self, operation: BulkOperation) -> None:
        try:
            rows = list(self.work(operation))
        except BulkRefused as refused:
            operation.status, operation.error_code = "FAILED", str(refused)
            return
        if operation.fails_with is not None:
            # What was written until then can still be fetched.
            rows = rows[: len(rows) // 2]
            operation.status, operation.error_code = "FAILED", operation.fails_with
        else:
            operation.status = "COMPLETED"
        operation.lines = [_line(row) for row in rows]
        operation.roots = sum("__parentId" not in row for row in rows)


def _line(row: Row) -> bytes:
    return json.dumps(row, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def _rfc3339(at: datetime | None) -> str | None:
    return None if at is None else at.strftime("%Y-%m-%dT%H:%M:%SZ")


# -- the query -----------------------------------------------------------------------------------


class BulkQuery:
    """A query fit to be run in bulk.

    ``rows`` takes the result of running it with every connection whole, and lays it out: a node
    a row, the nodes of its connections after it with ``__parentId``.
    """

    def __init__(self, schema: GraphQLSchema, source: str) -> None:
        """Read and check it.

        Raises:
            BulkRefused: for what bulk operations cannot do.
        """
        try:
            self.document: DocumentNode = parse(source)
        except GraphQLError as error:
            raise BulkRefused(error.message) from None
        faults = validate(schema, self.document)
        if faults:
            raise BulkRefused(faults[0].message)
        self._schema = schema
        self._fragments = {
            node.name.value: node
            for node in self.document.definitions
            if isinstance(node, FragmentDefinitionNode)
        }
        operations = [
            n for n in self.document.definitions if isinstance(n, OperationDefinitionNode)
        ]
        if len(operations) != 1 or operations[0].operation is not OperationType.QUERY:
            message = "A bulk operation runs one query."
            raise BulkRefused(message)
        self._root = operations[0].selection_set
        self._check()

    def rows(self, data: Row) -> Iterator[Row]:
        """The rows of a result."""
        root = self._schema.query_type
        for node in self._fields(self._root):
            kind = _named(root, node)
            if kind is not None and kind.name.endswith("Connection"):
                yield from self._rows_of(node, kind, data.get(_key(node)), None)

    def _rows_of(
        self, node: FieldNode, kind: GraphQLObjectType, came: Any, parent: str | None
    ) -> Iterator[Row]:
        edge = named_type(kind.fields["nodes"])
        for part in self._fields(node.selection_set):
            values = cast("dict[str, list[Row]]", came or {}).get(_key(part)) or []
            if part.name.value == "nodes":
                for value in values:
                    yield from self._node(part.selection_set, edge, value, parent)
            elif part.name.value == "edges":
                inner = next(
                    (n for n in self._fields(part.selection_set) if n.name.value == "node"), None
                )
                for value in values:
                    if inner is not None:
                        yield from self._node(inner.selection_set, edge, value[_key(inner)], parent)

    def _node(
        self, selection: SelectionSetNode | None, kind: Any, value: Row, parent: str | None
    ) -> Iterator[Row]:
        row, children = dict(value), list[tuple[FieldNode, GraphQLObjectType, Any]]()
        for node in self._fields(selection):
            inner = _named(kind, node)
            if inner is not None and inner.name.endswith("Connection"):
                children.append((node, inner, row.pop(_key(node), None)))
        if parent is not None:
            row["__parentId"] = parent
        yield row
        for node, inner, came in children:
            yield from self._rows_of(node, inner, came, value.get("id"))

    def _check(self) -> None:
        connections = list(self._connections(self._root, self._schema.query_type, 0))
        if not connections:
            message = "A bulk query needs at least one connection."
            raise BulkRefused(message)
        if len(connections) > _MOST_CONNECTIONS:
            message = f"A bulk query has at most {_MOST_CONNECTIONS} connections."
            raise BulkRefused(message)
        if max(level for level, _, _ in connections) > _MOST_LEVELS:
            message = f"Connections may be nested {_MOST_LEVELS} levels deep."
            raise BulkRefused(message)
        if any(n.name.value in ("node", "nodes") for n in self._fields(self._root)):
            message = "A bulk query cannot begin at node or nodes."
            raise BulkRefused(message)
        for _, kind, selects_id in connections:
            if not selects_id:
                message = f"A {kind} with connections of its own has to select its id."
                raise BulkRefused(message)

    def _connections(
        self, selection: SelectionSetNode | None, parent: Any, level: int
    ) -> Iterator[tuple[int, str, bool]]:
        """Each connection's level (0 at the root), its nodes' type, and whether children can name it."""
        for node in self._fields(selection):
            kind = _named(parent, node)
            if kind is None:
                continue
            if not kind.name.endswith("Connection"):
                yield from self._connections(node.selection_set, kind, level)
                continue
            inner = named_type(kind.fields["nodes"])
            selections = list(self._node_selections(node))
            nested = [
                found for one in selections for found in self._connections(one, inner, level + 1)
            ]
            named = all("id" in {n.name.value for n in self._fields(s)} for s in selections)
            yield level, inner.name, named or not nested
            yield from nested

    def _node_selections(self, node: FieldNode) -> Iterator[SelectionSetNode | None]:
        for part in self._fields(node.selection_set):
            if part.name.value == "nodes":
                yield part.selection_set
            elif part.name.value == "edges":
                for inner in self._fields(part.selection_set):
                    if inner.name.value == "node":
                        yield inner.selection_set

    def _fields(self, selection: SelectionSetNode | None) -> Iterator[FieldNode]:
        """The fields of a selection, those in fragments among them."""
        for node in selection.selections if selection else ():
            if isinstance(node, FieldNode):
                yield node
            elif isinstance(node, InlineFragmentNode):
                yield from self._fields(node.selection_set)
            elif isinstance(node, FragmentSpreadNode):
                yield from self._fields(self._fragments[node.name.value].selection_set)


def _key(node: FieldNode) -> str:
    return node.alias.value if node.alias else node.name.value


def _named(parent: Any, node: FieldNode) -> GraphQLObjectType | None:
    if not isinstance(parent, GraphQLObjectType):
        return None
    definition = parent.fields.get(node.name.value)
    kind = None if definition is None else named_type(definition)
    return kind if isinstance(kind, GraphQLObjectType) else None
