"""The panels over HTTP, of a shop whose deliveries went through the real worker.

The shop is told by the simulator: six days over the end of summer time in Berlin, two channels, orders
of guests, codes, refunds and cancellations. What is asserted is that every way of asking agrees with
every other: values with their total, filters with breakdowns, months with days, files with pages, and
what the rollup keeps with what the ledger's entries say one by one (which other tests hold to the books).
"""

from __future__ import annotations

import asyncio
import csv
import io
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq  # pyright: ignore[reportMissingTypeStubs]
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.conftest import KEY, Database, drop_database, run_on
from tests.rollup.asked import NOW, SHOP, Asked, asked
from tests.rollup.worlds import delivery, world
from tests.serve.conftest import open_site, settings_for
from tillstream.foundation.database import set_tenants
from tillstream.foundation.migrate import ensure_logins, login_url
from tillstream.mirror.merge import Store
from tillstream.rollup.columns import each
from tillstream.rollup.stock import restock
from tillstream.serve.figures import BUYERS, FIGURES, OF_LINES, OF_ORDERS, Buyers, Sums
from tillstream.serve.forms import Place, in_json
from tillstream.simulator.places import GERMANY
from tillstream.simulator.plan import plain_shop
from tillstream.simulator.story import Story

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Iterable, Sequence
    from pathlib import Path

    from tests.conftest import Cluster

BERLIN = ZoneInfo("Europe/Berlin")
PLACE = Place("EUR", BERLIN)
START = NOW - timedelta(days=6)
WHOLE = {"from": "2026-09-20", "to": "2026-11-02"}
"""Holds October whole, and days before and after it."""
EDGES = {"from": "2026-10-02", "to": "2026-10-30"}
FACETS = ("channel", "country", "region", "referrer", "landing", "discount_code")
LINES = ("product", "variant", "vendor", "product_type")
ADDED = ("gross_sales", "discounts", "sales_reversals", "net_sales", "units_sold", "units_reversed")


@pytest.fixture(scope="module")
def template(
    cluster: Cluster, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Generator[str]:
    """The shop's story is applied once; each test has a copy of the database."""
    name = f"{template}_told"
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    run_on(cluster.url, create.format(sql.Identifier(name), sql.Identifier(template)))
    admin_url = make_conninfo(cluster.url, dbname=name)
    ensure_logins(admin_url, KEY)
    urls = [login_url(admin_url, role, KEY) for role in ("api", "worker")]
    asyncio.run(
        tell(Database(name, admin_url, urls[0], urls[1], KEY), tmp_path_factory.mktemp("told"))
    )
    yield name
    drop_database(cluster.url, admin_url, name)


async def tell(database: Database, folder: Path) -> None:
    plan = plain_shop(SHOP, "EUR", "Europe/Berlin", GERMANY, orders_per_day=9, taxes_included=True)
    story = Story(11, [plan], START, NOW)
    deliveries = [delivery(SHOP, one.topic, one.body, key=one.webhook_id) for one in story]
    async with asked(database, folder, "Europe/Berlin", "EUR", deliveries) as shop:
        while await shop.world.pass_deadlines(NOW):
            pass


@pytest.fixture
async def shop(database: Database, tmp_path: Path) -> AsyncGenerator[Asked]:
    async with open_site(database, settings_for(tmp_path)) as site, world(database) as here:
        site.clock.now = NOW
        async with site.client(await site.login()) as client:
            yield Asked(client, here)


def cents(row: dict[str, Any], name: str) -> int:
    """A figure as a number: money in cents."""
    value = row[name]
    return int(value.replace(".", "")) if isinstance(value, str) else int(value or 0)


def added(rows: Iterable[dict[str, Any]], names: Sequence[str]) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for row in rows:
        sums.update({name: cents(row, name) for name in names})
    return {name: sums[name] for name in names}


async def listed(shop: Asked, path: str, name: str, **query: str) -> list[dict[str, Any]]:
    """All pages of a list."""
    rows: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await shop.ask(path, **query, **cursor)
        rows += answer[name]
        if answer["next"] is None:
            return rows
        cursor = {"cursor": answer["next"]}


# -- sales told apart -----------------------------------------------------------------------------


async def test_told_apart_every_way_adds_up_to_the_same(shop: Asked) -> None:
    for days in (WHOLE, EDGES):
        stats = await shop.ask("stats", **days)
        assert cents(stats, "sales_reversals") > 0
        for by in (*FACETS, *LINES):
            rows = await listed(shop, "breakdown", "rows", by=by, limit="3", **days)
            assert rows == (await shop.ask("breakdown", by=by, limit="200", **days))["rows"]
            assert len({row["value"] for row in rows}) == len(rows)
            shown = [cents(row, "total_sales") for row in rows]
            assert shown == sorted(shown, reverse=True)
            assert abs(sum(row["share"] for row in rows) - 1) < 1e-9
            names = (*ADDED, "taxes", "shipping", "orders") if by in FACETS else ADDED
            if by != "discount_code":
                assert added(rows, names) == added([stats], names), by
            if by in LINES:
                assert {row["shipping"] for row in rows} == {None}
    products = await listed(shop, "breakdown", "rows", by="product", **WHOLE)
    assert all(row["label"] for row in products if row["value"])
    for sort in ("gross_sales", "net_sales", "orders", "units_sold"):
        rows = await listed(shop, "breakdown", "rows", by="product", sort=sort, limit="2", **WHOLE)
        amounts = [cents(row, sort) for row in rows]
        assert amounts == sorted(amounts, reverse=True)
        assert len(rows) == len(products)


async def test_a_filter_tells_what_the_breakdown_says(shop: Asked) -> None:
    plain = {one.name for one in (*FIGURES, *BUYERS)}
    for by in ("channel", "country", "discount_code", "product"):
        rows = await listed(shop, "breakdown", "rows", by=by, **WHOLE)
        assert len(rows) > 1
        known = OF_LINES if by == "product" else OF_ORDERS
        for row in rows[:4]:
            asked_for = {by: row["value"], **WHOLE}
            stats = await shop.ask("stats", **asked_for)
            assert {name for name in plain if stats[name] is None} >= plain - known
            same = set(row) & known
            assert {name: stats[name] for name in same} == {name: row[name] for name in same}
            points = (await shop.ask("sales-over-time", **asked_for))["points"]
            months = (await shop.ask("sales-over-time", interval="month", **asked_for))["points"]
            names = [*ADDED, "orders", "total_sales"]
            assert added(points, names) == added(months, names) == added([stats], names)


async def test_the_ledger_tells_what_the_breakdown_says(shop: Asked) -> None:
    """Two filters are answered from the entries: all values of the second are the first alone."""
    names = [*ADDED, "taxes", "orders", "total_sales"]
    for one, two in (("channel", "country"), ("country", "channel"), ("product", "channel"),
                     ("product", "country"), ("discount_code", "country")):  # fmt: skip
        others = [row["value"] for row in await listed(shop, "breakdown", "rows", by=two, **EDGES)]
        firsts = [row["value"] for row in await listed(shop, "breakdown", "rows", by=one, **EDGES)]
        for first in firsts[:3]:
            alone = await shop.ask("stats", **{one: first}, **EDGES)
            both = [
                await shop.ask("stats", **{one: first, two: other}, **EDGES) for other in others
            ]
            assert added(both, names) == added([alone], names), (one, two, first)
    hours = await shop.ask("sales-over-time", interval="hour", channel="web", **EDGES)
    alone = await shop.ask("stats", channel="web", **EDGES)
    assert added(hours["points"], names) == added([alone], names)


async def test_breakdowns_under_a_filter_add_up_too(shop: Asked) -> None:
    channels = [
        row["value"] for row in await listed(shop, "breakdown", "rows", by="channel", **EDGES)
    ]
    for by in (*FACETS, *LINES):
        names = [*ADDED, "taxes", "total_sales", *(["orders"] if by != "product_type" else [])]
        free = {
            row["value"]: row for row in await listed(shop, "breakdown", "rows", by=by, **EDGES)
        }
        parts: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        for channel in channels:
            for row in await listed(shop, "breakdown", "rows", by=by, channel=channel, **EDGES):
                parts[row["value"]].append(row)
        assert set(parts) == set(free)
        for value, row in free.items():
            assert added(parts[value], names) == added([row], names), (by, value)
    product = (await shop.ask("breakdown", by="product", **EDGES))["rows"][0]
    by_channel = await listed(
        shop, "breakdown", "rows", by="channel", product=product["value"], **EDGES
    )
    assert added(by_channel, ["net_sales", "orders"]) == added([product], ["net_sales", "orders"])
    assert {row["shipping"] for row in by_channel} == {None}


async def test_smart_collections_hold_what_their_rules_pick(shop: Asked) -> None:
    types = {
        row["value"]: row
        for row in await listed(shop, "breakdown", "rows", by="product_type", **EDGES)
    }
    wanted = next(value for value in types if value)

    def collection(key: int, **more: Any) -> Any:
        body = {
            "id": key,
            "title": f"Collection {key}",
            "updated_at": "2026-10-28T10:00:00Z",
            **more,
        }
        return delivery(SHOP, "collections/create", body)

    def rule(column: str, relation: str, condition: str) -> dict[str, str]:
        return {"column": column, "relation": relation, "condition": condition}

    shop.world.ask("DELETE FROM mirror.collections")
    await shop.tell([
        collection(1, disjunctive=False, rules=[rule("type", "equals", wanted)]),
        collection(2, disjunctive=True, rules=[rule("type", "equals", wanted), rule("vendor", "not_equals", "?")]),
        collection(3),
        collection(4, disjunctive=False, rules=[rule("title", "equals", "no such product")]),
    ])  # fmt: skip
    answer = await shop.ask("breakdown", by="collection", **EDGES)
    rows = {row["value"]: row for row in answer["rows"]}
    names = [*ADDED, "total_sales"]
    assert added([rows["1"]], names) == added([types[wanted]], names)
    everything = [row for value, row in types.items() if value]
    assert added([rows["2"]], names) == added(everything, names)
    assert rows["1"]["label"] == "Collection 1"
    assert rows["1"]["orders"] is None
    # Who is in a custom collection is not known, and what nobody bought has no row.
    assert set(rows) == {"1", "2"}
    assert [row["value"] for row in answer["rows"]] == ["2", "1"]
    pages = await listed(shop, "breakdown", "rows", by="collection", limit="1", **EDGES)
    assert pages == answer["rows"]


# -- along time -----------------------------------------------------------------------------------


async def test_the_hours_of_the_week_are_those_of_the_chart(shop: Asked) -> None:
    for query in ({}, {"channel": "web"}, {"channel": "web", "country": "DE"}):
        chart = await shop.ask("sales-over-time", interval="hour", **EDGES, **query)
        wanted: defaultdict[tuple[int, int], Counter[str]] = defaultdict(Counter)
        names = ("orders", "gross_sales", "net_sales", "total_sales", "units_sold")
        for point in chart["points"]:
            start = datetime.fromisoformat(point["start"])
            wanted[start.isoweekday(), start.hour].update({n: cents(point, n) for n in names})
        cells = (await shop.ask("heat-map", **EDGES, **query))["cells"]
        assert len(cells) == 168
        for cell in cells:
            hour = wanted[cell["weekday"], cell["hour"]]
            assert {n: cents(cell, n) for n in names} == {n: hour[n] for n in names}


async def test_times_to_fulfilment_are_those_of_the_orders(shop: Asked) -> None:
    orders = await listed(shop, "orders", "orders", limit="200", **WHOLE)
    taken: defaultdict[str, list[float]] = defaultdict(list)
    placed: Counter[str] = Counter()
    for order in orders:
        if order["test"]:
            continue
        placed[order["processed_at"][:10]] += 1
        if order["fulfilled_at"] is not None:
            begin, end = (
                datetime.fromisoformat(order[n]) for n in ("processed_at", "fulfilled_at")
            )
            taken[order["processed_at"][:10]].append(max(0.0, (end - begin) / timedelta(hours=1)))
    answer = await shop.ask("fulfillment-times", **WHOLE)
    times = sorted(hour for hours in taken.values() for hour in hours)
    assert len(times) > 10
    assert answer["orders"] == sum(placed.values())
    assert answer["fulfilled"] == len(times)
    assert_times(answer, times)
    assert len(answer["days"]) == 44
    for day in answer["days"]:
        assert (day["orders"], day["fulfilled"]) == (placed[day["day"]], len(taken[day["day"]]))
        if not day["fulfilled"]:
            assert (day["median_hours"], day["within_24_hours"]) == (None, None)
        else:
            assert_times(day, sorted(taken[day["day"]]))


def assert_times(told: dict[str, Any], hours: Sequence[float]) -> None:
    """Shares are exact; the median and the ninth tenth are in the step of the true one."""
    for within in (24, 48, 72):
        share = sum(hour <= within for hour in hours) / len(hours)
        assert told[f"within_{within}_hours"] == share
    for name, tenths in (("median_hours", 5), ("p90_hours", 9)):
        true = hours[-(-tenths * len(hours) // 10) - 1]
        # Told to the hundredth of an hour.
        assert told[name] == pytest.approx(true, abs=0.26 if true <= 48 else 1.01)


# -- like for like --------------------------------------------------------------------------------


async def test_half_of_today_compares_with_half_a_day(shop: Asked) -> None:
    """Every figure of the earlier period, against the ledger's entries one by one."""
    rows = await listed(shop, "breakdown", "rows", by="channel", **WHOLE)
    channels = [row["value"] for row in rows]
    for first, compare in (("2026-10-29", "previous"), ("2026-10-28", "previous"),
                           ("2026-10-27", "previous"), ("2026-10-26", "previous"),
                           ("2026-10-01", "previous")):  # fmt: skip
        query = {"from": first, "to": "2026-10-29", "compare": compare}
        earlier = (await shop.ask("stats", **query))["comparison"]
        until = datetime.fromisoformat(earlier["until"])
        assert until.time() == NOW.astimezone(BERLIN).time()
        begin = date.fromisoformat(earlier["from"])
        assert (
            until.date()
            == date.fromisoformat(earlier["to"])
            == date.fromisoformat(first) - timedelta(days=1)
        )
        sums, buyers = entry_by_entry(shop, begin, until)
        for column in FIGURES:
            wanted = in_json(column.kind, getattr(sums, column.name), PLACE)
            assert earlier[column.name] == wanted, (first, column.name)
        assert {name.name: earlier[name.name] for name in BUYERS} == {
            name.name: getattr(buyers, name.name) for name in BUYERS
        }
        parts = [
            (await shop.ask("stats", channel=channel, **query))["comparison"]
            for channel in channels
        ]
        assert {part["until"] for part in parts} == {earlier["until"]}
        names = [*ADDED, "orders", "taxes"]
        assert added(parts, names) == added([earlier], names)


def entry_by_entry(shop: Asked, first: date, until: datetime) -> tuple[Sums, Buyers]:
    """Sums and customers of the entries from a day until an instant."""
    names = each("$")
    rows = shop.world.ask(
        "SELECT at, day, customer_id, customer_orders, " + names + " FROM rollup.ledger ORDER BY at"
    )
    total = Sums()
    placed: defaultdict[int, list[bool]] = defaultdict(list)
    for at, day, customer, orders, *amounts in rows:
        if at < until and orders:
            placed[customer].append(day >= first)
        if day >= first and at < until:
            total += Sums.of(amounts)
    there = [visits for visits in placed.values() if any(visits)]
    new = [visits for visits in there if visits[0]]
    second = [visits for visits in new if len(visits) > 1]
    return total, Buyers(len(there), len(new), len(second))


async def test_a_range_that_is_over_compares_whole(shop: Asked) -> None:
    query = {"from": "2026-10-27", "to": "2026-10-28", "compare": "previous"}
    assert (await shop.ask("stats", **query))["comparison"]["until"] is None
    year = {"from": "2026-10-27", "to": "2026-10-29", "compare": "year"}
    assert (await shop.ask("stats", **year))["comparison"]["until"] == "2025-10-29T13:00:00+01:00"


# -- people and goods -----------------------------------------------------------------------------


async def test_cohorts_are_the_customers_by_their_first_month(shop: Asked) -> None:
    rows = shop.world.ask(
        "SELECT customer_id, day, customer_orders, total FROM ("
        "SELECT customer_id, day, customer_orders, gross_sales - discounts - sales_reversals + shipping "
        "+ taxes + duties + additional_fees AS total FROM rollup.ledger "
        "WHERE source = 'order' AND customer_id IS NOT NULL) AS l"
    )
    first: dict[int, date] = {}
    for customer, day, orders, _ in rows:
        if orders:
            first[customer] = min(first.get(customer, date.max), day)
    answer = await shop.ask("cohorts")
    assert sum(cohort["customers"] for cohort in answer["cohorts"]) == len(first)
    for cohort in answer["cohorts"]:
        month = date.fromisoformat(cohort["cohort"])
        mine = {one for one, day in first.items() if day.replace(day=1) == month}
        spent = sum(total for customer, _, _, total in rows if customer in mine)
        assert cohort["customers"] == len(mine)
        assert cents(cohort, "total_spent") * 100 == spent
        assert cohort["orders"] == sum(orders for one, _, orders, _ in rows if one in mine)
        assert [period["period"] for period in cohort["periods"]] == list(
            range(len(cohort["periods"]))
        )
        assert cohort["periods"][0]["retention"] == 1
        assert cohort["repeat_orders"] == cohort["periods"][0]["orders"] - len(mine)


async def test_products_and_stock(shop: Asked) -> None:
    sold = {
        row["value"]: row for row in await listed(shop, "breakdown", "rows", by="product", **EDGES)
    }
    newest = await listed(shop, "products", "products", limit="3", **EDGES)
    assert [int(one["id"]) for one in newest] == sorted(
        (int(one["id"]) for one in newest), reverse=True
    )
    shop.world.ask(
        "INSERT INTO mirror.inventory_items (tenant_id, store_id, id, cost, tracked, deleted, state) "
        "SELECT tenant_id, store_id, inventory_item_id, 20000, position < 4, false, '{}' "
        "FROM mirror.variants WHERE inventory_item_id IS NOT NULL "
        "ON CONFLICT (tenant_id, store_id, id) DO UPDATE SET cost = 20000, tracked = excluded.tracked"
    )
    shop.world.ask("DELETE FROM mirror.inventory_levels")
    shop.world.ask(
        "INSERT INTO mirror.inventory_levels "
        "(tenant_id, store_id, inventory_item_id, location_id, available, deleted, state) "
        "SELECT tenant_id, store_id, inventory_item_id, n, n * position, n = 3, '{}' "
        "FROM mirror.variants, generate_series(1, 3) AS n WHERE inventory_item_id IS NOT NULL"
    )
    async with shop.world.connection.transaction():
        for store in shop.world.ask("SELECT tenant_id, id FROM shops.stores"):
            await set_tenants(shop.world.connection, [store[0]])
            await restock(shop.world.connection, Store(*store))
    by_id = {one["id"]: one for one in await listed(shop, "products", "products", **EDGES)}
    for one in by_id.values():
        row = sold.get(one["id"])
        for name in (*ADDED, "orders"):
            assert cents(one, name) == (cents(row, name) if row else 0)
        # Places 1 and 2 have position and twice that; what is not tracked does not count.
        assert one["on_hand"] == sum(3 * n for n in range(1, min(one["variants"], 3) + 1))
        net = one["units_sold"] - one["units_reversed"]
        wanted = None if net <= 0 else round(one["on_hand"] * 28 / net, 1)
        assert one["days_of_stock"] == (None if wanted is None else pytest.approx(wanted, abs=0.1))
    for sort in ("units_sold", "gross_sales", "net_sales", "orders", "units_reversed", "on_hand"):
        rows = await listed(shop, "products", "products", sort=sort, limit="4", **EDGES)
        assert {one["id"]: one for one in rows} == by_id
        amounts = [cents(one, sort) for one in rows]
        assert amounts == sorted(amounts, reverse=True)
    lasting = [
        one["days_of_stock"]
        for one in await listed(
            shop, "products", "products", sort="days_of_stock", limit="4", **EDGES
        )
    ]
    known = [days for days in lasting if days is not None]
    assert known == sorted(known)
    assert lasting[: len(known)] == known
    first = await shop.ask("inventory", limit="1", **EDGES)
    variants = await listed(shop, "inventory", "variants", limit="7", **EDGES)
    assert (
        first["summary"]["variants"]
        == len(variants)
        == len({one["variant_id"] for one in variants})
    )
    assert first["summary"]["on_hand"] == sum(one["on_hand"] or 0 for one in variants)
    assert cents(first["summary"], "value") == sum(cents(one, "value") for one in variants)
    # What is not tracked sells, and nobody knows for how long it will: it is last, and worth nothing known.
    untracked = [one for one in variants if one["on_hand"] is None]
    assert any(one["units_sold"] > one["units_reversed"] for one in untracked)
    assert {(one["days_of_stock"], one["value"]) for one in untracked} == {(None, None)}
    assert added(variants, ADDED) == added((await shop.ask("stats", **EDGES),), ADDED)


async def test_every_customer_is_in_one_group(shop: Asked) -> None:
    answer = await shop.ask("customer-segments")
    groups = {one["group"]: one for one in answer["segments"]}
    assert len(groups) == 11
    everybody = await listed(shop, "customers", "customers")
    assert sum(one["customers"] for one in groups.values()) == len(everybody)
    assert abs(sum(one["share"] for one in groups.values()) - 1) < 1e-9
    spent = 0
    found: list[str] = []
    for name, one in groups.items():
        members = await listed(shop, "customer-segments", "customers", group=name, limit="4")
        found += [member["id"] for member in members]
        assert len(members) == one["customers"]
        assert added(members, ["orders", "total_spent"]) == added([one], ["orders", "total_spent"])
        amounts = [cents(member, "total_spent") for member in members]
        assert amounts == sorted(amounts, reverse=True)
        spent += sum(amounts)
        table = await csv_of(shop, "customer-segments", group=name)
        assert [row["id"] for row in table] == [member["id"] for member in members]
    assert sorted(found) == sorted(one["id"] for one in everybody)
    assert spent == sum(cents(one, "total_spent") for one in everybody)
    assert len(await csv_of(shop, "customer-segments")) == 11


async def test_customers_by_their_orders_and_without_the_merged(shop: Asked) -> None:
    everybody = await listed(shop, "customers", "customers", limit="7")
    kinds = {
        kind: await listed(shop, "customers", "customers", kind=kind)
        for kind in ("none", "one_time", "repeat")
    }
    assert sum(len(rows) for rows in kinds.values()) == len(everybody)
    answer = await shop.ask("customer-segments")
    assert (answer["one_time"], answer["repeat"]) == (len(kinds["one_time"]), len(kinds["repeat"]))
    for kind, rows in kinds.items():
        assert {row["kind"] for row in rows} <= {kind}
        assert {min(row["orders"], 2) for row in rows} <= {
            ["none", "one_time", "repeat"].index(kind)
        }
    best = await listed(shop, "top-customers", "customers", limit="5")
    assert [cents(row, "total_spent") for row in best] == sorted(
        (cents(row, "total_spent") for row in best), reverse=True
    )
    one, two = kinds["one_time"][:2]
    shop.world.ask(
        "UPDATE mirror.customers SET merged_into = %s WHERE id = %s", int(two["id"]), int(one["id"])
    )
    after = await listed(shop, "customers", "customers")
    assert {row["id"] for row in everybody} - {row["id"] for row in after} == {one["id"]}


# -- files ----------------------------------------------------------------------------------------


async def test_files_hold_what_pages_show(shop: Asked) -> None:
    lists = {
        "orders": "orders", "customers": "customers", "top-customers": "customers",
        "products": "products", "inventory": "variants", "checkouts": "checkouts",
        "breakdown": "rows",
    }  # fmt: skip
    for path, name in lists.items():
        query = {**WHOLE, **({"by": "product"} if path == "breakdown" else {})}
        shown = await listed(shop, path, name, limit="100", **query)
        assert shown
        table = await csv_of(shop, path, **query)
        assert table == [{key: cell(row[key]) for key in table[0]} for row in shown]
        parquet = await parquet_of(shop, path, **query)
        assert [{key: told_as(row[key]) for key in row} for row in parquet] == [
            {key: told_as(row[key]) for key in parquet[0]} for row in shown
        ]


async def csv_of(shop: Asked, path: str, **query: str) -> list[dict[str, str]]:
    answer = await shop.client.get(f"/api/analytics/{path}.csv", params=query)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    other = await shop.client.get(
        f"/api/analytics/{path}", params=query, headers={"Accept": "text/csv"}
    )
    assert other.text == answer.text
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


async def parquet_of(shop: Asked, path: str, **query: str) -> list[dict[str, Any]]:
    answer = await shop.client.get(f"/api/analytics/{path}.parquet", params=query)
    assert answer.headers["content-type"] == "application/vnd.apache.parquet"
    return cast("Any", pq).read_table(io.BytesIO(answer.content)).to_pylist()


def cell(value: Any) -> str:
    """What a file of comma-separated values has of a field of JSON."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case list():
            return "; ".join(cast("list[str]", value))
        case _:
            text = str(value)
            return f"'{text}" if text.startswith("+") else text


def told_as(value: Any) -> Any:
    """A value of JSON or of Parquet, so that they can be compared."""
    match value:
        case None | bool() | list():
            return cast("Any", value)
        case datetime():
            return value.astimezone(UTC)
        case str():
            found = number(value)
            return (moment(value) or value) if found is None else found
        case _:
            return float(value)


def number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        return None


async def test_tables_are_files_as_well(shop: Asked) -> None:
    stats = await shop.ask("stats", compare="previous")
    rows = await csv_of(shop, "stats")
    for row, period in zip(rows, (stats, stats["comparison"]), strict=True):
        assert row == {key: cell(period[key]) for key in row}
    points = (await shop.ask("sales-over-time", **EDGES))["points"]
    table = await csv_of(shop, "sales-over-time", **EDGES)
    assert table == [{key: cell(point[key]) for key in table[0]} for point in points]
    for path, name in (
        ("heat-map", "cells"),
        ("fulfillment-times", "days"),
        ("measures", "measures"),
    ):
        shown = (await shop.ask(path))[name]
        assert len(await csv_of(shop, path)) == len(await parquet_of(shop, path)) == len(shown)
    cohorts = (await shop.ask("cohorts"))["cohorts"]
    assert len(await csv_of(shop, "cohorts")) == sum(len(one["periods"]) for one in cohorts)
