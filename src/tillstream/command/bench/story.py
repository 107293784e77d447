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

_INTRODUCTION: Final = 72
"""Deliveries with which a shop introduces itself (catalogue, stock, locations), rounded up."""
_ORDERS_PER_DAY: Final = 40_000.0
"""In all shops together; about twelve deliveries come of each."""
_SPAN: Final = timedelta(hours=22)
"""Younger than a day, so that watchers are told of every order: that is work too."""


def domains(shops: int) -> list[str]:
    """Of the shops in the story."""
    return [shop.domain for shop in load_shops(shops)]


def introduction(shops: int) -> int:
    """Deliveries until all shops have introduced themselves: what comes then is everyday life."""
    return shops * _INTRODUCTION


def told(seed: int, number: int, now: datetime) -> Iterator[Webhook]:
    """The story of so many shops up to ``now``, in the order of its events; some 400,000 deliveries."""
    rate = _ORDERS_PER_DAY / number
    shops = [replace(shop, orders_per_day=rate) for shop in load_shops(number)]
    return iter(Story(seed, shops, now - _SPAN, now))


def deliveries(
    story: Iterator[Webhook], count: int, secret: bytes, now: datetime
) -> list[Delivery]:
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
