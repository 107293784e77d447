"""Our own client of the Admin API, against the same stand-in that Shopify's libraries are run against."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.standin.process import CLIENT_ID, SECRET, query_of
from tillstream.shopify.admin import (
    API_VERSION,
    AdminClient,
    AdminErrors,
    AdminRefused,
    AdminUnavailable,
    ShopLocked,
)
from tillstream.shopify.grants import (
    Grant,
    GrantRefused,
    authorization_address,
    exchange_code,
    refresh_grant,
)
from tillstream.shopify.subscriptions import (
    create,
    delete,
    plan,
    read_subscriptions,
    wanted_topics,
)
from tillstream.shopify.wire import open_http

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    import httpx

    from tests.standin.process import PretendShopify

SHOP = "second-shop.myshopify.com"
CALLBACK = "https://app.example.com/auth/callback"
ADDRESS = "https://app.example.com/api/webhook"
SCOPES = "read_customers,read_orders,read_products"
WIDE = "{ orders(first: 200) { nodes { id customer { id } } } }"


@pytest.fixture(autouse=True)
def _registered(shopify: PretendShopify) -> None:
    shopify.control(
        "apps",
        client_id=CLIENT_ID,
        secrets=[SECRET.decode()],
        app_url="https://app.example.com/",
        redirect_uris=[CALLBACK],
        webhook_url=ADDRESS,
    )
    shopify.control("mend")


async def granted(shopify: PretendShopify, http: httpx.AsyncClient) -> Grant:
    """By way of the pages."""
    address = authorization_address(
        SHOP, CLIENT_ID, SCOPES, CALLBACK, "state", stand_in=shopify.url
    )
    back = dict(query_of(await asyncio.to_thread(shopify.answer, address)))
    return await exchange_code(
        http,
        SHOP,
        CLIENT_ID,
        SECRET.decode(),
        back["code"],
        now=datetime.now(UTC),
        stand_in=shopify.url,
    )


@asynccontextmanager
async def asking(
    shopify: PretendShopify, *, pace: float = 1.0
) -> AsyncGenerator[tuple[AdminClient, Grant, list[float]]]:
    """A client, what it was granted, and how long it waited each time (times ``pace``)."""
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)
        await asyncio.sleep(seconds * pace)

    async with open_http(shopify.url) as http:
        grant = await granted(shopify, http)

        async def token() -> str:
            return grant.access_token

        shopify.control("plan", shop=SHOP, plan="plus")
        yield AdminClient(http, SHOP, token, stand_in=shopify.url, sleep=wait), grant, waits


async def test_it_is_granted_what_it_asks_for(shopify: PretendShopify) -> None:
    async with asking(shopify) as (client, grant, _):
        told = await client.query("{ shop { myshopifyDomain } }")
        assert told["shop"]["myshopifyDomain"] == SHOP
        assert client.served_version == API_VERSION
        assert grant.scopes == SCOPES
        assert grant.expires_at is not None
        assert grant.refresh_expires_at is not None


async def test_a_refresh_is_good_until_its_successor_is_used(shopify: PretendShopify) -> None:
    async with open_http(shopify.url) as http:
        first = await granted(shopify, http)

        async def refresh(token: str | None) -> Grant:
            return await refresh_grant(
                http,
                SHOP,
                CLIENT_ID,
                SECRET.decode(),
                token or "",
                now=datetime.now(UTC),
                stand_in=shopify.url,
            )

        for kind in ("lost", "cut"):
            shopify.control("faults", place="token", kind=kind)
            with pytest.raises(GrantRefused) as refused:
                await refresh(first.refresh_token)
            assert not refused.value.lasting
        second = await refresh(first.refresh_token)
        await refresh(second.refresh_token)
        with pytest.raises(GrantRefused) as refused:
            await refresh(first.refresh_token)
        assert refused.value.lasting


async def test_subscriptions_are_made_read_back_and_removed(shopify: PretendShopify) -> None:
    async with asking(shopify) as (client, _, _):
        wanted = wanted_topics(SCOPES.split(","))
        for topic in sorted(wanted):
            assert await create(client, topic, ADDRESS) is not None
        present = await read_subscriptions(client)
        audit = plan(present, wanted, ADDRESS, API_VERSION)
        assert not audit.missing
        assert not audit.wrong_version
        assert {one.topic for one in audit.ours} == wanted
        for one in present:
            assert await delete(client, one.id)
        assert await read_subscriptions(client) == ()


async def test_it_waits_as_long_as_the_bucket_takes(shopify: PretendShopify) -> None:
    """The stand-in tells the cost; who keeps to it is hardly ever throttled, and never fails."""
    async with asking(shopify) as (client, _, waits):
        shopify.control("plan", shop=SHOP, plan="plus", available=500)
        for _ in range(8):
            await client.query(WIDE)
        assert waits
        assert sum(waits) < 5


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 429, "retry_after": 0.1},
        {"kind": "status", "status": 503},
        {"kind": "throttle"},
        {"kind": "cut"},
        {"kind": "lost"},
    ],
)
async def test_what_passes_is_asked_again(shopify: PretendShopify, fault: dict[str, Any]) -> None:
    async with asking(shopify, pace=0.05) as (client, _, waits):
        shopify.control("faults", place="graphql", **fault)
        assert (await client.query("{ shop { name } }"))["shop"]["name"] == "Second Shop"
        assert 0 < sum(waits) < 3


async def test_what_does_not_pass_is_said_plainly(shopify: PretendShopify) -> None:
    async with asking(shopify) as (client, grant, _):
        with pytest.raises(AdminErrors):
            await client.query("{ nothing }")
        shopify.control("faults", place="graphql", kind="status", status=423)
        with pytest.raises(ShopLocked):
            await client.query("{ shop { name } }")
        shopify.control("scopes", shop=SHOP, scopes=["read_products"])
        with pytest.raises(AdminErrors) as errors:
            await client.query("{ orders(first: 1) { nodes { id } } }")
        assert errors.value.codes == {"ACCESS_DENIED"}
        shopify.control("expire", shop=SHOP)
        with pytest.raises(AdminRefused) as refused:
            await client.query("{ shop { name } }")
        assert refused.value.kind == "token"
        assert grant.access_token not in str(refused.value)


async def test_a_shop_that_never_answers_well_is_given_up(shopify: PretendShopify) -> None:
    async with asking(shopify, pace=0.01) as (client, _, _):
        shopify.control(
            "faults", place="graphql", kind="status", status=429, times=50, retry_after=0
        )
        with pytest.raises(AdminUnavailable):
            await client.query("{ shop { name } }")
