"""Returns: ``returns/*``. Their bodies tell no time, and some no more than an id.

What orders them is the time of the trigger and, where there is none, how far the return has come. The
one way back, from closed to open, has a topic of its own (``returns/reopen``), further on than closed.
https://shopify.dev/docs/api/admin-graphql/latest/enums/ReturnStatus
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from tillstream.mirror.change import Body, Change
from tillstream.mirror.join import Element, Fields, layer, merged, newest
from tillstream.mirror.reading import Readers, as_text, fields, filled, named, present
from tillstream.mirror.values import (
    identifier,
    mapping,
    moment,
    optional_identifier,
    text,
    triggered_at,
)


class Return(msgspec.Struct, frozen=True):
    """A merged return. Times in µs since the epoch, where a sender tells them."""

    id: int
    updated_at: int | None
    order_id: int | None = None
    name: str | None = None
    status: str | None = None
    created_at: int | None = None


def read(body: Body) -> list[Change]:
    """Every topic of returns but ``returns/reopen``."""
    return [_change(body, 0)]


def read_reopen(body: Body) -> list[Change]:
    """``returns/reopen``: closed no more."""
    return [_change(body, _REOPENED)]


def view(return_id: int, element: Element) -> Return:
    """The merged return of an element."""
    return msgspec.convert(
        {**merged(element.layers), "id": return_id, "updated_at": newest(element.layers)}, Return
    )


def _change(body: Body, least: int) -> Change:
    told = present({**fields(body, _READERS), "order_id": _order_id(body)})
    at = moment(body.get("updated_at"), "updated_at") or triggered_at(body)
    rank = max(_PROGRESS.get(told.get("status") or "", 0), least) * 100 + filled(told)
    return Change("return", _id(body), Element(layers=layer(at, rank, told)))


def _id(body: Body) -> int:
    """``returns/update`` names the return by its gid alone."""
    found = body.get("id")
    return identifier(body.get("admin_graphql_api_id") if found is None else found, "id")


def _order_id(body: Body) -> int | None:
    told: Fields = mapping(body.get("order"))
    for value, name in (
        (body.get("order_id"), "order_id"),
        (told.get("id"), "order.id"),
        (told.get("admin_graphql_api_id"), "order.admin_graphql_api_id"),
    ):
        if (found := optional_identifier(value, name)) is not None:
            return found
    return None


def _status(value: Any, _: str) -> str | None:
    return (text(value) or "").lower() or None


_PROGRESS: Final = {
    "requested": 1,
    "open": 2,
    "declined": 3,
    "canceled": 3,
    "cancelled": 3,
    "closed": 3,
}
_REOPENED: Final = 4

_READERS: Final[Readers] = {
    **named(as_text, "name"),
    **named(_status, "status"),
    **named(moment, "created_at"),
}
