"""The ledger of an order comes to what Shopify itself says is left of it.

Every order body carries ``current_total_price``: what the order comes to after edits, refunds and
removals. Over the orders of whole simulated shops, with prices with and without tax and in
currencies of no, two and three decimals, all entries of an order add up to it, to the last cent:
total sales, with the tips and gift cards that stand beside them. Of a cancelled order nothing is left.

And what has happened stays: what an order did on past days is the same after whatever comes later.

Bodies are the simulator's and are read by the real readers; its books are not looked at.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING

import msgspec
import pytest

from tillstream.foundation.money import parse_money
from tillstream.mirror import orders
from tillstream.mirror.join import Element, join
from tillstream.mirror.topics import read
from tillstream.rollup.entries import Entry, order_entries, total_sales
from tillstream.simulator.places import GERMANY, JAPAN, KUWAIT, UNITED_STATES, Place
from tillstream.simulator.plan import plain_shop
from tillstream.simulator.story import Story

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

START = datetime(2026, 3, 26, tzinfo=UTC)
DAYS = 10


def elements(story: Story) -> dict[int, tuple[Element, str]]:
    """By order, what its deliveries amount to, and what the last body says is left of it."""
    found: dict[int, tuple[Element, str]] = {}
    for one in story:
        if not one.topic.startswith(("orders/", "refunds/")):
            continue
        told = msgspec.json.decode(one.body)
        for change in read(one.topic, one.body):
            if change.resource == "order":
                element, left = found.get(int(change.key), (Element(), ""))
                left = told.get("current_total_price", left)
                found[int(change.key)] = (join(element, change.element), left)
    return found


def left_of(entries: Iterable[Entry]) -> int:
    """Total sales, tips and gift cards of all entries."""
    total: Counter[str] = Counter()
    for entry in entries:
        total.update(entry.amounts)
    return total_sales(total) + total["tips"] + total["gift_cards_sold"]


@pytest.mark.parametrize(
    ("currency", "zone", "place", "included"),
    [
        ("EUR", "Europe/Berlin", GERMANY, True),
        ("USD", "America/New_York", UNITED_STATES, False),
        ("JPY", "Asia/Tokyo", JAPAN, True),
        ("KWD", "Asia/Kuwait", KUWAIT, False),
    ],
)
def test_entries_add_up_to_what_is_left(
    currency: str, zone: str, place: Place, included: bool
) -> None:
    plan = plain_shop(
        "left.myshopify.com", currency, zone, place, orders_per_day=40, taxes_included=included
    )
    counted = after = 0
    for key, (element, left) in elements(
        Story(7, [plan], START, START + timedelta(days=DAYS))
    ).items():
        order = orders.view(key, element)
        entries = order_entries(order)
        if not entries:
            assert order.test or order.deleted
            continue
        wanted = 0 if order.cancelled_at is not None else parse_money(left)
        assert left_of(entries) == wanted, (order.name, entries)
        counted += 1
        after += len(entries) > 1
    # The shop was a busy one, and much was taken back.
    assert counted > 100
    assert after > 10


@pytest.mark.parametrize("included", [True, False])
def test_history_does_not_change(included: bool) -> None:
    """Whatever is told of an order on a day, what its entries said of the days before stays."""
    plan = plain_shop(
        "past.myshopify.com", "EUR", "UTC", GERMANY, orders_per_day=40, taxes_included=included
    )
    known: dict[int, Element] = {}
    before: dict[int, list[Entry]] = {}
    compared = 0
    deliveries = sorted(
        Story(8, [plan], START, START + timedelta(days=DAYS)), key=lambda one: one.triggered_at
    )
    for day, told in groupby(deliveries, key=lambda one: one.triggered_at.date()):
        touched: set[int] = set()
        for one in told:
            if one.topic.startswith(("orders/", "refunds/")):
                for change in read(one.topic, one.body):
                    if change.resource == "order":
                        key = int(change.key)
                        known[key] = join(known.get(key, Element()), change.element)
                        touched.add(key)
        for key in touched:
            order = orders.view(key, known[key])
            if order.deleted:
                continue
            entries = order_entries(order)
            assert past(entries, day) == past(before.get(key, []), day), order.name
            compared += bool(past(entries, day))
            before[key] = entries
    assert compared > 50


def past(entries: list[Entry], day: date) -> list[Entry]:
    """The entries of the days before one, but for how long an order took to be sent: that is known later."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return [
        entry._replace(sent_after=None)
        for entry in entries
        if entry.at < midnight.timestamp() * 1_000_000
    ]
