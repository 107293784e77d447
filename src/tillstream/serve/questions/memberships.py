"""Which products are in each smart collection now: what its rules pick, told once per change of them.

Rules are weighed in the process that asks, against all products of the store. That is kept until a
product or variant changes: the database tells of each visible row which version it is, so what is
kept is of the very moment of the transaction that asks, and no process has to tell another.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from typing import TYPE_CHECKING, Any, Final, LiteralString, NamedTuple

import msgspec

from tillstream.mirror.collections import Collection, Rule, members
from tillstream.mirror.products import Product, Variant

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tillstream.foundation.database import Connection

_OF_VARIANTS: Final = ("variant_", "is_price_reduced")
_MOST: Final = 200_000
"""Products of collections that are kept, over all stores: some ten bytes each."""

_COLLECTIONS: LiteralString = """
SELECT store_id, id, title, disjunctive, rules FROM mirror.collections
WHERE tenant_id = %(tenant)s AND store_id = ANY (%(stores)s) AND kind = 'smart' AND NOT deleted
ORDER BY store_id, id
"""
# A row's version is where it lies and who wrote it. Hashes are added, so order does not matter.
_VERSIONS: LiteralString = """
SELECT t.store_id, (
  SELECT coalesce(sum(hashtextextended(p.ctid::text, p.xmin::text::bigint)), 0)::text FROM mirror.products AS p
  WHERE p.tenant_id = %(tenant)s AND p.store_id = t.store_id
), CASE WHEN t.store_id = ANY (%(of_variants)s) THEN (
  SELECT coalesce(sum(hashtextextended(v.ctid::text, v.xmin::text::bigint)), 0)::text FROM mirror.variants AS v
  WHERE v.tenant_id = %(tenant)s AND v.store_id = t.store_id
) END
FROM unnest(%(stores)s::bigint[]) AS t (store_id)
"""
_PRODUCTS: LiteralString = """
SELECT p.id, p.title, p.product_type, p.vendor, p.tags,
  CASE WHEN %(of_variants)s THEN (
    SELECT json_agg(json_build_array(v.id, v.title, v.price, v.compare_at_price, v.inventory_quantity))
    FROM mirror.variants AS v
    WHERE v.tenant_id = p.tenant_id AND v.store_id = p.store_id AND v.product_id = p.id) END
FROM mirror.products AS p
WHERE p.tenant_id = %(tenant)s AND p.store_id = %(store)s AND NOT p.deleted
"""


class Membership(NamedTuple):
    """A smart collection and the products in it; none where deliveries cannot say."""

    store: int
    id: int
    title: str | None
    products: str
    """Their ids, each with a comma after it: it is the database that wants to know."""
    size: int


class _Kept(NamedTuple):
    """Who is in a store's collections, and of which versions of collections and products."""

    versions: tuple[object, ...]
    found: list[Membership]

    @property
    def weight(self) -> int:
        return 1 + sum(one.size for one in self.found)


_kept: OrderedDict[tuple[int, int], _Kept] = OrderedDict()
"""By tenant and store, those last asked for at the end."""


async def memberships(
    connection: Connection, tenant_id: int, stores: Sequence[int]
) -> list[Membership]:
    """All smart collections of the stores with the products in them, as the transaction sees them."""
    told = await _collections(connection, {"tenant": tenant_id, "stores": stores})
    asking = [store for store, collections in told.items() if any(map(_asks_variants, collections))]
    values = {"tenant": tenant_id, "stores": [*told], "of_variants": asking}
    cursor = await connection.execute(_VERSIONS, values)
    versions: dict[int, tuple[object, ...]] = {row[0]: row[1:] for row in await cursor.fetchall()}
    found: list[Membership] = []
    for store, collections in told.items():
        key, now = (tenant_id, store), (*versions[store], *map(_rules_of, collections))
        kept = _kept.get(key)
        if kept is None or kept.versions != now:
            products = await _products(connection, tenant_id, store, of_variants=store in asking)
            kept = _Kept(now, [_weighed(store, one, products) for one in collections])
        _keep(key, kept)
        found += kept.found
    return found


def _keep(key: tuple[int, int], kept: _Kept) -> None:
    """Keep what was asked for last, as far as it is allowed to go."""
    _kept[key] = kept
    _kept.move_to_end(key)
    while len(_kept) > 1 and sum(one.weight for one in _kept.values()) > _MOST:
        _kept.popitem(last=False)


def _weighed(store: int, collection: Collection, products: Sequence[Product]) -> Membership:
    inside = members(collection, products) or []
    spelled = "".join(f"{product}," for product in inside)
    return Membership(store, collection.id, collection.title, spelled, len(inside))


def _rules_of(collection: Collection) -> object:
    return collection.id, collection.title, collection.disjunctive, tuple(collection.rules or ())


def _asks_variants(collection: Collection) -> bool:
    """Whether a rule is about variants, which need not be read otherwise."""
    return any(rule.column.startswith(_OF_VARIANTS) for rule in collection.rules or ())


async def _collections(
    connection: Connection, values: Mapping[str, Any]
) -> Mapping[int, Sequence[Collection]]:
    """Smart collections by store."""
    found: defaultdict[int, list[Collection]] = defaultdict(list)
    cursor = await connection.execute(_COLLECTIONS, values)
    for store, collection_id, title, disjunctive, rules in await cursor.fetchall():
        collection = Collection(
            id=collection_id,
            deleted=False,
            updated_at=None,
            kind="smart",
            title=title,
            disjunctive=disjunctive,
            rules=msgspec.convert(rules, list[Rule]),
        )
        found[store].append(collection)
    return found


async def _products(
    connection: Connection, tenant_id: int, store: int, *, of_variants: bool
) -> Sequence[Product]:
    """A store's products, with what rules ask of them."""
    values = {"tenant": tenant_id, "store": store, "of_variants": of_variants}
    cursor = await connection.execute(_PRODUCTS, values)
    return [
        Product(
            id=product_id,
            deleted=False,
            updated_at=None,
            title=title,
            product_type=product_type,
            vendor=vendor,
            tags=tags,
            variants=[_variant(*variant) for variant in variants or ()],
        )
        for product_id, title, product_type, vendor, tags, variants in await cursor.fetchall()
    ]


def _variant(
    variant_id: int,
    title: str | None,
    price: int | None,
    compare_at_price: int | None,
    inventory_quantity: int | None,
) -> Variant:
    return Variant(
        id=variant_id,
        title=title,
        price=price,
        compare_at_price=compare_at_price,
        inventory_quantity=inventory_quantity,
    )
