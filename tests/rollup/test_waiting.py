"""A batch that waited for its store goes by what the store is then, not by what it was before.

Two real sessions of the worker: one is in the store, the other has read which store its deliveries
are for and waits for the first.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from tests.rollup.drawn import line, order
from tests.rollup.worlds import NOW, World, delivery, micros, world
from tillstream.foundation.database import connect, set_tenants
from tillstream.rollup.apply import Outcome, apply, follow_settings, lock_store

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tests.conftest import Database
    from tillstream.foundation.database import Connection
    from tillstream.journal.contract import Delivery
    from tillstream.mirror.merge import Store

_WAITING = (
    "SELECT count(*) FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database "
    "WHERE d.datname = current_database() AND l.locktype = 'advisory' AND NOT l.granted"
)


@asynccontextmanager
async def somebody_in(here: World, store: Store) -> AsyncGenerator[Connection]:
    """A transaction that has the store to itself."""
    async with await connect(here.database.worker_url) as connection, connection.transaction():
        await set_tenants(connection, [store.tenant_id])
        await lock_store(connection, store)
        yield connection


async def waiting(here: World, deliveries: list[Delivery]) -> asyncio.Task[Outcome]:
    """These being applied, which has come to where it waits for the store."""

    async def applied() -> Outcome:
        async with await connect(here.database.worker_url) as connection, connection.transaction():
            return await apply(connection, deliveries, micros(NOW))

    task = asyncio.create_task(applied())
    async with asyncio.timeout(30):
        while not here.one(_WAITING):  # noqa: ASYNC110 - PostgreSQL tells nobody that somebody waits
            await asyncio.sleep(0.01)
    return task


async def test_a_zone_that_was_set_meanwhile_stays(database: Database) -> None:
    async with world(database) as here:
        domain, store = here.store(here.tenant(), timezone="UTC")
        await here.apply([delivery(domain, "orders/create", order(line(1, "1.00")))])
        async with somebody_in(here, store) as connection:
            late = await waiting(here, [delivery(domain, "orders/create", order(id=2))])
            here.ask(
                "UPDATE shops.stores SET timezone = 'Asia/Tokyo' WHERE id = %s", store.store_id
            )
            assert await follow_settings(connection, micros(NOW)) == 1
        assert (await late).applied == 1
        # Placed at 10:00 UTC, which is 19:00 there.
        assert here.ask(
            "SELECT timezone FROM rollup.stores WHERE store_id = %s", store.store_id
        ) == [("Asia/Tokyo",)]
        assert (await here.verify(store)).differences == []


async def test_a_store_that_was_taken_away_meanwhile_gets_nothing(database: Database) -> None:
    async with world(database) as here:
        domain, store = here.store(here.tenant())
        told = delivery(domain, "orders/create", order(line(1, "1.00")))
        async with somebody_in(here, store):
            late = await waiting(here, [told])
            here.ask("UPDATE shops.stores SET removed_at = now() WHERE id = %s", store.store_id)
        outcome = await late
        assert (outcome.applied, outcome.unrouted) == (0, [told])
        assert (
            here.one("SELECT count(*) FROM mirror.orders WHERE store_id = %s", store.store_id) == 0
        )


async def test_a_shop_that_is_another_accounts_meanwhile_comes_again(database: Database) -> None:
    async with world(database) as here:
        domain, store = here.store(here.tenant())
        told = delivery(domain, "orders/create", order(line(1, "1.00")))
        async with somebody_in(here, store):
            late = await waiting(here, [told])
            here.ask("UPDATE shops.stores SET removed_at = now() WHERE id = %s", store.store_id)
            other = here.tenant()
            here.ask(
                "INSERT INTO shops.stores (tenant_id, domain, name) VALUES (%s, %s, '')",
                other,
                domain,
            )
        outcome = await late
        assert (outcome.applied, outcome.unrouted, outcome.closed) == (0, [], True)
        # What came while the shop was the other account's is for neither of them; what comes now is.
        again = await here.apply([told])
        assert (again.applied, len(again.parked)) == (0, 1)
        soon = micros(datetime.now(UTC) + timedelta(minutes=1))
        now = msgspec.structs.replace(told, received_at=soon)
        assert (await here.apply([now])).applied == 1
        assert here.ask(
            "SELECT tenant_id FROM mirror.orders WHERE tenant_id IN (%s, %s)",
            other,
            store.tenant_id,
        ) == [(other,)]
