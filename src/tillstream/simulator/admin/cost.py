"""What a query costs: before it runs, from what it asks for; afterwards, from what came.

https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits
A scalar or enum is free, an object is 1, a connection is what its nodes are, as many times as it
may have or had, and a mutation is 10. What Shopify adds for large pages is not published.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    get_named_type,
    is_composite_type,
    is_object_type,
)
from graphql.type import GraphQLInterfaceType, GraphQLObjectType

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from graphql import DocumentNode, GraphQLField, GraphQLSchema, SelectionSetNode

Data: TypeAlias = "dict[str, Any] | None"
MUTATION: Final = 10


class Price:
    """The cost of one document's operation."""

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any],
    ) -> None:
        self._schema = schema
        self._operation = operation
        self._variables = variables
        self._fragments = {
            node.name.value: node
            for node in document.definitions
            if isinstance(node, FragmentDefinitionNode)
        }

    def requested(self) -> int:
        """From the sizes asked for."""
        return self._whole(None)

    def actual(self, data: Data) -> int:
        """From the objects that came."""
        return self._whole(data or {})

    def _whole(self, data: Data) -> int:
        selection = self._operation.selection_set
        if self._operation.operation is OperationType.MUTATION:
            return MUTATION * len(selection.selections)
        root = self._schema.get_root_type(self._operation.operation)
        return self._selection(selection, root, data)

    def _selection(self, selection: SelectionSetNode | None, parent: Any, data: Data) -> int:
        total = 0
        for node in selection.selections if selection else ():
            if isinstance(node, FieldNode):
                total += self._field(node, parent, data)
            elif isinstance(node, InlineFragmentNode):
                on = node.type_condition
                kind = self._schema.get_type(on.name.value) if on else parent
                total += self._branch(node.selection_set, kind, data)
            elif isinstance(node, FragmentSpreadNode):
                fragment = self._fragments[node.name.value]
                kind = self._schema.get_type(fragment.type_condition.name.value)
                total += self._branch(fragment.selection_set, kind, data)
        return total

    def _branch(self, selection: SelectionSetNode, kind: Any, data: Data) -> int:
        return self._selection(selection, kind, data)

    def _field(self, node: FieldNode, parent: Any, data: Data) -> int:
        kind = _type_of(parent, node)
        if kind is None or not is_composite_type(kind):
            return 0
        key = node.alias.value if node.alias else node.name.value
        came = None if data is None else data.get(key)
        if data is not None and came is None:
            return 0
        if is_object_type(kind) and kind.name.endswith("Connection"):
            return self._connection(node, kind, came)
        if isinstance(came, list):
            rows = cast("list[Data]", came)
            return sum(1 + self._selection(node.selection_set, kind, row) for row in rows if row)
        return self._own(kind) + self._selection(node.selection_set, kind, came)

    @staticmethod
    def _own(kind: Any) -> int:
        # Payloads of mutations are paid for with the mutation; money is two scalars in a bag.
        free = kind.name.endswith("Payload") or kind.name in ("PageInfo", "MoneyV2", "UserError")
        return 0 if free else 1

    def _connection(self, node: FieldNode, kind: GraphQLObjectType, came: Any) -> int:
        """As many times as it has nodes; one object less than nothing for the connection itself."""
        size = self._size(node) if came is None else None
        total = 0
        for part in self._flat(node.selection_set):
            if part.name.value not in ("edges", "nodes"):
                continue
            inner = named_type(kind.fields[part.name.value])
            key = part.alias.value if part.alias else part.name.value
            told = cast("dict[str, list[Data]]", came or {})
            rows = (told.get(key) or []) if size is None else [None]
            times = 1 if size is None else size
            total += times * sum(self._row(part, inner, row) for row in rows)
        return total

    def _flat(self, selection: SelectionSetNode | None) -> Iterator[FieldNode]:
        """The fields of a selection, those in fragments among them."""
        for part in selection.selections if selection else ():
            if isinstance(part, FieldNode):
                yield part
            elif isinstance(part, InlineFragmentNode):
                yield from self._flat(part.selection_set)
            elif isinstance(part, FragmentSpreadNode):
                yield from self._flat(self._fragments[part.name.value].selection_set)

    def _row(self, part: FieldNode, inner: Any, row: Data) -> int:
        if part.name.value == "nodes":
            return 1 + self._selection(part.selection_set, inner, row)
        return self._selection(part.selection_set, inner, row)

    def _size(self, node: FieldNode) -> int:
        for argument in node.arguments or ():
            if argument.name.value in ("first", "last"):
                value = argument.value
                if isinstance(value, IntValueNode):
                    return max(0, int(value.value))
                if isinstance(value, VariableNode):
                    given = self._variables.get(value.name.value)
                    return max(0, given) if isinstance(given, int) else 0
        return 0


def _type_of(parent: Any, node: FieldNode) -> Any:
    if not isinstance(parent, (GraphQLObjectType, GraphQLInterfaceType)):
        return None
    field = parent.fields.get(node.name.value)
    return None if field is None else named_type(field)


def named_type(field: GraphQLField) -> Any:
    """The type of a field without its lists and exclamation marks."""
    kind = cast("Any", field).type
    return cast("Any", get_named_type(kind))


def operation_of(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    """The operation to run.

    Raises:
        GraphQLError: if there is none of that name, or several and no name.
    """
    operations = [n for n in document.definitions if isinstance(n, OperationDefinitionNode)]
    if name is not None:
        operations = [n for n in operations if n.name is not None and n.name.value == name]
    if len(operations) != 1:
        message = "Name the one operation of the document that is to run."
        raise GraphQLError(message)
    return operations[0]
