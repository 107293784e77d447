"""Promise 5, seen with a person's eyes: the figure on the screen follows a webhook by itself.

A real Chromium (Debian's) on the real dashboard. See installation.py for the rules.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.story.installation import PASSWORD
from tests.story.post import order, post

if TYPE_CHECKING:
    from collections.abc import Generator

    import httpx

    from tests.story.installation import Installation

SHOP = "window-shopping.myshopify.com"
EMAIL = "owner@browser.example"
CHROMIUM = shutil.which("chromium")

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is not installed: no browser to look with"
)


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


@pytest.fixture(scope="module")
def client(installation: Installation) -> httpx.Client:
    """The owner, with one store."""
    client = installation.account(EMAIL)
    created = client.post(
        "/api/stores", json={"domain": SHOP, "currency": "USD", "timezone": "UTC"}
    )
    assert created.status_code == 201, created.text
    return client


def _sign_in(page: Page) -> None:
    page.goto("/")
    page.get_by_test_id("login-email").fill(EMAIL)
    page.get_by_test_id("login-password").fill(PASSWORD)
    page.get_by_test_id("login-submit").click()


def _now(order_id: int, total: str) -> dict[str, object]:
    at = datetime.now(UTC).isoformat(timespec="seconds")
    return order(order_id, total, created_at=at, processed_at=at, updated_at=at)


def test_the_figure_follows_each_webhook(
    client: httpx.Client, installation: Installation, page: Page
) -> None:
    """Signed in, the page shows the sale of a POST without a reload; how fast is for the bench to say."""
    post(client, installation, SHOP, "orders/create", _now(1, "100.00"))
    installation.settle()
    _sign_in(page)
    figure = page.get_by_test_id("figure-total_sales")
    expect(figure).to_contain_text("100.00", timeout=15_000)
    expect(page.get_by_test_id("live-status")).to_have_attribute(
        "data-status", "live", timeout=15_000
    )
    for number in range(2, 7):
        answer = post(client, installation, SHOP, "orders/create", _now(number, "11.00"))
        assert answer.status_code == 200
        # The page asks for nothing by itself: only the push can bring it.
        expect(figure).to_contain_text(f"{100 + 11 * (number - 1)}.00", timeout=5_000)
    expect(page.get_by_test_id("feed-item").first).to_be_visible()


def test_wrong_password_is_told(client: httpx.Client, page: Page) -> None:
    """The page says what is wrong, and stays."""
    assert client.get("/api/auth/me").status_code == 200
    page.goto("/")
    page.get_by_test_id("login-email").fill(EMAIL)
    page.get_by_test_id("login-password").fill("not the right password")
    page.get_by_test_id("login-submit").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_test_id("login-email")).to_be_visible()


def test_reload_keeps_the_session(client: httpx.Client, page: Page) -> None:
    """The refresh cookie brings the session back after a reload."""
    assert client.get("/api/auth/me").status_code == 200
    _sign_in(page)
    expect(page.get_by_test_id("figure-orders")).to_be_visible(timeout=15_000)
    page.reload()
    expect(page.get_by_test_id("figure-orders")).to_be_visible(timeout=15_000)
