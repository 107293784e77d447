"""What is in stock and where: ``inventory_items/*`` and ``inventory_levels/*``."""

from __future__ import annotations

from typing import Final

import msgspec

from tillstream.mirror.change import Body, Change
from tillstream.mirror.join import Element, Fields, layer, merged, newest
from tillstream.mirror.reading import (
    Readers,
    as_amount,
    as_count,
    as_flag,
    as_text,
    change,
    fields,
    filled,
    gone,
    named,
)
from tillstream.mirror.values import identifier, moment, triggered_at


class Item(msgspec.Struct, frozen=True):
    """A merged inventory item. Times in µs, ``cost`` of one unit in ten-thousandths of the shop's currency."""

    id: int
    deleted: bool
    updated_at: int | None
    sku: str | None = None
    cost: int | None = None
    tracked: bool | None = None
    requires_shipping: bool | None = None
    created_at: int | None = None


class Level(msgspec.Struct, frozen=True):
    """How much of an item is at a location; ``deleted``: it is not stocked there (any more)."""

    inventory_item_id: int
    location_id: int
    deleted: bool
    updated_at: int | None
    available: int | None = None


def read_item(body: Body) -> list[Change]:
    """``inventory_items/create`` and ``/update``."""
    return [change("inventory_item", body, _ITEM)]


def read_item_delete(body: Body) -> list[Change]:
    """``inventory_items/delete``."""
    return [gone("inventory_item", body)]


def view_item(item_id: int, element: Element) -> Item:
    """The merged item of an element."""
    return msgspec.convert(
        {
            **merged(element.layers),
            "id": item_id,
            "deleted": element.deleted,
            "updated_at": newest(element.layers),
        },
        Item,
    )


def read_level(body: Body) -> list[Change]:
    """``inventory_levels/connect`` and ``/update``: either says that the item is stocked there."""
    told: Fields = {**fields(body, _LEVEL), _STOCKED: True}
    return [_level(body, moment(body.get("updated_at"), "updated_at") or 0, told)]


def read_disconnect(body: Body) -> list[Change]:
    """``inventory_levels/disconnect``: no tombstone, for the item may be stocked there again.

    The body has no time. Of what comes before and after it nothing but the time of the trigger tells.
    """
    return [_level(body, triggered_at(body), {_STOCKED: False})]


def view_level(key: int | str, element: Element) -> Level:
    """The merged level of an element."""
    item, _, location = str(key).partition(":")
    told = merged(element.layers)
    return Level(
        inventory_item_id=int(item),
        location_id=int(location),
        deleted=not told.get(_STOCKED, True),
        updated_at=newest(element.layers),
        available=told.get("available"),
    )


def _level(body: Body, at: int, told: Fields) -> Change:
    item = identifier(body.get("inventory_item_id"), "inventory_item_id")
    location = identifier(body.get("location_id"), "location_id")
    return Change(
        "inventory_level", f"{item}:{location}", Element(layers=layer(at, filled(told), told))
    )


_STOCKED: Final = "stocked"

_ITEM: Final[Readers] = {
    **named(as_text, "sku"),
    **named(as_amount, "cost"),
    **named(as_flag, "tracked", "requires_shipping"),
    **named(moment, "created_at"),
}
_LEVEL: Final[Readers] = named(as_count, "available")
