"""What the bench sends: one long story of busy shops, so that no delivery comes twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Final

from tillstream.journal.contract import Delivery
from tillstream.shopify.signing import sign_webhook
from tillstream.simulator.load import load_shops
from tillstream.simulator.story import Story

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tillstream.simulator.webhook import Webhook

SHOPS: Final = 100
INTRODUCTION: Final = SHOPS * 14
"""Deliveries with which the shops introduce themselves (their catalogues), rounded up."""

_ORDERS_PER_DAY: Final = 400.0
"""In each shop: with about twelve deliveries an order, 5 a second from all of them."""
_SPAN: Final = timedelta(hours=22)
"""Younger than a day, so that watchers are told of every order: that is work too."""


def domains() -> list[str]:
    """Of the shops in the story."""
    return [shop.domain for shop in load_shops(SHOPS)]


def told(seed: int, now: datetime) -> Iterator[Webhook]:
    """The story up to ``now``, in the order of its events; some 400,000 deliveries."""
    shops = [replace(shop, orders_per_day=_ORDERS_PER_DAY) for shop in load_shops(SHOPS)]
    return iter(Story(seed, shops, now - _SPAN, now))


def deliveries(story: Iterator[Webhook], count: int, secret: bytes, now: datetime) -> list[Delivery]:
    """The next ``count`` deliveries as the journal keeps them, received at ``now``."""
    received_at = int(now.timestamp() * 1_000_000)
    return [
        Delivery(
            received_at,
            "",
            webhook.shop,
            webhook.topic,
            webhook.webhook_id,
            webhook.event_id,
            webhook.triggered_at.astimezone(UTC).isoformat(),
            webhook.api_version,
            sign_webhook(secret, webhook.body),
            {},
            webhook.body,
        )
        for webhook in islice(story, count)
    ]
