"""A stand-in with a clock in hand, without a process or a port around it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from tests.simulator.shops import shop
from tillstream.simulator.admin import api
from tillstream.simulator.admin.consent import App
from tillstream.simulator.admin.standin import StandIn, Terms

if TYPE_CHECKING:
    from tillstream.simulator.admin.consent import Installation
    from tillstream.simulator.plan import ShopPlan

NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
SECRET = b"new secret"
OLD_SECRET = b"old secret"
SCOPES = frozenset({"read_orders", "read_customers", "read_products", "read_all_orders"})
CALLBACK = "https://app.example.com/callback"


class Clock:
    """Stands until it is moved."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **span: float) -> None:
        self.now += timedelta(**span)


def minting() -> Any:
    numbers = count(1)
    return lambda: f"{next(numbers):032x}"


def an_app(client_id: str = "client", uri: str = "https://app.example.com/webhooks") -> App:
    return App(
        client_id, "An app", (SECRET, OLD_SECRET), "https://app.example.com", (CALLBACK,), uri
    )


class World:
    """A stand-in of one eventful shop (``usd-shop.myshopify.com`` unless told otherwise)."""

    def __init__(self, *plans: ShopPlan, **terms: Any) -> None:
        self.clock = Clock()
        self.plans = plans or (shop("USD", "America/New_York"),)
        self.standin = StandIn(
            self.plans, Terms(**terms), "http://127.0.0.1:1", minting(), self.clock
        )
        self.shop = self.standin.shops[self.plans[0].domain]
        self.app = an_app()
        self.standin.consent.apps[self.app.client_id] = self.app

    def install(self, scopes: frozenset[str] = SCOPES, app: App | None = None) -> Installation:
        app = app or self.app
        self.standin.consent.approve(app, self.shop.domain, scopes, self.clock())
        return self.standin.consent.installations[self.shop.domain, app.client_id]

    def ask(self, installation: Installation, document: str, **variables: Any) -> dict[str, Any]:
        """The whole answer."""
        context = self.standin.context(installation, "2026-10")
        return api.answer(api.Question(document, variables), context, installation.bucket)

    def data(self, installation: Installation, document: str, **variables: Any) -> dict[str, Any]:
        """The data of an answer without errors; the bucket is never empty."""
        installation.bucket.available = installation.bucket.maximum
        told = self.ask(installation, document, **variables)
        assert "errors" not in told, told
        return told["data"]
