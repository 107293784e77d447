"""The API and the dashboard as one ASGI application."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final, cast

from fastapi import FastAPI, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from starlette.exceptions import HTTPException

import tillstream
from tillstream.foundation.clock import Clock, utc_now
from tillstream.serve import description, site
from tillstream.serve.context import Context, JournalProbe, mint_of
from tillstream.serve.edge import Rules
from tillstream.serve.limits import Limits
from tillstream.serve.live import LiveHub
from tillstream.serve.meters import Meters
from tillstream.serve.problems import answer_with_problems
from tillstream.serve.routes import (
    analytics,
    audit,
    auth,
    connect,
    explain,
    keys,
    live,
    order,
    people,
    privacy,
    probes,
    sql_access,
    stores,
)
from tillstream.serve.shell import Shell
from tillstream.shopify.wire import open_http
from tillstream.shops.api_keys import PREFIX as API_KEY_PREFIX
from tillstream.shops.mail import Postbox
from tillstream.shops.recovery import LinkSigner
from tillstream.shops.sealing import Keyring
from tillstream.shops.sql_access import told_endpoint
from tillstream.shops.tokens import TokenRefused

if TYPE_CHECKING:
    import httpx
    from fastapi import APIRouter

    from tillstream.foundation.database import Pool
    from tillstream.foundation.settings import Settings

_ROUTERS: Final[tuple[APIRouter, ...]] = (
    auth.router,
    connect.router,
    people.router,
    keys.router,
    audit.router,
    stores.router,
    analytics.router,
    explain.router,
    order.router,
    live.router,
    sql_access.router,
    privacy.router,
    probes.router,
)


def create_app(
    settings: Settings,
    pool: Pool,
    *,
    listen_url: str,
    journal_status: JournalProbe | None = None,
    clock: Clock = utc_now,
    random: Callable[[int], bytes] = os.urandom,
) -> FastAPI:
    """The application of one API process.

    Args:
        settings: the host, the secrets and the origin that may call from elsewhere.
        pool: connections of the API role; the caller opens and closes it.
        listen_url: where the one listening connection goes, as the API role.
        journal_status: tells where everything accepted is, for /readyz and /metrics.
        clock: the time.
        random: random bytes for tokens; a cryptographic source.

    Its lifespan runs the live hub: a server has to run it.
    """
    context = Context(
        settings=settings,
        pool=pool,
        mint=mint_of(settings),
        links=LinkSigner.of(settings.jwt_secret),
        postbox=Postbox(settings.mail_server),
        keyring=Keyring.from_settings(settings),
        host=settings.host,
        live=LiveHub(pool, listen_url, clock),
        meters=Meters(),
        frontend_url=settings.frontend_url,
        journal_status=journal_status,
        sql_endpoint=told_endpoint(settings),
        clock=clock,
        random=random,
    )
    app = bare_app(_lifespan)
    app.state.context = context
    app.state.shopify = open_http(settings.shopify_address)
    _serve_site(app, site.packaged_site())
    app.add_middleware(
        Limits, rules=Rules.from_settings(settings), account_of=partial(_account_of, context)
    )
    if settings.frontend_url is not None:
        _let_call(app, settings.frontend_url)
    app.add_middleware(Shell, meters=context.meters, secure=context.secure)
    return app


def bare_app(
    lifespan: Callable[[FastAPI], object] | None = None,
) -> FastAPI:
    """The calls and their description, connected to nothing."""
    app = FastAPI(
        title="Tillstream",
        version=getattr(tillstream, "__version__", "0"),
        summary="A store's figures, live.",
        description=description.TEXT,
        openapi_url="/api/openapi.json",
        openapi_tags=description.TAGS,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,  # pyright: ignore[reportArgumentType]
        generate_unique_id_function=description.operation_id,
    )
    for router in _ROUTERS:
        app.include_router(router)
    answer_with_problems(app)
    description.describe(app)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncGenerator[None]:
    context = cast("Context", app.state.context)
    shopify = cast("httpx.AsyncClient", app.state.shopify)
    async with shopify, context.live.running():
        yield
    await context.afterwards.settle()


def _account_of(context: Context, token: str) -> str | None:
    """Whom a token speaks for, told apart from all others, for counting; None if it is no good."""
    if token.startswith(API_KEY_PREFIX):
        # Whether there is such a key is seen later; nobody else's can be guessed to use up.
        return f"key {hashlib.sha256(token.encode('utf-8', 'surrogatepass')).hexdigest()}"
    try:
        bearer = context.mint.read(token, context.clock())
    except TokenRefused:
        return None
    return f"user {bearer.user_id}"


def _let_call(app: FastAPI, origin: str) -> None:
    """Let another origin's pages call the API, with the cookie."""
    app.add_middleware(
        CORSMiddleware,
        allow_origins=[origin],
        allow_credentials=True,
        allow_methods=["GET", "POST", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Last-Event-ID"],
        expose_headers=["Retry-After"],
        max_age=600,
    )


def _serve_site(app: FastAPI, pages: Mapping[str, site.Page]) -> None:
    async def page(request: Request) -> Response:
        path = str(request.scope["path"])
        found = None if path == "/api" or path.startswith("/api/") else site.answer(pages, request)
        if found is None:
            raise HTTPException(404)
        return found

    # Last, so that it only gets what no call wanted.
    app.add_api_route(
        "/{path:path}",
        page,
        methods=["GET", "HEAD"],
        include_in_schema=False,
        response_model=None,
    )
