"""What is asked of the rollup: sums and keyed pages only, so cost does not grow with orders.

Every statement runs in the tenant's transaction and names the tenant as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, LiteralString

from tillstream.rollup.columns import each
from tillstream.serve.figures import Buyers, Sums

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tillstream.foundation.database import Connection
    from tillstream.serve.ranges import Days

# In the order of figures.Sums.
_SUMS: LiteralString = each("\n  coalesce(sum($), 0)::bigint AS $", ",")

_STORES: LiteralString = """
SELECT s.id, s.domain, coalesce(r.timezone, s.timezone, 'UTC'),
  coalesce(r.currency, s.currency,
    (SELECT o.currency FROM mirror.orders AS o
     WHERE o.tenant_id = s.tenant_id AND o.store_id = s.id AND o.processed_at IS NOT NULL
     ORDER BY o.processed_at DESC, o.id DESC LIMIT 1),
    'USD')
FROM shops.stores AS s
LEFT JOIN rollup.stores AS r ON r.tenant_id = s.tenant_id AND r.store_id = s.id
WHERE s.tenant_id = %s AND s.removed_at IS NULL
ORDER BY s.domain
"""

# One statement, so that all figures of an answer, and what they are compared with, are of one moment.
_PERIODS: LiteralString = (
    """
SELECT s.*, s.customer_orders - b.repeats, b.new_customers, b.second_orders
FROM unnest(%(first)s::date[], %(last)s::date[], %(after)s::timestamptz[], %(before)s::timestamptz[])
  WITH ORDINALITY AS r (first, last, after, before, place)
CROSS JOIN LATERAL (
  SELECT """  # noqa: S608 - made of literals only
    + _SUMS
    + """
  FROM rollup.sums
  WHERE tenant_id = %(tenant)s AND store_id = ANY (%(stores)s)
    AND hour >= r.after AND hour < r.before AND day BETWEEN r.first AND r.last
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
ORDER BY r.place
"""
)

_BY_DAY: LiteralString = (
    "SELECT day,"
    + _SUMS
    + """
FROM rollup.sums
WHERE tenant_id = %(tenant)s AND store_id = ANY (%(stores)s)
  AND hour >= %(after)s AND hour < %(before)s AND day BETWEEN %(first)s AND %(last)s
GROUP BY day
"""
)

_BY_HOUR: LiteralString = (
    "SELECT hour,"
    + _SUMS
    + """
FROM rollup.sums
WHERE tenant_id = %(tenant)s AND store_id = ANY (%(stores)s)
  AND hour >= %(after)s AND hour < %(before)s AND day BETWEEN %(first)s AND %(last)s
GROUP BY hour
"""
)

_TOP_CUSTOMERS: LiteralString = """
SELECT c.customer_id, m.first_name, m.last_name, m.email, c.orders, c.total_spent,
  c.first_order_at, c.last_order_at
FROM unnest(%(stores)s::bigint[]) AS t (store_id)
CROSS JOIN LATERAL (
  SELECT * FROM rollup.customers AS r
  WHERE r.tenant_id = %(tenant)s AND r.store_id = t.store_id
  ORDER BY r.total_spent DESC, r.customer_id LIMIT %(limit)s
) AS c
LEFT JOIN mirror.customers AS m
  ON m.tenant_id = %(tenant)s AND m.store_id = t.store_id AND m.id = c.customer_id
ORDER BY c.total_spent DESC, c.customer_id LIMIT %(limit)s
"""

_CHECKOUT_COLUMNS: LiteralString = """
SELECT c.token, m.email, m.customer_name, c.value, c.stage, c.started_at, c.last_active_at,
  c.abandoned_at, c.recovered_at, m.abandoned_checkout_url, o.name, t.store_id
FROM unnest(%(stores)s::bigint[]) AS t (store_id)
CROSS JOIN LATERAL (
  SELECT * FROM rollup.checkouts AS r
  WHERE r.tenant_id = %(tenant)s AND r.store_id = t.store_id AND r.counted
    AND r.last_active_at >= %(since)s AND r.last_active_at <= %(at)s
    AND (r.last_active_at < %(at)s OR (r.token, r.store_id) > (%(token)s, %(after_store)s))
"""
_CHECKOUT_REST: LiteralString = """
  ORDER BY r.last_active_at DESC, r.token LIMIT %(limit)s
) AS c
LEFT JOIN mirror.checkouts AS m
  ON m.tenant_id = %(tenant)s AND m.store_id = t.store_id AND m.token = c.token
LEFT JOIN mirror.orders AS o
  ON o.tenant_id = %(tenant)s AND o.store_id = t.store_id AND o.id = c.order_id
ORDER BY c.last_active_at DESC, c.token, t.store_id LIMIT %(limit)s
"""
_CHECKOUTS: LiteralString = _CHECKOUT_COLUMNS + _CHECKOUT_REST
_CHECKOUTS_OF_STAGE: LiteralString = _CHECKOUT_COLUMNS + "AND r.stage = %(stage)s" + _CHECKOUT_REST

# Few at any time: those that were active within the store's window.
_OPEN_CHECKOUTS: LiteralString = """
SELECT count(*) FROM rollup.checkouts
WHERE tenant_id = %(tenant)s AND store_id = ANY (%(stores)s) AND counted AND stage = 'open'
  AND started_at >= %(since)s AND started_at < %(until)s
"""

_ORDERS: LiteralString = """
SELECT o.id, o.name, o.email, o.customer_id, c.first_name, c.last_name, o.financial_status,
  o.fulfillment_status, o.total_price, o.current_total_price, o.processed_at, o.cancelled_at,
  o.test, t.store_id
FROM unnest(%(stores)s::bigint[]) AS t (store_id)
CROSS JOIN LATERAL (
  SELECT * FROM mirror.orders AS r
  WHERE r.tenant_id = %(tenant)s AND r.store_id = t.store_id AND NOT r.deleted
    AND r.processed_at >= %(since)s AND r.processed_at < %(until)s
    AND (r.processed_at, r.id) < (%(at)s, %(id)s)
  ORDER BY r.processed_at DESC, r.id DESC LIMIT %(limit)s
) AS o
LEFT JOIN mirror.customers AS c
  ON c.tenant_id = %(tenant)s AND c.store_id = t.store_id AND c.id = o.customer_id
ORDER BY o.processed_at DESC, o.id DESC LIMIT %(limit)s
"""

_CUSTOMERS: LiteralString = """
SELECT m.id, m.first_name, m.last_name, m.email, coalesce(c.orders, 0), coalesce(c.total_spent, 0),
  c.first_order_at, c.last_order_at, m.created_at, t.store_id
FROM unnest(%(stores)s::bigint[]) AS t (store_id)
CROSS JOIN LATERAL (
  SELECT * FROM mirror.customers AS r
  WHERE r.tenant_id = %(tenant)s AND r.store_id = t.store_id AND NOT r.deleted AND r.id < %(id)s
  ORDER BY r.id DESC LIMIT %(limit)s
) AS m
LEFT JOIN rollup.customers AS c
  ON c.tenant_id = %(tenant)s AND c.store_id = t.store_id AND c.customer_id = m.id
ORDER BY m.id DESC LIMIT %(limit)s
"""

_PRODUCTS: LiteralString = """
SELECT p.id, p.title, p.handle, p.status, p.vendor, p.product_type, v.variants, v.lowest, v.highest,
  v.inventory, p.created_at, p.updated_at, t.store_id
FROM unnest(%(stores)s::bigint[]) AS t (store_id)
CROSS JOIN LATERAL (
  SELECT * FROM mirror.products AS r
  WHERE r.tenant_id = %(tenant)s AND r.store_id = t.store_id AND NOT r.deleted AND r.id < %(id)s
  ORDER BY r.id DESC LIMIT %(limit)s
) AS p
CROSS JOIN LATERAL (
  SELECT count(*) AS variants, min(price) AS lowest, max(price) AS highest,
    sum(inventory_quantity) AS inventory
  FROM mirror.variants AS r
  WHERE r.tenant_id = %(tenant)s AND r.store_id = t.store_id AND r.product_id = p.id
) AS v
ORDER BY p.id DESC LIMIT %(limit)s
"""


@dataclass(frozen=True)
class StoreFrame:
    """A store with the zone and the currency in which its figures are."""

    id: int
    domain: str
    timezone: str
    currency: str


async def stores_of(connection: Connection, tenant_id: int) -> list[StoreFrame]:
    """The tenant's connected stores by domain.

    Zone and currency: those the buckets were made with; until there are any, those the store was
    connected with; then the currency of its latest order; then UTC and USD.
    """
    cursor = await connection.execute(_STORES, (tenant_id,))
    return [StoreFrame(*row) for row in await cursor.fetchall()]


async def periods_of(
    connection: Connection, tenant_id: int, stores: Sequence[int], periods: Sequence[Days]
) -> list[tuple[Sums, Buyers]]:
    """Sums and customers of each of ``periods``, all of one moment."""
    values = {
        "tenant": tenant_id,
        "stores": list(stores),
        "first": [days.first for days in periods],
        "last": [days.last for days in periods],
        "after": [days.hours_after for days in periods],
        "before": [days.hours_before for days in periods],
    }
    rows = await _rows(connection, _PERIODS, values)
    return [(Sums.of(row[:-3]), Buyers(*row[-3:])) for row in rows]


async def sums_by_day(
    connection: Connection, tenant_id: int, stores: Sequence[int], days: Days
) -> list[tuple[date, Sums]]:
    """Sums of each day that has any."""
    rows = await _rows(connection, _BY_DAY, _in_days(tenant_id, stores, days))
    return [(row[0], Sums.of(row[1:])) for row in rows]


async def sums_by_hour(
    connection: Connection, tenant_id: int, stores: Sequence[int], days: Days
) -> dict[datetime, Sums]:
    """Sums of each hour that has any, by the instant at which it begins."""
    rows = await _rows(connection, _BY_HOUR, _in_days(tenant_id, stores, days))
    return {row[0]: Sums.of(row[1:]) for row in rows}


def _in_days(tenant_id: int, stores: Sequence[int], days: Days) -> dict[str, object]:
    return {
        "tenant": tenant_id,
        "stores": list(stores),
        "first": days.first,
        "last": days.last,
        "after": days.hours_after,
        "before": days.hours_before,
    }


async def top_customers_of(
    connection: Connection, tenant_id: int, stores: Sequence[int], limit: int
) -> list[tuple[Any, ...]]:
    """Rows of the customers who spent most: id, names, e-mail, orders, spent, first, last order."""
    values = {"tenant": tenant_id, "stores": list(stores), "limit": limit}
    return await _rows(connection, _TOP_CUSTOMERS, values)


async def checkouts_of(
    connection: Connection, stage: str | None, values: Mapping[str, object]
) -> list[tuple[Any, ...]]:
    """A page of checkouts, the latest active first."""
    if stage is None:
        return await _rows(connection, _CHECKOUTS, values)
    return await _rows(connection, _CHECKOUTS_OF_STAGE, {**values, "stage": stage})


async def open_checkouts_of(connection: Connection, values: Mapping[str, object]) -> int:
    """How many of the checkouts started in the range are open now."""
    return int((await _rows(connection, _OPEN_CHECKOUTS, values))[0][0])


async def orders_of(connection: Connection, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
    """A page of orders, the latest first."""
    return await _rows(connection, _ORDERS, values)


async def customers_of(
    connection: Connection, values: Mapping[str, object]
) -> list[tuple[Any, ...]]:
    """A page of customers, the newest first."""
    return await _rows(connection, _CUSTOMERS, values)


async def products_of(
    connection: Connection, values: Mapping[str, object]
) -> list[tuple[Any, ...]]:
    """A page of products, the newest first."""
    return await _rows(connection, _PRODUCTS, values)


async def _rows(
    connection: Connection, statement: LiteralString, values: Mapping[str, object]
) -> list[tuple[Any, ...]]:
    return await (await connection.execute(statement, values)).fetchall()
