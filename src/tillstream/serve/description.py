"""What the OpenAPI document says beyond what the calls say themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from fastapi.openapi.utils import get_openapi

from tillstream.serve.problems import MEDIA_TYPE, Problem

if TYPE_CHECKING:
    from fastapi import FastAPI
    from fastapi.routing import APIRoute

TEXT: Final = """
Names are in snake_case. Money is a decimal string in the answer's currency; a rate is a number from
0 to 1, or null where it has no denominator; ids are strings; times are RFC 3339 with offset, in the
shop's time zone where they are about one. Discounts and reversals are positive amounts that are
subtracted.

Every error is `application/problem+json` (RFC 9457); switch on its `type`.
"""

TAGS: Final[list[dict[str, Any]]] = [
    {"name": "auth", "description": "Signing up, in and out."},
    {"name": "people", "description": "The account, its people, and those who are invited."},
    {"name": "keys", "description": "API keys, for machines."},
    {"name": "audit", "description": "Who did what in the account."},
    {"name": "stores", "description": "The account's stores."},
    {
        "name": "analytics",
        "description": (
            "The figures, and the lists behind them. Each is a file as well: by the `Accept` header, or "
            "with `.csv` or `.parquet` at the end of its path; a list then comes whole."
        ),
    },
    {"name": "live", "description": "What happens now."},
    {"name": "privacy", "description": "What the law asks, and the proof that it was done."},
    {"name": "sql", "description": "Read-only logins to the database."},
    {"name": "operation", "description": "For those who run Tillstream."},
]

_REF: Final = "#/components/schemas/Problem"
_WITH_EXAMPLES: Final = ("/api/analytics/", "/api/orders/")
_PLAIN: Final[Mapping[str, Any]] = {"boolean": False, "integer": 1, "number": 0.5, "string": "…"}
_FASTAPI_ERRORS: Final = ("HTTPValidationError", "ValidationError")


def operation_id(route: APIRoute) -> str:
    """A call's name for generated clients: its function's, which is unique."""
    return route.name


def describe(app: FastAPI) -> None:
    """Make ``app.openapi()`` tell of problems instead of the framework's own error shape."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = openapi


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=app.description,
        routes=app.routes,
        tags=app.openapi_tags,
    )
    schemas = cast("dict[str, Any]", document["components"]["schemas"])
    for name in _FASTAPI_ERRORS:
        schemas.pop(name, None)
    _add_problem(schemas)
    for operations in document["paths"].values():
        for operation in operations.values():
            _tell_of_problems(operation)
    for path, operations in document["paths"].items():
        if path.startswith(_WITH_EXAMPLES):
            for operation in operations.values():
                _give_example(operation, schemas)
    return document


def _give_example(operation: dict[str, Any], schemas: Mapping[str, Any]) -> None:
    """Show an answer, put together of its fields' examples."""
    told = operation["responses"]["200"]["content"]["application/json"]
    told["example"] = example_of(told["schema"], schemas)


def example_of(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
    """A value that a schema describes: its own example, or one put together of its parts'."""
    if "$ref" in schema:
        return example_of(schemas[str(schema["$ref"]).rpartition("/")[2]], schemas)
    given = schema.get("examples") or schema.get("enum")
    if given or "const" in schema:
        return given[0] if given else schema["const"]
    if "anyOf" in schema:
        return example_of(schema["anyOf"][0], schemas)
    if schema.get("type") == "object":
        parts = schema.get("properties", {})
        return {name: example_of(part, schemas) for name, part in parts.items()}
    if schema.get("type") == "array":
        return [example_of(schema["items"], schemas)]
    return _PLAIN[str(schema.get("type"))]


def _add_problem(schemas: dict[str, Any]) -> None:
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(schema.pop("$defs", {}))
    schemas["Problem"] = schema


def _tell_of_problems(operation: dict[str, Any]) -> None:
    content = {MEDIA_TYPE: {"schema": {"$ref": _REF}}}
    responses = operation["responses"]
    shape = responses.get("422", {}).get("content", {}).get("application/json")
    if shape is not None:
        responses["422"] = {"description": "What was sent cannot be right.", "content": content}
    responses["default"] = {"description": "Any other problem.", "content": content}
