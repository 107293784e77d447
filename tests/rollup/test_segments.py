"""RFM: scores and groups against a naive reckoning, and the groups of a real table.

The reference sorts all customers and cuts them into fifths; the code under test knows only counts by
bins. In the database the customers are written as booking leaves them, through the real booking of
their orders for the small store, and by SQL for the larger one.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from itertools import product
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rollup.drawn import line, order
from tests.rollup.worlds import World, delivery, micros, world
from tillstream.foundation.database import open_pool, set_tenants, tenant_transaction
from tillstream.rollup.buckets import bucket
from tillstream.rollup.customers import Rank, add_spread
from tillstream.rollup.segments import (
    GROUPS,
    Bin,
    Segment,
    bin_of,
    end_of,
    group,
    places,
    repeats_of,
    score,
    segments_of,
    start_of,
)

if TYPE_CHECKING:
    from tests.conftest import Database
    from tillstream.mirror.merge import Store

# Bins.

amounts = st.one_of(st.integers(-70, 70), st.integers(-(10**14), 10**14))


@given(amounts, amounts)
def test_bins_rise_with_amounts(one: int, other: int) -> None:
    assert (bin_of(one) <= bin_of(other)) == (one <= other or bin_of(one) == bin_of(other))


@given(amounts)
def test_a_bin_starts_with_its_smallest_amount(amount: int) -> None:
    start = start_of(bin_of(amount))
    assert start <= amount
    assert bin_of(start) == bin_of(amount)
    assert bin_of(start - 1) == bin_of(amount) - 1
    # No bin is wider than a sixteenth of what is in it.
    assert amount - start <= abs(amount) / 16


# Scores.


def cuts_of(values: list[int]) -> list[int]:
    """By bins, and then looking among the sorted values, as the statement does."""
    counted = Counter(bin_of(value) for value in values)
    bins = [Bin(start_of(number), customers) for number, customers in sorted(counted.items())]
    ordered = sorted(values)
    return [
        [value for value in ordered if value >= place.start][place.offset] for place in places(bins)
    ]


@given(st.lists(amounts, min_size=1, max_size=60))
def test_scores_are_fifths_and_equals_have_equal_scores(values: list[int]) -> None:
    cuts = cuts_of(values)
    for value in values:
        below = sum(other < value for other in values)
        # As many whole fifths as lie below it.
        assert score(value, cuts) == 1 + min(4, 5 * below // len(values))


@given(st.sets(amounts, min_size=5, max_size=60))
def test_different_values_spread_evenly(values: set[int]) -> None:
    cuts = cuts_of(sorted(values))
    counted = Counter(score(value, cuts) for value in values)
    assert set(counted) == {1, 2, 3, 4, 5}
    assert max(counted.values()) - min(counted.values()) <= 1


def test_of_nobody_there_are_no_boundaries() -> None:
    assert places([]) == []


# Groups.


def test_every_score_has_a_group_and_every_group_a_score() -> None:
    fives = range(1, 6)
    found = {(r, f, m): group(r, f, m) for r, f, m in product(fives, fives, fives)}
    assert set(found.values()) == set(GROUPS) - {"prospects"}
    # What Shopify says of Champions.
    assert {key for key, name in found.items() if name == "champions"} == {
        (r, f, m) for r, f, m in found if r == 5 and (f + m) / 2 > 3
    }
    # "Very recent", "recent", and neither.
    recency: dict[str, set[int]] = {}
    for (r, _, _), name in found.items():
        recency.setdefault(name, set()).add(r)
    assert recency == {
        "champions": {5}, "new": {5}, "active": {4, 5}, "loyal": {3, 4}, "promising": {3, 4},
        "needs_attention": {3}, "previously_loyal": {1, 2}, "at_risk": {1, 2}, "almost_lost": {1, 2},
        "dormant": {1, 2},
    }  # fmt: skip


@given(*(st.integers(1, 5) for _ in range(3)), st.integers(0, 4), st.integers(0, 4))
def test_buying_more_never_makes_a_customer_worse(
    recency: int, frequency: int, monetary: int, f: int, m: int
) -> None:
    ladder = ("dormant", "almost_lost", "at_risk", "previously_loyal") if recency < 3 else None
    if ladder is None:
        return
    more = group(recency, min(5, frequency + f), min(5, monetary + m))
    assert ladder.index(more) >= ladder.index(group(recency, frequency, monetary))


# The end of a shop-local day, also where midnight does not exist.


@pytest.mark.parametrize(
    "zone", ["Europe/Berlin", "America/Santiago", "Asia/Beirut", "Asia/Kathmandu", "Africa/Cairo"]
)
@given(st.dates(date(2010, 1, 1), date(2027, 1, 1)))
def test_a_day_ends_where_the_next_one_begins(zone: str, day: date) -> None:
    end = end_of(day.toordinal(), ZoneInfo(zone))
    at = micros(end)
    assert bucket(at, zone).day == day + timedelta(days=1)
    assert bucket(at - 1, zone).day == day


# A store.


async def groups(here: World, store: Store) -> list[Segment]:
    async with (
        open_pool(here.database.api_url, max_size=1) as pool,
        tenant_transaction(pool, store.tenant_id) as connection,
    ):
        return await segments_of(connection, *store)


def filled(segments: list[Segment]) -> dict[str, tuple[int, int, int]]:
    return {one.group: one[1:] for one in segments if one.customers}


async def test_five_customers_by_hand(database: Database) -> None:
    """Customer n ordered n times, last on day n of March, for n × 10.00 each: scored n, n, n.

    5: Champions. 4: R 4 and FM 4, Loyal. 3: R 3 and FM 3, Needs attention. 2: Dormant. 1: Dormant.
    """
    async with world(database) as here:
        domain, store = here.store(here.tenant(), timezone="Europe/Berlin")
        assert filled(await groups(here, store)) == {}
        told: list[Any] = []
        for customer in range(1, 6):
            last = f"2026-03-0{customer}T10:00:00Z"
            told.append(delivery(domain, "customers/create", {"id": customer}))
            told += [
                delivery(domain, "orders/create", order(
                    line(1, f"{customer}0.00"), id=10 * customer + number, customer={"id": customer},
                    processed_at="2026-03-01T09:00:00Z" if number else last,
                ))
                for number in range(customer)
            ]  # fmt: skip
        told.append(delivery(domain, "customers/create", {"id": 6}))
        await here.apply(told)
        found = await groups(here, store)
        assert [one.group for one in found] == list(GROUPS)
        unit = 10_000
        assert filled(found) == {
            "champions": (1, 5, 250 * unit),
            "loyal": (1, 4, 160 * unit),
            "needs_attention": (1, 3, 90 * unit),
            "dormant": (2, 3, 50 * unit),
            "prospects": (1, 0, 0),
        }
        async with here.connection.transaction():
            await set_tenants(here.connection, [store.tenant_id])
            assert await repeats_of(here.connection, *store) == (1, 4)
        assert (await here.verify(store)).differences == []


async def test_many_customers_against_sorting_them(database: Database) -> None:
    """Seven numbers of orders, 300 days, and amounts all different: 5,000 customers."""
    async with world(database) as here:
        domain, store = here.store(here.tenant(), timezone="Europe/Berlin")
        # A delivery of the store, so that it has a zone.
        await here.apply([delivery(domain, "shop/update", {"updated_at": "2026-03-01T00:00:00Z"})])
        many = 5000
        here.ask(
            "INSERT INTO rollup.customers (tenant_id, store_id, customer_id, orders, total_spent, first_order_at, "
            "last_order_at, moments, months) SELECT %s, %s, n, 1 + n %% 7, (n * 7919 %% 100003 - 999) * 100, at, at, "
            "'[]', '[]' FROM generate_series(1, %s) AS n, "
            "LATERAL (SELECT timestamptz '2026-01-01' + n %% 300 * interval '1 day') AS t (at)",
            *store,
            many,
        )
        berlin = ZoneInfo("Europe/Berlin")
        values = [
            (at.astimezone(berlin).date().toordinal(), orders, spent)
            for at, orders, spent in here.ask(
                "SELECT last_order_at, orders, total_spent FROM rollup.customers"
            )
        ]
        spread = Counter(
            (store, Rank(*one))
            for day, orders, spent in values
            for one in (("last_day", day), ("orders", orders), ("spent", bin_of(spent)))
        )
        async with here.connection.transaction():
            await set_tenants(here.connection, [store.tenant_id])
            await add_spread(here.connection, spread)
        ordered = [sorted(column) for column in zip(*values, strict=True)]
        cuts = [[column[-(-many * fifth // 5) - 1] for fifth in range(1, 5)] for column in ordered]
        wanted = Counter(
            group(*(score(value, cut) for value, cut in zip(one, cuts, strict=True)))
            for one in values
        )
        found = await groups(here, store)
        assert {one.group: one.customers for one in found if one.customers} == wanted
