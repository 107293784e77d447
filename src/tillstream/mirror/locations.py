"""Places where a shop keeps or sells things: ``locations/*``. Of an address, the country and the province."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tillstream.mirror.join import Element, merged, newest
from tillstream.mirror.reading import Readers, as_flag, as_text, change, gone, named
from tillstream.mirror.values import moment

if TYPE_CHECKING:
    from tillstream.mirror.change import Body, Change


class Location(msgspec.Struct, frozen=True):
    """A merged location. Times in µs since the epoch; countries and provinces by their ISO codes."""

    id: int
    deleted: bool
    updated_at: int | None
    name: str | None = None
    country_code: str | None = None
    province_code: str | None = None
    active: bool | None = None
    created_at: int | None = None


def read(body: Body) -> list[Change]:
    """``locations/create``, ``/update``, ``/activate``, ``/deactivate``: all of them the location."""
    return [change("location", body, _READERS)]


def read_delete(body: Body) -> list[Change]:
    """``locations/delete``."""
    return [gone("location", body)]


def view(location_id: int, element: Element) -> Location:
    """The merged location of an element."""
    return msgspec.convert(
        {
            **merged(element.layers),
            "id": location_id,
            "deleted": element.deleted,
            "updated_at": newest(element.layers),
        },
        Location,
    )


_READERS: Final[Readers] = {
    **named(as_text, "name", "country_code", "province_code"),
    **named(as_flag, "active"),
    **named(moment, "created_at"),
}
