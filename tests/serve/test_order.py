"""One order, drawn so that everything that belongs to one is there once; applied by the real worker's code.

Placed on 1 March at noon in Berlin by Ada (9): two of line 1 at 10.00, 2.00 off; a checkout begun two days
before and left; one parcel; one unit of line 1 given back for 9.00.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any, cast

import pyarrow.parquet as pq  # pyright: ignore[reportMissingTypeStubs]

from tests.rollup.drawn import PLACED, REFUNDED, bag, line, order, refund, refunded
from tests.rollup.worlds import World, delivery, world
from tests.serve.test_auth import problem
from tests.serve.test_explain import connected, get

if TYPE_CHECKING:
    from tests.serve.conftest import Site

SHOP = "drawn.myshopify.com"
LEFT = "2026-02-27T10:00:00Z"


def drawn(**more: Any) -> dict[str, Any]:
    ada = {"id": 9, "first_name": "Ada", "last_name": "Park", "email": "ada@example.com"}
    return order(
        line(1, "10.00", 2, off=("2.00",), vendor="Ada", sku="MUG-1", variant_title="Blue"),
        id=7, name="#7", email="ada@example.com", customer={**ada, "updated_at": PLACED},
        checkout_token="token", total_price="18.00", financial_status="paid",
        source_name="web", discount_codes=[{"code": "SPRING"}],
        shipping_address={"country_code": "DE"}, **more,
    )  # fmt: skip


async def apply_all(here: World) -> None:
    checkout = {
        "token": "token", "email": "ada@example.com", "customer": {"id": 9}, "currency": "EUR",
        "total_price": "18.00", "created_at": LEFT, "updated_at": LEFT,
    }  # fmt: skip
    parcel = {
        "id": 70, "order_id": 7, "name": "#7.1", "status": "success", "shipment_status": "delivered",
        "created_at": REFUNDED, "updated_at": REFUNDED,
    }  # fmt: skip
    told = [
        ("checkouts/create", checkout),
        ("orders/create", drawn()),
        ("fulfillments/create", {**parcel, "shipment_status": None}),
        ("fulfillments/update", parcel),
        ("refunds/create", refund(refunded(1, 1, "9.00"), order_id=7)),
        # Of another order: nothing of it may be shown.
        ("orders/create", order(line(2, "1.00"), id=8, name="#8")),
        ("fulfillments/create", {**parcel, "id": 80, "order_id": 8}),
    ]
    await here.apply([delivery(SHOP, topic, body) for topic, body in told])


async def test_an_order_is_told_with_what_belongs_to_it(site: Site) -> None:
    async with world(site.database) as here:
        token, store = await connected(site, here, "drawn")
        await apply_all(here)
        async with site.client(token) as client:
            told = await get(client, "/api/orders/7")
            listed = await get(client, "/api/analytics/orders?from=2026-03-01&to=2026-03-01")
    # What the list tells of it, this call tells the same.
    [row] = [one for one in listed["orders"] if one["id"] == "7"]
    assert {name: told[name] for name in row} == row
    assert (told["name"], told["store"], told["customer_name"]) == ("#7", str(store), "Ada Park")
    assert (told["currency"], told["timezone"]) == ("EUR", "Europe/Berlin")
    assert (told["total_price"], told["channel"], told["country"]) == ("18.00", "web", "DE")
    assert told["processed_at"].endswith("+01:00")
    [mug] = told["lines"]
    assert mug == {
        "id": "1", "product_id": "10", "variant_id": "100", "title": "Thing 1", "variant_title": "Blue",
        "sku": "MUG-1", "vendor": "Ada", "quantity": 2, "current_quantity": 2, "price": "10.00",
        "discount": "2.00", "tax": "0.00", "gift_card": False, "tip": False,
    }  # fmt: skip
    assert [(one["id"], one["subtotal"]) for one in told["refunds"]] == [("5", "9.00")]
    [parcel] = told["fulfillments"]
    assert (parcel["id"], parcel["name"], parcel["shipment_status"]) == ("70", "#7.1", "delivered")
    assert told["customer"]["id"] == "9"
    # Both orders are Ada's: 18.00 less 9.00, and 1.00.
    assert (told["customer"]["orders"], told["customer"]["total_spent"]) == (2, "10.00")
    assert (told["checkout"]["token"], told["checkout"]["stage"]) == ("token", "recovered")
    assert told["recovered"] is True
    assert told["inferred_checkout"] is None


async def test_a_checkout_that_an_order_only_speaks_for_is_told_apart(site: Site) -> None:
    async with world(site.database) as here:
        token, _ = await connected(site, here, "drawn")
        left = {
            "token": "elsewhere", "email": "ada@example.com", "customer": {"id": 9}, "currency": "EUR",
            "total_price": "18.00", "created_at": LEFT, "updated_at": LEFT,
        }  # fmt: skip
        await here.apply([delivery(SHOP, "checkouts/create", left)])
        await here.apply([delivery(SHOP, "orders/create", drawn())])
        async with site.client(token) as client:
            told = await get(client, "/api/orders/7")
    assert (told["checkout"], told["recovered"]) == (None, False)
    assert told["inferred_checkout"]["token"] == "elsewhere"
    assert told["inferred_checkout"]["stage"] == "abandoned"


async def test_amounts_are_in_the_currency_of_the_order(site: Site) -> None:
    async with world(site.database) as here:
        token, _ = await connected(site, here, "drawn")
        paid = {**bag("18.00"), "presentment_money": {"amount": "2900", "currency_code": "JPY"}}
        body = {**drawn(presentment_currency="JPY", test=True), "total_price_set": paid}
        body["currency"] = "KWD"
        await here.apply([delivery(SHOP, "orders/create", body)])
        async with site.client(token) as client:
            told = await get(client, "/api/orders/7")
    assert (told["currency"], told["total_price"]) == ("KWD", "18.000")
    assert (told["presentment_currency"], told["total_price_presentment"]) == ("JPY", "2900")
    assert told["test"] is True
    # A test order is nobody's in the ledger; who placed it is known all the same.
    assert (told["customer"]["id"], told["customer"]["orders"]) == ("9", 0)


async def test_an_order_is_of_one_account_and_one_store(site: Site) -> None:
    async with world(site.database) as here:
        token, store = await connected(site, here, "drawn")
        stranger, _ = await connected(site, here, "other")
        await apply_all(here)
        async with site.client(token) as client:
            for path in ("9", "x", "-1", "99999999999999999999", f"7?store={store + 1}"):
                response = await client.get(f"/api/orders/{path}")
                assert response.status_code == 404, path
                assert problem(response) == "not-found"
            second = await site.connect(token, "two.myshopify.com", currency="EUR")
            here.ask("UPDATE shops.stores SET proved_at = now() WHERE id = %s", second)
            await here.apply([delivery("two.myshopify.com", "orders/create", drawn())])
            response = await client.get("/api/orders/7")
            assert response.status_code == 422
            assert {one["id"] for one in response.json()["choices"]} == {str(store), str(second)}
            assert (await get(client, f"/api/orders/7?store={second}"))["fulfillments"] == []
        async with site.client(stranger) as client:
            for path in ("7", f"7?store={store}", "7/history.csv", f"7/history?store={store}"):
                assert (await client.get(f"/api/orders/{path}")).status_code == 404
        async with site.client() as client:
            assert (await client.get("/api/orders/7")).status_code == 401


async def test_a_history_is_a_file_as_well(site: Site) -> None:
    async with world(site.database) as here:
        token, _ = await connected(site, here, "drawn")
        await apply_all(here)
        async with site.client(token) as client:
            told = (await get(client, "/api/orders/7/history"))["deliveries"]
            table = await client.get("/api/orders/7/history.csv")
            asked = await client.get("/api/orders/7/history", headers={"accept": "text/csv"})
            columns = await client.get("/api/orders/7/history.parquet")
    assert {one["topic"] for one in told} == {
        "orders/create", "fulfillments/create", "fulfillments/update", "refunds/create",
    }  # fmt: skip
    assert 'filename="order-7-history.csv"' in table.headers["content-disposition"]
    assert asked.text == table.text
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert [one["webhook_id"] for one in rows] == [one["webhook_id"] for one in told]
    assert [one["changed"] for one in rows] == ["; ".join(one["changed"]) for one in told]
    read = cast("Any", pq).read_table(io.BytesIO(columns.content))
    assert read.column("topic").to_pylist() == [one["topic"] for one in told]
