"""The shop's own settings: ``shop/update``. Its currency and time zone date and label every figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

import msgspec

from tillstream.mirror.change import Body, Change
from tillstream.mirror.join import Element, Fields, layer, merged, newest
from tillstream.mirror.values import moment, text

if TYPE_CHECKING:
    from collections.abc import Callable


class Shop(msgspec.Struct, frozen=True):
    """The merged shop settings. Times in µs since the epoch."""

    updated_at: int | None
    name: str | None = None
    email: str | None = None
    domain: str | None = None
    currency: str | None = None
    timezone: str | None = None
    plan_name: str | None = None
    created_at: int | None = None


def read(body: Body) -> list[Change]:
    """``shop/update``. There is one shop per store, so it needs no key."""
    fields: Fields = {
        _NAMES.get(name, name): reader(body[name], name)
        for name, reader in _READERS.items()
        if name in body
    }
    if fields.get("timezone") is None:
        # A zone that nobody knows tells nothing: it must not cover the one that is known.
        fields.pop("timezone", None)
    at = moment(body.get("updated_at"), "updated_at") or fields.get("created_at") or 0
    filled = sum(value is not None for value in fields.values())
    return [Change("shop", 0, Element(layers=layer(at, filled, fields)))]


def view(_: int | str, element: Element) -> Shop:
    """The merged shop of an element."""
    return msgspec.convert({**merged(element.layers), "updated_at": newest(element.layers)}, Shop)


def _text(value: Any, _: str) -> Any:
    return text(value)


def _timezone(value: Any, _: str) -> Any:
    name = text(value)
    return name if name in _ZONES else None


_ZONES = available_timezones()

_READERS: dict[str, Callable[[Any, str], Any]] = {
    **dict.fromkeys(("name", "email", "domain", "currency", "plan_name"), _text),
    "iana_timezone": _timezone,
    "created_at": moment,
}

_NAMES = {"iana_timezone": "timezone"}
