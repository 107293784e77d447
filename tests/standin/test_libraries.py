"""Shopify's own libraries find in the stand-in what they find at Shopify.

Real: both libraries, unchanged, the stand-in's process, HTTP. Pretended: DNS and TLS, which would lead
to Shopify. Whatever the libraries refuse, the stand-in does wrong.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import httpx
import jwt
import pytest

from tests.simulator.receiver import receiving
from tests.standin.process import CLIENT_ID, SECRET, query_of

if TYPE_CHECKING:
    from tests.standin.conftest import Library
    from tests.standin.process import PretendShopify

SHOP = "oak-and-ash.myshopify.com"
CALLBACK = "https://app.example.com/auth/callback"
SCOPES = ["read_customers", "read_orders", "read_products"]

SHOP_QUERY = "query { shop { name myshopifyDomain ianaTimezone currencyCode } }"
SUBSCRIBE = """
mutation ($topic: WebhookSubscriptionTopic!, $subscription: WebhookSubscriptionInput!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $subscription) {
    webhookSubscription { id topic uri apiVersion { handle } }
    userErrors { field message }
  }
}"""


@pytest.fixture(autouse=True)
def _registered(shopify: PretendShopify) -> None:
    """The app that the libraries are set up as, installed nowhere."""
    shopify.control(
        "apps",
        client_id=CLIENT_ID,
        secrets=[SECRET.decode()],
        app_url="https://app.example.com/",
        redirect_uris=[CALLBACK],
        webhook_url="https://app.example.com/webhooks",
    )
    for _ in shopify.installations(SHOP):
        shopify.control("uninstall", shop=SHOP)


# -- Python --------------------------------------------------------------------------------------


def _python_token(shopify: PretendShopify, library: Library) -> str:
    address = library(
        "permission_url", shop=SHOP, scopes=SCOPES, redirect_uri=CALLBACK, state="a state"
    )
    back = shopify.answer(shopify.here(address))
    assert back.startswith(CALLBACK)
    params = dict(query_of(back))
    assert params["state"] == "a state"
    got = library("request_token", shop=SHOP, params=params)
    assert got["scopes"] == SCOPES
    # A code works once; and nobody believes a query that was changed.
    again = library.ask("request_token", shop=SHOP, params=params)
    assert "HTTP Error 400" in again["error"]
    changed = params | {"shop": "second-shop.myshopify.com"}
    refused = library.ask("request_token", shop=SHOP, params=changed)
    assert "ValidationException" in refused["error"]
    return got["token"]


def test_python_gets_a_token_and_asks(shopify: PretendShopify, python_library: Library) -> None:
    token = _python_token(shopify, python_library)
    told = python_library("graphql", shop=SHOP, token=token, query=SHOP_QUERY, variables={})
    assert told["data"]["shop"]["myshopifyDomain"] == SHOP
    assert told["extensions"]["cost"]["actualQueryCost"] == 1
    subscription = {"uri": "https://app.example.com/webhooks", "format": "JSON"}
    asked = {"topic": "ORDERS_CREATE", "subscription": subscription}
    told = python_library("graphql", shop=SHOP, token=token, query=SUBSCRIBE, variables=asked)
    made = told["data"]["webhookSubscriptionCreate"]
    assert made["userErrors"] == []
    assert made["webhookSubscription"]["apiVersion"]["handle"] == "2026-10"
    told = python_library("graphql", shop=SHOP, token=token, query=SUBSCRIBE, variables=asked)
    assert told["data"]["webhookSubscriptionCreate"]["userErrors"][0]["field"] == [
        "webhookSubscription",
        "uri",
    ]


def test_python_is_refused_with_a_dead_token(
    shopify: PretendShopify, python_library: Library
) -> None:
    token = _python_token(shopify, python_library)
    shopify.control("uninstall", shop=SHOP)
    told = python_library.ask("graphql", shop=SHOP, token=token, query=SHOP_QUERY, variables={})
    assert "HTTP Error 401" in told["error"]


# -- Node ----------------------------------------------------------------------------------------


def _node_session(
    shopify: PretendShopify, library: Library, *, online: bool = False
) -> dict[str, Any]:
    begun = library("begin", shop=SHOP, online=online)
    assert begun["status"] == 302
    back = shopify.answer(shopify.here(begun["location"]))
    cookies: list[str] = (
        [begun["cookies"]] if isinstance(begun["cookies"], str) else begun["cookies"]
    )
    cookie = "; ".join(part.split(";")[0] for part in cookies)
    path = back.removeprefix("https://app.example.com")
    session = library("callback", path=path, cookie=cookie, expiring=not online)
    forged = path.replace("code=", "code=0")
    refused = library.ask("callback", path=forged, cookie=cookie, expiring=True)
    assert "InvalidOAuthError" in refused["error"]
    return session


def test_node_gets_tokens_that_expire_and_refreshes_them(
    shopify: PretendShopify, node_library: Library
) -> None:
    session = _node_session(shopify, node_library)
    assert session["shop"] == SHOP
    assert sorted(session["scope"].split(",")) == SCOPES
    assert session["accessToken"].startswith("shpat_")
    first = session["refreshToken"]
    second = node_library("refresh", shop=SHOP, refreshToken=first)
    # The answer might have been lost: until the second is used, the first is good.
    third = node_library("refresh", shop=SHOP, refreshToken=first)
    assert len({first, second["refreshToken"], third["refreshToken"]}) == 3
    assert "error" in node_library.ask("refresh", shop=SHOP, refreshToken=second["refreshToken"])
    node_library("refresh", shop=SHOP, refreshToken=third["refreshToken"])
    assert "error" in node_library.ask("refresh", shop=SHOP, refreshToken=first)
    # Access tokens live out their hour all the same.
    told = node_library(
        "graphql", shop=SHOP, token=session["accessToken"], query=SHOP_QUERY, variables={}
    )
    assert told["data"]["shop"]["name"] == "Oak And Ash"


def test_node_gets_a_token_of_one_person(shopify: PretendShopify, node_library: Library) -> None:
    session = _node_session(shopify, node_library, online=True)
    assert session["isOnline"]
    assert session["onlineAccessInfo"]["associated_user"]["account_owner"]


def test_node_exchanges_session_tokens_and_old_tokens(
    shopify: PretendShopify, python_library: Library, node_library: Library
) -> None:
    # Python's library knows no tokens that expire: what it got can be exchanged, once.
    old = _python_token(shopify, python_library)
    migrated = node_library("migrate", shop=SHOP, token=old)
    assert migrated["refreshToken"].startswith("shprt_")
    told = python_library.ask("graphql", shop=SHOP, token=old, query=SHOP_QUERY, variables={})
    assert "HTTP Error 401" in told["error"]
    now = int(time.time())
    claims = {
        "iss": f"https://{SHOP}/admin",
        "dest": f"https://{SHOP}",
        "aud": CLIENT_ID,
        "sub": "42",
        "exp": now + 60,
        "nbf": now,
        "iat": now,
        "jti": "once",
        "sid": "a session",
    }
    token = jwt.encode(claims, SECRET, "HS256")
    exchanged = node_library("exchange", shop=SHOP, sessionToken=token)
    assert exchanged["accessToken"] != migrated["accessToken"]
    forged = jwt.encode(claims, b"a secret that is not the app's, and long enough", "HS256")
    assert "error" in node_library.ask("exchange", shop=SHOP, sessionToken=forged)


async def test_node_registers_webhooks_and_believes_what_is_delivered(
    shopify: PretendShopify, node_library: Library
) -> None:
    session = _node_session(shopify, node_library)
    token = session["accessToken"]
    handlers = {"ORDERS_CREATE": "/api/webhook", "PRODUCTS_UPDATE": "/api/webhook"}
    registered = node_library("register", shop=SHOP, token=token, handlers=handlers)
    assert {t: [one["success"] for one in made] for t, made in registered.items()} == {
        "ORDERS_CREATE": [True],
        "PRODUCTS_UPDATE": [True],
    }
    present = shopify.installations(SHOP)[0]["subscriptions"]
    assert {(s["topic"], s["uri"], s["api_version"]) for s in present} == {
        ("orders/create", "https://app.example.com/api/webhook", "2026-07"),
        ("products/update", "https://app.example.com/api/webhook", "2026-07"),
    }
    async with receiving() as receiver:
        # A second subscription, to where something listens.
        variables = {
            "topic": "ORDERS_CREATE",
            "subscription": {"uri": f"{receiver.url}/api/webhook"},
        }
        node_library("graphql", shop=SHOP, token=token, query=SUBSCRIBE, variables=variables)
        sold = shopify.control("sell", shop=SHOP)["orders"][0]
        await receiver.until(1)
        delivered = receiver.accepted[0]
    body = delivered.body.decode()
    case = {"body": body, "headers": delivered.headers}
    tampered = case | {"body": body.replace('"id"', '"di"', 1)}
    genuine, refused = node_library("deliveries", cases=[case, tampered])
    assert genuine["valid"]
    assert (genuine["topic"], genuine["domain"]) == ("ORDERS_CREATE", SHOP)
    assert genuine["apiVersion"] == "2026-07"
    assert not refused["valid"]
    assert sold["id"].encode() in delivered.body


def test_node_waits_where_it_is_throttled(shopify: PretendShopify, node_library: Library) -> None:
    token = _node_session(shopify, node_library)["accessToken"]
    # It repeats what was answered with 429, after as long as it is told to wait.
    shopify.control("faults", place="graphql", kind="status", status=429, retry_after=0.1)
    told = node_library("graphql", shop=SHOP, token=token, query=SHOP_QUERY, variables={})
    assert told["data"]["shop"]["myshopifyDomain"] == SHOP
    assert shopify.state()["faults"] == []


# -- the merchant --------------------------------------------------------------------------------


def test_a_merchant_says_no(shopify: PretendShopify, python_library: Library) -> None:
    address = python_library(
        "permission_url", shop=SHOP, scopes=SCOPES, redirect_uri=CALLBACK, state="s"
    )
    back = dict(query_of(shopify.answer(shopify.here(address), agree=False)))
    assert back["error"] == "access_denied"
    assert python_library("valid", cases=[back]) == [True]
    assert shopify.installations(SHOP) == []


def test_nobody_is_sent_where_the_app_did_not_say(
    shopify: PretendShopify, python_library: Library
) -> None:
    elsewhere = "https://elsewhere.example.com/auth/callback"
    address = python_library(
        "permission_url", shop=SHOP, scopes=SCOPES, redirect_uri=elsewhere, state="s"
    )
    assert httpx.get(shopify.here(address)).status_code == 400
