"""A small Shopify of the tests' own: codes, chains of refresh tokens, and subscriptions, over real HTTP.

It keeps Shopify's rules of tokens: a code works once; a new chain ends the one before it; a used refresh
token stays good until its successor is used. What it was asked is kept, so that a test can see that
nothing was sent where it should not be.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

API_VERSION = "2026-10"
SCOPES = "read_orders,read_customers,read_products"
COST = {
    "requestedQueryCost": 10,
    "actualQueryCost": 10,
    "throttleStatus": {
        "maximumAvailable": 2000.0,
        "currentlyAvailable": 1990,
        "restoreRate": 100.0,
    },
}
"""What each answer says that it cost: there are always points left here."""


@dataclass
class Shop:
    """One shop at which one app is (or was) installed."""

    domain: str
    scopes: str = SCOPES
    expiring: bool = True
    code: str | None = None
    access: set[str] = field(default_factory=set[str])
    refresh: set[str] = field(default_factory=set[str])
    """The refresh tokens that are good now: the newest, and the one before while that is unused."""
    subscriptions: dict[str, dict[str, Any]] = field(default_factory=dict[str, "dict[str, Any]"])
    refreshed: int = 0
    lose_answers: int = 0
    """Answers to refreshes that are made and then not sent."""
    status: int = 200
    """What everything is answered with, if not 200."""
    name: str = "Ada's Teas"
    myshopify_domain: str | None = None
    refused_topics: set[str] = field(default_factory=set[str])


@dataclass
class PretendShopify:
    """All shops by domain, one app."""

    client_id: str = "client-of-the-tests"
    secrets: tuple[str, ...] = ("shpss_of_the_tests",)
    shops: dict[str, Shop] = field(default_factory=dict[str, Shop])
    asked: list[tuple[str, dict[str, Any]]] = field(
        default_factory=list["tuple[str, dict[str, Any]]"]
    )
    port: int = 0
    _ids: count[int] = field(default_factory=lambda: count(1))

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def shop(self, domain: str, **details: Any) -> Shop:
        """That shop, installed now."""
        return self.shops.setdefault(domain, Shop(domain, **details))

    def approve(self, domain: str) -> str:
        """The merchant approves: a code."""
        shop = self.shop(domain)
        shop.code = f"code-{next(self._ids)}"
        return shop.code

    def uninstall(self, domain: str) -> None:
        """The merchant uninstalls the app: every token ends."""
        shop = self.shops[domain]
        shop.access.clear()
        shop.refresh.clear()
        shop.subscriptions.clear()

    def answer(self, path: str, headers: dict[str, str], body: dict[str, Any]) -> Any:
        """Status and JSON; None to cut the line."""
        self.asked.append((path, body))
        _, domain, rest = path.split("/", 2)
        shop = self.shops.get(domain)
        if shop is None:
            return 404, {"errors": "Not Found"}
        if shop.status != 200:
            return shop.status, {"errors": "as told"}
        if rest == "admin/oauth/access_token":
            return self._token(shop, body)
        if rest == f"admin/api/{API_VERSION}/graphql.json":
            status, told = self._graphql(shop, headers.get("x-shopify-access-token", ""), body)
            return status, {**told, "extensions": {"cost": COST}}
        return 404, {"errors": "Not Found"}

    def _token(self, shop: Shop, body: dict[str, Any]) -> Any:
        if body.get("client_id") != self.client_id or body.get("client_secret") not in self.secrets:
            return 401, {"error": "invalid_client"}
        if body.get("grant_type") == "refresh_token":
            return self._refresh(shop, body)
        if shop.code is None or body.get("code") != shop.code:
            return 400, {"error": "invalid_request"}
        shop.code = None
        shop.refresh.clear()
        return 200, self._pair(shop, keep=None)

    def _refresh(self, shop: Shop, body: dict[str, Any]) -> Any:
        given = cast("str", body.get("refresh_token"))
        if given not in shop.refresh:
            return 400, {"error": "invalid_grant"}
        shop.refreshed += 1
        answer = self._pair(shop, keep=given)
        if shop.lose_answers:
            shop.lose_answers -= 1
            return None
        return 200, answer

    def _pair(self, shop: Shop, keep: str | None) -> dict[str, Any]:
        number = next(self._ids)
        access, refresh = f"shpat_{number}", f"shprt_{number}"
        shop.access.add(access)
        if not shop.expiring:
            return {"access_token": access, "scope": shop.scopes}
        shop.refresh = {refresh} if keep is None else {keep, refresh}
        return {
            "access_token": access,
            "scope": shop.scopes,
            "expires_in": 3600,
            "refresh_token": refresh,
            "refresh_token_expires_in": 7_776_000,
        }

    def _graphql(self, shop: Shop, token: str, body: dict[str, Any]) -> Any:
        if token not in shop.access:
            return 401, {"errors": "[API] Invalid API key or access token"}
        document, variables = cast("str", body["query"]), cast("dict[str, Any]", body["variables"])
        if "webhookSubscriptionCreate" in document:
            return 200, {"data": {"webhookSubscriptionCreate": self._create(shop, variables)}}
        if "webhookSubscriptionDelete" in document:
            gone = shop.subscriptions.pop(variables["id"], None)
            deleted = None if gone is None else variables["id"]
            payload: dict[str, Any] = {"deletedWebhookSubscriptionId": deleted, "userErrors": []}
            return 200, {"data": {"webhookSubscriptionDelete": payload}}
        if "webhookSubscriptions" in document:
            nodes = list(shop.subscriptions.values())
            page = {"hasNextPage": False, "endCursor": None}
            return 200, {"data": {"webhookSubscriptions": {"nodes": nodes, "pageInfo": page}}}
        return 200, {"data": self._about(shop)}

    def _about(self, shop: Shop) -> dict[str, Any]:
        return {
            "shop": {
                "name": shop.name,
                "myshopifyDomain": shop.myshopify_domain or shop.domain,
                "ianaTimezone": "Europe/Berlin",
                "currencyCode": "EUR",
            },
            "currentAppInstallation": {
                "accessScopes": [{"handle": scope} for scope in shop.scopes.split(",")]
            },
        }

    def _create(self, shop: Shop, variables: dict[str, Any]) -> dict[str, Any]:
        topic, uri = variables["topic"], variables["subscription"]["uri"]
        if topic in shop.refused_topics:
            said = [{"field": ["topic"], "message": "You cannot create this subscription"}]
            return {"webhookSubscription": None, "userErrors": said}
        taken = any(
            one["topic"] == topic and one["uri"] == uri for one in shop.subscriptions.values()
        )
        if taken:
            said = [{"field": ["uri"], "message": "Address for this topic has already been taken"}]
            return {"webhookSubscription": None, "userErrors": said}
        return {"webhookSubscription": self.subscribe(shop, topic, uri), "userErrors": []}

    def subscribe(
        self, shop: Shop, topic: str, uri: str, version: str = API_VERSION
    ) -> dict[str, Any]:
        """Put a subscription there; ``topic`` as GraphQL names it."""
        made: dict[str, Any] = {
            "id": f"gid://shopify/WebhookSubscription/{next(self._ids)}",
            "topic": topic,
            "uri": uri,
            "format": "JSON",
            "filter": "",
            "includeFields": [],
            "apiVersion": {"handle": version},
        }
        shop.subscriptions[made["id"]] = made
        return made


async def _serve(
    shopify: PretendShopify, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {
                name.lower(): value.strip()
                for name, _, value in (line.partition(":") for line in head[1:] if line)
            }
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            answer = shopify.answer(head[0].split(" ")[1], headers, json.loads(body or b"{}"))
            if answer is None:
                break
            told = json.dumps(answer[1]).encode()
            line = f"HTTP/1.1 {answer[0]} Said\r\nContent-Type: application/json\r\n"
            writer.write(line.encode() + f"Content-Length: {len(told)}\r\n\r\n".encode() + told)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def pretend_shopify(**details: Any) -> AsyncGenerator[PretendShopify]:
    shopify = PretendShopify(**details)
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await _serve(shopify, reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    shopify.port = server.sockets[0].getsockname()[1]
    try:
        yield shopify
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
