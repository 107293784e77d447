"""The worked example of ``docs/measures.md``, through the whole product.

The orders go as webhook bodies through the real worker into a real PostgreSQL, and the figures are
asked of the real API, day by day. Expected are the numbers that were worked by hand and written
down in ``docs/worked-example.toml``; nothing here computes one.
"""

from __future__ import annotations

import random
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.rollup.worked_example import example, webhooks
from tests.rollup.worlds import World, delivery, world
from tests.serve.conftest import open_site, settings_for

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    import httpx

    from tests.conftest import Database
    from tillstream.journal.contract import Delivery

NOW = datetime(2026, 10, 29, 12, tzinfo=UTC)
SHOP = "tea.myshopify.com"


@asynccontextmanager
async def told(
    database: Database, folder: Path, *batches: list[Delivery]
) -> AsyncGenerator[tuple[httpx.AsyncClient, World]]:
    """An account whose shop's deliveries have been applied: its browser, and its world."""
    async with open_site(database, settings_for(folder)) as site, world(database) as here:
        site.clock.now = NOW
        answer = await site.register()
        details = {"timezone": "Europe/Berlin", "currency": "EUR"}
        await site.connect(answer["token"], SHOP, **details)
        for batch in batches:
            outcome = await here.apply(batch, NOW)
            assert (outcome.parked, outcome.unrouted) == ([], [])
        async with site.client(await site.login()) as client:
            yield client, here


async def figures(client: httpx.AsyncClient, first: str, last: str) -> dict[str, Any]:
    response = await client.get(
        "/api/analytics/stats", params={"from": first, "to": last, "compare": "none"}
    )
    assert response.status_code == 200, response.text
    return response.json()


def deliveries() -> list[Delivery]:
    return [
        delivery(SHOP, topic, body)
        for order in example()["order"]
        for topic, body in webhooks(order)
    ]


async def compare(client: httpx.AsyncClient) -> None:
    data = example()
    for row in data["day"]:
        day = str(row.pop("day"))
        found = await figures(client, day, day)
        assert {name: found[name] for name in row} == row, day
    total = await figures(client, "2026-10-23", "2026-10-28")
    assert {name: total[name] for name in data["total"]} == data["total"]


async def test_the_figures_are_those_worked_by_hand(database: Database, tmp_path: Path) -> None:
    async with told(database, tmp_path, deliveries()) as (client, _):
        await compare(client)


async def test_they_are_so_in_whatever_order_the_webhooks_come(
    database: Database, tmp_path: Path
) -> None:
    dice = random.Random(22)
    mixed = deliveries()
    mixed += dice.choices(mixed, k=20)
    dice.shuffle(mixed)
    batches = [mixed[start : start + 9] for start in range(0, len(mixed), 9)]
    async with told(database, tmp_path, *batches) as (client, here):
        await compare(client)
        # The francs are kept beside the euros.
        assert here.ask(
            "SELECT currency, total_price, presentment_currency, total_price_presentment "
            "FROM mirror.orders WHERE id = 1019"
        ) == [("EUR", 1_095_000, "CHF", 1_040_300)]


async def test_the_days_of_the_series_are_those_of_the_table(
    database: Database, tmp_path: Path
) -> None:
    """Days of 24 and of 25 hours, and a day without orders, as the chart shows them."""
    async with told(database, tmp_path, deliveries()) as (client, _):
        response = await client.get(
            "/api/analytics/sales-over-time",
            params={"from": "2026-10-23", "to": "2026-10-28", "interval": "day", "compare": "none"},
        )
        assert response.status_code == 200, response.text
        series = response.json()["points"]
    rows = example()["day"]
    assert len(series) == len(rows) == 6
    shared = {"gross_sales", "net_sales", "total_sales", "orders"} & series[0].keys()
    assert {"total_sales", "orders"} <= shared
    for point, row in zip(series, rows, strict=True):
        assert {name: point[name] for name in shared} == {name: row[name] for name in shared}


@pytest.mark.parametrize("row", [*example()["day"], example()["total"]], ids=str)
def test_the_table_holds_its_own_identities(row: dict[str, Any]) -> None:
    """A slip of the pen in the table would show here: in whole cents."""
    cents = {
        name: int(value.replace(".", "")) for name, value in row.items() if isinstance(value, str)
    }
    assert cents["net_sales"] == (
        cents["gross_sales"] - cents["discounts"] - cents["sales_reversals"]
    )
    beside = cents["net_sales"] + cents["shipping"] + cents["taxes"]
    assert cents["live_view_total_sales"] == beside
    assert cents["total_sales"] == beside + cents["duties"] + cents["additional_fees"]


def test_the_total_is_the_sum_of_the_days() -> None:
    data = example()
    for name, value in data["total"].items():
        if name.endswith("_per_order") or "customers" in name or name == "average_order_value":
            continue
        days = [row[name] for row in data["day"]]
        if isinstance(value, str):
            summed = sum(int(day.replace(".", "")) for day in days)
            assert summed == int(value.replace(".", "")), name
        else:
            assert sum(days) == value, name
