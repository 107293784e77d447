"""The statements of ``rollup.breakdown``: adding differences, and the whole of it from the ledger."""

# ruff: noqa: S608 - made of literals only

from __future__ import annotations

from typing import TYPE_CHECKING

from tillstream.rollup.breakdown import FULFILLED_AFTER, LINE_MEASURES, MEASURES
from tillstream.rollup.columns import each

if TYPE_CHECKING:
    from typing import LiteralString

_KEY: LiteralString = "tenant_id, store_id, dimension, grain, day, value"
_TYPED_KEY: LiteralString = (
    "tenant_id bigint, store_id bigint, dimension text, grain text, day date, value text"
)


def _amounts(pattern: LiteralString, between: LiteralString = ", ") -> LiteralString:
    return each(pattern, between, MEASURES)


ADD_BREAKDOWN: LiteralString = f"""
-- Add differences. Takes a JSON array of rows, which may leave zeros out; returns the keys of the rows
-- that came to nothing, to be swept.
WITH written AS (
  INSERT INTO rollup.breakdown AS b ({_KEY}, {_amounts("$")})
  SELECT {_KEY}, {_amounts("coalesce(r.$, 0)")}
  FROM json_to_recordset(%s::json) AS r ({_TYPED_KEY}, {_amounts("$ bigint")})
  ON CONFLICT ({_KEY}) DO UPDATE SET {_amounts("$ = b.$ + excluded.$")}
  RETURNING {_KEY}, {_amounts("$ = 0", " AND ")} AS nothing
)
SELECT {_KEY} FROM written WHERE nothing
"""

SWEEP_BREAKDOWN: LiteralString = f"""
-- Drop rows that came to nothing, so that equal ledgers give equal tables. Takes a JSON array of keys.
DELETE FROM rollup.breakdown AS b
USING json_to_recordset(%s::json) AS k ({_TYPED_KEY})
WHERE b.tenant_id = k.tenant_id AND b.store_id = k.store_id AND b.dimension = k.dimension
  AND b.grain = k.grain AND b.day = k.day AND b.value = k.value
"""

# Where each measure stands in a line of the ledger's `lines`, after line, product, variant and vendor.
_PLACES: tuple[LiteralString, ...] = ("5", "6", "7", "8", "9", "10", "11", "12")


def _of_line(measure: LiteralString) -> LiteralString:
    """A measure of a line's fields ``f``: orders are of the entry ``e`` that contains the line."""
    if measure in LINE_MEASURES:
        place = _PLACES[LINE_MEASURES.index(measure)]
        return f"coalesce(sum(f[{place}]::bigint), 0)::bigint AS {measure}"
    if measure in {"orders", "customer_orders"}:
        return f"e.{measure}"
    return f"0::bigint AS {measure}"


# An order that was sent counts as one, and with nothing else.
_OF_SENT: LiteralString = ", ".join(
    "1::bigint" if measure == "orders" else "0::bigint" for measure in MEASURES
)
_OF_LINES: LiteralString = ", ".join(_of_line(measure) for measure in MEASURES)

# The longest value is that of breakdown.py.
_OF_LEDGER: LiteralString = f"""
WITH entries AS MATERIALIZED (
  SELECT * FROM rollup.ledger
  WHERE tenant_id = %s AND store_id = %s AND source = 'order'
), told AS (
  SELECT e.day, f.dimension, f.value, {_amounts("e.$")}
  FROM entries AS e
  CROSS JOIN LATERAL (
    VALUES
      ('channel', left(e.channel, 500)), ('country', left(e.country, 500)),
      ('region', left(e.region, 500)), ('referrer', left(e.referrer, 500)), ('landing', left(e.landing, 500))
    UNION
    SELECT 'discount_code', left(code, 500) FROM unnest(coalesce(e.discount_codes, ARRAY[''])) AS code
  ) AS f (dimension, value)
  UNION ALL
  SELECT e.day, l.*
  FROM entries AS e
  CROSS JOIN LATERAL (
    SELECT d.dimension, d.value, {_OF_LINES}
    FROM json_array_elements(e.lines) AS line
    -- JSON is read anew at every access: once is enough.
    CROSS JOIN LATERAL (SELECT ARRAY(SELECT json_array_elements_text(line)) AS f OFFSET 0) AS fields
    CROSS JOIN LATERAL (
      VALUES
        ('product', coalesce(f[2], '')), ('variant', coalesce(f[3], '')),
        ('vendor', left(coalesce(f[4], ''), 500))
    ) AS d (dimension, value)
    WHERE cardinality(f) > 4
    GROUP BY d.dimension, d.value
  ) AS l
  UNION ALL
  SELECT e.day, '{FULFILLED_AFTER}', e.sent_after::text, {_OF_SENT}
  FROM entries AS e WHERE e.sent_after IS NOT NULL
), days AS MATERIALIZED (
  SELECT dimension, day, coalesce(value, '') AS value, {_amounts("sum($)::bigint AS $")}
  FROM told GROUP BY dimension, day, coalesce(value, '')
)
SELECT dimension, 'day' AS grain, day, value, {_amounts("$")}
FROM days WHERE {_amounts("$ <> 0", " OR ")}
UNION ALL
SELECT dimension, 'month', date_trunc('month', day::timestamp)::date, value, {_amounts("sum($)::bigint")}
FROM days GROUP BY dimension, date_trunc('month', day::timestamp)::date, value
HAVING {_amounts("sum($) <> 0", " OR ")}
"""

RESUM_BREAKDOWN: LiteralString = f"""
-- All rows of a store from its ledger. Takes tenant and store twice. A day's rows lie together, as they do
-- where time wrote them: whoever reads a range of days reads few pages.
INSERT INTO rollup.breakdown ({_KEY}, {_amounts("$")})
SELECT %s::bigint, %s::bigint, * FROM ({_OF_LEDGER}) AS wanted ORDER BY grain, day, dimension
"""

COMPARE_BREAKDOWN: LiteralString = f"""
-- Rows that are not the sum of their entries: dimension, grain, day and value, then the stored amounts
-- and the right ones (null without a row), both in the order of breakdown.MEASURES. Takes tenant and store
-- twice.
WITH wanted AS ({_OF_LEDGER}), stored AS (
  SELECT * FROM rollup.breakdown WHERE tenant_id = %s AND store_id = %s
)
SELECT dimension, grain, day, value, {_amounts("s.$")}, {_amounts("w.$")}
FROM stored AS s FULL JOIN wanted AS w USING (dimension, grain, day, value)
WHERE ({_amounts("s.$")}) IS DISTINCT FROM ({_amounts("w.$")})
"""
