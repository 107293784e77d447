"""The pretended Shopify as a whole: its shops, its apps, and what happens as time passes."""

from __future__ import annotations

import asyncio
import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tillstream.foundation.clock import utc_now
from tillstream.shopify.queries import sign_query
from tillstream.simulator.admin.api import rows_of
from tillstream.simulator.admin.bucket import Bucket
from tillstream.simulator.admin.bulk import URL_LIFE, BulkOperations
from tillstream.simulator.admin.consent import Consent
from tillstream.simulator.admin.context import Context
from tillstream.simulator.admin.courier import Courier
from tillstream.simulator.admin.faults import Faults
from tillstream.simulator.admin.living import LivingShop
from tillstream.simulator.admin.nodes import Nodes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from tillstream.foundation.clock import Clock
    from tillstream.simulator.admin.bulk import BulkOperation
    from tillstream.simulator.admin.consent import App, Installation
    from tillstream.simulator.facts import Customer, Order
    from tillstream.simulator.plan import ShopPlan

_BEAT: Final = 0.1
"""Seconds between looks at what has happened."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How the pretended Shopify behaves.

    ``visits`` come to each shop in a minute. ``redact_after`` an uninstallation ``shop/redact``
    is sent (Shopify waits two days). ``retry_scale`` shortens the waits between the retries of a
    delivery. ``plan`` decides how fast the bucket of query cost fills.
    """

    seed: str = "1"
    days: float = 30.0
    visits: float = 0.0
    token_life: timedelta = timedelta(hours=1)
    redact_after: timedelta = timedelta(days=2)
    retry_scale: float = 60.0
    bulk_seconds: float = 1.0
    plan: str = "standard"


@dataclass(frozen=True, slots=True)
class _Redaction:
    installation: Installation
    due: datetime


@dataclass(slots=True)
class StandIn:
    """Everything that is remembered; it is forgotten when the process ends.

    ``mint`` gives fresh hexadecimal digits, 32 of them: it decides every token.
    """

    plans: tuple[ShopPlan, ...]
    terms: Terms
    address: str
    mint: Callable[[], str]
    clock: Clock = utc_now
    shops: dict[str, LivingShop] = field(init=False)
    consent: Consent = field(init=False)
    courier: Courier = field(init=False)
    faults: Faults = field(init=False, default_factory=Faults)
    operations: dict[str, BulkOperations] = field(init=False)
    plan: str = field(init=False)
    _numbers: count[int] = field(init=False)
    _redactions: list[_Redaction] = field(init=False, default_factory=list[_Redaction])

    def __post_init__(self) -> None:
        """Open the shops: their past happens now, which takes a moment."""
        now = self.clock()
        self.plan = self.terms.plan
        opened = now - timedelta(days=self.terms.days)
        self.shops = {
            plan.domain: LivingShop(
                self.terms.seed, plan, opened=opened, now=now, visits=self.terms.visits
            )
            for plan in self.plans
        }
        self.consent = Consent(
            self.mint,
            lambda at: Bucket.for_plan(self.plan, at),
            token_life=self.terms.token_life,
        )
        self.courier = Courier(self.mint, retry_scale=self.terms.retry_scale)
        self.operations = {
            domain: BulkOperations(self.mint, self._work, self.terms.bulk_seconds)
            for domain in self.shops
        }
        # No two runs give out the same ids, as no two days at Shopify do.
        self._numbers = count(int(now.timestamp() * 1000))

    # -- as time passes -------------------------------------------------------------------------

    async def run(self) -> None:
        """Let time pass until cancelled."""
        try:
            while True:
                self.pass_time()
                await asyncio.sleep(_BEAT)
        finally:
            await self.courier.close()

    def pass_time(self) -> None:
        """Do what has become due."""
        now = self.clock()
        for shop in self.shops.values():
            for webhook in shop.live(now):
                for installation in self.consent.on(shop.domain):
                    self.courier.announce(installation, webhook)
            for operation in self.operations[shop.domain].look_after(now):
                self._tell(
                    operation.installation, "bulk_operations/finish", operation.webhook_body()
                )
        self._redact_due(now)

    def _work(self, operation: BulkOperation) -> Iterator[dict[str, Any]]:
        return rows_of(operation.query, self.context(operation.installation, operation.api_version))

    def _tell(self, installation: Installation, topic: str, body: bytes) -> None:
        shop = self.shops[installation.shop]
        webhook = shop.webhook(topic, body, self.uuid(), self.clock())
        self.courier.announce(installation, webhook)

    # -- requests -------------------------------------------------------------------------------

    def context(self, installation: Installation, version: str) -> Context:
        """What a request of an installation may know."""
        shop = self.shops[installation.shop]
        return Context(
            shop=shop,
            nodes=Nodes(shop),
            installation=installation,
            operations=self.operations[shop.domain],
            api_version=version,
            now=self.clock(),
            next_id=lambda: next(self._numbers),
            result_url=self._result_url,
        )

    def signed_query(self, app: App, shop: str, **more: str) -> list[tuple[str, str]]:
        """What a browser brings along from this shop's Admin: signed and dated."""
        host = urlsafe_b64encode(f"admin.shopify.com/store/{shop.partition('.')[0]}".encode())
        query = [
            *more.items(),
            ("host", host.decode().rstrip("=")),
            ("shop", shop),
            ("timestamp", str(int(self.clock().timestamp()))),
        ]
        query.sort()
        return [("hmac", sign_query(query, app.signing_secret)), *query]

    def sell(self, shop: LivingShop) -> Order:
        """Somebody buys something at once; the app is told."""
        order, told = shop.sell(self.clock())
        for webhook in told:
            for installation in self.consent.on(shop.domain):
                self.courier.announce(installation, webhook)
        return order

    # -- the life of an installation ------------------------------------------------------------

    def uninstall(self, installation: Installation) -> None:
        """Tokens end at once; ``app/uninstalled`` is sent; the subscriptions are gone."""
        self.consent.uninstall(installation.shop, installation.app.client_id)
        shop, now = self.shops[installation.shop], self.clock()
        self._tell(installation, "app/uninstalled", shop.body(now))
        installation.subscriptions.clear()
        self.consent.revoke(installation)
        self._redactions.append(_Redaction(installation, now + self.terms.redact_after))

    def change_scopes(self, installation: Installation, scopes: frozenset[str]) -> None:
        """Grant these and no others; ``app/scopes_update`` is sent."""
        previous, installation.scopes = installation.scopes, scopes
        shop, now = self.shops[installation.shop], self.clock()
        body = {
            "id": shop.front.id,
            "previous": sorted(previous),
            "current": sorted(scopes),
            "updated_at": now.isoformat(timespec="seconds"),
        }
        self._tell(installation, "app/scopes_update", msgspec.json.encode(body))

    def ask_for_data(self, installation: Installation, customer: Customer) -> None:
        """``customers/data_request``: a customer wants to know what is kept."""
        ids = self._orders_of(installation, customer)
        number = {"data_request": {"id": next(self._numbers)}}
        self._demand(
            installation, "customers/data_request", customer, "orders_requested", ids, number
        )

    def redact_customer(self, installation: Installation, customer: Customer) -> None:
        """``customers/redact``: a customer wants to be forgotten."""
        ids = self._orders_of(installation, customer)
        self._demand(installation, "customers/redact", customer, "orders_to_redact", ids, {})

    def redact_shop(self, installation: Installation) -> None:
        """``shop/redact``."""
        shop = self.shops[installation.shop]
        body = {"shop_id": shop.front.id, "shop_domain": shop.domain}
        self._command(installation, "shop/redact", body)

    def _redact_due(self, now: datetime) -> None:
        """Send what is due, unless the app is on the shop again."""
        due = [one for one in self._redactions if one.due <= now]
        for one in due:
            self._redactions.remove(one)
            key = (one.installation.shop, one.installation.app.client_id)
            if key not in self.consent.installations:
                self.redact_shop(one.installation)

    def _orders_of(self, installation: Installation, customer: Customer) -> list[int]:
        orders = self.shops[installation.shop].ledger.orders.values()
        return [order.id for order in orders if order.customer is customer and not order.deleted]

    def _demand(
        self,
        installation: Installation,
        topic: str,
        customer: Customer,
        orders: str,
        ids: list[int],
        more: dict[str, Any],
    ) -> None:
        shop = self.shops[installation.shop]
        person = {"id": customer.id, "email": customer.email, "phone": customer.phone}
        body = {
            "shop_id": shop.front.id,
            "shop_domain": shop.domain,
            orders: ids,
            "customer": person,
            **more,
        }
        self._command(installation, topic, body)

    def _command(self, installation: Installation, topic: str, body: dict[str, Any]) -> None:
        shop = self.shops[installation.shop]
        printed = msgspec.json.encode(body)
        self.courier.command(installation, shop.webhook(topic, printed, self.uuid(), self.clock()))

    # -- results of bulk operations -------------------------------------------------------------

    def _result_url(self, operation: BulkOperation) -> str:
        """Signed, and good for a week after the end."""
        ended = operation.completed_at or self.clock()
        until = int((ended + URL_LIFE).timestamp())
        return (
            f"{self.address}/bulk/{operation.file}.jsonl?Expires={until}"
            f"&Signature={self._signature(operation.file, until)}"
        )

    def result(self, file: str, until: str, signature: str) -> list[bytes] | None:
        """The lines of a result; None unless the address is a genuine one that is still good."""
        if not until.isdecimal() or int(until[:12]) < self.clock().timestamp():
            return None
        if not hmac.compare_digest(self._signature(file, int(until[:12])), signature):
            return None
        for operations in self.operations.values():
            for operation in operations.known.values():
                if operation.file == file:
                    return operation.lines
        return None

    @staticmethod
    def _signature(file: str, until: int) -> str:
        # The name of the file is a secret by itself: it was minted.
        return hmac.digest(file.encode(), str(until).encode(), "sha256").hex()

    def uuid(self) -> str:
        """A fresh id of an event."""
        digits = self.mint()
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:32]}"
