"""Giving up an append in time, so that who sends can be told to send again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from tillstream.journal.contract import Unavailable

if TYPE_CHECKING:
    from collections.abc import Coroutine

DEADLINE: Final = 1.8
"""Seconds after which an append gives up; the contract says two."""


async def within_deadline(writing: Coroutine[Any, Any, None], otherwise: str) -> None:
    """Let ``writing`` finish, or give up on it in time.

    Not ``wait_for``: it waits until a cancelled task has ended, and a statement that is cancelled
    waits for the server, which may be what hangs.

    Raises:
        Unavailable: it did not finish; it goes on, or not, unheard.
    """
    task = asyncio.ensure_future(writing)
    try:
        done, _ = await asyncio.wait({task}, timeout=DEADLINE)
    except asyncio.CancelledError:
        drop(task)
        raise
    if not done:
        drop(task)
        message = f"{otherwise} within {DEADLINE} seconds"
        raise Unavailable(message)
    task.result()


def drop(task: asyncio.Future[None]) -> None:
    """Cancel a task whose result nobody waits for."""
    task.cancel()
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
