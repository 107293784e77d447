"""Micro-batches: whatever arrives while a write is under way becomes the next write.

An idle system writes each delivery at once. A busy one writes many with one commit: where only a
few deliveries met, the next write begins no sooner than ``GAP`` after the last one began. Without
that gap a system at half its capacity would commit nearly every delivery apart, which costs more
than all the rest of its way (docs/decisions/batching.md).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from typing import TYPE_CHECKING, Final

from tillstream.journal.contract import Frame, Unavailable, partition_of, time_ordered_id

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tillstream.journal.contract import Appender, Delivery

log = logging.getLogger(__name__)

MOST: Final = 1000
"""Deliveries in one write: beyond it a longer write would only add delay."""

GAP: Final = 0.01
"""Seconds between the beginnings of two writes, where the first carried few deliveries."""

FEW = range(2, 16)
"""How many are few: a lone delivery is not kept waiting, and a flood gathers by itself."""

BACKLOG_BYTES: Final = 256 * 1024 * 1024
"""Bodies that may wait for a write; more are refused so that memory stays bounded."""


class Batcher:
    """Collects deliveries and appends them frame by frame; each caller waits for its own."""

    def __init__(
        self,
        appender: Appender,
        partitions: int,
        *,
        random: Callable[[int], bytes] = os.urandom,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        """Nothing runs before the first delivery comes."""
        self._appender = appender
        self._partitions = partitions
        self._random = random
        self._now_us = now_us
        self._waiting: list[tuple[Delivery, asyncio.Future[None]]] = []
        self._bytes = 0
        self._writing: asyncio.Task[None] | None = None

    async def keep(self, delivery: Delivery) -> None:
        """Return once the delivery is durable.

        Raises:
            Unavailable: if it could not be made durable; nothing may be acknowledged.
        """
        if self._bytes > BACKLOG_BYTES:
            reason = "Deliveries arrive faster than they can be written."
            raise Unavailable(reason)
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((delivery, written))
        self._bytes += len(delivery.body)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        await written

    async def close(self) -> None:
        """Finish what is under way."""
        if self._writing is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await self._writing

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                began = time.monotonic()
                await self._write(batch)
                if len(batch) in FEW:
                    await asyncio.sleep(max(0.0, began + GAP - time.monotonic()))
        finally:
            self._writing = None

    async def _write(self, batch: Sequence[tuple[Delivery, asyncio.Future[None]]]) -> None:
        failure: Unavailable | None = None
        try:
            await self._appender.append(self._frames([delivery for delivery, _ in batch]))
        except Unavailable as error:
            failure = error
        except Exception:  # whatever it is, these senders must be told to try again
            log.exception("append_failed")
            failure = Unavailable("The journal failed; see the log.")
        for delivery, written in batch:
            self._bytes -= len(delivery.body)
            if written.done():  # the sender went away meanwhile
                continue
            if failure is None:
                written.set_result(None)
            else:
                written.set_exception(Unavailable(str(failure), failure.retry_after))

    def _frames(self, deliveries: Sequence[Delivery]) -> list[Frame]:
        parts: dict[int, list[Delivery]] = {}
        for delivery in deliveries:
            parts.setdefault(partition_of(delivery.shop, self._partitions), []).append(delivery)
        now = self._now_us()
        return [
            Frame(time_ordered_id(now, self._random(8)), partition, part)
            for partition, part in sorted(parts.items())
        ]
