"""Bodies of older API versions, and of a shop that moves.

Real: everything. Six days of one shop for each case.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from tests.simulator.shops import START, shop
from tillstream.simulator.plan import Move, ShopPlan
from tillstream.simulator.story import Story
from tillstream.simulator.webhook import API_VERSION, Webhook


def tell(plan: ShopPlan) -> list[tuple[Webhook, dict[str, Any]]]:
    story = Story(1, [plan], START, START + timedelta(days=6))
    return [(webhook, msgspec.json.decode(webhook.body)) for webhook in story]


def of(told: list[tuple[Webhook, dict[str, Any]]], *topics: str) -> list[dict[str, Any]]:
    return [body for webhook, body in told if webhook.topic in topics]


def test_before_2026_04_orders_name_their_checkouts_by_id() -> None:
    told = tell(replace(shop("USD", "America/New_York"), api_version="2026-01"))
    assert {webhook.api_version for webhook, _ in told} == {"2026-01"}
    ids = {one["token"]: one["id"] for one in of(told, "checkouts/create", "checkouts/update")}
    named = {one["checkout_token"]: one["checkout_id"] for one in of(told, "orders/create")}
    both = ids.keys() & named.keys()
    assert len(both) > 20
    assert all(ids[token] == named[token] for token in both)


def test_the_version_changes_nothing_else() -> None:
    plan = shop("USD", "America/New_York")
    new, old = tell(plan), tell(replace(plan, api_version="2025-10"))
    assert {webhook.api_version for webhook, _ in new} == {API_VERSION}
    for (_, body), (_, before) in zip(new, old, strict=True):
        told = {name: value for name, value in before.items() if name != "checkout_id"}
        if "abandoned_checkout_url" in told:
            del told["id"]
        assert told == body


def test_before_2025_01_customers_have_their_tags() -> None:
    plan = shop("USD", "America/New_York", per_day=40)
    told = tell(replace(plan, api_version="2024-10"))
    assert all("tags" in one for one in of(told, "customers/create", "customers/update"))
    assert not any("tags" in one for one in of(tell(plan), "customers/create", "customers/update"))


def test_a_shop_that_moves_prints_its_times_in_the_new_zone() -> None:
    told = tell(replace(shop("USD", "Asia/Tokyo"), moves=(Move(3, "America/Bogota"),)))
    zones = [one["iana_timezone"] for one in of(told, "shop/update")]
    assert zones[0] == "Asia/Tokyo"
    assert zones[-1] == "America/Bogota"
    moved = next(
        webhook.triggered_at for webhook, body in told if body.get("iana_timezone") == zones[-1]
    )
    offsets = {
        (webhook.triggered_at < moved, datetime.fromisoformat(body["created_at"]).utcoffset())
        for webhook, body in told
        if webhook.topic == "orders/create"
    }
    assert offsets == {(True, timedelta(hours=9)), (False, timedelta(hours=-5))}
