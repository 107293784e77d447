"""Sales told apart: by channel, place, source, code, product or what products have in common.

Read from ``rollup.breakdown`` where nothing is filtered, else from the ledger's entries. Types are
those that products have now; a smart collection holds the products that its rules pick now.
"""

# ruff: noqa: S608 - statements are made of literals only

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, LiteralString

from tillstream.rollup.breakdown import MEASURES
from tillstream.rollup.columns import each
from tillstream.serve.forms import Column
from tillstream.serve.listing import ALL_AT_ONCE, FIRST_TEXT, LAST_ID, Listing
from tillstream.serve.questions.filtered import SUMMED, entries_of, entry_values, line_amounts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tillstream.serve.asking import Frame
    from tillstream.serve.filters import Filters

Dimension = Literal[
    "channel", "country", "region", "referrer", "landing", "discount_code", "product", "variant",
    "vendor", "product_type", "collection",
]  # fmt: skip
BreakdownSort = Literal["total_sales", "net_sales", "gross_sales", "orders", "units_sold"]

COLUMNS: Final = (
    Column("value", "text"),
    Column("label", "text"),
    Column("gross_sales", "money"),
    Column("discounts", "money"),
    Column("sales_reversals", "money"),
    Column("net_sales", "money"),
    Column("shipping", "money"),
    Column("taxes", "money"),
    Column("duties", "money"),
    Column("additional_fees", "money"),
    Column("total_sales", "money"),
    Column("share", "number"),
    Column("orders", "count"),
    Column("average_order_value", "money"),
    Column("units_sold", "count"),
    Column("units_reversed", "count"),
)

# -- where the rows called b come from: a value, its store, and the measures ------------------------

_STORED: LiteralString = """
  SELECT b.store_id, b.value, {}
  FROM unnest(%(stores)s::bigint[]) AS t (store_id)
  CROSS JOIN unnest(%(signs)s::integer[], %(grains)s::text[], %(parts)s::date[]) AS p (sign, grain, day)
  JOIN rollup.breakdown AS b ON b.tenant_id = %(tenant)s AND b.store_id = t.store_id
    AND b.dimension = %(dimension)s AND b.grain = p.grain AND b.day = p.day
""".replace("{}", each("p.sign * b.$ AS $", names=MEASURES))

_MEASURES: LiteralString = each("b.$", names=MEASURES)
# As the booking writes them (rollup/breakdown.py).
_FACETS: Final[Mapping[str, LiteralString]] = {
    "channel": "coalesce(b.channel, '')",
    "country": "coalesce(b.country, '')",
    "region": "coalesce(b.region, '')",
    "referrer": "coalesce(b.referrer, '')",
    "landing": "coalesce(b.landing, '')",
}
_LINE_PLACES: Final[Mapping[str, LiteralString]] = {"product": "1", "variant": "2", "vendor": "3"}


def _of_entries(dimension: str) -> LiteralString:
    """The same rows out of the entries ``b`` of a filtered ledger."""
    if dimension in _FACETS:
        return (
            "SELECT b.store_id, left("
            + _FACETS[dimension]
            + ", 500) AS value, "
            + _MEASURES
            + " FROM entries AS b"
        )
    if dimension == "discount_code":
        return (
            "SELECT b.store_id, left(c.value, 500) AS value, "
            + _MEASURES
            + """ FROM entries AS b CROSS JOIN LATERAL (
              SELECT DISTINCT unnest(CASE WHEN cardinality(b.discount_codes) > 0
                THEN b.discount_codes ELSE ARRAY[''] END) AS value) AS c"""
        )
    return (
        "SELECT b.store_id, m.* FROM entries AS b CROSS JOIN LATERAL (SELECT left(coalesce(line ->> "
        + _LINE_PLACES[dimension]
        + ", ''), 500) AS value, "
        + line_amounts("b")
        + " FROM json_array_elements(b.lines) AS e (line) WHERE json_array_length(line) > 4 GROUP BY 1) AS m"
    )


_SOMETHING: LiteralString = " HAVING " + each("sum(b.$) <> 0", " OR ", MEASURES)
"""Leaves out what comes to nothing: a value of a month all of whose days were taken away."""
_BY_VALUE: LiteralString = "SELECT b.value, " + SUMMED + " FROM b GROUP BY b.value" + _SOMETHING
_BY_PRODUCT: LiteralString = (
    "SELECT b.store_id, b.value, " + SUMMED + " FROM b GROUP BY 1, 2" + _SOMETHING
)
_BY_TYPE: LiteralString = (
    """
  SELECT coalesce(r.product_type, '') AS value, """
    + SUMMED
    + " FROM ("
    + _BY_PRODUCT
    + """) AS b
  LEFT JOIN mirror.products AS r
    ON r.tenant_id = %(tenant)s AND r.store_id = b.store_id AND r.id = nullif(b.value, '')::bigint
  GROUP BY 1
"""
)

# -- the list -------------------------------------------------------------------------------------

_AVERAGE: LiteralString = """
CASE WHEN n.orders > 0 THEN trunc((n.placed_gross - n.placed_discounts)::numeric / n.orders)::bigint END
"""
_LABELS: Final[Mapping[str, LiteralString]] = {
    "product": """
      (SELECT r.title FROM mirror.products AS r WHERE r.tenant_id = %(tenant)s
         AND r.store_id = ANY (%(stores)s) AND r.id = n.item_id LIMIT 1)""",
    "variant": """
      (SELECT concat_ws(' · ', p.title, nullif(r.title, 'Default Title')) FROM mirror.variants AS r
       LEFT JOIN mirror.products AS p
         ON p.tenant_id = r.tenant_id AND p.store_id = r.store_id AND p.id = r.product_id
       WHERE r.tenant_id = %(tenant)s AND r.store_id = ANY (%(stores)s)
         AND r.id = n.item_id LIMIT 1)""",
}
_BY_LINES: Final = frozenset({"product", "variant", "vendor", "product_type", "collection"})
"""Told apart by lines: no shipping, duties or fees belong to them."""
OF_PRODUCTS: Final = frozenset({"product_type", "collection"})
"""Put together of products: an order with two of them would count twice."""
_AMOUNTS: Final[Mapping[str, LiteralString]] = {
    "total_sales": "n.total",
    "net_sales": "n.net",
    "gross_sales": "n.gross_sales",
    "orders": "n.orders",
    "units_sold": "n.units_sold",
}


def breakdown_listing(by: Dimension, sort: BreakdownSort, filters: Filters) -> Listing:
    """The values of a dimension, those first of which most was sold; of all but collections.

    The statement takes what ``breakdown_values`` tells.
    """
    whole_order = by not in _BY_LINES and filters.product is None
    columns = _columns(by, of_orders=whole_order)
    grouped: LiteralString = _BY_TYPE if by == "product_type" else _BY_VALUE
    # Cast before names are looked up: behind the wall between tenants a cast is not taken to an index.
    item: LiteralString = ", nullif(n.value, '')::bigint AS item_id" if by in _LABELS else ""
    amount: LiteralString = _AMOUNTS[sort]
    statement: LiteralString = (
        _rows_of(by, filters)
        + ", grouped AS ("
        + grouped
        + """), told AS (
  SELECT n.*, n.net + n.shipping + n.taxes + n.duties + n.additional_fees AS total
  FROM (SELECT *, gross_sales - discounts - sales_reversals AS net FROM grouped) AS n
), whole AS (
  SELECT n.*, sum(n.total) OVER () AS everything, """
        + amount
        + " AS amount FROM told AS n) SELECT "
        + columns
        + """, n.amount, n.value
FROM (
  SELECT n.*"""
        + item
        + """ FROM whole AS n
  WHERE n.amount < %(amount)s OR (n.amount = %(amount)s AND n.value COLLATE "C" > %(after_value)s)
  ORDER BY n.amount DESC, n.value COLLATE "C" LIMIT %(limit)s
) AS n
ORDER BY n.amount DESC, n.value COLLATE "C"
"""
    )
    keys = {"amount": LAST_ID, "after_value": FIRST_TEXT}
    return Listing(
        "rows", COLUMNS, statement, keys, f"breakdown-{by}", order=sort, at_once=ALL_AT_ONCE
    )


def _columns(by: Dimension, *, of_orders: bool) -> LiteralString:
    """COLUMNS out of rows ``n``: what is not known is null."""
    label: LiteralString = _LABELS.get(by, "nullif(n.value, '')")
    around: LiteralString = (
        "n.shipping, n.taxes, n.duties, n.additional_fees"
        if of_orders
        else "NULL, n.taxes, NULL, NULL"
    )
    orders: LiteralString = "NULL, NULL" if by in OF_PRODUCTS else "n.orders, " + _AVERAGE
    return (
        "n.value, "
        + label
        + ", n.gross_sales, n.discounts, n.sales_reversals, n.net, "
        + around
        + ", n.total, n.total / nullif(n.everything, 0)::float8, "
        + orders
        + ", n.units_sold, n.units_reversed"
    )


def product_sums(filters: Filters) -> LiteralString:
    """What was sold of each product: store, id as text, and the measures of MEASURES."""
    return _rows_of("product", filters) + _BY_PRODUCT


def _rows_of(by: Dimension, filters: Filters) -> LiteralString:
    """A ``WITH`` clause of rows ``b``: values of a dimension with their measures."""
    dimension = "product" if by in OF_PRODUCTS else by
    if not filters.wanted:
        return "WITH b AS (" + _STORED + ")"
    return entries_of(filters) + ", b AS (" + _of_entries(dimension) + ")"


def breakdown_values(frame: Frame, by: Dimension, filters: Filters) -> dict[str, Any]:
    """What the statements take besides keys and limit."""
    if filters.wanted:
        return entry_values(frame.tenant_id, frame.scope, frame.days, None, filters)
    return {
        **frame.values,
        **frame.parts,
        "dimension": "product" if by in OF_PRODUCTS else by,
    }
