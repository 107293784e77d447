"""Pages of a list, by cursors that stay right while the list grows.

https://shopify.dev/docs/api/usage/pagination-graphql
A cursor names the last thing seen by its id and by what the list is sorted by, not by its place.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias, TypeVar

from graphql import GraphQLError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")
SortValue: TypeAlias = "int | str | datetime | Decimal"
Rank: TypeAlias = "tuple[SortValue, int]"

MOST_AT_ONCE: Final = 250


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """Things to be paged: each with its rank (what it is sorted by, then its id)."""

    items: Iterable[T]
    rank: Callable[[T], Rank]
    show: Callable[[T], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Page:
    """The arguments of a connection."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None
    reverse: bool = False

    @classmethod
    def of(cls, arguments: dict[str, Any]) -> Page:
        """The page that a field's arguments ask for.

        Raises:
            GraphQLError: if it is none.
        """
        first, last = arguments.get("first"), arguments.get("last")
        if first is None and last is None:
            message = "Say how many are wanted: first or last."
            raise GraphQLError(message, extensions=_BAD)
        if first is not None and last is not None:
            message = "Say first or last, not both."
            raise GraphQLError(message, extensions=_BAD)
        if not 0 <= (first if first is not None else last or 0) <= MOST_AT_ONCE:
            message = f"A page holds from 0 to {MOST_AT_ONCE}."
            raise GraphQLError(message, extensions=_BAD)
        return cls(
            first,
            arguments.get("after"),
            last,
            arguments.get("before"),
            reverse=bool(arguments.get("reverse")),
        )


_BAD: Final = {"code": "BAD_REQUEST"}


def connect(listing: Listing[T], page: Page) -> dict[str, Any]:
    """The connection object: edges, nodes and what lies beyond them.

    Raises:
        GraphQLError: for a cursor that was not given out for such a list.
    """
    ranked = sorted(
        ((listing.rank(item), item) for item in listing.items), key=lambda pair: pair[0]
    )
    if page.reverse:
        ranked.reverse()
    after = None if page.after is None else _read_cursor(page.after)
    before = None if page.before is None else _read_cursor(page.before)
    inside = [
        (rank, item)
        for rank, item in ranked
        if (after is None or _beyond(rank, after, reverse=page.reverse))
        and (before is None or _beyond(before, rank, reverse=page.reverse))
    ]
    if page.first is not None:
        chosen, more = inside[: page.first], len(inside) > page.first
        earlier, later = after is not None, more
    else:
        count = page.last or 0
        chosen, more = (
            inside[len(inside) - count :] if count < len(inside) else inside,
            len(inside) > count,
        )
        earlier, later = more, before is not None
    return _connection(
        [(rank, listing.show(item)) for rank, item in chosen], earlier=earlier, later=later
    )


def connect_all(listing: Listing[T]) -> dict[str, Any]:
    """Everything as one page, in its order: for bulk operations."""
    ranked = sorted(
        ((listing.rank(item), item) for item in listing.items), key=lambda pair: pair[0]
    )
    return _connection(
        [(rank, listing.show(item)) for rank, item in ranked], earlier=False, later=False
    )


def _connection(
    shown: list[tuple[Rank, dict[str, Any]]], *, earlier: bool, later: bool
) -> dict[str, Any]:
    edges = [{"cursor": _cursor(rank), "node": node} for rank, node in shown]
    return {
        "edges": edges,
        "nodes": [edge["node"] for edge in edges],
        "pageInfo": {
            "hasNextPage": later,
            "hasPreviousPage": earlier,
            "startCursor": edges[0]["cursor"] if edges else None,
            "endCursor": edges[-1]["cursor"] if edges else None,
        },
    }


def _beyond(rank: Rank, border: Rank, *, reverse: bool) -> bool:
    try:
        return rank < border if reverse else rank > border
    except TypeError:
        message = "The cursor is of a list sorted otherwise."
        raise GraphQLError(message, extensions=_BAD) from None


def _cursor(rank: Rank) -> str:
    value, identifier = rank
    printed = {"last_id": identifier, "last_value": _printed(value), "type": type(value).__name__}
    return b64encode(json.dumps(printed, separators=(",", ":")).encode()).decode()


def _printed(value: SortValue) -> int | str:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _read_cursor(cursor: str) -> Rank:
    try:
        said = json.loads(b64decode(cursor, validate=True))
        readers: dict[str, Callable[[Any], SortValue]] = {
            "int": int,
            "str": str,
            "datetime": datetime.fromisoformat,
            "Decimal": Decimal,
        }
        return readers[said["type"]](said["last_value"]), int(said["last_id"])
    except (ValueError, KeyError, TypeError, ArithmeticError):
        message = "The cursor is none of this API's."
        raise GraphQLError(message, extensions=_BAD) from None
