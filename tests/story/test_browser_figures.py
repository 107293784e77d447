"""The pages of figures as their reader sees them, in a real Chromium (Debian's).

One store of the simulator's, told once; every number on a page is held against what the API says of it.
See installation.py for the rules.
"""

from __future__ import annotations

import asyncio
import csv
import re
import shutil
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from playwright.sync_api import (
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    expect,
    sync_playwright,
)

from tests.story.installation import PASSWORD, Installation
from tests.story.tale import END, shuffled, tell
from tillstream.simulator.places import place_for
from tillstream.simulator.plan import plain_shop
from tillstream.simulator.story import Story

if TYPE_CHECKING:
    from collections.abc import Generator

    import httpx

SHOP = "figures.myshopify.com"
EMAIL = "owner@figures.example"
DAYS = 11
FIRST, LAST = END.date() - timedelta(days=DAYS), END.date() - timedelta(days=1)
RANGE = f"from={FIRST}&to={LAST}"
CHROMIUM = shutil.which("chromium")
SOON = 30_000

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is not installed: no browser to look with"
)


class Told(NamedTuple):
    """The owner of a store that has traded for some weeks."""

    client: httpx.Client
    installation: Installation

    def get(self, call: str, **more: str) -> dict[str, Any]:
        """What a call of the analytics answers for these weeks."""
        days = {"from": str(FIRST), "to": str(LAST)}
        alone = {"compare": "none"} if call == "stats" else {}
        answer = self.client.get(f"/api/analytics/{call}", params={**days, **alone, **more})
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def told(installation: Installation) -> Told:
    """Everything is applied before a browser looks: nothing moves while figures are compared."""
    client = installation.account(EMAIL)
    assert client.post("/api/stores", json={"domain": SHOP}).status_code == 201
    plan = plain_shop(SHOP, "USD", "America/New_York", place_for("USD"))
    shops = (replace(plan, orders_per_day=9.0),)
    story = Story("figures", shops, END - timedelta(days=DAYS), END)
    asyncio.run(tell(installation, shuffled(story, "figures")))
    status = installation.settle()
    assert not status["parked"]
    return Told(client, installation)


@pytest.fixture(scope="module")
def browser(told: Told) -> Generator[BrowserContext]:
    """A browser whose owner is signed in."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--disable-background-networking",
                "--disable-gpu",
                "--disable-component-update",
            ],
        )
        context = chromium.new_context(
            base_url=told.installation.url,
            viewport={"width": 1280, "height": 900},
            reduced_motion="reduce",
        )
        context.set_default_timeout(SOON)
        expect.set_options(timeout=SOON)
        page = context.new_page()
        page.goto("/")
        page.get_by_test_id("login-email").fill(EMAIL)
        page.get_by_test_id("login-password").fill(PASSWORD)
        page.get_by_test_id("login-submit").click()
        expect(page.get_by_role("navigation", name="Pages")).to_be_visible(timeout=SOON)
        page.close()
        yield context
        chromium.close()


@pytest.fixture
def page(browser: BrowserContext) -> Generator[Page]:
    """A page with nothing on it yet; any error on its console fails the test."""
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if _is_wrong(said) else None)
    yield page
    page.close()
    assert not errors


def _is_wrong(said: ConsoleMessage) -> bool:
    # Chromium itself writes down each answer of 404, even one that is asked for on purpose.
    return said.type == "error" and "404 (Not Found)" not in said.text


def _rows(table: Locator) -> Locator:
    """The rows that have something on them, and not the ones that stand there before."""
    return table.locator("tbody tr").filter(has=table.page.get_by_role("rowheader"))


def _digits(text: str) -> Decimal:
    """What is written as `-$1,234.50`."""
    number = re.sub(r"[^\d.]", "", text)
    return Decimal(number) * (-1 if re.match(r"[-\u2212]", text.strip()) else 1)


def test_products(told: Told, page: Page) -> None:
    """All products, sorted as asked, on the page as in its file; each leads to the sales of it."""
    page.goto(f"/products?{RANGE}")
    table = page.get_by_role("table", name="Products")
    for column, sort in (("Net", "net_sales"), ("Sold", "units_sold"), ("Orders", "orders")):
        if sort != "net_sales":
            table.get_by_role("button", name=column).click()
        products = told.get("products", sort=sort, limit="25")["products"]
        names = table.locator("tbody th a")
        expect(names).to_have_text([one["title"] for one in products])
    for line, row in zip(_exported(page, "the products"), _rows(table).all(), strict=False):
        expect(row).to_contain_text(line["title"])
        expect(row).to_contain_text(f"{Decimal(line['net_sales']):,.2f}")

    first = products[0]
    stock = page.get_by_role("table", name=re.compile("Variants"))
    least = told.get("inventory", limit="12")["variants"]
    expect(_rows(stock)).to_have_count(len(least))

    table.get_by_role("link", name=first["title"]).first.click()
    expect(page.get_by_test_id("filter-product")).to_contain_text(first["title"])
    expect(page.get_by_role("table", name="Sales by variant")).to_be_visible()
    narrowed = told.get("stats", product=first["id"])
    figure = page.get_by_test_id("figure-orders")
    expect(figure).to_have_text(str(narrowed["orders"]))


def test_customers(told: Told, page: Page) -> None:
    """Groups that open and stay open over a reload, cohorts, and the list by kind."""
    page.goto(f"/customers?{RANGE}")
    stats = told.get("stats")
    expect(page.get_by_test_id("figure-customers")).to_have_text(f"{stats['customers']:,}")
    groups = page.get_by_role("table", name="Groups of customers")
    expect(_rows(groups)).to_have_count(11)
    segments = told.get("customer-segments")["segments"]
    largest = max(segments, key=lambda one: one["customers"])
    _rows(groups).nth(segments.index(largest)).get_by_role("button").click()
    expect(page).to_have_url(re.compile(f"group={largest['group']}"))
    members = page.get_by_role("table", name=re.compile("Customers: "))
    expect(_rows(members)).to_have_count(min(10, largest["customers"]))
    page.reload()
    expect(_rows(members)).to_have_count(min(10, largest["customers"]))

    cohorts = page.get_by_role("group", name="Cohorts").get_by_role("rowheader")
    expect(cohorts).to_have_count(len(told.get("cohorts")["cohorts"]))
    everybody = page.get_by_role("table", name="Customers", exact=True)
    page.get_by_role("radio", name="Repeat").check(force=True)
    repeat = told.client.get("/api/analytics/customers", params={"kind": "repeat", "limit": 15})
    expect(_rows(everybody)).to_have_count(len(repeat.json()["customers"]))


def test_why_this_number(told: Told, page: Page) -> None:
    """The figure opens, its entries come to it page by page, and an order of them to its history."""
    page.goto(f"/?{RANGE}")
    total = told.get("stats")["net_sales"]
    figure = page.get_by_test_id("figure-net_sales")
    expect(figure).to_contain_text(".")
    page.get_by_test_id("why-net_sales").click()
    sheet = page.get_by_role("dialog", name="Why this number")
    expect(sheet.get_by_test_id("why-definition")).to_be_visible()
    expect(sheet.get_by_test_id("why-total")).to_have_text(figure.inner_text())
    assert _digits(figure.inner_text()) == Decimal(total)

    entries = _rows(sheet.get_by_role("table"))
    expect(entries).to_have_count(50)
    _all_of(sheet, entries)
    added = sum(map(_digits, sheet.locator("tbody td:last-child").all_inner_texts()))
    assert added == Decimal(total)
    expect(sheet.get_by_test_id("why-sum")).to_have_text(figure.inner_text())

    order = sheet.get_by_test_id("why-order").first
    name = order.inner_text()
    order.click()
    history = page.get_by_role("dialog", name="What made this order what it is")
    expect(history.get_by_test_id("history-order")).to_have_text(name)
    placed = history.get_by_test_id("delivery").filter(has_text="orders/create")
    expect(placed).to_have_count(1)
    history.get_by_role("button", name="Back to the figure").click()
    expect(sheet.get_by_test_id("why-total")).to_have_text(figure.inner_text())
    order.click()
    history.get_by_test_id("order-page").click()
    expect(page.get_by_test_id("order-name")).to_have_text(name)
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_orders(told: Told, page: Page) -> None:
    """The list, how soon they were sent, and one of them with what belongs to it."""
    page.goto(f"/orders?{RANGE}")
    orders = told.get("orders", limit="25")["orders"]
    links = page.get_by_test_id("order-link")
    expect(links).to_have_text([one["name"] for one in orders])
    sent = told.get("fulfillment-times")
    panel = page.get_by_role("region", name="Time to send")
    expect(panel).to_contain_text(f"{sent['fulfilled']} of {sent['orders']} orders")
    expect(panel).to_contain_text(f"{sent['within_48_hours']:.1%}")

    placed = next(one for one in orders if one["fulfilled_at"])
    whole = told.client.get(f"/api/orders/{placed['id']}").json()
    links.filter(has_text=placed["name"]).first.click()
    expect(page).to_have_url(re.compile(rf"/orders/{placed['id']}\?store="))
    expect(page.get_by_test_id("order-name")).to_have_text(placed["name"])
    lines = _rows(page.get_by_role("table", name="Lines of the order"))
    expect(lines).to_have_count(len(whole["lines"]))
    expect(page.get_by_role("region", name="Customer")).to_contain_text(placed["customer_name"])
    parcels = page.get_by_role("region", name="Parcels").get_by_role("listitem")
    expect(parcels).to_have_count(len(whole["fulfillments"]))
    delivered = page.get_by_test_id("delivery")
    expect(delivered.filter(has_text="orders/create")).to_have_count(1)
    rows = _exported(page, "the deliveries")
    assert [one["topic"] for one in rows] == delivered.locator("p").all_inner_texts()


def test_no_such_order(page: Page) -> None:
    """An address of nothing says so, and leads on."""
    page.goto("/orders/404")
    expect(page.get_by_text("There is no such order")).to_be_visible()
    page.get_by_role("link", name="Orders").first.click()
    expect(page.get_by_role("heading", name="Orders", exact=True)).to_be_visible()


def _all_of(sheet: Locator, entries: Locator) -> None:
    """Page on until there is no more."""
    more = sheet.get_by_role("button", name="Show more")
    while more.count():
        shown = entries.count()
        more.click()
        expect(entries.nth(shown)).to_be_attached()


def test_sales_by_and_filters(told: Told, page: Page) -> None:
    """A value becomes a filter of the whole page; the address keeps it, and it can be taken off."""
    page.goto(f"/?{RANGE}")
    everything = told.get("stats")["orders"]
    orders = page.get_by_test_id("figure-orders")
    expect(orders).to_have_text(str(everything))
    for by, title in (("country", "Sales by country"), ("vendor", "Sales by vendor")):
        page.get_by_label("Tell sales apart by").select_option(by)
        rows = told.get("breakdown", by=by, limit="8")["rows"]
        expect(_rows(page.get_by_role("table", name=title))).to_have_count(len(rows))
    page.get_by_label("Tell sales apart by").select_option("channel")
    table = page.get_by_role("table", name="Sales by channel")
    rows = told.get("breakdown", by="channel")["rows"]
    expect(_rows(table)).to_have_count(len(rows))
    assert [one["value"] for one in _exported(page, "sales by channel")] == [
        one["value"] for one in rows
    ]
    table.get_by_role("button", name="Point of Sale").click()
    expect(page).to_have_url(re.compile("channel=pos"))

    narrowed = str(told.get("stats", channel="pos")["orders"])
    assert narrowed != str(everything)
    chip = page.get_by_test_id("filter-channel")
    for look in (lambda: None, page.reload):
        look()
        expect(chip).to_contain_text("Point of Sale")
        expect(orders).to_have_text(narrowed)
        expect(page.get_by_test_id("figure-recovered_checkout_rate")).to_have_text("–")
    chip.click()
    expect(chip).to_have_count(0)
    expect(orders).to_have_text(str(everything))
    assert "channel=" not in page.url


def _exported(page: Page, what: str) -> list[dict[str, str]]:
    """The lines of the file that a person gets who asks for it as CSV."""
    page.get_by_role("button", name=f"Export {what}").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    path = Path(download.value.path())
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
