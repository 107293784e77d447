"""Promise 2: the same deliveries in any order and with any repeats give tables identical to the byte.

The story of five shops is told five times, each time in another order, with other repeats and other
latecomers: once to a whole installation (see installation.py for the rules), and four times to one,
two, three and four workers in this process (see crew.py). What is compared is the state hash that
``tillstream verify`` prints, which covers every row of mirror, ledger and sums.
"""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tests.rollup.worlds import World, world
from tests.story.crew import delivered, work
from tests.story.installation import Installation
from tests.story.tale import SHOPS, connect_shops, shuffled, tale, tell

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.conftest import Database
    from tillstream.simulator.webhook import Webhook

DAYS = 7
"""Enough for refunds to come, and for a day of 25 hours in New York; test_books.py tells more."""

NOW = datetime.now(UTC)
CREWS = {"two": 1, "three": 2, "four": 3, "five": 4}
"""Orders of telling by their seed, and the workers that apply them."""


async def test_five_shuffles_end_in_one_state(tmp_path: Path, database: Database) -> None:
    """Five orders of telling, one state."""
    story = tuple(tale(DAYS))
    hashes = {"one": await _by_the_whole_program(tmp_path, story)}
    async with world(database) as here:
        for seed, workers in CREWS.items():
            hashes[seed] = await _by_workers(here, story, seed, workers)
    for domain in hashes["one"]:
        states = {seed: state[domain] for seed, state in hashes.items()}
        assert len(set(states.values())) == 1, (domain, states)


async def _by_the_whole_program(folder: Path, story: Sequence[Webhook]) -> dict[str, str]:
    installation = Installation(folder)
    installation.start()
    try:
        connect_shops(installation.account("owner@shuffles.example"))
        report = await tell(installation, shuffled(story, "one"))
        assert report.gave_up == 0
        assert report.accepted > 11_000
        status = await asyncio.to_thread(installation.settle)
        assert status["parked"] == status["unrouted"] == 0, status
        verified = await asyncio.to_thread(installation.cli, "verify")
    finally:
        installation.stop()
    assert verified["ok"], verified
    assert all(store["orders"] > 100 for store in verified["stores"])
    return {store["domain"]: store["state_hash"] for store in verified["stores"]}


async def _by_workers(
    here: World, story: Sequence[Webhook], seed: str, workers: int
) -> dict[str, str]:
    """The state of each shop after a crew has applied the story, told to newly connected stores."""
    stores = {shop.domain: here.store(here.tenant(), currency=None) for shop in SHOPS}
    arrivals = (arrival.webhook for arrival in shuffled(story, seed))
    deliveries = [delivered(webhook, stores[webhook.shop][0]) for webhook in arrivals]
    left = await work(here, deliveries, NOW, workers=workers, dice=random.Random(seed))
    assert not left.held
    return {domain: await here.state(store) for domain, (_, store) in stores.items()}
