"""Products and their variants: ``products/*``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tillstream.mirror.change import Body, Change
from tillstream.mirror.join import Element, Fields, layer, merged, newest
from tillstream.mirror.values import (
    count,
    identifier,
    moment,
    money,
    objects,
    optional_identifier,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Callable


class Variant(msgspec.Struct, frozen=True, omit_defaults=True):
    """A variant. Prices in ten-thousandths of the shop's currency."""

    id: int
    title: str | None = None
    sku: str | None = None
    price: int = 0
    compare_at_price: int | None = None
    inventory_item_id: int | None = None
    inventory_quantity: int | None = None
    position: int | None = None


class Product(msgspec.Struct, frozen=True):
    """A merged product. Times in µs since the epoch."""

    id: int
    deleted: bool
    updated_at: int | None
    title: str | None = None
    handle: str | None = None
    status: str | None = None
    vendor: str | None = None
    product_type: str | None = None
    created_at: int | None = None
    variants: list[Variant] = []


def read(body: Body) -> list[Change]:
    """``products/create`` and ``products/update``."""
    product_id = identifier(body.get("id"), "id")
    fields: Fields = {
        name: reader(body[name], name) for name, reader in _READERS.items() if name in body
    }
    at = moment(body.get("updated_at"), "updated_at") or fields.get("created_at") or 0
    filled = sum(value is not None for value in fields.values())
    return [Change("product", product_id, Element(layers=layer(at, filled, fields)))]


def read_delete(body: Body) -> list[Change]:
    """``products/delete``: the body is just the id."""
    return [Change("product", identifier(body.get("id"), "id"), Element(deleted=True))]


def view(product_id: int, element: Element) -> Product:
    """The merged product of an element."""
    return msgspec.convert(
        {
            **merged(element.layers),
            "id": product_id,
            "deleted": element.deleted,
            "updated_at": newest(element.layers),
        },
        Product,
    )


def _variants(value: Any, name: str) -> Any:
    return [_variant(item, f"{name}[{index}]") for index, item in enumerate(objects(value, name))]


def _variant(item: Body, where: str) -> Fields:
    compare = item.get("compare_at_price")
    stock, position = item.get("inventory_quantity"), item.get("position")
    return msgspec.to_builtins(
        Variant(
            id=identifier(item.get("id"), f"{where}.id"),
            title=text(item.get("title")),
            sku=text(item.get("sku")),
            price=money(item.get("price"), f"{where}.price"),
            compare_at_price=None
            if compare in (None, "")
            else money(compare, f"{where}.compare_at_price"),
            inventory_item_id=optional_identifier(
                item.get("inventory_item_id"), f"{where}.inventory_item_id"
            ),
            inventory_quantity=None
            if stock is None
            else count(stock, f"{where}.inventory_quantity"),
            position=None if position is None else count(position, f"{where}.position"),
        )
    )


def _text(value: Any, _: str) -> Any:
    return text(value)


_READERS: dict[str, Callable[[Any, str], Any]] = {
    **dict.fromkeys(("title", "handle", "status", "vendor", "product_type"), _text),
    "created_at": moment,
    "variants": _variants,
}
