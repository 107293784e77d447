"""The statements that name every measure: ledger and sums, read, written, swept and compared.

Rows are told as JSON, whose amounts may leave zeros out: most entries have few of the measures.
"""

# ruff: noqa: S608 - made of literals only

from __future__ import annotations

from typing import TYPE_CHECKING

from tillstream.rollup.columns import each

if TYPE_CHECKING:
    from typing import LiteralString

LOAD_LEDGER: LiteralString = f"""
-- The entries of these sources. Takes a JSON array of keys. Times in µs since the epoch.
SELECT
  l.tenant_id, l.store_id, l.source, l.source_id, l.entry,
  (extract(epoch FROM l.at) * 1000000)::bigint, l.hour, l.day, l.customer_id,
  l.channel, l.country, l.region, l.referrer, l.landing, l.discount_codes, l.lines::text, l.sent_after,
  {each("l.$")}
FROM json_to_recordset(%s::json) AS k (tenant_id bigint, store_id bigint, source text, source_id text)
JOIN rollup.ledger AS l USING (tenant_id, store_id, source, source_id)
"""

WRITE_LEDGER: LiteralString = f"""
-- Takes a JSON array of rows.
INSERT INTO rollup.ledger (
  tenant_id, store_id, source, source_id, entry, at, hour, day, customer_id,
  channel, country, region, referrer, landing, discount_codes, lines, sent_after, {each("$")}
)
SELECT
  r.tenant_id, r.store_id, r.source, r.source_id, r.entry, r.at, r.hour, r.day, r.customer_id,
  r.channel, r.country, r.region, r.referrer, r.landing, r.discount_codes, r.lines, r.sent_after,
  {each("coalesce(r.$, 0)")}
FROM json_to_recordset(%s::json) AS r (
  tenant_id bigint, store_id bigint, source text, source_id text, entry text, at timestamptz,
  hour timestamptz, day date, customer_id bigint, channel text, country text, region text,
  referrer text, landing text, discount_codes text[], lines json, sent_after bigint, {each("$ bigint")}
)
ON CONFLICT (tenant_id, store_id, source, source_id, entry) DO UPDATE SET
  at = excluded.at, hour = excluded.hour, day = excluded.day, customer_id = excluded.customer_id,
  channel = excluded.channel, country = excluded.country, region = excluded.region,
  referrer = excluded.referrer, landing = excluded.landing,
  discount_codes = excluded.discount_codes, lines = excluded.lines, sent_after = excluded.sent_after,
  {each("$ = excluded.$")}
"""

WRITE_SENT: LiteralString = """
-- After how long these placements, which are there, were sent; nothing else of them changes. Takes a JSON
-- array of rows. Not an UPDATE: by its conflict a row is found by its key however small the planner
-- believes the table to be.
INSERT INTO rollup.ledger (tenant_id, store_id, source, source_id, entry, at, hour, day, sent_after)
SELECT r.tenant_id, r.store_id, r.source, r.source_id, r.entry, r.at, r.hour, r.day, r.sent_after
FROM json_to_recordset(%s::json) AS r (
  tenant_id bigint, store_id bigint, source text, source_id text, entry text, at timestamptz,
  hour timestamptz, day date, sent_after bigint
)
ON CONFLICT (tenant_id, store_id, source, source_id, entry) DO UPDATE SET sent_after = excluded.sent_after
"""

ADD_SUMS: LiteralString = f"""
-- Add differences to the sums. Takes a JSON array of rows; returns the keys of the rows that came to
-- nothing, to be swept.
WITH written AS (
  INSERT INTO rollup.sums AS s (tenant_id, store_id, hour, day, {each("$")})
  SELECT r.tenant_id, r.store_id, r.hour, r.day, {each("coalesce(r.$, 0)")}
  FROM json_to_recordset(%s::json) AS r (
    tenant_id bigint, store_id bigint, hour timestamptz, day date, {each("$ bigint")}
  )
  ON CONFLICT (tenant_id, store_id, hour) DO UPDATE SET {each("$ = s.$ + excluded.$")}
  RETURNING tenant_id, store_id, hour, {each("$ = 0", " AND ")} AS nothing
)
SELECT tenant_id, store_id, hour FROM written WHERE nothing
"""

SWEEP_SUMS: LiteralString = """
-- Drop sums that came to nothing, so that equal ledgers give equal tables. Takes a JSON array of keys.
DELETE FROM rollup.sums AS s
USING json_to_recordset(%s::json) AS k (tenant_id bigint, store_id bigint, hour timestamptz)
WHERE s.tenant_id = k.tenant_id AND s.store_id = k.store_id AND s.hour = k.hour
"""

RESUM: LiteralString = f"""
-- Sum a store's ledger from nothing. Takes a tenant and a store.
INSERT INTO rollup.sums (tenant_id, store_id, hour, day, {each("$")})
SELECT tenant_id, store_id, hour, day, {each("sum($)")}
FROM rollup.ledger WHERE tenant_id = %s AND store_id = %s
GROUP BY tenant_id, store_id, hour, day
-- As when booking: an hour that comes to nothing has no row.
HAVING {each("sum($) <> 0", " OR ")}
"""

COMPARE_SUMS: LiteralString = f"""
-- Hours whose sums are not the sum of their entries: the hour, the stored sums, the right ones.
-- Takes tenant and store twice.
WITH wanted AS (
  SELECT hour, {each("sum($)::bigint AS $")}
  FROM rollup.ledger WHERE tenant_id = %s AND store_id = %s
  GROUP BY hour HAVING {each("sum($) <> 0", " OR ")}
), stored AS (
  SELECT * FROM rollup.sums WHERE tenant_id = %s AND store_id = %s
)
SELECT hour, {each("s.$")}, {each("w.$")}
FROM stored AS s FULL JOIN wanted AS w USING (hour)
WHERE ({each("s.$")}) IS DISTINCT FROM ({each("w.$")})
"""
