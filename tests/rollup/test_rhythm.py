"""Customers of any range, from pairs of days, against counting the customers one by one.

Pure code, called directly; nothing is doubled. The reference knows only the definitions: a
customer is new in a range that holds the first order ever, and returning when ordering in it with
two or more orders up to its end.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillstream.rollup.rhythm import FIRST, Pair, pairs

DAY = 86_400_000_000
ORIGIN = date(2026, 3, 1)


def day_of(at: int) -> date:
    return ORIGIN + timedelta(days=at // DAY)


def moments(days: list[int]) -> list[tuple[int, int]]:
    """Orders of one customer on these days, in order, one second apart."""
    return [(day * DAY + number * 1_000_000, number) for number, day in enumerate(sorted(days))]


def by_pairs(counted: Counter[Pair], a: date, b: date) -> tuple[int, int, int]:
    """Customers, new and returning, by the sums that the API makes of the table."""
    customers = sum(
        n for pair, n in counted.items() if a <= pair.day <= b and pair.previous_day < a
    )
    new = sum(n for pair, n in counted.items() if a <= pair.day <= b and pair.previous_day == FIRST)
    second = sum(
        n for pair, n in counted.items() if pair.second and a <= pair.previous_day and pair.day <= b
    )
    return customers, new, customers - new + second


def by_counting(histories: list[list[int]], a: date, b: date) -> tuple[int, int, int]:
    customers = new = returning = 0
    for history in histories:
        until = sorted(day for day in (ORIGIN + timedelta(days=day) for day in history) if day <= b)
        if not any(day >= a for day in until):
            continue
        customers += 1
        new += until[0] >= a
        returning += len(until) >= 2
    return customers, new, returning


@given(
    st.lists(st.lists(st.integers(0, 9), max_size=5), max_size=8),
    st.integers(-1, 10),
    st.integers(-1, 10),
)
def test_any_range_equals_counting(histories: list[list[int]], start: int, end: int) -> None:
    counted: Counter[Pair] = Counter()
    for history in histories:
        counted.update(pairs(moments(history), day_of))
    a, b = ORIGIN + timedelta(days=start), ORIGIN + timedelta(days=end)
    if b < a:
        a, b = b, a
    assert by_pairs(counted, a, b) == by_counting(histories, a, b)


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ([], {}),
        ([0], {(0, None, False): 1}),
        ([0, 0, 0], {(0, None, False): 1, (0, 0, True): 1, (0, 0, False): 1}),
        ([0, 2, 2, 5], {(0, None, False): 1, (2, 0, True): 1, (2, 2, False): 1, (5, 2, False): 1}),
    ],
)
def test_drawn_histories(
    days: list[int], expected: dict[tuple[int, int | None, bool], int]
) -> None:
    assert pairs(moments(days), day_of) == {
        Pair(day_of(day * DAY), FIRST if before is None else day_of(before * DAY), second): n
        for (day, before, second), n in expected.items()
    }


@given(st.lists(st.integers(0, 9), max_size=8))
def test_there_is_a_pair_for_each_order(days: list[int]) -> None:
    counted = pairs(moments(days), day_of)
    assert sum(counted.values()) == len(days)
    assert sum(n for pair, n in counted.items() if pair.previous_day == FIRST) == min(1, len(days))
    assert sum(n for pair, n in counted.items() if pair.second) == (len(days) > 1)
