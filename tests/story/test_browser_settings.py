"""People, keys and logins as an owner and those invited see them, in a real Chromium (Debian's).

See installation.py for the rules.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.story.installation import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.story.installation import Installation

OWNER = "owner@settings.example"
GUEST = "guest@settings.example"
GUEST_PASSWORD = "words of somebody else"
CHROMIUM = shutil.which("chromium")
SOON = 15_000

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is not installed: no browser to look with"
)


@pytest.fixture
def browser() -> Generator[Browser]:
    """A browser; each of its pages is one of somebody else, with cookies of their own."""
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
        yield browser
        browser.close()


def _page(browser: Browser, installation: Installation) -> Page:
    page = browser.new_page(base_url=installation.url, viewport={"width": 1280, "height": 900})
    page.set_default_timeout(SOON)
    return page


def _sign_in(page: Page, email: str, password: str) -> None:
    page.get_by_test_id("login-email").fill(email)
    page.get_by_test_id("login-password").fill(password)
    page.get_by_test_id("login-submit").click()


def test_people_and_secrets(browser: Browser, installation: Installation) -> None:
    """One journey, each step from what the one before left on the screen."""
    installation.account(OWNER)
    page = _page(browser, installation)
    page.goto("/sign-in?next=%2Fsettings%2Fteam")
    _sign_in(page, OWNER, PASSWORD)
    expect(page.get_by_role("heading", name="Team")).to_be_visible(timeout=SOON)

    link = _invite(page, GUEST)
    guest = _page(browser, installation)
    _accept(guest, link)
    _see_no_controls(guest)
    _lose_the_way_back(guest, link)

    _make_a_key(page, installation)
    _make_a_login(page)
    _remove(page, guest)
    _read_the_log(page)


def _invite(page: Page, email: str) -> str:
    page.get_by_role("button", name="Invite").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("E-mail address").fill(email)
    dialog.get_by_role("button", name="Invite", exact=True).click()
    expect(dialog).to_contain_text("is invited")
    link = dialog.locator("code").inner_text()
    dialog.get_by_role("button", name="Done").click()
    expect(page.get_by_test_id("invitation")).to_contain_text(email)
    return link


def _accept(page: Page, link: str) -> None:
    page.goto(link)
    page.get_by_label("Password").fill(GUEST_PASSWORD)
    page.get_by_role("button", name="Create account and join").click()
    expect(page.get_by_role("navigation", name="Pages")).to_be_visible()


def _see_no_controls(page: Page) -> None:
    page.goto("/settings/keys")
    expect(page.get_by_text("API keys: for owners")).to_be_visible()
    page.goto("/settings/team")
    expect(page.get_by_test_id("member")).to_have_count(2)
    expect(page.get_by_role("combobox")).to_have_count(0)
    expect(page.get_by_role("button", name="Invite")).to_have_count(0)


def _lose_the_way_back(page: Page, link: str) -> None:
    """A link works once."""
    page.goto(link)
    expect(page.get_by_role("heading", name="This invitation no longer works")).to_be_visible()


def _make_a_key(page: Page, installation: Installation) -> None:
    page.goto("/settings/keys")
    page.get_by_role("button", name="New key").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Nightly report")
    dialog.get_by_role("button", name="Make key").click()
    key = dialog.locator("code").inner_text()
    assert _stats(installation, key) == 200
    page.keyboard.press("Escape")
    expect(dialog, "nothing but the button closes what is shown once").to_be_visible()
    dialog.get_by_role("button", name="I have copied it").click()
    expect(page.get_by_text(key)).to_have_count(0)
    page.get_by_test_id("api-key").get_by_role("button", name="Revoke").click()
    dialog.get_by_role("button", name="Revoke key").click()
    expect(page.get_by_test_id("api-key")).to_have_count(0)
    assert _stats(installation, key) == 401


def _stats(installation: Installation, key: str) -> int:
    headers = {"authorization": f"Bearer {key}"}
    return httpx.get(f"{installation.url}/api/analytics/stats", headers=headers).status_code


def _make_a_login(page: Page) -> None:
    page.goto("/settings/sql")
    page.get_by_role("button", name="New login").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Metabase")
    dialog.get_by_role("button", name="Make login").click()
    expect(dialog).to_contain_text("postgresql://")
    password = dialog.locator("code").first.inner_text()
    dialog.get_by_role("button", name="I have copied it").click()
    expect(page.get_by_test_id("sql-login")).to_have_count(1)
    expect(page.get_by_text(password)).to_have_count(0)


def _remove(page: Page, guest: Page) -> None:
    guest.goto("/settings/team")
    page.goto("/settings/team")
    page.get_by_role("button", name=f"Remove {GUEST}").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove member").click()
    expect(page.get_by_test_id("member")).to_have_count(1)
    guest.reload()
    expect(guest.get_by_test_id("login-email")).to_be_visible()


def _read_the_log(page: Page) -> None:
    page.goto("/settings/audit")
    for action in ("member.removed", "sql_login.made", "key.revoked", "member.joined"):
        expect(page.locator(f"[data-action='{action}']")).to_have_count(1)


def test_forgotten_password(browser: Browser, installation: Installation) -> None:
    """The page answers the same whoever asks; a link works once, and ends with a sign-in."""
    email = "forgetful@settings.example"
    installation.account(email)
    page = _page(browser, installation)
    page.goto("/")
    page.get_by_role("link", name="Forgot your password?").click()
    page.get_by_label("E-mail address").fill("nobody@settings.example")
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_role("heading", name="Look at your mail")).to_be_visible()

    page.goto(installation.cli("account", "password", email)["link"])
    page.get_by_label("New password").fill(GUEST_PASSWORD)
    page.get_by_role("button", name="Set password").click()
    page.get_by_role("button", name="Sign in").click()
    _sign_in(page, email, GUEST_PASSWORD)
    expect(page.get_by_role("heading", name="Connect your first store")).to_be_visible()


def test_next_leads_nowhere_else(browser: Browser, installation: Installation) -> None:
    """An address that somebody else wrote does not lead off this page."""
    email = "careful@settings.example"
    installation.account(email)
    page = _page(browser, installation)
    page.goto("/sign-in?next=%2F%2Fevil.example%2F")
    _sign_in(page, email, PASSWORD)
    expect(page.get_by_role("navigation", name="Pages")).to_be_visible()
    assert page.url == f"{installation.url}/"
