"""Holding a store against the simulator's books: what is right is found right, what lacks is found.

A real PostgreSQL and the real apply; the books are the simulator's own.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tests.rollup.worlds import delivery, world
from tillstream.command.bench.reckoning import compare
from tillstream.foundation.database import connect
from tillstream.simulator.places import GERMANY
from tillstream.simulator.plan import plain_shop
from tillstream.simulator.story import Story

if TYPE_CHECKING:
    from tests.conftest import Database

NOW = datetime(2026, 7, 1, tzinfo=UTC)


async def test_every_figure_agrees_and_a_cent_that_is_missing_is_named(database: Database) -> None:
    async with world(database) as here:
        domain, store = here.store(here.tenant(), currency=None)
        plan = plain_shop(domain, "EUR", "Europe/Berlin", GERMANY, taxes_included=True)
        plan = replace(plan, orders_per_day=5.0)
        story = Story("reckoning", [plan], NOW - timedelta(days=6), NOW - timedelta(days=2))
        tale = [delivery(domain, one.topic, one.body, key=one.webhook_id) for one in story]
        await here.apply(tale, NOW)
        while await here.pass_deadlines(NOW):
            pass
        async with await connect(database.admin_url) as connection:
            checked = await compare(connection, domain, story.books, NOW)
            assert checked.wrong == []
            assert checked.compared > 500
            here.ask(
                "UPDATE rollup.sums SET shipping = shipping + 100 WHERE store_id = %s AND orders > 0 "
                "AND hour = (SELECT min(hour) FROM rollup.sums WHERE orders > 0)",
                store.store_id,
            )
            (wrong,) = (await compare(connection, domain, story.books, NOW)).wrong
            assert wrong.startswith("sums 2026-06-2")
            assert " shipping: " in wrong
            here.ask("DELETE FROM rollup.checkouts WHERE stage = 'converted'")
            missing = (await compare(connection, domain, story.books, NOW)).wrong
            assert any(one.startswith("checkouts ") and ": 0 instead of" in one for one in missing)
