"""Shops in which rare things happen often, against the books, in every table.

Told in disorder to one to four workers in this process (see crew.py). The shops: a store in New York
with buyers who pay in yen or pounds; one in Berlin whose prices include tax; Tokyo in yen; Kuwait in
dinars of a thousand fils, where cash is paid in steps of five; one that moves from Toronto to Berlin
in the middle, with bodies of API version 2025-10, which still name checkouts by ids; and one with
bodies of 2024-10, in which customers still have their tags. In the fifteen days clocks change in
Berlin (25 October) and in New York and Toronto (1 November).
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import psycopg

from tests.rollup.worlds import World, world
from tests.simulator.shops import END, START, shop
from tests.story import audit
from tests.story.crew import delivered, work
from tillstream.foundation.database import set_tenants
from tillstream.rollup.segments import segments_of
from tillstream.simulator.delivery import Schedule
from tillstream.simulator.plan import Move
from tillstream.simulator.story import Story

if TYPE_CHECKING:
    from tests.conftest import Database
    from tillstream.mirror.merge import Store
    from tillstream.simulator.books import Books, Ledger
    from tillstream.simulator.plan import ShopPlan

NOW = datetime(2026, 11, 22, tzinfo=UTC)

_RARE = (
    "merges", "twins", "exchanges", "exchanges told by an edit", "silent removals", "shipping added",
    "shipping taken off", "shipping taken off silently",
)  # fmt: skip


def eventful_shops() -> list[ShopPlan]:
    """See above."""
    kuwait = shop("KWD", "Asia/Kuwait", per_day=5)
    return [
        shop("USD", "America/New_York", per_day=9),
        shop("EUR", "Europe/Berlin", included=True, per_day=9),
        shop("JPY", "Asia/Tokyo", included=True, per_day=5),
        replace(kuwait, cash_step=5, habits=replace(kuwait.habits, pos=0.2)),
        replace(
            shop("CAD", "America/Toronto", per_day=5),
            api_version="2025-10",
            moves=(Move(7.3, "Europe/Berlin"),),
        ),
        replace(shop("GBP", "Europe/London", included=True, per_day=5), api_version="2024-10"),
    ]


async def test_every_table_is_that_of_the_books(database: Database) -> None:
    """Every row, every measure of every day, every breakdown, cohort and group; nothing is parked."""
    story = Story(1, eventful_shops(), START, END)
    async with world(database) as here:
        stores = {plan.domain: here.store(here.tenant(), currency=None) for plan in story.shops}
        domains = {name: domain for name, (domain, _) in stores.items()}
        schedule = Schedule(story, 1, repeat=0.15)
        deliveries = [delivered(one.webhook, domains[one.webhook.shop]) for one in schedule]
        dice = random.Random(1)
        left = await work(here, deliveries, NOW, workers=3, dice=dice, largest=400)
        assert not left.held, [
            msgspec.structs.replace(one.content, stored=b"") for one in left.held.values()
        ]
        _assert_all(here, domains, story.books)
        for name, (_, store) in stores.items():
            await _assert_segments(here, store, story.books.ledgers[name])


def _assert_all(here: World, domains: dict[str, str], books: Books) -> None:
    happened: Counter[str] = Counter()
    with psycopg.connect(
        here.database.admin_url, autocommit=True, options="-c timezone=UTC"
    ) as connection:
        for shop_domain, domain in domains.items():
            ledger = books.ledgers[shop_domain]
            account = audit.Account(connection, domain, ledger, NOW)
            assert audit.assert_rows(account) > 700
            assert audit.assert_checkouts(account) > 50
            assert audit.assert_sums(account) > 400
            assert audit.assert_breakdown(account) > 250
            assert audit.assert_cohorts(account) >= 3
            happened += _happened(ledger)
    assert happened.keys() >= {*audit.ADDITIVE, *_RARE}, happened


async def _assert_segments(here: World, store: Store, ledger: Ledger) -> None:
    """Customers by recency, frequency and monetary value, against sorting them all anew."""
    async with here.connection.transaction():
        await set_tenants(here.connection, [store.tenant_id])
        found = await segments_of(here.connection, *store)
    held = {one.group: one[1:] for one in found if one.customers}
    money = ledger.currency.ten_thousandths
    true = {
        name: (one.customers, one.orders, money(one.spent))
        for name, one in ledger.segments().items()
    }
    assert held == true
    assert len(true) > 5


def _happened(ledger: Ledger) -> Counter[str]:
    """How often what there is to be told apart was there at all."""
    found = Counter(name for sums in ledger.sums(NOW).values() for name, n in sums.items() if n)
    found["merges"] = sum(one.merged_into is not None for one in ledger.customers.values())
    found["twins"] = sum(life.twin_of is not None for _, life in ledger.lives(NOW))
    orders = ledger.orders.values()
    found["exchanges"] = sum(line.brought is not None for one in orders for line in one.lines)
    found["exchanges told by an edit"] = sum(len(one.returns) for one in orders)
    found["exchanges told by an edit"] -= found["exchanges"]
    edits = [edit for one in orders for edit in one.edits]
    found["silent removals"] = sum(len(edit.unrecorded) for edit in edits)
    found["shipping added"] = sum(len(edit.shipping_additions) for edit in edits)
    found["shipping taken off"] = sum(len(edit.shipping_removals) for edit in edits)
    found["shipping taken off silently"] = sum(len(edit.unrecorded_shipping) for edit in edits)
    return +found
