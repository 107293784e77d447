"""Whoever claims a shop chooses a secret of their own; it must not speak for anybody else's store.

Real: the database, ingest's cache of secrets, and what workers do with a delivery. Eve has claimed Ada's
shop with a secret that she made up, and signed deliveries with it; later Ada has the shop.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tillstream.command import notices
from tillstream.foundation.database import connect, open_pool
from tillstream.ingest.trust import Trust
from tillstream.journal.contract import SIGNED_FOR, Delivery
from tillstream.rollup.apply import apply
from tillstream.shopify.signing import sign_webhook
from tillstream.shops.accounts import add_account
from tillstream.shops.sealing import Keyring
from tillstream.shops.stores import StoreDetails, add_store, remove_store

if TYPE_CHECKING:
    from tests.conftest import Database

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MICROSECONDS = int(NOW.timestamp() * 1_000_000)
SHOP = "ada-teas.myshopify.com"
APP = b"shpss_of_the_app"
EVES = "made up by Eve"
RING = Keyring.of(b"k" * 32)


async def connected(database: Database, email: str, secret: str | None) -> int:
    """The id of the shop's store in the account of ``email``, connected now."""
    async with open_pool(database.api_url) as pool:
        await add_account(pool, email, "brass lamp and seven owls")
        details = StoreDetails(api_secret=secret, timezone="UTC", currency="EUR")
        return (await add_store(pool, RING, email, SHOP, details)).id


async def removed(database: Database) -> None:
    async with open_pool(database.admin_url) as pool:
        await remove_store(pool, SHOP, NOW)


def delivery(
    number: int, signed_for: int | None, topic: str = "products/create", **body: Any
) -> Delivery:
    told = json.dumps(
        {"id": number, "title": "Tea", "updated_at": NOW.isoformat(), **body}
    ).encode()
    headers = {} if signed_for is None else {SIGNED_FOR: str(signed_for)}
    return Delivery(
        MICROSECONDS, "", SHOP, topic, f"w{number}", "", "", "2026-10", "", headers, told
    )


async def test_the_door_knows_whose_secret_signed(database: Database) -> None:
    eves = await connected(database, "eve@example.com", EVES)
    trust = Trust(database.worker_url, [APP], RING)
    await trust.start()
    try:
        body = b"{}"
        assert trust.accepted("", SHOP, MICROSECONDS) == (APP, EVES.encode())
        assert trust.signed_for("", SHOP, sign_webhook(APP, body), body) is None
        assert trust.signed_for("", SHOP, sign_webhook(EVES.encode(), body), body) == eves
        other = "bob-books.myshopify.com"
        assert trust.signed_for("", other, sign_webhook(APP, body), body) is None
    finally:
        await trust.close()


async def test_what_eve_signed_is_not_applied_to_adas_store(database: Database) -> None:
    eves = await connected(database, "eve@example.com", EVES)
    await removed(database)
    adas = await connected(database, "ada@example.com", "Ada's own")
    told = [delivery(1, eves), delivery(2, adas), delivery(3, None)]
    async with await connect(database.worker_url) as connection, connection.transaction():
        outcome = await apply(connection, told, MICROSECONDS)
    assert [(one.delivery.webhook_id, one.reason, one.tenant_id) for one in outcome.parked] == [
        ("w1", "signed_for_another", None)
    ]
    assert outcome.applied == 2
    assert outcome.unrouted == []
    with psycopg.connect(database.admin_url) as owner:
        rows = owner.execute("SELECT store_id, id FROM mirror.products ORDER BY id").fetchall()
    assert rows == [(adas, 2), (adas, 3)]


async def test_a_forged_delivery_does_not_shadow_the_genuine_one(database: Database) -> None:
    eves = await connected(database, "eve@example.com", EVES)
    await removed(database)
    await connected(database, "ada@example.com", None)
    genuine = delivery(1, None, title="Genuine")
    async with await connect(database.worker_url) as connection, connection.transaction():
        outcome = await apply(
            connection, [delivery(1, eves, title="Forged"), genuine], MICROSECONDS
        )
    assert outcome.applied == 1
    with psycopg.connect(database.admin_url) as owner:
        assert owner.execute("SELECT title FROM mirror.products").fetchall() == [("Genuine",)]


@pytest.mark.parametrize("topic", ["shop/redact", "customers/redact", "customers/data_request"])
async def test_eve_cannot_have_erased_what_ada_kept(database: Database, topic: str) -> None:
    """Ada removed the store and kept its data; the law's topics go to whoever has data of a shop."""
    adas = await connected(database, "ada@example.com", None)
    await removed(database)
    eves = await connected(database, "eve@example.com", EVES)
    body = {"shop_domain": SHOP, "customer": {"id": 7, "email": "shopper@example.com"}}
    forged, genuine = delivery(1, eves, topic, **body), delivery(2, None, topic, **body)
    asked: list[list[int]] = []
    for one in (forged, genuine):
        async with await connect(database.worker_url) as connection, connection.transaction():
            await notices.take(connection, [one], notices.Times(NOW, 30))
        with psycopg.connect(database.admin_url) as owner:
            rows = owner.execute("SELECT DISTINCT store_id FROM shops.privacy_requests").fetchall()
        asked.append(sorted(row[0] for row in rows))
    # What Eve signed is about her own store; what Shopify signed is about everybody's.
    assert asked == [[eves], sorted([adas, eves])]
