"""The GraphQL API of one stand-in: documents in, answers with their cost out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from graphql import GraphQLError, build_schema, execute_sync, parse, validate  # pyright: ignore[reportUnknownVariableType]
from graphql.execution.values import get_variable_values

from tillstream.simulator.admin.bucket import MOST_FOR_ONE
from tillstream.simulator.admin.bulk import BulkQuery, BulkRefused
from tillstream.simulator.admin.cost import Price, operation_of
from tillstream.simulator.admin.roots import query_root
from tillstream.simulator.admin.subscriptions import TOPIC_ENUM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import DocumentNode, GraphQLSchema

    from tillstream.simulator.admin.bucket import Bucket
    from tillstream.simulator.admin.context import Context

    Json = dict[str, Any]

_LONGEST: Final = 50_000
"""Characters of a document."""


class Question(NamedTuple):
    """What a request asks."""

    document: str
    variables: Json
    operation_name: str | None = None


@cache
def schema() -> GraphQLSchema:
    """The schema, with the topics that there are."""
    text = files("tillstream.simulator.admin").joinpath("schema.graphql").read_text("utf-8")
    topics = "\n".join(f"  {topic}" for topic in TOPIC_ENUM)
    return build_schema(f"{text}\nenum WebhookSubscriptionTopic {{\n{topics}\n}}\n")


@cache
def _root() -> dict[str, Any]:
    return query_root(schema())


@dataclass(frozen=True, slots=True)
class _Prepared:
    document: DocumentNode
    operation_name: str | None
    variables: Json
    price: Price


def answer(question: Question, context: Context, bucket: Bucket) -> Json:
    """The answer's body: data, errors and what it cost. Its status is 200, whatever it says."""
    try:
        prepared = _prepare(question)
    except GraphQLError as error:
        return {"errors": [error.formatted]}
    requested = prepared.price.requested()
    if requested > MOST_FOR_ONE:
        message = f"The query costs {requested} points; {MOST_FOR_ONE} are the most for one."
        extensions = {"code": "MAX_COST_EXCEEDED", "cost": requested, "maxCost": MOST_FOR_ONE}
        return {"errors": [{"message": message, "extensions": extensions}]}
    if not bucket.take(requested, context.now):
        return throttled(requested, context, bucket)
    return _run(prepared, requested, context, bucket)


def throttled(requested: int, context: Context, bucket: Bucket) -> Json:
    """What is said instead of an answer while there are too few points."""
    return {
        "errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}],
        "extensions": {"cost": _told(requested, None, context, bucket)},
    }


def rows_of(source: str, context: Context) -> Iterator[Json]:
    """The rows of a bulk query.

    Raises:
        BulkRefused: with the error code, if a field was refused.
    """
    query = BulkQuery(schema(), source)
    result = execute_sync(
        schema(), query.document, root_value=_root(), context_value=replace(context, bulk=True)
    )
    for error in result.errors or ():
        code = (error.extensions or {}).get("code")
        known = "ACCESS_DENIED" if code == "ACCESS_DENIED" else "INTERNAL_SERVER_ERROR"
        raise BulkRefused(known)
    yield from query.rows(result.data or {})


def _prepare(question: Question) -> _Prepared:
    if len(question.document) > _LONGEST:
        message = f"A document has at most {_LONGEST} characters."
        raise GraphQLError(message)
    document = parse(question.document)
    faults = validate(schema(), document)
    if faults:
        raise faults[0]
    operation = operation_of(document, question.operation_name)
    values = get_variable_values(schema(), operation.variable_definitions or (), question.variables)
    if isinstance(values, list):
        raise values[0]
    price = Price(schema(), document, operation, values.coerced)
    return _Prepared(document, question.operation_name, question.variables, price)


def _run(prepared: _Prepared, requested: int, context: Context, bucket: Bucket) -> Json:
    result = execute_sync(
        schema(),
        prepared.document,
        root_value=_root(),
        context_value=context,
        variable_values=prepared.variables,
        operation_name=prepared.operation_name,
    )
    actual = min(requested, prepared.price.actual(result.data))
    bucket.give_back(requested - actual, context.now)
    told: Json = {"data": result.data}
    if result.errors:
        told["errors"] = [error.formatted for error in result.errors]
    return told | {"extensions": {"cost": _told(requested, actual, context, bucket)}}


def _told(requested: int, actual: int | None, context: Context, bucket: Bucket) -> Json:
    return {
        "requestedQueryCost": requested,
        "actualQueryCost": actual,
        "throttleStatus": bucket.status(context.now),
    }
