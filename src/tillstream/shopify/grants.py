"""Getting, and renewing, a store's offline access token.

https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant
https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/offline-access-tokens
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlencode

from tillstream.shopify.addresses import admin_address
from tillstream.shopify.answers import json_object
from tillstream.shopify.wire import Answer, Unreachable, post_json, quote_safely

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

_MOST_BYTES: Final = 64 * 1024
# A token goes into a header: nothing that could end one, and no more than fits.
_TOKEN: Final = re.compile(r"[!-~]{1,2048}")
_LONGEST_LIFE: Final = 10 * 366 * 86_400


@dataclass(frozen=True)
class Grant:
    """What a store granted us. ``None`` times: it does not expire, and is not refreshed."""

    access_token: str = field(repr=False)
    scopes: str
    expires_at: datetime | None = None
    refresh_token: str | None = field(default=None, repr=False)
    refresh_expires_at: datetime | None = None


class GrantRefused(Exception):
    """No grant was to be had; the message is a sentence without any secret.

    ``reason`` is one of:
        grant: the code or refresh token is used up, expired or revoked;
        client: the client id or secret is wrong;
        shop: there is no such shop;
        locked: the shop is locked or frozen for now;
        throttled, unavailable: Shopify cannot answer now;
        unexpected: it answered what cannot be understood.
    ``lasting``: asking again with the same values cannot help.
    """

    def __init__(self, reason: str, detail: str, *, lasting: bool) -> None:
        super().__init__(detail)
        self.reason = reason
        self.lasting = lasting


def authorization_address(
    shop: str,
    client_id: str,
    scopes: str,
    redirect_uri: str,
    state: str,
    *,
    stand_in: str | None = None,
) -> str:
    """Where the merchant's browser goes to approve; for an offline token (no grant options).

    Raises:
        ValueError: if ``shop`` is no shop domain.
    """
    query = {
        "client_id": client_id,
        "scope": scopes,
        "redirect_uri": redirect_uri,
        "state": state,
    }
    return f"{admin_address(shop, stand_in)}/admin/oauth/authorize?{urlencode(query)}"


async def exchange_code(  # noqa: PLR0913 - what the exchange is made of
    http: httpx.AsyncClient,
    shop: str,
    client_id: str,
    client_secret: str,
    code: str,
    *,
    now: datetime,
    stand_in: str | None = None,
) -> Grant:
    """Turn the callback's code into an expiring offline token. A code works once.

    Raises:
        GrantRefused: with what to tell the merchant.
        ValueError: if ``shop`` is no shop domain; nothing was sent then.
    """
    secret = {"client_secret": client_secret, "code": code}
    body = {"client_id": client_id, **secret, "expiring": "1"}
    return await _ask(http, shop, body, tuple(secret.values()), now=now, stand_in=stand_in)


async def refresh_grant(  # noqa: PLR0913 - what the exchange is made of
    http: httpx.AsyncClient,
    shop: str,
    client_id: str,
    client_secret: str,
    refresh_token: str,
    *,
    now: datetime,
    stand_in: str | None = None,
) -> Grant:
    """Renew a grant. A lost answer is no loss: the old refresh token works until the new one is used.

    Raises:
        GrantRefused: ``lasting`` says whether the merchant has to connect the store again.
        ValueError: if ``shop`` is no shop domain; nothing was sent then.
    """
    secret = {"client_secret": client_secret, "refresh_token": refresh_token}
    body = {"client_id": client_id, "grant_type": "refresh_token", **secret}
    return await _ask(http, shop, body, tuple(secret.values()), now=now, stand_in=stand_in)


async def _ask(
    http: httpx.AsyncClient,
    shop: str,
    body: Mapping[str, str],
    secrets: tuple[str, ...],
    *,
    now: datetime,
    stand_in: str | None,
) -> Grant:
    address = f"{admin_address(shop, stand_in)}/admin/oauth/access_token"
    try:
        answer = await post_json(http, address, body, most_bytes=_MOST_BYTES)
    except Unreachable as error:
        raise GrantRefused(
            "unavailable", f"Shopify could not be asked for a token. {error}", lasting=False
        ) from None
    if answer.status != 200:  # noqa: PLR2004
        raise _refusal(answer, secrets)
    return _read_grant(answer.json(), now)


# Status: reason, whether it lasts, and the sentence.
_REFUSALS: Final[Mapping[int, tuple[str, bool, str]]] = {
    400: ("grant", True, "Shopify does not accept the code or refresh token (any more)."),
    401: ("client", True, "Shopify does not accept the app's client id and secret."),
    402: ("locked", False, "The shop is frozen until its owner settles with Shopify."),
    403: ("client", True, "Shopify does not let this app have a token for the shop."),
    404: ("shop", True, "Shopify knows no such shop."),
    423: ("locked", False, "The shop is locked by Shopify for now."),
    429: ("throttled", False, "Shopify asks to slow down."),
    430: ("throttled", False, "Shopify's protection turned the request away."),
}
# The errors of OAuth that are about the app, whatever status they come with (RFC 6749, 5.2).
_CLIENT_ERRORS: Final = frozenset(
    {"invalid_client", "unauthorized_client", "application_cannot_be_found"}
)


def _refusal(answer: Answer, secrets: tuple[str, ...]) -> GrantRefused:
    code, said = _error_of(answer.json())
    status = 401 if answer.status == 400 and code in _CLIENT_ERRORS else answer.status  # noqa: PLR2004
    if status in _REFUSALS:
        reason, lasting, sentence = _REFUSALS[status]
    elif status >= 500:  # noqa: PLR2004
        reason, lasting, sentence = "unavailable", False, "Shopify cannot answer now."
    else:
        reason, lasting, sentence = "unexpected", False, "Shopify gave an unexpected answer."
    quoted = quote_safely(said or code, secrets)
    words = f" It says: {quoted}" if quoted else ""
    return GrantRefused(
        reason, f"{sentence} (HTTP status {answer.status}).{words}", lasting=lasting
    )


def _error_of(value: object) -> tuple[str, str]:
    """The code and description of an OAuth error; empty where there are none."""
    if not isinstance(value, dict):
        return "", ""
    fields = cast("dict[str, Any]", value)
    code, said = fields.get("error"), fields.get("error_description")
    return (
        code if isinstance(code, str) else "",
        said if isinstance(said, str) else "",
    )


def _read_grant(value: object, now: datetime) -> Grant:
    fields = json_object(value)
    if fields.get("associated_user") is not None:
        raise _unexpected("online")
    scopes = fields.get("scope")
    if not isinstance(scopes, str):
        raise _unexpected("scope")
    refresh = fields.get("refresh_token")
    return Grant(
        access_token=_token(fields.get("access_token")),
        scopes=scopes,
        expires_at=_moment(fields.get("expires_in"), now),
        refresh_token=None if refresh is None else _token(refresh),
        refresh_expires_at=_moment(fields.get("refresh_token_expires_in"), now),
    )


def _token(value: object) -> str:
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise _unexpected("token")
    return value


def _moment(seconds: object, now: datetime) -> datetime | None:
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not _is_life(seconds):
        raise _unexpected("lifetime")
    return now + timedelta(seconds=seconds)


def _is_life(seconds: int) -> bool:
    return 0 <= seconds <= _LONGEST_LIFE


_UNEXPECTED: Final[Mapping[str, str]] = {
    "online": "a token of one person; the app has to ask for an offline one",
    "scope": "no list of scopes",
    "token": "no token that can be used",
    "lifetime": "no lifetime that makes sense",
}


def _unexpected(field_at_fault: str) -> GrantRefused:
    detail = f"Shopify's answer to the request for a token holds {_UNEXPECTED[field_at_fault]}."
    return GrantRefused("unexpected", detail, lasting=False)
