"""What panels refuse, and what they answer of a shop of which nothing is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.rollup.asked import asked
from tests.serve.test_auth import problem
from tillstream.serve.app import bare_app
from tillstream.serve.cursors import write_cursor

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Database


REFUSED = {
    "customers?channel=web": "query.channel",
    "checkouts?product=5": "query.product",
    "cohorts.csv?country=DE": "query.country",
    "inventory?discount_code=": "query.discount_code",
    "stats?country=Germany": "query.country",
    "stats?product=tee": "query.product",
    "stats?channel=%00": "query.channel",
    "breakdown": "query.by",
    "breakdown?by=colour": "query.by",
    "breakdown?by=collection&sort=orders": "query.sort",
    "products?sort=title": "query.sort",
    "customers?kind=rich": "query.kind",
    "customer-segments?group=whales": "query.group",
    "fulfillment-times?from=2000-01-01&to=2026-01-01": "query.from",
    "orders.csv?from=2026-03-02&to=2026-03-01": "query.to",
}


async def test_what_cannot_be_asked_is_told(database: Database, tmp_path: Path) -> None:
    async with asked(database, tmp_path, "Europe/Berlin", "EUR") as shop:
        for path, field in REFUSED.items():
            answer = await shop.client.get(f"/api/analytics/{path}")
            assert problem(answer) == "validation", path
            assert answer.json()["errors"][0]["field"] == field
        # A cursor is good for its own list in its own order only.
        for path in (
            "orders",
            "products?sort=orders",
            "breakdown?by=channel",
            "customer-segments?group=new",
        ):
            other = write_cursor("customers", 5, 5)
            sign = "&" if "?" in path else "?"
            answer = await shop.client.get(f"/api/analytics/{path}{sign}cursor={other}")
            assert answer.json()["errors"][0]["field"] == "query.cursor"


async def test_a_shop_of_which_nothing_is_known_has_panels_too(
    database: Database, tmp_path: Path
) -> None:
    async with asked(database, tmp_path, "Asia/Tokyo", "JPY") as shop:
        document = bare_app().openapi()["paths"]
        panels = [path.rpartition("/")[2] for path in document if "/analytics/" in path]
        assert len(panels) > 12
        needed = {"breakdown": {"by": "collection"}, "ledger": {"measure": "customers"}}
        for path in panels:
            assert await shop.ask(path, **needed.get(path, {}))
            for form in ("csv", "parquet"):
                answer = await shop.client.get(
                    f"/api/analytics/{path}.{form}", params=needed.get(path, {})
                )
                assert answer.status_code == 200, (path, form, answer.text)
