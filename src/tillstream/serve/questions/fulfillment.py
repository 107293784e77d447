"""How long orders took from being placed until their first parcel was sent, by day and over all days.

Read from sums by step (``rollup/sending.py``), so that the cost depends on the days asked for and not
on the orders placed on them.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, LiteralString

import msgspec

from tillstream.rollup.breakdown import FULFILLED_AFTER
from tillstream.rollup.sending import Sent
from tillstream.serve.forms import Column

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

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

# A day's steps as one text, [[step, orders], …]: of several stores a step may be there more than once.
_TIMES: LiteralString = """
WITH placed AS (
  SELECT day, sum(orders)::bigint AS orders FROM rollup.sums
  WHERE tenant_id = %(tenant)s AND store_id = ANY (%(stores)s)
    AND hour >= %(after)s AND hour < %(before)s AND day BETWEEN %(first)s AND %(last)s
  GROUP BY day
), sent AS (
  SELECT b.day, '[' || string_agg('[' || b.value || ',' || b.orders || ']', ',') || ']' AS steps
  FROM rollup.breakdown AS b
  WHERE b.tenant_id = %(tenant)s AND b.store_id = ANY (%(stores)s)
    AND b.dimension = %(dimension)s AND b.grain = 'day' AND b.day BETWEEN %(first)s AND %(last)s
  GROUP BY b.day
)
SELECT p.day, p.orders, coalesce(s.steps, '[]') FROM placed AS p LEFT JOIN sent AS s USING (day)
"""

_STEPS: Final = msgspec.json.Decoder(list[tuple[int, int]])


async def times_of(connection: Connection, frame: Frame) -> tuple[Row, Mapping[date, Row]]:
    """TIMES of all orders placed in the range, and of those of each day that has any."""
    values = {
        **frame.values,
        "after": frame.days.hours_after,
        "before": frame.days.hours_before,
        "dimension": FULFILLED_AFTER,
    }
    cursor = await connection.execute(_TIMES, values)
    placed, steps = 0, Counter[int]()
    days: dict[date, Row] = {}
    for day, orders, told in await cursor.fetchall():
        of_day = Counter[int]()
        for step, sent in _STEPS.decode(told):
            of_day[step] += sent
        placed += orders
        steps.update(of_day)
        days[day] = _times(orders, of_day)
    return _times(placed, steps), days


def _times(orders: int, steps: Mapping[int, int]) -> Row:
    """TIMES of orders, of which those were sent that the steps have."""
    sent = Sent(steps)
    return (
        orders,
        sent.orders,
        _rounded(sent.hours_of(5)),
        _rounded(sent.hours_of(9)),
        *(sent.share_within(hours) for hours in (24, 48, 72)),
    )


def _rounded(hours: float | None) -> float | None:
    return None if hours is None else round(hours, 2)


NO_TIMES: Final[Row] = _times(0, {})
"""TIMES of no orders."""
