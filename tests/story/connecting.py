"""An installation and a Shopify that know each other, each in processes of its own."""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from tests.standin.process import CLIENT_ID, SECRET, PretendShopify
from tests.story.installation import Installation

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

T = TypeVar("T")

SHOP = "harbor-lights.myshopify.com"
TOKEN_SECONDS = 63
"""Tokens are renewed when they last no more than a minute: these do after three seconds."""


@contextmanager
def quiet_shopify(folder: Path) -> Generator[PretendShopify]:
    """One shop where nobody comes by themselves, so that every order is one that a test made."""
    quiet = ("--days", "0.01", "--orders-per-day", "0", "--timezone", "UTC")
    soon = ("--token-seconds", str(TOKEN_SECONDS), "--retry-scale", "1000")
    shopify = PretendShopify(folder, "--domain", SHOP, *quiet, *soon)
    shopify.start()
    try:
        yield shopify
    finally:
        shopify.stop()


@contextmanager
def installed(folder: Path, shopify: PretendShopify) -> Generator[Installation]:
    """An installation that takes this for Shopify, and is known to it as an app."""
    environment = {
        "SHOPIFY_API_KEY": CLIENT_ID,
        "SHOPIFY_API_SECRET": SECRET.decode(),
        "TILLSTREAM_SHOPIFY_ADDRESS": shopify.url,
    }
    one = Installation(folder, environment)
    shopify.control(
        "apps",
        client_id=CLIENT_ID,
        name="Tillstream",
        secrets=[SECRET.decode()],
        app_url=f"{one.url}/api/auth/install",
        redirect_uris=[f"{one.url}/api/auth/callback"],
        webhook_url=f"{one.url}/api/webhook",
    )
    one.start()
    try:
        yield one
    finally:
        one.stop()


def this_month() -> tuple[date, date]:
    """From its first day to today, in UTC."""
    today = datetime.now(UTC).date()
    return today.replace(day=1), today


def books(shopify: PretendShopify) -> dict[str, Any]:
    """What the shop's figures of this month must be."""
    first, last = this_month()
    return shopify.control("books", shop=SHOP, first=str(first), last=str(last))


def subscribed(shopify: PretendShopify) -> set[str]:
    """The topics that the app subscribed to."""
    return {one["topic"] for found in shopify.installations(SHOP) for one in found["subscriptions"]}


def until(look: Callable[[], T | None], *, seconds: float = 40) -> T:
    """What ``look`` gives once it gives something."""
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)  # between two looks
    return found
