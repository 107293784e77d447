"""The store that the analytics bench asks: what is measured of it is only real if the store is.

A real PostgreSQL, and the product's own verification, which reads every row and works it out anew.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, LiteralString

from tests.rollup.worlds import world
from tillstream.command.bench.population import populate, settle
from tillstream.foundation.database import connect

if TYPE_CHECKING:
    from tests.conftest import Database

NOW = datetime(2026, 7, 1, 12, 30, tzinfo=UTC)
ORDERS = 1_000

_EMPTY: LiteralString = """
SELECT dimension FROM unnest(ARRAY['channel', 'country', 'region', 'referrer', 'landing', 'discount_code',
  'product', 'variant', 'vendor']) AS dimension
WHERE NOT EXISTS (SELECT FROM rollup.breakdown AS b WHERE b.dimension = dimension)
"""
_FIGURES: LiteralString = """
SELECT sum(orders), sum(sales_reversals) > 0, sum(abandoned_checkouts) > 0, sum(recovered_checkouts) > 0,
  sum(converted_checkouts) > 0, sum(inferred_recoveries) > 0, sum(discounts) > 0 FROM rollup.sums
"""


async def test_nothing_is_wrong_with_the_store_that_is_written_beside_the_journal(
    database: Database,
) -> None:
    async with world(database) as here:
        domain, store = here.store(here.tenant(), currency=None)
        async with await connect(database.admin_url) as connection:
            await populate(connection, domain, ORDERS, NOW)
            await settle(connection)
        report = await here.verify(store, NOW)
        assert report.differences == []
        assert report.orders == ORDERS
        assert here.ask(_EMPTY) == []
        assert here.ask(_FIGURES) == [(ORDERS, True, True, True, True, True, True)]
        first, last = here.ask("SELECT min(processed_at), max(processed_at) FROM mirror.orders")[0]
        assert (NOW - first).days in {364, 365}
        assert last <= NOW
        # What is left to rebuild is nothing.
        before = await here.state(store)
        await here.rebuild(store, NOW)
        assert await here.state(store) == before
