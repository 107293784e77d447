"""The broker goes away and comes back under a running installation. See installation.py for the rules."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.story.installation import Installation
from tests.story.post import order, post
from tillstream.journal.private_broker import PrivateBroker, find_server

if TYPE_CHECKING:
    from pathlib import Path

SHOP = "patient-potter.myshopify.com"


def test_a_webhook_is_refused_with_503_while_the_broker_is_away(tmp_path: Path) -> None:
    """A sender hears within moments to come again, nothing is half kept, and no restart is needed."""
    if find_server() is None:
        pytest.skip("rabbitmq-server is not installed: a broker that goes away is not tested")
    broker = PrivateBroker(tmp_path / "broker")
    installation = Installation(tmp_path / "data", {"RABBITMQ_URL": broker.url})
    try:
        broker.start()
        installation.start()
        client = installation.account("owner@broker.example")
        client.post("/api/stores", json={"domain": SHOP, "currency": "USD", "timezone": "UTC"})
        assert post(client, installation, SHOP, "orders/create", order(1, "10.00")).is_success
        broker.kill()
        asked = time.monotonic()
        refused = post(client, installation, SHOP, "orders/create", order(2, "20.00"))
        assert refused.status_code == 503
        # Shopify gives a delivery up after five seconds: the answer has to be well within them.
        assert time.monotonic() - asked < 4
        assert int(refused.headers["retry-after"]) >= 1
        assert refused.headers["content-type"] == "application/problem+json"
        assert client.get("/api/stores").is_success, "the rest goes on without a broker"
        broker.start()
        until = time.monotonic() + 60
        while not post(client, installation, SHOP, "orders/create", order(3, "30.00")).is_success:
            assert time.monotonic() < until, "webhooks are still refused"
        installation.settle()
        day = {"from": "2026-11-01", "to": "2026-11-01"}
        figures = client.get("/api/analytics/stats", params=day).json()
        # The refused one may have been kept all the same: what was not confirmed may be stored.
        assert (figures["orders"], figures["total_sales"]) in ((2, "40.00"), (3, "60.00"))
    finally:
        installation.stop()
        broker.stop()
