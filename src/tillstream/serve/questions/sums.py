"""Sums of measures: by period, by day, by hour, and by hour of the week.

The sums are read from ``rollup.sums``; so the cost depends on the days, not on the orders in them.
A day that counts in part is its full hours, and the entries of the hour in which it is cut.
"""

# ruff: noqa: S608 - statements are made of literals only

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, LiteralString

from tillstream.mirror.values import microseconds
from tillstream.rollup.buckets import bucket
from tillstream.rollup.columns import each
from tillstream.serve.figures import Buyers, Sums
from tillstream.serve.ranges import Days, start_of_day

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tillstream.foundation.database import Connection
    from tillstream.serve.ranges import Period
    from tillstream.serve.scope import Scope

# In the order of figures.Sums.
SUMS: LiteralString = each("\n  coalesce(sum($), 0)::bigint AS $", ",")

_IN_RANGE: LiteralString = """
  tenant_id = %(tenant)s AND store_id = ANY (%(stores)s)
  AND hour >= %(after)s AND hour < %(before)s AND day BETWEEN %(first)s AND %(last)s
"""

# One statement, so that all figures of an answer, and what they are compared with, are of one moment.
# `last` is the last whole day, `cut_day` the day after it, if a part of that counts, too.
_PERIODS: LiteralString = f"""
SELECT s.*, s.customer_orders - b.repeats + p.customers, b.new_customers + p.new_customers,
  b.second_orders + p.second_orders
FROM unnest(%(first)s::date[], %(last)s::date[], %(after)s::timestamptz[], %(before)s::timestamptz[],
    %(cut_day)s::date[], %(cut_after)s::timestamptz[], %(cut_hour)s::timestamptz[],
    %(cut)s::timestamptz[], %(begin)s::bigint[], %(break)s::bigint[])
  WITH ORDINALITY AS r (first, last, after, before, cut_day, cut_after, cut_hour, cut, begin, break, place)
CROSS JOIN LATERAL (
  SELECT {SUMS}
  FROM (
    SELECT {each("$")} FROM rollup.sums
    WHERE tenant_id = %(tenant)s AND store_id = ANY (%(stores)s)
      AND hour >= r.after AND hour < r.before AND day BETWEEN r.first AND r.last
    UNION ALL
    SELECT {each("$")} FROM rollup.sums
    WHERE tenant_id = %(tenant)s AND store_id = ANY (%(stores)s)
      AND hour >= r.cut_after AND hour < r.cut_hour AND day = r.cut_day
    UNION ALL
    SELECT {each("$")} FROM rollup.ledger
    WHERE tenant_id = %(tenant)s AND store_id = ANY (%(stores)s)
      AND hour = r.cut_hour AND at < r.cut
  ) AS parts
) AS s
-- The customers of a range are its orders without those that had another in the range before them.
-- A probe of the key for each day: what lies between a customer's last visits of all is never read.
CROSS JOIN LATERAL (
  SELECT
    coalesce(sum(h.orders) FILTER (WHERE h.previous_day > '-infinity'), 0)::bigint AS repeats,
    coalesce(sum(h.orders) FILTER (WHERE h.previous_day = '-infinity'), 0)::bigint AS new_customers,
    coalesce(sum(h.orders) FILTER (WHERE h.second), 0)::bigint AS second_orders
  FROM unnest(%(stores)s::bigint[]) AS t (store_id)
  CROSS JOIN generate_series(r.first, r.last, interval '1 day') AS d (day)
  CROSS JOIN LATERAL (
    SELECT orders, previous_day, second FROM rollup.rhythm
    WHERE tenant_id = %(tenant)s AND store_id = t.store_id
      AND day = d.day::date AND previous_day >= r.first
    UNION ALL
    SELECT orders, previous_day, second FROM rollup.rhythm
    WHERE tenant_id = %(tenant)s AND store_id = t.store_id
      AND day = d.day::date AND previous_day = '-infinity'
  ) AS h
) AS b
-- What the customers of a day that counts in part add: their own orders tell who came before.
-- `s.customer_orders` counts their orders already, of which one each is to count.
CROSS JOIN LATERAL (
  SELECT
    coalesce(sum((m.within = 0)::integer - m.parted), 0)::bigint AS customers,
    count(*) FILTER (WHERE m.earlier = 0 AND m.within = 0) AS new_customers,
    count(*) FILTER (WHERE m.earlier = 0 AND m.within < 2 AND m.within + m.parted > 1) AS second_orders
  FROM (
    SELECT store_id, customer_id, count(*) AS orders FROM rollup.ledger
    WHERE tenant_id = %(tenant)s AND store_id = ANY (%(stores)s) AND hour >= r.cut_after
      AND hour <= r.cut_hour AND day = r.cut_day AND at < r.cut AND customer_orders > 0
    GROUP BY store_id, customer_id
  ) AS l
  JOIN rollup.customers AS c
    ON c.tenant_id = %(tenant)s AND c.store_id = l.store_id AND c.customer_id = l.customer_id
  CROSS JOIN LATERAL (
    -- How many orders were before an instant is searched for, not counted: some have thousands.
    SELECT l.orders AS parted, width_bucket(r.begin - 1, c.order_times) AS earlier,
      width_bucket(r.break - 1, c.order_times) - width_bucket(r.begin - 1, c.order_times) AS within
  ) AS m
) AS p
ORDER BY r.place
"""

_BY_DAY: LiteralString = (
    "SELECT day," + SUMS + "\nFROM rollup.sums WHERE" + _IN_RANGE + "GROUP BY day"
)
_BY_HOUR: LiteralString = (
    "SELECT hour," + SUMS + "\nFROM rollup.sums WHERE" + _IN_RANGE + "GROUP BY hour"
)


async def periods_of(
    connection: Connection, tenant_id: int, scope: Scope, periods: Sequence[Period]
) -> list[tuple[Sums, Buyers]]:
    """Sums and customers of each of ``periods``, all of one moment."""
    told = [period_values(period, scope) for period in periods]
    values = {name: [one[name] for one in told] for name in told[0]}
    cursor = await connection.execute(
        _PERIODS, {"tenant": tenant_id, "stores": list(scope.stores), **values}
    )
    return [(Sums.of(row[:-3]), Buyers(*row[-3:])) for row in await cursor.fetchall()]


def period_values(period: Period, scope: Scope) -> dict[str, Any]:
    """What statements take of a period; moments since the epoch in µs.

    A period of which no day counts whole has its ``last`` before its ``first``.
    """
    first, whole, until, cut = period.days.first, period.whole, period.until, period.cut_day
    return {
        "first": first,
        "last": whole.last if whole else first - timedelta(days=1),
        "after": period.days.hours_after,
        "before": period.days.hours_before,
        "cut_day": cut,
        # An hour to spare where clocks changed about midnight: rows are then picked by their day.
        "cut_after": None if cut is None else start_of_day(cut, scope.zone) - timedelta(hours=1),
        "cut_hour": None if until is None else bucket(microseconds(until), scope.timezone).hour,
        "cut": until,
        "begin": microseconds(start_of_day(first, scope.zone)),
        "break": microseconds(start_of_day(cut or first, scope.zone)),
    }


async def sums_by_day(
    connection: Connection, tenant_id: int, scope: Scope, days: Days
) -> list[tuple[date, Sums]]:
    """Sums of each day that has any."""
    cursor = await connection.execute(_BY_DAY, _in_days(tenant_id, scope, days))
    return [(row[0], Sums.of(row[1:])) for row in await cursor.fetchall()]


async def sums_by_hour(
    connection: Connection, tenant_id: int, scope: Scope, days: Days
) -> dict[datetime, Sums]:
    """Sums of each hour that has any, by the instant at which it begins."""
    cursor = await connection.execute(_BY_HOUR, _in_days(tenant_id, scope, days))
    return {row[0]: Sums.of(row[1:]) for row in await cursor.fetchall()}


def _in_days(tenant_id: int, scope: Scope, days: Days) -> Mapping[str, object]:
    return {
        "tenant": tenant_id,
        "stores": list(scope.stores),
        "first": days.first,
        "last": days.last,
        "after": days.hours_after,
        "before": days.hours_before,
    }
