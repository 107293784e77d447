"""Deadlines pass for every store, whatever is wrong with another.

The worker is the real one, and so is the database. What is wrong is a copy that nothing can read, as a
fault of an earlier version, or somebody's hand in the database, would leave it.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from tests.rollup.test_checkouts import T0, checkout, moment
from tests.rollup.worlds import NOW, World, delivery, world
from tillstream.command.worker import Worker
from tillstream.journal.memory import MemoryJournal, MemoryStore

if TYPE_CHECKING:
    import pytest

    from tests.conftest import Database
    from tillstream.mirror.merge import Store

_STAGE = "SELECT stage FROM rollup.checkouts WHERE store_id = %s"
_BREAK = "UPDATE mirror.checkouts SET state = '\"of no kind that is known\"' WHERE store_id = %s"


async def left(here: World) -> Store:
    """A store with a checkout whose deadline is over by the worker's clock and has not passed yet."""
    domain, store = here.store(here.tenant())
    await here.apply([delivery(domain, "checkouts/create", checkout("left", moment(0)))], T0)
    assert here.ask(_STAGE, store.store_id) == [("open",)]
    return store


async def test_a_store_that_cannot_be_followed_holds_up_nobody_elses_deadlines(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    async with world(database) as here:
        broken, sound = await left(here), await left(here)
        here.ask(_BREAK, broken.store_id)
        journal = MemoryJournal(MemoryStore(4, lambda: NOW, lambda _: True))
        stop = asyncio.Event()
        with caplog.at_level(logging.WARNING, "tillstream.command.worker"):
            working = asyncio.create_task(
                Worker(here.database.worker_url, journal, lambda: NOW).run(stop)
            )
            async with asyncio.timeout(30):
                # Nobody is told when a deadline has passed.
                while here.ask(_STAGE, sound.store_id) != [("abandoned",)]:
                    assert not working.done(), working.exception()
                    await asyncio.sleep(0.02)
                stop.set()
                await working
        await journal.close()
        assert here.ask(_STAGE, broken.store_id) == [("open",)]
        told = [record.__dict__ for record in caplog.records]
        (aside,) = [one for one in told if one["msg"] == "store_set_aside"]
        assert aside["store_id"] == broken.store_id
        assert "ValidationError" in aside["error"]
