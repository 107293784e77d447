"""The store that the analytics bench asks: its figures have to agree, or its cost would not be real.

Orders and customers are counted in three places each; every pair of places is compared.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, LiteralString

from tillstream.command.bench.population import populate, settle
from tillstream.foundation.database import connect, open_pool
from tillstream.shops.accounts import add_account
from tillstream.shops.sealing import Keyring
from tillstream.shops.stores import StoreDetails, add_store

if TYPE_CHECKING:
    from tests.conftest import Database
    from tillstream.foundation.database import Connection

NOW = datetime(2026, 7, 1, 12, 30, tzinfo=UTC)
ORDERS = 2_000

_OF_LEDGER: LiteralString = """
SELECT hour, day, sum(gross_sales), sum(discounts), sum(shipping), sum(taxes), sum(orders)
FROM rollup.ledger GROUP BY hour, day ORDER BY hour
"""
_OF_SUMS: LiteralString = """
SELECT hour, day, gross_sales, discounts, shipping, taxes, orders
FROM rollup.sums WHERE orders > 0 ORDER BY hour
"""
_STAGES_OF_SUMS: LiteralString = """
SELECT sum(checkouts), sum(converted_checkouts), sum(abandoned_checkouts), sum(recovered_checkouts),
  sum(recovered_sales), sum(abandoned_value) FROM rollup.sums
"""
_STAGES_OF_CHECKOUTS: LiteralString = """
SELECT count(*), count(*) FILTER (WHERE stage = 'converted'), count(abandoned_at),
  count(*) FILTER (WHERE stage = 'recovered'), sum(recovered_value),
  sum(value) FILTER (WHERE stage = 'abandoned') FROM rollup.checkouts
"""
_TOTALS: LiteralString = """
SELECT (SELECT count(*) FROM mirror.orders), (SELECT sum(orders) FROM rollup.rhythm),
  (SELECT sum(orders) FROM rollup.customers), (SELECT sum(json_array_length(moments)) FROM rollup.customers)
"""
_CUSTOMERS: LiteralString = """
SELECT (SELECT count(*) FROM rollup.customers), (SELECT count(*) FROM mirror.customers),
  (SELECT sum(orders) FROM rollup.rhythm WHERE previous_day = '-infinity')
"""
_SPENT: LiteralString = """
SELECT (SELECT sum(total_price) FROM mirror.orders), (SELECT sum(total_spent) FROM rollup.customers),
  (SELECT sum(gross_sales - discounts + shipping + taxes) FROM rollup.sums)
"""
_REACH: LiteralString = "SELECT min(processed_at), max(processed_at) FROM mirror.orders"


async def test_the_year_that_is_written_by_sql_agrees_with_itself(database: Database) -> None:
    async with open_pool(database.api_url) as pool:
        await add_account(pool, "bench@example.com", "measured-by-the-bench")
        details = StoreDetails(timezone="UTC", currency="USD")
        keyring = Keyring.of(b"k" * 32)
        await add_store(pool, keyring, "bench@example.com", "bench.myshopify.com", details)
    async with await connect(database.admin_url) as connection:
        await populate(connection, "bench.myshopify.com", ORDERS, NOW)
        await settle(connection)
        assert await _rows(connection, _OF_LEDGER) == await _rows(connection, _OF_SUMS)
        assert await _rows(connection, _STAGES_OF_SUMS) == await _rows(
            connection, _STAGES_OF_CHECKOUTS
        )
        assert set((await _rows(connection, _TOTALS))[0]) == {ORDERS}
        assert len(set((await _rows(connection, _CUSTOMERS))[0])) == 1
        assert len(set((await _rows(connection, _SPENT))[0])) == 1
        first, last = (await _rows(connection, _REACH))[0]
    assert first.date() in {
        datetime(2025, 7, 1, tzinfo=UTC).date(),
        datetime(2025, 7, 2, tzinfo=UTC).date(),
    }
    assert last <= NOW


async def _rows(connection: Connection, question: LiteralString) -> list[tuple[Any, ...]]:
    return await (await connection.execute(question)).fetchall()
