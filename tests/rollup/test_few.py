"""A few deliveries cost what they are, not what the store has: its rows are looked up by key.

A small store, as autovacuum has looked at it: there the planner would rather read a table whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.rollup.drawn import line, order
from tests.rollup.test_poison import work
from tests.rollup.worlds import delivery, world

if TYPE_CHECKING:
    from tests.conftest import Database

ORDERS = 600
ROUNDS = 12
"""More than it takes until PostgreSQL keeps a plan for whatever values come."""

_READ = """
SELECT relname, seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_user_tables
WHERE schemaname || '.' || relname = ANY (%s)
"""
_TABLES = ["mirror.orders", "rollup.ledger", "mirror.deliveries"]


async def test_a_delivery_does_not_read_a_small_store_whole(database: Database) -> None:
    async with world(database) as here:
        domain, _ = here.store(here.tenant())
        await here.apply(
            [
                delivery(domain, "orders/create", order(line(1, "1.00"), id=key))
                for key in range(1, ORDERS + 1)
            ]
        )
        here.ask("VACUUM (ANALYZE)")
        await here.connection.close()
        before = dict(here.ask(_READ, _TABLES))
        for key in range(1, ROUNDS + 1):
            more = order(line(1, "2.00", off=("1.00",)), id=key, updated_at="2026-03-20T10:00:00Z")
            await work(here, [[delivery(domain, "orders/updated", more)]])
        after = dict(here.ask(_READ, _TABLES))
        read = {name: after[name] - before[name] for name in after}
        assert max(read.values()) < ROUNDS * ORDERS / 10, read
