"""What every journal promises, whatever it is made of.

A journal takes frames (many deliveries, written at once), keeps them durably and hands them
to workers at least once. One contract serves a table that is polled and a broker that pushes:
``claim`` is told how long it may wait, ``settle`` takes part in the worker's transaction, and
``settled`` comes after the commit, which is where a broker is acknowledged.

The life of a delivery::

    append ──▶ waiting ──claim──▶ settle + commit ──▶ applied
                  ▲                     ├──▶ parked    (hopeless as it is; released by a person)
                  └── retry, abandon,   └──▶ unrouted  (its shop is not connected yet)
                      a dead worker
"""

from __future__ import annotations

import zlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tillstream.foundation.database import Connection

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


SIGNED_FOR = "tillstream-signed-for"
"""A header that the door adds where a store's own secret signed, and not the app's: the store's id.

Whoever connects a shop chooses that secret. So it speaks for that store of that account alone, never
for another account that has, or comes to have, the same shop. Shopify's headers have other names.
"""


class Delivery(msgspec.Struct, array_like=True, frozen=True):
    """One webhook as it was received. Stored by position: fields may only be added at the end."""

    received_at: int
    """Microseconds since 1970, UTC."""
    app: str
    """The Shopify app addressed; empty for the default app."""
    shop: str
    """The ``*.myshopify.com`` domain of the header, lower-cased."""
    topic: str
    webhook_id: str
    event_id: str
    triggered_at: str
    api_version: str
    signature: str
    headers: dict[str, str]
    """The other Shopify headers, names lower-cased; and ``SIGNED_FOR``."""
    body: bytes
    """The untouched bytes that were signed."""

    def speaks_for(self, store_id: int) -> bool:
        """Whether the secret that signed it may tell of that store of its shop."""
        return self.headers.get(SIGNED_FOR, str(store_id)) == str(store_id)


class Frame(msgspec.Struct, frozen=True):
    """Deliveries of one partition that are written together. ``id`` grows with time."""

    id: UUID
    partition: int
    deliveries: list[Delivery]


class Claim(msgspec.Struct, frozen=True, eq=False):
    """A frame, or a delivery that was held, which one worker has for itself.

    Compared by identity: the same frame claimed twice is two claims.
    """

    partition: int
    attempt: int
    """How often it was retried; 0 the first time."""
    deliveries: list[Delivery]
    """What to apply; empty when the stored bytes could not be read (``settle`` parks those)."""
    frame_id: UUID | None
    """None for a delivery that comes back from being held."""
    held_id: int | None
    """The id under which it was held; None for a frame."""
    size: int
    """Deliveries as they were counted when accepted (a held one counts its repeats too)."""
    body: bytes
    """The deliveries as stored."""
    fault: str = ""
    """Why the stored bytes could not be read; empty when they could."""


class Parked(msgspec.Struct, frozen=True):
    """A delivery that cannot be applied as it is, and why."""

    delivery: Delivery
    reason: str
    """A short static code, for example ``not_json``."""
    detail: str
    """A sentence that a person can act on. Never the body, never personal data."""
    tenant_id: int | None = None
    store_id: int | None = None


class Status(msgspec.Struct, frozen=True):
    """Where everything accepted is, counted in deliveries, at one moment.

    ``accepted == applied + parked + unrouted + waiting`` always. ``waiting == 0`` says that all
    that was accepted for connected stores is applied or parked.
    """

    accepted: int
    applied: int
    parked: int
    unrouted: int
    waiting: int
    oldest_waiting_seconds: float | None
    """None where nothing waits, or where a broker does not tell."""
    exact: bool = True
    """False where a broker holds a backlog that it counts in frames: ``waiting`` is then too low,
    but never 0."""


class Unavailable(Exception):
    """The append could not be made durable; nothing may be acknowledged. Try again later."""

    def __init__(self, reason: str, retry_after: float = 1.0) -> None:
        """Say why, and after how many seconds another try is worth it."""
        super().__init__(reason)
        self.retry_after = retry_after


class ClaimLost(Exception):
    """Another worker settled this claim first. Roll back and ``retry``: it will not come again."""


class Appender(Protocol):
    """The side that ingest uses."""

    async def append(self, frames: Sequence[Frame]) -> None:
        """Return once all frames are durable. Appending the same frame twice is harmless.

        Raises:
            Unavailable: within two seconds, if they could not be made durable.
        """
        ...


class Claimer(Protocol):
    """The side that a worker uses. Partitions of unfinished claims are closed to everyone else."""

    async def claim(self, max_deliveries: int, wait: float) -> list[Claim]:
        """Whole frames with about ``max_deliveries`` deliveries, at least one frame if any is due.

        Waits up to ``wait`` seconds for something to come; empty if nothing did.
        """
        ...

    async def settle(
        self,
        connection: Connection,
        claims: Sequence[Claim],
        *,
        parked: Sequence[Parked],
        unrouted: Sequence[Delivery],
    ) -> None:
        """Write down, inside the worker's transaction, that the claims are done.

        Every delivery of the claims that is neither in ``parked`` nor in ``unrouted`` counts as applied.

        Raises:
            ClaimLost: another worker was first; roll back.
        """
        ...

    async def settled(self, claims: Sequence[Claim]) -> None:
        """The transaction is committed: free the partitions (and acknowledge to a broker)."""
        ...

    async def retry(self, claims: Sequence[Claim], reason: str) -> None:
        """Nothing was settled: let the claims come again after a growing delay."""
        ...

    async def abandon(self, claims: Sequence[Claim]) -> None:
        """Give the claims back at once and uncounted, for a worker that stops."""
        ...


class Journal(Appender, Claimer, Protocol):
    """Both sides in one object."""


def partition_of(shop_domain: str, partitions: int) -> int:
    """The partition, from 0 to ``partitions - 1``, in which a store's deliveries travel.

    Part of the stored format: changing it would let two workers meet on one store.
    """
    return zlib.crc32(shop_domain.encode()) % partitions


def time_ordered_id(at_us: int, randomness: bytes) -> UUID:
    """A UUID of version 7 for a moment in microseconds since 1970 and eight random bytes.

    The twelve bits after the milliseconds hold the fraction of the millisecond (RFC 9562,
    section 6.2, method 3), so ids of one appender sort by time to the microsecond.
    """
    milliseconds, rest = divmod(at_us, 1000)
    fraction = rest * 4096 // 1000
    tail = int.from_bytes(randomness[:8], "big") & ((1 << 62) - 1)
    return UUID(int=milliseconds << 80 | 7 << 76 | fraction << 64 | 2 << 62 | tail)


def first_id_at(moment: datetime) -> UUID:
    """The smallest id of that moment: ids before it are smaller, ids from then on are not."""
    # Not `timestamp()`: a float may round to the millisecond before.
    return UUID(int=(moment - _EPOCH) // timedelta(milliseconds=1) << 80)
