"""Connecting a store by OAuth: to Shopify and back.

https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant

These are navigations of a browser, not calls of the dashboard: who is signed in is told by the refresh
cookie, which is read and not rotated. Whoever comes back from Shopify has to be the same person, in the
same browser, in the same tenant, with a state that was not used yet; and what Shopify says has to be
signed. Only then is the code exchanged, and our secret goes to nobody but the shop's own host.

Each turn-away is a redirect to a page that explains it, or a problem for who asks for JSON.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Final, cast
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from tillstream.foundation.database import tenant_transaction
from tillstream.serve.context import Context, InContext
from tillstream.serve.problems import UNAUTHENTICATED, Kind, answers, problem_response
from tillstream.serve.routes.auth import RefreshCookie
from tillstream.shopify.domains import parse_shop_domain
from tillstream.shopify.grants import Grant, GrantRefused, authorization_address, exchange_code
from tillstream.shopify.queries import is_fresh, is_genuine_query, read_query
from tillstream.shopify.scopes import missing_scopes, parse_scopes
from tillstream.shops import connections
from tillstream.shops.apps import AppCredentials, credentials_of, parse_app_key
from tillstream.shops.audit import note
from tillstream.shops.connections import Journey, Pending, Traveller
from tillstream.shops.refusals import AppKeyMalformed, DomainTaken
from tillstream.shops.sessions import RefreshToken, RefreshTokenMalformed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    import httpx

    from tillstream.foundation.database import Connection

router = APIRouter(prefix="/api/auth", tags=["auth"])

COOKIE: Final = "tillstream_state"
"""Followed by a digest of the shop: so tabs that connect several shops do not clash."""
_COOKIE_PATH: Final = "/api/auth/callback"
_LONGEST_TRANSFER: Final = 128

# What the pages are told, and what who asks for JSON is answered.
_REFUSALS: Final[Mapping[str, tuple[Kind, str]]] = {
    "state": (
        Kind("oauth-state", 403, "Not the same browser"),
        (
            "This answer of Shopify's belongs to no connection that was begun in this browser by this "
            "user within ten minutes, or it was used already. Begin again."
        ),
    ),
    "hmac": (
        Kind("oauth-signature", 401, "Signature wrong"),
        "What came back was not signed by Shopify with a secret of this app.",
    ),
    "shop": (
        Kind("oauth-shop", 422, "No shop domain"),
        "A shop's domain looks like your-shop.myshopify.com.",
    ),
    "stale": (
        Kind("oauth-stale", 403, "Too old"),
        "Shopify's answer was too old. Begin again.",
    ),
    "denied": (
        Kind("oauth-denied", 403, "Not approved"),
        "The connection was not approved in Shopify.",
    ),
    "exchange": (
        Kind("oauth-exchange", 503, "Shopify gave no token"),
        (
            "Shopify did not give a token for its code. Begin again; if it stays so, check the app's "
            "client id and secret."
        ),
    ),
    "scopes": (
        Kind("oauth-scopes", 403, "Permissions missing"),
        "Some of the permissions that Tillstream needs were not granted.",
    ),
    "taken": (
        Kind("store-connected", 409, "Store connected already"),
        (
            "The shop is connected to another account. An owner there can give you a code to take it "
            "over, or remove it."
        ),
    ),
    "forbidden": (
        Kind("forbidden", 403, "Not allowed"),
        "Connecting a store takes the role owner.",
    ),
    "app": (
        Kind("oauth-app", 404, "No such app"),
        (
            "There is no such app here, or its client id or secret is not set. The operator of this "
            "installation can set SHOPIFY_API_KEY, or add it with `tillstream app add`."
        ),
    ),
}


_AFTER_USE: Final = frozenset({"exchange", "scopes", "taken"})
"""The refusals that come when the state has been used up."""


class TurnedAway(Exception):
    """The way ends here. ``shop`` is a checked domain or None; ``missing`` are scopes."""

    def __init__(self, code: str, shop: str | None = None, missing: Sequence[str] = ()) -> None:
        super().__init__(code)
        self.code = code
        self.shop = shop
        self.missing = tuple(missing)


class _SignInFirst(Exception):
    """Nobody is signed in; ``path`` is where to go on afterwards."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


@dataclass(frozen=True)
class _Wish:
    """What somebody wants to connect."""

    shop: str
    app_key: str
    transfer: str = field(default="", repr=False)

    @property
    def path(self) -> str:
        """The local address that begins it."""
        told = {"shop": self.shop, "app": self.app_key, "transfer": self.transfer}
        return "/api/auth/shopify?" + urlencode({k: v for k, v in told.items() if v})


@dataclass(frozen=True)
class _Arrival:
    """Somebody back from Shopify, of whom everything has been checked but the code."""

    traveller: Traveller
    pending: Pending
    credentials: AppCredentials
    state: str = field(repr=False)
    code: str = field(repr=False)
    timestamp: str


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
        return await _set_out(context, cookie, _wish(shop, app, transfer))
    except (TurnedAway, _SignInFirst) as turn:
        return _explain(request, context, turn)


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


# -- To Shopify ------------------------------------------------------------------------------------


def _wish(shop: str, app: str, transfer: str) -> _Wish:
    domain = parse_shop_domain(shop.strip())
    if domain is None:
        raise TurnedAway("shop")
    return _Wish(domain, _app_key(app, domain), transfer.strip())


def _app_key(app: str, shop: str | None) -> str:
    try:
        return parse_app_key(app) if app else ""
    except AppKeyMalformed as error:
        raise TurnedAway("app", shop) from error


async def _install(request: Request, context: Context, cookie: str | None, app: str) -> Response:
    try:
        wish = await _signed_wish(context, request.url.query, _app_key(app, None))
        return await _set_out(context, cookie, wish)
    except (TurnedAway, _SignInFirst) as turn:
        return _explain(request, context, turn)


async def _signed_wish(context: Context, query: str, app_key: str) -> _Wish:
    """What Shopify's own link asks for.

    Raises:
        TurnedAway: if it is not Shopify's, or an old one.
    """
    parameters = read_query(query)
    told = dict(parameters)
    shop = parse_shop_domain(told.get("shop", ""))
    if shop is None:
        raise TurnedAway("shop")
    credentials = await _app(context, app_key, shop)
    if not is_genuine_query(parameters, credentials.secrets):
        raise TurnedAway("hmac", shop)
    if not is_fresh(told.get("timestamp", ""), context.clock()):
        raise TurnedAway("stale", shop)
    return _Wish(shop, app_key)


async def _set_out(context: Context, cookie: str | None, wish: _Wish) -> Response:
    token = _refresh_token(cookie)
    if token is None:
        raise _SignInFirst(wish.path)
    now = context.clock()
    journey = Journey.draw(context.random)
    async with tenant_transaction(context.pool, token.tenant_id) as connection:
        traveller = await connections.traveller_of(connection, token, now)
        if traveller is None:
            raise _SignInFirst(wish.path)
        if traveller.role != "owner":
            raise TurnedAway("forbidden", wish.shop)
        own = None
        if not wish.app_key:
            own = await connections.own_client_id(connection, token.tenant_id, wish.shop)
        credentials = await credentials_of(
            connection, context.keyring, context.settings, wish.app_key
        )
        client_id = own or ("" if credentials is None else credentials.client_id)
        if credentials is None or not client_id:
            raise TurnedAway("app", wish.shop)
        await connections.set_out(
            connection,
            traveller,
            journey,
            domain=wish.shop,
            app_key=wish.app_key,
            client_id=own,
            transfer=wish.transfer,
            now=now,
        )
    response = _redirect(
        authorization_address(
            wish.shop,
            client_id,
            credentials.scopes,
            _callback_address(context, wish.app_key),
            journey.state,
            stand_in=context.settings.shopify_address,
        )
    )
    _set_cookie(context, response, wish.shop, token.tenant_id, journey)
    return response


def _callback_address(context: Context, app_key: str) -> str:
    end = f"/{app_key}" if app_key else ""
    return f"{context.host}/api/auth/callback{end}"


async def _app(context: Context, app_key: str, shop: str) -> AppCredentials:
    async with context.pool.connection() as connection:
        found = await credentials_of(connection, context.keyring, context.settings, app_key)
    if found is None or not found.client_id or not found.secrets:
        raise TurnedAway("app", shop)
    return found


# -- And back --------------------------------------------------------------------------------------


async def _callback(request: Request, context: Context, cookie: str | None, app: str) -> Response:
    parameters = read_query(request.url.query)
    shop = parse_shop_domain(dict(parameters).get("shop", ""))
    if shop is None:
        return _explain(request, context, TurnedAway("shop"))
    try:
        arrival = await _arrive(request, context, cookie, parameters, _app_key(app, shop))
        http = cast("httpx.AsyncClient", request.app.state.shopify)
        grant = await _exchange(context, http, arrival)
        response = await _connect(request, context, cookie, arrival, grant)
    except TurnedAway as turn:
        response = _explain(request, context, turn)
        if turn.code not in _AFTER_USE:
            # Whatever somebody made the browser open, the genuine answer may still come.
            return response
    _forget_cookie(context, response, shop)
    return response


async def _arrive(
    request: Request,
    context: Context,
    cookie: str | None,
    parameters: Sequence[tuple[str, str]],
    app_key: str,
) -> _Arrival:
    """Everything that can be checked before Shopify is asked; the state is used up by it.

    Raises:
        TurnedAway: at the first thing that is wrong.
    """
    told = dict(parameters)
    shop, state = told["shop"].lower(), told.get("state", "")
    tenant_id, browser = _kept(context, request, shop)
    token = _refresh_token(cookie)
    if token is None or token.tenant_id != tenant_id:
        raise TurnedAway("state", shop)
    now = context.clock()
    async with tenant_transaction(context.pool, tenant_id) as connection:
        traveller = await connections.traveller_of(connection, token, now)
        pending = await connections.find_pending(connection, tenant_id, state, now)
        if traveller is None or pending is None:
            raise TurnedAway("state", shop)
        _compare(traveller, pending, shop, app_key, browser)
        credentials = await _credentials(context, connection, pending, state, now)
        _check_signed(parameters, credentials.secrets, shop, now)
        if not await connections.use_up(connection, tenant_id, state, now):
            raise TurnedAway("state", shop)
        verdict = await connections.verdict_of(connection, state, now)
    # Out here, so that the state stays used up.
    if traveller.role != "owner":
        raise TurnedAway("forbidden", shop)
    if verdict == "taken":
        raise TurnedAway("taken", shop)
    return _Arrival(traveller, pending, credentials, state, told.get("code", ""), told["timestamp"])


async def _credentials(
    context: Context, connection: Connection, pending: Pending, state: str, now: datetime
) -> AppCredentials:
    """Those of the app that asked: the installation's, or the store's own."""
    app_key, shop = pending.app_key, pending.domain
    found = await credentials_of(connection, context.keyring, context.settings, app_key)
    if found is not None and pending.client_id is not None:
        own = await connections.own_app_secret(connection, context.keyring, state, now)
        secrets = () if own is None else (own.encode(),)
        found = AppCredentials(app_key, pending.client_id, found.scopes, secrets)
    if found is None or not found.secrets:
        raise TurnedAway("app", shop)
    return found


def _check_signed(
    parameters: Sequence[tuple[str, str]], secrets: Sequence[bytes], shop: str, now: datetime
) -> None:
    """Whether Shopify says this, says it now, and says yes.

    Raises:
        TurnedAway: if not.
    """
    told = dict(parameters)
    # A refusal gives nobody anything, so it need not be signed.
    if "error" in told:
        raise TurnedAway("denied", shop)
    if not is_genuine_query(parameters, secrets):
        raise TurnedAway("hmac", shop)
    if not is_fresh(told.get("timestamp", ""), now):
        raise TurnedAway("stale", shop)


def _compare(traveller: Traveller, pending: Pending, shop: str, app_key: str, browser: str) -> None:
    """Whether who comes back is who set out.

    Raises:
        TurnedAway: if anything differs.
    """
    same = (
        hmac.compare_digest(connections.digest(browser), pending.browser_hash),
        pending.user_id == traveller.user_id,
        pending.domain == shop,
        pending.app_key == app_key,
    )
    if not all(same):
        raise TurnedAway("state", shop)


async def _exchange(context: Context, http: httpx.AsyncClient, arrival: _Arrival) -> Grant:
    """The code's grant. An app may have several secrets: Shopify takes those that it still has."""
    shop = arrival.pending.domain
    if not arrival.code:
        raise TurnedAway("exchange", shop)
    last: GrantRefused | None = None
    for secret in arrival.credentials.secrets:
        try:
            return await exchange_code(
                http,
                shop,
                arrival.credentials.client_id,
                secret.decode(),
                arrival.code,
                now=context.clock(),
                stand_in=context.settings.shopify_address,
            )
        except GrantRefused as error:
            last = error
            if error.reason != "client":
                break
    raise TurnedAway("exchange", shop) from last


async def _connect(
    request: Request, context: Context, cookie: str | None, arrival: _Arrival, grant: Grant
) -> Response:
    shop, tenant_id = arrival.pending.domain, arrival.traveller.tenant_id
    needed = parse_scopes(arrival.credentials.scopes)
    missing = sorted(missing_scopes(parse_scopes(grant.scopes), needed))
    token = _refresh_token(cookie)
    now = context.clock()
    async with tenant_transaction(context.pool, tenant_id) as connection:
        traveller = (
            None if token is None else await connections.traveller_of(connection, token, now)
        )
        if traveller is None or traveller.role != "owner":
            raise TurnedAway("forbidden", shop)
        # A store that is connected already keeps even a narrower grant: it has ended the one before.
        if missing and not await connections.holds(connection, tenant_id, shop):
            raise TurnedAway("scopes", shop, missing)
        try:
            store, verdict = await connections.keep_grant(
                connection,
                context.keyring,
                tenant_id,
                arrival.state,
                arrival.pending,
                grant,
                installed_at=connections.installation_time(arrival.timestamp, now),
                now=now,
            )
        except DomainTaken as error:
            raise TurnedAway("taken", shop) from error
        await note(
            connection,
            tenant_id,
            "store.connected",
            actor=traveller.email,
            subject=shop,
            detail={"app": arrival.pending.app_key, "how": verdict, "missing": missing},
            address=context.address(request),
            now=now,
        )
    if missing:
        raise TurnedAway("scopes", shop, missing)
    return _redirect(f"{_pages(context)}/?store={store.id}&connected=1")


# -- Cookies and answers ---------------------------------------------------------------------------


def _refresh_token(cookie: str | None) -> RefreshToken | None:
    try:
        return None if cookie is None else RefreshToken.parse(cookie)
    except RefreshTokenMalformed:
        return None


def _cookie_name(shop: str) -> str:
    return f"{COOKIE}_{sha256(shop.encode()).hexdigest()[:12]}"


def _seal_of(context: Context, shop: str, tenant_id: str, browser: str) -> str:
    """Signs the cookie, under a key of its own use."""
    key = hmac.digest(context.settings.jwt_secret.encode(), b"tillstream oauth state 1", "sha256")
    return hmac.digest(key, f"{shop} {tenant_id} {browser}".encode(), "sha256").hex()


def _set_cookie(
    context: Context, response: Response, shop: str, tenant_id: int, journey: Journey
) -> None:
    sealed = _seal_of(context, shop, str(tenant_id), journey.browser)
    # Lax: Shopify's page sends the browser here by a navigation, and only that carries it.
    response.set_cookie(
        _cookie_name(shop),
        f"{tenant_id}.{journey.browser}.{sealed}",
        max_age=int(connections.STATE_LIFETIME.total_seconds()),
        path=_COOKIE_PATH,
        secure=context.secure,
        httponly=True,
        samesite="lax",
    )


def _forget_cookie(context: Context, response: Response, shop: str) -> None:
    response.delete_cookie(
        _cookie_name(shop),
        path=_COOKIE_PATH,
        secure=context.secure,
        httponly=True,
        samesite="lax",
    )


def _kept(context: Context, request: Request, shop: str) -> tuple[int, str]:
    """The tenant and the browser's half, out of the cookie that setting out left.

    Raises:
        TurnedAway: if there is none, or it is not ours.
    """
    tenant_id, _, rest = request.cookies.get(_cookie_name(shop), "").partition(".")
    browser, _, sealed = rest.partition(".")
    expected = _seal_of(context, shop, tenant_id, browser)
    if not hmac.compare_digest(sealed.encode(), expected.encode()):
        raise TurnedAway("state", shop)
    return int(tenant_id), browser


def _pages(context: Context) -> str:
    """Where the dashboard's pages are: here, unless the operator serves them elsewhere."""
    return context.frontend_url or ""


def _redirect(address: str) -> Response:
    # The address that led here may hold a code: it is nobody's business.
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return RedirectResponse(address, status_code=302, headers=headers)


def _explain(request: Request, context: Context, turn: TurnedAway | _SignInFirst) -> Response:
    if isinstance(turn, _SignInFirst):
        if _wants_json(request):
            return problem_response(UNAUTHENTICATED, "Sign in first.")
        return _redirect(f"{_pages(context)}/sign-in?{urlencode({'next': turn.path})}")
    if _wants_json(request):
        kind, detail = _REFUSALS[turn.code]
        extensions = {"missing": list(turn.missing)} if turn.missing else {}
        return problem_response(kind, detail, **extensions)
    told = {"refused": turn.code, "shop": turn.shop or "", "missing": ",".join(turn.missing)}
    query = urlencode({name: value for name, value in told.items() if value}, safe=",")
    return _redirect(f"{_pages(context)}/stores?{query}")


def _wants_json(request: Request) -> bool:
    accepted = request.headers.get("accept", "")
    return "json" in accepted and "text/html" not in accepted
