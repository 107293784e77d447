"""Customers: ``customers/*``, and the shorter customer inside orders and checkouts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tillstream.mirror.change import Body, Change
from tillstream.mirror.join import Element, Fields, layer, merged, newest
from tillstream.mirror.values import identifier, moment, text

if TYPE_CHECKING:
    from collections.abc import Callable


class Customer(msgspec.Struct, frozen=True):
    """A merged customer. Times in µs since the epoch."""

    id: int
    deleted: bool
    updated_at: int | None
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    phone: str | None = None
    created_at: int | None = None


def read(body: Body) -> list[Change]:
    """``customers/create``, ``/update``, ``/enable``, ``/disable``."""
    return [_change(body, 0)]


def read_delete(body: Body) -> list[Change]:
    """``customers/delete``."""
    return [Change("customer", identifier(body.get("id"), "id"), Element(deleted=True))]


def read_embedded(body: Any, at: int) -> list[Change]:
    """The customer inside another body of time ``at``; null, absent or without id is a guest."""
    if not isinstance(body, dict) or body.get("id") in (None, "", 0):  # pyright: ignore[reportUnknownMemberType]
        return []
    return [_change(body, at)]  # pyright: ignore[reportUnknownArgumentType]


def view(customer_id: int, element: Element) -> Customer:
    """The merged customer of an element."""
    return msgspec.convert(
        {
            **merged(element.layers),
            "id": customer_id,
            "deleted": element.deleted,
            "updated_at": newest(element.layers),
        },
        Customer,
    )


def full_name(body: Body) -> str | None:
    """First and last name in one string, null where there is neither."""
    return (
        " ".join(
            part for part in (text(body.get("first_name")), text(body.get("last_name"))) if part
        )
        or None
    )


def _change(body: Body, at: int) -> Change:
    customer_id = identifier(body.get("id"), "customer.id")
    fields: Fields = {
        name: reader(body[name], name) for name, reader in _READERS.items() if name in body
    }
    told_at = (
        moment(body.get("updated_at"), "customer.updated_at") or at or fields.get("created_at") or 0
    )
    # Bodies of one second differ where fields were redacted: the fuller one tells more.
    filled = sum(value is not None for value in fields.values())
    return Change("customer", customer_id, Element(layers=layer(told_at, filled, fields)))


def _text(value: Any, _: str) -> Any:
    return text(value)


_READERS: dict[str, Callable[[Any, str], Any]] = {
    **dict.fromkeys(("email", "first_name", "last_name", "phone"), _text),
    "created_at": moment,
}
