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

_PARTS: LiteralString = """
  FROM unnest(%(stores)s::bigint[]) AS t (store_id)
  CROSS JOIN unnest(%(signs)s::integer[], %(grains)s::text[], %(parts)s::date[]) AS p (sign, grain, day)
  JOIN rollup.breakdown AS b ON b.tenant_id = %(tenant)s AND b.store_id = t.store_id
    AND b.dimension = %(dimension)s AND b.grain = p.grain AND b.day = p.day
"""
_STORED: LiteralString = (
    "SELECT b.store_id, b.value, " + each("p.sign * b.$ AS $", names=MEASURES) + _PARTS
)

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
OF_LINES: Final[tuple[LiteralString, ...]] = (
    "gross_sales", "discounts", "sales_reversals", "taxes", "units_sold", "units_reversed",
)  # fmt: skip
"""What is told of what products have in common: an order with two of them would count twice."""
_LINES_SUMMED: LiteralString = each("coalesce(sum(b.$), 0)::bigint AS $", names=OF_LINES)
_LINES_SOMETHING: LiteralString = " HAVING " + each("sum(b.$) <> 0", " OR ", OF_LINES)
# Cast in the grouping: behind the wall between tenants no join is made by what a cast makes of a text.
_BY_PRODUCT: LiteralString = (
    "SELECT b.store_id, nullif(b.value, '')::bigint AS item_id, "
    + _LINES_SUMMED
    + " FROM b GROUP BY b.store_id, b.value"
)
_BY_TYPE: LiteralString = (
    """
  SELECT coalesce(r.product_type, '') AS value, """
    + _LINES_SUMMED
    + ", 0 AS shipping, 0 AS duties, 0 AS additional_fees FROM ("
    + _BY_PRODUCT
    + """) AS b
  LEFT JOIN mirror.products AS r
    ON r.tenant_id = %(tenant)s AND r.store_id = b.store_id AND r.id = b.item_id
  GROUP BY 1"""
    + _LINES_SOMETHING
)
# Products are put together as `places` say: arrays of stores, products and the place of each.
_BY_PLACE: LiteralString = (
    ", sold AS MATERIALIZED ("
    + _BY_PRODUCT
    + ") SELECT m.place, "
    + _LINES_SUMMED
    + """
FROM unnest(%(of_stores)s::text::bigint[], %(of_products)s::text::bigint[], %(places)s::text::integer[])
  AS m (store_id, item_id, place)
JOIN sold AS b ON b.store_id = m.store_id AND b.item_id = m.item_id
GROUP BY m.place
UNION ALL SELECT NULL, """
    + _LINES_SUMMED
    + " FROM sold AS b"
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
_NET: LiteralString = "$.gross_sales - $.discounts - $.sales_reversals"
_AMOUNTS: Final[Mapping[str, LiteralString]] = {
    "total_sales": _NET + " + $.shipping + $.taxes + $.duties + $.additional_fees",
    "net_sales": _NET,
    "gross_sales": "$.gross_sales",
    "orders": "$.orders",
    "units_sold": "$.units_sold",
}
_TOTAL: LiteralString = _AMOUNTS["total_sales"]
_LINES_TOTAL: LiteralString = _NET + " + $.taxes"
_AFTER: LiteralString = """
  (n.amount < %(amount)s OR (n.amount = %(amount)s AND n.value COLLATE "C" > %(after_value)s))
"""
_SORTED: LiteralString = """ ORDER BY n.amount DESC, n.value COLLATE "C" """
# All of one value n.
_OF_ONE: LiteralString = " FROM (" + _STORED + " AND b.value = n.value) AS b "
# All values are ranked by one sum, and everything is added up of those alone that are shown: rows of a
# dimension are as many as values that sold on each day. What is ranked by nothing may yet be something.
_RANKED: LiteralString = (
    """
SELECT n.value, n.amount, n.everything, s.*
FROM (
  SELECT n.value, n.amount, n.everything
  FROM (
    SELECT n.*, (sum(n.total) OVER ())::bigint AS everything
    FROM (
      SELECT b.value, §"""
    + _PARTS
    + """ GROUP BY b.value
    ) AS n
  ) AS n
  WHERE """
    + _AFTER
    + " AND CASE WHEN n.amount <> 0 OR n.total <> 0 THEN true ELSE (SELECT "
    + each("sum(b.$) <> 0", " OR ", MEASURES)
    + _OF_ONE
    + ") END"
    + _SORTED
    + """ LIMIT %(limit)s
) AS n CROSS JOIN LATERAL (SELECT """
    + SUMMED
    + _OF_ONE
    + ") AS s"
)
# The same where every value is added up whole: of entries, and of what products have in common.
_SUMMED_UP: LiteralString = (
    """
SELECT n.*
FROM (
  SELECT n.*, ("""
    "§"
    ") AS amount, (sum("
    + _TOTAL.replace("$", "n")
    + """) OVER ())::bigint AS everything
  FROM grouped AS n
) AS n
WHERE """
    + _AFTER
    + _SORTED
    + " LIMIT %(limit)s"
)


def breakdown_listing(by: Dimension, sort: BreakdownSort, filters: Filters) -> Listing:
    """The values of a dimension, those first of which most was sold; of all but collections.

    The statement takes what ``breakdown_values`` tells.
    """
    whole_order = by not in _BY_LINES and filters.product is None
    columns = _columns(by, of_orders=whole_order)
    grouped: LiteralString = _BY_TYPE if by == "product_type" else _BY_VALUE
    # Cast before names are looked up: behind the wall between tenants a cast is not taken to an index.
    item: LiteralString = ", nullif(n.value, '')::bigint AS item_id" if by in _LABELS else ""
    if filters.wanted or by in OF_PRODUCTS:
        clause = _rows_of(by, filters) + ", grouped AS (" + grouped + ")"
        chosen = _SUMMED_UP.replace("§", _AMOUNTS[sort].replace("$", "n"))
    else:
        clause, chosen = "", _RANKED.replace("§", _ranks(by, sort))
    statement: LiteralString = (
        clause
        + " SELECT "
        + columns
        + ", n.amount, n.value FROM (SELECT n.*, "
        + _NET.replace("$", "n")
        + " AS net, "
        + _TOTAL.replace("$", "n")
        + " AS total"
        + item
        + " FROM ("
        + chosen
        + ") AS n) AS n"
        + _SORTED
    )
    keys = {"amount": LAST_ID, "after_value": FIRST_TEXT}
    return Listing(
        "rows", COLUMNS, statement, keys, f"breakdown-{by}", order=sort, at_once=ALL_AT_ONCE
    )


def _ranks(by: Dimension, sort: BreakdownSort) -> LiteralString:
    """The amount that ranks a value, and its total. What is the same is added up once."""
    total: LiteralString = _LINES_TOTAL if by in _BY_LINES else _TOTAL
    amount: LiteralString = total if sort == "total_sales" else _AMOUNTS[sort]
    ranks = (
        "sum(p.sign * ("
        + amount
        + "))::bigint AS amount, sum(p.sign * ("
        + total
        + "))::bigint AS total"
    )
    return ranks.replace("$", "b")


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


def sums_by_place(filters: Filters) -> LiteralString:
    """The sums of OF_LINES of products that are put together, by place, and of everything under NULL.

    It takes what ``breakdown_values`` tells, and ``of_stores``, ``of_products`` and ``places``: arrays
    in PostgreSQL's spelling, as long as products belong somewhere.
    """
    return _rows_of("product", filters) + _BY_PLACE


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
