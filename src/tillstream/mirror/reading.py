"""Reading a body field by field: only what it tells, so that what it leaves out wipes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, cast

from tillstream.mirror.change import Body, Change, Resource
from tillstream.mirror.join import Element, Fields, layer
from tillstream.mirror.values import (
    count,
    flag,
    identifier,
    mapping,
    moment,
    money,
    optional_identifier,
    text,
    token,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Read: TypeAlias = "Callable[[Any, str], Any]"
"""Takes a value and the name of its field; raises ``Malformed``."""
Readers: TypeAlias = "Mapping[str, tuple[str, Read]]"
"""By a field's name in the body, its name in the mirror and how it is read."""


def named(read: Read, *names: str, **renamed: str) -> dict[str, tuple[str, Read]]:
    """Readers of fields that keep their names, and of those that get another one."""
    return {name: (name, read) for name in names} | {
        told: (name, read) for told, name in renamed.items()
    }


def fields(body: Body, readers: Readers) -> Fields:
    """The fields that a body tells."""
    return {name: read(body[told], told) for told, (name, read) in readers.items() if told in body}


def filled(told: Fields) -> int:
    """Ranks bodies of one second that differ where fields were left out: the fuller tells more."""
    return sum(value is not None for value in told.values())


def present(told: Fields) -> Fields:
    """Without the nulls, for facts that are never taken back: there null only tells nothing."""
    return {name: value for name, value in told.items() if value is not None}


def change(resource: Resource, body: Body, readers: Readers) -> Change:
    """The word of a body that is about nobody, known by its ``id``, as of its ``updated_at``."""
    told = fields(body, readers)
    at = moment(body.get("updated_at"), "updated_at") or told.get("created_at") or 0
    element = Element(layers=layer(at, filled(told), told))
    return Change(resource, identifier(body.get("id"), "id"), element)


def gone(resource: Resource, body: Body) -> Change:
    """The word of a body that only says which resource was deleted."""
    return Change(resource, identifier(body.get("id"), "id"), Element(deleted=True))


def as_text(value: Any, _: str) -> str | None:
    """A string or null."""
    return text(value)


def as_flag(value: Any, _: str) -> bool | None:
    """True, false, or null where it is neither known."""
    return None if value is None else flag(value)


def as_count(value: Any, name: str) -> int | None:
    """A whole number, or null where none is told."""
    return None if value is None else count(value, name)


def as_amount(value: Any, name: str) -> int | None:
    """Ten-thousandths, or null where no amount is told."""
    return None if value in (None, "") else money(value, name)


def as_token(value: Any, _: str) -> str | None:
    """The part of a token before its ``?``, or null."""
    return token(value)


def as_customer_id(value: Any, _: str) -> int | None:
    """The id of the customer inside another body; null for a guest."""
    return optional_identifier(mapping(value).get("id"), "customer.id")


def as_list(value: Any, _: str) -> list[str]:
    """The words of an array of strings, or of one string with commas; sorted, each once."""
    parts: list[Any] = (
        cast("list[Any]", value) if isinstance(value, list) else str(value or "").split(",")
    )
    return sorted({word for part in parts if (word := (text(part) or "").strip())})
