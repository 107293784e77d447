"""Micro-batches: all that is accepted is in the journal once, and who could not be helped hears it.

The journal is the one in memory, which passes the journals' conformance suite. One collaborator is
doubled, at the ``Appender`` seam: a gate in front of that journal which holds a write until it is
opened, or fails it, since no real journal can be made to stop at a chosen moment. Tests wait for
the gate's signals and never sleep.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.rollup.worlds import delivery
from tillstream.ingest import batching
from tillstream.ingest.batching import Batcher
from tillstream.journal.contract import Delivery, Unavailable, partition_of
from tillstream.journal.encoding import decode_deliveries
from tillstream.journal.memory import MemoryJournal, MemoryStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tillstream.journal.contract import Frame

NOW = datetime(2026, 4, 1, tzinfo=UTC)
PARTITIONS = 4


class Gate:
    """An appender that lets writes through only when it is open."""

    def __init__(self) -> None:
        self.store = MemoryStore(PARTITIONS, lambda: NOW, lambda _: True)
        self.journal = MemoryJournal(self.store)
        self.open = asyncio.Event()
        self.open.set()
        self.reached = asyncio.Event()
        self.failure: Exception | None = None
        self.fails_once = False
        self.writes: list[list[Frame]] = []

    async def append(self, frames: Sequence[Frame]) -> None:
        self.writes.append(list(frames))
        self.reached.set()
        await self.open.wait()
        if self.failure is not None:
            failure = self.failure
            if self.fails_once:
                self.failure = None
            raise failure
        await self.journal.append(frames)

    def kept(self) -> list[str]:
        """Ids of all deliveries in the journal."""
        return [
            one.webhook_id
            for stored in self.store.frames.values()
            for one in decode_deliveries(stored)
        ]


def some(number: int, shops: int = 5) -> list[Delivery]:
    return [
        delivery(f"shop-{key % shops}.myshopify.com", "orders/create", {"id": key})
        for key in range(1, number + 1)
    ]


async def keep_all(batcher: Batcher, deliveries: Sequence[Delivery]) -> list[BaseException | None]:
    return await asyncio.gather(*(batcher.keep(one) for one in deliveries), return_exceptions=True)


async def test_everything_accepted_is_in_the_journal_exactly_once() -> None:
    gate, deliveries = Gate(), some(2_500)
    answers = await keep_all(Batcher(gate, PARTITIONS), deliveries)
    assert answers == [None] * 2_500
    assert Counter(gate.kept()) == Counter(one.webhook_id for one in deliveries)
    assert gate.store.status().accepted == 2_500


async def test_an_idle_system_writes_each_delivery_at_once() -> None:
    gate = Gate()
    batcher = Batcher(gate, PARTITIONS)
    for one in some(3):
        await batcher.keep(one)
        assert gate.kept()[-1] == one.webhook_id
    assert [[len(frame.deliveries) for frame in frames] for frames in gate.writes] == [[1]] * 3


async def test_what_comes_during_a_write_becomes_the_next_one() -> None:
    gate, deliveries = Gate(), some(40)
    gate.open.clear()
    batcher = Batcher(gate, PARTITIONS)
    first = asyncio.create_task(batcher.keep(deliveries[0]))
    await gate.reached.wait()
    rest = [asyncio.create_task(batcher.keep(one)) for one in deliveries[1:]]
    await asyncio.sleep(0)  # let them all queue up
    assert not first.done()
    gate.open.set()
    await asyncio.gather(first, *rest)
    assert [sum(len(frame.deliveries) for frame in frames) for frames in gate.writes] == [1, 39]


async def test_a_frame_holds_one_partition_in_order_of_arrival() -> None:
    gate, deliveries = Gate(), some(300, shops=30)
    await keep_all(Batcher(gate, PARTITIONS), deliveries)
    ids: list[object] = []
    for frames in gate.writes:
        assert len({frame.partition for frame in frames}) == len(frames)
        for frame in frames:
            ids.append(frame.id)
            assert {partition_of(one.shop, PARTITIONS) for one in frame.deliveries} == {
                frame.partition
            }
            arrived = [deliveries.index(one) for one in frame.deliveries]
            assert arrived == sorted(arrived)
    assert len(set(ids)) == len(ids)


async def test_a_write_has_a_limit() -> None:
    gate, deliveries = Gate(), some(batching.MOST * 2 + 5)
    await keep_all(Batcher(gate, PARTITIONS), deliveries)
    sizes = [sum(len(frame.deliveries) for frame in frames) for frames in gate.writes]
    assert sizes == [batching.MOST, batching.MOST, 5]


@pytest.mark.parametrize(
    ("failure", "after"),
    [(Unavailable("The disk is full.", 7.0), 7.0), (RuntimeError("a fault"), 1.0)],
)
async def test_a_failure_reaches_everybody_who_waits_and_nobody_later(
    failure: Exception, after: float
) -> None:
    gate, deliveries = Gate(), some(30)
    gate.failure = failure
    batcher = Batcher(gate, PARTITIONS)
    answers = await keep_all(batcher, deliveries)
    assert {type(answer) for answer in answers} == {Unavailable}
    assert {answer.retry_after for answer in answers if isinstance(answer, Unavailable)} == {after}
    assert gate.kept() == []
    # Each hears an error of its own: raising one exception in many tasks would mix their traces.
    assert len({id(answer) for answer in answers}) == 30
    gate.failure = None
    assert await keep_all(batcher, deliveries) == [None] * 30
    assert sorted(gate.kept()) == sorted(one.webhook_id for one in deliveries)


async def test_only_the_write_that_failed_is_refused() -> None:
    gate, deliveries = Gate(), some(10)
    gate.open.clear()
    gate.failure, gate.fails_once = Unavailable("gone"), True
    batcher = Batcher(gate, PARTITIONS)
    first = asyncio.create_task(batcher.keep(deliveries[0]))
    await gate.reached.wait()
    rest = [asyncio.create_task(batcher.keep(one)) for one in deliveries[1:]]
    await asyncio.sleep(0)
    gate.open.set()
    with pytest.raises(Unavailable):
        await first
    await asyncio.gather(*rest)
    assert sorted(gate.kept()) == sorted(one.webhook_id for one in deliveries[1:])


async def test_a_sender_that_hangs_up_takes_nobody_along() -> None:
    gate, deliveries = Gate(), some(10)
    gate.open.clear()
    batcher = Batcher(gate, PARTITIONS)
    waiting = [asyncio.create_task(batcher.keep(one)) for one in deliveries]
    await gate.reached.wait()
    for task in waiting[::2]:
        task.cancel()
    gate.open.set()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(answer) for answer in answers] == [asyncio.CancelledError, type(None)] * 5
    # Those who left may or may not be kept, but whoever was told so is.
    assert {one.webhook_id for one in deliveries[1::2]} <= set(gate.kept())
    assert len(gate.kept()) == len(set(gate.kept()))
    await batcher.keep(some(1)[0])


async def test_what_waits_is_bounded_and_the_room_comes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batching, "BACKLOG_BYTES", 1_000)
    gate, big = Gate(), delivery("a.myshopify.com", "orders/create", b"x" * 600)
    gate.open.clear()
    batcher = Batcher(gate, PARTITIONS)
    taken = [asyncio.create_task(batcher.keep(big)) for _ in range(2)]
    await gate.reached.wait()
    with pytest.raises(Unavailable, match="faster"):
        await batcher.keep(big)
    gate.open.set()
    await asyncio.gather(*taken)
    await batcher.keep(big)
    # A failed write gives its room back too.
    gate.failure = Unavailable("gone")
    for _ in range(5):
        with pytest.raises(Unavailable, match="gone"):
            await batcher.keep(big)


async def test_closing_finishes_what_is_under_way() -> None:
    gate, deliveries = Gate(), some(20)
    gate.open.clear()
    batcher = Batcher(gate, PARTITIONS)
    waiting = [asyncio.create_task(batcher.keep(one)) for one in deliveries]
    await gate.reached.wait()
    closing = asyncio.create_task(batcher.close())
    gate.open.set()
    await closing
    assert len(gate.kept()) == 20
    await asyncio.gather(*waiting)
    await batcher.close()
