"""One shop while its story unfolds: what it knows, what is yet to happen, what it sends."""

from __future__ import annotations

import heapq
from datetime import timedelta
from hashlib import sha256
from itertools import count
from random import Random
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from tillstream.simulator.bodies import Bodies
from tillstream.simulator.books import Ledger
from tillstream.simulator.currency import Currency
from tillstream.simulator.shop_clock import ShopClock, instant
from tillstream.simulator.webhook import ECHOES, Webhook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from tillstream.simulator.arrivals import Phase
    from tillstream.simulator.books import Kind, Row
    from tillstream.simulator.facts import Customer, Order, Product
    from tillstream.simulator.plan import ShopPlan

Action: TypeAlias = "Callable[[Shopfront, Any, int], None]"
"""Something that happens to a subject (an order, a visit, nothing) at an instant."""

IdKind: TypeAlias = Literal[
    "address", "checkout", "collection", "customer", "dispute", "domain", "draft_order", "edit", "fulfillment",
    "inventory_item", "line_item", "location", "order", "product", "refund", "return", "tender_transaction",
    "transaction", "variant",
]  # fmt: skip

# Where each kind's ids begin. Line items and refunds lie above 2^53 and are odd, so that
# whoever lets them pass through a double gets another number.
_FIRST_IDS: dict[IdKind, int] = {
    "address": 9_600_000_000_000,
    "checkout": 38_000_000_000_000,
    "collection": 4_400_000_000_000,
    "customer": 7_800_000_000_000,
    "dispute": 8_800_000_000,
    "domain": 1_500_000_000,
    "draft_order": 1_100_000_000_000,
    "edit": 150_000_000_000,
    "fulfillment": 5_300_000_000_000,
    "inventory_item": 49_000_000_000_000,
    "line_item": 14_900_000_000_000_001,
    "location": 80_000_000_000,
    "order": 5_900_000_000_000,
    "product": 8_100_000_000_000,
    "refund": 9_200_000_000_000_001,
    "return": 15_000_000_000,
    "tender_transaction": 2_300_000_000_000,
    "transaction": 6_900_000_000_000,
    "variant": 44_000_000_000_000,
}
_ID_STEP = 32_768 // 64


class Shopfront:
    """A shop's state. Actions are functions of it: ``act(shop, subject, at)``."""

    def __init__(
        self, seed: str, plan: ShopPlan, phases: Sequence[Phase], topics: frozenset[str]
    ) -> None:
        self.plan = plan
        self.phases = phases
        self.start, self.end = phases[0].start, phases[-1].end
        self.currency = Currency.of(plan.currency)
        self.clock = ShopClock(plan.zone)
        self.random = Random(f"{seed}:{plan.domain}")
        number = int.from_bytes(sha256(plan.domain.encode()).digest()[:3], "big")
        self.id = 60_000_000_000 + number * 64
        self._ids: dict[IdKind, int] = {
            kind: first + number * 65_536 for kind, first in _FIRST_IDS.items()
        }
        self.bodies = Bodies(plan, self.clock, self.id)
        self.ledger = Ledger(plan, self.clock)
        self.lean = phases[0].lean
        self.products: list[Product] = []
        self.buyers: list[Customer] = []
        self.locations: list[int] = []
        self.draft_number = 0
        self._last_triggered: datetime | None = None
        self.plan_name = "basic"
        self.updated_at = self.start
        self.order_number = 1000
        self.checkout_number = 30_000_000_000 + number
        self._topics = topics
        self._agenda: list[tuple[int, int, Action, object]] = []
        self._turn = count()
        self._out: list[Webhook] = []
        self._event = ""

    # -- time -----------------------------------------------------------------------------------

    def later(self, at: int, act: Action, subject: object = None) -> None:
        """Let ``act`` happen at ``at``."""
        heapq.heappush(self._agenda, (at, next(self._turn), act, subject))

    def unfold(self, until: int | None = None) -> Iterator[Webhook]:
        """Everything that happens before ``until`` (the story's end), as it is sent."""
        agenda, out = self._agenda, self._out
        end = self.end if until is None else min(until, self.end)
        while agenda and agenda[0][0] < end:
            at, _, act, subject = heapq.heappop(agenda)
            self._event = self._uuid()
            self.ledger.revision += 1
            act(self, subject, at)
            if out:
                yield from out
                out.clear()

    # -- chance ---------------------------------------------------------------------------------

    def chance(self, share: float) -> bool:
        """True in ``share`` of all cases."""
        return self.random.random() < share

    def between(self, low: int, high: int) -> int:
        """A whole number of seconds, or of anything, from ``low`` to ``high``."""
        return low + int(self.random.random() * (high - low + 1))

    def next_id(self, kind: IdKind) -> int:
        """A fresh id."""
        found = self._ids[kind] + _ID_STEP
        self._ids[kind] = found
        return found

    def token(self) -> str:
        """Thirty-two hexadecimal digits, as carts, checkouts and orders have them."""
        return f"{self.random.getrandbits(128):032x}"

    def _uuid(self) -> str:
        digits = f"{self.random.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    # -- sending --------------------------------------------------------------------------------

    def wants(self, topic: str) -> bool:
        """Whether the topic is sent: subscribed, and in a lean phase no echo of another."""
        return topic in self._topics and not (self.lean and topic in ECHOES)

    def send(self, topic: str, body: bytes, at: int) -> None:
        """Send ``body`` for what happened at ``at``."""
        triggered = instant(at) + timedelta(milliseconds=self.between(80, 900))
        if self._last_triggered is not None and triggered <= self._last_triggered:
            # Some bodies have no time of their own: what happens later is triggered later.
            triggered = self._last_triggered + timedelta(milliseconds=1)
        self._last_triggered = triggered
        due = triggered + timedelta(milliseconds=self.between(100, 1_500))
        self._out.append(
            Webhook(
                self.plan.domain,
                topic,
                body,
                self._uuid(),
                self._event,
                triggered,
                self.plan.api_version,
                due,
            )
        )

    def send_order(self, order: Order, *topics: str) -> None:
        """Send the order's present state under each of ``topics``: one body, equal bytes."""
        wanted = [topic for topic in topics if self.wants(topic)]
        if wanted:
            body = self.bodies.order(order)
            for topic in wanted:
                self.send(topic, body, order.updated_at)

    def note(self, topic: str, body: bytes, at: int, kind: Kind, row: Row, *key: object) -> None:
        """Send ``body`` if it is wanted; then ``row`` is what is to be known of its thing."""
        if self.wants(topic):
            self.ledger.records.note(kind, row, *key)
            self.send(topic, body, at)

    def send_customer(self, customer: Customer, topic: str) -> None:
        """Send ``customers/create`` or ``customers/update``."""
        self.ledger.customers[customer.id] = customer
        if self.wants(topic):
            self.send(topic, self.bodies.customer(customer), customer.updated_at)

    def send_product(self, product: Product, topic: str) -> None:
        """Send ``products/create`` or ``products/update``."""
        self.ledger.products[product.id] = product
        if self.wants(topic):
            self.send(topic, self.bodies.product(product), product.updated_at)
