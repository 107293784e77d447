"""Changed settings reach the past by themselves, without any delivery. See installation.py for the rules."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tests.story.post import order, post

if TYPE_CHECKING:
    import httpx

    from tests.story.installation import Installation

SHOP = "second-thoughts.myshopify.com"


def test_another_window_judges_old_checkouts_anew(installation: Installation) -> None:
    """A pause of half an hour is an abandonment at ten minutes, and none at an hour."""
    client = installation.account("owner@settings.example")
    made = client.post("/api/stores", json={"domain": SHOP, "currency": "USD", "timezone": "UTC"})
    store = made.json()["id"]
    checkout: dict[str, Any] = {
        "token": "t1",
        "email": "buyer@example.com",
        "currency": "USD",
        "total_price": "40.00",
        "created_at": "2026-11-01T11:30:00Z",
        "updated_at": "2026-11-01T11:30:00Z",
        "completed_at": None,
    }
    bought = order(1, "40.00", checkout_token="t1")  # at 12:00
    assert post(client, installation, SHOP, "checkouts/create", checkout).status_code == 200
    assert post(client, installation, SHOP, "orders/create", bought).status_code == 200
    installation.settle()
    assert _stats(client)["recovered_checkouts"] == 1
    assert (
        client.patch(f"/api/stores/{store}", json={"abandonment_window_minutes": 60}).status_code
        == 200
    )
    _wait_for(client, "abandoned_checkouts", 0)
    assert _stats(client)["checkouts"] == 1
    assert (
        client.patch(f"/api/stores/{store}", json={"abandonment_window_minutes": 10}).status_code
        == 200
    )
    _wait_for(client, "recovered_checkouts", 1)
    assert installation.cli("verify")["ok"]


def test_another_zone_dates_old_orders_anew(installation: Installation) -> None:
    """An order at noon in London is one of the next day in Auckland's summer."""
    client = installation.sign_in("owner@settings.example")
    store = client.get("/api/stores").json()["stores"][0]["id"]
    assert _stats(client)["orders"] == 1
    assert (
        client.patch(f"/api/stores/{store}", json={"timezone": "Pacific/Auckland"}).status_code
        == 200
    )
    _wait_for(client, "orders", 0)
    assert _stats(client, "2026-11-02")["orders"] == 1
    assert installation.cli("verify")["ok"]


def _stats(client: httpx.Client, day: str = "2026-11-01") -> dict[str, Any]:
    return client.get("/api/analytics/stats", params={"from": day, "to": day}).json()


def _wait_for(client: httpx.Client, figure: str, value: int) -> None:
    until = time.monotonic() + 30
    while _stats(client)[figure] != value:
        assert time.monotonic() < until, _stats(client)
        time.sleep(0.1)  # between two looks
