"""Verifying finds what was tampered with; rebuilding repairs it and gives the very same state.

A real database, filled by applying; then the owner, whom no policy stops, changes one thing behind
the worker's back. Nothing is doubled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

import pytest

from tests.rollup.drawn import line, order, refund, refunded
from tests.rollup.test_apply import checkout
from tests.rollup.worlds import World, delivery, world
from tillstream.foundation.database import set_tenants
from tillstream.rollup.verify import state_hash

if TYPE_CHECKING:
    from tests.conftest import Database
    from tillstream.mirror.merge import Store


async def furnish(here: World) -> Store:
    """Two orders of one customer, one of a guest, a refund, an abandoned checkout; and a neighbour."""
    domain, store = here.store(here.tenant(), timezone="Europe/Berlin")
    neighbour, _ = here.store(here.tenant())
    told = [
        ("orders/create", order(line(1, "10.00", 2, tax="2.00", rate="0.1"))),
        ("orders/create", order(line(1, "5.00"), id=2, processed_at="2026-03-05T10:00:00Z")),
        ("orders/create", order(line(1, "7.00"), id=3, customer=None)),
        ("refunds/create", refund(refunded(1, 1, "10.00", "1.00"))),
        ("checkouts/create", checkout()),
    ]
    for shop in (domain, neighbour):
        await here.apply([delivery(shop, topic, body) for topic, body in told])
    return store


TAMPERINGS: dict[str, tuple[LiteralString, str, str]] = {
    "a sum": ("UPDATE rollup.sums SET gross_sales = gross_sales + 1 WHERE store_id = %s AND orders > 0",
        "sums", "gross_sales",
    ),
    "a sum that is missing": ("DELETE FROM rollup.sums WHERE store_id = %s AND orders > 0", "sums", "orders"),
    "a sum too many": (
        ("INSERT INTO rollup.sums (tenant_id, store_id, hour, day, tips) "
        "SELECT tenant_id, id, '2020-01-01T00:00Z', '2020-01-01', 5 FROM shops.stores WHERE id = %s"),
        "sums", "tips",
    ),
    "an entry": ("UPDATE rollup.ledger SET taxes = taxes - 1 WHERE store_id = %s AND entry = 'refund:5'",
        "ledger", "taxes",
    ),
    "an entry that is missing": ("DELETE FROM rollup.ledger WHERE store_id = %s AND entry = 'refund:5'", "ledger", ""),
    "an entry too many": (
        ("INSERT INTO rollup.ledger (tenant_id, store_id, source, source_id, entry, at, hour, day) "
        "SELECT tenant_id, id, 'order', '1', 'refund:6', now(), now(), current_date FROM shops.stores WHERE id = %s"),
        "ledger", "",
    ),
    "an entry's day": (
        "UPDATE rollup.ledger SET day = day + 1 WHERE store_id = %s AND source_id = '3'",
        "ledger", "time or customer",
    ),
    "an entry's customer": (
        "UPDATE rollup.ledger SET customer_id = 77 WHERE store_id = %s AND source_id = '3'",
        "ledger", "time or customer",
    ),
    "an abandonment": (
        "UPDATE rollup.ledger SET abandoned_value = 0 WHERE store_id = %s AND source = 'checkout'",
        "ledger", "abandoned_value",
    ),
    "a customer's money": ("UPDATE rollup.customers SET total_spent = 1 WHERE store_id = %s", "customers", ""),
    "a customer's orders": ("UPDATE rollup.customers SET moments = '[]' WHERE store_id = %s", "customers", ""),
    "a customer that is missing": ("DELETE FROM rollup.customers WHERE store_id = %s", "customers", ""),
    "the rhythm": ("UPDATE rollup.rhythm SET orders = orders + 1 WHERE store_id = %s AND second",
        "customers", "orders",
    ),
    "a rhythm too many": (
        ("INSERT INTO rollup.rhythm "
        "SELECT tenant_id, id, '2020-01-01', '-infinity', false, 1 FROM shops.stores WHERE id = %s"),
        "customers", "orders",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", sorted(TAMPERINGS))
async def test_what_was_tampered_with_is_found_and_repaired(database: Database, what: str) -> None:
    statement, level, measure = TAMPERINGS[what]
    async with world(database) as here:
        store = await furnish(here)
        clean = await here.verify(store)
        assert clean.differences == []
        assert clean.orders == 3

        here.ask(statement, store.store_id)
        found = await here.verify(store)
        assert (level, measure) in {(one.level, one.measure) for one in found.differences}
        assert all(one.stored != one.expected for one in found.differences)
        assert found.state_hash != clean.state_hash

        assert await here.rebuild(store) == 3
        assert await here.verify(store) == clean


async def test_a_rebuild_changes_nothing_that_was_right_and_nobody_else(database: Database) -> None:
    async with world(database) as here:
        store = await furnish(here)
        everything = (
            "SELECT * FROM rollup.ledger ORDER BY tenant_id, store_id, source, source_id, entry"
        )
        before, clean = here.ask(everything), await here.verify(store)
        await here.rebuild(store)
        assert here.ask(everything) == before
        assert await here.verify(store) == clean


async def test_the_hash_does_not_tell_when_or_how_often_deliveries_came(database: Database) -> None:
    async with world(database) as here:
        store = await furnish(here)
        before = await here.state(store)
        here.ask(
            "UPDATE mirror.deliveries SET applied_at = now() + interval '1 day', received_at = now()"
        )
        here.ask("UPDATE mirror.topics SET received = received + 1")
        here.ask("DELETE FROM rollup.live")
        assert await here.state(store) == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE mirror.orders SET name = 'x' WHERE id = 3",
        "UPDATE mirror.order_lines SET sku = 'x'",
        "UPDATE mirror.refunds SET note = 'x'",
        "UPDATE mirror.checkouts SET email = NULL",
        "UPDATE rollup.checkouts SET stage = 'open'",
        "UPDATE mirror.customers SET phone = 'x'",
    ],
)
async def test_the_hash_covers_every_table(database: Database, statement: LiteralString) -> None:
    async with world(database) as here:
        store = await furnish(here)
        before = await here.state(store)
        here.ask(statement)
        assert await here.state(store) != before


async def test_the_hash_is_the_same_whatever_the_session_is_set_to(database: Database) -> None:
    async with world(database) as here:
        store = await furnish(here)
        before = await here.state(store)
        await here.connection.execute("SET TimeZone = 'Asia/Kathmandu'")
        await here.connection.execute("SET DateStyle = 'German'")
        await here.connection.execute("SET extra_float_digits = 0")
        assert await here.state(store) == before


async def test_nobody_hashes_what_is_not_theirs(database: Database) -> None:
    async with world(database) as here:
        store = await furnish(here)
        empty = await here.state(here.store(here.tenant())[1])
        other = here.tenant()
        async with here.connection.transaction():
            await set_tenants(here.connection, [other])
            assert await state_hash(here.connection, store) == empty
