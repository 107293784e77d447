"""Products and their variants: what was sold of them in a range, and what is left."""

# ruff: noqa: S608 - statements are made of literals only

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, LiteralString

from tillstream.serve.forms import Column
from tillstream.serve.listing import ALL_AT_ONCE, LAST_ID, Listing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tillstream.foundation.database import Connection
    from tillstream.serve.asking import Frame
    from tillstream.serve.export import Row

ProductSort = Literal[
    "newest", "units_sold", "units_reversed", "gross_sales", "net_sales", "orders",
    "on_hand", "days_of_stock",
]  # fmt: skip
StockSort = Literal["days_of_stock", "on_hand", "units_sold", "value"]

_SOLD: Final = (
    Column("units_sold", "count"),
    Column("units_reversed", "count"),
    Column("gross_sales", "money"),
    Column("discounts", "money"),
    Column("sales_reversals", "money"),
    Column("net_sales", "money"),
    Column("orders", "count"),
)
_STOCK: Final = (Column("on_hand", "count"), Column("days_of_stock", "number"))
_PRODUCT: Final = (
    Column("id", "id"),
    Column("store", "id"),
    Column("title", "text"),
    Column("handle", "text"),
    Column("status", "text"),
    Column("vendor", "text"),
    Column("product_type", "text"),
    Column("variants", "count"),
    Column("lowest_price", "money"),
    Column("highest_price", "money"),
    Column("inventory", "count"),
    Column("created_at", "time"),
    Column("updated_at", "time"),
    *_SOLD,
    *_STOCK,
)

# Rows called b, of parts called p, added up.
_SUMS: LiteralString = """
  coalesce(sum(p.sign * b.units_sold), 0)::bigint AS units_sold,
  coalesce(sum(p.sign * b.units_reversed), 0)::bigint AS units_reversed,
  coalesce(sum(p.sign * b.gross_sales), 0)::bigint AS gross_sales,
  coalesce(sum(p.sign * b.discounts), 0)::bigint AS discounts,
  coalesce(sum(p.sign * b.sales_reversals), 0)::bigint AS sales_reversals,
  coalesce(sum(p.sign * (b.gross_sales - b.discounts - b.sales_reversals)), 0)::bigint AS net_sales,
  coalesce(sum(p.sign * b.orders), 0)::bigint AS orders
"""
_PARTS: LiteralString = """
  unnest(%(signs)s::integer[], %(grains)s::text[], %(parts)s::date[]) AS p (sign, grain, day)
"""
# By what things are ranked: one sum (called §) of everything that was sold on the parts of the range.
# A part's rows are a query of their own, so that PostgreSQL guesses right how many there are in all and adds them up
# without sorting them.
_RANKED: LiteralString = (
    "SELECT n.store_id, n.value::bigint AS id, n.ranked FROM ("
    "SELECT t.store_id, b.value, sum(p.sign * b.amount)::bigint AS ranked"
    " FROM unnest(%(stores)s::bigint[]) AS t (store_id) CROSS JOIN "
    + _PARTS
    + """
  CROSS JOIN LATERAL (
    SELECT b.value, § AS amount FROM rollup.breakdown AS b
    WHERE b.tenant_id = %(tenant)s AND b.store_id = t.store_id AND b.dimension = %(dimension)s
      AND b.grain = p.grain AND b.day = p.day AND b.value <> ''
    OFFSET 0
  ) AS b
  GROUP BY t.store_id, b.value
) AS n
"""
)
# A few things with all that was sold of them: what is shown is summed up whole, the rest is not. They are
# written as text before they are looked for: behind row-level security no index is asked for what is cast on
# the way. And all at once, because a day's rows lie together.
_WITH_SALES: LiteralString = (
    "WITH few AS MATERIALIZED (SELECT r.*, r.id::text AS value FROM (§) AS r), sold AS MATERIALIZED ("
    "SELECT t.store_id, b.value,"
    + _SUMS
    + "FROM unnest(%(stores)s::bigint[]) AS t (store_id) CROSS JOIN "
    + _PARTS
    + """
  JOIN rollup.breakdown AS b ON b.tenant_id = %(tenant)s AND b.store_id = t.store_id
    AND b.dimension = %(dimension)s AND b.grain = p.grain AND b.day = p.day
    AND b.value = ANY ((SELECT array_agg(DISTINCT m.value) FROM few AS m)::text[])
  GROUP BY t.store_id, b.value
)
SELECT m.*, coalesce(s.units_sold, 0) AS units_sold, coalesce(s.units_reversed, 0) AS units_reversed,
  coalesce(s.gross_sales, 0) AS gross_sales, coalesce(s.discounts, 0) AS discounts,
  coalesce(s.sales_reversals, 0) AS sales_reversals, coalesce(s.net_sales, 0) AS net_sales,
  coalesce(s.orders, 0) AS orders
FROM few AS m LEFT JOIN sold AS s ON s.store_id = m.store_id AND s.value = m.value
"""
)
# What can be sold: less than nothing is nothing, and what is not known stays so, which greatest() forgets.
_TO_SELL: LiteralString = "CASE WHEN n.on_hand < 0 THEN 0 ELSE n.on_hand END"
# For how long it lasts if it goes on selling as in the range; null where nothing was sold, or where what
# is left is not known.
_LASTS: LiteralString = (
    "round(("
    + _TO_SELL
    + """) * %(span)s::numeric / nullif(greatest(n.units_sold - n.units_reversed, 0), 0), 1)::float8
"""
)

_FEW_VARIANTS: LiteralString = """
CROSS JOIN LATERAL (
  SELECT count(*) AS variants, min(r.price) AS lowest, max(r.price) AS highest,
    sum(r.inventory_quantity)::bigint AS inventory
  FROM mirror.variants AS r
  WHERE r.tenant_id = %(tenant)s AND r.store_id = m.store_id AND r.product_id = m.id
) AS v
CROSS JOIN LATERAL (
  SELECT sum(k.on_hand)::bigint AS on_hand FROM rollup.stock AS k
  WHERE k.tenant_id = %(tenant)s AND k.store_id = m.store_id AND k.product_id = m.id
) AS k
"""
_SHOWN: LiteralString = """
  n.id, n.store_id, n.title, n.handle, n.status, n.vendor, n.product_type, n.variants, n.lowest,
  n.highest, n.inventory, n.created_at, n.updated_at, n.units_sold, n.units_reversed,
  n.gross_sales, n.discounts, n.sales_reversals, n.net_sales, n.orders, n.on_hand,
"""
_MINE: LiteralString = """
  FROM mirror.products AS r
  WHERE r.tenant_id = %(tenant)s AND r.store_id = ANY (%(stores)s) AND NOT r.deleted
"""
_BARE: LiteralString = (
    "r.id, r.store_id, r.title, r.handle, r.status, r.vendor, r.product_type, r.created_at, "
    "r.updated_at"
)
# Products called m, with all that is shown of them but their sales.
_KEPT_OF: LiteralString = "SELECT m.*, v.*, k.on_hand FROM (§) AS m" + _FEW_VARIANTS
_NEWEST: LiteralString = (
    "SELECT"
    + _SHOWN
    + _LASTS
    + ", n.id, n.store_id FROM ("
    + _WITH_SALES.replace(
        "§",
        _KEPT_OF.replace(
            "§",
            "SELECT "
            + _BARE
            + _MINE
            + """
    AND (r.id, r.store_id) < (%(id)s, %(after_store)s)
  ORDER BY r.id DESC, r.store_id DESC LIMIT %(limit)s
""",
        ),
    )
    + ") AS n ORDER BY n.id DESC, n.store_id DESC"
)
_AFTER: LiteralString = """
WHERE n.amount <= %(amount)s AND (n.amount < %(amount)s OR (n.id, n.store_id) < (%(id)s, %(after_store)s))
ORDER BY n.amount DESC, n.id DESC, n.store_id DESC LIMIT %(limit)s
"""
# The few products that rank best (#, which names id, store and amount of all), with all that is shown of them.
_BEST: LiteralString = (
    "SELECT"
    + _SHOWN
    + _LASTS
    + ", n.amount, n.id, n.store_id FROM ("
    + _WITH_SALES.replace(
        "§",
        _KEPT_OF.replace(
            "§",
            "SELECT "
            + _BARE
            + ", n.amount FROM (SELECT n.* FROM (#) AS n "
            + _AFTER
            + """) AS n JOIN mirror.products AS r
  ON r.tenant_id = %(tenant)s AND r.store_id = n.store_id AND r.id = n.id
""",
        ),
    )
    + ") AS n ORDER BY n.amount DESC, n.id DESC, n.store_id DESC"
)
_SALES: LiteralString = "WITH sales AS MATERIALIZED (" + _RANKED + ") "
_BY_SALES: LiteralString = _SALES + _BEST.replace(
    "#",
    """
  SELECT r.id, r.store_id, coalesce(s.ranked, 0) AS amount
  FROM mirror.products AS r LEFT JOIN sales AS s ON s.store_id = r.store_id AND s.id = r.id
  WHERE r.tenant_id = %(tenant)s AND r.store_id = ANY (%(stores)s) AND NOT r.deleted
""",
)
_UNITS_LEFT: LiteralString = "b.units_sold - b.units_reversed"
_ALL_STOCK: LiteralString = """
  SELECT r.store_id, r.product_id, sum(r.on_hand)::bigint AS on_hand FROM rollup.stock AS r
  WHERE r.tenant_id = %(tenant)s AND r.store_id = ANY (%(stores)s)
  GROUP BY r.store_id, r.product_id
"""
_STOCKED: LiteralString = (
    """
  SELECT n.id, n.store_id, $ AS amount FROM (
    SELECT r.id, r.store_id, v.on_hand, @ AS ranked FROM mirror.products AS r
    LEFT JOIN ("""
    + _ALL_STOCK
    + """) AS v ON v.store_id = r.store_id AND v.product_id = r.id
    ^
    WHERE r.tenant_id = %(tenant)s AND r.store_id = ANY (%(stores)s) AND NOT r.deleted
  ) AS n
"""
)
# What is not known comes last.
_STOCK_AMOUNTS: Final[Mapping[str, LiteralString]] = {
    "on_hand": "coalesce(n.on_hand, -4611686018427387904)",
    "days_of_stock": "coalesce(-(("
    + _TO_SELL
    + ") * 1000 / nullif(greatest(n.ranked, 0), 0)), -4611686018427387904)",
}


def _ranked_stock(
    statement: LiteralString, key: LiteralString, amount: LiteralString
) -> LiteralString:
    """Rank stock by an amount; what was sold (still of §) is only looked at where that depends on it."""
    needed = "n.ranked" in amount
    joined: LiteralString = "LEFT JOIN sales AS s ON s.store_id = r.store_id AND s.id = " + key
    told: LiteralString = (
        statement.replace("^", joined if needed else "")
        .replace("@", "coalesce(s.ranked, 0)" if needed else "0")
        .replace("$", amount)
    )
    return _SALES + told if needed else told


def products_listing(sort: ProductSort) -> Listing:
    """All products: the newest first, those of which most was sold, or those that run out first.

    The statement takes what ``sold_values`` tells.
    """
    if sort == "newest":
        return Listing("products", _PRODUCT, _NEWEST, keys={"id": LAST_ID, "after_store": LAST_ID})
    if sort in _STOCK_AMOUNTS:
        statement = _ranked_stock(_BEST.replace("#", _STOCKED), "r.id", _STOCK_AMOUNTS[sort])
        statement = statement.replace("§", _UNITS_LEFT)
    else:
        statement = _BY_SALES.replace("§", _SALES_AMOUNTS[sort])
    keys = {"amount": LAST_ID, "id": LAST_ID, "after_store": LAST_ID}
    return Listing("products", _PRODUCT, statement, keys, order=sort, at_once=ALL_AT_ONCE)


_SALES_AMOUNTS: Final[Mapping[str, LiteralString]] = {
    "units_sold": "b.units_sold",
    "units_reversed": "b.units_reversed",
    "gross_sales": "b.gross_sales",
    "net_sales": "b.gross_sales - b.discounts - b.sales_reversals",
    "orders": "b.orders",
}


_VARIANT: Final = (
    Column("variant_id", "id"),
    Column("product_id", "id"),
    Column("store", "id"),
    Column("title", "text"),
    Column("variant_title", "text"),
    Column("sku", "text"),
    Column("price", "money"),
    Column("cost", "money"),
    Column("value", "money"),
    *_SOLD,
    *_STOCK,
)
# Every variant with what is left of it, ranked; what is shown is looked up and summed up, the rest is not.
# By what it is ranked is reckoned once for each, in a query of its own.
_VARIANTS: LiteralString = (
    """
SELECT n.id, n.product_id, n.store_id, n.title, nullif(n.variant_title, 'Default Title'), n.sku,
  n.price, n.cost, n.worth, n.units_sold, n.units_reversed, n.gross_sales, n.discounts,
  n.sales_reversals, n.net_sales, n.orders, n.on_hand, """
    + _LASTS
    + ", n.amount, n.id, n.store_id FROM ("
    + _WITH_SALES.replace(
        "§",
        """
  SELECT n.id, n.product_id, n.store_id, n.on_hand, n.cost, n.worth, n.amount, m.title,
    v.title AS variant_title, v.price, coalesce(v.sku, i.sku) AS sku
  FROM (SELECT n.* FROM (SELECT n.*, $ AS amount FROM (
    SELECT r.variant_id AS id, r.product_id, r.store_id, r.on_hand, r.cost,
      (CASE WHEN r.on_hand < 0 THEN 0 ELSE r.on_hand END) * r.cost AS worth, @ AS ranked
    FROM rollup.stock AS r
    ^
    WHERE r.tenant_id = %(tenant)s AND r.store_id = ANY (%(stores)s)
  ) AS n OFFSET 0) AS n """
        + _AFTER
        + """) AS n
  LEFT JOIN mirror.products AS m
    ON m.tenant_id = %(tenant)s AND m.store_id = n.store_id AND m.id = n.product_id
  LEFT JOIN mirror.variants AS v ON v.tenant_id = %(tenant)s AND v.store_id = n.store_id
    AND v.product_id = n.product_id AND v.id = n.id
  LEFT JOIN mirror.inventory_items AS i
    ON i.tenant_id = %(tenant)s AND i.store_id = n.store_id AND i.id = v.inventory_item_id
""",
    )
    + ") AS n ORDER BY n.amount DESC, n.id DESC, n.store_id DESC"
)
_SUMMARY: LiteralString = """
SELECT count(*), coalesce(sum(greatest(n.on_hand, 0)), 0)::bigint,
  coalesce(sum(greatest(n.on_hand, 0) * n.cost), 0)::bigint, count(*) FILTER (WHERE n.on_hand <= 0)
FROM rollup.stock AS n WHERE n.tenant_id = %(tenant)s AND n.store_id = ANY (%(stores)s)
"""
_VARIANT_AMOUNTS: Final[Mapping[StockSort, LiteralString]] = {
    "days_of_stock": _STOCK_AMOUNTS["days_of_stock"],
    "on_hand": _STOCK_AMOUNTS["on_hand"],
    "value": "coalesce(n.worth, -4611686018427387904)",
    "units_sold": "n.ranked",
}


def variants_listing(sort: StockSort) -> Listing:
    """All variants; the statement takes what ``sold_values`` tells."""
    statement = _ranked_stock(_VARIANTS, "r.variant_id", _VARIANT_AMOUNTS[sort])
    ranked: LiteralString = "b.units_sold" if sort == "units_sold" else _UNITS_LEFT
    statement = statement.replace("§", ranked)
    keys = {"amount": LAST_ID, "id": LAST_ID, "after_store": LAST_ID}
    return Listing(
        "variants", _VARIANT, statement, keys, "inventory", order=sort, at_once=ALL_AT_ONCE
    )


async def stock_summary(connection: Connection, values: Mapping[str, object]) -> Row:
    """Of all variants: how many, units on hand, their value at cost, and how many are out."""
    row = await (await connection.execute(_SUMMARY, values)).fetchone()
    return row or (0, 0, 0, 0)


def sold_values(frame: Frame, dimension: str) -> dict[str, Any]:
    """What statements take that ask what was sold of each product or variant in the range.

    ``span`` is the days of the range that have begun, over which sales are spread.
    """
    last = min(frame.today, frame.days.last)
    return {
        **frame.values,
        **frame.parts,
        "dimension": dimension,
        "span": max(1, (last - frame.days.first).days + 1),
    }
