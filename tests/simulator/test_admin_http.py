"""The stand-in over HTTP: its pages, its token endpoint, and what goes wrong on demand.

The application itself, without a port: ports are for the tests with the official libraries.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from tests.simulator.admin_world import CALLBACK, OLD_SECRET, SECRET, World
from tests.standin.process import form_of
from tillstream.shopify.queries import is_genuine_query
from tillstream.simulator.admin.server import create_application

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

ASKED = {
    "client_id": "client",
    "scope": "read_orders,read_customers",
    "redirect_uri": CALLBACK,
    "state": 'a "state" & more',
}
SHOP_NAME = {"query": "{ shop { myshopifyDomain } }"}


@pytest.fixture(scope="module")
def world() -> World:
    return World(days=2.0)


@asynccontextmanager
async def visiting(world: World, shop: str | None = None) -> AsyncGenerator[httpx.AsyncClient]:
    """A client that comes with the shop's own Host, or the machine's."""
    application = create_application(world.standin)
    base = f"https://{shop}" if shop else "http://127.0.0.1:8099"
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url=base) as client:
        yield client


async def token(client: httpx.AsyncClient, base: str = "", **changes: str) -> dict[str, Any]:
    """An expiring token, by way of the pages."""
    page = await client.get(f"{base}/admin/oauth/authorize", params=ASKED | changes)
    if page.status_code == 200:
        form = form_of(page.text, agree=True)
        page = await client.post(f"{base}/admin/oauth/approve", data=form)
    assert page.status_code == 302
    back = parse_qsl(urlsplit(page.headers["location"]).query)
    assert is_genuine_query(back, [OLD_SECRET])
    assert dict(back)["state"] == ASKED["state"]
    body = {"client_id": "client", "client_secret": SECRET.decode(), "expiring": "1"}
    answer = await client.post(
        f"{base}/admin/oauth/access_token", json=body | {"code": dict(back)["code"]}
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()


async def test_a_shop_is_found_by_its_host_and_by_the_path(world: World) -> None:
    path = "/admin/api/2026-10/graphql.json"
    async with visiting(world, world.shop.domain) as client:
        headers = {"x-shopify-access-token": (await token(client))["access_token"]}
        answer = await client.post(path, json=SHOP_NAME, headers=headers)
        assert answer.json()["data"]["shop"]["myshopifyDomain"] == world.shop.domain
    async with visiting(world) as client:
        base = f"/{world.shop.domain}"
        headers = {"x-shopify-access-token": (await token(client, base))["access_token"]}
        answer = await client.post(base + path, json=SHOP_NAME, headers=headers)
        assert answer.json()["data"]["shop"]["myshopifyDomain"] == world.shop.domain
        assert answer.headers["x-shopify-api-version"] == "2026-10"
        retired = base + "/admin/api/2025-01/graphql.json"
        answer = await client.post(retired, json=SHOP_NAME, headers=headers)
        assert answer.headers["x-shopify-api-version"] == "2026-01"
        unknown = "/no-such-shop.myshopify.com/admin"
        assert (await client.get(unknown)).status_code == 404


async def test_pages_say_what_is_asked_and_hold_no_scripts() -> None:
    world = World(days=0.5)
    world.app.name = "<script>alert(1)</script> & co"
    async with visiting(world, world.shop.domain) as client:
        for page in (
            await client.get("/admin/oauth/authorize", params=ASKED),
            await client.get("/admin"),
        ):
            assert page.status_code == 200
            assert "<script" not in page.text
            assert "default-src 'none'" in page.headers["content-security-policy"]
            assert page.headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize(
    "changes", [{"client_id": "nobody"}, {"redirect_uri": "https://elsewhere.example.com/"}]
)
async def test_nothing_is_asked_for_strangers(world: World, changes: dict[str, str]) -> None:
    async with visiting(world, world.shop.domain) as client:
        page = await client.get("/admin/oauth/authorize", params=ASKED | changes)
        assert page.status_code == 400
        form = ASKED | changes | {"answer": "yes"}
        answer = await client.post("/admin/oauth/approve", data=form)
        assert answer.status_code == 400
        assert "location" not in answer.headers


async def test_wider_scopes_are_asked_for_again() -> None:
    world = World(days=0.5)
    async with visiting(world, world.shop.domain) as client:
        await token(client)
        again = await client.get("/admin/oauth/authorize", params=ASKED)
        assert again.status_code == 302
        wider = ASKED | {"scope": ASKED["scope"] + ",read_products"}
        page = await client.get("/admin/oauth/authorize", params=wider)
        assert "Update" in page.text
        got = await token(client, scope=wider["scope"])
        assert got["scope"] == "read_customers,read_orders,read_products"


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"client_id": "client", "client_secret": "guess", "code": "x"}, 401, "invalid_client"),
        ({"code": "x"}, 401, "invalid_client"),
        ({"client_secret": SECRET.decode(), "client_id": "client", "code": "x"}, 400, "invalid_request"),
        (
            {
                "client_id": "client",
                "client_secret": SECRET.decode(),
                "grant_type": "refresh_token",
                "refresh_token": "shprt_x",
            },
            400,
            "invalid_grant",
        ),
        (
            {"client_id": "client", "client_secret": SECRET.decode(), "grant_type": "password"},
            400,
            "unsupported_grant_type",
        ),
    ],
)  # fmt: skip
async def test_no_token_for_what_is_wrong(
    world: World, body: dict[str, str], status: int, error: str
) -> None:
    async with visiting(world, world.shop.domain) as client:
        for sent in ({"json": body}, {"data": body}):
            answer = await client.post("/admin/oauth/access_token", **sent)  # pyright: ignore[reportArgumentType]
            assert (answer.status_code, answer.json()["error"]) == (status, error)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"query": 1}', b"\xff", b'{"query": "{", "variables": []}']
)
async def test_no_body_breaks_the_api(world: World, body: bytes) -> None:
    async with visiting(world, world.shop.domain) as client:
        headers = {
            "x-shopify-access-token": (await token(client))["access_token"],
            "content-type": "application/json",
        }
        answer = await client.post("/admin/api/2026-10/graphql.json", content=body, headers=headers)
        assert answer.status_code in {200, 400}
        assert answer.json()["errors"]


async def test_failures_come_as_they_were_asked_for(world: World) -> None:
    async with visiting(world) as control, visiting(world, world.shop.domain) as client:
        got = await token(client)
        headers = {"x-shopify-access-token": got["access_token"]}

        async def ask() -> httpx.Response:
            path = "/admin/api/2026-10/graphql.json"
            return await client.post(path, json=SHOP_NAME, headers=headers)

        fault = {"place": "graphql", "kind": "status", "status": 429, "retry_after": 2, "times": 2}
        await control.post("/control/faults", json=fault)
        answers = [await ask() for _ in range(3)]
        assert [answer.status_code for answer in answers] == [429, 429, 200]
        assert answers[0].headers["retry-after"] == "2"
        await control.post("/control/faults", json={"place": "graphql", "kind": "throttle"})
        told = (await ask()).json()
        assert told["errors"][0]["extensions"]["code"] == "THROTTLED"
        await control.post("/control/expire", json={"shop": world.shop.domain})
        assert (await ask()).status_code == 401
        # The token was made, and its answer lost; so the old refresh token is used again.
        body = {
            "client_id": "client",
            "client_secret": SECRET.decode(),
            "grant_type": "refresh_token",
            "refresh_token": got["refresh_token"],
        }
        await control.post("/control/faults", json={"place": "token", "kind": "lost"})
        lost = await client.post("/admin/oauth/access_token", data=body)
        assert lost.status_code == 502
        found = await client.post("/admin/oauth/access_token", data=body)
        headers = {"x-shopify-access-token": found.json()["access_token"]}
        assert (await ask()).status_code == 200
        await control.post("/control/revoke", json={"shop": world.shop.domain})
        assert (await ask()).status_code == 401


async def test_control_is_for_programs_on_this_machine(world: World) -> None:
    async with visiting(world) as client:
        told = (await client.get("/control")).json()
        assert world.shop.domain in told["shops"]
        secrets = [SECRET.decode(), OLD_SECRET.decode(), "shpat_", "shprt_"]
        assert not [secret for secret in secrets if secret in str(told)]
        plain = {"content-type": "text/plain"}
        answer = await client.post("/control/mend", content=b"{}", headers=plain)
        assert answer.status_code == 415
        elsewhere = {"host": "evil.example.com"}
        assert (await client.get("/control", headers=elsewhere)).status_code == 403
        for body in ({}, {"shop": "no-such-shop.myshopify.com"}, {"shop": 7}):
            assert (await client.post("/control/expire", json=body)).status_code == 422


async def test_the_secret_that_signs_is_the_oldest_that_is_left() -> None:
    world = World(days=0.5)
    async with visiting(world) as control, visiting(world, world.shop.domain) as client:
        await token(client)
        app = {
            "client_id": "client",
            "secrets": [SECRET.decode()],
            "app_url": "https://app.example.com/",
            "redirect_uris": [CALLBACK],
            "webhook_url": "https://app.example.com/w",
        }
        assert (await control.post("/control/apps", json=app)).status_code == 200
        page = await client.get("/admin/oauth/authorize", params=ASKED)
        back = parse_qsl(urlsplit(page.headers["location"]).query)
        assert is_genuine_query(back, [SECRET])
        assert not is_genuine_query(back, [OLD_SECRET])
