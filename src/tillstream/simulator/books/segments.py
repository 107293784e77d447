"""Customers by recency, frequency and monetary value, sorted anew from what they bought.

The scores are those of docs/decisions/segments.md: fifths of a shop's own customers. They are counted here
by how many customers have less, which needs no boundaries, and the groups stand in a table.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

PROSPECTS: Final = "prospects"

# By recency; across, the mean of frequency and monetary: up to 2, up to 3, up to 4, above.
_GROUPS: Final[dict[int, tuple[str, str, str, str]]] = {
    5: ("new", "active", "champions", "champions"),
    4: ("promising", "active", "loyal", "loyal"),
    3: ("promising", "needs_attention", "loyal", "loyal"),
    2: ("dormant", "almost_lost", "at_risk", "previously_loyal"),
    1: ("dormant", "almost_lost", "at_risk", "previously_loyal"),
}


class Bought(NamedTuple):
    """What a customer with orders did in all: the day of the last order, orders, total sales."""

    last_day: date
    orders: int
    spent: int


class Segment(NamedTuple):
    """A group: how many customers, their orders and total sales."""

    customers: int = 0
    orders: int = 0
    spent: int = 0


def segments_of(bought: Iterable[Bought], prospects: int) -> dict[str, Segment]:
    """The groups that anybody is in."""
    everybody = list(bought)
    days, orders, amounts = (
        sorted(one.last_day for one in everybody),
        sorted(one.orders for one in everybody),
        sorted(one.spent for one in everybody),
    )
    found: dict[str, Segment] = {}
    for one in everybody:
        recency = _score(bisect_left(days, one.last_day), days)
        frequency = _score(bisect_left(orders, one.orders), orders)
        monetary = _score(bisect_left(amounts, one.spent), amounts)
        name = _group(recency, frequency, monetary)
        there = found.get(name, Segment())
        found[name] = Segment(
            there.customers + 1, there.orders + one.orders, there.spent + one.spent
        )
    return found | ({PROSPECTS: Segment(prospects)} if prospects else {})


def _score(below: int, everybody: Sequence[object]) -> int:
    """From 1 to 5: one more for each fifth of all customers that has less."""
    return 1 + below * 5 // len(everybody)


def _group(recency: int, frequency: int, monetary: int) -> str:
    few, some, many, most = _GROUPS[recency]
    both = frequency + monetary
    if both <= 2 * 2:
        return few
    if both <= 2 * 3:
        return some
    return many if both <= 2 * 4 else most
