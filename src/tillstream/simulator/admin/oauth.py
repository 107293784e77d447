"""The pages and the endpoint of OAuth.

https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import parse_qsl

import jwt
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from tillstream.shopify.scopes import missing_scopes, parse_scopes
from tillstream.simulator.admin import pages
from tillstream.simulator.admin.consent import TokenRefused
from tillstream.simulator.admin.misbehaviour import misbehave, undo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from tillstream.simulator.admin.consent import App
    from tillstream.simulator.admin.living import LivingShop
    from tillstream.simulator.admin.standin import StandIn

_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
_SESSION_TOKEN: Final = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105 - a type's name
_OFFLINE: Final = "urn:shopify:params:oauth:token-type:offline-access-token"
_USER: Final = 902_541_635
"""Who is signed in to every shop."""


async def authorize(request: Request) -> Response:
    """Ask the merchant, or go straight on where everything asked for is granted already."""
    standin, shop = _where(request)
    asked = _request_of(dict(request.query_params))
    app = standin.consent.apps.get(asked["client_id"])
    if app is None:
        return _no_page("There is no such app", "The client_id is none that is registered here.")
    if asked["redirect_uri"] not in app.redirect_uris:
        return _no_page(
            "The app may not send you there", "The redirect_uri is not on the app's list."
        )
    scopes = parse_scopes(asked["scope"])
    installation = standin.consent.installations.get((shop.domain, app.client_id))
    if installation is not None and not missing_scopes(installation.scopes, scopes):
        return _send_back(standin, shop, app, asked)
    page = pages.consent_page(
        request.scope["root_path"],
        shop,
        app,
        sorted(scopes),
        list(asked.items()),
        installed=installation is not None,
    )
    return HTMLResponse(page, headers=PAGE_HEADERS)


async def approve(request: Request) -> Response:
    """The merchant's answer."""
    standin, shop = _where(request)
    form = await read_form(request)
    asked = _request_of(form)
    app = standin.consent.apps.get(asked["client_id"])
    if app is None or asked["redirect_uri"] not in app.redirect_uris:
        return _no_page("There is no such app", "The question was changed on the way.")
    if form.get("answer") != "yes":
        refusal = {"error": "access_denied", "error_description": "The merchant said no."}
        query = standin.signed_query(app, shop.domain, state=asked["state"], **refusal)
        return _redirect(asked["redirect_uri"], query)
    return _send_back(standin, shop, app, asked)


async def access_token(request: Request) -> Response:
    """A token for a code, a refresh token, a session token, or an old token."""
    standin, shop = _where(request)
    fault = standin.faults.next("token", shop.domain)
    early = await misbehave(fault)
    if early is not None:
        return early
    said = {**dict(request.query_params), **await _body_of(request)}
    try:
        app = standin.consent.authenticate(said.get("client_id", ""), said.get("client_secret", ""))
        answer = JSONResponse(_grant(standin, shop, app, said))
        standin.consent.given[said.get("grant_type", "authorization_code")] += 1
    except TokenRefused as refused:
        standin.consent.given["refused"] += 1
        error = {"error": refused.error, "error_description": str(refused)}
        answer = JSONResponse(error, status_code=refused.status)
    answer.headers["cache-control"] = "no-store"
    return undo(fault, answer)


def _grant(
    standin: StandIn, shop: LivingShop, app: App, said: Mapping[str, str]
) -> dict[str, object]:
    consent, now = standin.consent, standin.clock()
    expiring = said.get("expiring") in ("1", "true")
    match said.get("grant_type", "authorization_code"):
        case "authorization_code":
            return consent.redeem(app, shop.domain, said.get("code", ""), now, expiring=expiring)
        case "refresh_token":
            return consent.refresh(app, shop.domain, said.get("refresh_token", ""), now)
        case "client_credentials":
            return _for_the_app_itself(standin, shop, app)
        case grant if grant == _EXCHANGE:
            return _exchange(standin, shop, app, said, expiring=expiring)
        case grant:
            message = f"{grant} is no grant type that is known here."
            raise TokenRefused("unsupported_grant_type", message)


def _exchange(
    standin: StandIn, shop: LivingShop, app: App, said: Mapping[str, str], *, expiring: bool
) -> dict[str, object]:
    consent, now, token = standin.consent, standin.clock(), said.get("subject_token", "")
    if said.get("subject_token_type") == _OFFLINE:
        return consent.migrate(app, shop.domain, token, now)
    if said.get("subject_token_type") != _SESSION_TOKEN:
        raise TokenRefused("invalid_request", "The subject_token_type is not known here.")
    installation = consent.installations.get((shop.domain, app.client_id))
    if installation is None or not _is_session_token(token, app, shop):
        raise TokenRefused("invalid_subject_token", "The session token does not count here.")
    if said.get("requested_token_type") == _OFFLINE:
        return consent.grant(installation, now, expiring=expiring)
    code = consent.approve(app, shop.domain, installation.scopes, now, user=_USER)
    return consent.redeem(app, shop.domain, code, now, expiring=False)


def _is_session_token(token: str, app: App, shop: LivingShop) -> bool:
    for secret in app.secrets:
        try:
            claims: dict[str, Any] = jwt.decode(
                token, secret, algorithms=["HS256"], audience=app.client_id, leeway=10
            )
        except jwt.PyJWTError:
            continue
        return claims.get("dest") == f"https://{shop.domain}"
    return False


def _for_the_app_itself(standin: StandIn, shop: LivingShop, app: App) -> dict[str, object]:
    installation = standin.consent.installations.get((shop.domain, app.client_id))
    if installation is None:
        raise TokenRefused("app_not_installed", "The app is not installed on this shop.")
    granted = standin.consent.grant(installation, standin.clock(), expiring=True)
    return {name: granted[name] for name in ("access_token", "scope", "expires_in")}


def _send_back(standin: StandIn, shop: LivingShop, app: App, asked: Mapping[str, str]) -> Response:
    """To the app, with a code."""
    now = standin.clock()
    installation = standin.consent.installations.get((shop.domain, app.client_id))
    held = installation.scopes if installation else frozenset[str]()
    scopes = parse_scopes(asked["scope"]) | held
    user = _USER if asked["grant_options[]"] == "per-user" else None
    code = standin.consent.approve(app, shop.domain, scopes, now, user=user)
    query = standin.signed_query(app, shop.domain, code=code, state=asked["state"])
    return _redirect(asked["redirect_uri"], query)


def _redirect(address: str, query: list[tuple[str, str]]) -> Response:
    return RedirectResponse(pages.with_query(address, query), 302, headers=PAGE_HEADERS)


PAGE_HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "x-frame-options": "DENY",
    # The address of a callback holds a code.
    "referrer-policy": "no-referrer",
}


def _no_page(title: str, detail: str) -> Response:
    return HTMLResponse(pages.problem_page(title, detail), 400, headers=PAGE_HEADERS)


def _request_of(said: Mapping[str, str]) -> dict[str, str]:
    names = ("client_id", "scope", "redirect_uri", "state", "grant_options[]")
    return {name: said.get(name, "") for name in names}


def _where(request: Request) -> tuple[StandIn, LivingShop]:
    return request.app.state.standin, request.scope["shop"]


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form."""
    return dict(
        parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True)
    )


async def _body_of(request: Request) -> dict[str, str]:
    if not request.headers.get("content-type", "").startswith("application/json"):
        return await read_form(request)
    try:
        said = json.loads(await request.body())
    except ValueError:
        return {}
    fields = cast("dict[str, Any]", said) if isinstance(said, dict) else {}
    return {name: str(int(v) if isinstance(v, bool) else v) for name, v in fields.items()}
