"""A shop that is open now: a past behind it, and shoppers in it as time passes."""

from __future__ import annotations

from collections import deque
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from tillstream.simulator.arrivals import Phase
from tillstream.simulator.counter import buy_online_at_once
from tillstream.simulator.shop_clock import seconds
from tillstream.simulator.story import open_shop
from tillstream.simulator.webhook import API_VERSION, Webhook

if TYPE_CHECKING:
    from datetime import datetime

    from tillstream.simulator.books import Ledger
    from tillstream.simulator.facts import Order
    from tillstream.simulator.plan import ShopPlan
    from tillstream.simulator.shopfront import Shopfront

_FOREVER: Final = int(timedelta(days=3650).total_seconds())


class LivingShop:
    """One shop. What happens is told by ``live`` once its time has come, and by nothing else."""

    def __init__(
        self, seed: str, plan: ShopPlan, *, opened: datetime, now: datetime, visits: float
    ) -> None:
        """The past from ``opened`` to ``now`` has happened, untold; then ``visits`` a minute."""
        present = seconds(now)
        phases = (
            Phase(seconds(opened), present, lean=True),
            Phase(present, present + _FOREVER, visits),
        )
        self.plan = plan
        self.front: Shopfront = open_shop(seed, plan, phases)
        # The past is known to the shop; nobody was told of it.
        deque(self.front.unfold(present), maxlen=0)

    @property
    def domain(self) -> str:
        """Its ``*.myshopify.com`` domain."""
        return self.plan.domain

    @property
    def ledger(self) -> Ledger:
        """What is true of the shop."""
        return self.front.ledger

    def live(self, now: datetime) -> list[Webhook]:
        """What has happened since the last time."""
        return list(self.front.unfold(seconds(now)))

    def sell(self, now: datetime) -> tuple[Order, list[Webhook]]:
        """Somebody buys something now."""
        sold: list[Order] = []

        def buy(shop: Shopfront, _: object, at: int) -> None:
            sold.append(buy_online_at_once(shop, at))

        self.front.later(seconds(now), buy)
        told = list(self.front.unfold(seconds(now) + 1))
        return sold[0], told

    def body(self, now: datetime) -> bytes:
        """The shop as its webhooks tell of it."""
        made = self.front.start - int(timedelta(days=400).total_seconds())
        return self.front.bodies.shop(made, seconds(now), self.front.plan_name)

    def webhook(self, topic: str, body: bytes, event: str, now: datetime) -> Webhook:
        """A delivery that is no part of the shop's own story."""
        return Webhook(self.domain, topic, body, "", event, now, API_VERSION, now)
