"""What was sold of each smart collection: the products that its rules pick, as they are now.

Who is in a custom collection is in no webhook, so those are not told apart. A product may be in
several collections, and then counts under each.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, LiteralString

import msgspec

from tillstream.mirror.collections import Collection, Rule, members
from tillstream.mirror.products import Product, Variant
from tillstream.serve.figures import Sums
from tillstream.serve.questions.breakdown import product_sums
from tillstream.serve.questions.filtered import known_sums

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tillstream.foundation.database import Connection
    from tillstream.serve.export import Row
    from tillstream.serve.filters import Filters
    from tillstream.serve.questions.breakdown import BreakdownSort

_OF_VARIANTS: Final = ("variant_", "is_price_reduced")

_COLLECTIONS: LiteralString = """
SELECT store_id, id, title, disjunctive, rules FROM mirror.collections
WHERE tenant_id = %(tenant)s AND store_id = ANY (%(stores)s) AND kind = 'smart' AND NOT deleted
"""
_PRODUCTS: LiteralString = """
SELECT p.store_id, p.id, p.title, p.product_type, p.vendor, p.tags,
  CASE WHEN %(of_variants)s THEN (
    SELECT json_agg(json_build_array(v.id, v.title, v.price, v.compare_at_price, v.inventory_quantity))
    FROM mirror.variants AS v
    WHERE v.tenant_id = p.tenant_id AND v.store_id = p.store_id AND v.product_id = p.id) END
FROM mirror.products AS p
WHERE p.tenant_id = %(tenant)s AND p.store_id = ANY (%(stores)s) AND p.id = ANY (%(products)s)
  AND NOT p.deleted
"""


async def collection_rows(
    connection: Connection, values: Mapping[str, Any], sort: BreakdownSort, filters: Filters
) -> list[Row]:
    """Rows of all smart collections with a sale, in the listing's order: columns and keys.

    Args:
        connection: in the tenant's transaction.
        values: what ``breakdown_values`` tells.
        sort: of what there is most in the first row.
        filters: of orders.
    """
    sold = await _sold(connection, values, filters)
    collections = await _collections(connection, values)
    told = {
        **values,
        "products": [product for _, product in sold],
        "of_variants": any(_asks_variants(collection) for _, collection in collections),
    }
    products = await _products(connection, told)
    rows: list[Row] = []
    everything = sum(sums.total_sales for sums in sold.values())
    for store, collection in collections:
        inside = members(collection, products[store])
        sums = sum((sold[store, product] for product in inside or ()), Sums())
        if inside:
            rows.append(_row(collection, sums, everything, sort))
    return sorted(rows, key=lambda row: (-row[-2], row[-1]))


def _asks_variants(collection: Collection) -> bool:
    """Whether a rule is about variants, which need not be read otherwise."""
    return any(rule.column.startswith(_OF_VARIANTS) for rule in collection.rules or ())


async def _sold(
    connection: Connection, values: Mapping[str, Any], filters: Filters
) -> dict[tuple[int, int], Sums]:
    cursor = await connection.execute(product_sums(filters), values)
    return {(row[0], int(row[1])): known_sums(row[2:]) for row in await cursor.fetchall() if row[1]}


async def _products(
    connection: Connection, values: Mapping[str, Any]
) -> Mapping[int, Sequence[Product]]:
    """Products by store, with what rules ask of them."""
    found: defaultdict[int, list[Product]] = defaultdict(list)
    cursor = await connection.execute(_PRODUCTS, values)
    for store, product_id, title, product_type, vendor, tags, variants in await cursor.fetchall():
        found[store].append(
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
        )
    return found


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


async def _collections(
    connection: Connection, values: Mapping[str, Any]
) -> list[tuple[int, Collection]]:
    cursor = await connection.execute(_COLLECTIONS, values)
    return [
        (store, _collection(collection_id, title, disjunctive, rules))
        for store, collection_id, title, disjunctive, rules in await cursor.fetchall()
    ]


def _collection(
    collection_id: int,
    title: str | None,
    disjunctive: bool | None,  # noqa: FBT001 - a row's columns
    rules: object,
) -> Collection:
    return Collection(
        id=collection_id,
        deleted=False,
        updated_at=None,
        kind="smart",
        title=title,
        disjunctive=disjunctive,
        rules=msgspec.convert(rules, list[Rule]),
    )


def _row(collection: Collection, sums: Sums, everything: int, sort: BreakdownSort) -> Row:
    value = str(collection.id)
    return [
        value,
        collection.title,
        sums.gross_sales,
        sums.discounts,
        sums.sales_reversals,
        sums.net_sales,
        None,
        sums.taxes,
        None,
        None,
        sums.total_sales,
        sums.total_sales / everything if everything else None,
        None,
        None,
        sums.units_sold,
        sums.units_reversed,
        getattr(sums, sort),
        value,
    ]
