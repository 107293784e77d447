"""Publishing to the journal in RabbitMQ: frames count as appended once the broker confirms them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aio_pika
from aio_pika.abc import DeliveryMode
from aio_pika.exceptions import DeliveryError

from tillstream.journal.deadline import within_deadline
from tillstream.journal.encoding import encode_frame
from tillstream.journal.rabbitmq_line import LOST, Line
from tillstream.journal.rabbitmq_queues import declare, queue_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aio_pika.abc import AbstractChannel, AbstractConnection

    from tillstream.foundation.clock import Clock
    from tillstream.journal.backoff import Backoff
    from tillstream.journal.contract import Frame


class RabbitAppender(Line):
    """Publishes frames, persistent and mandatory, and waits until the broker confirms each."""

    def __init__(self, url: str, partitions: int, clock: Clock, backoff: Backoff) -> None:
        """Nothing is connected before the first append."""
        super().__init__(url, backoff)
        self._partitions = partitions
        self._clock = clock
        self._channel: asyncio.Future[AbstractChannel] | None = None

    async def append(self, frames: Sequence[Frame]) -> None:
        """See ``Appender``."""
        if not frames:
            return
        self.start()
        await within_deadline(self._write(frames), "RabbitMQ did not confirm the batch")

    async def _write(self, frames: Sequence[Frame]) -> None:
        messages = [(queue_name(frame.partition), await self._message(frame)) for frame in frames]
        while True:
            channel = await asyncio.shield(self._open())
            exchange = channel.default_exchange
            sent = [exchange.publish(message, queue, mandatory=True) for queue, message in messages]
            results = await asyncio.gather(*sent, return_exceptions=True)
            # Publishing again what was already stored is harmless: a frame is known by its id.
            messages = [m for m, result in zip(messages, results, strict=True) if _failed(result)]
            if not messages:
                return
            # Either the line is lost, or the queue is (returned) or refuses (negative): in each case
            # dialling again, which also declares the queues again, is what can help.
            self.lost.set()
            await asyncio.sleep(0.05)

    async def _message(self, frame: Frame) -> aio_pika.Message:
        return aio_pika.Message(
            await encode_frame(frame.deliveries),
            message_id=frame.id.hex,
            headers={"deliveries": len(frame.deliveries)},
            timestamp=self._clock(),
            delivery_mode=DeliveryMode.PERSISTENT,
        )

    def _open(self) -> asyncio.Future[AbstractChannel]:
        if self._channel is None or (self._channel.done() and self.lost.is_set()):
            self._channel = asyncio.get_running_loop().create_future()
        return self._channel

    async def serve(self, connection: AbstractConnection) -> None:
        """Offer a channel until it is lost."""
        channel = await self.channel(connection, confirms=True)
        await declare(channel, self._partitions)
        opened = self._open()
        if opened.done():
            opened = self._channel = asyncio.get_running_loop().create_future()
        opened.set_result(channel)
        await self.lost.wait()

    def down(self) -> None:
        """Let appends wait for the next channel."""
        if self._channel is not None and self._channel.done():
            self._channel = None


def _failed(result: object) -> bool:
    if isinstance(result, (*LOST, DeliveryError)):
        return True
    if isinstance(result, BaseException):
        raise result
    return False
