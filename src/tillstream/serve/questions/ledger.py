"""The entries of the ledger that a figure is the sum of, and the deliveries that made an order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, LiteralString, cast

from tillstream.rollup.breakdown import LINE_MEASURES
from tillstream.rollup.columns import each
from tillstream.rollup.explain import DISTINCT
from tillstream.rollup.measures import ADDITIVE, MEASURES
from tillstream.serve.forms import Column
from tillstream.serve.listing import FIRST_TEXT, LAST_ID, LAST_TIME, Listing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tillstream.rollup.explain import Parts
    from tillstream.rollup.measures import Unit
    from tillstream.serve.filters import Filters
    from tillstream.serve.forms import Kind

_UNITS: Final[Mapping[str, Unit]] = {measure.name: measure.unit for measure in MEASURES}
_KINDS: Final[Mapping[Unit, Kind]] = {"money": "money", "count": "count", "rate": "count"}

PLACES: Final = (
    Column("order_id", "id"),
    Column("order_name", "text"),
    Column("checkout_token", "text"),
    Column("store", "id"),
    Column("kind", "text"),
    Column("entry", "text"),
    Column("at", "time"),
    Column("day", "date"),
    Column("customer_id", "id"),
)
"""Where an entry comes from; then follow amount and denominator, the measures, and the lines."""
AMOUNTS: Final = tuple(Column(name, _KINDS[_UNITS[name]]) for name in ADDITIVE)
"""The measures of an entry."""

# The entry's own columns and the measures that it has under the filters.
_ENTRY: LiteralString = (
    "l.store_id, l.source, l.source_id, l.entry, l.at, l.hour, l.day, l.customer_id"
)
_POSTED: LiteralString = """
    FROM rollup.ledger AS l
    WHERE l.tenant_id = %(tenant)s AND l.store_id = t.store_id
      AND l.hour >= %(after)s AND l.hour < %(before)s AND l.day BETWEEN %(first)s AND %(last)s
      AND (l.hour, l.at, l.source_id, l.entry) <= (%(c_hour)s, %(c_at)s, %(c_source_id)s, %(c_entry)s)
"""
# An unknown facet is null in the ledger and "" to those who ask. Checkouts have no facets at all.
_CONDITIONS: Final[dict[str, LiteralString]] = {
    "channel": "\n      AND coalesce(l.channel, '') = %(channel)s",
    "country": "\n      AND coalesce(l.country, '') = %(country)s",
    "discount_code": """
      AND CASE WHEN %(discount_code)s = '' THEN coalesce(cardinality(l.discount_codes), 0) = 0
               ELSE l.discount_codes @> ARRAY[%(discount_code)s::text] END""",
    "product": "",
}


def _of_product() -> LiteralString:
    """The measures that the lines of one product have of an entry; see rollup/breakdown.py."""
    told = [
        f"coalesce(sum((line ->> {4 + LINE_MEASURES.index(name)})::bigint), 0)::bigint AS {name}"
        if name in LINE_MEASURES
        # A placement counts once, whatever of a product it contains.
        else (f"p.{name}" if name in {"orders", "customer_orders"} else f"0::bigint AS {name}")
        for name in ADDITIVE
    ]
    # Names and places out of the registry are part of the program.
    return cast("LiteralString", ", ".join(told))


# A line has amounts if anything follows its four names.
_LINES_OF_PRODUCT: LiteralString = f"""
    SELECT p.store_id, p.source, p.source_id, p.entry, p.at, p.hour, p.day, p.customer_id,
      {each("m.$")}, m.of_product AS lines
    FROM posted AS p
    CROSS JOIN LATERAL (
      SELECT {_of_product()}, json_agg(line) AS of_product
      FROM json_array_elements(p.lines) AS e (line)
      WHERE coalesce(line ->> 1, '') = %(product)s AND json_array_length(line) > 4
      HAVING count(*) > 0
    ) AS m
"""  # noqa: S608 - made of literals only

# Whether an order is the one by which its customer counts in the range; as rollup/rhythm.py has it, for one
# order. What a customer ordered is read in full only where the first order lies before the range.
_CUSTOMERS: LiteralString = """
  LEFT JOIN LATERAL (
    SELECT
      (f.is_first OR f.is_back)::integer AS customers, f.is_first::integer AS new_customers,
      (f.is_back OR f.is_second)::integer AS returning_customers
    FROM rollup.customers AS c
    CROSS JOIN LATERAL (
      SELECT
        c.first_order_at = e.at AND c.moments -> 0 ->> 1 = e.source_id AS is_first,
        c.first_order_at >= %(since)s AND coalesce(c.moments -> 1 ->> 1 = e.source_id, false) AS is_second,
        c.first_order_at < %(since)s AND NOT EXISTS (
          SELECT FROM json_array_elements(c.moments) AS o (moment)
          CROSS JOIN LATERAL (SELECT (moment ->> 0)::bigint AS at, (moment ->> 1)::bigint AS id) AS m
          WHERE m.at >= (extract(epoch FROM %(since)s) * 1000000)::bigint
            AND (m.at, m.id) < ((extract(epoch FROM e.at) * 1000000)::bigint, e.source_id::bigint)
        ) AS is_back
    ) AS f
    WHERE c.tenant_id = %(tenant)s AND c.store_id = e.store_id AND c.customer_id = e.customer_id
  ) AS b ON e.entry = 'placement'
"""


def _weighed(weights: Mapping[str, int]) -> LiteralString:
    """The weighted sum of an entry's columns."""
    told = [
        f"{weight} * coalesce(b.{name}, 0)" if name in DISTINCT else f"{weight} * e.{name}"
        for name, weight in weights.items()
    ]
    # Names and weights out of the registry are part of the program.
    return cast("LiteralString", " + ".join(told) or "0")


def _weigh(parts: Parts) -> LiteralString:
    """The part of the statement that says what each entry has of a figure."""
    amount, denominator = _weighed(parts.numerator), _weighed(parts.denominator)
    amounts = amount + " AS amount, (" + denominator + ")::bigint AS denominator"
    customers: LiteralString = _CUSTOMERS if parts.counts_customers else ""
    return "SELECT e.*, " + amounts + " FROM entries AS e" + customers  # noqa: S608 - see _weighed


_SELECT: LiteralString = f"""
SELECT w.order_id, o.name,
  CASE WHEN w.source = 'checkout' THEN w.source_id END, t.store_id, split_part(w.entry, ':', 1),
  w.entry, w.at, w.day, w.customer_id, w.amount, w.denominator, {each("w.$")}, w.lines::text,
  w.hour, w.at, w.source_id, w.entry, t.store_id, w.source
FROM unnest(%(stores)s::bigint[]) AS t (store_id)
CROSS JOIN LATERAL (
"""  # noqa: S608 - made of literals only
_REST: LiteralString = """
  -- The order's id is worked out in here: behind the wall between tenants no index is looked into by
  -- what a cast makes of a text.
  SELECT x.*, CASE WHEN x.source = 'order' THEN x.source_id::bigint END AS order_id
  FROM weighed AS x
  WHERE (x.amount <> 0 OR x.denominator <> 0)
    AND (x.hour, x.at, x.source_id, x.entry, x.store_id, x.source)
      < (%(c_hour)s, %(c_at)s, %(c_source_id)s, %(c_entry)s, %(c_store)s, %(c_source)s)
  ORDER BY x.hour DESC, x.at DESC, x.source_id DESC, x.entry DESC, x.source DESC LIMIT %(limit)s
) AS w
LEFT JOIN mirror.orders AS o
  ON o.tenant_id = %(tenant)s AND o.store_id = t.store_id AND o.id = w.order_id
ORDER BY w.hour DESC, w.at DESC, w.source_id DESC, w.entry DESC, t.store_id DESC, w.source DESC
LIMIT %(limit)s
"""


def ledger_listing(unit: Unit, parts: Parts, filters: Filters) -> Listing:
    """The entries that a figure is made of, the latest first.

    The statement takes tenant, stores, days, their hours and their first instant, and the filters that
    are set.
    """
    conditions: LiteralString = ""
    for name in filters.wanted:
        conditions += _CONDITIONS[name]
    columns = _ENTRY + "," + each(" l.$", ",") + ", l.lines"
    told: LiteralString = (
        _LINES_OF_PRODUCT if "product" in filters.wanted else "SELECT * FROM posted"
    )
    posted = "WITH posted AS (SELECT " + columns + _POSTED + conditions + ")"
    entries = posted + ", entries AS (" + told + "), weighed AS (" + _weigh(parts) + ")"
    statement = _SELECT + entries + _REST
    kind = _KINDS[unit]
    return Listing(
        "ledger",
        (
            *PLACES,
            Column("amount", kind),
            Column("denominator", "count"),
            *AMOUNTS,
            Column("lines", "text"),
        ),
        statement,
        # No hour is as late as the first key: those after it do not matter on the first page.
        keys={
            "c_hour": LAST_TIME,
            "c_at": LAST_TIME,
            "c_source_id": FIRST_TEXT,
            "c_entry": FIRST_TEXT,
            "c_store": LAST_ID,
            "c_source": FIRST_TEXT,
        },
    )
