"""The stand-in over HTTP, on loopback.

A shop is found by the Host header, as the official libraries ask, or by the first part of the
path, for those that cannot set one: ``/{shop}/admin/…``.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any, Final

from granian.constants import Interfaces
from granian.server.embed import Server
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse
from starlette.routing import Route

from tillstream.shopify.domains import parse_shop_domain
from tillstream.simulator.admin import api, control, oauth, pages
from tillstream.simulator.admin.misbehaviour import misbehave, undo
from tillstream.simulator.admin.oauth import PAGE_HEADERS, read_form
from tillstream.simulator.admin.versions import served_as

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from tillstream.simulator.admin.consent import App, Installation
    from tillstream.simulator.admin.living import LivingShop
    from tillstream.simulator.admin.standin import StandIn

_RECENT_CUSTOMERS: Final = 25


def create_application(standin: StandIn) -> ASGIApp:
    """The whole of it as one ASGI application."""
    inside = Starlette(
        routes=[
            Route("/admin", _apps, methods=["GET"]),
            Route("/admin/apps/uninstall", _uninstall, methods=["POST"]),
            Route("/admin/privacy", _privacy, methods=["POST"]),
            Route("/admin/sell", _sell, methods=["POST"]),
            Route("/admin/oauth/authorize", oauth.authorize, methods=["GET"]),
            Route("/admin/oauth/approve", oauth.approve, methods=["POST"]),
            Route("/admin/oauth/access_token", oauth.access_token, methods=["POST"]),
            Route("/admin/api/{version}/graphql.json", _graphql, methods=["POST"]),
        ]
    )
    outside = Starlette(
        routes=[
            Route("/", _shops, methods=["GET"]),
            Route("/healthz", _healthy, methods=["GET"]),
            Route("/bulk/{file}.jsonl", _result, methods=["GET"]),
            *control.routes(),
        ]
    )
    inside.state.standin = outside.state.standin = standin
    return _ByShop(standin, inside, outside)


class _ByShop:
    """Finds the shop that a request is for."""

    def __init__(self, standin: StandIn, inside: ASGIApp, outside: ASGIApp) -> None:
        self._standin = standin
        self._inside = inside
        self._outside = outside

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        domain, base, rest = _addressed(scope)
        if domain is None:
            await self._outside(scope, receive, send)
            return
        shop = self._standin.shops.get(domain)
        if shop is None:
            page = pages.problem_page("No such shop", f"{domain} is none of the pretended shops.")
            await HTMLResponse(page, 404, headers=PAGE_HEADERS)(scope, receive, send)
            return
        narrowed = {**scope, "path": base + rest, "root_path": base, "shop": shop}
        await self._inside(narrowed, receive, send)


def _addressed(scope: Scope) -> tuple[str | None, str, str]:
    """The shop's domain (None for none), the base of its paths, and the path below it."""
    path: str = scope["path"]
    first, _, rest = path.removeprefix("/").partition("/")
    domain = parse_shop_domain(first)
    if domain is not None:
        return domain, f"/{first}", f"/{rest}"
    hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
    host = hosts[0].partition(":")[0] if hosts else ""
    return parse_shop_domain(host), "", path


# -- the API -------------------------------------------------------------------------------------


async def _graphql(request: Request) -> Response:
    standin, shop = _where(request)
    fault = standin.faults.next("graphql", shop.domain)
    early = await misbehave(fault)
    if early is not None:
        return early
    token = request.headers.get("x-shopify-access-token", "")
    installation = standin.consent.holder(shop.domain, token, standin.clock())
    if installation is None:
        return JSONResponse({"errors": "The access token is unknown, expired or revoked."}, 401)
    version = served_as(request.path_params["version"], standin.clock())
    if version is None:
        return JSONResponse({"errors": "There is no such version of the API."}, 404)
    question = _question(request, await request.body())
    if question is None:
        return JSONResponse({"errors": "The body holds no GraphQL document."}, 400)
    context = standin.context(installation, version)
    if fault is not None and fault.kind == "throttle":
        told = api.throttled(1, context, installation.bucket)
    else:
        told = api.answer(question, context, installation.bucket)
    headers = {"x-shopify-api-version": version, "x-request-id": standin.uuid()}
    return undo(fault, JSONResponse(told, headers=headers))


def _question(request: Request, body: bytes) -> api.Question | None:
    if request.headers.get("content-type", "").startswith("application/graphql"):
        return api.Question(body.decode("utf-8", "replace"), {})
    try:
        said: Any = json.loads(body)
        document: Any = said["query"]
        variables: Any = said.get("variables") or {}
        name = said.get("operationName")
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    fit = isinstance(document, str) and isinstance(variables, dict)
    return api.Question(document, variables, name) if fit else None


async def _result(request: Request) -> Response:
    standin: StandIn = request.app.state.standin
    lines = standin.result(
        request.path_params["file"],
        request.query_params.get("Expires", ""),
        request.query_params.get("Signature", ""),
    )
    if lines is None:
        return PlainTextResponse("The address is no good, or no longer.\n", 403)
    return PlainTextResponse(b"".join(lines), media_type="application/jsonl")


# -- pages ---------------------------------------------------------------------------------------


async def _healthy(_: Request) -> Response:
    return PlainTextResponse("ok\n")


async def _shops(request: Request) -> Response:
    standin: StandIn = request.app.state.standin
    listed = [(f"/{domain}", shop) for domain, shop in standin.shops.items()]
    return HTMLResponse(pages.shops_page(listed), headers=PAGE_HEADERS)


async def _apps(request: Request) -> Response:
    standin, shop = _where(request)
    apps = list(standin.consent.apps.values())
    known = [c for c in shop.ledger.customers.values() if not c.deleted]
    page = pages.apps_page(
        request.scope["root_path"],
        shop,
        apps,
        {found.app.client_id: found for found in standin.consent.on(shop.domain)},
        {app.client_id: _entry(standin, app, shop) for app in apps},
        sorted(known, key=lambda c: c.updated_at, reverse=True)[:_RECENT_CUSTOMERS],
    )
    return HTMLResponse(page, headers=PAGE_HEADERS)


def _entry(standin: StandIn, app: App, shop: LivingShop) -> str:
    """Where the app begins, with the signature that says who comes."""
    return pages.with_query(app.app_url, standin.signed_query(app, shop.domain))


async def _uninstall(request: Request) -> Response:
    return await _act(request, lambda standin, found, _: standin.uninstall(found))


async def _privacy(request: Request) -> Response:
    def demand(standin: StandIn, installation: Installation, form: dict[str, str]) -> None:
        shop = standin.shops[installation.shop]
        customer = shop.ledger.customers.get(int(form.get("customer") or 0))
        if customer is not None and form.get("topic") == "customers/redact":
            standin.redact_customer(installation, customer)
        elif customer is not None:
            standin.ask_for_data(installation, customer)

    return await _act(request, demand)


async def _sell(request: Request) -> Response:
    standin, shop = _where(request)
    standin.sell(shop)
    return RedirectResponse(f"{request.scope['root_path']}/admin", 303)


async def _act(
    request: Request, act: Callable[[StandIn, Installation, dict[str, str]], None]
) -> Response:
    """Do something to the installation that a form names, and show the page again."""
    standin, shop = _where(request)
    form = await read_form(request)
    found = standin.consent.installations.get((shop.domain, form.get("client_id", "")))
    if found is not None:
        act(standin, found, form)
    return RedirectResponse(f"{request.scope['root_path']}/admin", 303)


def _where(request: Request) -> tuple[StandIn, LivingShop]:
    return request.app.state.standin, request.scope["shop"]


# -- serving -------------------------------------------------------------------------------------


async def serve(
    standin: StandIn, port: int, stop: asyncio.Event, ready: Callable[[], None]
) -> None:
    """Listen on loopback, and let time pass, until told to stop."""
    logging.getLogger("_granian").setLevel(logging.CRITICAL)
    server = Server(
        create_application(standin),
        address="127.0.0.1",
        port=port,
        interface=Interfaces.ASGI,
        websockets=False,
        log_enabled=False,
    )
    tasks: list[asyncio.Task[Any]] = [
        asyncio.create_task(server.serve()),
        asyncio.create_task(stop.wait()),
        asyncio.create_task(standin.run()),
        asyncio.create_task(_when_open(port, ready)),
    ]
    serving, stopping, living, opening = tasks
    try:
        await asyncio.wait((serving, stopping, living), return_when=asyncio.FIRST_COMPLETED)
    finally:
        server.stop()
        for task in (stopping, living, opening):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in (serving, living):
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error


async def _when_open(port: int, ready: Callable[[], None]) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            ready()
            return
