"""Rebuilding brings a store in line with the definitions of today, and nobody has to stop for it.

Real databases, a real journal in them, and real workers. An older definition is planted by letting the
deliveries be applied while the function that makes entries of orders is another one; everything they
wrote then agrees with itself, as it would after an upgrade.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import count
from random import Random
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
import pytest

from tests.rollup.drawn import line, order, shipping
from tests.rollup.worlds import NOW, World, addressed, delivery, micros, world
from tests.serve.drawn_store import draw_store
from tillstream.command.worker import Worker
from tillstream.foundation.clock import utc_now
from tillstream.foundation.database import connect, set_tenants
from tillstream.journal.contract import Frame, partition_of, time_ordered_id
from tillstream.journal.postgres import postgres_journal
from tillstream.rollup import ownership
from tillstream.rollup.apply import close_store, follow_settings
from tillstream.rollup.entries import Entry, order_entries
from tillstream.rollup.rebuild import RebuildRunning, Rebuilt, rebuild_online

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from tests.conftest import Database
    from tillstream.journal.contract import Delivery, Journal
    from tillstream.mirror.merge import Store
    from tillstream.mirror.orders import Order

PARTITIONS = 1
"""All stores in one: so that one could hold up the other."""

_numbers = count(1)

TABLES: tuple[LiteralString, ...] = (
    "SELECT * FROM rollup.ledger ORDER BY 1, 2, 3, 4, 5", "SELECT * FROM rollup.sums ORDER BY 1, 2, 3",
    "SELECT * FROM rollup.breakdown ORDER BY 1, 2, 3, 4, 5, 6", "SELECT * FROM rollup.cohorts ORDER BY 1, 2, 3, 4",
    "SELECT to_json(r)::text FROM rollup.rhythm AS r ORDER BY 1", "SELECT * FROM rollup.checkouts ORDER BY 1, 2, 3",
    "SELECT customer_id, moments::text, months::text FROM rollup.customers ORDER BY 1", "SELECT * FROM rollup.live",
    "SELECT tenant_id, store_id, id, state::text FROM mirror.orders ORDER BY 1, 2, 3",
)  # fmt: skip


def of_old(one: Order) -> list[Entry]:
    """A definition of before: refunds took nothing back, shipping counted twice, buyers were unknown on odd orders."""
    return [
        entry._replace(
            customer_id=entry.customer_id if one.id % 2 else None,
            amounts={
                name: amount * 2 if name == "shipping" else amount
                for name, amount in entry.amounts.items()
            },
        )
        for entry in order_entries(one)
        if not entry.entry.startswith("refund")
    ]


@asynccontextmanager
async def definition_of_old() -> AsyncGenerator[None]:
    """What is applied meanwhile is booked by another definition."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ownership, "order_entries", of_old)
        yield


async def rebuild(here: World, store: Store, *, preview: bool = False) -> Rebuilt:
    """Rebuild as the command does."""
    async with await connect(here.database.worker_url) as connection:
        domain = here.domain(store)
        return await rebuild_online(connection, store, domain, lambda: micros(NOW), preview=preview)


def figures(here: World, store: Store) -> dict[tuple[str, str], int]:
    """Every figure of every day."""
    rows = here.ask(
        "SELECT day::text, to_jsonb(s) - ARRAY['tenant_id', 'store_id', 'hour', 'day'] FROM rollup.sums AS s "
        "WHERE store_id = %s",
        store.store_id,
    )
    found: dict[tuple[str, str], int] = {}
    for day, amounts in rows:
        for name, amount in amounts.items():
            found[day, name] = found.get((day, name), 0) + amount
    return found


async def test_a_change_of_definition_is_previewed_and_then_made(database: Database) -> None:
    async with world(database) as here:
        domain, store = here.store(here.tenant(), timezone="Europe/Berlin")
        fresh_domain, fresh = here.store(here.tenant(), timezone="Europe/Berlin")
        told = draw_store(Random(11), domain)
        async with definition_of_old():
            await here.apply(told)
        await here.apply(addressed(fresh_domain, told))
        before = [here.ask(table) for table in TABLES]

        preview = await rebuild(here, store, preview=True)
        assert [here.ask(table) for table in TABLES] == before
        assert preview.preview
        assert {"shipping", "sales_reversals", "customer_orders"} <= {
            one.measure for one in preview.changes
        } | {"customer_orders"}

        old = figures(here, store)
        rebuilt = await rebuild(here, store)
        new = figures(here, store)
        assert rebuilt.changes == preview.changes
        assert {(c.day, c.measure): (c.before, c.after) for c in preview.changes} == {
            key: (old.get(key, 0), new.get(key, 0))
            for key in old.keys() | new.keys()
            if old.get(key, 0) != new.get(key, 0)
        }
        assert (await here.verify(store)).differences == []
        assert await here.state(store) == await here.state(fresh)
        again = await rebuild(here, store)
        assert (again.mended, again.changes) == (0, [])


class Post:
    """Sends deliveries through the journal, and knows when they are applied."""

    def __init__(self, here: World, journal: Journal) -> None:
        self._here = here
        self._journal = journal

    async def send(self, *frames: Sequence[Delivery]) -> None:
        """Append frames, as ingest does."""
        await self._journal.append(
            [
                Frame(
                    time_ordered_id(micros(utc_now()), next(_numbers).to_bytes(8)),
                    partition_of(frame[0].shop, PARTITIONS),
                    list(frame),
                )
                for frame in frames
            ]
        )

    async def applied(self) -> None:
        """Wait until nothing waits any more."""
        await self.until(lambda: not self._here.ask("SELECT 1 FROM journal.pending"))

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until the database says so."""
        async with asyncio.timeout(30):
            while not holds():  # noqa: ASYNC110 - another process's table, which rings nobody
                await asyncio.sleep(0.01)


@asynccontextmanager
async def at_work(here: World, workers: int = 1) -> AsyncGenerator[Post]:
    """Workers that apply whatever is sent."""
    stop = asyncio.Event()
    url = here.database.worker_url
    async with postgres_journal(url, PARTITIONS, utc_now) as journal:
        crew = [Worker(url, journal, lambda: NOW) for _ in range(workers)]
        working = [asyncio.create_task(one.run(stop)) for one in crew]
        try:
            yield Post(here, journal)
        finally:
            stop.set()
            await asyncio.gather(*working)


def placed(domain: str, key: int, at: str = "2026-03-30T10:00:00Z") -> Delivery:
    """An order of one line and some shipping."""
    body = order(
        line(1, "10.00"), id=key, processed_at=at, created_at=at, updated_at=at,
        shipping_lines=[shipping("5.00")], customer={"id": key % 7 + 1},
    )  # fmt: skip
    return delivery(domain, "orders/create", body)


class Watcher:
    """A dashboard that looks again and again, on a connection of its own."""

    def __init__(self, here: World, store: Store) -> None:
        self._url = here.database.admin_url
        self._store = store
        self.seen: list[tuple[Any, ...]] = []

    async def watch(self, stop: asyncio.Event) -> None:
        """Look at a day that nothing arrives for, until told to stop."""
        async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as connection:
            while True:
                cursor = await connection.execute(_WATCHED, (self._store.store_id,) * 3)
                row = await cursor.fetchone()
                if row is not None and (not self.seen or self.seen[-1] != row):
                    self.seen.append(row)
                if stop.is_set():
                    return
                await asyncio.sleep(0)


_WATCHED = """
SELECT
  (SELECT sum(shipping)::bigint FROM rollup.sums WHERE store_id = %s AND day < '2026-03-28'),
  (SELECT sum(shipping)::bigint FROM rollup.breakdown
   WHERE store_id = %s AND dimension = 'channel' AND grain = 'day' AND day < '2026-03-28'),
  (SELECT count(*) FROM rollup.ledger WHERE store_id = %s AND entry LIKE 'refund:%%')
"""


async def test_deliveries_arrive_while_a_store_is_rebuilt(database: Database) -> None:
    async with world(database) as here:
        tenant = here.tenant()
        domain, store = here.store(tenant, timezone="Europe/Berlin")
        other, neighbour = here.store(tenant, timezone="Europe/Berlin")
        told = draw_store(Random(12), domain, 60)
        async with definition_of_old():
            await here.apply(told)
        sent: list[Delivery] = []
        done = asyncio.Event()

        async def arrive(post: Post) -> None:
            while not done.is_set():
                both = [placed(domain, 1000 + len(sent)), placed(other, 1000 + len(sent))]
                sent.extend(both)
                await post.send(both)

        watcher, unwatched = Watcher(here, store), asyncio.Event()
        watching = asyncio.create_task(watcher.watch(unwatched))
        async with at_work(here) as post:
            arriving = asyncio.create_task(arrive(post))
            rebuilt = await rebuild(here, store)
            done.set()
            await arriving
            await post.applied()
        unwatched.set()
        await watching
        assert rebuilt.levels.keys() == {"ledger", "stages"}
        assert len(sent) > 2
        # The old figures, then the new ones, of all tables at once; never anything between.
        old, new = watcher.seen
        assert old != new
        assert old[0] == old[1] == 2 * new[0] == 2 * new[1]
        assert old[2] == 0
        assert (await here.verify(store)).differences == []
        assert (await here.verify(neighbour)).differences == []

        fresh_domain, fresh = here.store(here.tenant(), timezone="Europe/Berlin")
        mine = [one for one in sent if one.shop == domain]
        await here.apply(addressed(fresh_domain, [*told, *mine]))
        assert await here.state(store) == await here.state(fresh)


async def test_what_a_sum_lacks_is_the_same_after_more_was_booked(database: Database) -> None:
    """Deliveries for the very rows that are wrong, between the survey and the mending."""
    async with world(database) as here:
        domain, store = here.store(here.tenant(), timezone="Europe/Berlin")
        fresh_domain, fresh = here.store(here.tenant(), timezone="Europe/Berlin")
        told = draw_store(Random(13), domain)
        later = [placed(domain, 500 + n, "2026-03-05T10:30:00Z") for n in range(5)]
        later += [delivery(domain, "orders/delete", {"id": n}) for n in (1, 2, 3)]
        await here.apply(told)
        for tampering in (
            "UPDATE rollup.sums SET gross_sales = gross_sales + 7, orders = orders - 1",
            "UPDATE rollup.breakdown SET units_sold = units_sold + 3 WHERE dimension <> 'vendor'",
            "DELETE FROM rollup.breakdown WHERE dimension = 'vendor'",
            "UPDATE rollup.cohorts SET orders = orders + 1",
            "UPDATE rollup.rhythm SET orders = orders + 2",
            "UPDATE rollup.ledger SET taxes = taxes + 5 WHERE entry = 'placement'",
            "UPDATE rollup.customers SET total_spent = 0, moments = '[]'",
        ):
            here.ask(tampering)

        async def meanwhile(what: str, _done: int) -> None:
            if what == "checkouts":
                await here.apply(later)

        async with await connect(here.database.worker_url) as connection:
            await rebuild_with(connection, here, store, meanwhile)
        await here.apply(addressed(fresh_domain, [*told, *later]))
        assert (await here.verify(store)).differences == []
        assert await here.state(store) == await here.state(fresh)


async def test_a_window_that_changes_meanwhile_holds_for_what_is_mended(database: Database) -> None:
    async with world(database) as here:
        domain, store = here.store(here.tenant(), timezone="Europe/Berlin")
        at = (NOW - timedelta(minutes=20)).isoformat()
        body = {"token": "t", "email": "a@example.com", "created_at": at, "updated_at": at}
        await here.apply([delivery(domain, "checkouts/create", body)])
        here.ask("UPDATE rollup.ledger SET abandoned_checkouts = 2 WHERE entry = 'abandonment'")

        async def meanwhile(_what: str, _done: int) -> None:
            here.ask("UPDATE shops.stores SET abandonment_window = '1 hour'")
            async with here.connection.transaction():
                await follow_settings(here.connection, micros(NOW))

        async with await connect(here.database.worker_url) as connection:
            await rebuild_with(connection, here, store, meanwhile)
        assert here.ask("SELECT stage FROM rollup.checkouts") == [("open",)]
        assert (await here.verify(store)).differences == []


async def rebuild_with(
    connection: Any, here: World, store: Store, meanwhile: Callable[[str, int], Any]
) -> None:
    """Rebuild, and let something happen right after the survey."""
    from tillstream.rollup import rebuild as rebuilding  # noqa: PLC0415

    look = rebuilding.survey

    async def and_then(*arguments: Any, **named: Any) -> Any:
        found = await look(*arguments, **named)
        await meanwhile("checkouts", 0)
        return found

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(rebuilding, "survey", and_then)
        await rebuild_online(connection, store, here.domain(store), lambda: micros(NOW))


async def test_nobody_else_waits_for_a_store_that_is_closed(database: Database) -> None:
    async with world(database) as here:
        tenant = here.tenant()
        domain, store = here.store(tenant)
        other, neighbour = here.store(tenant)

        def orders_of(one: Store) -> int:
            return here.one("SELECT count(*) FROM mirror.orders WHERE store_id = %s", one.store_id)

        async with at_work(here) as post, await connect(here.database.worker_url) as closing:
            async with closing.transaction():
                await set_tenants(closing, [tenant])
                await close_store(closing, store)
                # In one frame with what is for the closed store, and behind it.
                await post.send([placed(domain, 1), placed(other, 1)], [placed(domain, 2)])
                await post.send([placed(other, 2)])
                await post.until(lambda: orders_of(neighbour) == 2)
                assert orders_of(store) == 0
                assert here.ask("SELECT 1 FROM journal.pending") != []
            await post.applied()
            assert orders_of(store) == 2
        assert here.one("SELECT sum(applied)::int FROM journal.progress") == 4
        assert here.one("SELECT sum(received)::int FROM mirror.topics") == 4
        for one in (store, neighbour):
            assert (await here.verify(one)).differences == []


async def test_two_rebuilds_of_one_store_are_one_too_many(database: Database) -> None:
    async with world(database) as here:
        _, store = here.store(here.tenant())
        async with await connect(here.database.worker_url) as busy:
            await busy.execute("SELECT pg_advisory_lock(7211845, %s)", (store.store_id,))
            with pytest.raises(RebuildRunning, match="is being rebuilt already"):
                await rebuild(here, store)
        assert (await rebuild(here, store)).mended == 0


async def test_whoever_watches_is_told_to_look_again(database: Database) -> None:
    async with world(database) as here:
        domain, store = here.store(here.tenant())
        async with definition_of_old():
            await here.apply([placed(domain, 1)])
        before = len(here.live(store.tenant_id))
        await rebuild(here, store, preview=True)
        assert len(here.live(store.tenant_id)) == before
        await rebuild(here, store)
        _, told_store, data = here.live(store.tenant_id)[-1]
        assert (told_store, data["feed"]) == (store.store_id, [])
        assert "sales" in data["changed"]
