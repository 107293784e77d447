"""Sends the browser to Shopify, to approve that a shop is connected to an account."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from tillstream.foundation.database import tenant_transaction
from tillstream.serve.oauth.refusals import SignInFirst, TurnedAway, redirect
from tillstream.serve.oauth.state_cookie import leave_cookie
from tillstream.serve.signing_in import parse_cookie
from tillstream.shopify.domains import parse_shop_domain
from tillstream.shopify.grants import authorization_address
from tillstream.shopify.queries import is_fresh, is_genuine_query, read_query
from tillstream.shops import authorization
from tillstream.shops.apps import AppCredentials, credentials_of, parse_app_key
from tillstream.shops.authorization import Journey
from tillstream.shops.refusals import AppKeyMalformed

if TYPE_CHECKING:
    from fastapi import Response

    from tillstream.serve.context import Context


@dataclass(frozen=True)
class Wish:
    """What somebody wants to connect."""

    shop: str
    app_key: str
    transfer: str = field(default="", repr=False)

    @property
    def path(self) -> str:
        """The local address that begins it."""
        told = {"shop": self.shop, "app": self.app_key, "transfer": self.transfer}
        return "/api/auth/shopify?" + urlencode({k: v for k, v in told.items() if v})


def wished(shop: str, app: str, transfer: str) -> Wish:
    """What the dashboard asks for.

    Raises:
        TurnedAway: if it names no shop, or no app.
    """
    domain = parse_shop_domain(shop.strip())
    if domain is None:
        raise TurnedAway("shop")
    return Wish(domain, app_key_of(app, domain), transfer.strip())


def app_key_of(app: str, shop: str | None) -> str:
    """The key of an app that an address names; "" for the default one.

    Raises:
        TurnedAway: if there can be no such app.
    """
    try:
        return parse_app_key(app) if app else ""
    except AppKeyMalformed as error:
        raise TurnedAway("app", shop) from error


async def signed_wish(context: Context, query: str, app_key: str) -> Wish:
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
    return Wish(shop, app_key)


async def set_out(context: Context, cookie: str | None, wish: Wish) -> Response:
    """Remember who wishes that, and send the browser to Shopify.

    Raises:
        SignInFirst: if nobody is signed in.
        TurnedAway: if they may not, or there is no such app.
    """
    token = parse_cookie(cookie)
    if token is None:
        raise SignInFirst(wish.path)
    now = context.clock()
    journey = Journey.draw(context.random)
    async with tenant_transaction(context.pool, token.tenant_id) as connection:
        traveller = await authorization.traveller_of(connection, token, now)
        if traveller is None:
            raise SignInFirst(wish.path)
        if traveller.role != "owner":
            raise TurnedAway("forbidden", wish.shop)
        own = None
        if not wish.app_key:
            own = await authorization.own_client_id(connection, token.tenant_id, wish.shop)
        credentials = await credentials_of(
            connection, context.keyring, context.settings, wish.app_key
        )
        client_id = own or ("" if credentials is None else credentials.client_id)
        if credentials is None or not client_id:
            raise TurnedAway("app", wish.shop)
        await authorization.set_out(
            connection,
            traveller,
            journey,
            domain=wish.shop,
            app_key=wish.app_key,
            client_id=own,
            transfer=wish.transfer,
            now=now,
        )
    response = redirect(
        authorization_address(
            wish.shop,
            client_id,
            credentials.scopes,
            _callback_address(context, wish.app_key),
            journey.state,
            stand_in=context.settings.shopify_address,
        )
    )
    leave_cookie(context, response, wish.shop, token.tenant_id, journey)
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
