"""Where everything is that was appended to the journal in RabbitMQ, counted in deliveries."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

import aio_pika
import msgspec

from tillstream.journal import operations
from tillstream.journal.rabbitmq_line import CONNECT_SECONDS
from tillstream.journal.rabbitmq_queues import ROLL_CALL, declare, queue_name

if TYPE_CHECKING:
    from aio_pika.abc import AbstractIncomingMessage

    from tillstream.foundation.clock import Clock
    from tillstream.foundation.database import Connection
    from tillstream.journal.contract import Status

_ROLL_CALL_SECONDS: Final = 2.0


async def broker_status(
    amqp_url: str, connection: Connection, partitions: int, clock: Clock
) -> Status:
    """Where everything is, the queues included.

    The broker tells how many frames are ready, but not how many a worker holds; so each queue's
    worker is asked, by a question that travels behind everything appended so far. Where no worker
    answers in two seconds there is a backlog (or a worker that hangs): ``exact`` is false, and
    ``waiting`` counts frames there, at least 1.

    The database is read after the queues, so a delivery that is settled in between counts twice,
    never not at all: ``waiting == 0`` is exact.
    """
    waiting, exact = await _queued(amqp_url, partitions)
    known = await operations.status(connection, clock)
    return msgspec.structs.replace(
        known,
        accepted=known.accepted + waiting,
        waiting=known.waiting + waiting,
        oldest_waiting_seconds=None if waiting else known.oldest_waiting_seconds,
        exact=exact,
    )


async def _queued(amqp_url: str, partitions: int) -> tuple[int, bool]:
    connection = await aio_pika.connect(amqp_url, timeout=CONNECT_SECONDS)
    async with connection:
        channel = await connection.channel(publisher_confirms=True)
        await declare(channel, partitions)
        replies = await channel.declare_queue(exclusive=True)
        answers: dict[str, int] = {}
        complete = asyncio.Event()
        asked: set[str] = set()

        async def hear(message: AbstractIncomingMessage) -> None:
            answers[message.correlation_id or ""] = int(message.body)
            if asked <= answers.keys():
                complete.set()

        await replies.consume(hear, no_ack=True)
        ready: dict[str, int] = {}
        for partition in range(partitions):
            name = queue_name(partition)
            state = (await channel.declare_queue(name, passive=True)).declaration_result
            ready[name] = state.message_count or 0
            if state.consumer_count:
                asked.add(name)
        for name in asked:
            question = aio_pika.Message(
                b"",
                type=ROLL_CALL,
                reply_to=replies.name,
                correlation_id=name,
                expiration=_ROLL_CALL_SECONDS,
            )
            await channel.default_exchange.publish(question, name)
        if asked:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_ROLL_CALL_SECONDS):
                    await complete.wait()
        silent = asked - answers.keys()
        alone = ready.keys() - asked
        waiting = sum(answers.values()) + sum(max(1, ready[name]) for name in silent)
        waiting += sum(ready[name] for name in alone)
        return waiting, not silent and not any(ready[name] for name in alone)
