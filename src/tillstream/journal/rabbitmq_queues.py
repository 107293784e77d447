"""The journal's queues in RabbitMQ: one quorum queue a partition, with one consumer at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from aio_pika.abc import AbstractChannel

_PREFIX: Final = "tillstream.journal"
ROLL_CALL: Final = "roll_call"
"""Message type of a question to the worker of a queue: how much have you got that came before this?"""

_QUEUE: Final[dict[str, Any]] = {
    "x-queue-type": "quorum",
    "x-single-active-consumer": True,
    # A quorum queue of RabbitMQ 4 drops a message after 20 deliveries unless told otherwise, and one
    # of 3 refuses -1 (no limit). Two thousand million deliveries are no limit for both.
    "x-delivery-limit": 2**31 - 1,
}
_DECLARE_SECONDS: Final = 5.0


def queue_name(partition: int) -> str:
    """The queue in which a partition travels."""
    return f"{_PREFIX}.{partition}"


async def declare(channel: AbstractChannel, partitions: int) -> None:
    """Make the queue of each partition, where it is not there yet."""
    for partition in range(partitions):
        # A queue without a leader would never answer; then dialling again may meet one that has.
        await channel.declare_queue(
            queue_name(partition), durable=True, arguments=_QUEUE, timeout=_DECLARE_SECONDS
        )
