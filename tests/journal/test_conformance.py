"""What every journal does, asked of each of them.

Partitions are 0 to 7. `frame(p, n)` is a frame of n new deliveries of one shop in partition p.
The retries' delays are 10 s, 20 s, 40 s, … by the world's clock, which stands still unless moved.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.journal.worlds import DEADLINE, delivery, frame, shop_in
from tillstream.journal.contract import ClaimLost, Parked

if TYPE_CHECKING:
    from tests.journal.worlds import World


async def test_what_is_appended_is_claimed_once_and_settles(world: World) -> None:
    journal = await world.join()
    frames = [frame(0, 3), frame(1, 2), frame(0, 1)]
    await journal.append(frames)
    await world.delivered(journal, 3)
    claims = await journal.claim(100, 0)
    assert sorted(c.frame_id for c in claims if c.frame_id) == sorted(f.id for f in frames)
    assert {c.frame_id: c.deliveries for c in claims} == {f.id: f.deliveries for f in frames}
    assert (await world.status()).waiting == 6
    await world.finish(journal, claims)
    assert await journal.claim(100, 0) == []
    status = await world.status()
    assert (status.accepted, status.applied, status.waiting) == (6, 6, 0)
    assert status.exact
    assert status.oldest_waiting_seconds is None


async def test_nothing_appended_is_an_append_of_nothing(world: World) -> None:
    journal = await world.join()
    await journal.append([])
    assert await journal.claim(100, 0) == []


async def test_what_is_appended_survives_its_appender(world: World) -> None:
    appender = await world.join()
    written = frame(3, 5)
    await appender.append([written])
    assert await world.drain(await world.join()) == written.deliveries


async def test_appending_a_frame_twice_stores_it_once(world: World) -> None:
    journal = await world.join()
    written = frame(3, 5)
    await journal.append([written])
    await journal.append([written])
    assert await world.drain(journal) == written.deliveries
    assert (await world.status()).accepted == 5


async def test_a_settled_frame_that_comes_again_is_skipped(world: World) -> None:
    journal = await world.join()
    written = frame(3, 5)
    await journal.append([written])
    await world.drain(journal)
    await journal.append([written])
    assert await world.drain(journal) == []
    status = await world.status()
    assert (status.accepted, status.applied, status.waiting) == (5, 5, 0)


async def test_a_rolled_back_transaction_leaves_the_claim_to_come_again(world: World) -> None:
    journal = await world.join()
    written = frame(2, 4)
    await journal.append([written])
    claims = await world.eventually(journal)
    async with world.transaction() as connection:
        await journal.settle(connection, claims, parked=[], unrouted=[])
        if connection is not None:  # pyright: ignore[reportUnnecessaryComparison]
            raise psycopg.Rollback
    await journal.retry(claims, "the database refused")
    assert (await world.status()).waiting == 4
    world.clock.advance(10)
    assert await world.drain(journal) == written.deliveries


async def test_two_workers_never_share_a_partition(world: World) -> None:
    one, two = await world.join(), await world.join()
    await one.append([frame(p) for p in range(8)])
    first = await world.eventually(one, 4)
    await one.append([frame(p) for p in range(8)])
    second = await two.claim(100, 0.5)
    assert not {c.partition for c in first} & {c.partition for c in second}
    await world.finish(one, first)
    await world.finish(two, second)
    async with asyncio.timeout(DEADLINE):
        while (await world.status()).waiting:
            for worker in (one, two):
                await world.finish(worker, await worker.claim(100, 0.1))
    assert (await world.status()).applied == 16


async def test_several_claims_of_one_worker_are_of_different_partitions(world: World) -> None:
    journal = await world.join()
    await journal.append([frame(p) for p in (1, 1, 2)])
    first = await world.eventually(journal, 1)
    second = await world.eventually(journal, 1)
    assert {c.partition for c in first}.isdisjoint({c.partition for c in second})
    assert await journal.claim(1, 0) == []
    await world.finish(journal, first)
    await world.finish(journal, second)
    assert len(await world.drain(journal)) == 3 - len(first) - len(second)


async def test_what_a_dead_worker_held_comes_back(world: World) -> None:
    dying, heir = await world.join(), await world.join()
    written = frame(5, 3)
    await dying.append([written])
    assert await world.eventually(dying)
    await world.kill(dying)
    claims = await world.eventually(heir)
    assert [c.frame_id for c in claims] == [written.id]
    await world.finish(heir, claims)
    assert (await world.status()).waiting == 0


async def test_retries_come_later_and_later(world: World) -> None:
    journal = await world.join()
    await journal.append([frame(4)])
    for attempt, delay in enumerate([10, 20, 40, 80, 100, 100]):
        claims = await world.eventually(journal)
        assert [c.attempt for c in claims] == [attempt]
        await journal.retry(claims, "no luck")
        world.clock.advance(delay - 0.5)
        assert await journal.claim(100, 0) == []
        world.clock.advance(0.5)


async def test_a_retry_does_not_hold_up_other_frames(world: World) -> None:
    journal = await world.join()
    failing, fine = frame(4), frame(4)
    await journal.append([failing])
    await journal.retry(await world.eventually(journal), "no luck")
    await journal.append([fine])
    assert [c.frame_id for c in await world.eventually(journal)] == [fine.id]


async def test_an_abandoned_claim_comes_at_once_and_uncounted(world: World) -> None:
    leaving, staying = await world.join(), await world.join()
    written = frame(4)
    await leaving.append([written])
    await leaving.abandon(await world.eventually(leaving))
    claims = await world.eventually(leaving)
    assert [(c.frame_id, c.attempt) for c in claims] == [(written.id, 0)]
    await world.kill(leaving)
    assert [c.attempt for c in await world.eventually(staying)] == [0]


async def test_a_parked_delivery_waits_for_its_release(world: World) -> None:
    journal = await world.join()
    written = frame(1, 3)
    await journal.append([written])
    hopeless = Parked(written.deliveries[1], "not_json", "Line 1 is no JSON.", 7, 8)
    await world.finish(journal, await world.eventually(journal), parked=[hopeless])
    status = await world.status()
    assert (status.accepted, status.applied, status.parked, status.waiting) == (3, 2, 1, 0)
    [row] = await world.held("parked")
    assert (row.reason, row.detail, row.tenant_id, row.store_id) == (
        "not_json",
        "Line 1 is no JSON.",
        7,
        8,
    )
    assert row.shop == written.deliveries[1].shop
    assert await journal.claim(100, 0) == []

    assert await world.release([row.id]) == 1
    assert (await world.status()).waiting == 1
    claims = await world.eventually(journal)
    assert [c.deliveries for c in claims] == [[written.deliveries[1]]]
    await world.finish(journal, claims)
    assert await world.held("parked") == []
    status = await world.status()
    assert (status.accepted, status.applied, status.parked, status.waiting) == (3, 3, 0, 0)


async def test_a_released_delivery_that_is_still_hopeless_parks_again(world: World) -> None:
    journal = await world.join()
    written = frame(1)
    hopeless = Parked(written.deliveries[0], "not_json", "Line 1 is no JSON.")
    await journal.append([written])
    await world.finish(journal, await world.eventually(journal), parked=[hopeless])
    assert await world.release(None) == 1
    await world.finish(journal, await world.eventually(journal), parked=[hopeless])
    assert await journal.claim(100, 0) == []
    assert len(await world.held("parked")) == 1
    status = await world.status()
    assert (status.accepted, status.parked, status.waiting) == (1, 1, 0)


async def test_a_retried_release_is_delayed_too(world: World) -> None:
    journal = await world.join()
    written = frame(1)
    await journal.append([written])
    hopeless = Parked(written.deliveries[0], "not_json", "Line 1 is no JSON.")
    await world.finish(journal, await world.eventually(journal), parked=[hopeless])
    await world.release(None)
    await journal.retry(await world.eventually(journal), "no luck")
    assert await journal.claim(100, 0) == []
    world.clock.advance(10)
    assert [c.attempt for c in await world.eventually(journal)] == [1]


async def test_repeats_of_a_held_delivery_do_not_pile_up_and_are_counted(world: World) -> None:
    journal = await world.join()
    shop = shop_in(6)
    for _ in range(3):
        repeat = delivery(shop, b"<html>", "one")
        await journal.append([frame(6, deliveries=[repeat, repeat])])
        parked = [Parked(repeat, "not_json", "No JSON.")] * 2
        await world.finish(journal, await world.eventually(journal), parked=parked)
    assert [row.deliveries for row in await world.held("parked")] == [6]
    status = await world.status()
    assert (status.accepted, status.parked) == (6, 6)
    await world.release(None)
    await world.finish(journal, await world.eventually(journal))
    status = await world.status()
    assert (status.accepted, status.applied, status.parked) == (6, 6, 0)


async def test_deliveries_of_an_unknown_shop_come_once_it_is_connected(world: World) -> None:
    journal = await world.join()
    stranger, known = delivery(shop_in(2, 1)), delivery(shop_in(2, 2))
    await journal.append([frame(2, deliveries=[stranger, known])])
    await world.finish(journal, await world.eventually(journal), unrouted=[stranger])
    status = await world.status()
    assert (status.accepted, status.applied, status.unrouted, status.waiting) == (2, 1, 1, 0)
    assert await journal.claim(100, 0) == []

    waiting = asyncio.create_task(journal.claim(100, DEADLINE))
    await world.connect_shop(stranger.shop)
    claims = await waiting
    assert [c.deliveries for c in claims] == [[stranger]]
    assert (await world.status()).waiting == 1
    await world.finish(journal, claims)
    assert await world.held("unrouted") == []
    status = await world.status()
    assert (status.accepted, status.applied, status.unrouted, status.waiting) == (2, 2, 0, 0)


async def test_a_frame_that_cannot_be_read_parks_alone(world: World) -> None:
    journal = await world.join()
    broken, fine = frame(3, 4), frame(3, 2)
    await world.append_raw(broken, b"\x28\xb5\x2f\xfd no frame")
    await journal.append([fine])
    assert await world.drain(journal) == fine.deliveries
    [row] = await world.held("parked")
    assert row.reason == "undecodable_frame"
    assert row.deliveries == 4
    status = await world.status()
    assert (status.accepted, status.applied, status.parked, status.waiting) == (6, 2, 4, 0)
    assert await world.release(None) == 1
    assert await world.drain(journal) == []
    assert [row.deliveries for row in await world.held("parked")] == [4]


async def test_waiting_ends_with_the_first_append(world: World) -> None:
    journal, appender = await world.join(), await world.join()
    assert await journal.claim(100, 0) == []
    waiting = asyncio.create_task(journal.claim(100, DEADLINE))
    written = frame(7)
    await appender.append([written])
    async with asyncio.timeout(DEADLINE / 2):
        assert [c.frame_id for c in await waiting] == [written.id]


async def test_a_busy_partition_leaves_room_for_the_others(world: World) -> None:
    journal = await world.join()
    await journal.append([frame(0, 10) for _ in range(50)])
    await journal.append([frame(1, 10), frame(2, 10)])
    await world.delivered(journal, 52)
    seen: set[int] = set()
    for _ in range(3):
        claims = await world.eventually(journal, 60)
        seen |= {c.partition for c in claims}
        assert sum(c.size for c in claims) <= 60
        await world.finish(journal, claims)
    assert seen == {0, 1, 2}


async def test_a_frame_larger_than_was_asked_for_comes_all_the_same(world: World) -> None:
    journal = await world.join()
    await journal.append([frame(0, 30)])
    assert [c.size for c in await world.eventually(journal, 10)] == [30]


async def test_settling_what_another_worker_settled_is_refused(world: World) -> None:
    slow, quick = await world.join(), await world.join()
    await slow.append([frame(0, 2)])
    claims = await world.eventually(slow)
    await world.kill(slow)
    await world.finish(quick, await world.eventually(quick))
    with pytest.raises(ClaimLost):
        async with world.transaction() as connection:
            await slow.settle(connection, claims, parked=[], unrouted=[])
    await slow.retry(claims, "lost")
    assert await quick.claim(100, 0) == []
    assert (await world.status()).applied == 2


@pytest.mark.parametrize("seed", range(3))
async def test_the_books_balance_whatever_happens(world: World, seed: int) -> None:
    """A seeded walk through everything a worker may do; each accepted delivery is always somewhere."""
    dice = random.Random(seed)
    worker, appender = await world.join(), await world.join()
    accepted = 0
    for _ in range(40):
        frames = [frame(dice.randrange(8), dice.randint(1, 4)) for _ in range(dice.randrange(3))]
        await appender.append(frames)
        accepted += sum(len(f.deliveries) for f in frames)
        claims = await worker.claim(dice.randint(1, 20), 0.05)
        deliveries = [d for c in claims for d in c.deliveries]
        turn = dice.randrange(6)
        if turn == 0:
            await worker.retry(claims, "dice")
            world.clock.advance(dice.randrange(30))
        elif turn == 1:
            await worker.abandon(claims)
        elif turn == 2:
            await world.kill(worker)
            worker = await world.join()
        else:
            parked = [Parked(d, "dice", "Fell.") for d in deliveries if dice.random() < 0.2]
            rest = [d for d in deliveries if d not in [p.delivery for p in parked]]
            unrouted = [d for d in rest if dice.random() < 0.2]
            await world.finish(worker, claims, parked, unrouted)
        if dice.random() < 0.1:
            await world.release(None)
        status = await world.status()
        assert status.accepted == status.applied + status.parked + status.unrouted + status.waiting
        assert status.accepted == accepted if status.exact else status.waiting > 0
    world.clock.advance(1000)
    async with asyncio.timeout(DEADLINE):
        while (await world.status()).waiting:
            await world.finish(worker, await worker.claim(100, 0.1))
    status = await world.status()
    assert (status.accepted, status.exact) == (accepted, True)
