"""Cohorts: the pure contributions, and the table on a real PostgreSQL, also when customers are merged.

The reference counts customers one by one from drawn orders. In the database nothing is doubled: bodies
are applied as they come, in any order and in any batches, and the state hash has to be the same.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from datetime import date
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.rollup.drawn import line, order, refund, refunded
from tests.rollup.worlds import World, addressed, delivery, world
from tillstream.rollup.cohorts import Activity, Row, contributions, difference, moved, plus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.conftest import Database
    from tillstream.journal.contract import Delivery

months = st.integers(0, 5).map(lambda number: date(2026, 1 + number, 1))
turns = st.dictionaries(months, st.builds(Activity, st.integers(-2, 2), st.integers(-5, 5)))


@given(st.lists(turns, max_size=5))
def test_turns_add_up_in_any_order(told: list[dict[date, Activity]]) -> None:
    forth: list[tuple[date, int, int]] = []
    for turn in told:
        forth = moved(forth, turn)
    back: list[tuple[date, int, int]] = []
    for turn in reversed(told):
        back = moved(back, turn)
    assert forth == back == sorted(forth)
    assert all(orders or spent for _, orders, spent in forth)


@given(st.lists(turns.map(lambda turn: moved([], turn)), max_size=4), st.lists(months, max_size=4))
def test_rows_follow_customers_who_change(
    records: list[list[tuple[date, int, int]]], firsts: list[date]
) -> None:
    """Adding every difference between one record and the next leaves what the last one gives."""
    rows: dict[tuple[date, date], Row] = {}
    before: dict[tuple[date, date], Row] = {}
    for record, first in zip(records, firsts, strict=False):
        after = contributions(first, record)
        for place, row in difference(before, after).items():
            rows[place] = plus(rows.get(place, Row(0, 0, 0)), row)
        before = after
    assert {place: row for place, row in rows.items() if any(row)} == {
        place: row for place, row in before.items() if any(row)
    }


def test_what_a_customer_gives() -> None:
    """First order on January 20th, two in March, a refund in April."""
    record = [(date(2026, 1, 1), 1, 100), (date(2026, 3, 1), 2, 50), (date(2026, 4, 1), 0, -30)]
    january = date(2026, 1, 1)
    assert contributions(date(2026, 1, 20), record) == {
        (january, date(2026, 1, 1)): Row(1, 1, 100),
        (january, date(2026, 3, 1)): Row(1, 2, 50),
        (january, date(2026, 4, 1)): Row(0, 0, -30),
    }
    assert contributions(None, record) == {}


# In the database. Customer 9 orders in January, twice in March (the first of these is refunded by
# 4.00 in April); customer 8 in March; a guest in March.


def placed(key: int, at: str, customer: int | None, price: str = "10.00", **more: Any) -> Any:
    who = None if customer is None else {"id": customer}
    return order(line(1, price), id=key, customer=who, processed_at=at, updated_at=at, **more)


TALE = [
    delivery("", "orders/create", placed(1, "2026-01-20T10:00:00Z", 9)),
    delivery("", "orders/create", placed(2, "2026-03-05T10:00:00Z", 9, "20.00")),
    delivery("", "orders/create", placed(3, "2026-03-31T22:30:00Z", 9, "5.00")),
    delivery("", "orders/create", placed(4, "2026-03-06T10:00:00Z", 8, "7.00")),
    delivery("", "orders/create", placed(5, "2026-03-07T10:00:00Z", None)),
    delivery(
        "",
        "refunds/create",
        {**refund(refunded(1, 1, "4.00"), at="2026-04-02T10:00:00Z"), "order_id": 2},
    ),
]


def cohorts(here: World) -> list[tuple[Any, ...]]:
    return here.ask(
        "SELECT to_char(cohort, 'MM'), to_char(month, 'MM'), customers, orders, total_spent / 10000 "
        "FROM rollup.cohorts ORDER BY cohort, month"
    )


async def test_two_customers_by_hand(database: Database) -> None:
    async with world(database) as here:
        domain, store = here.store(here.tenant(), timezone="UTC")
        await here.apply(addressed(domain, TALE))
        assert cohorts(here) == [
            ("01", "01", 1, 1, 10), ("01", "03", 1, 2, 25), ("01", "04", 0, 0, -4), ("03", "03", 1, 1, 7),
        ]  # fmt: skip
        assert here.ask("SELECT customer_id, months FROM rollup.customers ORDER BY 1") == [
            (8, [["2026-03-01", 1, 70_000]]),
            (9, [["2026-01-01", 1, 100_000], ["2026-03-01", 2, 250_000], ["2026-04-01", 0, -40_000]]),
        ]  # fmt: skip
        # In Berlin order 3 was placed in April, at half past midnight.
        zone = {"updated_at": "2026-04-02T00:00:00Z", "iana_timezone": "Europe/Berlin"}
        await here.apply([delivery(domain, "shop/update", zone)])
        assert cohorts(here) == [
            ("01", "01", 1, 1, 10), ("01", "03", 1, 1, 20), ("01", "04", 1, 1, 1), ("03", "03", 1, 1, 7),
        ]  # fmt: skip
        assert (await here.verify(store)).differences == []
        # Without the first order, the customer came in March.
        await here.apply([delivery(domain, "orders/delete", {"id": 1})])
        assert cohorts(here) == [("03", "03", 2, 2, 27), ("03", "04", 1, 1, 1)]
        await here.apply([delivery(domain, "orders/delete", {"id": key}) for key in (2, 3, 4)])
        assert cohorts(here) == []
        assert (await here.verify(store)).differences == []


def merge(lost: int, kept: int) -> Delivery:
    return delivery(
        "",
        "customers/merge",
        {
            "admin_graphql_api_customer_deleted_id": f"gid://shopify/Customer/{lost}",
            "admin_graphql_api_customer_kept_id": f"gid://shopify/Customer/{kept}",
            "status": "completed",
        },
    )


async def test_a_merge_moves_the_orders_along(database: Database) -> None:
    async with world(database) as here:
        domain, store = here.store(here.tenant(), timezone="UTC")
        known = [delivery("", "customers/create", {"id": key}) for key in (7, 8, 9)]
        await here.apply(addressed(domain, [*known, *TALE]))
        assert here.ask("SELECT customer_id FROM rollup.prospects") == [(7,)]
        await here.apply(addressed(domain, [merge(9, 8)]))
        assert here.ask("SELECT customer_id, orders, total_spent FROM rollup.customers") == [
            (8, 4, 380_000)
        ]
        assert cohorts(here) == [
            ("01", "01", 1, 1, 10), ("01", "03", 1, 3, 32), ("01", "04", 0, 0, -4),
        ]  # fmt: skip
        assert (await here.verify(store)).differences == []
        # And on to one who has never ordered.
        await here.apply(addressed(domain, [merge(8, 7)]))
        assert here.ask("SELECT customer_id, orders FROM rollup.customers") == [(7, 4)]
        assert here.ask("SELECT * FROM rollup.prospects") == []
        assert here.ask(
            "SELECT DISTINCT customer_id FROM rollup.ledger WHERE customer_id IS NOT NULL"
        ) == [(7,)]
        assert (await here.verify(store)).differences == []


def test_merges_and_orders_in_any_order_end_in_the_same_state(database: Database) -> None:
    """Merges may come before the customers they merge, go in circles, and be told again."""
    told = st.one_of(
        st.sampled_from(TALE),
        st.tuples(st.integers(6, 10), st.integers(6, 10)).map(lambda pair: merge(*pair)),
        st.integers(6, 10).map(lambda key: delivery("", "customers/create", {"id": key})),
        st.integers(6, 10).map(lambda key: delivery("", "customers/delete", {"id": key})),
        st.tuples(st.integers(1, 3), st.integers(6, 10), st.sampled_from(["01", "03", "04"])).map(
            lambda one: delivery(
                "", "orders/updated", placed(one[0], f"2026-{one[2]}-05T10:00:00Z", one[1])
            )
        ),
    )

    @settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @given(st.lists(told, min_size=2, max_size=10), st.integers(0, 2**32))
    def check(tale: list[Delivery], seed: int) -> None:
        asyncio.run(_same_state(database, tale, random.Random(seed)))

    check()


async def _same_state(database: Database, tale: Sequence[Delivery], dice: random.Random) -> None:
    async with world(database) as here:
        hashes: Counter[str] = Counter()
        for attempt in range(3):
            domain, store = here.store(here.tenant(), timezone="UTC")
            mine = addressed(domain, tale)
            if attempt:
                mine += dice.choices(mine, k=2)
                dice.shuffle(mine)
            size = dice.randint(1, len(mine)) if attempt else len(mine)
            for start in range(0, len(mine), size):
                await here.apply(mine[start : start + size])
            report = await here.verify(store)
            assert report.differences == []
            hashes[report.state_hash] += 1
        assert len(hashes) == 1
