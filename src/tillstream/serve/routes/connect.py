"""Connecting a store by OAuth: to Shopify and back.

https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant

These are navigations of a browser, not calls of the dashboard: who is signed in is told by the refresh
cookie, which is read and not rotated. Whoever comes back from Shopify has to be the same person, in the
same browser, in the same tenant, with a state that was not used yet; and what Shopify says has to be
signed. Only then is the code exchanged, and our secret goes to nobody but the shop's own host.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, cast

from fastapi import APIRouter, Query, Request, Response

from tillstream.serve.context import Context, InContext
from tillstream.serve.oauth.authorize import app_key_of, set_out, signed_wish, wished
from tillstream.serve.oauth.callback import arrive, connect, exchange
from tillstream.serve.oauth.refusals import AFTER_USE, SignInFirst, TurnedAway, explain
from tillstream.serve.oauth.state_cookie import forget_cookie
from tillstream.serve.problems import answers
from tillstream.serve.routes.auth import RefreshCookie
from tillstream.shopify.domains import parse_shop_domain
from tillstream.shopify.queries import read_query

if TYPE_CHECKING:
    import httpx

router = APIRouter(prefix="/api/auth", tags=["auth"])

_LONGEST_TRANSFER: Final = 128

_ANSWERS: Final = {
    302: {"description": "On to Shopify, to the dashboard, or to a page that says why not."},
    **answers(401, 403, 404, 409, 422, 503),
}


@router.get("/shopify", status_code=302, response_class=Response, responses=_ANSWERS)
async def begin(
    request: Request,
    context: InContext,
    shop: Annotated[str, Query(max_length=255)] = "",
    app: Annotated[str, Query(max_length=64)] = "",
    transfer: Annotated[str, Query(max_length=_LONGEST_TRANSFER)] = "",
    cookie: RefreshCookie = None,
) -> Response:
    """Send the browser to Shopify, to approve that the shop is connected to this account.

    A navigation, signed in by the refresh cookie; takes the role owner. `shop` is the shop's
    `*.myshopify.com` domain, `app` the key of an app other than the default one, `transfer` a code
    that the account gave which has the shop now.
    """
    try:
        return await set_out(context, cookie, wished(shop, app, transfer))
    except (TurnedAway, SignInFirst) as turn:
        return explain(request, context, turn)


@router.get("/install", status_code=302, response_class=Response, responses=_ANSWERS)
async def install(request: Request, context: InContext, cookie: RefreshCookie = None) -> Response:
    """Shopify's App URL: where it sends a merchant who installs or opens the app.

    The query is signed by Shopify. What follows is as for `GET /api/auth/shopify`.
    """
    return await _install(request, context, cookie, "")


@router.get("/install/{app}", status_code=302, response_class=Response, responses=_ANSWERS)
async def install_app(
    app: str, request: Request, context: InContext, cookie: RefreshCookie = None
) -> Response:
    """The App URL of an app other than the default one."""
    return await _install(request, context, cookie, app)


@router.get("/callback", status_code=302, response_class=Response, responses=_ANSWERS)
async def callback(request: Request, context: InContext, cookie: RefreshCookie = None) -> Response:
    """Where Shopify sends the browser back with a code: the store is connected, or it is said why not.

    `/?store=<id>&connected=1` follows, or `/stores?refused=<code>&shop=<domain>` with `state`, `hmac`,
    `shop`, `stale`, `denied`, `exchange`, `scopes` (and `&missing=…`), `taken`, `forbidden` or `app`.
    """
    return await _callback(request, context, cookie, "")


@router.get("/callback/{app}", status_code=302, response_class=Response, responses=_ANSWERS)
async def callback_app(
    app: str, request: Request, context: InContext, cookie: RefreshCookie = None
) -> Response:
    """The same for an app other than the default one."""
    return await _callback(request, context, cookie, app)


async def _install(request: Request, context: Context, cookie: str | None, app: str) -> Response:
    try:
        wish = await signed_wish(context, request.url.query, app_key_of(app, None))
        return await set_out(context, cookie, wish)
    except (TurnedAway, SignInFirst) as turn:
        return explain(request, context, turn)


async def _callback(request: Request, context: Context, cookie: str | None, app: str) -> Response:
    parameters = read_query(request.url.query)
    shop = parse_shop_domain(dict(parameters).get("shop", ""))
    if shop is None:
        return explain(request, context, TurnedAway("shop"))
    try:
        arrival = await arrive(request, context, cookie, parameters, app_key_of(app, shop))
        http = cast("httpx.AsyncClient", request.app.state.shopify)
        grant = await exchange(context, http, arrival)
        response = await connect(request, context, cookie, arrival, grant)
    except TurnedAway as turn:
        response = explain(request, context, turn)
        if turn.code not in AFTER_USE:
            # Whatever somebody made the browser open, the genuine answer may still come.
            return response
    forget_cookie(context, response, shop)
    return response
