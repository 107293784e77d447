"""Verifying finds what was tampered with; rebuilding repairs it and gives the very same state.

A real database, filled by applying; then the owner, whom no policy stops, changes one thing behind
the worker's back. Nothing is doubled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

import msgspec
import pytest

from tests.rollup.drawn import line, order, refund, refunded
from tests.rollup.test_apply import checkout
from tests.rollup.worlds import NOW, World, addressed, delivery, micros, world
from tillstream.foundation.database import connect, set_tenants
from tillstream.journal.contract import SIGNED_FOR, Frame, time_ordered_id
from tillstream.journal.encoding import encode_deliveries
from tillstream.rollup.findings import Difference
from tillstream.rollup.verify import state_hash

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.conftest import Database
    from tillstream.journal.contract import Delivery
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
        "ledger", "time",
    ),
    "an entry's customer": (
        "UPDATE rollup.ledger SET customer_id = 77 WHERE store_id = %s AND source_id = '3'",
        "ledger", "customer",
    ),
    "an abandonment": (
        "UPDATE rollup.ledger SET abandoned_value = 0 WHERE store_id = %s AND source = 'checkout'",
        "ledger", "abandoned_value",
    ),
    "a customer's money": (
        "UPDATE rollup.customers SET total_spent = 1 WHERE store_id = %s", "customers", "total_spent",
    ),
    "a customer's orders": (
        "UPDATE rollup.customers SET moments = '[]' WHERE store_id = %s", "customers", "moments",
    ),
    "a customer's months": (
        "UPDATE rollup.customers SET months = '[]' WHERE store_id = %s", "customers", "months",
    ),
    "a customer too many": (
        ("INSERT INTO rollup.customers (tenant_id, store_id, customer_id, orders, total_spent, moments, months) "
        "SELECT tenant_id, id, 5, 0, 0, '[]', '[]' FROM shops.stores WHERE id = %s"),
        "customers", "",
    ),
    "a customer that is missing": ("DELETE FROM rollup.customers WHERE store_id = %s", "customers", ""),
    "the rhythm": ("UPDATE rollup.rhythm SET orders = orders + 1 WHERE store_id = %s AND second",
        "rhythm", "orders",
    ),
    "a rhythm too many": (
        ("INSERT INTO rollup.rhythm "
        "SELECT tenant_id, id, '2020-01-01', '-infinity', false, 1 FROM shops.stores WHERE id = %s"),
        "rhythm", "orders",
    ),
    "a rhythm of nothing": (
        ("INSERT INTO rollup.rhythm "
        "SELECT tenant_id, id, '2020-01-01', '-infinity', false, 0 FROM shops.stores WHERE id = %s"),
        "rhythm", "",
    ),
    "a cohort": ("UPDATE rollup.cohorts SET customers = customers + 1 WHERE store_id = %s", "cohorts", "customers"),
    "a cohort that is missing": ("DELETE FROM rollup.cohorts WHERE store_id = %s", "cohorts", "orders"),
    "a bin of the spread": (
        "UPDATE rollup.spread SET customers = customers + 1 WHERE store_id = %s AND dimension = 'orders'",
        "spread", "customers",
    ),
    "a bin of the spread that is missing": (
        "DELETE FROM rollup.spread WHERE store_id = %s AND dimension = 'spent'", "spread", "customers",
    ),
    "a prospect too many": (
        "INSERT INTO rollup.prospects SELECT tenant_id, id, 77 FROM shops.stores WHERE id = %s", "prospects", "",
    ),
    "a variant too many": (
        "INSERT INTO rollup.stock SELECT tenant_id, id, 5, 6, 7 FROM shops.stores WHERE id = %s", "stock", "",
    ),
    "a row of the breakdown": (
        "UPDATE rollup.breakdown SET units_sold = 7 WHERE store_id = %s AND dimension = 'product' AND grain = 'day'",
        "breakdown", "units_sold",
    ),
    "a row of the breakdown that is missing": (
        "DELETE FROM rollup.breakdown WHERE store_id = %s AND dimension = 'channel' AND grain = 'month'",
        "breakdown", "orders",
    ),
    "a row of the breakdown too many": (
        ("INSERT INTO rollup.breakdown (tenant_id, store_id, dimension, grain, day, value) "
        "SELECT tenant_id, id, 'vendor', 'day', '2020-01-01', 'x' FROM shops.stores WHERE id = %s"),
        "breakdown", "",
    ),
    "a sum's day": ("UPDATE rollup.sums SET day = day - 1 WHERE store_id = %s AND orders > 0", "sums", "day"),
    "an entry's channel": (
        "UPDATE rollup.ledger SET channel = 'x' WHERE store_id = %s AND source_id = '3'", "ledger", "facets",
    ),
    "an entry's lines": (
        "UPDATE rollup.ledger SET lines = NULL WHERE store_id = %s AND source_id = '3'", "ledger", "lines",
    ),
    "a checkout's standing": (
        "UPDATE rollup.checkouts SET counted = false WHERE store_id = %s", "stages", "counted",
    ),
    "a checkout's value": ("UPDATE rollup.checkouts SET value = 1 WHERE store_id = %s", "stages", "value"),
    "a checkout that is missing": ("DELETE FROM rollup.checkouts WHERE store_id = %s", "stages", ""),
    "a checkout too many": (
        ("INSERT INTO rollup.checkouts (tenant_id, store_id, token, stage, counted, started_at, last_active_at, "
        "value, recovered_value) "
        "SELECT tenant_id, id, 'x', 'open', false, now(), now(), 0, 0 FROM shops.stores WHERE id = %s"),
        "stages", "",
    ),
    "an order's total": (
        "UPDATE mirror.orders SET total_price = 1 WHERE store_id = %s AND id = 3", "mirror", "total_price",
    ),
    "an order's e-mail": ("UPDATE mirror.orders SET email = 'x' WHERE store_id = %s AND id = 3", "mirror", "email"),
    "an order's line": (
        "UPDATE mirror.order_lines SET quantity = 9 WHERE store_id = %s AND order_id = 3", "mirror", "",
    ),
    "a line that is missing": ("DELETE FROM mirror.order_lines WHERE store_id = %s AND order_id = 3", "mirror", ""),
    "a line too many": (
        ("INSERT INTO mirror.order_lines (tenant_id, store_id, order_id, id, quantity, price, discount, tax, "
        "gift_card, tip) SELECT tenant_id, id, 77, 1, 1, 0, 0, 0, false, false FROM shops.stores WHERE id = %s"),
        "mirror", "",
    ),
    "a refund": ("UPDATE mirror.refunds SET subtotal = 1 WHERE store_id = %s", "mirror", ""),
    "a checkout's token": (
        "UPDATE mirror.checkouts SET cart_token = 'another' WHERE store_id = %s", "mirror", "cart_token",
    ),
    "a customer who was merged": (
        "UPDATE mirror.customers SET merged_into = 77 WHERE store_id = %s AND id = 9", "mirror", "merged_into",
    ),
}  # fmt: skip


async def test_what_was_tampered_with_is_found_and_repaired(database: Database) -> None:
    async with world(database) as here:
        store = await furnish(here)
        clean = await here.verify(store)
        assert clean.differences == []
        assert clean.orders == 3
        for what, (statement, level, measure) in TAMPERINGS.items():
            here.ask(statement, store.store_id)
            found = await here.verify(store)
            named = {(one.level, one.measure) for one in found.differences}
            assert (level, measure) in named, what
            assert all(one.stored != one.expected for one in found.differences), what
            assert found.levels[level] > 0, what
            assert found.differing == len(found.differences), what
            assert found.state_hash != clean.state_hash, what

            assert await here.rebuild(store) == 3
            # Every byte is as it was.
            assert await here.state(store) == clean.state_hash, what
        assert await here.verify(store) == clean


async def test_differences_name_the_store_the_day_and_the_order(database: Database) -> None:
    async with world(database) as here:
        store = await furnish(here)
        here.ask(
            "UPDATE rollup.ledger SET taxes = taxes - 1 WHERE store_id = %s AND entry = 'refund:5'",
            store.store_id,
        )
        found = await here.verify(store)
        ledger = [one for one in found.differences if one.level == "ledger"]
        assert ledger == [
            Difference("ledger", "order 1 refund:5", "taxes", "-10001", "-10000",
                       store=here.domain(store), day="2026-03-03", order="1")
        ]  # fmt: skip
        (difference,) = [one for one in found.differences if one.level == "sums"]
        assert (difference.day, difference.measure) == ("2026-03-03", "taxes")
        # The sums are right; by the ledger, as it was altered, they are not.
        assert (difference.stored, difference.expected) == ("-10000", "-10001")


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
        "UPDATE rollup.checkouts SET value = 1",
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


async def kept(database: Database, deliveries: Sequence[Delivery]) -> None:
    """Keep deliveries in the journal, settled, as workers leave them."""
    connection = await connect(database.worker_url)
    async with connection, connection.transaction():
        for number, one in enumerate(deliveries):
            frame = Frame(time_ordered_id(micros(NOW) + number, bytes(8)), 0, [one])
            await connection.execute(
                "INSERT INTO journal.frames (id, partition, deliveries, body) VALUES (%s, 0, 1, %s)",
                (frame.id, encode_deliveries(frame.deliveries)),
            )


def story(domain: str) -> list[Delivery]:
    """Deliveries of which each is the only one to tell something."""
    first = order(line(1, "10.00", 2), email="a@example.com", financial_status="pending")
    return [
        delivery(domain, "orders/create", first, key="first"),
        delivery(
            domain,
            "orders/updated",
            {**first, "financial_status": "paid", "updated_at": "2026-03-01T11:00:00Z"},
            key="second",
        ),
        delivery(domain, "refunds/create", refund(refunded(1, 1, "10.00")), key="back"),
        delivery(domain, "checkouts/create", checkout(), key="checkout"),
        delivery(domain, "customers/update", {"id": 9, "updated_at": "2026-03-01T12:00:00Z", "tags": "a"}, key="tags"),
    ]  # fmt: skip


INTO_THE_STATE: dict[str, tuple[LiteralString, str]] = {
    "a value of a body": (
        (
            "UPDATE mirror.orders SET state = replace(state::text, '\"paid\"', '\"voided\"')::json "
            "WHERE store_id = %s"
        ),
        "orders/updated second",
    ),
    "a refund that is missing": (
        (
            "UPDATE mirror.orders SET state = (state::jsonb - 'parts')::json, "
            "total_price = total_price + 1 WHERE store_id = %s"
        ),
        "refunds/create back",
    ),
    "an order that is missing": ("DELETE FROM mirror.orders WHERE store_id = %s", "orders/create first"),
    "a checkout that is missing": ("DELETE FROM mirror.checkouts WHERE store_id = %s", "checkouts/create checkout"),
    "a customer who is missing": ("DELETE FROM mirror.customers WHERE store_id = %s", "customers/update tags"),
}  # fmt: skip


async def test_what_the_copy_lacks_of_the_journal_is_found_and_taken_in(database: Database) -> None:
    async with world(database) as here:
        domain, store = here.store(here.tenant(), timezone="Europe/Berlin")
        told = story(domain)
        await here.apply(told)
        await kept(database, told)
        clean = await here.verify(store, journal=True)
        assert (clean.differences, clean.deliveries) == ([], len(told))
        for what, (statement, delivered) in INTO_THE_STATE.items():
            here.ask(statement, store.store_id)
            found = await here.verify(store, journal=True)
            journal = [one for one in found.differences if one.level == "journal"]
            assert f"what {delivered} tells" in {one.expected for one in journal}, what
            await here.rebuild(store, journal=True)
            assert await here.state(store) == clean.state_hash, what
        assert await here.verify(store, journal=True) == clean


async def test_a_delivery_that_was_never_applied_is_found_and_applied(database: Database) -> None:
    async with world(database) as here:
        domain, store = here.store(here.tenant(), timezone="Europe/Berlin")
        fresh_domain, fresh = here.store(here.tenant(), timezone="Europe/Berlin")
        told = story(domain)
        await here.apply(addressed(fresh_domain, told))
        await here.apply([told[0], *told[3:]])
        await kept(database, told)
        assert (await here.verify(store)).differences == []
        found = await here.verify(store, journal=True)
        assert {one.expected for one in found.differences} == {
            "what orders/updated second tells", "what refunds/create back tells",
        }  # fmt: skip
        assert {(one.where, one.order) for one in found.differences} == {("order 1", "1")}
        await here.rebuild(store, journal=True)
        assert (await here.verify(store, journal=True)).differences == []
        assert await here.state(store) == await here.state(fresh)
        # It counts as applied from now on.
        assert here.one(
            "SELECT count(*) FROM mirror.deliveries WHERE store_id = %s", store.store_id
        ) == len(told)


async def test_what_waits_or_is_held_back_lacks_nothing(database: Database) -> None:
    async with world(database) as here:
        domain, store = here.store(here.tenant())
        told = story(domain)
        await here.apply(told[:1])
        await kept(database, told[:3])
        here.ask(
            "INSERT INTO journal.pending (partition, frame_id, deliveries) SELECT 0, max(id::text)::uuid, 1 "
            "FROM journal.frames"
        )
        here.ask(
            "INSERT INTO journal.held (kind, delivery_key, partition, shop, topic, webhook_id, reason, detail, "
            "delivery, deliveries) VALUES ('parked', 'k', 0, %s, 'orders/updated', 'second', 'fault', '', %s, 1)",
            domain, encode_deliveries([told[1]]),
        )  # fmt: skip
        found = await here.verify(store, journal=True)
        assert (found.differences, found.deliveries) == ([], 1)


async def test_what_was_told_to_another_account_is_left_out(database: Database) -> None:
    async with world(database) as here:
        domain, store = here.store(here.tenant())
        told = story(domain)
        signed = msgspec.structs.replace(told[0], headers={SIGNED_FOR: str(store.store_id + 1)})
        await kept(database, [signed])
        assert (await here.verify(store, journal=True)).differences == []
