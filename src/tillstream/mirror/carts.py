"""Carts of the online store: ``carts/create`` and ``/update``. Only what is in them in sum is kept.

https://shopify.dev/docs/api/admin-rest/latest/resources/cart
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from tillstream.mirror.change import Body, Change
from tillstream.mirror.join import Element, Fields, layer, merged, newest
from tillstream.mirror.reading import filled
from tillstream.mirror.values import (
    Malformed,
    count,
    mapping,
    moment,
    objects,
    set_money,
    text,
    token,
)


class Cart(msgspec.Struct, frozen=True):
    """A merged cart. Times in µs, ``value`` in ten-thousandths of the shop's ``currency``."""

    token: str
    updated_at: int | None
    currency: str | None = None
    items: int | None = None
    """Lines."""
    units: int | None = None
    value: int | None = None
    """What the lines come to, after discounts."""
    created_at: int | None = None


def read(body: Body) -> list[Change]:
    """``carts/create`` and ``carts/update``. Newer bodies put the token under ``id`` as well."""
    told: Fields = {}
    if "created_at" in body:
        told["created_at"] = moment(body["created_at"], "created_at")
    if "line_items" in body:
        told |= _contents(objects(body["line_items"], "line_items"))
    at = moment(body.get("updated_at"), "updated_at") or told.get("created_at") or 0
    element = Element(layers=layer(at, filled(told), told))
    return [Change("cart", _key(body), element)]


def view(key: str, element: Element) -> Cart:
    """The merged cart of an element."""
    return msgspec.convert(
        {**merged(element.layers), "token": key, "updated_at": newest(element.layers)}, Cart
    )


def _key(body: Body) -> str:
    found = token(body.get("token")) or token(body.get("id"))
    if found is None:
        raise Malformed("missing_id", "`token` is missing: a cart is known by nothing else.")
    return found


def _contents(lines: list[Body]) -> Fields:
    """An empty cart has a value, but no currency to tell it in: the one it had stays."""
    currency = next((found for line in lines if (found := _currency(line)) is not None), None)
    told: Fields = {
        "items": len(lines),
        "units": sum(count(line.get("quantity"), "line_items.quantity") for line in lines),
        "value": sum(_value(line) for line in lines),
    }
    return told if currency is None else {**told, "currency": currency}


def _value(line: Body) -> int:
    if line.get("line_price_set") is None and line.get("line_price") is None:
        price = set_money(line.get("price_set"), line.get("price"), "line_items.price")
        return price * count(line.get("quantity"), "line_items.quantity")
    return set_money(line.get("line_price_set"), line.get("line_price"), "line_items.line_price")


def _currency(line: Body) -> str | None:
    bag: Any = mapping(line.get("line_price_set")).get("shop_money")
    found = text(mapping(bag).get("currency_code"))
    return None if found == _NO_CURRENCY else found


_NO_CURRENCY: Final = "XXX"
"""ISO 4217 for none, which Shopify puts where an amount is of no currency yet."""
