"""The addresses of a shop: ``domains/*``. Their bodies have no time, so that of the trigger counts."""

from __future__ import annotations

from typing import Final

import msgspec

from tillstream.mirror.change import Body, Change
from tillstream.mirror.join import Element, Fields, layer, merged, newest
from tillstream.mirror.reading import (
    Readers,
    as_flag,
    as_list,
    as_text,
    fields,
    filled,
    gone,
    named,
)
from tillstream.mirror.values import identifier, mapping, triggered_at


class Domain(msgspec.Struct, frozen=True):
    """A merged domain. ``country`` is the market it serves, ``default_locale`` the language it speaks."""

    id: int
    deleted: bool
    updated_at: int | None
    host: str | None = None
    ssl_enabled: bool | None = None
    country: str | None = None
    default_locale: str | None = None
    alternate_locales: list[str] = []


def read(body: Body) -> list[Change]:
    """``domains/create`` and ``domains/update``."""
    told: Fields = {
        **fields(body, _READERS),
        **fields(mapping(body.get("localization")), _LOCALIZATION),
    }
    element = Element(layers=layer(triggered_at(body), filled(told), told))
    return [Change("domain", identifier(body.get("id"), "id"), element)]


def read_destroy(body: Body) -> list[Change]:
    """``domains/destroy``."""
    return [gone("domain", body)]


def view(domain_id: int, element: Element) -> Domain:
    """The merged domain of an element."""
    return msgspec.convert(
        {
            **merged(element.layers),
            "id": domain_id,
            "deleted": element.deleted,
            "updated_at": newest(element.layers),
        },
        Domain,
    )


_READERS: Final[Readers] = {**named(as_text, "host"), **named(as_flag, "ssl_enabled")}
_LOCALIZATION: Final[Readers] = {
    **named(as_text, "country", "default_locale"),
    **named(as_list, "alternate_locales"),
}
