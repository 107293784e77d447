"""Merged customers: whose orders are whose, whenever the merge is told.

Real: the mirror and the ledger on a real PostgreSQL. The books are by hand, in comments; asserted are
the ledger's customers, their lifetimes, rhythm and cohorts, and one state hash for any order.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rollup.drawn import line, order
from tests.rollup.worlds import World, addressed, delivery, world
from tillstream.foundation.database import set_tenants
from tillstream.mirror.merge import Store
from tillstream.rollup.merging import affected_customers, resolve, survivor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.conftest import Database
    from tillstream.journal.contract import Delivery

SHOP = Store(1, 2)
EDGES = st.dictionaries(st.integers(1, 8), st.integers(1, 8), max_size=8)


def merge(lost: int, kept: int, status: str | None = "completed") -> Delivery:
    return delivery(
        "",
        "customers/merge",
        {
            "admin_graphql_api_customer_deleted_id": f"gid://shopify/Customer/{lost}",
            "admin_graphql_api_customer_kept_id": f"gid://shopify/Customer/{kept}",
            "status": status,
            "errors": [],
        },
    )


def bought(key: int, customer: int, day: str, price: str) -> Delivery:
    at = f"2026-{day}T12:00:00Z"
    body = {
        **order(line(key, price)),
        "id": key, "customer": {"id": customer}, "created_at": at, "processed_at": at, "updated_at": at,
    }  # fmt: skip
    return delivery("", "orders/create", body)


def _survivor(customer: int, edges: dict[int, int]) -> int:
    return survivor((SHOP, customer), {(SHOP, lost): kept for lost, kept in edges.items()})


@given(EDGES, st.integers(1, 9))
def test_the_survivor_is_where_following_ends(edges: dict[int, int], customer: int) -> None:
    path = [customer]
    while (following := edges.get(path[-1])) is not None and following not in path:
        path.append(following)
    circle = [] if following is None else path[path.index(following) :]
    assert _survivor(customer, edges) == (min(circle) if circle else path[-1])


@given(EDGES, st.integers(1, 9))
def test_whoever_is_merged_into_somebody_is_whoever_that_one_is(
    edges: dict[int, int], customer: int
) -> None:
    assert _survivor(_survivor(customer, edges), edges) == _survivor(customer, edges)
    for lost, kept in edges.items():
        assert _survivor(lost, edges) == _survivor(kept, edges)


@pytest.mark.parametrize(
    ("edges", "customer", "expected"),
    [
        ({}, 5, 5),
        ({5: 6}, 5, 6),
        ({5: 6}, 6, 6),
        ({5: 6, 6: 4}, 5, 4),
        ({5: 6, 6: 5}, 6, 5),
        ({9: 5, 5: 6, 6: 7, 7: 5}, 9, 5),
        ({5: 5}, 5, 5),
    ],
)
def test_merges_a_person_can_follow(edges: dict[int, int], customer: int, expected: int) -> None:
    assert _survivor(customer, edges) == expected
    assert survivor((Store(1, 3), customer), {(SHOP, a): b for a, b in edges.items()}) == customer


async def _books(here: World, store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """What the rollup says of the store's customers; money in whole units."""
    of = (store.tenant_id, store.store_id)
    return {
        "ledger": here.ask(
            "SELECT source_id::bigint, customer_id FROM rollup.ledger "
            "WHERE tenant_id = %s AND store_id = %s AND entry = 'placement' ORDER BY 1",
            *of,
        ),
        "customers": here.ask(
            "SELECT customer_id, orders, (total_spent / 10000)::int, first_order_at::date::text "
            "FROM rollup.customers WHERE tenant_id = %s AND store_id = %s ORDER BY 1",
            *of,
        ),
        "rhythm": here.ask(
            "SELECT day::text, previous_day::text, second, orders FROM rollup.rhythm "
            "WHERE tenant_id = %s AND store_id = %s ORDER BY 1, 2",
            *of,
        ),
        "cohorts": here.ask(
            "SELECT cohort::text, month::text, customers, orders, (total_spent / 10000)::int "
            "FROM rollup.cohorts WHERE tenant_id = %s AND store_id = %s ORDER BY 1, 2",
            *of,
        ),
    }


TALE = [
    bought(1, 7, "02-10", "10.00"),
    bought(2, 8, "03-02", "20.00"),
    bought(3, 8, "03-20", "5.00"),
    bought(4, 9, "03-21", "1.00"),
]


async def test_a_merge_moves_the_orders_along(database: Database) -> None:
    """Ada has accounts 7 and 8, Bo has 9. First they are three customers.

    | customer | orders      | spent |        cohort   month    customers orders spent
    | 7        | 10 Feb      | 10    |        February February 1         1      10
    | 8        | 2, 20 March | 25    |        March    March    2         3      26
    | 9        | 21 March    | 1     |

    Then 8 is merged into 7: three orders and 35 of one customer, who was new in February.
    """
    async with world(database) as here:
        domain, store = here.store(here.tenant(), timezone="UTC")
        await here.apply(addressed(domain, TALE))
        before = await _books(here, store)
        assert before["ledger"] == [(1, 7), (2, 8), (3, 8), (4, 9)]
        assert before["customers"] == [
            (7, 1, 10, "2026-02-10"),
            (8, 2, 25, "2026-03-02"),
            (9, 1, 1, "2026-03-21"),
        ]
        assert before["cohorts"] == [
            ("2026-02-01", "2026-02-01", 1, 1, 10),
            ("2026-03-01", "2026-03-01", 2, 3, 26),
        ]

        await here.apply(addressed(domain, [merge(8, 7)]))
        after = await _books(here, store)
        assert after["ledger"] == [(1, 7), (2, 7), (3, 7), (4, 9)]
        assert after["customers"] == [(7, 3, 35, "2026-02-10"), (9, 1, 1, "2026-03-21")]
        assert after["rhythm"] == [
            ("2026-02-10", "-infinity", False, 1),
            ("2026-03-02", "2026-02-10", True, 1),
            ("2026-03-20", "2026-03-02", False, 1),
            ("2026-03-21", "-infinity", False, 1),
        ]
        assert after["cohorts"] == [
            ("2026-02-01", "2026-02-01", 1, 1, 10),
            ("2026-02-01", "2026-03-01", 1, 2, 25),
            ("2026-03-01", "2026-03-01", 1, 1, 1),
        ]
        assert (await here.verify(store)).differences == []

        # Whatever else comes for the account that is gone goes the same way.
        await here.apply(addressed(domain, [bought(5, 8, "03-30", "4.00")]))
        assert (await _books(here, store))["customers"][0] == (7, 4, 39, "2026-02-10")


async def test_a_merge_that_failed_moves_nothing(database: Database) -> None:
    async with world(database) as here:
        domain, store = here.store(here.tenant(), timezone="UTC")
        await here.apply(addressed(domain, [*TALE, merge(8, 7, "failed"), merge(9, 9)]))
        assert [row[0] for row in (await _books(here, store))["customers"]] == [7, 8, 9]


@pytest.mark.parametrize(
    ("merges", "expected"),
    [
        pytest.param([(8, 7), (7, 9)], [(9, 4, 36)], id="chain"),
        pytest.param([(8, 7), (7, 8)], [(7, 3, 35), (9, 1, 1)], id="circle"),
        pytest.param([(8, 6), (9, 6)], [(6, 3, 26), (7, 1, 10)], id="into-an-unknown-one"),
    ],
)
async def test_merges_may_come_at_any_time(
    database: Database,
    merges: Sequence[tuple[int, int]],
    expected: list[tuple[int, int, int]],
) -> None:
    """Before the orders, between them and after them, one by one and all at once."""
    told = [*TALE, *(merge(*one) for one in merges)]
    dice = random.Random(3)
    async with world(database) as here:
        hashes: set[str] = set()
        for attempt, mixed in enumerate(
            [told, told[::-1], *(dice.sample(told, len(told)) for _ in range(6))]
        ):
            domain, store = here.store(here.tenant(), timezone="UTC")
            mine = addressed(domain, mixed)
            step = len(mine) if attempt == 0 else dice.choice([1, 2, 3])
            for start in range(0, len(mine), step):
                await here.apply(mine[start : start + step])
            assert [row[:3] for row in (await _books(here, store))["customers"]] == expected
            report = await here.verify(store)
            assert report.differences == []
            hashes.add(report.state_hash)
        assert len(hashes) == 1


async def test_what_a_merge_reaches(database: Database) -> None:
    async with world(database) as here:
        domain, store = here.store(here.tenant(), timezone="UTC")
        _, stranger = here.store(here.tenant(), timezone="UTC")
        await here.apply(addressed(domain, [merge(1, 2), merge(2, 3), merge(5, 3), merge(6, 7)]))
        async with here.connection.transaction():
            await set_tenants(here.connection, [store.tenant_id, stranger.tenant_id])
            whose = await resolve(
                here.connection,
                [*((store, key) for key in (1, 2, 3, 4, 5, 6)), (stranger, 1)],
            )
            assert whose == {
                (store, 1): 3, (store, 2): 3, (store, 3): 3, (store, 4): 4, (store, 5): 3, (store, 6): 7,
                (stranger, 1): 1,
            }  # fmt: skip
            assert await affected_customers(here.connection, {(store, 3)}) == {
                (store, key) for key in (1, 2, 3, 5)
            }
            assert await affected_customers(here.connection, {(store, 2)}) == {
                (store, 1), (store, 2),
            }  # fmt: skip
            assert await resolve(here.connection, []) == {}
