"""Customers by the month of their first order, and what they did in each month since. Pure.

A cohort's row is the sum of what each of its customers contributes, so a customer who changes takes
back one contribution and makes another. Months are shop-local and named by their first day.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Activity(NamedTuple):
    """What a customer did in a month: orders placed, and total sales (in ten-thousandths) of all entries."""

    orders: int
    spent: int


class Row(NamedTuple):
    """A row of ``rollup.cohorts``: customers with an order in the month, their orders, total sales."""

    customers: int
    orders: int
    total_spent: int


Months: TypeAlias = "Sequence[tuple[date, int, int]]"
"""What is kept with a customer: month, orders and total sales, by month; none of nothing at all."""

MONTHS: Final = msgspec.json.Decoder(list[tuple[date, int, int]])
"""Reads ``rollup.customers.months``."""


def month_of(day: date) -> date:
    """The month of a day, by its first."""
    return day.replace(day=1)


def moved(months: Months, turn: Mapping[date, Activity]) -> list[tuple[date, int, int]]:
    """The months of a customer after ``turn`` was added to them."""
    after = {month: Activity(orders, spent) for month, orders, spent in months}
    for month, added in turn.items():
        there = after.get(month, Activity(0, 0))
        after[month] = Activity(there.orders + added.orders, there.spent + added.spent)
    return [(month, done.orders, done.spent) for month, done in sorted(after.items()) if any(done)]


def contributions(first: date | None, months: Months) -> dict[tuple[date, date], Row]:
    """What a customer adds to each (cohort, month).

    Args:
        first: the shop-local day of the first order; None without any, which adds nothing.
        months: what the customer did.
    """
    if first is None:
        return {}
    cohort = month_of(first)
    return {(cohort, month): Row(int(orders > 0), orders, spent) for month, orders, spent in months}


def difference(
    before: Mapping[tuple[date, date], Row], after: Mapping[tuple[date, date], Row]
) -> dict[tuple[date, date], Row]:
    """What has to be added to the rows for a customer who changed."""
    return {
        key: changed
        for key in before.keys() | after.keys()
        if any(changed := minus(after.get(key, NOTHING), before.get(key, NOTHING)))
    }


NOTHING = Row(0, 0, 0)


def minus(one: Row, other: Row) -> Row:
    """Amount by amount."""
    return Row(*(a - b for a, b in zip(one, other, strict=True)))


def plus(one: Row, other: Row) -> Row:
    """Amount by amount."""
    return Row(*(a + b for a, b in zip(one, other, strict=True)))
