"""What is left of each variant: ``rollup.stock``, made of the copy's rows whenever those change.

It is never added to: whatever came, in whatever order, the rows concerned are made anew of the variants,
items and levels as they are now. Whoever writes holds the store, so nothing changes meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, LiteralString, NamedTuple

from tillstream.foundation.statements import json_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tillstream.foundation.database import Connection
    from tillstream.mirror.change import Resource
    from tillstream.mirror.merge import Changed, Merged, Store
    from tillstream.mirror.products import Product

# Variants called r, with what is left of each. Of what is not tracked nothing is known.
_STOCK_OF: LiteralString = """
SELECT r.tenant_id, r.store_id, r.product_id, r.id AS variant_id, i.cost,
  CASE WHEN i.tracked IS NOT FALSE THEN coalesce(l.available, r.inventory_quantity) END AS on_hand
FROM ($) AS r
JOIN mirror.products AS m
  ON m.tenant_id = r.tenant_id AND m.store_id = r.store_id AND m.id = r.product_id AND NOT m.deleted
LEFT JOIN mirror.inventory_items AS i
  ON i.tenant_id = r.tenant_id AND i.store_id = r.store_id AND i.id = r.inventory_item_id
LEFT JOIN LATERAL (
  SELECT sum(l.available)::bigint AS available FROM mirror.inventory_levels AS l
  WHERE l.tenant_id = r.tenant_id AND l.store_id = r.store_id
    AND l.inventory_item_id = r.inventory_item_id AND NOT l.deleted
) AS l ON true
"""
_COLUMNS: LiteralString = (
    "v.tenant_id, v.store_id, v.product_id, v.id, v.inventory_item_id, v.inventory_quantity"
)
# Either column of a row is null; one variant may be told of by both.
_CONCERNED: LiteralString = f"""
SELECT {_COLUMNS} FROM told AS t JOIN mirror.variants AS v
  ON v.tenant_id = t.tenant_id AND v.store_id = t.store_id AND v.product_id = t.product_id
UNION
SELECT {_COLUMNS} FROM told AS t JOIN mirror.variants AS v
  ON v.tenant_id = t.tenant_id AND v.store_id = t.store_id AND v.inventory_item_id = t.inventory_item_id
"""  # noqa: S608 - made of literals only
_TOLD: LiteralString = """
SELECT * FROM json_to_recordset(%s::json)
  AS t (tenant_id bigint, store_id bigint, product_id bigint, inventory_item_id bigint)
"""
# Only a product loses variants.
_SETTLE: LiteralString = f"""
WITH told AS MATERIALIZED ({_TOLD}), wanted AS MATERIALIZED ({_STOCK_OF.replace("$", _CONCERNED)}), gone AS (
  DELETE FROM rollup.stock AS s USING told AS t
  WHERE s.tenant_id = t.tenant_id AND s.store_id = t.store_id AND s.product_id = t.product_id
    AND NOT EXISTS (
      SELECT FROM wanted AS w WHERE w.tenant_id = s.tenant_id AND w.store_id = s.store_id
        AND w.product_id = s.product_id AND w.variant_id = s.variant_id)
)
INSERT INTO rollup.stock AS s (tenant_id, store_id, product_id, variant_id, on_hand, cost)
SELECT tenant_id, store_id, product_id, variant_id, on_hand, cost FROM wanted
ON CONFLICT (tenant_id, store_id, product_id, variant_id)
DO UPDATE SET on_hand = excluded.on_hand, cost = excluded.cost
WHERE (s.on_hand, s.cost) IS DISTINCT FROM (excluded.on_hand, excluded.cost)
"""  # noqa: S608 - made of literals only
_COMPARE: LiteralString = f"""
WITH wanted AS MATERIALIZED ({
    _STOCK_OF.replace(
        "$",
        f"SELECT {_COLUMNS} FROM mirror.variants AS v WHERE v.tenant_id = %s AND v.store_id = %s",
    )
}), stored AS MATERIALIZED (
  SELECT product_id, variant_id, on_hand, cost FROM rollup.stock WHERE tenant_id = %s AND store_id = %s
)
SELECT product_id, variant_id, s.product_id IS NOT NULL, w.product_id IS NOT NULL,
  s.on_hand, w.on_hand, s.cost, w.cost
FROM stored AS s FULL JOIN wanted AS w USING (product_id, variant_id)
WHERE s.product_id IS NULL OR w.product_id IS NULL OR (s.on_hand, s.cost) IS DISTINCT FROM (w.on_hand, w.cost)
ORDER BY product_id, variant_id
"""  # noqa: S608 - made of literals only

MADE_OF: Final[tuple[Resource, ...]] = ("product", "inventory_item", "inventory_level")
"""The resources that what is left is made of."""


class Wrong(NamedTuple):
    """A variant of which another stock is stored than its copy says; see ``rollup.stock``."""

    product_id: int
    variant_id: int
    stored: tuple[int | None, int | None] | None
    """On hand and cost; None without a row."""
    wanted: tuple[int | None, int | None] | None


class Concerned(NamedTuple):
    """Whose stock may be another now."""

    products: set[tuple[Store, int]]
    items: set[tuple[Store, int]]


def touched(merged: Merged) -> Concerned:
    """Whose stock a batch may have changed. Pure."""
    items = {
        (one.store, one.after.id)
        for one in merged.others.get("inventory_item", ())
        if one.before is None
        or (one.before.tracked, one.before.cost) != (one.after.tracked, one.after.cost)
    }
    levels = {
        (one.store, one.after.inventory_item_id)
        for one in merged.others.get("inventory_level", ())
        if one.before is None
        or (one.before.deleted, one.before.available) != (one.after.deleted, one.after.available)
    }
    return Concerned(
        {(one.store, one.after.id) for one in merged.products if _restocked(one)}, items | levels
    )


def named(store: Store, keys: Mapping[Resource, Iterable[int | str]]) -> Concerned:
    """Whose stock these resources may change, by the keys that the copy has them under. Pure."""
    levels = (str(key).partition(":")[0] for key in keys.get("inventory_level", ()))
    return Concerned(
        {(store, int(key)) for key in keys.get("product", ())},
        {(store, int(key)) for key in (*keys.get("inventory_item", ()), *levels)},
    )


async def follow_stock(connection: Connection, merged: Merged) -> None:
    """Let ``rollup.stock`` follow what a batch made of the copy."""
    await settle_stock(connection, touched(merged))


async def settle_stock(connection: Connection, concerned: Concerned) -> None:
    """Make these products' and items' rows what the copy says; the stores' locks must be held."""
    told = [
        *({**store.columns, "product_id": key} for store, key in sorted(concerned.products)),
        *({**store.columns, "inventory_item_id": key} for store, key in sorted(concerned.items)),
    ]
    if told:
        await connection.execute(_SETTLE, (json_text(told),))


async def restock(connection: Connection, store: Store) -> None:
    """Make all of a store's rows what its copy says; its lock must be held."""
    wrong = await wrong_stock(connection, store)
    await settle_stock(connection, Concerned({(store, one.product_id) for one in wrong}, set()))


async def wrong_stock(connection: Connection, store: Store) -> list[Wrong]:
    """Where a store's rows are not what its copy says, by product and variant."""
    cursor = await connection.execute(_COMPARE, (*store, *store))
    return [
        Wrong(product_id, variant_id, (a, c) if stored else None, (b, d) if wanted else None)
        for product_id, variant_id, stored, wanted, a, b, c, d in await cursor.fetchall()
    ]


def _restocked(change: Changed[Product]) -> bool:
    before: Any = {} if change.before is None else _variants(change.before)
    return before != _variants(change.after)


def _variants(product: Product) -> dict[int, tuple[int | None, int | None]]:
    """What of a product's variants their stock depends on. A deleted one has none."""
    if product.deleted:
        return {}
    return {one.id: (one.inventory_item_id, one.inventory_quantity) for one in product.variants}
