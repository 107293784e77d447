"""A connection to RabbitMQ that is dialled again, as a whole, whenever it is lost."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import aio_pika
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from aio_pika.abc import AbstractChannel, AbstractConnection

    from tillstream.journal.backoff import Backoff

log = logging.getLogger(__name__)

CONNECT_SECONDS: Final = 5.0
_CANCEL_SECONDS: Final = 0.5

LOST: Final = (AMQPError, ChannelInvalidStateError, OSError, RuntimeError, TimeoutError)
"""What aio-pika raises when the broker is not, or no longer, there."""


class Line:
    """A connection to the broker that is dialled again, with growing delays, whenever it is lost."""

    def __init__(self, url: str, backoff: Backoff) -> None:
        self._url = url
        self._backoff = backoff
        self._task: asyncio.Task[None] | None = None
        self.lost = asyncio.Event()

    def start(self) -> None:
        """Dial from now on; again is harmless."""
        if self._task is None:
            self._task = asyncio.create_task(self._keep())

    async def close(self) -> None:
        """Hang up, and dial no more."""
        task, self._task = self._task, None
        # Once is not enough: where the awaited thing is done in the same moment, Python 3.11's
        # `wait_for`, which the client uses, returns its result and forgets the cancellation.
        while task is not None and not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=_CANCEL_SECONDS)
        if task is not None and not task.cancelled() and (error := task.exception()) is not None:
            log.warning("journal.broker_lost", extra={"error": repr(error)})

    async def _keep(self) -> None:
        refused = 0
        while True:
            try:
                async with self._dialled() as connection:
                    refused = 0
                    await self.serve(connection)
            except LOST as error:
                log.warning("journal.broker_lost", extra={"error": repr(error)})
            finally:
                self.down()
            await asyncio.sleep(self._backoff.delay(refused))
            refused += 1

    @asynccontextmanager
    async def _dialled(self) -> AsyncGenerator[AbstractConnection]:
        self.lost = asyncio.Event()
        lost = self.lost
        connection = await aio_pika.connect(self._url, timeout=CONNECT_SECONDS)
        connection.close_callbacks.add(_setter(lost))
        try:
            yield connection
        finally:
            with contextlib.suppress(*LOST):
                async with asyncio.timeout(CONNECT_SECONDS):
                    await connection.close()

    async def channel(self, connection: AbstractConnection, *, confirms: bool) -> AbstractChannel:
        """A channel whose end is the end of the line: better to dial again than to limp."""
        channel = await connection.channel(publisher_confirms=confirms, on_return_raises=confirms)
        channel.close_callbacks.add(_setter(self.lost))
        return channel

    async def serve(self, connection: AbstractConnection) -> None:
        """Use the connection until it is lost."""
        raise NotImplementedError

    def down(self) -> None:
        """The connection is gone."""
        raise NotImplementedError


def _setter(event: asyncio.Event) -> Callable[[object, BaseException | None], None]:
    """A callback that sets ``event``, whatever it is told."""

    def callback(_sender: object, _reason: BaseException | None = None) -> None:
        event.set()

    return callback
