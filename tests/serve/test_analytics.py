"""The figures over HTTP, from rows that a worker would have written.

The data, for one store in Berlin and EUR (money in units; the rollup counts ten-thousandths):

    day         hour (UTC)   gross  discounts  reversals  taxes  orders  checkouts abandoned recovered
    2026-02-20  09:00          10          0          0      0       1
    2026-03-10  09:00         100         10          0     17       2          3         2         1
    2026-03-11  23:00 (*)      50          0         20      0       1
    2025-03-10  09:00           7          0          0      0       1

    (*) 23:00 UTC is midnight of the 12th in Berlin: its day is 2026-03-12.

    rhythm: day         previous    second  orders
            2026-03-10  never                    1     a new customer …
            2026-03-12  2026-03-10  yes          1     … who came back within the range
            2026-03-10  2026-02-20  yes          1     one who had been here before
            2026-02-20  never                    1
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.serve.test_auth import problem

if TYPE_CHECKING:
    from tests.serve.conftest import Site

UNIT = 10_000

SUMS: list[tuple[str, str, dict[str, int]]] = [
    ("2026-02-20T09:00Z", "2026-02-20",
     {"gross_sales": 10 * UNIT, "orders": 1, "customer_orders": 1, "placed_gross": 10 * UNIT}),
    ("2026-03-10T09:00Z", "2026-03-10",
     {"gross_sales": 100 * UNIT, "discounts": 10 * UNIT, "taxes": 17 * UNIT, "orders": 2,
      "customer_orders": 2,      "placed_gross": 100 * UNIT, "placed_discounts": 10 * UNIT, "checkouts": 3,
      "abandoned_checkouts": 2, "recovered_checkouts": 1, "recovered_sales": 40 * UNIT,
      "abandoned_value": 25 * UNIT, "converted_checkouts": 1}),
    ("2026-03-11T23:00Z", "2026-03-12",
     {"gross_sales": 50 * UNIT, "sales_reversals": 20 * UNIT, "orders": 1, "customer_orders": 1,
      "placed_gross": 50 * UNIT}),
    ("2025-03-10T09:00Z", "2025-03-10",
     {"gross_sales": 7 * UNIT, "orders": 1, "placed_gross": 7 * UNIT}),
]  # fmt: skip
RHYTHM = [
    ("2026-03-10", "-infinity", False, 1),
    ("2026-03-12", "2026-03-10", True, 1),
    ("2026-03-10", "2026-02-20", True, 1),
    ("2026-02-20", "-infinity", False, 1),
]


def fill(site: Site, tenant: int, store: int) -> None:
    with site.owner() as owner:
        for hour, day, measures in SUMS:
            names = ", ".join(measures)
            places = ", ".join("%s" for _ in measures)
            statement = (
                f"INSERT INTO rollup.sums (tenant_id, store_id, hour, day, {names}) "
                f"VALUES (%s, %s, %s, %s, {places})"
            )
            owner.execute(statement.encode(), (tenant, store, hour, day, *measures.values()))
        for row in RHYTHM:
            owner.execute("INSERT INTO rollup.rhythm VALUES (%s, %s, %s, %s, %s, %s)",
                          (tenant, store, *row))  # fmt: skip


@pytest.fixture
async def shop(site: Site) -> tuple[Site, str, int]:
    """A tenant with a filled store; its token and the store's id."""
    answer = await site.register()
    details = {"timezone": "Europe/Berlin", "currency": "EUR"}
    store = await site.connect(answer["token"], "a.myshopify.com", **details)
    fill(site, int(answer["tenant"]["id"]), store)
    return site, answer["token"], store


async def ask(site: Site, token: str, path: str) -> dict[str, Any]:
    async with site.client(token) as client:
        response = await client.get(f"/api/analytics/{path}")
    assert response.status_code == 200, response.text
    return response.json()


async def test_stats_of_a_range(shop: tuple[Site, str, int]) -> None:
    site, token, _ = shop
    answer = await ask(site, token, "stats?from=2026-03-10&to=2026-03-12&compare=none")
    assert answer == {
        "currency": "EUR",
        "timezone": "Europe/Berlin",
        "from": "2026-03-10",
        "to": "2026-03-12",
        "total_sales": "137.00",
        "gross_sales": "150.00",
        "discounts": "10.00",
        "sales_reversals": "20.00",
        "net_sales": "120.00",
        "shipping": "0.00",
        "taxes": "17.00",
        "duties": "0.00",
        "additional_fees": "0.00",
        "gift_cards_sold": "0.00",
        "tips": "0.00",
        "refund_adjustments": "0.00",
        "tax_in_prices": "0.00",
        "cash_rounding": "0.00",
        "live_view_total_sales": "137.00",
        "units_sold": 0,
        "units_reversed": 0,
        "orders": 3,
        "total_sales_per_order": "45.67",
        "net_sales_per_order": "40.00",
        "average_order_value": "46.67",
        "customers": 2,
        "new_customers": 1,
        "returning_customers": 2,
        "returning_customer_rate": 1.0,
        "checkouts": 3,
        "abandoned_checkouts": 2,
        "recovered_checkouts": 1,
        "converted_checkouts": 1,
        "recovered_checkout_rate": 0.5,
        "recovered_sales": "40.00",
        "abandoned_value": "25.00",
        "abandonments": 0,
        "inferred_recoveries": 0,
        "inferred_recovered_sales": "0.00",
        "until": None,
        "as_of": "2026-03-15T13:00:00+01:00",
        "comparison": None,
    }


async def test_comparisons(shop: tuple[Site, str, int]) -> None:
    site, token, _ = shop
    before = await ask(site, token, "stats?from=2026-03-02&to=2026-03-20")
    year = await ask(site, token, "stats?from=2026-03-02&to=2026-03-20&compare=year")
    assert before["comparison"]["from"] == "2026-02-11"
    assert before["comparison"]["to"] == "2026-03-01"
    assert before["comparison"]["gross_sales"] == "10.00"
    assert before["comparison"]["new_customers"] == 1
    assert year["comparison"]["from"] == "2025-03-02"
    assert year["comparison"]["gross_sales"] == "7.00"
    assert year["comparison"]["returning_customer_rate"] is None
    assert "comparison" not in year["comparison"]


async def test_the_default_is_the_last_thirty_days_of_the_store(
    shop: tuple[Site, str, int],
) -> None:
    site, _, _ = shop
    site.clock.forward(hours=11.5)  # 23:30 UTC: in Berlin it is the 16th
    token = await site.login()
    answer = await ask(site, token, "stats")
    assert (answer["from"], answer["to"]) == ("2026-02-15", "2026-03-16")
    assert answer["orders"] == 4


async def test_sales_by_day_fill_the_gaps(shop: tuple[Site, str, int]) -> None:
    site, token, _ = shop
    answer = await ask(site, token, "sales-over-time?from=2026-03-09&to=2026-03-12")
    assert [(p["start"], p["gross_sales"], p["orders"]) for p in answer["points"]] == [
        ("2026-03-09T00:00:00+01:00", "0.00", 0),
        ("2026-03-10T00:00:00+01:00", "100.00", 2),
        ("2026-03-11T00:00:00+01:00", "0.00", 0),
        ("2026-03-12T00:00:00+01:00", "50.00", 1),
    ]
    assert answer["points"][1]["total_sales"] == "107.00"
    assert answer["points"][0]["average_order_value"] is None


async def test_sales_by_hour_week_and_month(shop: tuple[Site, str, int]) -> None:
    site, token, _ = shop
    hours = await ask(site, token, "sales-over-time?interval=hour&from=2026-03-12&to=2026-03-12")
    assert len(hours["points"]) == 24
    assert hours["points"][0]["start"] == "2026-03-12T00:00:00+01:00"
    assert hours["points"][0]["orders"] == 1
    weeks = await ask(site, token, "sales-over-time?interval=week&from=2026-03-11&to=2026-03-16")
    assert [(p["start"][:10], p["orders"]) for p in weeks["points"]] == [
        ("2026-03-09", 1),
        ("2026-03-16", 0),
    ]
    months = await ask(site, token, "sales-over-time?interval=month&from=2026-01-31&to=2026-03-31")
    assert [(p["start"], p["orders"]) for p in months["points"]] == [
        ("2026-01-01T00:00:00+01:00", 0),
        ("2026-02-01T00:00:00+01:00", 1),
        ("2026-03-01T00:00:00+01:00", 3),
    ]


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
async def test_days_on_which_clocks_change(
    shop: tuple[Site, str, int], day: str, hours: int
) -> None:
    site, token, _ = shop
    answer = await ask(site, token, f"sales-over-time?interval=hour&from={day}&to={day}")
    starts = [point["start"] for point in answer["points"]]
    assert len(starts) == len(set(starts)) == hours
    assert {start[:10] for start in starts} == {day}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("stats?from=2026-03-02&to=2026-03-01", "query.to"),
        ("stats?from=1700000000", "query.from"),
        ("stats?from=2026-02-30", "query.from"),
        ("stats?from=0001-01-01", "query.from"),
        ("stats?to=9999-12-31", "query.to"),
        ("stats?compare=never", "query.compare"),
        ("sales-over-time?interval=minute", "query.interval"),
        ("sales-over-time?interval=hour&from=2020-01-01&to=2026-01-01", "query.interval"),
        ("top-customers?limit=0", "query.limit"),
        ("checkouts?stage=lost", "query.stage"),
        ("checkouts?cursor=x", "query.cursor"),
        ("orders?cursor=WzFd", "query.cursor"),
        ("customers?cursor=WyJ4Il0", "query.cursor"),
    ],
)
async def test_impossible_questions_name_the_parameter(
    shop: tuple[Site, str, int], query: str, field: str
) -> None:
    site, token, _ = shop
    async with site.client(token) as client:
        response = await client.get(f"/api/analytics/{query}")
    assert response.status_code == 422
    assert problem(response) == "validation"
    assert [fault["field"] for fault in response.json()["errors"]] == [field]


async def test_without_stores_everything_is_zero(site: Site) -> None:
    token = (await site.register())["token"]
    answer = await ask(site, token, "stats")
    assert (answer["currency"], answer["timezone"], answer["orders"]) == ("USD", "UTC", 0)
    assert answer["comparison"]["orders"] == 0
    assert (await ask(site, token, "top-customers"))["customers"] == []
    assert (await ask(site, token, "checkouts"))["summary"]["open"] == 0
    assert len((await ask(site, token, "sales-over-time"))["points"]) == 30


async def test_stores_that_agree_are_added_up_and_others_have_to_be_chosen(
    shop: tuple[Site, str, int],
) -> None:
    site, token, store = shop
    same = {"timezone": "Europe/Berlin", "currency": "EUR"}
    second = await site.connect(token, "b.myshopify.com", **same)
    with site.owner() as owner:
        owner.execute(
            "INSERT INTO rollup.sums SELECT tenant_id, %s, hour, day, gross_sales FROM rollup.sums",
            (second,),
        )
    both = await ask(site, token, "stats?from=2026-03-10&to=2026-03-12")
    assert both["gross_sales"] == "300.00"
    one = await ask(site, token, f"stats?from=2026-03-10&to=2026-03-12&store={store}")
    assert one["gross_sales"] == "150.00"
    third = await site.connect(token, "c.myshopify.com", timezone="Asia/Tokyo", currency="JPY")
    async with site.client(token) as client:
        response = await client.get("/api/analytics/stats")
    assert response.status_code == 422
    assert problem(response) == "choose-store"
    assert response.json()["choices"][2] == {
        "id": str(third),
        "domain": "c.myshopify.com",
        "currency": "JPY",
        "timezone": "Asia/Tokyo",
    }
    yen = await ask(site, token, f"stats?store={third}")
    assert (yen["currency"], yen["gross_sales"], yen["timezone"]) == ("JPY", "0", "Asia/Tokyo")


async def test_the_zone_of_the_buckets_wins_over_the_setting(shop: tuple[Site, str, int]) -> None:
    site, token, store = shop
    with site.owner() as owner:
        owner.execute(
            "INSERT INTO rollup.stores SELECT tenant_id, id, 'America/New_York', 'USD' "
            "FROM shops.stores WHERE id = %s",
            (store,),
        )
    answer = await ask(site, token, "stats")
    assert (answer["timezone"], answer["currency"]) == ("America/New_York", "USD")


async def test_another_tenants_figures_are_not_in_ours(shop: tuple[Site, str, int]) -> None:
    site, _, _ = shop
    bob = (await site.register("bob@example.com"))["token"]
    await site.connect(bob, "b.myshopify.com", timezone="Europe/Berlin", currency="EUR")
    answer = await ask(site, bob, "stats?from=2026-03-10&to=2026-03-12")
    assert answer["gross_sales"] == "0.00"
    assert answer["customers"] == 0


async def test_top_customers_by_lifetime_value(shop: tuple[Site, str, int]) -> None:
    site, token, store = shop
    with site.owner() as owner:
        owner.execute(
            "INSERT INTO rollup.customers "
            "SELECT tenant_id, id, n, n, n * 50000, '2026-01-01Z', '2026-02-01Z', '[]' "
            "FROM shops.stores, generate_series(1, 5) AS n"
        )
        owner.execute(
            "INSERT INTO mirror.customers (tenant_id, store_id, id, email, first_name, last_name, "
            "deleted, state) SELECT tenant_id, id, 5, 'e@example.com', 'Eve', NULL, false, '{}' "
            "FROM shops.stores"
        )
    answer = await ask(site, token, "top-customers?limit=2")
    assert answer["currency"] == "EUR"
    assert [c["id"] for c in answer["customers"]] == ["5", "4"]
    assert answer["customers"][0] == {
        "id": "5",
        "store": str(store),
        "name": "Eve",
        "email": "e@example.com",
        "orders": 5,
        "total_spent": "25.00",
        "first_order_at": "2026-01-01T01:00:00+01:00",
        "last_order_at": "2026-02-01T01:00:00+01:00",
    }
    listed = await ask(site, token, "customers")
    assert [(c["id"], c["orders"], c["store"]) for c in listed["customers"]] == [
        ("5", 5, str(store))
    ]


def put_checkouts(site: Site) -> None:
    # 25 checkouts, two at each minute, so that pages have to part equals.
    with site.owner() as owner:
        owner.execute("""
            INSERT INTO rollup.checkouts (tenant_id, store_id, token, stage, counted, started_at,
              last_active_at, abandoned_at, abandonment_times, value, recovered_value)
            SELECT tenant_id, id, 't' || n, CASE WHEN n % 5 = 0 THEN 'open' ELSE 'abandoned' END,
              n <> 25, t, t, CASE WHEN n % 5 = 0 THEN NULL ELSE t + interval '10 minutes' END,
              CASE WHEN n % 5 = 0 THEN '{}' ELSE ARRAY[t + interval '10 minutes'] END, n * 10000, 0
            FROM shops.stores, generate_series(1, 25) AS n,
              LATERAL (SELECT '2026-03-10 12:00Z'::timestamptz + n / 2 * interval '1 minute' AS t)
        """)
        owner.execute("""
            INSERT INTO mirror.checkouts (tenant_id, store_id, token, email, customer_name,
              total_price, abandoned_checkout_url, deleted, state)
            SELECT tenant_id, store_id, token, 'e@example.com', 'Eve', value, 'https://x/y', false, '{}'
            FROM rollup.checkouts
        """)


async def pages(site: Site, token: str, path: str, name: str) -> list[Any]:
    """All pages of a listing, in order."""
    found: list[Any] = []
    cursor = ""
    while True:
        answer = await ask(site, token, path + cursor)
        found.append(answer[name])
        if answer["next"] is None:
            return found
        cursor = f"&cursor={answer['next']}"


async def test_checkouts_page_without_gaps_or_repeats(shop: tuple[Site, str, int]) -> None:
    site, token, _ = shop
    put_checkouts(site)
    query = "checkouts?from=2026-03-10&to=2026-03-12&limit=5"
    found = await pages(site, token, query, "checkouts")
    assert [len(page) for page in found] == [5, 5, 5, 5, 4]
    rows = [row for page in found for row in page]
    assert len({row["token"] for row in rows}) == 24
    times = [row["last_active_at"] for row in rows]
    assert times == sorted(times, reverse=True)
    some = await pages(site, token, query + "&stage=open", "checkouts")
    assert [row["token"] for page in some for row in page] == ["t20", "t15", "t10", "t5"]


async def test_checkouts_with_what_became_of_them(shop: tuple[Site, str, int]) -> None:
    site, token, store = shop
    put_checkouts(site)
    answer = await ask(site, token, "checkouts?from=2026-03-10&to=2026-03-12&limit=1")
    assert answer["summary"] == {
        "open": 4,
        "abandoned": 1,
        "recovered": 1,
        "converted": 1,
        "abandoned_value": "25.00",
        "recovered_sales": "40.00",
        "recovered_checkout_rate": 0.5,
        "abandonments": 0,
        "inferred_recoveries": 0,
        "inferred_recovered_sales": "0.00",
    }
    assert answer["checkouts"] == [
        {
            "token": "t24",
            "store": str(store),
            "email": "e@example.com",
            "customer_name": "Eve",
            "total": "24.00",
            "currency": "EUR",
            "stage": "abandoned",
            "started_at": "2026-03-10T13:12:00+01:00",
            "last_active_at": "2026-03-10T13:12:00+01:00",
            "abandoned_at": "2026-03-10T13:22:00+01:00",
            "abandonments": 1,
            "recovered_at": None,
            "completed_at": None,
            "recovery_url": "https://x/y",
            "order_id": None,
            "order_name": None,
            "customer_id": None,
            "counted": True,
            "twin_of": None,
            "inferred_order_id": None,
            "inferred_order_name": None,
            "inferred_at": None,
        }
    ]


async def test_orders_and_products_page(shop: tuple[Site, str, int]) -> None:
    site, token, _ = shop
    with site.owner() as owner:
        owner.execute("""
            INSERT INTO mirror.orders (tenant_id, store_id, id, name, taxes_included, test, deleted,
              processed_at, total_price, subtotal_price, total_tax, total_discounts,
              current_total_price, discount_codes, state)
            SELECT tenant_id, id, n, '#' || n, false, false, n = 9,
              '2026-03-10 12:00Z'::timestamptz + n / 3 * interval '1 minute', n * 10000, 0, 0, 0,
              n * 10000, '{}', '{}'
            FROM shops.stores, generate_series(1, 9) AS n
        """)
        owner.execute("""
            INSERT INTO mirror.products (tenant_id, store_id, id, title, deleted, state)
            SELECT tenant_id, id, n, 'Tea ' || n, false, '{}'
            FROM shops.stores, generate_series(1, 3) AS n
        """)
        owner.execute("""
            INSERT INTO mirror.variants (tenant_id, store_id, product_id, id, price, inventory_quantity)
            SELECT tenant_id, id, 3, n, n * 10000, 4 FROM shops.stores, generate_series(1, 2) AS n
        """)
    found = await pages(site, token, "orders?from=2026-03-10&to=2026-03-10&limit=3", "orders")
    assert [[o["name"] for o in page] for page in found] == [
        ["#8", "#7", "#6"], ["#5", "#4", "#3"], ["#2", "#1"]
    ]  # fmt: skip
    products = await pages(site, token, "products?limit=2", "products")
    assert [[p["title"] for p in page] for page in products] == [["Tea 3", "Tea 2"], ["Tea 1"]]
    first = products[0][0]
    assert (first["variants"], first["lowest_price"], first["highest_price"]) == (2, "1.00", "2.00")
    assert first["inventory"] == 8
    assert products[1][0]["lowest_price"] is None
