"""What is left of each variant follows products, items and levels, whatever comes in whatever order.

A real database, to which drawn deliveries are applied; the reference joins the same bodies with the
mirror's own readers and counts in plain Python, without any SQL.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any, LiteralString, cast

import msgspec
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.mirror.bodies import STORIES, Told
from tests.rollup.drawn import line, order
from tests.rollup.worlds import World, delivery, world
from tillstream.foundation.database import set_tenants
from tillstream.mirror.join import Element, join
from tillstream.mirror.merge import MIRRORED, Store
from tillstream.mirror.topics import read
from tillstream.rollup.stock import restock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.conftest import Database
    from tillstream.journal.contract import Delivery
    from tillstream.mirror.inventory import Item, Level
    from tillstream.mirror.products import Product

Stock = dict[tuple[int, int], tuple[int | None, int | None]]


def stored(here: World, store: Store) -> Stock:
    """By product and variant, what the table says."""
    rows = here.ask(
        "SELECT product_id, variant_id, on_hand, cost FROM rollup.stock WHERE store_id = %s",
        store.store_id,
    )
    return {(product, variant): (on_hand, cost) for product, variant, on_hand, cost in rows}


def reckoned(deliveries: Sequence[Delivery]) -> Stock:
    """The same, of everything that these say."""
    known: dict[str, dict[int | str, Element]] = {}
    for one in deliveries:
        for change in read(one.topic, one.body, one.triggered_at):
            group = known.setdefault(change.resource, {})
            group[change.key] = join(group.get(change.key, Element()), change.element)

    def views(resource: Any) -> list[Any]:
        return [
            MIRRORED[resource].view(key, element)
            for key, element in known.get(resource, {}).items()
        ]

    items = {one.id: one for one in cast("list[Item]", views("inventory_item"))}
    places: dict[int, list[int | None]] = {}
    for level in cast("list[Level]", views("inventory_level")):
        if not level.deleted:
            places.setdefault(level.inventory_item_id, []).append(level.available)
    found: Stock = {}
    for product in cast("list[Product]", views("product")):
        for variant in () if product.deleted else product.variants:
            key = variant.inventory_item_id
            item = None if key is None else items.get(key)
            available = [] if key is None else [n for n in places.get(key, []) if n is not None]
            on_hand = sum(available) if available else variant.inventory_quantity
            tracked = item is None or item.tracked is not False
            found[product.id, variant.id] = (
                on_hand if tracked else None,
                None if item is None else item.cost,
            )
    return found


def of_product(told: Told, product: int) -> Told:
    """Told of another product, which may name the very same variants."""
    topic, body = told
    name = "product_id" if topic.startswith("variants/") else "id"
    return topic, {**body, name: product}


TALES = st.one_of(
    st.builds(of_product, STORIES["product"], st.sampled_from([1, 2])),
    STORIES["inventory_item"],
    STORIES["inventory_level"],
)


def test_it_is_what_the_copy_says_after_any_deliveries_in_any_order(database: Database) -> None:
    @settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @given(st.lists(TALES, min_size=2, max_size=14), st.integers(0, 2**32))
    def check(tale: list[Told], seed: int) -> None:
        asyncio.run(_follows(database, tale, random.Random(seed)))

    check()


def as_delivered(shop: str, told: Told) -> Delivery:
    """With the header that stands in drawn bodies."""
    topic, body = told
    at = body.get("triggered_at", "")
    body = {name: value for name, value in body.items() if name != "triggered_at"}
    return msgspec.structs.replace(delivery(shop, topic, body), triggered_at=at)


async def _follows(database: Database, tale: Sequence[Told], dice: random.Random) -> None:
    async with world(database) as here:
        hashes: set[str] = set()
        for attempt in range(3):
            domain, store = here.store(here.tenant(), timezone="UTC")
            told = [as_delivered(domain, one) for one in tale]
            if attempt:
                told += dice.choices(told, k=2)
                dice.shuffle(told)
            size = dice.randint(1, len(told))
            for start in range(0, len(told), size):
                outcome = await here.apply(told[start : start + size])
                assert outcome.parked == []
                assert stored(here, store) == reckoned(told[: start + size])
            report = await here.verify(store)
            assert report.differences == []
            hashes.add(report.state_hash)
        assert len(hashes) == 1


FIRST = "2026-03-01T10:00:00Z"
LATER = "2026-03-01T11:00:00Z"


def shelf(at: str, *variants: dict[str, Any]) -> dict[str, Any]:
    """A product with these variants."""
    told = [
        {"inventory_quantity": 7, "inventory_item_id": 10 + one["id"], **one} for one in variants
    ]
    return {"id": 1, "title": "Shelf", "updated_at": at, "variants": told}


async def furnish(here: World) -> tuple[str, Store]:
    """A product with variant 1, in two places, and 2, of which no level is known; and its neighbour's."""
    domain, store = here.store(here.tenant(), timezone="UTC")
    other, _ = here.store(here.tenant(), timezone="UTC")
    for shop in (domain, other):
        await here.apply(
            [
                delivery(shop, "products/create", shelf(FIRST, {"id": 1}, {"id": 2})),
                delivery(
                    shop,
                    "inventory_items/create",
                    {"id": 11, "cost": "2.50", "tracked": True, "updated_at": FIRST},
                ),
                level(shop, 1, 4),
                level(shop, 2, -1),
            ]
        )  # fmt: skip
    return domain, store


def level(shop: str, place: int, available: int, at: str = FIRST) -> Delivery:
    """So much of variant 1 at a place."""
    body = {"inventory_item_id": 11, "location_id": place, "available": available, "updated_at": at}
    return delivery(shop, "inventory_levels/update", body)


async def test_by_hand(database: Database) -> None:
    async with world(database) as here:
        domain, store = await furnish(here)
        assert stored(here, store) == {(1, 1): (3, 25_000), (1, 2): (7, None)}
        await here.apply([level(domain, 1, 9, LATER)])
        assert stored(here, store)[1, 1] == (8, 25_000)
        gone = {"inventory_item_id": 11, "location_id": 1}
        left = msgspec.structs.replace(
            delivery(domain, "inventory_levels/disconnect", gone),
            triggered_at="2026-03-01T12:00:00Z",
        )
        await here.apply([left])
        assert stored(here, store)[1, 1] == (-1, 25_000)
        untracked = {"id": 11, "cost": "3.00", "tracked": False, "updated_at": LATER}
        await here.apply([delivery(domain, "inventory_items/update", untracked)])
        assert stored(here, store) == {(1, 1): (None, 30_000), (1, 2): (7, None)}
        # The first variant is removed; the second is of another item by now.
        told = shelf(LATER, {"id": 2, "inventory_item_id": 11, "inventory_quantity": 5})
        await here.apply([delivery(domain, "products/update", told)])
        assert stored(here, store) == {(1, 2): (None, 30_000)}
        await here.apply([delivery(domain, "products/delete", {"id": 1})])
        assert stored(here, store) == {}
        assert here.one("SELECT count(*) FROM rollup.stock") == 2
        assert (await here.verify(store)).differences == []


def versions(here: World) -> dict[str, str]:
    """By where a row lies and who wrote it, which row that is."""
    return dict(here.ask("SELECT ctid || ' ' || xmin, to_jsonb(s)::text FROM rollup.stock AS s"))


async def test_nothing_is_run_or_written_without_need(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(database) as here:
        domain, _ = await furnish(here)
        sent: list[Any] = []
        execute = psycopg.AsyncConnection.execute

        async def noted(self: Any, query: Any, params: Any = None, **more: Any) -> Any:
            sent.append(query)
            return await execute(self, query, params, **more)

        monkeypatch.setattr(psycopg.AsyncConnection, "execute", noted)

        def settled() -> int:
            number = sum("INTO rollup.stock" in str(one) for one in sent)
            sent.clear()
            return number

        before = versions(here)
        titled = {**shelf(LATER, {"id": 1}, {"id": 2}), "title": "Board"}
        await here.apply(
            [
                delivery(domain, "orders/create", order(line(1, "10.00"))),
                delivery(domain, "products/update", titled),
                delivery(domain, "inventory_items/update", {"id": 11, "sku": "x", "updated_at": LATER}),
            ]
        )  # fmt: skip
        assert len(sent) > 1
        assert settled() == 0
        # However many are concerned, it is one statement; and what comes to the same is left as it is.
        twice = [level(domain, 1, 1, LATER), level(domain, 2, 2, LATER)]
        told = shelf("2026-03-01T12:00:00Z", {"id": 1}, {"id": 2, "inventory_quantity": 8})
        await here.apply([*twice, delivery(domain, "products/update", told)])
        assert settled() == 1
        after = versions(here)
        assert len(after.keys() - before.keys()) == 1
        assert len(after.keys() & before.keys()) == 3


@pytest.mark.parametrize(
    ("damage", "column", "beside"),
    [
        ("UPDATE rollup.stock SET on_hand = on_hand + 1 WHERE store_id = %s", "on_hand", False),
        ("UPDATE rollup.stock SET on_hand = NULL WHERE store_id = %s", "on_hand", False),
        ("UPDATE rollup.stock SET cost = 1 WHERE store_id = %s", "cost", False),
        ("DELETE FROM rollup.stock WHERE store_id = %s", "", False),
        ("INSERT INTO rollup.stock SELECT tenant_id, id, 1, 3 FROM shops.stores WHERE id = %s", "", False),
        ("INSERT INTO rollup.stock SELECT tenant_id, id, 9, 9 FROM shops.stores WHERE id = %s", "", False),
        # In the copy: what is made of it is right again once it is.
        ("UPDATE mirror.inventory_levels SET available = 5 WHERE store_id = %s", "on_hand", True),
        ("UPDATE mirror.inventory_items SET cost = 5 WHERE store_id = %s", "cost", True),
        ("UPDATE mirror.variants SET inventory_quantity = 5 WHERE store_id = %s", "on_hand", True),
        ("UPDATE mirror.products SET deleted = true WHERE store_id = %s", "", True),
    ],
)  # fmt: skip
async def test_damage_is_found_and_mended(
    database: Database, damage: LiteralString, column: str, beside: bool
) -> None:
    async with world(database) as here:
        _, store = await furnish(here)
        right, known = await here.state(store), stored(here, store)
        here.ask(damage, store.store_id)
        found = await here.verify(store)
        assert ("stock", column) in {(one.level, one.measure) for one in found.differences}
        assert set(found.levels) == ({"mirror", "stock"} if beside else {"stock"})
        assert found.state_hash != right
        await here.rebuild(store)
        assert stored(here, store) == known
        assert await here.state(store) == right
        # Two wrongs that agree are no right either.
        if beside:
            here.ask(damage, store.store_id)
            async with here.connection.transaction():
                await set_tenants(here.connection, [store.tenant_id])
                await restock(here.connection, store)
            assert "stock" not in (await here.verify(store)).levels
            await here.rebuild(store)
            assert await here.state(store) == right
