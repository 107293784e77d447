"""Deliveries applied to a real PostgreSQL: any order, any repeats, any batches, the same state.

Nothing is doubled: the worker role, the migrated schema, the real statements. Deliveries come from
the simulator's story (a sane shop) and from drawn bodies (an insane one). Asserted is the state
hash, which covers every table to the byte, and that verifying finds nothing.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from tests.mirror.bodies import CHECKOUTS, ORDERS, STORIES, Told, partial, told
from tests.rollup.drawn import CANCELLED, bag, line, order, refund, refunded, shipping
from tests.rollup.worlds import NOW, World, addressed, delivery, micros, world
from tillstream.foundation.database import listen, set_tenants
from tillstream.simulator.places import GERMANY
from tillstream.simulator.plan import plain_shop
from tillstream.simulator.story import Story

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.conftest import Database
    from tillstream.journal.contract import Delivery
    from tillstream.mirror.merge import Store

START = datetime(2026, 3, 26, tzinfo=UTC)


def batches(deliveries: Sequence[Delivery], dice: random.Random) -> list[list[Delivery]]:
    """Cut anywhere."""
    cuts = sorted(dice.choices(range(len(deliveries) + 1), k=dice.randint(0, 6)))
    return [
        list(deliveries[a:b]) for a, b in zip([0, *cuts], [*cuts, len(deliveries)], strict=True)
    ]


def tell(zone: str = "Europe/Berlin") -> list[Delivery]:
    """Five days of a shop (over a change to summer time in Europe): a few hundred deliveries."""
    plan = plain_shop(
        "tale.myshopify.com", "EUR", zone, GERMANY, orders_per_day=8, taxes_included=True
    )
    story = Story(11, [plan], START, START + timedelta(days=5))
    return [delivery(one.shop, one.topic, one.body, key=one.webhook_id) for one in story]


async def test_a_shuffled_story_in_any_batches_ends_in_the_same_state(database: Database) -> None:
    tale = tell()
    assert len({one.topic for one in tale}) > 10
    dice = random.Random(5)
    async with world(database) as here:
        hashes: list[str] = []
        for attempt in range(4):
            domain, store = here.store(here.tenant(), timezone="America/New_York")
            mine = addressed(domain, tale)
            if attempt:
                mine += dice.choices(mine, k=len(mine) // 3)
                dice.shuffle(mine)
            applied = 0
            for number, batch in enumerate(batches(mine, dice) if attempt else [mine]):
                early = START + timedelta(hours=8 * number)
                outcome = await here.apply(batch, NOW if attempt == 1 else min(early, NOW))
                assert (outcome.parked, outcome.unrouted) == ([], [])
                applied += outcome.applied
            while await here.pass_deadlines():
                pass
            assert applied == len(tale)
            report = await here.verify(store)
            assert report.differences == []
            hashes.append(report.state_hash)
            assert await here.state(store) == report.state_hash
        assert len(set(hashes)) == 1
        counted = dict(
            here.ask("SELECT topic, sum(received) / 4 FROM mirror.topics GROUP BY topic")
        )
        assert counted == Counter(one.topic for one in tale)


async def test_the_zone_may_be_known_first_last_or_in_the_middle(database: Database) -> None:
    zone = (
        "shop/update",
        {
            "updated_at": "2026-03-01T00:00:00Z",
            "iana_timezone": "Asia/Kathmandu",
            "currency": "EUR",
        },
    )
    tale = [one for one in tell() if one.topic != "shop/update"]
    async with world(database) as here:
        hashes: list[str] = []
        days: list[Any] = []
        for position in (0, len(tale) // 2, len(tale)):
            domain, store = here.store(here.tenant())
            mine = addressed(domain, [*tale[:position], delivery("", *zone), *tale[position:]])
            for start in range(0, len(mine), 60):
                await here.apply(mine[start : start + 60])
            report = await here.verify(store)
            assert report.differences == []
            hashes.append(report.state_hash)
            days.append(
                here.ask(
                    "SELECT DISTINCT day FROM rollup.sums WHERE store_id = %s ORDER BY day",
                    store.store_id,
                )
            )
        assert len(set(hashes)) == 1
        assert days[0] == days[2]


async def test_a_zone_that_is_changed_by_hand_dates_the_past_anew(database: Database) -> None:
    tale = [one for one in tell() if one.topic != "shop/update"]
    async with world(database) as here:
        tenant = here.tenant()
        known, there = here.store(tenant, timezone="Pacific/Auckland")
        unknown, patched = here.store(tenant)
        for domain in (known, unknown):
            await here.apply(addressed(domain, tale))
        assert await here.state(there) != await here.state(patched)
        here.ask(
            "UPDATE shops.stores SET timezone = 'Pacific/Auckland' WHERE id = %s", patched.store_id
        )
        # A repeat is enough of an occasion.
        await here.apply(addressed(unknown, tale[:1]))
        assert await here.state(there) == await here.state(patched)
        assert (await here.verify(patched)).differences == []
        assert here.ask(
            "SELECT timezone FROM rollup.stores WHERE store_id = %s", patched.store_id
        ) == [("Pacific/Auckland",)]


def test_insane_bodies_in_any_order_end_in_the_same_state(database: Database) -> None:
    """Drawn bodies contradict themselves and each other; whatever they come to, it is one thing."""
    connected = st.one_of(
        told(["checkouts/update"], CHECKOUTS),
        told(["orders/updated"], ORDERS),
        told(["orders/create"], ORDERS.map(lambda body: {**body, "id": 2})),
        told(["checkouts/update"], CHECKOUTS.map(lambda body: {**body, "token": "t2"})),
        told(["shop/update"], partial({"iana_timezone": st.sampled_from(["Asia/Kolkata", "America/New_York"])})),
        STORIES["order"], STORIES["shop"], STORIES["customer"], STORIES["product"],
    )  # fmt: skip

    @settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(connected, min_size=1, max_size=8), st.integers(0, 2**32))
    def check(story: list[Told], seed: int) -> None:
        asyncio.run(_same_state(database, story, random.Random(seed)))

    check()


async def _same_state(database: Database, story: list[Told], dice: random.Random) -> None:
    tale = [delivery("", topic, body) for topic, body in story]
    async with world(database) as here:
        hashes: set[str] = set()
        stores = [here.store(here.tenant()) for _ in range(3)]
        for attempt, (domain, store) in enumerate(stores):
            mine = addressed(domain, tale)
            if attempt:
                mine += dice.choices(mine, k=2)
                dice.shuffle(mine)
            for batch in batches(mine, dice) if attempt else [mine]:
                now = NOW - timedelta(days=dice.randint(0, 40) if attempt == 2 else 0)
                assert (await here.apply(batch, now)).parked == []
            while await here.pass_deadlines():
                pass
            report = await here.verify(store)
            assert report.differences == []
            hashes.add(report.state_hash)
        assert len(hashes) == 1
        await here.rebuild(stores[0][1])
        assert await here.state(stores[0][1]) in hashes


async def test_an_hour_that_comes_to_nothing_has_no_row_however_it_came_there(
    database: Database,
) -> None:
    """5.00 of shipping is refunded though none was charged; the cancellation takes it back."""
    free = order(cancelled_at="2026-03-03T10:20:00Z", updated_at="2026-03-03T10:20:00Z")
    back = refund(
        refund_shipping_lines=[{"subtotal_amount_set": bag("5.00"), "tax_amount_set": bag("0.00")}]
    )
    tale = [delivery("", "orders/create", order()), delivery("", "refunds/create", back),
            delivery("", "orders/cancelled", free)]  # fmt: skip
    zone = delivery(
        "", "shop/update", {"updated_at": "2026-03-01T00:00:00Z", "iana_timezone": "Europe/Berlin"}
    )
    async with world(database) as here:
        hashes: set[str] = set()
        for parts in (
            [[zone, *tale]],
            [[zone], *([one] for one in tale)],
            [[one] for one in (*tale, zone)],
        ):
            domain, store = here.store(here.tenant())
            for part in parts:
                await here.apply(addressed(domain, part))
            hashes.add(await here.state(store))
            entries = here.ask(
                "SELECT entry, shipping FROM rollup.ledger WHERE store_id = %s ORDER BY entry",
                store.store_id,
            )
            assert entries == [("cancellation", 50_000), ("placement", 0), ("refund:5", -50_000)]
            assert (
                here.one("SELECT count(*) FROM rollup.sums WHERE store_id = %s", store.store_id)
                == 1
            )
            assert (await here.verify(store)).differences == []
        assert len(hashes) == 1


async def test_a_change_of_customer_moves_the_order_from_one_to_the_other(
    database: Database,
) -> None:
    async with world(database) as here:
        domain, store = here.store(here.tenant())
        await here.apply([delivery(domain, "orders/create", order(line(1, "10.00")))])
        moved = order(line(1, "10.00"), customer={"id": 8}, updated_at="2026-03-02T00:00:00Z")
        await here.apply([delivery(domain, "orders/updated", moved)])
        assert here.ask("SELECT customer_id, orders, total_spent FROM rollup.customers") == [
            (8, 1, 100_000)
        ]
        assert here.ask("SELECT orders FROM rollup.rhythm") == [(1,)]
        await here.apply([delivery(domain, "orders/delete", {"id": 1})])
        for table in ("customers", "rhythm", "sums", "ledger"):
            assert here.ask(sql.SQL("SELECT * FROM rollup.{}").format(sql.Identifier(table))) == []
        assert (await here.verify(store)).differences == []


# Checkouts and deadlines.

T0 = datetime(2026, 3, 31, 9, tzinfo=UTC)


def checkout(token: str = "t", at: datetime = T0, **more: Any) -> dict[str, Any]:
    return {
        "token": token, "created_at": T0.isoformat(), "updated_at": at.isoformat(), "email": "e@example.com",
        "total_price": "30.00", "currency": "EUR", "name": f"#C-{token}", **more,
    }  # fmt: skip


async def test_a_deadline_that_passes_abandons_and_is_announced(database: Database) -> None:
    async with world(database) as here:
        tenant = here.tenant()
        domain, store = here.store(tenant)
        await here.apply(
            [delivery(domain, "checkouts/create", checkout())], T0 + timedelta(minutes=1)
        )
        assert here.ask("SELECT stage, deadline FROM rollup.checkouts") == [
            ("open", T0 + timedelta(minutes=10))
        ]
        assert await here.pass_deadlines(T0 + timedelta(minutes=10)) == 0
        late = T0 + timedelta(minutes=10, microseconds=1)
        assert await here.pass_deadlines(late) == 1
        assert await here.pass_deadlines(late) == 0
        assert here.ask("SELECT stage, abandoned_at, deadline FROM rollup.checkouts") == [
            ("abandoned", T0 + timedelta(minutes=10), None)
        ]
        assert here.ask(
            "SELECT sum(abandoned_checkouts), sum(abandoned_value) FROM rollup.sums"
        ) == [(1, 300_000)]
        (_, first), (_, second) = [(key, data) for key, _, data in here.live(tenant)]
        assert first["feed"] == []
        assert second["store"] == str(store.store_id)
        assert second["changed"] == ["checkouts"]
        assert second["received_at"] is None
        (news,) = second["feed"]
        assert (news["kind"], news["title"], news["amount"], news["currency"]) == (
            "checkout_abandoned", "#C-t", "30.00", "EUR",
        )  # fmt: skip
        # Paid after all: recovered, at the total of the order.
        paid = order(
            line(1, "25.00"),
            checkout_token="t",
            processed_at=(T0 + timedelta(hours=1)).isoformat(),
            total_price="25.00",
        )
        await here.apply([delivery(domain, "orders/create", paid)], T0 + timedelta(hours=2))
        assert here.ask("SELECT stage, order_id, recovered_value FROM rollup.checkouts") == [
            ("recovered", 1, 250_000)
        ]
        assert here.ask(
            "SELECT sum(abandoned_checkouts), sum(abandoned_value), sum(recovered_checkouts), sum(recovered_sales) "
            "FROM rollup.sums"
        ) == [(1, 0, 1, 250_000)]
        assert {item["kind"] for item in here.live(tenant)[-1][2]["feed"]} == {
            "order",
            "checkout_recovered",
        }
        assert (await here.verify(store)).differences == []


async def test_a_late_activity_reopens_what_was_abandoned_too_soon(database: Database) -> None:
    async with world(database) as here:
        domain, store = here.store(here.tenant())
        await here.apply([delivery(domain, "checkouts/create", checkout())])
        assert here.one("SELECT stage FROM rollup.checkouts") == "abandoned"
        late = checkout(at=T0 + timedelta(minutes=5))
        await here.apply([delivery(domain, "checkouts/update", late)], T0 + timedelta(minutes=12))
        assert here.one("SELECT stage FROM rollup.checkouts") == "open"
        assert here.ask("SELECT sum(abandoned_checkouts), sum(checkouts) FROM rollup.sums") == [
            (0, 1)
        ]
        assert (await here.verify(store, T0 + timedelta(minutes=12))).differences == []


async def test_a_longer_window_moves_the_deadline_when_it_passes(database: Database) -> None:
    async with world(database) as here:
        domain, _ = here.store(here.tenant())
        await here.apply([delivery(domain, "checkouts/create", checkout())], T0)
        here.ask("UPDATE shops.stores SET abandonment_window = interval '1 hour'")
        assert await here.pass_deadlines(T0 + timedelta(minutes=30)) == 1
        assert await here.pass_deadlines(T0 + timedelta(minutes=30)) == 0
        assert here.ask("SELECT stage, deadline FROM rollup.checkouts") == [
            ("open", T0 + timedelta(hours=1))
        ]


async def test_deadlines_of_a_removed_store_pass_too(database: Database) -> None:
    async with world(database) as here:
        domain, _ = here.store(here.tenant())
        await here.apply([delivery(domain, "checkouts/create", checkout())], T0)
        here.ask("UPDATE shops.stores SET removed_at = now()")
        assert await here.pass_deadlines() == 1
        assert await here.pass_deadlines() == 0
        outcome = await here.apply([delivery(domain, "checkouts/create", checkout())])
        assert len(outcome.unrouted) == 1


def placed(key: int, token: str | None, cart: str | None, minutes: int = 5) -> dict[str, Any]:
    at = (T0 + timedelta(minutes=minutes)).isoformat()
    return order(
        line(1, "10.00"),
        id=key,
        checkout_token=token,
        cart_token=cart,
        processed_at=at,
        total_price="10.00",
    )


@pytest.mark.parametrize(
    ("deliveries", "links"),
    [
        # by token, whatever the cart
        ([("checkouts/create", checkout("a", cart_token="c")), ("orders/create", placed(1, "a", None))], {"a": 1}),
        # by cart, where no checkout has the order's token
        (
            [("checkouts/create", checkout("a", cart_token="c?key=1")), ("orders/create", placed(1, "x", "c?key=2"))],
            {"a": 1},
        ),
        ([("checkouts/create", checkout("a", cart_token="c")), ("orders/create", placed(1, None, "c"))], {"a": 1}),
        # the order's own checkout turns up: the other one of that cart loses it
        (
            [
                ("checkouts/create", checkout("a", cart_token="c")), ("orders/create", placed(1, "b", "c")),
                ("checkouts/create", checkout("b", cart_token="c")),
            ],
            {"a": None, "b": 1},
        ),
        # of two orders the earlier one
        (
            [
                ("checkouts/create", checkout("a")), ("orders/create", placed(2, "a", None, 4)),
                ("orders/create", placed(1, "a", None, 6)),
            ],
            {"a": 2},
        ),
        # a deleted order gives its checkout back
        (
            [
                ("checkouts/create", checkout("a")), ("orders/create", placed(1, "a", None)),
                ("orders/delete", {"id": 1}),
            ],
            {"a": None},
        ),
    ],
    ids=["token", "cart of an unknown token", "cart", "own checkout", "earliest", "deleted"],
)  # fmt: skip
async def test_orders_and_checkouts_find_each_other_in_any_order(
    database: Database, deliveries: list[Told], links: dict[str, int | None]
) -> None:
    async with world(database) as here:
        for turn in range(3):
            domain, store = here.store(here.tenant())
            turned = deliveries[turn:] + deliveries[:turn] if turn < 2 else deliveries[::-1]
            for topic, body in turned:
                await here.apply([delivery(domain, topic, body)])
            found = here.ask(
                "SELECT token, order_id FROM rollup.checkouts WHERE store_id = %s", store.store_id
            )
            assert dict(found) == links
            assert (await here.verify(store)).differences == []


# What is announced.


async def test_live_rows_are_numbered_without_gaps_in_each_tenant(database: Database) -> None:
    async with world(database) as here:
        a, b = here.tenant(), here.tenant()
        stores = [here.store(tenant) for tenant in (a, a, b)]
        for key in range(1, 5):
            bodies = [
                delivery(domain, "orders/create", order(line(1, "1.00"), id=key))
                for domain, _ in stores
            ]
            await here.apply(bodies)
            await here.apply(bodies)  # repeats change nothing and tell nothing
            undone = [delivery(stores[0][0], "orders/create", order(line(1, "1.00"), id=99))]
            async with here.connection.transaction(force_rollback=True):
                await here.apply(undone)
        for tenant, rows in ((a, 8), (b, 4)):
            assert [key for key, _, _ in here.live(tenant)] == list(range(1, rows + 1))
        assert Counter(store for _, store, _ in here.live(a)) == {
            stores[0][1].store_id: 4,
            stores[1][1].store_id: 4,
        }


async def test_the_feed_tells_what_happened_in_words_and_money(database: Database) -> None:
    at = (NOW - timedelta(hours=2)).isoformat()
    body = order(
        line(1, "10.00", 2, tax="2.00", rate="0.1"), shipping_lines=[shipping("5.00", "0.50")], processed_at=at,
        total_price="27.50", customer={"id": 9, "first_name": "Ada", "last_name": "Byron"},
    )  # fmt: skip
    back = refund(refunded(1, 1, "10.00", "1.00"), at=(NOW - timedelta(hours=1)).isoformat())
    async with world(database) as here:
        tenant = here.tenant()
        domain, store = here.store(tenant)
        await here.apply(
            [delivery(domain, "orders/create", body), delivery(domain, "refunds/create", back)]
        )
        ((_, _, data),) = here.live(tenant)
        assert data["store"] == str(store.store_id)
        assert data["changed"] == ["customers", "sales"]
        assert (
            datetime.fromisoformat(data["received_at"]) == datetime.fromisoformat(data["at"]) == NOW
        )
        told_of = [
            (one["kind"], one["title"], one["customer"], one["amount"], one["currency"])
            for one in data["feed"]
        ]
        # 10.00 + 1.00 tax given back
        assert told_of == [
            ("order", "#1", "Ada Byron", "27.50", "EUR"),
            ("refund", "#1", "Ada Byron", "11.00", "EUR"),
        ]
        gone = {**body, "cancelled_at": NOW.isoformat(), "updated_at": NOW.isoformat()}
        await here.apply([delivery(domain, "orders/cancelled", gone)])
        assert [one["kind"] for one in here.live(tenant)[-1][2]["feed"]] == ["cancellation"]


async def test_history_is_no_news(database: Database) -> None:
    async with world(database) as here:
        tenant = here.tenant()
        domain, _ = here.store(tenant)
        await here.apply([delivery(domain, "orders/create", order(line(1, "1.00")))])
        ((_, _, data),) = here.live(tenant)
        assert data["feed"] == []
        assert "sales" in data["changed"]


async def test_watchers_are_woken_at_the_commit(database: Database) -> None:
    async with world(database) as here:
        tenant = here.tenant()
        domain, _ = here.store(tenant)
        watcher = await psycopg.AsyncConnection.connect(database.api_url, autocommit=True)
        async with watcher:
            await listen(watcher, "tillstream_live")
            await here.apply([delivery(domain, "orders/create", order(line(1, "1.00")))])
            async for notice in watcher.notifies(timeout=10, stop_after=1):
                assert notice.payload == f"{tenant}:1"
                break
            else:
                pytest.fail("nobody was woken")


# The wall.


async def test_applying_for_one_tenant_cannot_touch_another(database: Database) -> None:
    async with world(database) as here:
        a, b = here.store(here.tenant()), here.store(here.tenant())
        for domain, _ in (a, b):
            await here.apply([delivery(domain, "orders/create", order(line(1, "10.00")))])
        before = await here.state(b[1])
        await here.apply(
            [delivery(a[0], "orders/cancelled", order(line(1, "10.00"), cancelled_at=CANCELLED))]
        )
        async with here.connection.transaction(force_rollback=True):
            await set_tenants(here.connection, [a[1].tenant_id])
            seen = await (
                await here.connection.execute("SELECT DISTINCT tenant_id FROM rollup.ledger")
            ).fetchall()
            assert seen == [(a[1].tenant_id,)]
            for change in (
                "UPDATE rollup.sums SET orders = 9 WHERE tenant_id = %s",
                "DELETE FROM mirror.orders WHERE tenant_id = %s",
            ):
                assert (await here.connection.execute(change, (b[1].tenant_id,))).rowcount == 0
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await here.connection.execute(
                    "INSERT INTO rollup.rhythm VALUES (%s, %s, '2026-03-01', '-infinity', false, 1)",
                    b[1],
                )
        assert await here.state(b[1]) == before
        # Outside a transaction that names tenants, a worker sees nobody.
        rows = await (await here.connection.execute("SELECT * FROM rollup.ledger")).fetchall()
        assert rows == []


async def test_deliveries_of_unknown_shops_are_given_back(database: Database) -> None:
    async with world(database) as here:
        domain, store = here.store(here.tenant())
        known = delivery(domain, "orders/create", order(line(1, "1.00")))
        stranger = delivery("stranger.myshopify.com", "orders/create", order(line(1, "1.00")))
        broken = delivery(domain, "orders/create", b"{")
        outcome = await here.apply([stranger, known, broken, known])
        assert outcome.unrouted == [stranger]
        assert outcome.applied == 1
        (parked,) = outcome.parked
        assert (parked.delivery, parked.reason, parked.tenant_id, parked.store_id) == (
            broken,
            "not_json",
            *store,
        )


async def _count(here: World, store: Store) -> int:
    return here.one("SELECT count(*) FROM mirror.orders WHERE store_id = %s", store.store_id)


async def test_two_workers_in_one_store_take_turns(database: Database) -> None:
    """The second waits for the first's commit and builds on it: no order of theirs is lost."""
    async with world(database) as one, world(database) as two:
        domain, store = one.store(one.tenant())
        bodies = [
            delivery(domain, "orders/create", order(line(1, "1.00"), id=key))
            for key in range(1, 41)
        ]
        await asyncio.gather(
            *(here.apply(bodies[start : start + 5]) for here, start in ((one, 0), (two, 5))),
        )
        for start in range(10, 40, 10):
            await asyncio.gather(
                one.apply(bodies[start : start + 6]), two.apply(bodies[start + 4 : start + 10])
            )
        assert await _count(one, store) == 40
        assert one.ask("SELECT orders, total_spent FROM rollup.customers") == [(40, 400_000)]
        assert (await one.verify(store)).differences == []


async def test_the_now_of_a_batch_does_not_date_anything(database: Database) -> None:
    async with world(database) as here:
        hashes: set[str] = set()
        for days in (0, 1000):
            domain, store = here.store(here.tenant())
            await here.apply(
                [delivery(domain, "orders/create", order(line(1, "1.00")))],
                NOW + timedelta(days=days),
            )
            hashes.add(await here.state(store))
        assert len(hashes) == 1
        assert micros(NOW) == 1_775_044_800_000_000
