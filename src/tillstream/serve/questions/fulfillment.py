"""How long orders took from being placed until their first parcel was sent."""

from __future__ import annotations

from datetime import UTC, date, timedelta
from typing import TYPE_CHECKING, Final, LiteralString

from tillstream.serve.forms import Column
from tillstream.serve.ranges import start_of_day

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tillstream.foundation.database import Connection
    from tillstream.serve.asking import Frame
    from tillstream.serve.export import Row

TIMES: Final = (
    Column("orders", "count"),
    Column("fulfilled", "count"),
    Column("median_hours", "number"),
    Column("p90_hours", "number"),
    Column("within_24_hours", "number"),
    Column("within_48_hours", "number"),
    Column("within_72_hours", "number"),
)

# date_part and not extract: floats are counted and sorted several times as fast as decimals.
# Days are told by the instants at which they begin and end: zones are known in one place only.
# Orders placed are those of the sums; those sent are found by an index of their own.
_TIMES: LiteralString = """
WITH sent AS (
  SELECT d.day, greatest(date_part('epoch', o.fulfilled_at - o.processed_at), 0) / 3600 AS hours
  FROM unnest(%(days)s::date[], %(begins)s::timestamptz[], %(ends)s::timestamptz[]) AS d (day, begins, ends)
  CROSS JOIN unnest(%(stores)s::bigint[]) AS t (store_id)
  JOIN mirror.orders AS o ON o.tenant_id = %(tenant)s AND o.store_id = t.store_id
    AND o.processed_at >= d.begins AND o.processed_at < d.ends
    AND o.fulfilled_at IS NOT NULL AND NOT o.test AND NOT o.deleted
), placed AS (
  SELECT day, sum(orders)::bigint AS orders FROM rollup.sums
  WHERE tenant_id = %(tenant)s AND store_id = ANY (%(stores)s)
    AND hour >= %(after)s AND hour < %(before)s AND day BETWEEN %(first)s AND %(last)s
  GROUP BY GROUPING SETS ((day), ())
), taken AS (
  SELECT day, count(*) AS fulfilled,
    percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY hours) AS places,
    count(*) FILTER (WHERE hours <= 24) AS one, count(*) FILTER (WHERE hours <= 48) AS two,
    count(*) FILTER (WHERE hours <= 72) AS three
  FROM sent GROUP BY GROUPING SETS ((day), ())
)
SELECT p.day, p.orders, coalesce(t.fulfilled, 0), round(t.places[1]::numeric, 2)::float8,
  round(t.places[2]::numeric, 2)::float8, t.one::float8 / nullif(t.fulfilled, 0),
  t.two::float8 / nullif(t.fulfilled, 0), t.three::float8 / nullif(t.fulfilled, 0)
FROM placed AS p LEFT JOIN taken AS t ON t.day IS NOT DISTINCT FROM p.day
"""


async def times_of(connection: Connection, frame: Frame) -> tuple[Row, Mapping[date, Row]]:
    """TIMES of all orders placed in the range, and of those of each day that has any."""
    days, zone = list(frame.days), frame.scope.zone
    begins = [
        start_of_day(day, zone).astimezone(UTC) for day in (*days, days[-1] + timedelta(days=1))
    ]
    values = {
        **frame.values,
        "after": frame.days.hours_after,
        "before": frame.days.hours_before,
        "days": days,
        "begins": begins[:-1],
        "ends": begins[1:],
    }
    cursor = await connection.execute(_TIMES, values)
    rows = {row[0]: row[1:] for row in await cursor.fetchall()}
    # Without any sums there is no grand total either: an empty range.
    total = rows.pop(None, None)
    return (NO_TIMES if total is None or total[0] is None else total), rows


NO_TIMES: Final[Row] = (0, 0, None, None, None, None, None)
"""TIMES of no orders."""
