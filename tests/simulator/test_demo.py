"""The demonstration: a year behind it, and a story that goes on after a stop.

A short past stands in for the year where the past itself is not the point.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

import pytest

from tests.simulator.receiver import receiving
from tillstream.simulator.books import entries_of
from tillstream.simulator.demo import Cursor, Demo, _after, demo_shops

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tillstream.simulator.delivery import DeliveryReport
    from tillstream.simulator.webhook import Webhook

NOW = datetime(2026, 11, 22, 16, 30, tzinfo=UTC)
SECRET = b"hush"
BLACK_FRIDAY = date(2025, 11, 28)


def told_before(cursor: Cursor, moment: datetime) -> list[Webhook]:
    told: list[Webhook] = []
    for webhook in cursor.story(demo_shops()):
        if webhook.triggered_at >= moment:
            break
        told.append(webhook)
    return told


def test_a_years_history_is_short_enough_to_import_at_once() -> None:
    story = Cursor.begin(1, NOW).story(demo_shops())
    topics = Counter(webhook.topic for webhook in story)
    assert 36_000 <= topics.total() <= 48_000
    rare = {"checkouts/delete", "orders/delete", "customers/delete", "products/delete"} | {
        "inventory_items/delete", "collections/delete", "customers/merge", "disputes/create",
    }  # fmt: skip
    assert rare <= topics.keys()
    for ledger in story.books.ledgers.values():
        assert 2_800 <= len(ledger.orders) <= 4_500
        first, last = ledger.days() or (NOW.date(), NOW.date())
        assert (last - first).days >= 363
        whole = ledger.stats(first, last, NOW)
        assert 0.15 < float(whole["returning_customer_rate"] or 0) < 0.45
        friday = ledger.stats(BLACK_FRIDAY, BLACK_FRIDAY, NOW)
        assert int(friday["orders"] or 0) > 2.5 * len(ledger.orders) / 365
        # Neither counts, and of a deleted order nothing but its key is promised.
        hidden = [order for order in ledger.orders.values() if order.test or order.deleted]
        assert hidden
        assert not any(entries_of(order) for order in hidden)
        assert {
            row["id"] for row in ledger.records.rows("orders") if row.keys() == {"id", "deleted"}
        } == {order.id for order in hidden if order.deleted}


@pytest.fixture
def cursor() -> Cursor:
    return Cursor.begin(7, NOW, timedelta(days=12))


def test_a_cursor_is_kept_and_read_again(cursor: Cursor, tmp_path: Path) -> None:
    path = tmp_path / "cursor.json"
    assert Cursor.load(path) is None
    cursor.resume(NOW, 60, 3)
    cursor.save(path)
    assert Cursor.load(path) == cursor
    path.write_text("{")
    assert Cursor.load(path) is None


def test_what_was_told_is_told_the_same_after_a_stop(cursor: Cursor) -> None:
    cursor.resume(NOW, 300, 3)
    stop = NOW + timedelta(minutes=4)
    before = told_before(cursor, stop)
    assert before[-1].triggered_at > NOW
    # away for a day, then on at another pace
    cursor.resume(NOW + timedelta(days=1), 60, 3)
    assert told_before(cursor, stop) == before


def test_the_time_away_is_filled_at_an_ordinary_pace(cursor: Cursor) -> None:
    cursor.resume(NOW, 600, 3)
    cursor.resume(NOW + timedelta(days=1), 600, 3)
    tomorrow, quiet = NOW + timedelta(days=1), NOW + timedelta(hours=2)
    told = told_before(cursor, tomorrow + timedelta(minutes=5))
    away = sum(quiet < webhook.triggered_at < tomorrow for webhook in told)
    live = sum(webhook.triggered_at >= tomorrow for webhook in told)
    # ordinary is some forty deliveries a day and shop, more in November; not 600 a minute
    assert 30 < away < 1_000
    assert live > 500


def test_nothing_is_sent_that_might_be_told_differently(cursor: Cursor) -> None:
    cursor.resume(NOW, 30, 3)
    demo = Demo("http://h", SECRET, cursor)
    border = NOW + timedelta(minutes=30)
    for webhook in demo._promised(iter(told_before(cursor, border))):
        assert webhook.triggered_at.timestamp() < cursor.told_until
    # stopped at 17:00, and on at once: the story stays as promised, then changes pace
    before = told_before(cursor, border)
    cursor.resume(border, 600, 3)
    assert told_before(cursor, border) == before
    assert cursor.spells[-1].start >= border.timestamp()


async def test_a_demonstration_tells_its_past_then_goes_on(cursor: Cursor, tmp_path: Path) -> None:
    path = tmp_path / "cursor.json"
    async with receiving() as server:
        demo = Demo(server.url, SECRET, cursor, path)
        assert demo.needs_history
        report = await demo.history()
        assert not demo.needs_history
        assert report.accepted == len(server.accepted) > 500
        past, enough = len(server.accepted), asyncio.Event()
        heard: list[DeliveryReport] = []

        def behave(number: int, _: object) -> int:
            if number > past + 10:
                enough.set()
            return 200

        server.behave = behave
        live = asyncio.create_task(demo.live(NOW, 6_000, heard.append))
        async with asyncio.timeout(20):
            await enough.wait()
        live.cancel()
        with pytest.raises(asyncio.CancelledError):
            await live
    assert heard
    kept = Cursor.load(path)
    assert kept is not None
    assert kept.told_until > NOW.timestamp()
    orders = [r for r in server.accepted[past:] if r.headers["x-shopify-topic"] == "orders/create"]
    assert all(b'"processed_at"' in order.body for order in orders)


def test_a_past_without_end_can_be_given_up(cursor: Cursor) -> None:
    told = next(iter(cursor.story(demo_shops())))
    given_up = threading.Event()

    def endless() -> Iterator[Webhook]:
        for number in count():
            if number == 100:
                given_up.set()
            yield told

    assert next(_after(endless(), cursor.history_end, given_up), None) is None
