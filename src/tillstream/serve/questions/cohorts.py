"""Customers by the month of their first order, and what they did in each month since."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, LiteralString

from tillstream.foundation.money import average
from tillstream.serve.buckets import date_starts
from tillstream.serve.figures import rate
from tillstream.serve.forms import Column
from tillstream.serve.ranges import Days, local_today

if TYPE_CHECKING:
    from datetime import date

    from tillstream.foundation.database import Connection
    from tillstream.serve.asking import Frame
    from tillstream.serve.export import Row

PERIOD: Final = (
    Column("period", "count"),
    Column("month", "date"),
    Column("customers", "count"),
    Column("retention", "number"),
    Column("orders", "count"),
    Column("total_spent", "money"),
    Column("spent_per_customer", "money"),
)
COHORT: Final = (
    Column("cohort", "date"),
    Column("customers", "count"),
    Column("repeat_orders", "count"),
    Column("orders", "count"),
    Column("total_spent", "money"),
)

_COHORTS: LiteralString = """
SELECT cohort, month, sum(customers)::bigint, sum(orders)::bigint, sum(total_spent)::bigint
FROM rollup.cohorts
WHERE tenant_id = %(tenant)s AND store_id = ANY (%(stores)s) AND cohort BETWEEN %(from)s AND %(last)s
GROUP BY cohort, month
"""


@dataclass(frozen=True)
class Cohort:
    """The customers of a month, as COHORT, and what they did since, as rows of PERIOD."""

    summary: Row
    periods: list[Row]


async def cohorts_of(connection: Connection, frame: Frame) -> list[Cohort]:
    """The cohorts of the months that the range touches, the oldest first; each up to this month."""
    values = {**frame.values, "from": frame.days.first.replace(day=1)}
    cursor = await connection.execute(_COHORTS, values)
    told: dict[date, dict[date, tuple[int, int, int]]] = {}
    for cohort, month, *done in await cursor.fetchall():
        customers, orders, spent = done
        told.setdefault(cohort, {})[month] = (customers, orders, spent)
    today = local_today(frame.now, frame.scope.zone)
    return [_cohort(first, told[first], today) for first in sorted(told)]


def _cohort(first: date, done: dict[date, tuple[int, int, int]], today: date) -> Cohort:
    size, placed, _ = done.get(first, (0, 0, 0))
    periods: list[Row] = []
    orders = spent = 0
    for period, month in enumerate(date_starts(Days(first, max(today, *done)), "month")):
        returned, more, paid = done.get(month, (0, 0, 0))
        orders, spent = orders + more, spent + paid
        each = average(spent, size) if size else 0
        periods.append((period, month, returned, rate(returned, size), more, paid, each))
    return Cohort((first, size, placed - size, orders, spent), periods)
