"""Takes the browser back from Shopify: who comes back is checked, the code exchanged, the store connected."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tillstream.foundation.database import tenant_transaction
from tillstream.serve.oauth.refusals import TurnedAway, pages_address, redirect
from tillstream.serve.oauth.state_cookie import read_cookie
from tillstream.serve.signing_in import parse_cookie
from tillstream.shopify.grants import Grant, GrantRefused, exchange_code
from tillstream.shopify.queries import is_fresh, is_genuine_query
from tillstream.shopify.scopes import missing_scopes, parse_scopes
from tillstream.shops import authorization, connections
from tillstream.shops.apps import AppCredentials, credentials_of
from tillstream.shops.audit import note
from tillstream.shops.refusals import DomainTaken

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import httpx
    from fastapi import Request, Response

    from tillstream.foundation.database import Connection
    from tillstream.serve.context import Context
    from tillstream.shops.authorization import Pending, Traveller


@dataclass(frozen=True)
class Arrival:
    """Somebody back from Shopify, of whom everything has been checked but the code."""

    traveller: Traveller
    pending: Pending
    credentials: AppCredentials
    state: str = field(repr=False)
    code: str = field(repr=False)
    timestamp: str


async def arrive(
    request: Request,
    context: Context,
    cookie: str | None,
    parameters: Sequence[tuple[str, str]],
    app_key: str,
) -> Arrival:
    """Everything that can be checked before Shopify is asked; the state is used up by it.

    Raises:
        TurnedAway: at the first thing that is wrong.
    """
    told = dict(parameters)
    shop, state = told["shop"].lower(), told.get("state", "")
    tenant_id, browser = read_cookie(context, request, shop)
    token = parse_cookie(cookie)
    if token is None or token.tenant_id != tenant_id:
        raise TurnedAway("state", shop)
    now = context.clock()
    async with tenant_transaction(context.pool, tenant_id) as connection:
        traveller = await authorization.traveller_of(connection, token, now)
        pending = await authorization.find_pending(connection, tenant_id, state, now)
        if traveller is None or pending is None:
            raise TurnedAway("state", shop)
        _compare(traveller, pending, shop, app_key, browser)
        credentials = await _credentials(context, connection, pending, state, now)
        _check_signed(parameters, credentials.secrets, shop, now)
        if not await authorization.use_up(connection, tenant_id, state, now):
            raise TurnedAway("state", shop)
        verdict = await connections.verdict_of(connection, state, now)
    # Out here, so that the state stays used up.
    if traveller.role != "owner":
        raise TurnedAway("forbidden", shop)
    if verdict == "taken":
        raise TurnedAway("taken", shop)
    return Arrival(traveller, pending, credentials, state, told.get("code", ""), told["timestamp"])


async def _credentials(
    context: Context, connection: Connection, pending: Pending, state: str, now: datetime
) -> AppCredentials:
    """Those of the app that asked: the installation's, or the store's own."""
    app_key, shop = pending.app_key, pending.domain
    found = await credentials_of(connection, context.keyring, context.settings, app_key)
    if found is not None and pending.client_id is not None:
        own = await authorization.own_app_secret(connection, context.keyring, state, now)
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
        hmac.compare_digest(authorization.digest(browser), pending.browser_hash),
        pending.user_id == traveller.user_id,
        pending.domain == shop,
        pending.app_key == app_key,
    )
    if not all(same):
        raise TurnedAway("state", shop)


async def exchange(context: Context, http: httpx.AsyncClient, arrival: Arrival) -> Grant:
    """The code's grant. An app may have several secrets: Shopify takes those that it still has.

    Raises:
        TurnedAway: if it takes none, or not the code.
    """
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


async def connect(
    request: Request, context: Context, cookie: str | None, arrival: Arrival, grant: Grant
) -> Response:
    """Keep the grant: the store is connected, if the account may have it and enough was granted.

    Raises:
        TurnedAway: if not.
    """
    shop, tenant_id = arrival.pending.domain, arrival.traveller.tenant_id
    needed = parse_scopes(arrival.credentials.scopes)
    missing = sorted(missing_scopes(parse_scopes(grant.scopes), needed))
    token = parse_cookie(cookie)
    now = context.clock()
    async with tenant_transaction(context.pool, tenant_id) as connection:
        traveller = (
            None if token is None else await authorization.traveller_of(connection, token, now)
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
    return redirect(f"{pages_address(context)}/?store={store.id}&connected=1")
