"""The steward: subscriptions are audited, tokens renewed, and what cannot be set right is said.

Real: PostgreSQL, and a small Shopify over HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.serve.conftest import settings_for
from tests.shops.pretend_shopify import SCOPES, PretendShopify, Shop, pretend_shopify
from tillstream.command.audit_findings import can_be_reached, findings
from tillstream.command.steward import Steward, run_steward
from tillstream.command.version_log import VersionLog
from tillstream.foundation.database import connect, open_pool, tenants_transaction
from tillstream.journal.contract import Delivery, Frame, time_ordered_id
from tillstream.journal.memory import MemoryJournal, MemoryStore
from tillstream.shopify.about import read_about
from tillstream.shopify.admin import API_VERSION
from tillstream.shopify.scopes import parse_scopes
from tillstream.shopify.subscriptions import Subscription, plan, wanted_topics
from tillstream.shopify.topics import COMPLIANCE_TOPICS, topic_enum
from tillstream.shopify.wire import open_http
from tillstream.shops import lifecycle
from tillstream.shops.apps import webhook_address
from tillstream.shops.renewal import StoreKey
from tillstream.shops.sealing import Keyring, store_place

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from tests.conftest import Database
    from tillstream.foundation.settings import Settings

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SHOP = "ada-teas.myshopify.com"
HOST = "http://127.0.0.1:8080"
ADDRESS = f"{HOST}/api/webhook"
KEY = StoreKey(1, 1)
WANTED = wanted_topics(parse_scopes(SCOPES))
"""What the scopes of the shop in these tests allow."""


@dataclass
class Scene:
    """A store that was connected just now, and its steward."""

    database: Database
    settings: Settings
    shopify: PretendShopify
    shop: Shop
    steward: Steward
    now: list[datetime] = field(default_factory=lambda: [NOW])

    def sql(self, statement: LiteralString, *values: object) -> list[Any]:
        with psycopg.connect(self.database.admin_url, autocommit=True) as owner:
            cursor = owner.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def warnings(self) -> list[str]:
        rows = self.sql("SELECT warnings FROM shops.stores")
        return [one["code"] for one in rows[0][0]]

    def subscribed(self, address: str = ADDRESS) -> list[str]:
        return sorted(
            one["topic"] for one in self.shop.subscriptions.values() if one["uri"] == address
        )

    def forward(self, **span: float) -> None:
        self.now[0] += timedelta(**span)


def plant(database: Database, keyring: Keyring, shop: Shop, *, expiring: bool) -> None:
    shop.access = {"shpat_0"}
    shop.refresh = {"shprt_0"} if expiring else set()
    with psycopg.connect(database.admin_url, autocommit=True) as owner:
        owner.execute("INSERT INTO shops.tenants (name) VALUES ('Ada')")
        owner.execute("INSERT INTO shops.stores (tenant_id, domain) VALUES (1, %s)", (SHOP,))
        owner.execute(
            "UPDATE shops.stores SET connected_by = 'oauth', proved_at = %(now)s, "
            "installed_at = %(now)s, access_token_sealed = %(access)s, "
            "refresh_token_sealed = %(refresh)s, access_token_expires_at = %(end)s, "
            "token_refreshed_at = %(now)s",
            {
                "now": NOW,
                "access": keyring.seal(b"shpat_0", store_place(1, "access_token")),
                "refresh": keyring.seal(b"shprt_0", store_place(1, "refresh_token"))
                if expiring
                else None,
                "end": NOW + timedelta(hours=1) if expiring else None,
            },
        )


@pytest.fixture(params=[True])
async def scene(
    request: pytest.FixtureRequest, database: Database, tmp_path: Path
) -> AsyncGenerator[Scene]:
    async with pretend_shopify() as shopify:
        told = settings_for(
            tmp_path,
            shopify_api_key=shopify.client_id,
            shopify_address=shopify.address,
            host=HOST,
        )
        keyring = Keyring.from_settings(told)
        shop = shopify.shop(SHOP)
        plant(database, keyring, shop, expiring=request.param)
        now = [NOW]
        async with open_pool(database.worker_url) as pool, open_http(shopify.address) as http:
            steward = Steward(pool, http, keyring, told, lambda: now[0])
            yield Scene(database, told, shopify, shop, steward, now)


async def test_a_new_store_is_subscribed_and_described(scene: Scene) -> None:
    assert await scene.steward.work() == 1
    assert scene.subscribed() == sorted(map(topic_enum, WANTED))
    assert scene.sql(
        "SELECT name, timezone, currency, granted_scopes, warnings, subscriptions_audited_at "
        "FROM shops.stores"
    ) == [
        ("Ada's Teas", "Europe/Berlin", "EUR", "read_customers,read_orders,read_products", [], NOW)
    ]
    # Nothing is due until six hours later.
    asked = len(scene.shopify.asked)
    scene.forward(minutes=1)
    assert await scene.steward.work() == 0
    assert len(scene.shopify.asked) == asked


async def test_the_compliance_topics_are_never_asked_for(scene: Scene) -> None:
    await scene.steward.work()
    forbidden = {topic_enum(topic) for topic in COMPLIANCE_TOPICS}
    topics = {body.get("variables", {}).get("topic") for _, body in scene.shopify.asked}
    assert not topics & forbidden


async def test_what_a_person_set_stays(scene: Scene) -> None:
    scene.sql("UPDATE shops.stores SET name = 'Mine', timezone = 'UTC', currency = 'USD'")
    await scene.steward.work()
    assert scene.sql("SELECT name, timezone, currency FROM shops.stores") == [
        ("Mine", "UTC", "USD")
    ]


async def test_what_went_missing_is_restored_and_what_is_others_is_left_alone(scene: Scene) -> None:
    await scene.steward.work()
    gone = next(iter(scene.shop.subscriptions))
    topic = scene.shop.subscriptions.pop(gone)["topic"]
    scene.shopify.subscribe(scene.shop, "ORDERS_CREATE", "https://erp.example/hooks")
    scene.forward(hours=6)
    await scene.steward.work()
    assert topic in scene.subscribed()
    assert scene.subscribed("https://erp.example/hooks") == ["ORDERS_CREATE"]
    assert scene.warnings() == []


async def test_what_is_ours_twice_is_removed(scene: Scene) -> None:
    scene.shopify.subscribe(scene.shop, "ORDERS_CREATE", ADDRESS)
    scene.shopify.subscribe(scene.shop, "ORDERS_CREATE", ADDRESS)
    await scene.steward.work()
    assert scene.subscribed() == sorted(map(topic_enum, WANTED))


async def test_what_shopify_refuses_is_said_and_the_rest_is_made(scene: Scene) -> None:
    scene.shop.refused_topics = {"CHECKOUTS_CREATE"}
    await scene.steward.work()
    assert scene.warnings() == ["subscriptions_missing"]
    detail = scene.sql("SELECT warnings -> 0 ->> 'detail' FROM shops.stores")[0][0]
    assert "checkouts/create" in detail
    assert "You cannot create this subscription" in detail
    assert len(scene.subscribed()) == len(WANTED) - 1
    scene.shop.refused_topics = set()
    scene.forward(hours=6)
    await scene.steward.work()
    assert scene.warnings() == []


async def test_topics_beyond_the_scopes_are_not_asked_for(scene: Scene) -> None:
    scene.shop.scopes = "read_products"
    await scene.steward.work()
    assert "ORDERS_CREATE" not in scene.subscribed()
    assert "PRODUCTS_CREATE" in scene.subscribed()
    assert scene.warnings() == []
    # More scopes are told by a webhook, and subscribed at once.
    scene.shop.scopes = "read_orders,read_products"
    async with (
        open_pool(scene.database.worker_url) as pool,
        tenants_transaction(pool, [1]) as connection,
    ):
        await lifecycle.scopes_updated(
            connection, 1, 1, ["read_orders", "read_products"], scene.now[0]
        )
    await scene.steward.work()
    assert "ORDERS_CREATE" in scene.subscribed()


async def test_another_version_is_a_warning(scene: Scene) -> None:
    scene.shopify.subscribe(scene.shop, "ORDERS_CREATE", ADDRESS, "2026-01")
    await scene.steward.work()
    assert scene.warnings() == ["version_subscribed"]


async def test_deliveries_in_another_version_are_a_warning_for_a_day(scene: Scene) -> None:
    versions = VersionLog(
        journal := MemoryJournal(MemoryStore(8, lambda: scene.now[0], lambda _: True)),
        lambda: scene.now[0],
    )
    await journal.append([frame("2026-01"), frame(API_VERSION)])
    claims = await versions.claim(100, 0)
    assert sum(len(claim.deliveries) for claim in claims) == 2
    async with await connect(scene.database.worker_url) as connection:
        await versions.write(connection)
        await versions.write(connection)
    assert scene.sql("SELECT api_version FROM shops.delivery_versions ORDER BY 1") == [
        ("2026-01",),
        (API_VERSION,),
    ]
    await scene.steward.work()
    assert scene.warnings() == ["version_delivered"]
    scene.forward(days=1, hours=1)
    await scene.steward.work()
    assert scene.warnings() == []


def frame(version: str) -> Frame:
    body = b"{}"
    delivery = Delivery(0, "", SHOP, "orders/create", version, "", "", version, "", {}, body)
    return Frame(time_ordered_id(0, version.encode().ljust(8)), 0, [delivery])


async def test_an_address_that_shopify_cannot_reach_is_said(scene: Scene) -> None:
    scene.steward.auditor._settings = replace(scene.settings, host="http://tillstream.example")
    await scene.steward.work()
    assert scene.warnings() == ["host_not_public"]
    assert scene.shop.subscriptions == {}
    # What the shop says of itself is asked nevertheless.
    assert scene.sql("SELECT currency FROM shops.stores") == [("EUR",)]


async def test_a_pasted_token_is_shown_to_nobody_by_an_installation_without_address(
    scene: Scene,
) -> None:
    scene.sql("UPDATE shops.stores SET connected_by = 'secret', proved_at = NULL")
    scene.steward.auditor._settings = replace(scene.settings, host="http://tillstream.example")
    await scene.steward.work()
    assert scene.warnings() == ["host_not_public"]
    assert scene.shopify.asked == []


async def test_a_token_that_shopify_takes_is_a_proof(scene: Scene) -> None:
    scene.sql("UPDATE shops.stores SET connected_by = 'secret', proved_at = NULL")
    await scene.steward.work()
    assert scene.sql("SELECT proved_at FROM shops.stores") == [(NOW,)]


async def test_a_token_of_another_shop_is_no_proof(scene: Scene) -> None:
    scene.sql("UPDATE shops.stores SET connected_by = 'secret', proved_at = NULL")
    scene.shop.myshopify_domain = "other.myshopify.com"
    await scene.steward.work()
    assert scene.sql("SELECT proved_at, token_problem FROM shops.stores") == [(None, "wrong_shop")]
    assert scene.shop.subscriptions == {}


async def test_tokens_are_renewed_before_they_end(scene: Scene) -> None:
    await scene.steward.work()
    scene.forward(minutes=51)
    assert await scene.steward.work() == 1
    assert scene.shop.refreshed == 1
    assert await scene.steward.work() == 0


async def test_an_idle_refresh_token_is_used_before_it_ends(scene: Scene) -> None:
    await scene.steward.work()
    scene.sql(
        "UPDATE shops.stores SET access_token_expires_at = %s, subscriptions_audited_at = %s",
        NOW + timedelta(days=400),
        NOW + timedelta(days=31),
    )
    scene.forward(days=31)
    assert await scene.steward.work() == 1
    assert scene.shop.refreshed == 1


async def test_a_token_revoked_before_its_time_is_renewed_on_the_way(scene: Scene) -> None:
    scene.shop.access.clear()
    await scene.steward.work()
    assert scene.shop.refreshed == 1
    assert len(scene.subscribed()) == len(WANTED)


@pytest.mark.parametrize("scene", [False], indirect=True)
async def test_a_revoked_token_without_successor_needs_a_person_and_is_asked_about_once(
    scene: Scene,
) -> None:
    scene.shopify.uninstall(SHOP)
    await scene.steward.work()
    assert scene.sql("SELECT token_problem FROM shops.stores") == [("revoked",)]
    asked = len(scene.shopify.asked)
    scene.forward(days=1)
    assert await scene.steward.work() == 0
    assert len(scene.shopify.asked) == asked


@pytest.mark.parametrize("scene", [False], indirect=True)
async def test_a_public_apps_token_that_does_not_expire_needs_a_person(scene: Scene) -> None:
    scene.shop.status = 403
    await scene.steward.work()
    assert scene.sql("SELECT token_problem FROM shops.stores") == [("forbidden",)]


async def test_a_locked_shop_is_said_and_asked_again_later(scene: Scene) -> None:
    scene.shop.status = 423
    await scene.steward.work()
    assert scene.warnings() == ["shop_locked"]
    asked = len(scene.shopify.asked)
    assert await scene.steward.work() == 0
    assert len(scene.shopify.asked) == asked
    scene.shop.status = 200
    scene.forward(hours=1)
    await scene.steward.work()
    assert scene.warnings() == []
    assert len(scene.subscribed()) == len(WANTED)


async def test_what_is_asked_for_during_an_audit_is_not_taken_for_done(scene: Scene) -> None:
    answer = scene.shopify.answer

    def connecting_meanwhile(path: str, headers: dict[str, str], body: dict[str, Any]) -> Any:
        scene.sql("UPDATE shops.stores SET subscriptions_audited_at = NULL")
        return answer(path, headers, body)

    scene.shopify.answer = connecting_meanwhile
    await scene.steward.work()
    assert scene.sql("SELECT subscriptions_audited_at FROM shops.stores") == [(None,)]
    scene.shopify.answer = answer
    await scene.steward.work()
    assert scene.sql("SELECT subscriptions_audited_at FROM shops.stores") == [(NOW,)]


async def test_there_is_one_steward_at_a_time_and_it_hears_of_new_stores(scene: Scene) -> None:
    # A minute between looks: only the notification can be what makes it quick.
    all_there = asyncio.Event()
    answer = scene.shopify.answer

    def watched(path: str, headers: dict[str, str], body: dict[str, Any]) -> Any:
        answered = answer(path, headers, body)
        if len(scene.shop.subscriptions) == len(WANTED):
            all_there.set()
        return answered

    scene.shopify.answer = watched
    stewards = [
        asyncio.create_task(
            run_steward(scene.database.worker_url, scene.settings, lambda: scene.now[0])
        )
        for _ in range(2)
    ]
    try:
        async with asyncio.timeout(20):
            await all_there.wait()
            held = scene.sql(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 7211850 "
                "AND granted AND database = (SELECT oid FROM pg_database "
                "WHERE datname = current_database())"
            )
            assert held == [(1,)]
            scene.shop.subscriptions.clear()
            all_there.clear()
            scene.sql("UPDATE shops.stores SET subscriptions_audited_at = NULL")
            await all_there.wait()
    finally:
        for steward in stewards:
            steward.cancel()
        for steward in stewards:
            with contextlib.suppress(asyncio.CancelledError):
                await steward
    assert len(scene.subscribed()) == len(WANTED)


# -- Deciding --------------------------------------------------------------------------------------

TOPICS = st.sampled_from(sorted(WANTED))
SUBSCRIPTIONS = st.lists(
    st.builds(
        Subscription,
        id=st.integers(0, 10**6).map(str),
        topic=TOPICS,
        address=st.sampled_from([ADDRESS, "https://erp.example/hooks"]),
        api_version=st.sampled_from([API_VERSION, "2026-01"]),
    ),
    unique_by=lambda one: one.id,
    max_size=30,
)


@given(SUBSCRIPTIONS, st.sets(st.sampled_from([API_VERSION, "2026-01", "2025-10"])))
def test_an_audit_says_nothing_exactly_where_all_is_well(
    existing: list[Subscription], delivered: set[str]
) -> None:
    audit = plan(existing, WANTED, ADDRESS, API_VERSION)
    ours = [one for one in existing if one.address == ADDRESS]
    well = (
        {one.topic for one in ours} == set(WANTED)
        and len(ours) == len(WANTED)
        and all(one.api_version == API_VERSION for one in ours)
        and delivered <= {API_VERSION}
    )
    found = findings(audit, {}, delivered)
    assert (not found) == well
    # Others' subscriptions are never spoken of.
    assert not any("erp.example" in one.detail for one in found)


@pytest.mark.parametrize(
    ("host", "stand_in", "reached"),
    [
        ("https://till.example", None, True),
        ("http://till.example", None, False),
        ("http://127.0.0.1:8080", None, False),
        ("http://127.0.0.1:8080", "http://127.0.0.1:9000", True),
        ("http://till.example", "http://127.0.0.1:9000", False),
    ],
)
def test_what_shopify_can_deliver_to(host: str, stand_in: str | None, reached: bool) -> None:
    assert can_be_reached(host, stand_in) is reached


def test_each_app_has_its_address() -> None:
    assert webhook_address("https://t.example", "") == "https://t.example/api/webhook"
    assert webhook_address("https://t.example", "eu") == "https://t.example/api/webhook/eu"


@settings(max_examples=50)
@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["shop", "name", "myshopifyDomain", "currentAppInstallation", "accessScopes"]
                ),
                inner,
                max_size=3,
            )
        ),
        max_leaves=8,
    ).filter(lambda value: isinstance(value, dict))
)
def test_no_answer_about_a_shop_ends_the_steward(data: Any) -> None:
    about = read_about(data)
    assert about.currency is None or len(about.currency) <= 3
