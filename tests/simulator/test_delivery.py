"""Delivery against a real server over real sockets, which refuses, cuts lines and dies.

Nothing is doubled. Waits between retries are Shopify's, shortened by ``retry_scale``.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.simulator.receiver import Behaviour, Received, receiving
from tests.simulator.shops import shops
from tillstream.shopify.signing import sign_webhook
from tillstream.simulator.delivery import (
    RETRY_SECONDS,
    DeliveryReport,
    Manner,
    Schedule,
    deliver,
    request_for,
)
from tillstream.simulator.lane import Address
from tillstream.simulator.load import fire, load_shops, prepare
from tillstream.simulator.simulate import SimulateOptions, shops_of, simulate, story_of
from tillstream.simulator.story import Story

if TYPE_CHECKING:
    from pathlib import Path

    from tillstream.simulator.webhook import Webhook

SECRET = b"hush"
FAST = Manner(connections=4, retry_scale=1e6)
BEGIN = datetime(2026, 10, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def told() -> list[Webhook]:
    return list(Story(1, shops()[:2], BEGIN, BEGIN + timedelta(days=2)))


def ids(received: list[Received]) -> Counter[str]:
    return Counter(one.headers["x-shopify-webhook-id"] for one in received)


def test_the_signature_is_base64_of_the_hmac_of_the_bytes() -> None:
    # RFC 4231, test case 2
    signature = sign_webhook(b"Jefe", b"what do ya want for nothing?")
    assert base64.b64decode(signature).hex() == (
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )
    with pytest.raises(ValueError, match="empty"):
        sign_webhook(b"", b"{}")


# -- the schedule --------------------------------------------------------------------------------


def test_a_schedule_is_the_same_for_the_same_seed(told: list[Webhook]) -> None:
    assert list(Schedule(told, 1)) == list(Schedule(told, 1))
    assert list(Schedule(told, 1)) != list(Schedule(told, 2))


def test_a_schedule_loses_nothing_and_repeats_some(told: list[Webhook]) -> None:
    arrivals = list(Schedule(told, 1, repeat=0.2))
    seen = Counter(arrival.webhook.webhook_id for arrival in arrivals)
    assert {webhook.webhook_id for webhook in told} <= seen.keys()
    assert 1.15 < len(arrivals) / len(told) < 1.35
    # as a retry with the same id, and as a second subscription with another
    assert max(seen.values()) > 1
    assert seen.keys() - {webhook.webhook_id for webhook in told}


def test_a_schedule_comes_in_the_order_it_is_due_and_out_of_the_storys(told: list[Webhook]) -> None:
    arrivals = list(Schedule(told, 1, late=0.1))
    assert [a.due for a in arrivals] == sorted(a.due for a in arrivals)
    times = [a.webhook.triggered_at for a in arrivals]
    assert times != sorted(times)
    assert max(a.due - a.webhook.due.timestamp() for a in arrivals) > 3_600


def test_a_plain_schedule_is_the_story(told: list[Webhook]) -> None:
    plain = Schedule(told, 1, repeat=0, late=0, shuffle_window=timedelta(0))
    assert sorted(a.webhook for a in plain) == sorted(told)


# -- deliveries ----------------------------------------------------------------------------------


async def test_each_delivery_carries_shopifys_headers_and_a_true_signature(
    told: list[Webhook],
) -> None:
    async with receiving() as server:
        report = await deliver(Schedule(told, 1), Address.of(server.url), SECRET, FAST)
    assert report.accepted == len(server.accepted) == report.sent
    assert server.connections <= FAST.connections
    by_id = {webhook.webhook_id: webhook for webhook in told}
    for received in server.accepted:
        headers = received.headers
        assert received.path == "/api/webhook"
        digest = hmac.new(SECRET, received.body, hashlib.sha256).digest()
        assert headers["x-shopify-hmac-sha256"] == base64.b64encode(digest).decode()
        assert headers["content-type"] == "application/json"
        webhook = by_id.get(headers["x-shopify-webhook-id"])
        if webhook is not None:
            assert received.body == webhook.body
            assert headers["x-shopify-topic"] == webhook.topic
            assert headers["x-shopify-shop-domain"] == webhook.shop
            assert headers["x-shopify-event-id"] == webhook.event_id
            assert headers["x-shopify-api-version"] == webhook.api_version
            triggered = datetime.fromisoformat(headers["x-shopify-triggered-at"])
            assert triggered == webhook.triggered_at


async def test_refusals_and_cut_lines_are_tried_again(told: list[Webhook]) -> None:
    answers: dict[int, Behaviour] = {0: 503, 1: "drop", 2: 302, 3: 401}

    def behave(number: int, _: Received) -> Behaviour:
        return answers.get(number % 9, 200)

    stubborn = Manner(connections=4, retry_scale=1e6, persist=True)
    async with receiving(behave) as server:
        report = await deliver(
            Schedule(told, 1, repeat=0), Address.of(server.url), SECRET, stubborn
        )
    assert ids(server.accepted).keys() == {webhook.webhook_id for webhook in told}
    assert report.gave_up == 0
    assert report.accepted == len(told)
    assert min(report.refused, report.unreachable, report.retried) > 0


async def test_a_server_that_never_accepts_is_given_up_after_eight_retries(
    told: list[Webhook],
) -> None:
    async with receiving(lambda _, __: 500) as server:
        report = await deliver(
            Schedule(told[:3], 1, repeat=0), Address.of(server.url), SECRET, FAST
        )
    assert (report.sent, report.retried, report.gave_up) == (3 * 9, 3 * 8, 3)
    assert server.tries == 27


async def test_a_server_that_dies_and_comes_back_misses_nothing(told: list[Webhook]) -> None:
    async with receiving() as server:
        dead = asyncio.Event()

        def behave(number: int, _: Received) -> int:
            if number == 150:
                server.die()
                dead.set()
            return 200

        server.behave = behave
        manner = Manner(connections=4, retry_scale=1e6, persist=True)
        sending = asyncio.create_task(
            deliver(Schedule(told, 1, repeat=0), Address.of(server.url), SECRET, manner)
        )
        await dead.wait()
        refused = asyncio.Event()
        asyncio.get_running_loop().call_later(0.2, refused.set)
        await refused.wait()
        assert not sending.done()
        await server.start()
        report = await sending
    assert ids(server.accepted).keys() == {webhook.webhook_id for webhook in told}
    assert report.unreachable > 0
    assert report.gave_up == 0


async def test_progress_is_told(told: list[Webhook]) -> None:
    heard: list[int] = []
    async with receiving() as server:
        report = await deliver(
            Schedule(told, 1),
            Address.of(server.url),
            SECRET,
            FAST,
            lambda r: heard.append(r.accepted),
        )
    assert heard == sorted(heard)
    assert heard[-1] == report.accepted


async def test_time_can_be_compressed(told: list[Webhook]) -> None:
    # two days and up to half a day of lateness in about a tenth of a second each
    manner = Manner(connections=4, time_scale=1.5e6)
    async with receiving() as server:
        report = await deliver(Schedule(told, 1, repeat=0), Address.of(server.url), SECRET, manner)
    assert report.accepted == len(told)
    span = max(w.due for w in told) - min(w.due for w in told)
    assert report.seconds >= span.total_seconds() / 1.5e6


def test_eight_retries_fit_into_four_hours() -> None:
    assert len(RETRY_SECONDS) == 8
    assert sum(RETRY_SECONDS) <= 4 * 3_600
    assert list(RETRY_SECONDS) == sorted(RETRY_SECONDS)


def test_each_shop_may_have_a_secret_of_its_own(told: list[Webhook]) -> None:
    webhook = told[0]
    request = request_for(webhook, Address.of("http://h:1"), {webhook.shop: b"own"})
    assert sign_webhook(b"own", webhook.body).encode() in request


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://127.0.0.1:8080", Address("127.0.0.1", 8080, "/api/webhook")),
        ("https://x.example.com", Address("x.example.com", 443, "/api/webhook", tls=True)),
        ("http://h:1/api/webhook/other", Address("h", 1, "/api/webhook/other")),
    ],
)
def test_addresses(url: str, address: Address) -> None:
    assert Address.of(url) == address


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="http://"):
        Address.of("localhost:8080")


# -- load ----------------------------------------------------------------------------------------


async def test_a_load_is_fired_once_and_timed() -> None:
    requests = prepare(400, load_shops(20), SECRET, 7)
    assert len({r.partition(b"Webhook-Id: ")[2][:36] for r in requests}) == 400
    async with receiving() as server:
        report = await fire("127.0.0.1", server.port, requests, 8)
    assert (report.sent, report.answered, report.lost) == (400, 400, 0)
    assert report.statuses == {200: 400}
    assert len(ids(server.accepted)) == 400
    assert len({one.headers["x-shopify-shop-domain"] for one in server.accepted}) > 10
    assert 0 < report.latency_ms(0.5) <= report.latency_ms(0.99) <= report.latency_ms_max
    assert json.loads(json.dumps(report.as_json()))["answered"] == 400


async def test_a_load_may_be_paced() -> None:
    requests = prepare(60, load_shops(10), SECRET, 7)
    async with receiving() as server:
        report = await fire("127.0.0.1", server.port, requests, 8, rate=400)
    assert report.answered == 60
    assert report.seconds >= 59 / 400


async def test_a_load_ends_when_its_server_does() -> None:
    requests = prepare(300, load_shops(10), SECRET, 7)
    async with receiving(lambda number, _: "drop" if number > 100 else 200) as server:
        report = await fire("127.0.0.1", server.port, requests, 4)
    assert report.lost == 4
    assert report.answered < 300


# -- the command ---------------------------------------------------------------------------------


async def test_simulate_delivers_and_leaves_its_books(tmp_path: Path) -> None:
    books = tmp_path / "books.json"
    told: list[DeliveryReport] = []
    async with receiving() as server:
        options = SimulateOptions(
            url=server.url,
            secret=SECRET,
            seed=3,
            domains=("one.myshopify.com", "two.myshopify.com"),
            currency="EUR",
            zone="Europe/Berlin",
            taxes_included=True,
            days=4,
            end=datetime(2026, 10, 20, tzinfo=UTC),
            books_path=books,
        )
        report = await simulate(options, told.append)
    assert report.ok
    assert report.accepted == len(server.accepted) > 200
    assert told
    kept = json.loads(books.read_text("utf-8"))["shops"]
    assert set(kept) == {"one.myshopify.com", "two.myshopify.com"}
    total = kept["one.myshopify.com"]["total"]
    assert total["currency"] == "EUR"
    assert total["orders"] == sum(day["orders"] for day in kept["one.myshopify.com"]["days"]) > 10


def test_a_rate_goes_on_from_now_for_all_shops_together() -> None:
    now = datetime(2026, 10, 20, 12, 34, tzinfo=UTC)
    options = SimulateOptions(url="http://h", secret=SECRET, days=1 / 24, rate=30.0)
    story = story_of(options, lambda: now)
    visits = {w.event_id for w in story if w.topic in ("carts/create", "orders/create")}
    assert story.phases[0].start == now.timestamp()
    # half of the visits leave a cart, more than half an order; thirty a minute for an hour
    assert 0.4 * 1_800 < len(visits) < 2 * 1_800


def test_options_name_the_shops() -> None:
    options = SimulateOptions(url="http://h", secret=SECRET, orders_per_day=3.0)
    assert [shop.currency for shop in shops_of(options)] == ["USD", "EUR", "JPY"]
    assert {shop.orders_per_day for shop in shops_of(options)} == {3.0}
    plain = replace(options, preset="plain", currency="KWD", zone="Asia/Kuwait")
    assert [shop.currency for shop in shops_of(plain)] == ["KWD"]
