"""Customers by group of recency, frequency and monetary value; see rollup/segments.py."""

# ruff: noqa: S608 - statements are made of literals only

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, LiteralString

import msgspec

from tillstream.rollup.segments import (
    FIFTHS,
    GROUPS,
    boundaries_of,
    repeats_of,
    scores_of,
    segments_of,
)
from tillstream.serve.figures import rate
from tillstream.serve.forms import Column
from tillstream.serve.listing import FIRST_ID, LAST_ID, Listing

if TYPE_CHECKING:
    from tillstream.foundation.database import Connection
    from tillstream.serve.asking import Frame
    from tillstream.serve.export import Row

Group = Literal[
    "champions", "loyal", "active", "new", "promising", "needs_attention", "almost_lost", "at_risk",
    "previously_loyal", "dormant", "prospects",
]  # fmt: skip

SEGMENTS: Final = (
    Column("group", "text"),
    Column("customers", "count"),
    Column("share", "number"),
    Column("orders", "count"),
    Column("total_spent", "money"),
    Column("spent_share", "number"),
)
_MEMBERS: Final = (
    Column("id", "id"),
    Column("name", "text"),
    Column("email", "text"),
    Column("orders", "count"),
    Column("total_spent", "money"),
    Column("first_order_at", "time"),
    Column("last_order_at", "time"),
    Column("store", "id"),
    Column("recency", "count"),
    Column("frequency", "count"),
    Column("monetary", "count"),
)
_NAME: LiteralString = "concat_ws(' ', nullif(m.first_name, ''), nullif(m.last_name, ''))"


# From 1 to 5, as score_customers.sql has it from 0.
_SCORE: LiteralString = (
    "(1 + ($[1])::integer + ($[2])::integer + ($[3])::integer + ($[4])::integer)"
)
_RECENCY: LiteralString = _SCORE.replace("$", "r.last_order_at >= t.last_day")
_FREQUENCY: LiteralString = _SCORE.replace("$", "r.orders > t.orders")
_MONETARY: LiteralString = _SCORE.replace("$", "r.total_spent > t.spent")

# Each store has boundaries of its own; customers are walked by what they spent until a page is full.
_OF_GROUP: LiteralString = (
    "SELECT c.customer_id, "
    + _NAME
    + """, m.email, c.orders, c.total_spent, c.first_order_at, c.last_order_at, t.store_id,
  c.recency, c.frequency, c.monetary, c.total_spent, c.customer_id, t.store_id
FROM json_to_recordset(%(boundaries)s::json)
  AS t (store_id bigint, last_day timestamptz[], orders bigint[], spent bigint[], most bigint)
CROSS JOIN LATERAL (
  SELECT r.customer_id, r.orders, r.total_spent, r.first_order_at, r.last_order_at, s.*
  FROM rollup.customers AS r
  CROSS JOIN LATERAL (SELECT """
    + _RECENCY
    + " AS recency, "
    + _FREQUENCY
    + " AS frequency, "
    + _MONETARY
    + """ AS monetary) AS s
  WHERE r.tenant_id = %(tenant)s AND r.store_id = t.store_id AND r.orders > 0
    AND s.recency * 100 + s.frequency * 10 + s.monetary = ANY (%(scores)s::integer[])
    AND r.total_spent <= %(amount)s AND r.total_spent <= t.most
    AND (r.total_spent < %(amount)s OR (r.customer_id, r.store_id) > (%(id)s, %(after_store)s))
  ORDER BY r.total_spent DESC, r.customer_id LIMIT %(limit)s
) AS c
LEFT JOIN LATERAL (
  SELECT first_name, last_name, email FROM mirror.customers AS m
  WHERE m.tenant_id = %(tenant)s AND m.store_id = t.store_id AND m.id = c.customer_id LIMIT 1
) AS m ON true
ORDER BY c.total_spent DESC, c.customer_id, t.store_id LIMIT %(limit)s
"""
)
_PROSPECTS: LiteralString = (
    "SELECT c.customer_id, "
    + _NAME
    + """, m.email, 0, 0, NULL, NULL, t.store_id, NULL, NULL, NULL, c.customer_id, t.store_id
FROM unnest(%(stores)s::bigint[]) AS t (store_id)
CROSS JOIN LATERAL (
  SELECT r.customer_id FROM rollup.prospects AS r
  WHERE r.tenant_id = %(tenant)s AND r.store_id = t.store_id
    AND (r.customer_id, r.store_id) < (%(id)s, %(after_store)s)
  ORDER BY r.customer_id DESC LIMIT %(limit)s
) AS c
LEFT JOIN LATERAL (
  SELECT first_name, last_name, email FROM mirror.customers AS m
  WHERE m.tenant_id = %(tenant)s AND m.store_id = t.store_id AND m.id = c.customer_id LIMIT 1
) AS m ON true
ORDER BY c.customer_id DESC, t.store_id DESC LIMIT %(limit)s
"""
)


@dataclass
class _Sums:
    customers: int = 0
    orders: int = 0
    total_spent: int = 0


async def repeats(connection: Connection, frame: Frame) -> dict[str, int]:
    """How many customers have one order in all time, and how many have more."""
    counted = [await repeats_of(connection, frame.tenant_id, store) for store in frame.scope.stores]
    return {
        "one_time": sum(once for once, _ in counted),
        "repeat": sum(often for _, often in counted),
    }


async def segment_rows(connection: Connection, frame: Frame) -> list[Row]:
    """SEGMENTS of all groups, also the empty ones. Each customer is scored within their own store."""
    counted = {name: _Sums() for name in GROUPS}
    for store in frame.scope.stores:
        found = await segments_of(connection, frame.tenant_id, store)
        for one in found:
            there = counted[one.group]
            there.customers += one.customers
            there.orders += one.orders
            there.total_spent += one.total_spent
    everybody = sum(one.customers for one in counted.values())
    everything = sum(one.total_spent for one in counted.values())
    return [
        (
            name,
            one.customers,
            rate(one.customers, everybody),
            one.orders,
            one.total_spent,
            rate(one.total_spent, everything),
        )
        for name, one in counted.items()
    ]


def members_listing(group: Group) -> Listing:
    """The customers of a group, those first who spent most; takes what ``member_values`` tells."""
    if group == "prospects":
        keys = {"id": LAST_ID, "after_store": LAST_ID}
        return Listing("customers", _MEMBERS, _PROSPECTS, keys, "prospects", personal=True)
    keys = {"amount": LAST_ID, "id": FIRST_ID, "after_store": FIRST_ID}
    return Listing("customers", _MEMBERS, _OF_GROUP, keys, group, personal=True)


async def member_values(connection: Connection, frame: Frame, group: Group) -> dict[str, Any]:
    """What the statements of a group take besides keys and limit."""
    scores = scores_of(group)
    # Nobody of the group spent more than the boundary above the highest of its monetary scores.
    highest = max((monetary for _, _, monetary in scores), default=FIFTHS)
    boundaries: list[dict[str, Any]] = []
    for store in frame.scope.stores:
        found = await boundaries_of(connection, frame.tenant_id, store)
        if found is not None:
            most = found.spent[highest - 1] if highest < FIFTHS else LAST_ID
            boundaries.append({"store_id": store, **found._asdict(), "most": most})
    return {
        **frame.values,
        "boundaries": msgspec.json.encode(boundaries).decode(),
        "scores": [100 * r + 10 * f + m for r, f, m in scores],
    }
