"""The worked example of ``docs/measures.md``, through the whole product.

The orders go as webhook bodies through the real worker into a real PostgreSQL, and the figures are
asked of the real API, day by day. Expected are the numbers that were worked by hand and written
down in ``docs/worked-example.toml``; nothing here computes one.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from tests.rollup.asked import Asked, asked, told
from tests.rollup.worked_example import example, webhooks

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Database
    from tillstream.journal.contract import Delivery

DATA = example()
ZONE, CURRENCY = DATA["timezone"], DATA["currency"]
FIRST, LAST = "2026-10-23", "2026-10-28"


def deliveries() -> list[Delivery]:
    return [told(topic, body) for order in DATA["order"] for topic, body in webhooks(order)]


async def compare(shop: Asked) -> None:
    for row in DATA["day"]:
        day = str(row["day"])
        found = await shop.figures(day)
        assert {name: found[name] for name in row if name != "day"} == by_name(row), day
    total = await shop.figures(FIRST, LAST)
    assert {name: total[name] for name in DATA["total"]} == DATA["total"]


def by_name(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "day"}


async def test_the_figures_are_those_worked_by_hand(database: Database, tmp_path: Path) -> None:
    async with asked(database, tmp_path, ZONE, CURRENCY, deliveries()) as shop:
        await compare(shop)
        answer = await shop.ask("sales-over-time", **{"from": FIRST, "to": LAST})
        days = [{name: one[name] for name in ("total_sales", "orders")} for one in answer["points"]]
        assert days == [
            {name: row[name] for name in ("total_sales", "orders")} for row in DATA["day"]
        ]
        # The two half past twos of the 25th are hours of their own.
        hours = await shop.hours("2026-10-25")
        assert hours["2026-10-25T02:00:00+02:00"] == hours["2026-10-25T02:00:00+01:00"] == 1


async def test_they_are_so_in_whatever_order_the_webhooks_come(
    database: Database, tmp_path: Path
) -> None:
    dice = random.Random(22)
    mixed = deliveries()
    mixed += dice.choices(mixed, k=20)
    dice.shuffle(mixed)
    batches = [mixed[start : start + 9] for start in range(0, len(mixed), 9)]
    async with asked(database, tmp_path, ZONE, CURRENCY, *batches) as shop:
        await compare(shop)
        # The francs are kept beside the euros.
        assert shop.world.ask(
            "SELECT currency, total_price, presentment_currency, total_price_presentment "
            "FROM mirror.orders WHERE id = 1019"
        ) == [("EUR", 1_095_000, "CHF", 1_040_300)]


# A slip of the pen in the table itself would show in these.


@pytest.mark.parametrize("row", [*DATA["day"], DATA["total"]], ids=lambda row: str(row.get("day")))
def test_the_table_adds_up_across(row: dict[str, Any]) -> None:
    cents = {name: whole(value) for name, value in by_name(row).items()}
    assert cents["net_sales"] == (
        cents["gross_sales"] - cents["discounts"] - cents["sales_reversals"]
    )
    beside = cents["net_sales"] + cents["shipping"] + cents["taxes"]
    assert cents["live_view_total_sales"] == beside
    assert cents["total_sales"] == beside + cents["duties"] + cents["additional_fees"]


def test_the_table_adds_up_downwards() -> None:
    for name, value in DATA["total"].items():
        if name.endswith("_per_order") or "customers" in name or name == "average_order_value":
            continue
        assert sum(whole(row[name]) for row in DATA["day"]) == whole(value), name


def whole(value: str | int) -> int:
    """Cents of an amount; a count as it is."""
    return int(value.replace(".", "")) if isinstance(value, str) else value
