"""A delivery that cannot be applied parks alone, and its neighbours are applied.

The worker is the real one, and so is the database; the journal is the one in memory, which passes
the same conformance suite as the others and here also says when nothing waits any more. The bodies
pass reading and are refused only by PostgreSQL: amounts that add up to more than a bigint holds.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.rollup.drawn import line, order, refund
from tests.rollup.test_apply import checkout
from tests.rollup.worlds import NOW, World, delivery, micros, world
from tillstream.command.worker import Worker
from tillstream.journal.contract import Frame, partition_of, time_ordered_id
from tillstream.journal.memory import MemoryJournal, MemoryStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.conftest import Database
    from tillstream.journal.contract import Claim, Delivery

PARTITIONS = 4
TRILLION = "1000000000000"

POISONS: dict[str, tuple[str, dict[str, Any]]] = {
    # 2,000 × 10^12 units in ten-thousandths is 2 × 10^19, more than 2^63
    "a line's discounts": (
        "orders/create", order(line(1, "1.00", off=(TRILLION,) * 2000), id=66),
    ),
    # 10^12 × 2,000,000,000 units
    "price times quantity": ("orders/create", order(line(1, TRILLION, 2_000_000_000), id=66)),
    "refunded shipping": (
        "refunds/create",
        {**refund(order_adjustments=[{"kind": "shipping_refund", "amount": "-" + TRILLION}] * 2000), "order_id": 66},
    ),
}  # fmt: skip


class Watched(MemoryJournal):
    """The journal in memory, which says when everything that can be is settled."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store)
        self.store = store
        self.quiet = asyncio.Event()

    async def settled(self, claims: Sequence[Claim]) -> None:
        await super().settled(claims)
        if not self.store.status().waiting:
            self.quiet.set()


async def work(here: World, frames: Sequence[Sequence[Delivery]]) -> MemoryStore:
    """Let a worker do these frames, each of one shop's partition."""
    connected = {domain for (domain,) in here.ask("SELECT domain FROM shops.stores")}
    store = MemoryStore(PARTITIONS, lambda: NOW, connected.__contains__)
    journal = Watched(store)
    await journal.append(
        [
            Frame(
                time_ordered_id(micros(NOW) + number, bytes(8)),
                partition_of(frame[0].shop, PARTITIONS),
                list(frame),
            )
            for number, frame in enumerate(frames)
        ]
    )
    worker = Worker(here.database.worker_url, journal, lambda: NOW)
    stop = asyncio.Event()
    working = asyncio.create_task(worker.run(stop))
    async with asyncio.timeout(30):
        await journal.quiet.wait()
        stop.set()
        await working
    await journal.close()
    return store


@pytest.mark.parametrize("what", sorted(POISONS))
async def test_a_delivery_that_the_database_refuses_parks_alone(
    database: Database, what: str
) -> None:
    topic, body = POISONS[what]
    async with world(database) as here:
        domain, store = here.store(here.tenant())
        other, neighbour = here.store(here.tenant())
        good = [
            delivery(domain, "orders/create", order(line(1, "1.00"), id=key)) for key in range(1, 8)
        ]
        poison = delivery(domain, topic, body)
        elsewhere = delivery(other, "orders/create", order(line(1, "1.00")))
        before = (
            []
            if topic == "orders/create"
            else [delivery(domain, "orders/create", order(line(1, "1.00"), id=66))]
        )
        journal = await work(here, [[*before, *good[:3], poison, *good[3:]], [elsewhere]])

        (held,) = journal.list_held("parked")
        assert (held.webhook_id, held.reason) == (poison.webhook_id, "refused_by_database")
        assert held.detail.startswith("The database refused it: ")
        assert held.detail.endswith(".")
        status = journal.status()
        assert (status.parked, status.waiting, status.unrouted) == (1, 0, 0)
        assert status.applied == len(before) + len(good) + 1
        placed = here.one(
            "SELECT sum(orders)::int FROM rollup.sums WHERE store_id = %s", store.store_id
        )
        assert placed == len(before) + len(good)
        for one in (store, neighbour):
            assert (await here.verify(one)).differences == []
        # It is not remembered as applied either: released after a repair, it is taken up again.
        seen = here.one(
            "SELECT count(*) FROM mirror.deliveries WHERE webhook_id = %s", poison.webhook_id
        )
        assert seen == 0


async def test_many_poisons_among_many(database: Database) -> None:
    async with world(database) as here:
        domain, store = here.store(here.tenant())
        topic, body = POISONS["price times quantity"]
        tale = [
            delivery(domain, topic, {**body, "id": 1000 + key})
            if key % 7 == 0
            else delivery(domain, "orders/create", order(line(1, "1.00"), id=key))
            for key in range(1, 50)
        ]
        journal = await work(here, [tale[:20], tale[20:]])
        assert sorted(row.webhook_id for row in journal.list_held("parked")) == sorted(
            one.webhook_id for key, one in enumerate(tale, 1) if key % 7 == 0
        )
        assert (
            here.one("SELECT count(*) FROM mirror.orders WHERE store_id = %s", store.store_id) == 42
        )
        assert (await here.verify(store)).differences == []


async def test_a_token_that_no_index_holds_parks_and_does_not_come_again_for_ever(
    database: Database,
) -> None:
    """PostgreSQL calls a key that is too long an operational error, as if it would pass."""
    token = "".join(
        chr(33 + (number * number * 7 + number // 90) % 90) for number in range(20_000)
    ).replace("?", "!")
    async with world(database) as here:
        domain, store = here.store(here.tenant())
        bodies = [
            ("orders/create", order(line(1, "1.00"), checkout_token=token)),
            ("orders/create", order(line(1, "1.00"), id=2, cart_token=token)),
            ("checkouts/create", checkout(token)),
            ("checkouts/create", checkout("t", cart_token=token)),
            ("orders/create", order(line(1, "1.00"), id=3)),
        ]
        journal = await work(here, [[delivery(domain, topic, body) for topic, body in bodies]])
        assert {row.reason for row in journal.list_held("parked")} == {"malformed_token"}
        assert (journal.status().parked, journal.status().applied) == (4, 1)
        assert (await here.verify(store)).differences == []


async def test_sums_that_overflow_only_together_refuse_the_last(database: Database) -> None:
    """Each order is fine; a thousand of a trillion in one hour are more than the sums can hold."""
    async with world(database) as here:
        domain, store = here.store(here.tenant())
        most = (2**63 - 1) // 10**16  # 922 of them fit
        here.ask(
            "INSERT INTO rollup.sums (tenant_id, store_id, hour, day, gross_sales) "
            "VALUES (%s, %s, '2026-03-01T10:00Z', '2026-03-01', %s)",
            *store, (most - 1) * 10**16,
        )  # fmt: skip
        rich = [
            delivery(domain, "orders/create", order(line(1, TRILLION), id=key)) for key in (1, 2)
        ]
        journal = await work(here, [rich])
        assert [row.webhook_id for row in journal.list_held("parked")] == [rich[1].webhook_id]
        assert here.ask("SELECT id FROM mirror.orders") == [(1,)]
