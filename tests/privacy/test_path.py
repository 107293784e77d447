"""The whole way: ``tillstream up``, webhooks over HTTP, and a customer who asks to be forgotten.

Once with the journal in PostgreSQL and once with a broker, where frames are archived as they are applied.
Rules as in tests/story/installation.py; what the database holds is read as its owner.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.story.installation import Installation
from tests.story.post import post
from tests.story.tale import tell
from tillstream.command.installation import postgres_folder
from tillstream.foundation.embedded.server import find_running
from tillstream.foundation.settings import load_settings
from tillstream.journal.encoding import decode_deliveries
from tillstream.journal.private_broker import BrokerMissing, PrivateBroker
from tillstream.simulator.delivery import Schedule
from tillstream.simulator.places import place_for
from tillstream.simulator.plan import plain_shop
from tillstream.simulator.story import Story

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

SHOP = "leavers.myshopify.com"
END = datetime(2026, 11, 9, tzinfo=UTC)


@pytest.fixture(params=["postgres", "rabbitmq"])
def installation(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    broker = None
    environment: dict[str, str] = {}
    if request.param == "rabbitmq":
        try:
            broker = PrivateBroker(tmp_path / "broker")
        except BrokerMissing as missing:
            pytest.skip(str(missing))
        broker.start()
        environment["RABBITMQ_URL"] = broker.url
    one = Installation(tmp_path / "data", environment)
    one.start()
    try:
        yield one
    finally:
        one.stop()
        if broker is not None:
            broker.stop()


def ask(installation: Installation, statement: Any, *values: Any) -> list[tuple[Any, ...]]:
    settings = load_settings({"TILLSTREAM_DATA": str(installation.folder)}, generate=True)
    url = find_running(postgres_folder(settings))
    assert url is not None
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def kept(installation: Installation, needle: str) -> list[str]:
    """Where the database has an address: tables, and deliveries inside of frames."""
    tables = ("orders", "customers", "checkouts")
    found = [
        table
        for table in tables
        if ask(
            installation,
            f"SELECT 1 FROM mirror.{table} AS t WHERE strpos(lower(t::text), %s) > 0 LIMIT 1",
            needle,
        )
    ]
    stored = "SELECT body FROM journal.frames UNION ALL SELECT delivery FROM journal.held"
    found += [
        one.topic
        for (body,) in ask(installation, stored)
        for one in decode_deliveries(body)
        if needle.encode() in one.body.lower()
    ]
    return found


def requests_done(client: httpx.Client, number: int) -> list[dict[str, Any]]:
    """Wait until so many requests are done."""
    until = time.monotonic() + 90
    while True:
        found = client.get("/api/privacy/requests").json()["requests"]
        if len(found) == number and all(one["done_at"] for one in found):
            return found
        assert time.monotonic() < until, found
        time.sleep(0.1)  # between two looks


def figures(client: httpx.Client, store: str) -> dict[str, Any]:
    """Every figure of the story's days."""
    asked = {"from": "2026-11-01", "to": "2026-11-12", "store": store, "compare": "none"}
    told: dict[str, Any] = client.get("/api/analytics/stats", params=asked).json()
    del told["as_of"]
    return told


async def test_a_customer_is_forgotten_on_the_whole_way(installation: Installation) -> None:
    plan = replace(
        plain_shop(SHOP, "EUR", "Europe/Berlin", place_for("EUR"), taxes_included=True),
        orders_per_day=25.0,
    )
    story = Story("leavers", [plan], END - timedelta(days=4), END)
    client = installation.account("owner@leavers.example")
    store = client.post("/api/stores", json={"domain": SHOP}).json()["id"]
    report = await tell(installation, Schedule(story, "once", repeat=0.1))
    assert report.gave_up == 0
    await asyncio.to_thread(installation.settle)
    customer, email, orders = ask(
        installation,
        "SELECT c.id, lower(c.email), array_agg(o.id) FROM mirror.customers c JOIN mirror.orders o "
        "ON o.customer_id = c.id WHERE c.email IS NOT NULL GROUP BY 1, 2 ORDER BY count(*) DESC, 1 LIMIT 1",
    )[0]
    assert {"orders", "customers", "checkouts", "orders/create"} <= set(kept(installation, email))
    before = figures(client, store)

    body = {
        "shop_id": 1, "shop_domain": SHOP, "orders_to_redact": orders,
        "customer": {"id": customer, "email": email.upper(), "phone": None},
    }  # fmt: skip
    assert post(client, installation, SHOP, "customers/redact", body).status_code == 200
    (request,) = await asyncio.to_thread(requests_done, client, 1)
    assert request["receipt"]["counts"]["orders"] >= len(orders)
    assert not kept(installation, email)
    assert figures(client, store) == before

    # All of it once more, as if it came from another sender: under ids of its own.
    ask(installation, "DELETE FROM mirror.deliveries")
    await tell(installation, Schedule(story, "again"))
    await asyncio.to_thread(installation.settle)
    await asyncio.to_thread(requests_done, client, 1)
    assert not kept(installation, email)
    assert figures(client, store) == before

    checked = await asyncio.to_thread(installation.cli, "verify")
    assert checked["ok"]
    for command in (("rebuild",), ("replay", "--store", SHOP)):
        await asyncio.to_thread(installation.cli, *command)
        again = await asyncio.to_thread(installation.cli, "verify")
        assert again["ok"]
        assert again["state_hash"] == checked["state_hash"], command
        assert not kept(installation, email)
    assert figures(client, store) == before

    # And then the shop leaves as a whole.
    assert post(client, installation, SHOP, "shop/redact", {"shop_domain": SHOP}).status_code == 200
    await asyncio.to_thread(requests_done, client, 2)
    assert ask(installation, "SELECT count(*) FROM mirror.orders") == [(0,)]
    assert client.get("/api/stores").json()["stores"] == []
