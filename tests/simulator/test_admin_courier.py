"""What happened is delivered to whoever asked for it, and to nobody else.

Real: HTTP to a receiver on loopback, signatures, retries (their waits shortened).
"""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from tests.simulator.admin_world import OLD_SECRET, World, an_app
from tests.simulator.receiver import Behaviour, Received, Receiver, receiving
from tillstream.shopify.signing import sign_webhook
from tillstream.simulator.admin.subscriptions import SubscriptionRefused, Wish, change, subscribe

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from tillstream.simulator.admin.consent import Installation
    from tillstream.simulator.admin.subscriptions import Subscription


@asynccontextmanager
async def open_world() -> AsyncGenerator[tuple[World, Receiver]]:
    """A shop of a day, with retries that hardly wait."""
    world = World(days=1.0, retry_scale=1_000_000.0)
    async with receiving() as receiver:
        yield world, receiver
        await world.standin.courier.close()


def want(
    world: World, installation: Installation, topic: str, uri: str, **wish: object
) -> Subscription:
    identifier = len(installation.subscriptions) + 1
    return subscribe(
        installation, identifier, topic, Wish(uri, **wish), "2026-07", world.clock()  # pyright: ignore[reportArgumentType]
    )  # fmt: skip


async def until(look: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not look():  # noqa: ASYNC110 - a plain counter is looked at
            await asyncio.sleep(0.01)


async def test_each_subscription_gets_its_own_delivery() -> None:
    async with open_world() as (world, receiver):
        installation = world.install()
        want(world, installation, "orders/create", f"{receiver.url}/one")
        reduced = {"include_fields": ("id", "name"), "name": "the-second"}
        want(world, installation, "orders/create", f"{receiver.url}/two", **reduced)
        want(world, installation, "products/delete", f"{receiver.url}/never")
        other = world.install(app=an_app("other"))
        want(world, other, "orders/create", f"{receiver.url}/other")
        order = world.standin.sell(world.shop)
        await receiver.until(3)
    by_path = {received.path: received for received in receiver.accepted}
    assert sorted(by_path) == ["/one", "/other", "/two"]
    for received in by_path.values():
        assert received.headers["x-shopify-hmac-sha256"] == sign_webhook(OLD_SECRET, received.body)
        assert received.headers["x-shopify-api-version"] == "2026-07"
        assert json.loads(received.body)["id"] == order.id
    assert json.loads(by_path["/two"].body).keys() == {"id", "name"}
    assert by_path["/two"].headers["x-shopify-name"] == "the-second"
    assert "x-shopify-name" not in by_path["/one"].headers
    assert len({r.headers["x-shopify-webhook-id"] for r in by_path.values()}) == 3
    assert len({r.headers["x-shopify-event-id"] for r in by_path.values()}) == 1


async def test_shops_go_on_by_themselves() -> None:
    async with open_world() as (world, receiver):
        installation = world.install()
        want(world, installation, "orders/updated", receiver.url + "/w")
        world.clock.move(days=3)
        world.standin.pass_time()
        # A day's orders are paid, fulfilled and archived in the days after it.
        assert world.standin.courier.tally.waiting == 0
        await receiver.until(1)
        await until(lambda: world.standin.courier.tally.waiting == 0)
    assert all(r.headers["x-shopify-topic"] == "orders/updated" for r in receiver.accepted)


async def test_a_retry_is_the_same_delivery() -> None:
    seen: list[str] = []

    def refuse_thrice(number: int, received: Received) -> Behaviour:
        seen.append(received.headers["x-shopify-webhook-id"])
        return 500 if number < 3 else 200

    async with open_world() as (world, receiver):
        receiver.behave = refuse_thrice
        want(world, world.install(), "orders/create", receiver.url + "/w")
        world.standin.sell(world.shop)
        await receiver.until(1)
    assert len(seen) == 4
    assert len(set(seen)) == 1


async def test_a_subscription_that_keeps_failing_is_removed() -> None:
    async with open_world() as (world, receiver):
        receiver.behave = lambda _, __: 503
        installation = world.install()
        want(world, installation, "orders/create", receiver.url + "/w")
        world.standin.sell(world.shop)
        await until(lambda: not installation.subscriptions)
        assert receiver.tries == 9
        assert world.standin.courier.tally.gave_up == 1


async def test_uninstalling_tells_once_and_ends_everything() -> None:
    async with open_world() as (world, receiver):
        app = an_app(uri=f"{receiver.url}/compliance")
        world.standin.consent.apps["client"] = app
        installation = world.install(app=app)
        want(world, installation, "app/uninstalled", receiver.url + "/w")
        want(world, installation, "orders/create", receiver.url + "/w")
        world.standin.uninstall(installation)
        world.standin.sell(world.shop)
        await receiver.until(1)
        world.clock.move(hours=47)
        world.standin.pass_time()
        world.clock.move(hours=1)
        world.standin.pass_time()
        await receiver.until(2)
    topics = [received.headers["x-shopify-topic"] for received in receiver.accepted]
    assert topics == ["app/uninstalled", "shop/redact"]
    assert json.loads(receiver.accepted[0].body)["myshopify_domain"] == world.shop.domain
    assert json.loads(receiver.accepted[1].body)["shop_domain"] == world.shop.domain


async def test_a_shop_is_not_redacted_where_the_app_came_back() -> None:
    async with open_world() as (world, receiver):
        app = an_app(uri=f"{receiver.url}/compliance")
        installation = world.install(app=app)
        world.standin.uninstall(installation)
        world.install(app=app)
        world.clock.move(days=3)
        world.standin.pass_time()
        await until(lambda: world.standin.courier.tally.waiting == 0)
    assert receiver.accepted == []


async def test_what_is_held_back_comes_later() -> None:
    async with open_world() as (world, receiver):
        installation = world.install()
        want(world, installation, "orders/create", receiver.url + "/w")
        want(world, installation, "orders/paid", receiver.url + "/w")
        world.standin.courier.held.add("orders/create")
        orders = [world.standin.sell(world.shop) for _ in range(3)]
        await until(lambda: world.standin.courier.tally.waiting == 0)
        assert {r.headers["x-shopify-topic"] for r in receiver.accepted} <= {"orders/paid"}
        before = len(receiver.accepted)
        assert world.standin.courier.release() == len(orders)
        await receiver.until(before + 3)


async def test_a_customer_asks_and_is_forgotten() -> None:
    async with open_world() as (world, receiver):
        installation = world.install(app=an_app(uri=f"{receiver.url}/compliance"))
        order = world.standin.sell(world.shop)
        assert order.customer is not None
        world.standin.ask_for_data(installation, order.customer)
        world.standin.redact_customer(installation, order.customer)
        await receiver.until(2)
    bodies = {r.headers["x-shopify-topic"]: json.loads(r.body) for r in receiver.accepted}
    asked, forgotten = bodies["customers/data_request"], bodies["customers/redact"]
    assert asked["customer"]["id"] == forgotten["customer"]["id"] == order.customer.id
    assert order.id in asked["orders_requested"]
    assert order.id in forgotten["orders_to_redact"]
    assert asked["data_request"]["id"]


def test_what_cannot_be_subscribed_to_is_refused() -> None:
    world = World(days=0.5)
    installation = world.install(frozenset({"read_products"}))
    here = "https://app.example.com/w"
    want(world, installation, "products/update", here)
    for topic, uri, wish, field in (
        ("orders/create", here, {}, ("topic",)),
        ("customers/redact", here, {}, ("topic",)),
        ("products/update", here, {}, ("webhookSubscription", "uri")),
        ("products/create", "http://app.example.com/w", {}, ("webhookSubscription", "uri")),
        ("products/create", "", {}, ("webhookSubscription", "uri")),
        ("products/create", here, {"name": "no spaces"}, ("webhookSubscription", "name")),
        ("products/create", here, {"format": "XML"}, ("webhookSubscription", "format")),
        ("products/create", here, {"filter": "id:1"}, ("webhookSubscription", "filter")),
    ):
        with pytest.raises(SubscriptionRefused) as refused:
            want(world, installation, topic, uri, **wish)
        assert refused.value.field == field
    assert len(installation.subscriptions) == 1


def test_a_subscription_is_changed_in_place_and_gets_the_version_of_the_call() -> None:
    world = World(days=0.5)
    installation = world.install()
    made = want(world, installation, "orders/create", "https://app.example.com/w")
    want(world, installation, "orders/create", "https://app.example.com/v")
    changed = change(
        installation, made.id, Wish("https://app.example.com/x"), "2026-10", world.clock()
    )
    assert (changed.uri, changed.api_version) == ("https://app.example.com/x", "2026-10")
    for identifier, uri in (
        (99, "https://app.example.com/y"),
        (made.id, "https://app.example.com/v"),
    ):
        with pytest.raises(SubscriptionRefused):
            change(installation, identifier, Wish(uri), "2026-10", world.clock())
