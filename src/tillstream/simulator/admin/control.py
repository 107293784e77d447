"""``/control``: what a test makes the pretended Shopify do. JSON in, JSON out.

Only programs on this machine may use it: the body has to be declared as JSON, which no page of
another origin can do unasked, and the Host has to be a loopback address.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from starlette.responses import JSONResponse
from starlette.routing import Route

from tillstream.foundation.loopback import is_loopback
from tillstream.simulator.admin.bucket import PLANS, Bucket
from tillstream.simulator.admin.consent import App
from tillstream.simulator.admin.faults import Fault, Kind, Place
from tillstream.simulator.shop_clock import instant

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from tillstream.simulator.admin.consent import Installation
    from tillstream.simulator.admin.living import LivingShop
    from tillstream.simulator.admin.standin import StandIn

T = TypeVar("T")
Json = dict[str, Any]


class ControlRefused(Exception):
    """What was asked for cannot be done; the message says why."""


class WhichInstallation(msgspec.Struct, frozen=True):
    """An installation; the shop's only one where no app is named."""

    shop: str
    client_id: str | None = None


class NewScopes(msgspec.Struct, frozen=True):
    """What an installation is granted from now on."""

    shop: str
    scopes: list[str]
    client_id: str | None = None


class NewFault(msgspec.Struct, frozen=True):
    """See ``faults.Fault``."""

    place: Place
    kind: Kind
    times: int = 1
    shop: str | None = None
    status: int = 503
    seconds: float = 0.0
    retry_after: float | None = None


class NewApp(msgspec.Struct, frozen=True):
    """An app to register, or to register anew. Secrets newest first."""

    client_id: str
    secrets: list[str]
    app_url: str
    redirect_uris: list[str]
    webhook_url: str
    name: str = "An app"


class Topics(msgspec.Struct, frozen=True):
    """Topics whose deliveries are kept back."""

    topics: list[str]


class Sale(msgspec.Struct, frozen=True):
    """How many orders are placed at once."""

    shop: str
    count: int = 1


class Days(msgspec.Struct, frozen=True):
    """Shop-local days, both inclusive."""

    shop: str
    first: date
    last: date


class Demand(msgspec.Struct, frozen=True):
    """A compliance topic; ``customer`` is an id, for those about one."""

    shop: str
    topic: str
    customer: int | None = None
    client_id: str | None = None


class Plan(msgspec.Struct, frozen=True):
    """A plan's name; ``available`` is what the bucket holds at this moment."""

    shop: str
    plan: str = "standard"
    available: float | None = None
    client_id: str | None = None


class BulkFailure(msgspec.Struct, frozen=True):
    """The next bulk operation fails with this code."""

    shop: str
    error_code: str = "INTERNAL_SERVER_ERROR"


async def state(standin: StandIn, _: bytes) -> Json:
    """Everything but tokens and secrets."""
    return {
        "shops": {domain: _told_shop(standin, shop) for domain, shop in standin.shops.items()},
        "apps": [
            {"client_id": app.client_id, "name": app.name, "redirect_uris": app.redirect_uris}
            for app in standin.consent.apps.values()
        ],
        "deliveries": _tally(standin),
        "tokens_given": dict(standin.consent.given),
        "faults": [
            {"place": fault.place, "kind": fault.kind, "times": fault.times}
            for fault in standin.faults.coming
        ],
    }


def _tally(standin: StandIn) -> dict[str, int]:
    tally = standin.courier.tally
    return {
        "tries": tally.tries,
        "accepted": tally.accepted,
        "failed_tries": tally.failed_tries,
        "gave_up": tally.gave_up,
        "waiting": tally.waiting,
        "held": len(standin.courier.kept),
    }


def _told_shop(standin: StandIn, shop: LivingShop) -> Json:
    return {
        "name": shop.plan.name,
        "currency": shop.plan.currency,
        "timezone": shop.plan.zone,
        "orders": len(shop.ledger.orders),
        "customers": len(shop.ledger.customers),
        "installations": [_told(found) for found in standin.consent.on(shop.domain)],
    }


def _told(installation: Installation) -> Json:
    chain = installation.chain
    return {
        "client_id": installation.app.client_id,
        "scopes": sorted(installation.scopes),
        "installed_at": installation.installed_at,
        "tokens": [{"expires_at": token.expires_at} for token in installation.tokens.values()],
        "refresh_expires_at": chain.expires_at if chain else None,
        "subscriptions": [
            {"id": s.id, "topic": s.topic, "uri": s.uri, "api_version": s.api_version}
            for s in installation.subscriptions.values()
        ],
    }


async def expire(standin: StandIn, body: bytes) -> Json:
    """Let the access tokens have expired."""
    installation = _installation(standin, _read(body, WhichInstallation))
    standin.consent.expire(installation, standin.clock())
    return _told(installation)


async def revoke(standin: StandIn, body: bytes) -> Json:
    """End every token, refresh tokens too, without a word to the app."""
    installation = _installation(standin, _read(body, WhichInstallation))
    standin.consent.revoke(installation)
    return _told(installation)


async def scopes(standin: StandIn, body: bytes) -> Json:
    """Grant other scopes."""
    said = _read(body, NewScopes)
    installation = _installation(standin, said)
    standin.change_scopes(installation, frozenset(said.scopes))
    return _told(installation)


async def uninstall(standin: StandIn, body: bytes) -> Json:
    """As the button does."""
    installation = _installation(standin, _read(body, WhichInstallation))
    standin.uninstall(installation)
    return {"uninstalled": installation.app.client_id}


async def unsubscribe(standin: StandIn, body: bytes) -> Json:
    """Remove every subscription, as failures do in time."""
    installation = _installation(standin, _read(body, WhichInstallation))
    installation.subscriptions.clear()
    return _told(installation)


async def fault(standin: StandIn, body: bytes) -> Json:
    """Let the next requests fail."""
    said = _read(body, NewFault)
    standin.faults.coming.append(
        Fault(
            said.place,
            said.kind,
            said.times,
            said.shop,
            said.status,
            said.seconds,
            said.retry_after,
        )
    )
    return {"faults": len(standin.faults.coming)}


async def mend(standin: StandIn, _: bytes) -> Json:
    """Let nothing fail any more."""
    standin.faults.coming.clear()
    return {"faults": 0}


async def register(standin: StandIn, body: bytes) -> Json:
    """Register an app."""
    said = _read(body, NewApp)
    if not said.secrets or not all(said.secrets):
        message = "An app needs at least one secret, and none may be empty."
        raise ControlRefused(message)
    secrets = tuple(secret.encode() for secret in said.secrets)
    known = standin.consent.apps.get(said.client_id)
    if known is None:
        standin.consent.apps[said.client_id] = App(
            said.client_id,
            said.name,
            secrets,
            said.app_url,
            tuple(said.redirect_uris),
            said.webhook_url,
        )
    else:
        # Installations keep the app they were made with, so it is changed where it is.
        known.name, known.secrets = said.name, secrets
        known.app_url, known.webhook_url = said.app_url, said.webhook_url
        known.redirect_uris = tuple(said.redirect_uris)
    return {"apps": list(standin.consent.apps)}


async def hold(standin: StandIn, body: bytes) -> Json:
    """Keep deliveries back."""
    standin.courier.held |= set(_read(body, Topics).topics)
    return {"held": sorted(standin.courier.held)}


async def release(standin: StandIn, _: bytes) -> Json:
    """Send what was kept back."""
    return {"released": standin.courier.release()}


async def sell(standin: StandIn, body: bytes) -> Json:
    """Place orders now."""
    said = _read(body, Sale)
    shop = _shop(standin, said.shop)
    orders = [standin.sell(shop) for _ in range(said.count)]
    return {
        "orders": [
            {
                "id": str(order.id),
                "name": order.name,
                "total_price": shop.front.currency.text(order.totals.price),
                "customer": str(order.customer.id) if order.customer else None,
                "email": order.email,
                "at": instant(order.processed_at),
            }
            for order in orders
        ]
    }


async def books(standin: StandIn, body: bytes) -> Json:
    """What every figure of these days must be."""
    said = _read(body, Days)
    shop = _shop(standin, said.shop)
    return shop.ledger.stats(said.first, said.last, standin.clock())


async def demand(standin: StandIn, body: bytes) -> Json:
    """Send a compliance topic."""
    said = _read(body, Demand)
    installation = _installation(standin, said)
    if said.topic == "shop/redact":
        standin.redact_shop(installation)
        return {"sent": said.topic}
    customer = _shop(standin, said.shop).ledger.customers.get(said.customer or 0)
    if customer is None:
        message = "There is no such customer."
        raise ControlRefused(message)
    if said.topic == "customers/data_request":
        standin.ask_for_data(installation, customer)
    elif said.topic == "customers/redact":
        standin.redact_customer(installation, customer)
    else:
        message = "This is no compliance topic."
        raise ControlRefused(message)
    return {"sent": said.topic}


async def plan(standin: StandIn, body: bytes) -> Json:
    """Put an installation on another plan, or empty its bucket."""
    said = _read(body, Plan)
    if said.plan not in PLANS:
        message = f"The plans are {', '.join(PLANS)}."
        raise ControlRefused(message)
    installation, now = _installation(standin, said), standin.clock()
    installation.bucket = Bucket.for_plan(said.plan, now)
    if said.available is not None:
        installation.bucket.available = said.available
    return {"throttleStatus": installation.bucket.status(now)}


async def bulk_failure(standin: StandIn, body: bytes) -> Json:
    """Let the next bulk operation fail, half its rows written."""
    said = _read(body, BulkFailure)
    _shop(standin, said.shop)
    standin.operations[said.shop].failures.append(said.error_code)
    return {"failures": len(standin.operations[said.shop].failures)}


def routes() -> list[Route]:
    """All of it."""
    told = {
        "uninstall": uninstall,
        "unsubscribe": unsubscribe,
        "expire": expire,
        "revoke": revoke,
        "scopes": scopes,
        "faults": fault,
        "mend": mend,
        "apps": register,
        "hold": hold,
        "release": release,
        "sell": sell,
        "books": books,
        "demand": demand,
        "plan": plan,
        "bulk-failures": bulk_failure,
    }
    posts = [Route(f"/control/{n}", _guarded(act), methods=["POST"]) for n, act in told.items()]
    return [Route("/control", _guarded(state), methods=["GET"]), *posts]


def _guarded(
    act: Callable[[StandIn, bytes], Awaitable[Json]],
) -> Callable[[Request], Awaitable[Response]]:
    async def respond(request: Request) -> Response:
        if not is_loopback(f"http://{request.headers.get('host', '')}"):
            return _answer({"detail": "Only for this machine."}, 403)
        kind = request.headers.get("content-type", "")
        if request.method == "POST" and not kind.startswith("application/json"):
            return _answer({"detail": "Send JSON, and say so."}, 415)
        try:
            return _answer(await act(request.app.state.standin, await request.body()))
        except ControlRefused as refused:
            return _answer({"detail": str(refused)}, 422)

    return respond


def _answer(told: Json, status: int = 200) -> Response:
    return JSONResponse(msgspec.to_builtins(told), status)


def _read(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except msgspec.MsgspecError as error:
        raise ControlRefused(str(error)) from None


def _shop(standin: StandIn, domain: str) -> LivingShop:
    shop = standin.shops.get(domain)
    if shop is None:
        message = f"The shops are {', '.join(standin.shops)}."
        raise ControlRefused(message)
    return shop


def _installation(
    standin: StandIn, said: WhichInstallation | NewScopes | Demand | Plan
) -> Installation:
    _shop(standin, said.shop)
    found = [
        installation
        for installation in standin.consent.on(said.shop)
        if said.client_id in (None, installation.app.client_id)
    ]
    if len(found) != 1:
        message = f"{len(found)} apps fit on {said.shop}."
        raise ControlRefused(message)
    return found[0]
