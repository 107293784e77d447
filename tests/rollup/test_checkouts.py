"""Checkouts on a real PostgreSQL: links, twins and inferred recoveries, whatever came first.

Nothing is doubled: the worker role, the migrated schema, the real statements. A batch looks at the
checkouts near what it changed; what it leaves must be what the pure rules say of the whole store,
read from the mirror in one piece. So the drawn stores are small and their times are on a coarse
grid, where seven days and ten minutes are hit exactly, missed by little and missed by far.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.conninfo import make_conninfo

from tests.rollup.worlds import World, delivery, micros, world
from tillstream.foundation.database import connect, set_tenants
from tillstream.mirror import checkouts as mirrored
from tillstream.mirror.forgetting import forget, put_in_force, traces
from tillstream.mirror.join import decode
from tillstream.mirror.redaction import own_mark
from tillstream.rollup.apply import apply, follow_settings, lock_store
from tillstream.rollup.life import Life, life
from tillstream.rollup.linking import Candidate, link
from tillstream.rollup.shopper import Placement, infer, twins

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.conftest import Database
    from tillstream.mirror.merge import Store

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
T0 = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 3, 1, tzinfo=UTC)
WINDOW, WITHIN = 10 * 60 * 1_000_000, 7 * 86_400_000_000


def moment(days: float, minutes: float = 0) -> str:
    return (T0 + days * DAY + minutes * MINUTE).isoformat()


def checkout(token: str, at: str, customer: int | None = 9, **more: Any) -> dict[str, Any]:
    return {
        "token": token, "created_at": at, "updated_at": at, "total_price": "30.00", "currency": "EUR",
        "email": "somebody@example.com", "customer": None if customer is None else {"id": customer}, **more,
    }  # fmt: skip


def order(key: int, at: str, customer: int | None = 9, **more: Any) -> dict[str, Any]:
    return {
        "id": key, "created_at": at, "processed_at": at, "updated_at": at, "currency": "EUR", "total_price": "20.00",
        "customer": None if customer is None else {"id": customer}, "line_items": [], **more,
    }  # fmt: skip


def merge_of(lost: int, kept: int) -> dict[str, Any]:
    return {
        "admin_graphql_api_customer_kept_id": f"gid://shopify/Customer/{kept}",
        "admin_graphql_api_customer_deleted_id": f"gid://shopify/Customer/{lost}",
        "status": "completed",
    }


PROVE = int(os.environ.get("TILLSTREAM_PROVE", "0"))
STORIES = max(PROVE // 20, 7)
"""How many drawn stores are told, each three times; ``make prove`` tells more of them."""

STANDING = (
    "SELECT token, stage, counted, twin_of, inferred_order_id FROM rollup.checkouts ORDER BY token"
)
FIGURES = (
    "SELECT sum(checkouts), sum(abandoned_checkouts), sum(abandonments), sum(converted_checkouts), "
    "sum(recovered_checkouts), sum(inferred_recoveries), sum(inferred_recovered_sales), sum(abandoned_value) "
    "FROM rollup.sums"
)


# Drawn stores against the rules.


def expected_standing(here: World, store: Store) -> dict[str, tuple[Any, ...]]:
    """The rules on the whole store, read from its mirror in one piece: order, twin and inference."""
    key = (store.tenant_id, store.store_id)
    seen = [
        mirrored.view(token, decode(state))
        for token, state in here.ask(
            "SELECT token, state::text FROM mirror.checkouts WHERE (tenant_id, store_id) = (%s, %s)", *key
        )
    ]  # fmt: skip
    orders = here.ask(
        "SELECT id, checkout_token, cart_token, coalesce(processed_at, created_at), test, total_price, customer_id "
        "FROM mirror.orders WHERE (tenant_id, store_id) = (%s, %s) AND NOT deleted", *key
    )  # fmt: skip
    edges: dict[int, int] = dict(
        here.ask(
            "SELECT id, merged_into FROM mirror.customers "
            "WHERE (tenant_id, store_id) = (%s, %s) AND merged_into IS NOT NULL", *key
        )
    )  # fmt: skip
    tokens = {one.token for one in seen}
    links = link(
        seen,
        [
            Candidate(store, one[0], one[1], one[2], one[3] and micros(one[3]), *one[4:6], token_known=one[1] in tokens)
            for one in orders
        ],
    )  # fmt: skip
    lives: dict[str, Life] = {}
    shoppers: defaultdict[int, dict[str, Life]] = defaultdict(dict)
    for one in seen:
        by = links.get(one.token)
        placed, test = (None, False) if by is None else (by.placed_at, by.test)
        lives[one.token] = life(one, placed, WINDOW, micros(NOW), test=test)
        if one.customer_id is not None:
            shoppers[survivor(one.customer_id, edges)][one.token] = lives[one.token]
    twin_of: dict[str, str] = {}
    inferred: dict[str, int] = {}
    for customer, theirs in shoppers.items():
        found = twins(theirs, WINDOW)
        twin_of |= found
        counted = {token: one for token, one in theirs.items() if token not in found}
        placements = [
            Placement(micros(one[3]), one[0])
            for one in orders
            if one[3] and not one[4] and one[6] and survivor(one[6], edges) == customer
        ]
        inferred |= {t: p.order_id for t, p in infer(counted, placements, WITHIN).items()}
    return {
        token: (
            one.stage,
            one.counted and token not in twin_of,
            links[token].order_id if token in links else None,
            twin_of.get(token),
            inferred.get(token),
        )
        for token, one in lives.items()
    }


def survivor(customer: int, edges: Mapping[int, int]) -> int:
    path: list[int] = []
    while customer in edges:
        if customer in path:
            return min(path[path.index(customer) :])
        path.append(customer)
        customer = edges[customer]
    return customer


_customers = st.sampled_from([1, 2, 3, None])
_tokens = st.sampled_from(["a", "b", "c", "d", "e"])
_carts = st.sampled_from(["x", "y", None])
_times = st.builds(
    moment, st.sampled_from([0, 1, 6.9, 7, 8, 15, 22]), st.sampled_from([0, 5, 9, 10, 11, 25])
)


@st.composite
def _checkouts(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    more: dict[str, Any] = {"updated_at": draw(_times), "cart_token": draw(_carts)}
    if draw(st.integers(0, 5)) == 0:
        more["completed_at"] = draw(_times)
    return "checkouts/update", checkout(draw(_tokens), draw(_times), draw(_customers), **more)


@st.composite
def _orders(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    more = {
        "checkout_token": draw(st.one_of(_tokens, st.none())), "cart_token": draw(_carts), "updated_at": draw(_times),
        "total_price": draw(st.sampled_from(["20.00", "25.00"])), "test": draw(st.integers(0, 5)) == 0,
    }  # fmt: skip
    told = order(draw(st.integers(1, 4)), draw(_times), draw(_customers), **more)
    return "orders/updated", told


Told: TypeAlias = tuple[str, dict[str, Any]]


def _merged(customers: list[int]) -> Told:
    return "customers/merge", merge_of(*customers)


def _deleted(key: int) -> Told:
    return "orders/delete", {"id": key}


def _cleared(token: str) -> Told:
    return "checkouts/delete", {"token": token}


_others: st.SearchStrategy[Told] = st.one_of(
    st.lists(st.integers(1, 3), min_size=2, max_size=2, unique=True).map(_merged),
    st.integers(1, 4).map(_deleted),
    _tokens.map(_cleared),
)
_stories = st.lists(
    st.one_of(_checkouts(), _checkouts(), _orders(), _others), min_size=2, max_size=14
)


def test_drawn_stores_stand_as_the_rules_say_whatever_came_first(database: Database) -> None:
    @settings(max_examples=STORIES, suppress_health_check=[HealthCheck.too_slow])
    @given(_stories, st.integers(0, 2**32))
    def check(story: list[Told], seed: int) -> None:
        asyncio.run(_stands(database, story, random.Random(seed)))

    check()


async def _stands(database: Database, story: Sequence[Told], dice: random.Random) -> None:
    async with world(database) as here:
        hashes: set[str] = set()
        stores = [here.store(here.tenant()) for _ in range(3)]
        for attempt, (domain, store) in enumerate(stores):
            tale = [delivery(domain, topic, body) for topic, body in story]
            if attempt:
                tale += dice.choices(tale, k=2)
                dice.shuffle(tale)
            size = (len(tale), 1, 3)[attempt]
            for start in range(0, len(tale), size):
                early = T0 + dice.randint(0, 40) * DAY if attempt else NOW
                await here.apply(tale[start : start + size], early)
            while await here.pass_deadlines(NOW):
                pass
            stored = {
                token: tuple(rest)
                for token, *rest in here.ask(
                    "SELECT token, stage, counted, order_id, twin_of, inferred_order_id FROM rollup.checkouts "
                    "WHERE store_id = %s", store.store_id
                )
            }  # fmt: skip
            assert stored == expected_standing(here, store)
            report = await here.verify(store, NOW)
            assert report.differences == []
            hashes.add(report.state_hash)
        assert len(hashes) == 1
        await here.rebuild(stores[0][1], NOW)
        assert await here.state(stores[0][1]) in hashes


# One rule at a time, to be checked by eye.


async def test_an_order_of_a_cart_completes_only_its_last_active_checkout(
    database: Database,
) -> None:
    async with world(database) as here:
        domain, store = here.store(here.tenant())
        tale = [
            delivery(domain, "checkouts/create", checkout("early", moment(0), 1, cart_token="x")),
            delivery(domain, "checkouts/create", checkout("late", moment(0, 30), 2, cart_token="x")),
            delivery(domain, "orders/create", order(1, moment(0, 35), 2, cart_token="x")),
        ]  # fmt: skip
        for one in tale:
            await here.apply([one], NOW)
        assert here.ask(STANDING) == [
            ("early", "abandoned", True, None, None),
            ("late", "converted", True, None, None),
        ]
        # Another one turns up that the shopper went on with: the order goes over to it.
        later = checkout("later", moment(0, 33), 2, cart_token="x")
        await here.apply([delivery(domain, "checkouts/create", later)], NOW)
        assert here.ask("SELECT token, order_id FROM rollup.checkouts ORDER BY token") == [
            ("early", None),
            ("late", None),
            ("later", 1),
        ]
        assert (await here.verify(store, NOW)).differences == []


async def test_coming_back_and_leaving_again_is_abandoning_twice(database: Database) -> None:
    async with world(database) as here:
        domain, store = here.store(here.tenant())
        start = T0 + MINUTE
        await here.apply([delivery(domain, "checkouts/create", checkout("t", moment(0)))], start)
        assert await here.pass_deadlines(T0 + 11 * MINUTE) == 1
        back = checkout("t", moment(0), updated_at=moment(1, 0))
        await here.apply([delivery(domain, "checkouts/update", back)], T0 + DAY)
        assert here.ask("SELECT stage, deadline FROM rollup.checkouts") == [
            ("abandoned", T0 + DAY + 10 * MINUTE)
        ]
        assert await here.pass_deadlines(T0 + DAY + 11 * MINUTE) == 1
        assert await here.pass_deadlines(NOW) == 0
        entries = here.ask(
            "SELECT entry, day::text, abandoned_checkouts, abandonments FROM rollup.ledger ORDER BY entry"
        )
        assert entries == [
            ("abandonment", "2026-01-01", 1, 1),
            ("abandonment:2", "2026-01-02", 0, 1),
            ("checkout", "2026-01-01", 0, 0),
        ]
        assert (await here.verify(store, NOW)).differences == []


async def test_a_shopper_on_two_devices_counts_once(database: Database) -> None:
    """Laptop and phone at 0:00 and 0:05, and an order by the phone at 0:08: one checkout, converted."""
    async with world(database) as here:
        domain, store = here.store(here.tenant())
        await here.apply(
            [
                delivery(domain, "checkouts/create", checkout("laptop", moment(0))),
                delivery(domain, "checkouts/create", checkout("phone", moment(0, 5))),
            ],
            T0 + 6 * MINUTE,
        )
        assert here.ask(STANDING) == [
            ("laptop", "open", False, "phone", None),
            ("phone", "open", True, None, None),
        ]
        paid = order(1, moment(0, 8), checkout_token="phone")
        await here.apply([delivery(domain, "orders/create", paid)], NOW)
        while await here.pass_deadlines(NOW):
            pass
        assert here.ask(STANDING) == [
            ("laptop", "abandoned", False, "phone", None),
            ("phone", "converted", True, None, None),
        ]
        assert here.ask(FIGURES) == [(1, 0, 0, 1, 0, 0, 0, 0)]
        assert (await here.verify(store, NOW)).differences == []


async def test_buying_by_another_checkout_infers_a_recovery_and_follows_the_order(
    database: Database,
) -> None:
    """30.00 abandoned at 0:10; the customer buys for 20.00 three days later by another checkout."""
    async with world(database) as here:
        domain, store = here.store(here.tenant())
        paid = order(5, moment(3), checkout_token="new")
        for one in (
            delivery(domain, "orders/create", paid),
            delivery(domain, "checkouts/create", checkout("new", moment(3, -2))),
            delivery(domain, "checkouts/create", checkout("old", moment(0))),
        ):
            await here.apply([one], NOW)
        assert here.ask(STANDING) == [
            ("new", "converted", True, None, None),
            ("old", "abandoned", True, None, 5),
        ]
        assert here.ask(FIGURES) == [(2, 1, 1, 1, 0, 1, 200_000, 300_000)]
        days = "SELECT day::text FROM rollup.sums WHERE inferred_recoveries > 0"
        assert here.ask(days) == [("2026-01-01",)]
        # The order comes to another total, is moved to somebody else, and comes back by a merge.
        edited = {**paid, "total_price": "22.00", "updated_at": moment(4)}
        await here.apply([delivery(domain, "orders/updated", edited)], NOW)
        assert here.ask(FIGURES) == [(2, 1, 1, 1, 0, 1, 220_000, 300_000)]
        moved = {**edited, "customer": {"id": 8}, "updated_at": moment(5)}
        await here.apply([delivery(domain, "orders/updated", moved)], NOW)
        assert here.ask(FIGURES) == [(2, 1, 1, 1, 0, 0, 0, 300_000)]
        await here.apply([delivery(domain, "customers/merge", merge_of(9, 8))], NOW)
        assert here.ask(FIGURES) == [(2, 1, 1, 1, 0, 1, 220_000, 300_000)]
        assert here.ask("SELECT DISTINCT customer_id FROM rollup.checkouts") == [(8,)]
        await here.apply([delivery(domain, "orders/delete", {"id": 5})], NOW)
        assert here.one("SELECT sum(inferred_recoveries) FROM rollup.sums") == 0
        assert (await here.verify(store, NOW)).differences == []


async def test_the_window_of_inference_is_a_setting_and_the_past_is_judged_by_it_anew(
    database: Database,
) -> None:
    async with world(database) as here:
        domain, store = here.store(here.tenant())
        tale = [
            delivery(domain, "checkouts/create", checkout("old", moment(0))),
            delivery(domain, "orders/create", order(5, moment(10))),
        ]
        await here.apply(tale, NOW)
        assert here.one("SELECT sum(inferred_recoveries) FROM rollup.sums") == 0
        told = make_conninfo(database.worker_url, options="-c tillstream.inference_days=14")
        async with await connect(told) as connection:
            async with connection.transaction():
                assert await follow_settings(connection, micros(NOW)) == 1
            assert here.one("SELECT sum(inferred_recoveries) FROM rollup.sums") == 1
            async with connection.transaction():
                assert await follow_settings(connection, micros(NOW)) == 0
                await apply(connection, tale, micros(NOW))
            assert here.one("SELECT sum(inferred_recoveries) FROM rollup.sums") == 1
        # Back to the default: the next delivery, even a repeat, is occasion enough.
        await here.apply(tale[:1], NOW)
        assert here.one("SELECT sum(inferred_recoveries) FROM rollup.sums") == 0
        assert (await here.verify(store, NOW)).differences == []


async def test_a_checkout_of_a_year_ago_still_counts(database: Database) -> None:
    """Shopify clears abandoned checkouts away after three months.

    Since 2026-04 its word of a deletion names no checkout, only a cart.
    https://help.shopify.com/en/manual/orders/abandoned-checkouts
    """
    async with world(database) as here:
        domain, store = here.store(here.tenant())
        old = checkout("t", moment(0), cart_token="x")
        await here.apply([delivery(domain, "checkouts/create", old)], NOW)
        cleared = delivery(domain, "checkouts/delete", {"cart_token": "x"})
        await here.apply([cleared], T0 + 100 * DAY)
        later = T0 + 365 * DAY
        while await here.pass_deadlines(later):
            pass
        assert here.ask(FIGURES) == [(1, 1, 1, 0, 0, 0, 0, 300_000)]
        assert (await here.verify(store, later)).differences == []
        # And a shopper who comes back to it after that year recovers it.
        paid = order(1, later.isoformat(), checkout_token="t")
        await here.apply([delivery(domain, "orders/create", paid)], later)
        assert here.ask(FIGURES) == [(1, 1, 1, 0, 1, 0, 0, 0)]


async def test_forgetting_a_person_changes_no_figure_of_checkouts(database: Database) -> None:
    async with world(database) as here:
        domain, store = here.store(here.tenant())
        tale = [
            delivery(domain, "checkouts/create", checkout("old", moment(0))),
            delivery(domain, "checkouts/create", checkout("phone", moment(3))),
            delivery(domain, "checkouts/create", checkout("laptop", moment(3, 2))),
            delivery(domain, "orders/create", order(5, moment(3, 4), checkout_token="phone")),
        ]
        await here.apply(tale, NOW)
        before = (here.ask(STANDING), here.ask(FIGURES))
        assert before[0] == [
            ("laptop", "abandoned", False, "phone", None),
            ("old", "abandoned", True, None, 5),
            ("phone", "converted", True, None, None),
        ]
        async with here.connection.transaction():
            await set_tenants(here.connection, [store.tenant_id])
            mark = {own_mark("customer", 9)}
            await put_in_force(here.connection, store, mark, NOW)
            for resource, keys in (
                (await traces(here.connection, store, mark)).by_resource().items()
            ):
                await forget(here.connection, store, resource, keys)
        assert here.ask("SELECT DISTINCT email FROM mirror.checkouts") == [(None,)]
        assert (here.ask(STANDING), here.ask(FIGURES)) == before
        # What comes of the person later is without contact details, and moves nothing either.
        again = checkout("laptop", moment(3, 2), updated_at=moment(3, 3))
        await here.apply([delivery(domain, "checkouts/update", again)], NOW)
        assert here.ask("SELECT DISTINCT email FROM mirror.checkouts") == [(None,)]
        assert (here.ask(STANDING), here.ask(FIGURES)) == before
        assert (await here.verify(store, NOW)).differences == []


async def test_a_store_that_somebody_is_in_holds_up_nobody_elses_deadlines(
    database: Database,
) -> None:
    async with world(database) as here:
        busy, store = here.store(here.tenant())
        other, _ = here.store(here.tenant())
        # More than are looked at at once, all of them overdue for longer than the neighbour's.
        await here.apply(
            [
                delivery(busy, "checkouts/create", checkout(f"b{n}", moment(0), n))
                for n in range(501)
            ],
            T0,
        )
        await here.apply([delivery(other, "checkouts/create", checkout("o", moment(1), 1))], T0)
        async with await connect(database.worker_url) as mending, mending.transaction():
            await lock_store(mending, store)
            await here.pass_deadlines(NOW)
            assert here.ask("SELECT stage FROM rollup.checkouts WHERE token = 'o'") == [
                ("abandoned",)
            ]
