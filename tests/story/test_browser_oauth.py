"""Connecting a store as a merchant does it, in a real Chromium (Debian's), on real pages.

From an empty account over Shopify's question to the first figures, and what is seen when the app is taken
off again. See installation.py for the rules.
"""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.story.connecting import SHOP, books, installed, quiet_shopify, subscribed
from tests.story.installation import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from tests.standin.process import PretendShopify
    from tests.story.installation import Installation

EMAIL = "merchant@browser.example"
CHROMIUM = shutil.which("chromium")
SOON = 15_000

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is not installed: no browser to look with"
)


@pytest.fixture(scope="module")
def shopify(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PretendShopify]:
    """Shopify."""
    with quiet_shopify(tmp_path_factory.mktemp("shopify")) as shopify:
        yield shopify


@pytest.fixture(scope="module")
def installation(
    tmp_path_factory: pytest.TempPathFactory, shopify: PretendShopify
) -> Iterator[Installation]:
    """The program."""
    with installed(tmp_path_factory.mktemp("installation") / "data", shopify) as one:
        yield one


@pytest.fixture
def page(installation: Installation) -> Generator[Page]:
    """A page of a new browser, with nothing on it yet; any error on its console fails the test."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--disable-background-networking",
                "--disable-gpu",
                "--disable-component-update",
            ],
        )
        page = browser.new_page(base_url=installation.url, viewport={"width": 1440, "height": 1000})
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        yield page
        browser.close()
        assert not errors


def test_a_merchant_connects_a_store_and_takes_the_app_off_again(
    page: Page, shopify: PretendShopify
) -> None:
    """One journey, each step from what the one before left on the screen."""
    _register(page)
    _say_no(page)
    _connect(page)
    _see_the_first_figures(page, shopify)
    _uninstall(page, shopify)
    _reconnect(page, shopify)


def _register(page: Page) -> None:
    page.goto("/")
    page.get_by_test_id("login-switch").click()
    page.get_by_test_id("login-email").fill(EMAIL)
    page.get_by_test_id("login-password").fill(PASSWORD)
    page.get_by_test_id("login-submit").click()
    expect(page.get_by_role("heading", name="Connect your first store")).to_be_visible(timeout=SOON)


def _say_no(page: Page) -> None:
    """Who says no at Shopify is told that nothing was connected, and may try again."""
    _set_out(page)
    page.get_by_role("button", name="Cancel").click()
    page.wait_for_url(re.compile(r"[?&]refused=denied"))
    expect(page.get_by_test_id("refused")).to_be_visible(timeout=SOON)


def _connect(page: Page) -> None:
    _set_out(page)
    # Shopify says in words what the app would see.
    expect(page.get_by_text("read_orders")).to_be_visible()
    page.get_by_role("button", name="Install app").click()
    page.wait_for_url(re.compile(r"connected=1"))
    welcome = page.get_by_test_id("welcome")
    expect(welcome).to_be_visible(timeout=SOON)
    expect(welcome).to_have_attribute("data-arrived", "false")


def _set_out(page: Page) -> None:
    page.get_by_test_id("shopify-domain").fill(SHOP)
    page.get_by_role("button", name="Connect with Shopify").click()
    expect(page.get_by_role("heading", name="Install Tillstream")).to_be_visible(timeout=SOON)


def _see_the_first_figures(page: Page, shopify: PretendShopify) -> None:
    """Orders are placed at the shop; the page shows them by itself."""
    _until_subscribed(page, shopify)
    shopify.control("sell", shop=SHOP, count=3)
    expect(page.get_by_test_id("welcome")).to_have_attribute("data-arrived", "true", timeout=SOON)
    expect(page.get_by_test_id("figure-orders")).to_contain_text("3", timeout=SOON)
    total = f"{float(books(shopify)['total_sales']):,.2f}"
    expect(page.get_by_test_id("figure-total_sales")).to_contain_text(total, timeout=SOON)


def _uninstall(page: Page, shopify: PretendShopify) -> None:
    """The merchant takes the app off in Shopify; the dashboard says so, and keeps the figures."""
    page.goto(f"{shopify.address(SHOP)}/admin")
    page.get_by_role("button", name="Uninstall").click()
    expect(page.get_by_text("not installed")).to_be_visible()
    page.goto("/")
    expect(page.get_by_test_id("store-notice")).to_contain_text("is uninstalled", timeout=SOON)
    expect(page.get_by_test_id("figure-orders")).to_contain_text("3", timeout=SOON)
    page.goto("/stores")
    expect(page.get_by_test_id("store")).to_have_attribute(
        "data-status", "uninstalled", timeout=SOON
    )


def _reconnect(page: Page, shopify: PretendShopify) -> None:
    page.get_by_role("link", name="Reconnect").click()
    page.get_by_role("button", name="Install app").click()
    page.wait_for_url(re.compile(r"connected=1"))
    page.goto("/stores")
    expect(page.get_by_test_id("store")).to_have_attribute("data-status", "connected", timeout=SOON)
    _until_subscribed(page, shopify)


def _until_subscribed(page: Page, shopify: PretendShopify) -> None:
    """Wait until the app has asked Shopify for webhooks, which it does by itself."""
    for _ in range(SOON // 100):
        if "orders/updated" in subscribed(shopify):
            return
        page.wait_for_timeout(100)  # between two looks
    pytest.fail("the app did not subscribe to anything")
