"""An analytics call is of one moment, however many statements it takes and whatever is committed meanwhile.

Real: the API, its database, and another session's transaction, which holds a table that the call comes to
in its middle. The call has read before that, and reads on once the other has committed.
"""

from __future__ import annotations

import asyncio
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
import pytest

from tests.rollup.worlds import world
from tests.serve.company import audit
from tests.serve.drawn_store import draw_store
from tests.serve.test_explain import connected
from tests.serve.test_keys import make
from tillstream.foundation.database import tenant_snapshot, tenant_transaction

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    import httpx

    from tests.serve.conftest import Site
    from tillstream.foundation.database import Connection

DAYS = "from=2026-03-03&to=2026-03-20"
# Only that database, as other tests run beside this one.
WAITS = """
SELECT count(*) FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database
WHERE d.datname = current_database() AND l.relation = %s::regclass AND NOT l.granted
"""

WAYS = """
SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')
"""


@pytest.fixture
async def token(site: Site) -> AsyncGenerator[str]:
    """The token of an account whose store has sold."""
    async with world(site.database) as here:
        token, _ = await connected(site, here, "drawn")
        await here.apply(draw_store(Random(1), "drawn.myshopify.com", 40))
        yield token


async def meanwhile(
    site: Site, token: str, path: str, table: LiteralString, *changes: LiteralString
) -> httpx.Response:
    """The answer to a call that came to ``table`` before these were committed, and read it after."""
    async with site.client(token) as client:
        with psycopg.connect(site.database.admin_url) as other, site.owner() as watch:
            other.execute("LOCK TABLE " + table + " IN ACCESS EXCLUSIVE MODE")
            call = asyncio.create_task(client.get(path))
            async with asyncio.timeout(30):
                # PostgreSQL tells nobody that somebody waits.
                while watch.execute(WAITS, (table,)).fetchone() == (0,):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            for change in changes:
                other.execute(change)
            other.commit()
        return await call


@pytest.mark.parametrize("by", ["person", "key"])
async def test_the_first_page_adds_up_to_its_total(site: Site, token: str, by: str) -> None:
    if by == "key":
        token = (await make(site, token, "analytics"))["key"]
    path = f"/api/analytics/ledger?{DAYS}&measure=orders&limit=200"
    # The total is of sums; of this table the entries are told their orders' names.
    answer = await meanwhile(
        site, token, path, "mirror.orders", "UPDATE rollup.ledger SET orders = 7 * orders"
    )
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["total"] > 0
    assert sum(Decimal(str(entry["amount"])) for entry in told["entries"]) == told["total"]


async def test_an_order_is_told_as_it_was_at_one_moment(site: Site, token: str) -> None:
    path = "/api/orders/1"
    async with site.client(token) as client:
        before = (await client.get(path)).json()
    assert before["lines"]
    answer = await meanwhile(
        site, token, path, "mirror.order_lines",
        "UPDATE mirror.order_lines SET quantity = quantity + 5",
        "UPDATE mirror.orders SET name = 'another'",
    )  # fmt: skip
    assert answer.json() == before


async def test_a_file_is_noted_while_the_account_is_changed(site: Site, token: str) -> None:
    # The line refers to the account's row, which somebody changes after the call has begun.
    answer = await meanwhile(
        site, token, f"/api/analytics/orders.csv?{DAYS}", "shops.audit",
        "UPDATE shops.tenants SET name = 'Renamed'",
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    noted: list[Any] = await audit(site, token)
    assert noted[0]["action"] == "export.made"


async def test_a_connection_goes_back_to_its_usual_ways(site: Site) -> None:
    for _ in range(2):
        async with tenant_snapshot(site.pool, 1, read_only=True) as connection:
            assert await ways(connection) == ("repeatable read", "on")
        async with tenant_transaction(site.pool, 1) as connection:
            assert await ways(connection) == ("read committed", "off")
        async with tenant_snapshot(site.pool, 1, read_only=False) as connection:
            assert await ways(connection) == ("repeatable read", "off")
        with pytest.raises(psycopg.errors.DivisionByZero):
            await fail(site)


async def ways(connection: Connection) -> tuple[Any, ...] | None:
    cursor = await connection.execute(WAYS)
    return await cursor.fetchone()


async def fail(site: Site) -> None:
    """End a call's transaction by an error of the server's."""
    async with tenant_snapshot(site.pool, 1, read_only=True) as connection:
        await connection.execute("SELECT 1 / 0")
