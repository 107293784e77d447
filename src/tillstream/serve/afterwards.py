"""Work that an answer does not wait for.

Where an answer must not tell, by what it says or by how long it takes, whether an account exists
(asking for a password link, failing to sign in), what depends on that is done here instead.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

_log = logging.getLogger(__name__)

MOST_WAITING: Final = 200
_AT_ONCE: Final = 2
"""Of the pool's eight connections, so that a flood of failures leaves the others to the calls."""


class Afterwards:
    """The pieces of work under way in this process."""

    def __init__(self, most: int = MOST_WAITING) -> None:
        self._most = most
        self._tasks: set[asyncio.Task[None]] = set()
        self._turns = asyncio.Semaphore(_AT_ONCE)

    def start(self, work: Callable[[], Awaitable[None]]) -> bool:
        """Do ``work`` soon. False, and a line in the log, if too much waits already."""
        if len(self._tasks) >= self._most:
            _log.warning("afterwards.full", extra={"waiting": len(self._tasks)})
            return False
        task = asyncio.create_task(self._do(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def settle(self, seconds: float = 10.0) -> None:
        """Wait until all of it is done, but no longer than that."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._tasks:
                    await asyncio.gather(*self._tasks)

    async def _do(self, work: Callable[[], Awaitable[None]]) -> None:
        async with self._turns:
            try:
                await work()
            except Exception:  # noqa: BLE001 - see below
                # Nobody waits for it: the log is the only one to tell.
                _log.exception("afterwards.failed")
