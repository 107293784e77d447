"""The process that sends: it prepares signed requests and fires them over kept connections.

A process of its own, so that what sending costs can be told from what serving costs. Talked to
through ``bench.process``.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeAlias, overload

import msgspec

from tillstream.command.bench.process import answer, lines_asked
from tillstream.command.bench.story import told
from tillstream.simulator.delivery import request_for
from tillstream.simulator.lane import Address, Lane
from tillstream.simulator.load import fire

if TYPE_CHECKING:
    from tillstream.simulator.webhook import Webhook

CONNECTIONS: Final = 64


class Begin(msgspec.Struct, frozen=True, tag="begin"):
    """First: which story, and what signs it."""

    seed: int
    shops: int
    now: float
    """Seconds since 1970."""
    secret: str


class Load(msgspec.Struct, frozen=True, tag="load"):
    """Prepare the next ``count`` deliveries of the story; answers how many there are."""

    count: int


class Fire(msgspec.Struct, frozen=True, tag="fire"):
    """Send what is loaded, each once or for ``seconds``; answers a load report as JSON.

    ``rate`` is in requests per second, None as fast as answered.
    """

    port: int
    connections: int = CONNECTIONS
    rate: float | None = None
    seconds: float | None = None


class Pace(msgspec.Struct, frozen=True, tag="pace"):
    """Send what is loaded at a steady rate; answers a list of ``Shot``."""

    port: int
    rate: float
    connections: int = CONNECTIONS


Order: TypeAlias = Begin | Load | Fire | Pace


class Shot(msgspec.Struct, frozen=True, array_like=True):
    """One request: when it was due and when it was answered, on the system's monotonic clock."""

    webhook_id: str
    due: float
    answered: float
    status: int


class Cartridge(msgspec.Struct, frozen=True):
    """A request ready to be sent, and whose it is."""

    webhook_id: str
    request: bytes


class Around(Sequence[bytes]):
    """Requests again and again until ``seconds`` after the first was asked for."""

    def __init__(self, requests: Sequence[bytes], seconds: float) -> None:
        self._requests = requests
        self._seconds = seconds

    def __len__(self) -> int:
        return len(self._requests)

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | Sequence[bytes]:
        """One of the requests, or some."""
        return self._requests[index]

    def __iter__(self) -> Iterator[bytes]:
        clock = time.perf_counter
        until = clock() + self._seconds
        while self._requests:
            for request in self._requests:
                if clock() >= until:
                    return
                yield request


class Gun:
    """What is loaded, and how each order is carried out."""

    def __init__(self) -> None:
        self._story: Iterator[Webhook] = iter(())
        self._secret = b""
        self._loaded: list[Cartridge] = []

    async def obey(self, order: Order) -> bytes:
        """Carry out one order and return the answer as JSON."""
        match order:
            case Begin():
                self._story = told(order.seed, order.shops, datetime.fromtimestamp(order.now, UTC))
                self._secret = order.secret.encode()
                return b"{}"
            case Load():
                self._loaded = self._prepare(order.count)
                return msgspec.json.encode(len(self._loaded))
            case Fire():
                return msgspec.json.encode(await self._fire(order))
            case Pace():
                return msgspec.json.encode(await pace(order, self._loaded))

    def _prepare(self, count: int) -> list[Cartridge]:
        address = Address("127.0.0.1", 80, "/api/webhook")
        return [
            Cartridge(webhook.webhook_id, request_for(webhook, address, self._secret))
            for webhook in islice(self._story, count)
        ]

    async def _fire(self, order: Fire) -> dict[str, object]:
        requests: Sequence[bytes] = [one.request for one in self._loaded]
        if order.seconds is not None:
            requests = Around(requests, order.seconds)
        report = await fire("127.0.0.1", order.port, requests, order.connections, order.rate)
        return report.as_json()


class _Pacer:
    """Requests that leave when they are due, on the first connection that is free."""

    def __init__(self, loaded: Sequence[Cartridge]) -> None:
        self.shots: list[Shot] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.idle: deque[Lane] = deque()
        self._expected = len(loaded)
        self._waiting: deque[tuple[float, Cartridge]] = deque()
        self._flying: dict[Lane, tuple[float, str]] = {}

    def shoot(self, due: float, cartridge: Cartridge) -> None:
        """Send it, or as soon as a connection is free; its time runs from ``due`` either way."""
        self._waiting.append((due, cartridge))
        self._next()

    def replied(self, lane: Lane, status: int) -> None:
        """Note the answer."""
        due, webhook_id = self._flying.pop(lane)
        self.shots.append(Shot(webhook_id, due, time.monotonic(), status))
        self.idle.append(lane)
        if len(self.shots) == self._expected and not self.done.done():
            self.done.set_result(None)
        self._next()

    def lost(self, lane: Lane) -> None:
        """A connection ended: fatal, unless all is over."""
        if not self.done.done():
            self.done.set_exception(ConnectionError("The server closed a connection."))
        self._flying.pop(lane, None)

    def _next(self) -> None:
        while self.idle and self._waiting:
            lane = self.idle.popleft()
            due, cartridge = self._waiting.popleft()
            self._flying[lane] = (due, cartridge.webhook_id)
            lane.send(cartridge.request)


async def pace(order: Pace, loaded: Sequence[Cartridge]) -> list[Shot]:
    """Send everything loaded, evenly spaced; returns when all is answered.

    Raises:
        ConnectionError: when the server closes a connection.
    """
    loop = asyncio.get_running_loop()
    pacer = _Pacer(loaded)
    lanes: list[Lane] = []
    for _ in range(order.connections):
        _, lane = await loop.create_connection(
            lambda: Lane(pacer.replied, pacer.lost), "127.0.0.1", order.port
        )
        lanes.append(lane)
    pacer.idle.extend(lanes)
    begin = time.monotonic()
    for turn, cartridge in enumerate(loaded):
        due = begin + turn / order.rate
        if (early := due - time.monotonic()) > 0:
            await asyncio.sleep(early)
        pacer.shoot(due, cartridge)
    try:
        await pacer.done
    finally:
        for lane in lanes:
            lane.close()
    return pacer.shots


async def _serve() -> None:
    asked = lines_asked()
    gun = Gun()
    while True:
        order: Order = msgspec.json.decode(await asked.get(), type=Order)
        answer(await gun.obey(order))


if __name__ == "__main__":
    import uvloop

    uvloop.run(_serve())
