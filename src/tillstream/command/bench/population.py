"""A store with a year of orders, written by set-based SQL: taking a million in would take too long.

The rows are such as the real way leaves behind, with sums that agree with them, as far as the
analytics calls read them: orders, customers and checkouts in mirror and rollup, the ledger's
placements, hourly sums, pairs of days. Left out are states, lines and refunds, which those calls
do not touch. The store's zone is UTC, so that PostgreSQL may find its hours and days.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, LiteralString

if TYPE_CHECKING:
    from datetime import datetime

    from tillstream.foundation.database import Connection

ZONE: Final = "UTC"
CURRENCY: Final = "USD"

# Hashes stand in for chance: the same rows in every run. Customers: two for five orders, a few of
# them with many. One in five orders has a discount; the last orders are placed just before `now`.
_DRAW: LiteralString = """
CREATE TEMPORARY TABLE drawn ON COMMIT DROP AS
SELECT n AS id, at, date_trunc('hour', at) AS hour, at::date AS day,
  1 + floor(%(customers)s * chance_customer * chance_customer)::bigint AS customer_id,
  gross, CASE WHEN chance_discount < 0.2 THEN gross / 10 ELSE 0 END AS discounts,
  50000::bigint AS shipping, gross / 12 AS taxes, chance_recovered < 0.1 AS recovered
FROM (
  SELECT n, %(now)s::timestamptz - interval '365 days'
      * (1 - (n - (hashint8extended(n, 1) & 65535) / 65536.0) / %(orders)s::float8) AS at,
    (hashint8extended(n, 2) & 65535) / 65536.0 AS chance_customer,
    (hashint8extended(n, 3) & 65535) / 65536.0 AS chance_discount,
    (hashint8extended(n, 4) & 65535) / 65536.0 AS chance_recovered,
    150000 + (hashint8extended(n, 5) & 1048575) AS gross
  FROM generate_series(1, %(orders)s) AS n) AS chances
"""

_STORE: LiteralString = """
INSERT INTO rollup.stores (tenant_id, store_id, timezone, currency)
VALUES (%(tenant)s, %(store)s, 'UTC', 'USD')
"""

_ORDERS: LiteralString = """
INSERT INTO mirror.orders (
  tenant_id, store_id, id, name, email, customer_id, checkout_token, currency, financial_status,
  source_name, taxes_included, test, deleted, created_at, processed_at, updated_at, total_price,
  subtotal_price, total_tax, total_discounts, current_total_price, discount_codes, state)
SELECT %(tenant)s, %(store)s, id, '#' || id, 'customer-' || customer_id || '@example.com', customer_id,
  md5(%(store)s || 'c' || id), 'USD', 'paid', 'web', false, false, false, at, at, at,
  gross - discounts + shipping + taxes, gross - discounts, taxes, discounts,
  gross - discounts + shipping + taxes, '{}', '{}'
FROM drawn
"""

_LEDGER: LiteralString = """
INSERT INTO rollup.ledger (
  tenant_id, store_id, source, source_id, entry, at, hour, day, customer_id, gross_sales, discounts,
  shipping, taxes, orders, placed_gross, placed_discounts)
SELECT %(tenant)s, %(store)s, 'order', id, 'placement', at, hour, day, customer_id, gross, discounts,
  shipping, taxes, 1, gross, discounts
FROM drawn
"""

# Every order had a checkout ten minutes before, one in ten of which had been abandoned for an hour;
# beside every fourth order another was abandoned for good.
_CHECKOUTS: LiteralString = """
CREATE TEMPORARY TABLE begun ON COMMIT DROP AS
SELECT md5(%(store)s || 'c' || id) AS token, id AS order_id, customer_id,
  CASE WHEN recovered THEN 'recovered' ELSE 'converted' END AS stage,
  at - CASE WHEN recovered THEN interval '1 hour' ELSE interval '10 minutes' END AS started_at,
  CASE WHEN recovered THEN at - interval '50 minutes' END AS abandoned_at,
  CASE WHEN recovered THEN at END AS recovered_at, at AS completed_at, at AS last_active_at,
  gross - discounts + shipping + taxes AS value
FROM drawn
UNION ALL
SELECT md5(%(store)s || 'a' || id), NULL, customer_id, 'abandoned', at - interval '30 minutes',
  at - interval '20 minutes', NULL, NULL, at - interval '30 minutes', gross
FROM drawn WHERE id %% 4 = 0
"""

_MIRROR_CHECKOUTS: LiteralString = """
INSERT INTO mirror.checkouts (
  tenant_id, store_id, token, email, customer_id, customer_name, currency, total_price, created_at,
  updated_at, completed_at, abandoned_checkout_url, source_name, deleted, state)
SELECT %(tenant)s, %(store)s, token, 'customer-' || customer_id || '@example.com', customer_id,
  'Customer ' || customer_id, 'USD', value, started_at, last_active_at, completed_at,
  'https://shop.example/recover/' || token, 'web', false, '{}'
FROM begun
"""

_ROLLUP_CHECKOUTS: LiteralString = """
INSERT INTO rollup.checkouts (
  tenant_id, store_id, token, stage, counted, started_at, last_active_at, abandoned_at, recovered_at,
  completed_at, value, order_id, recovered_value)
SELECT %(tenant)s, %(store)s, token, stage, true, started_at, last_active_at, abandoned_at,
  recovered_at, completed_at, value, order_id, CASE WHEN stage = 'recovered' THEN value ELSE 0 END
FROM begun
"""

_SUMS: LiteralString = """
INSERT INTO rollup.sums (
  tenant_id, store_id, hour, day, gross_sales, discounts, shipping, taxes, orders, placed_gross,
  placed_discounts, checkouts, converted_checkouts, abandoned_checkouts, recovered_checkouts,
  recovered_sales, abandoned_value)
SELECT %(tenant)s, %(store)s, hour, hour::date, sum(gross), sum(discounts), sum(shipping), sum(taxes),
  sum(orders), sum(gross), sum(discounts), sum(checkouts), sum(converted), sum(abandoned),
  sum(recovered), sum(recovered_sales), sum(abandoned_value)
FROM (
  SELECT hour, gross, discounts, shipping, taxes, 1 AS orders, 0 AS checkouts, 0 AS converted,
    0 AS abandoned, 0 AS recovered, 0 AS recovered_sales, 0 AS abandoned_value
  FROM drawn
  UNION ALL
  SELECT date_trunc('hour', started_at), 0, 0, 0, 0, 0, 1, (stage = 'converted')::int, 0, 0, 0, 0
  FROM begun
  UNION ALL
  SELECT date_trunc('hour', abandoned_at), 0, 0, 0, 0, 0, 0, 0, 1, (stage = 'recovered')::int,
    CASE WHEN stage = 'recovered' THEN value ELSE 0 END, CASE WHEN stage = 'abandoned' THEN value ELSE 0 END
  FROM begun WHERE abandoned_at IS NOT NULL) AS entries
GROUP BY hour
"""

_CUSTOMERS: LiteralString = """
INSERT INTO rollup.customers (
  tenant_id, store_id, customer_id, orders, total_spent, first_order_at, last_order_at, moments)
SELECT %(tenant)s, %(store)s, customer_id, count(*), sum(gross - discounts + shipping + taxes), min(at),
  max(at), json_agg(json_build_array((extract(epoch FROM at) * 1000000)::bigint, id) ORDER BY at, id)
FROM drawn GROUP BY customer_id
"""

_MIRROR_CUSTOMERS: LiteralString = """
INSERT INTO mirror.customers (
  tenant_id, store_id, id, email, first_name, last_name, created_at, updated_at, deleted, state)
SELECT %(tenant)s, %(store)s, customer_id, 'customer-' || customer_id || '@example.com', 'Customer',
  customer_id::text, min(at), max(at), false, '{}'
FROM drawn GROUP BY customer_id
"""

_RHYTHM: LiteralString = """
INSERT INTO rollup.rhythm (tenant_id, store_id, day, previous_day, second, orders)
SELECT %(tenant)s, %(store)s, day, previous_day, place = 2, count(*)
FROM (
  SELECT day, coalesce(lag(day) OVER turns, '-infinity') AS previous_day, row_number() OVER turns AS place
  FROM drawn WINDOW turns AS (PARTITION BY customer_id ORDER BY at, id)) AS paired
GROUP BY day, previous_day, place = 2
"""

_STEPS: Final[tuple[LiteralString, ...]] = (
    _DRAW,
    _STORE,
    _ORDERS,
    _LEDGER,
    _CHECKOUTS,
    _MIRROR_CHECKOUTS,
    _ROLLUP_CHECKOUTS,
    _SUMS,
    _CUSTOMERS,
    _MIRROR_CUSTOMERS,
    _RHYTHM,
)

_FIND: LiteralString = """
SELECT s.tenant_id, s.id FROM shops.stores AS s WHERE s.domain = %s AND s.removed_at IS NULL
"""
_SETTLE: LiteralString = "VACUUM (ANALYZE)"
_FLUSH: LiteralString = "CHECKPOINT"


async def populate(connection: Connection, domain: str, orders: int, now: datetime) -> None:
    """Give a connected store a year of ``orders`` up to ``now``.

    Args:
        connection: of a superuser, whom row-level security does not bind.
        domain: of the store; its zone has to be ``ZONE``.
        orders: how many, spread evenly over the year.
        now: when the last one was placed.
    """
    row = await (await connection.execute(_FIND, (domain,))).fetchone()
    if row is None:
        message = f"{domain} is not connected."
        raise LookupError(message)
    values = {
        "tenant": row[0],
        "store": row[1],
        "orders": orders,
        "customers": max(1, orders * 2 // 5),
        "now": now,
    }
    async with connection.transaction():
        await connection.execute("SET LOCAL synchronous_commit = off")
        await connection.execute("SET LOCAL work_mem = '256MB'")
        for step in _STEPS:
            await connection.execute(step, values)


async def settle(connection: Connection) -> None:
    """Do at once what autovacuum and the checkpointer would do in the next minutes."""
    await connection.execute(_SETTLE)
    await connection.execute(_FLUSH)
