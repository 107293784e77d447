"""Days that are no 24 hours, currencies that have no cents, and shops that change either.

Bodies go through the real worker, figures are asked of the real API. What is expected is worked by
hand beside each test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from tests.rollup.asked import asked, told

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Database
    from tillstream.journal.contract import Delivery

Body: TypeAlias = "dict[str, Any]"


def money(amount: str, theirs: str | None = None) -> Body:
    """A ``*_set``: the shop's amount, and the buyer's, which no figure is made of."""
    return {
        "shop_money": {"amount": amount},
        "presentment_money": {"amount": amount if theirs is None else theirs},
    }


def line(
    key: int, price: str, units: int = 1, *, off: str = "0", tax: str = "0", rate: str = "0"
) -> Body:
    return {
        "id": key,
        "product_id": 5,
        "variant_id": 6,
        "title": "Thing",
        "quantity": units,
        "current_quantity": units,
        "price": price,
        "price_set": money(price),
        "discount_allocations": [{"amount_set": money(off)}],
        "tax_lines": [{"rate": float(rate), "price_set": money(tax)}],
    }


def order(key: int, at: str, *lines: Body, currency: str = "USD", **more: Any) -> Body:
    return {
        "id": key, "name": f"#{key}", "created_at": at, "processed_at": at, "updated_at": at,
        "currency": currency, "presentment_currency": currency, "line_items": list(lines), **more,
    }  # fmt: skip


def placed(*orders: Body) -> list[Delivery]:
    return [told("orders/create", one) for one in orders]


async def test_a_day_of_25_hours_in_berlin(database: Database, tmp_path: Path) -> None:
    """October 25th 2026 begins at 22:00 UTC of the 24th (UTC+2) and ends at 23:00 UTC (UTC+1).

    Six orders of 1, 2, 4, 8, 16 and 32 euros, so that every sum says which are in it:
        21:59 of the 24th  is 23:59 of the 24th                          1
        22:00              is 00:00 of the 25th                          2
        00:30 of the 25th  is 02:30, the first time                      4
        01:30              is 02:30, the second time                     8
        22:59              is 23:59 of the 25th                         16
        23:00              is 00:00 of the 26th                         32
    So the 24th has 1, the 25th 2 + 4 + 8 + 16 = 30, the 26th 32.
    """
    times = ("24T21:59", "24T22:00", "25T00:30", "25T01:30", "25T22:59", "25T23:00")
    orders = [
        order(key, f"2026-10-{at}:00Z", line(key, f"{2 ** (key - 1)}.00"), currency="EUR")
        for key, at in enumerate(times, 1)
    ]
    async with asked(database, tmp_path, "Europe/Berlin", "EUR", placed(*orders)) as shop:
        for day, gross, count in (("24", "1.00", 1), ("25", "30.00", 4), ("26", "32.00", 1)):
            found = await shop.figures(f"2026-10-{day}")
            assert (found["gross_sales"], found["orders"]) == (gross, count)
        answer = await shop.ask(
            "sales-over-time", interval="hour", **{"from": "2026-10-25", "to": "2026-10-25"}
        )
        assert len(answer["points"]) == 25
        assert await shop.hours("2026-10-25") == {
            "2026-10-25T00:00:00+02:00": 1,
            "2026-10-25T02:00:00+02:00": 1,
            "2026-10-25T02:00:00+01:00": 1,
            "2026-10-25T23:00:00+01:00": 1,
        }


async def test_a_day_of_23_hours_in_new_york(database: Database, tmp_path: Path) -> None:
    """March 8th 2026 begins at 05:00 UTC (UTC−5) and ends at 04:00 UTC of the 9th (UTC−4).

    Orders of 1, 2, 4, 8, 16 and 32 dollars:
        04:59 of the 8th   is 23:59 of the 7th                           1
        05:00              is 00:00 of the 8th                           2
        06:59              is 01:59, the last minute before two          4
        07:00              is 03:00: there is no two o'clock             8
        03:59 of the 9th   is 23:59 of the 8th                          16
        04:00              is 00:00 of the 9th                          32
    So the 7th has 1, the 8th 2 + 4 + 8 + 16 = 30, the 9th 32.
    """
    times = ("08T04:59", "08T05:00", "08T06:59", "08T07:00", "09T03:59", "09T04:00")
    orders = [
        order(key, f"2026-03-{at}:00Z", line(key, f"{2 ** (key - 1)}.00"))
        for key, at in enumerate(times, 1)
    ]
    async with asked(database, tmp_path, "America/New_York", "USD", placed(*orders)) as shop:
        for day, gross, count in (("07", "1.00", 1), ("08", "30.00", 4), ("09", "32.00", 1)):
            found = await shop.figures(f"2026-03-{day}")
            assert (found["gross_sales"], found["orders"]) == (gross, count)
        answer = await shop.ask(
            "sales-over-time", interval="hour", **{"from": "2026-03-08", "to": "2026-03-08"}
        )
        assert len(answer["points"]) == 23
        assert await shop.hours("2026-03-08") == {
            "2026-03-08T00:00:00-05:00": 1,
            "2026-03-08T01:00:00-05:00": 1,
            "2026-03-08T03:00:00-04:00": 1,
            "2026-03-08T23:00:00-04:00": 1,
        }


async def test_a_shop_in_yen(database: Database, tmp_path: Path) -> None:
    """Prices hold 10 % or 8 % of tax, and there are no decimals. Tokyo is UTC+9.

    Order 1, July 1st: 3 × 1980 = 5940 less 10 % = 594, so 5346, in which are 5346 × 10 ÷ 110 = 486 of
    tax: net 4860. Gross 5940 ÷ 1.1 = 5400, discounts 5400 − 4860 = 540. Shipping 550 holds 50: 500.
    Order 2, July 1st: 333 at 8 % holds 333 × 8 ÷ 108 = 24.67, so 25: gross 308.
        gross 5400 + 308 = 5708; net 5708 − 540 = 5168; shipping 500; taxes 486 + 50 + 25 = 561;
        total 5168 + 500 + 561 = 6229, which is what was paid: 5346 + 550 + 333.
        Average order value 5168 ÷ 2 = 2584; total per order 6229 ÷ 2 = 3114.5, half up 3115.
        Tax in prices 540 (5940 − 5400) + 25 = 565.
    July 2nd: one of the three comes back for 1782, in which are 162: 1620 of sales. Total −1782.
    """
    included: dict[str, Any] = {"currency": "JPY", "taxes_included": True}
    one = order(
        1, "2026-07-01T03:00:00Z", line(1, "1980", 3, off="594", tax="486", rate="0.1"),
        shipping_lines=[{"id": 9, "discounted_price_set": money("550"), "tax_lines": [{"price_set": money("50")}]}],
        **included,
    )  # fmt: skip
    two = order(2, "2026-07-01T14:59:00Z", line(2, "333", tax="25", rate="0.08"), **included)
    back = {
        "id": 3, "order_id": 1, "created_at": "2026-07-01T15:00:00Z",
        "refund_line_items": [
            {"line_item_id": 1, "quantity": 1, "subtotal_set": money("1782"), "total_tax_set": money("162")}
        ],
    }  # fmt: skip
    batch = [*placed(one, two), told("refunds/create", back)]
    async with asked(database, tmp_path, "Asia/Tokyo", "JPY", batch) as shop:
        found = await shop.figures("2026-07-01")
        wanted = {
            "gross_sales": "5708", "discounts": "540", "sales_reversals": "0", "net_sales": "5168",
            "shipping": "500", "taxes": "561", "total_sales": "6229", "orders": 2, "units_sold": 4,
            "average_order_value": "2584", "total_sales_per_order": "3115", "tax_in_prices": "565",
        }  # fmt: skip
        assert {name: found[name] for name in wanted} == wanted
        after = await shop.figures("2026-07-02")
        wanted = {"sales_reversals": "1620", "taxes": "-162", "total_sales": "-1782", "orders": 0}
        assert {name: after[name] for name in wanted} == wanted


async def test_a_shop_in_dinars(database: Database, tmp_path: Path) -> None:
    """A thousand fils are a dinar: three decimals, and no tax. Kuwait is UTC+3.

    Order 1, July 1st: 3 × 1.255 less 0.377 in all, and 0.750 of shipping; one of the three was added by
    an edit on July 2nd. Its share: 1.255 and 0.377 ÷ 3 = 0.12566…, so 0.126.
    Order 2, July 1st: 12.500.
        July 1st: gross 2 × 1.255 + 12.500 = 15.010; discounts 0.377 − 0.126 = 0.251; net 14.759;
        with shipping 15.509; average order value 14.759 ÷ 2 = 7.3795, half up 7.380.
        July 2nd: gross 1.255; discounts 0.126; net and total 1.129.
        Both days: 16.638, which is what was paid: 3.388 + 0.750 + 12.500.
    """
    one = order(
        1, "2026-07-01T09:00:00Z", line(1, "1.255", 3, off="0.377"), currency="KWD",
        shipping_lines=[{"id": 9, "discounted_price_set": money("0.750")}],
    )  # fmt: skip
    two = order(2, "2026-07-01T20:59:00Z", line(2, "12.500"), currency="KWD")
    edit = {
        "order_edit": {
            "id": 4, "order_id": 1, "committed_at": "2026-07-01T21:00:00Z",
            "line_items": {"additions": [{"id": 1, "delta": 1}], "removals": []},
        }
    }  # fmt: skip
    batch = [*placed(one, two), told("orders/edited", edit)]
    async with asked(database, tmp_path, "Asia/Kuwait", "KWD", batch) as shop:
        first = await shop.figures("2026-07-01")
        wanted = {
            "gross_sales": "15.010", "discounts": "0.251", "net_sales": "14.759", "shipping": "0.750",
            "total_sales": "15.509", "average_order_value": "7.380", "orders": 2, "units_sold": 3,
        }  # fmt: skip
        assert {name: first[name] for name in wanted} == wanted
        second = await shop.figures("2026-07-02")
        wanted = {
            "gross_sales": "1.255", "discounts": "0.126", "total_sales": "1.129", "orders": 0,
            "average_order_value": None, "units_sold": 1,
        }  # fmt: skip
        assert {name: second[name] for name in wanted} == wanted
        assert (await shop.figures("2026-07-01", "2026-07-02"))["total_sales"] == "16.638"


async def test_a_shop_whose_orders_come_in_two_currencies(
    database: Database, tmp_path: Path
) -> None:
    """Dollars are the shop's. The buyer in Tokyo saw yen; Shopify fixed the dollars with the order.

    July 1st: order 1, 50.00 and 4.44 of tax on top (8.875 %: 4.4375). Order 2, 2 × 10.00 less 1.33
    (¥3000 less ¥200), no tax, shipping 6.67 (¥1000).
        gross 50 + 20 = 70.00; discounts 1.33; net 68.67; shipping 6.67; taxes 4.44; total 79.78;
        average order value 68.67 ÷ 2 = 34.335, half up 34.34.
    July 2nd: one of the two goes back: ¥1400, which Shopify wrote down as 9.33. Total −9.33.
    """
    tokyo = line(2, "10.00", 2)
    tokyo["price_set"] = money("10.00", "1500")
    tokyo["discount_allocations"] = [{"amount": "200", "amount_set": money("1.33", "200")}]
    two = order(
        2, "2026-07-01T13:00:00Z", tokyo, total_price="25.34", total_price_set=money("25.34", "3800"),
        shipping_lines=[{"id": 9, "price_set": money("6.67", "1000"), "discounted_price_set": money("6.67", "1000")}],
    )  # fmt: skip
    two["presentment_currency"] = "JPY"
    one = order(1, "2026-07-01T12:00:00Z", line(1, "50.00", tax="4.44", rate="0.08875"))
    back = {
        "id": 3, "order_id": 2, "created_at": "2026-07-02T12:00:00Z",
        "refund_line_items": [
            # The plain number is a trap: it may be in the buyer's currency.
            {"line_item_id": 2, "quantity": 1, "subtotal": 1400, "subtotal_set": money("9.33", "1400"), "total_tax": 0}
        ],
    }  # fmt: skip
    batch = [*placed(one, two), told("refunds/create", back)]
    async with asked(database, tmp_path, "America/New_York", "USD", batch) as shop:
        first = await shop.figures("2026-07-01")
        wanted = {
            "currency": "USD", "gross_sales": "70.00", "discounts": "1.33", "net_sales": "68.67",
            "shipping": "6.67", "taxes": "4.44", "total_sales": "79.78", "average_order_value": "34.34",
        }  # fmt: skip
        assert {name: first[name] for name in wanted} == wanted
        second = await shop.figures("2026-07-02")
        assert (second["sales_reversals"], second["total_sales"]) == ("9.33", "-9.33")
        # Both sides are kept: 25.34 dollars, 3800 yen.
        assert shop.world.ask(
            "SELECT currency, total_price, presentment_currency, total_price_presentment "
            "FROM mirror.orders WHERE id = 2"
        ) == [("USD", 253_400, "JPY", 38_000_000)]


async def test_a_shop_that_moves_dates_its_past_anew(database: Database, tmp_path: Path) -> None:
    """The zone a shop has now dates all of its orders.

    March 8th, 05:30 UTC is half past midnight in New York, and half past nine in the evening of the
    7th in Los Angeles. Shopify's reports are drawn in the zone the shop has now, and so are ours.
    """
    moved = {
        "id": 1, "updated_at": "2026-03-10T00:00:00Z", "iana_timezone": "America/Los_Angeles", "currency": "USD",
    }  # fmt: skip
    one = order(1, "2026-03-08T05:30:00Z", line(1, "5.00"))
    async with asked(database, tmp_path, "America/New_York", "USD", placed(one)) as shop:
        assert [(await shop.figures(f"2026-03-0{day}"))["orders"] for day in (7, 8)] == [0, 1]
        await shop.tell([told("shop/update", moved)])
        assert [(await shop.figures(f"2026-03-0{day}"))["orders"] for day in (7, 8)] == [1, 0]


async def test_a_shop_that_changes_its_currency_keeps_its_amounts(
    database: Database, tmp_path: Path
) -> None:
    """No webhook says at what rate the past would have to be converted, and Shopify converts none.

    July 1st: 5.00 US dollars. Then the shop changes to Canadian ones, and sells for 7.00 on July 2nd.
    Each order keeps the currency it was made in; the figures are the amounts as told, 5.00 and 7.00.
    """
    changed = {
        "id": 1, "updated_at": "2026-07-02T00:00:00Z", "iana_timezone": "America/New_York", "currency": "CAD",
    }  # fmt: skip
    one = order(1, "2026-07-01T12:00:00Z", line(1, "5.00"))
    two = order(2, "2026-07-02T12:00:00Z", line(2, "7.00"), currency="CAD")
    async with asked(database, tmp_path, "America/New_York", "USD", placed(one)) as shop:
        await shop.tell([told("shop/update", changed), *placed(two)])
        for day, gross in ((1, "5.00"), (2, "7.00")):
            found = await shop.figures(f"2026-07-0{day}")
            assert (found["currency"], found["gross_sales"]) == ("CAD", gross)
        kept = shop.world.ask("SELECT currency FROM mirror.orders ORDER BY id")
        assert kept == [("USD",), ("CAD",)]
