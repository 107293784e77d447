"""Products and their variants: ``products/*``, and what ``variants/*`` say of a variant alone.

A product's body has no more than its first hundred variants; of the rest it has only the ids
(``variant_gids``), so a variant is a part of its own, which a body that leaves it out does not wipe.
https://shopify.dev/docs/api/webhooks?reference=toml#list-of-topics-products/update
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from tillstream.mirror.change import Body, Change
from tillstream.mirror.join import Element, Fields, Layers, layer, merged, newest
from tillstream.mirror.reading import (
    Readers,
    as_amount,
    as_count,
    as_list,
    as_text,
    fields,
    filled,
    gone,
    named,
)
from tillstream.mirror.values import (
    identifier,
    moment,
    objects,
    optional_identifier,
)


class Variant(msgspec.Struct, frozen=True, omit_defaults=True):
    """A variant. Prices in ten-thousandths of the shop's currency.

    All but the id is null for a variant of which no body has told more. ``in_stock`` is what the
    last ``variants/in_stock`` or ``variants/out_of_stock`` said.
    """

    id: int
    title: str | None = None
    sku: str | None = None
    price: int | None = None
    compare_at_price: int | None = None
    inventory_item_id: int | None = None
    inventory_quantity: int | None = None
    position: int | None = None
    in_stock: bool | None = None


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
    tags: list[str] = []
    published_at: int | None = None
    created_at: int | None = None
    variants: list[Variant] = []


def read(body: Body) -> list[Change]:
    """``products/create`` and ``products/update``."""
    product_id = identifier(body.get("id"), "id")
    told = fields(body, _READERS)
    at = moment(body.get("updated_at"), "updated_at") or told.get("created_at") or 0
    variants = objects(body.get("variants"), "variants")
    listed = _listed(body, variants)
    if listed is not None:
        told[_MEMBERS] = listed
    parts = {str(identifier(one.get("id"), "variants.id")): _variant(one, at) for one in variants}
    element = Element(
        layers=layer(at, filled(told), told), parts={_VARIANTS: parts} if parts else {}
    )
    return [Change("product", product_id, element)]


def read_delete(body: Body) -> list[Change]:
    """``products/delete``: the body is just the id."""
    return [gone("product", body)]


def read_in_stock(body: Body) -> list[Change]:
    """``variants/in_stock``: the root object is the variant, which names its product."""
    return [_alone(body, in_stock=True)]


def read_out_of_stock(body: Body) -> list[Change]:
    """``variants/out_of_stock``."""
    return [_alone(body, in_stock=False)]


def view(product_id: int, element: Element) -> Product:
    """The merged product of an element."""
    return msgspec.convert(
        {
            **merged(element.layers),
            "id": product_id,
            "deleted": element.deleted,
            "updated_at": newest(element.layers),
            "variants": _variants(element),
        },
        Product,
    )


def _listed(body: Body, variants: list[Body]) -> list[int] | None:
    """Which variants there are, sorted; None where the body leaves that open."""
    ids = {identifier(one.get("id"), "variants.id") for one in variants}
    others = {
        identifier(one.get("admin_graphql_api_id"), "variant_gids.admin_graphql_api_id")
        for one in objects(body.get("variant_gids"), "variant_gids")
    }
    # There are more ids than variants only where variants were left out.
    if len(others) > len(ids):
        return sorted(ids | others)
    whole = body.get("variants") is not None and (bool(others) or len(ids) < _MOST_TOLD)
    return sorted(ids) if whole else None


def _variant(body: Body, at: int, **more: Any) -> Layers:
    told: Fields = {**fields(body, _VARIANT), **more}
    # A stock that changes need not move a variant's own `updated_at`, but it does the product's.
    return layer(at, filled(told), told)


def _alone(body: Body, *, in_stock: bool) -> Change:
    product_id = identifier(body.get("product_id"), "product_id")
    key = str(identifier(body.get("id"), "id"))
    at = moment(body.get("updated_at"), "updated_at") or 0
    parts = {_VARIANTS: {key: _variant(body, at, in_stock=in_stock)}}
    return Change("product", product_id, Element(parts=parts))


def _variants(element: Element) -> list[Fields]:
    """Those that the newest list has, and those of which was told after it."""
    parts = element.parts.get(_VARIANTS, {})
    newest_list = next((one for one in element.layers if _MEMBERS in one.fields), None)
    listed: list[int] = [] if newest_list is None else newest_list.fields[_MEMBERS]
    listed_at = -1 if newest_list is None else newest_list.at
    later = {int(key) for key, layers in parts.items() if layers and layers[0].at > listed_at}
    variants = [{**merged(parts.get(str(key), [])), "id": key} for key in later.union(listed)]
    return sorted(variants, key=_place)


def _place(variant: Fields) -> tuple[bool, int, int]:
    """As the merchant put them in order; last those of which no more is known than the id."""
    position = variant.get("position")
    return (position is None, position or 0, variant["id"])


_VARIANTS: Final = "variants"
_MEMBERS: Final = "variant_ids"
_MOST_TOLD: Final = 100
"""Variants that a body tells of at length."""

_READERS: Final[Readers] = {
    **named(as_text, "title", "handle", "status", "vendor", "product_type"),
    **named(as_list, "tags"),
    **named(moment, "created_at", "published_at"),
}
_VARIANT: Final[Readers] = {
    **named(as_text, "title", "sku"),
    **named(as_amount, "price", "compare_at_price"),
    **named(optional_identifier, "inventory_item_id"),
    **named(as_count, "inventory_quantity", "position"),
}
