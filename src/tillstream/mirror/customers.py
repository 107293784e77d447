"""Customers: ``customers/*``, and the shorter customer inside orders and checkouts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tillstream.mirror.change import Body, Change
from tillstream.mirror.join import Element, Fields, known, latest, layer
from tillstream.mirror.redaction import email_mark
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
            **known(element),
            "id": customer_id,
            "deleted": element.deleted,
            "updated_at": latest(element),
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
    fields = _read(body, _READERS)
    personal = _read(body, _PERSONAL)
    told_at = (
        moment(body.get("updated_at"), "customer.updated_at") or at or fields.get("created_at") or 0
    )
    element = Element(
        layers=layer(told_at, filled(fields), fields),
        personal=layer(told_at, filled(personal), personal),
        people=[email_mark(email)] if (email := personal.get("email")) else [],
    )
    return Change("customer", customer_id, element)


def filled(fields: Fields) -> int:
    """Ranks bodies of one second that differ where fields were left out: the fuller tells more."""
    return sum(value is not None for value in fields.values())


def _read(body: Body, readers: dict[str, Callable[[Any, str], Any]]) -> Fields:
    return {name: reader(body[name], name) for name, reader in readers.items() if name in body}


def _text(value: Any, _: str) -> Any:
    return text(value)


_READERS: dict[str, Callable[[Any, str], Any]] = {"created_at": moment}

_PERSONAL: dict[str, Callable[[Any, str], Any]] = dict.fromkeys(
    ("email", "first_name", "last_name", "phone"), _text
)
