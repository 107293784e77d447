"""Stories: the same for the same seed, and bodies that agree with themselves.

Real: everything. A story of fifteen days in four shops is told once and read many times.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.simulator.shops import END, START, shops, story
from tillstream.simulator.books import Books, entries_of
from tillstream.simulator.demo import demo_shops
from tillstream.simulator.story import Story
from tillstream.simulator.webhook import ALL_TOPICS, Webhook

DECIMALS = {"USD": 2, "EUR": 2, "JPY": 0, "KWD": 3}


@pytest.fixture(scope="module")
def told() -> tuple[list[Webhook], Books]:
    one = story()
    return list(one), one.books


@pytest.fixture(scope="module")
def bodies(told: tuple[list[Webhook], Books]) -> list[tuple[Webhook, dict[str, Any]]]:
    return [(webhook, msgspec.json.decode(webhook.body)) for webhook in told[0]]


def orders_in(bodies: list[tuple[Webhook, dict[str, Any]]]) -> list[dict[str, Any]]:
    bare = ("orders/edited", "orders/delete")
    return [b for w, b in bodies if w.topic.startswith("orders/") and w.topic not in bare]


def test_the_same_seed_tells_the_same_bytes(told: tuple[list[Webhook], Books]) -> None:
    again = story()
    assert list(again) == told[0]
    # … also when one and the same story is told twice
    assert list(again) == told[0]


def test_another_seed_tells_another_story(told: tuple[list[Webhook], Books]) -> None:
    assert {w.body for w in story(2)}.isdisjoint(
        w.body for w in told[0] if w.topic == "orders/create"
    )


def test_every_topic_is_told(told: tuple[list[Webhook], Books]) -> None:
    seen = {webhook.topic for webhook in told[0]}
    # Too rare for fifteen days: the test of the demonstration's year asks for these.
    rare = {
            "checkouts/delete", "products/delete", "orders/delete", "customers/delete", "inventory_items/delete",
            "collections/delete",
        }  # fmt: skip
    assert ALL_TOPICS - seen <= rare


def test_webhook_ids_are_unique_and_events_have_several(told: tuple[list[Webhook], Books]) -> None:
    assert len({w.webhook_id for w in told[0]}) == len(told[0])
    assert len({w.event_id for w in told[0]}) < len(told[0])


def test_everything_is_triggered_inside_the_story(told: tuple[list[Webhook], Books]) -> None:
    for webhook in told[0]:
        assert START <= webhook.triggered_at < END + timedelta(seconds=60)
        assert webhook.triggered_at < webhook.due


def test_only_subscribed_topics_are_told() -> None:
    few = frozenset(("orders/create", "orders/updated"))
    told = Story(1, shops()[:1], START, START + timedelta(days=3), topics=few)
    assert {w.topic for w in told} >= {"orders/create"}
    assert {w.topic for w in told} <= few | {"checkouts/create", "checkouts/update"}


def test_two_states_of_one_thing_never_share_an_updated_at(
    bodies: list[tuple[Webhook, dict[str, Any]]],
) -> None:
    states: dict[tuple[str, str, str, str], set[bytes]] = defaultdict(set)
    for webhook, body in bodies:
        resource = webhook.topic.partition("/")[0]
        if resource in ("orders", "checkouts", "products", "customers") and "updated_at" in body:
            key = str(body.get("id") or body["token"])
            states[webhook.shop, resource, key, body["updated_at"]].add(webhook.body)
    assert max(map(len, states.values())) == 1


def test_customers_inside_orders_are_the_customers(
    bodies: list[tuple[Webhook, dict[str, Any]]],
) -> None:
    names: dict[tuple[str, int, str], set[tuple[str, str]]] = defaultdict(set)
    for webhook, body in bodies:
        person = body if webhook.topic.startswith("customers/") else body.get("customer")
        if person and "email" in person:
            key = (webhook.shop, person["id"], person["updated_at"])
            names[key].add((person["email"], person["default_address"]["address1"]))
    assert max(map(len, names.values())) == 1


def test_totals_agree_with_lines(bodies: list[tuple[Webhook, dict[str, Any]]]) -> None:
    checked = 0
    for webhook, body in bodies:
        if webhook.topic != "orders/create":
            continue
        checked += 1
        goods = [li for li in body["line_items"] if li["title"] != "Tip"]
        lines = sum(Decimal(li["price"]) * li["quantity"] for li in goods)
        off = sum(Decimal(a["amount"]) for li in goods for a in li["discount_allocations"])
        shipping = sum(Decimal(s["discounted_price"]) for s in body["shipping_lines"])
        ship_off = sum(
            Decimal(a["amount"]) for s in body["shipping_lines"] for a in s["discount_allocations"]
        )
        taxed = [*goods, *body["shipping_lines"]]
        tax = sum(Decimal(t["price"]) for part in taxed for t in part["tax_lines"])
        extra = sum(
            Decimal((body[name] or {"shop_money": {"amount": "0"}})["shop_money"]["amount"])
            for name in ("original_total_duties_set", "original_total_additional_fees_set")
        )
        tip = Decimal(body["total_tip_received"])
        assert Decimal(body["total_line_items_price"]) == lines
        assert Decimal(body["subtotal_price"]) == lines - off
        assert Decimal(body["total_discounts"]) == off + ship_off
        assert (
            Decimal(body["total_tax"]) == tax == sum(Decimal(t["price"]) for t in body["tax_lines"])
        )
        due = lines - off + shipping + extra + tip + (0 if body["taxes_included"] else tax)
        assert Decimal(body["total_price"]) == due == Decimal(body["current_total_price"])
        assert sum(Decimal(c["amount"]) for c in body["discount_codes"]) == off + ship_off
    assert checked > 400


def test_current_totals_agree_with_what_was_given_back(
    bodies: list[tuple[Webhook, dict[str, Any]]],
) -> None:
    refunded = silently = 0
    for body in orders_in(bodies):
        goods = [li for li in body["line_items"] if li["title"] != "Tip"]
        now = sum(Decimal(li["price"]) * li["quantity"] for li in goods)
        now -= sum(Decimal(a["amount"]) for li in goods for a in li["discount_allocations"])
        items = [item for refund in body["refunds"] for item in refund["refund_line_items"]]
        now -= sum(Decimal(i["subtotal_set"]["shop_money"]["amount"]) for i in items)
        refunded += bool(items)
        unrecorded = 0
        for line in goods:
            gone = sum(i["quantity"] for i in items if i["line_item_id"] == line["id"])
            unrecorded += line["quantity"] - gone - line["current_quantity"]
            assert line["current_quantity"] >= 0
        # Few edits take units off without a refund that says so.
        silently += unrecorded > 0
        current = Decimal(body["current_subtotal_price"])
        assert 0 <= current < now if unrecorded else current == now >= 0
        assert Decimal(body["current_total_price"]) >= 0
    assert refunded > 50
    assert silently > 5


def test_money_has_the_currencys_decimals(bodies: list[tuple[Webhook, dict[str, Any]]]) -> None:
    for body in orders_in(bodies):
        wanted = DECIMALS[body["currency"]]
        for name in ("total_price", "subtotal_price", "total_tax", "current_total_price"):
            assert len(body[name].partition(".")[2]) == wanted
        bag = body["total_price_set"]
        assert bag["shop_money"] == {
            "amount": body["total_price"],
            "currency_code": body["currency"],
        }
        theirs = bag["presentment_money"]
        assert theirs["currency_code"] == body["presentment_currency"]
        assert len(theirs["amount"].partition(".")[2]) == DECIMALS.get(theirs["currency_code"], 2)


def test_some_orders_are_paid_in_another_currency(
    bodies: list[tuple[Webhook, dict[str, Any]]],
) -> None:
    assert any(b["presentment_currency"] != b["currency"] for b in orders_in(bodies))


def test_some_ids_do_not_survive_a_double(bodies: list[tuple[Webhook, dict[str, Any]]]) -> None:
    lines = {li["id"] for body in orders_in(bodies) for li in body["line_items"]}
    assert any(int(float(identifier)) != identifier for identifier in lines)
    assert all(0 < identifier < 2**63 for identifier in lines)


def test_times_carry_the_shops_offset_across_the_change_of_clocks(
    bodies: list[tuple[Webhook, dict[str, Any]]],
) -> None:
    offsets: dict[str, set[timedelta | None]] = defaultdict(set)
    for webhook, body in bodies:
        if webhook.topic == "orders/create":
            offsets[webhook.shop].add(datetime.fromisoformat(body["created_at"]).utcoffset())
    hours = {shop: {o / timedelta(hours=1) for o in found if o} for shop, found in offsets.items()}
    assert hours["usd-shop.myshopify.com"] == {-4.0, -5.0}
    assert hours["eur-shop.myshopify.com"] == {1.0, 2.0}
    assert hours["jpy-shop.myshopify.com"] == {9.0}


def test_no_body_names_a_checkout_id(bodies: list[tuple[Webhook, dict[str, Any]]]) -> None:
    for webhook, body in bodies:
        if webhook.topic in ("checkouts/create", "checkouts/update"):
            assert "id" not in body
        if webhook.topic.startswith("orders/"):
            assert "checkout_id" not in body


def test_an_orders_entries_add_up_to_its_price(told: tuple[list[Webhook], Books]) -> None:
    seen = 0
    for ledger in told[1].ledgers.values():
        for order in ledger.orders.values():
            entries = entries_of(order)
            if not entries or order.edits:
                continue
            seen += 1
            placed = entries["placement"]
            beside = placed.gift_cards_sold + placed.tips
            assert placed.total_sales + beside == order.totals.price
    assert seen > 300


def test_a_cancelled_order_nets_to_nothing(told: tuple[list[Webhook], Books]) -> None:
    cancelled = 0
    for ledger in told[1].ledgers.values():
        for order in ledger.orders.values():
            entries = entries_of(order).values()
            if order.cancelled_at is None or not entries:
                continue
            cancelled += 1
            for name in ("net_sales", "shipping", "taxes", "duties", "additional_fees"):
                assert sum(getattr(entry, name) for entry in entries) == 0
            assert sum(entry.orders for entry in entries) == 1
    assert cancelled > 20


def test_days_add_up_to_the_whole_and_totals_to_their_parts(
    told: tuple[list[Webhook], Books],
) -> None:
    for domain, ledger in told[1].ledgers.items():
        span = ledger.days()
        assert span is not None
        whole = told[1].stats(domain, *span, END)
        days = [span[0] + timedelta(days=n) for n in range((span[1] - span[0]).days + 1)]
        daily = [told[1].stats(domain, day, day, END) for day in days]
        for name in ("total_sales", "gross_sales", "taxes", "shipping", "discounts"):
            assert sum(Decimal(str(day[name])) for day in daily) == Decimal(str(whole[name]))
        for name in ("orders", "new_customers", "checkouts"):
            assert sum(int(day[name] or 0) for day in daily) == whole[name]
        money = {
            name: Decimal(str(whole[name]))
            for name in whole
            if isinstance(whole[name], str)
            and name not in ("currency", "timezone", "from", "to", "as_of")
        }
        net = money["gross_sales"] - money["discounts"] - money["sales_reversals"]
        assert money["net_sales"] == net
        assert money["total_sales"] == net + sum(
            money[name] for name in ("shipping", "taxes", "duties", "additional_fees")
        )


def test_the_rows_are_what_the_last_bodies_say(
    told: tuple[list[Webhook], Books], bodies: list[tuple[Webhook, dict[str, Any]]]
) -> None:
    last = {b["id"]: b for b in orders_in(bodies)}
    for domain, ledger in told[1].ledgers.items():
        for row in told[1].rows(domain, "orders"):
            if row["deleted"]:
                continue
            body = last[row["id"]]
            for name in PLAIN:
                assert body[name] == row[name], name
            for name in ("created_at", "processed_at", "updated_at", "cancelled_at", "closed_at"):
                assert (body[name] and datetime.fromisoformat(body[name])) == row[name]
            for name in ("total_price", "subtotal_price", "total_tax", "current_total_price"):
                assert Decimal(body[name]) * 10_000 == row[name]
            lines = {li["id"]: li for li in body["line_items"]}
            assert lines.keys() == {li.id for li in ledger.orders[row["id"]].lines}
            assert {r["id"] for r in body["refunds"]} == {
                refund.id for refund in ledger.orders[row["id"]].refunds
            }
        for row in told[1].rows(domain, "order_lines"):
            told_line = next(
                li for li in last[row["order_id"]]["line_items"] if li["id"] == row["id"]
            )
            assert told_line["quantity"] == row["quantity"]
            assert told_line["current_quantity"] == row["current_quantity"]
            assert Decimal(told_line["price"]) * 10_000 == row["price"]


PLAIN = (
    "name",
    "financial_status",
    "fulfillment_status",
    "cancel_reason",
    "test",
    "checkout_token",
)


def test_the_checkouts_kept_are_what_was_last_told(
    told: tuple[list[Webhook], Books], bodies: list[tuple[Webhook, dict[str, Any]]]
) -> None:
    last = {b["token"]: b for w, b in bodies if w.topic in ("checkouts/create", "checkouts/update")}
    for domain in told[1].ledgers:
        for row in told[1].rows(domain, "checkouts"):
            body = last[row["token"]]
            assert body["email"] == row["email"]
            assert datetime.fromisoformat(body["updated_at"]) == row["updated_at"]
            assert Decimal(body["total_price"]) * 10_000 == row["total_price"]
            assert (body["completed_at"] is None) == (row["completed_at"] is None)


def test_the_demonstrations_shops_are_three_of_different_kinds() -> None:
    plans = demo_shops()
    assert [plan.currency for plan in plans] == ["USD", "EUR", "JPY"]
    assert all(plan.domain.endswith(".myshopify.com") for plan in plans)
