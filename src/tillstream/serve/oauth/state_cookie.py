"""The cookie by which who comes back from Shopify is known to be the browser that set out."""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from tillstream.serve.oauth.refusals import TurnedAway
from tillstream.shops.authorization import STATE_LIFETIME

if TYPE_CHECKING:
    from fastapi import Request, Response

    from tillstream.serve.context import Context
    from tillstream.shops.authorization import Journey

_COOKIE: Final = "tillstream_state"
"""Followed by a digest of the shop: so tabs that connect several shops do not clash."""
_COOKIE_PATH: Final = "/api/auth/callback"


def _cookie_name(shop: str) -> str:
    return f"{_COOKIE}_{sha256(shop.encode()).hexdigest()[:12]}"


def _seal_of(context: Context, shop: str, tenant_id: str, browser: str) -> str:
    """Signs the cookie, under a key of its own use."""
    key = hmac.digest(context.settings.jwt_secret.encode(), b"tillstream oauth state 1", "sha256")
    return hmac.digest(key, f"{shop} {tenant_id} {browser}".encode(), "sha256").hex()


def leave_cookie(
    context: Context, response: Response, shop: str, tenant_id: int, journey: Journey
) -> None:
    """Leave the browser's half of the journey, and whose it is, for as long as the state lives."""
    sealed = _seal_of(context, shop, str(tenant_id), journey.browser)
    # Lax: Shopify's page sends the browser here by a navigation, and only that carries it.
    response.set_cookie(
        _cookie_name(shop),
        f"{tenant_id}.{journey.browser}.{sealed}",
        max_age=int(STATE_LIFETIME.total_seconds()),
        path=_COOKIE_PATH,
        secure=context.secure,
        httponly=True,
        samesite="lax",
    )


def forget_cookie(context: Context, response: Response, shop: str) -> None:
    """Have the browser drop it."""
    response.delete_cookie(
        _cookie_name(shop),
        path=_COOKIE_PATH,
        secure=context.secure,
        httponly=True,
        samesite="lax",
    )


def read_cookie(context: Context, request: Request, shop: str) -> tuple[int, str]:
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
