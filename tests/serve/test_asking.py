"""What panels refuse, and what they answer of a shop of which nothing is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tests.rollup.asked import asked
from tests.serve.test_auth import problem
from tillstream.rollup.segments import bin_of
from tillstream.serve.app import bare_app
from tillstream.serve.cursors import write_cursor

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Database
    from tests.serve.conftest import Site


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
    "breakdown?by=fulfilled_after": "query.by",
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


ROWS = """
INSERT INTO mirror.customers (tenant_id, store_id, id, first_name, deleted, state)
SELECT tenant_id, id, n, 'Eve', false, '{}' FROM shops.stores, generate_series(1, 4) AS n;
INSERT INTO rollup.customers (
  tenant_id, store_id, customer_id, orders, total_spent, first_order_at, last_order_at, moments)
SELECT tenant_id, id, n, 1, 50000, '2026-03-01Z', '2026-03-01Z', '[]' FROM shops.stores, generate_series(1, 3) AS n;
INSERT INTO rollup.prospects (tenant_id, store_id, customer_id) SELECT tenant_id, id, 4 FROM shops.stores;
INSERT INTO rollup.spread (tenant_id, store_id, dimension, bin, customers)
SELECT tenant_id, id, d, CASE d WHEN 'spent' THEN bin ELSE n END, 3 FROM shops.stores,
  (VALUES ('last_day', 739676), ('orders', 1), ('spent', 0)) AS t (d, n), LATERAL (SELECT %(bin)s::bigint AS bin) AS b;
INSERT INTO mirror.orders (tenant_id, store_id, id, taxes_included, test, deleted, processed_at, total_price,
  subtotal_price, total_tax, total_discounts, current_total_price, discount_codes, state)
SELECT tenant_id, id, n, false, false, false, '2026-03-10Z', 1, 0, 0, 0, 1, '{}', '{}'
FROM shops.stores, generate_series(1, 3) AS n;
INSERT INTO mirror.products (tenant_id, store_id, id, title, deleted, state)
SELECT tenant_id, id, n, 'Tea', false, '{}' FROM shops.stores, generate_series(1, 3) AS n;
INSERT INTO mirror.variants (tenant_id, store_id, product_id, id, price, inventory_quantity)
SELECT tenant_id, id, n, n, 10000, 5 FROM shops.stores, generate_series(1, 3) AS n;
INSERT INTO rollup.stock (tenant_id, store_id, product_id, variant_id, on_hand)
SELECT tenant_id, id, n, n, 5 FROM shops.stores, generate_series(1, 3) AS n;
INSERT INTO rollup.checkouts (
  tenant_id, store_id, token, stage, counted, started_at, last_active_at, value, recovered_value)
SELECT tenant_id, id, 't' || n, 'open', true, '2026-03-10Z', '2026-03-10Z', 1, 0
FROM shops.stores, generate_series(1, 3) AS n;
"""
LISTS = {
    "orders": ("orders", "id", 3), "customers": ("customers", "id", 4), "top-customers": ("customers", "id", 3),
    "products": ("products", "id", 3), "products?sort=orders": ("products", "id", 3),
    "products?sort=on_hand": ("products", "id", 3), "inventory": ("variants", "variant_id", 3),
    "checkouts": ("checkouts", "token", 3), "customer-segments?group=prospects": ("customers", "id", 1),
}  # fmt: skip


async def test_stores_with_the_same_ids_are_paged_without_gaps_or_repeats(site: Site) -> None:
    """Pages of one row part equals: the same id, the same time and the same amount in two stores."""
    token = (await site.register())["token"]
    for name in ("a", "b"):
        await site.connect(token, f"{name}.myshopify.com", timezone="UTC", currency="EUR")
    with site.owner() as owner:
        for statement in ROWS.split(";\n"):
            owner.execute(statement.replace("%(bin)s", str(bin_of(50000))).encode())
    async with site.client(token) as client:

        async def rows(path: str, name: str, limit: int) -> list[Any]:
            found: list[Any] = []
            query = {"from": "2026-03-01", "to": "2026-03-14", "limit": str(limit)}
            sign = "&" if "?" in path else "?"
            while True:
                answer = await client.get(f"/api/analytics/{path}{sign}{urlencode(query)}")
                assert answer.status_code == 200, answer.text
                found += answer.json()[name]
                if answer.json()["next"] is None:
                    return found
                query["cursor"] = answer.json()["next"]

        for path, (name, key, each) in LISTS.items():
            one_by_one = await rows(path, name, 1)
            assert one_by_one == await rows(path, name, 100), path
            assert len({(row[key], row["store"]) for row in one_by_one}) == 2 * each, path
        groups = (await client.get("/api/analytics/customer-segments")).json()["segments"]
        held = {one["group"]: one["customers"] for one in groups if one["customers"]}
        assert sum(held.values()) == 8
        for group, customers in held.items():
            members = await rows(f"customer-segments?group={group}", "customers", 1)
            assert len({(row["id"], row["store"]) for row in members}) == customers
