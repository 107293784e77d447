"""``customers/redact``: the person is gone from everywhere and stays gone, and no figure moves.

Real: worker, journal, database, eraser, replay, and the bodies of the simulator's story. See office.py.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from psycopg import sql

from tests.privacy.office import Office, office, say
from tillstream.simulator.places import place_for
from tillstream.simulator.plan import plain_shop
from tillstream.simulator.story import Story

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.conftest import Database
    from tillstream.journal.contract import Delivery
    from tillstream.mirror.merge import Store

ZORA: dict[str, Any] = {
    "id": 7, "email": "Zora@Example.com", "first_name": "Zora", "last_name": "Hurst",
    "phone": "+44 20 7946 0958", "created_at": "2026-01-01T00:00:00Z",
    "default_address": {"address1": "12 St James", "name": "Zora Hurst"},
}  # fmt: skip
NEEDLES = ("zora", "hurst", "7946 ", "st james", "203.0.113.9")
TIME = "2026-04-01T10:00:00Z"
GID = "gid://shopify/Customer/7"


def order(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": number, "name": f"#{number}", "email": "zora@example.com", "customer": ZORA, "currency": "EUR",
        "created_at": TIME, "processed_at": TIME, "updated_at": TIME, "total_price": "20.00",
        "browser_ip": "203.0.113.9", "note": "for Zora", "financial_status": "paid",
        "shipping_address": {"first_name": "Zora", "address1": "12 St James"},
        "line_items": [{"id": number * 10, "quantity": 2, "price": "10.00", "product_id": 5}],
        "checkout_token": f"t{number}", **fields,
    }  # fmt: skip


def checkout(token: str, **fields: Any) -> dict[str, Any]:
    return {
        "token": token, "email": "ZORA@example.com", "customer": None, "currency": "EUR", "total_price": "20.00",
        "created_at": "2026-04-01T08:00:00Z", "updated_at": "2026-04-01T08:01:00Z",
        "abandoned_checkout_url": "https://x/zora", "shipping_address": {"first_name": "Zora"}, **fields,
    }  # fmt: skip


def redact(shop: str, **fields: Any) -> dict[str, Any]:
    return {
        "shop_id": 1, "shop_domain": shop,
        "customer": {"id": 7, "email": "zora@example.com", "phone": "+442079460958"},
        "orders_to_redact": [1], **fields,
    }  # fmt: skip


def life(shop: str) -> list[Delivery]:
    """All that is told of Zora, and of Grace beside her."""
    grace = {"id": 8, "email": "grace@example.com", "first_name": "Grace", "last_name": "Hopper"}
    told: list[tuple[str, Any]] = [
        ("customers/create", ZORA),
        # Before her address is known: nothing in it says whose it is, but the checkout's own token.
        ("checkouts/create", checkout("t9", email=None, abandoned_checkout_url=None)),
        ("checkouts/update", checkout("t9", updated_at="2026-04-01T08:05:00Z")),
        ("checkouts/create", checkout("t1", customer=ZORA)),
        ("orders/create", order(1)),
        ("orders/updated", order(1, updated_at="2026-04-01T10:05:00Z", refunds=[
            {"id": 5, "created_at": TIME, "processed_at": TIME, "note": "Zora sent it back", "refund_line_items": [
                {"line_item_id": 10, "quantity": 1, "subtotal": "10.00", "total_tax": "0.00"}]}])),
        ("orders/create", order(3, customer={"id": 7}, email="another@zora.example", phone="7946 1111")),
        # A guest's: the address is all there is.
        ("orders/create", order(4, customer=None, checkout_token=None)),
        ("orders/create", order(2, email="grace@example.com", customer=grace, note=None,
                                shipping_address=None, browser_ip=None)),
        ("fulfillments/create", {"id": 77, "order_id": 3, "destination": {"first_name": "Zora"}}),
        ("carts/update", {"id": "c", "note": "zora@example.com"}),
        # What else Shopify tells of a customer, and the account that she had before.
        ("customer.tags_added", {"customerId": GID, "tags": ["zora's club"], "occurredAt": TIME}),
        ("customers/purchasing_summary", {"customerId": GID, "numberOfOrders": 2, "occurredAt": TIME,
                                          "amountSpent": {"amount": "40.00", "currencyCode": "EUR"}}),
        ("customers_email_marketing_consent/update", {
            "customer_id": 7, "email_address": "zora@example.com",
            "email_marketing_consent": {"state": "subscribed", "consent_updated_at": TIME}}),
        ("customers_marketing_consent/update", {
            "id": 7, "phone": "+44 20 7946 0958", "sms_marketing_consent": {"state": "subscribed"}}),
        ("customers/create", {**ZORA, "id": 17, "email": "old@zora.example", "phone": None}),
        ("orders/create", order(5, customer={"id": 17}, email="old@zora.example", phone=None)),
        ("customers/merge", {"admin_graphql_api_customer_kept_id": GID, "status": "completed",
                             "admin_graphql_api_customer_deleted_id": "gid://shopify/Customer/17"}),
        # Unrezorable, therefore held back.
        ("orders/updated", order(1, total_price="a lot")),
        ("orders/updated", b'{"id": 1, "email": "zora@example.com'),
    ]  # fmt: skip
    told.append(("refunds/create", {"id": 6, "order_id": 3, "note": "Zora again", "created_at": TIME,
                                    "processed_at": TIME, "refund_line_items": []}))  # fmt: skip
    return [say(shop, topic, body, number) for number, (topic, body) in enumerate(told)]


async def assert_gone(here: Office, store: Store, figures: list[Any]) -> None:
    everything = here.everything()
    found = [needle for needle in NEEDLES if needle in everything]
    assert not found, [line for line in everything.splitlines() if found[0] in line][:3]
    assert "grace@example.com" in everything
    assert "hopper" in everything
    assert here.sums(store) == figures
    assert not (await here.world.verify(store, here.now)).differences


async def test_the_person_is_gone_and_no_figure_moves(database: Database) -> None:
    async with office(database) as here:
        shop, store = here.world.store(here.world.tenant())
        untold = await here.deliver(life(shop), size=5)
        assert untold.parked == 2
        figures = here.sums(store)
        assert all(needle in here.everything() for needle in NEEDLES)
        live = here.world.live(store.tenant_id)
        assert any(item["customer"] for _, _, data in live for item in data["feed"])

        await here.deliver([say(shop, "customers/redact", redact(shop), 100)])
        assert await here.erase() == 1
        await assert_gone(here, store, figures)
        # Grace's name is the only one left to watchers.
        told = {
            item["customer"]
            for _, _, data in here.world.live(store.tenant_id)
            for item in data["feed"]
        }
        assert told <= {None, "Grace Hopper"}

        (request,) = here.requests()
        assert request["kind"] == "customers/redact"
        assert request["due_at"] - request["received_at"] == timedelta(days=30)
        assert request["receipt"]["counts"].items() >= {
            "orders": 4, "checkouts": 2, "customers": 2, "held_deliveries": 2,
        }.items()  # fmt: skip
        assert await here.erase() == 0

        # Everything comes again, later, in one frame, under other ids: as repeats never would.
        late = [
            msgspec.structs.replace(one, webhook_id=f"late{n}", signature=f"late{n}")
            for n, one in enumerate(life(shop))
        ]
        await here.deliver(late)
        await here.erase()
        await assert_gone(here, store, figures)
        # What comes anew of her is forgotten on the way.
        await here.deliver([say(shop, "orders/create", order(50), 200)])
        everything = here.everything()
        assert not [needle for needle in NEEDLES if needle in everything]
        assert here.sums(store) != figures


async def test_neither_rebuilding_nor_a_replay_brings_the_person_back(database: Database) -> None:
    async with office(database) as here:
        shop, store = here.world.store(here.world.tenant())
        await here.deliver([*life(shop), say(shop, "customers/redact", redact(shop), 100)])
        await here.erase()
        figures, state = here.sums(store), await here.world.state(store)
        async with here.world.connection.transaction():
            await here.tenants(store)
        await here.world.rebuild(store, here.now)
        await assert_gone(here, store, figures)
        assert await here.world.state(store) == state
        assert await here.replay(store, shop) == 20
        await assert_gone(here, store, figures)
        assert await here.world.state(store) == state
        # Even where nobody remembers the request: what remains of the bodies says it itself.
        here.world.ask("DELETE FROM mirror.redactions WHERE tenant_id = %s", store.tenant_id)
        await here.replay(store, shop)
        await assert_gone(here, store, figures)
        assert await here.world.state(store) == state


@pytest.mark.parametrize("before", [0, 4, 9, 14])
async def test_the_request_may_come_at_any_time(database: Database, before: int) -> None:
    async with office(database) as here:
        tenant = here.world.tenant()
        shop, store = here.world.store(tenant)
        other, untouched = here.world.store(tenant)
        deliveries = life(shop)
        await here.deliver(msgspec.structs.replace(one, shop=other) for one in deliveries)
        deliveries.insert(before, say(shop, "customers/redact", redact(shop), 100))
        await here.deliver(deliveries[: before + 1])
        await here.erase()
        await here.deliver(deliveries[before + 1 :])
        await here.erase()
        assert not [
            one
            for one in here.deliveries(shop)
            if b"zora" in one.body.lower() or b"7946 " in one.body
        ]
        # The other store's figures are those without a request.
        assert [row[1].partition(",")[2].partition(",")[2] for row in here.sums(store)] == [
            row[1].partition(",")[2].partition(",")[2] for row in here.sums(untouched)
        ]
        mirrored = "\n".join(
            row
            for table in ("orders", "customers", "checkouts", "refunds")
            for (row,) in here.world.ask(
                sql.SQL("SELECT t::text FROM mirror.{} AS t WHERE store_id = %s").format(
                    sql.Identifier(table)
                ),
                store.store_id,
            )
        )
        assert not [needle for needle in NEEDLES if needle in mirrored.casefold()]


async def test_a_customer_known_by_an_address_alone(database: Database) -> None:
    async with office(database) as here:
        shop, store = here.world.store(here.world.tenant())
        await here.deliver(life(shop))
        figures = here.sums(store)
        body = redact(shop, customer={"email": " ZORA@EXAMPLE.COM "}, orders_to_redact=[3])
        await here.deliver([say(shop, "customers/redact", body, 100)])
        await here.erase()
        await assert_gone(here, store, figures)


async def test_a_body_about_another_shop_is_not_believed(database: Database) -> None:
    async with office(database) as here:
        shop, store = here.world.store(here.world.tenant())
        await here.deliver(life(shop))
        state = await here.world.state(store)
        wrong = redact("another.myshopify.com")
        await here.deliver(
            [
                say(shop, "customers/redact", wrong, 100),
                say(shop, "customers/redact", {"customer": {"id": 7}}, 101),
                say(
                    shop, "customers/redact", redact(shop, customer=None, orders_to_redact=[]), 102
                ),
                say(shop, "shop/redact", {"shop_domain": "another.myshopify.com"}, 103),
                say(shop, "customers/redact", b"[]", 104),
            ]
        )
        assert await here.erase() == 0
        assert await here.world.state(store) == state
        assert [bool(one["problem"]) for one in here.requests()] == [True] * 4
        assert (await here.status()).parked == 3


async def test_a_repeat_of_a_request_is_one_request(database: Database) -> None:
    async with office(database) as here:
        shop, _ = here.world.store(here.world.tenant())
        await here.deliver([say(shop, "customers/redact", redact(shop), 100)] * 3)
        await here.deliver([say(shop, "customers/redact", redact(shop), 100)])
        assert len(here.requests()) == 1


def _told(story: Story, shop: str) -> Iterable[Delivery]:
    for number, webhook in enumerate(story):
        yield say(shop, webhook.topic, webhook.body, number, at=webhook.triggered_at)


async def test_a_story_without_one_of_its_customers(database: Database) -> None:
    """Days of a whole shop, told by the simulator: its best customer asks to be forgotten."""
    async with office(database) as here:
        here.now = datetime(2026, 4, 9, tzinfo=UTC)
        end = datetime(2026, 4, 1, tzinfo=UTC)
        plan = plain_shop(
            "x.myshopify.com", "EUR", "Europe/Berlin", place_for("EUR"), taxes_included=True
        )
        shop, store = here.world.store(here.world.tenant())
        story = list(_told(Story("forgotten", [plan], end - timedelta(days=9), end), shop))
        await here.deliver(story, size=200)
        await here.world.pass_deadlines(here.now)
        figures = here.sums(store)
        best, email, phone = here.world.ask(
            "SELECT c.id, c.email, c.phone FROM mirror.customers c JOIN rollup.customers r ON r.customer_id = c.id "
            "WHERE c.email IS NOT NULL AND c.store_id = %s ORDER BY r.orders DESC, c.id LIMIT 1",
            store.store_id,
        )[0]
        orders = [
            n
            for (n,) in here.world.ask("SELECT id FROM mirror.orders WHERE customer_id = %s", best)
        ]
        assert orders
        assert email.casefold() in here.everything()
        body = {
            "shop_id": 1, "shop_domain": shop, "orders_to_redact": orders,
            "customer": {"id": best, "email": email, "phone": phone},
        }  # fmt: skip
        await here.deliver([say(shop, "customers/redact", body, 10**6)])
        await here.erase()
        assert email.casefold() not in here.everything()
        assert phone is None or phone not in here.everything()
        assert here.sums(store) == figures
        assert not (await here.world.verify(store, here.now)).differences
        state = await here.world.state(store)
        await here.replay(store, shop)
        await here.world.pass_deadlines(here.now)
        assert here.sums(store) == figures
        assert await here.world.state(store) == state
        assert email.casefold() not in here.everything()
