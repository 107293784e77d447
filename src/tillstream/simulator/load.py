# ruff: noqa: PLR2004 - a doubling has four buckets, wherever it is counted
"""Load: signed requests prepared beforehand, fired as cheaply as can be and timed.

Run it in a process of its own: what it uses of the processor is reported, so that a bench can
tell the sender's cost from the server's.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Final

from tillstream.simulator.delivery import request_for
from tillstream.simulator.lane import Address, Lane
from tillstream.simulator.places import UNITED_STATES
from tillstream.simulator.plan import plain_shop
from tillstream.simulator.story import Story

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tillstream.simulator.plan import ShopPlan

_BEGIN: Final = datetime(2026, 6, 1, tzinfo=UTC)
# Four buckets for every doubling, from a 16th of a millisecond up: 64 reach four seconds.
# What takes longer lands in the last one, and in the maximum.
_BUCKETS: Final = 64


def load_shops(number: int) -> list[ShopPlan]:
    """``number`` everyday shops, ``load-000001.myshopify.com`` and on."""
    return [
        plain_shop(f"load-{n:06d}.myshopify.com", "USD", "America/New_York", UNITED_STATES)
        for n in range(1, number + 1)
    ]


def prepare(  # noqa: PLR0913 - what a request is made of
    count: int,
    shops: Sequence[ShopPlan],
    secret: bytes,
    seed: int,
    *,
    host: str = "127.0.0.1",
    port: int = 80,
    path: str = "/api/webhook",
) -> list[bytes]:
    """``count`` complete signed requests, each with its own webhook id, spread over ``shops``.

    They come in the story's order, so that the mix of topics is what an app subscribed to all
    of them would see.
    """
    address = Address(host, port, path)
    # A visit makes about six deliveries; the span is chosen long enough, the rest is not told.
    days = 2 + count // max(1, sum(int(shop.orders_per_day * 4) for shop in shops))
    story = Story(seed, shops, _BEGIN, _BEGIN + timedelta(days=days))
    requests = [request_for(webhook, address, secret) for webhook in islice(story, count)]
    if len(requests) < count:
        message = f"The story had only {len(requests)} of {count} deliveries to tell; add shops."
        raise ValueError(message)
    return requests


@dataclass(slots=True)
class LoadReport:
    """What came of a load. ``seconds`` from the first request to the last answer."""

    sent: int = 0
    answered: int = 0
    lost: int = 0
    statuses: Counter[int] = field(default_factory=Counter[int])
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    latencies: list[int] = field(default_factory=lambda: [0] * _BUCKETS)
    latency_ms_max: float = 0.0

    @property
    def per_second(self) -> float:
        """Answers per second."""
        return self.answered / self.seconds if self.seconds else 0.0

    def latency_ms(self, share: float) -> float:
        """The latency that ``share`` (0 to 1) of the answers did not exceed, by bucket's end."""
        wanted, seen = share * self.answered, 0
        for bucket, number in enumerate(self.latencies):
            seen += number
            if seen >= wanted and seen:
                return min(bucket_end_ms(bucket), self.latency_ms_max)
        return self.latency_ms_max

    def as_json(self) -> dict[str, object]:
        """Plain values for a bench to print or to pass between processes."""
        return {
            "sent": self.sent,
            "answered": self.answered,
            "lost": self.lost,
            "statuses": {str(status): number for status, number in sorted(self.statuses.items())},
            "seconds": round(self.seconds, 4),
            "cpu_seconds": round(self.cpu_seconds, 4),
            "per_second": round(self.per_second, 1),
            "latency_ms": {
                name: round(self.latency_ms(share), 3)
                for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999))
            },
            "latency_ms_max": round(self.latency_ms_max, 3),
        }


def bucket_of(seconds: float) -> int:
    """The bucket of a latency: quarters of a doubling, in integers for speed."""
    sixteenths = int(seconds * 16_000)
    if sixteenths < 4:
        return sixteenths
    top = sixteenths.bit_length() - 1
    return min(_BUCKETS - 1, (top - 1) * 4 + ((sixteenths >> (top - 2)) & 3))


def bucket_end_ms(bucket: int) -> float:
    """Where a bucket ends, in milliseconds."""
    if bucket < 4:
        return (bucket + 1) / 16
    top, quarter = bucket // 4 + 1, bucket % 4
    return ((5 + quarter) << (top - 2)) / 16


class _Volley:
    """The requests being fired, over some lanes."""

    def __init__(self, requests: Sequence[bytes], rate: float | None) -> None:
        self.report = LoadReport()
        self.lanes: list[Lane] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._requests = iter(requests)
        self._clock = time.perf_counter
        self._sent_at: dict[Lane, float] = {}
        self._gap = None if rate is None else 1 / rate
        self._turn = 0
        self._began = self._clock()

    def begin(self) -> None:
        """Send one request on each lane."""
        self._began = self._clock()
        for lane in tuple(self.lanes):
            self._send(lane)

    def replied(self, lane: Lane, status: int) -> None:
        """Note the answer and send the next."""
        report = self.report
        took = self._clock() - self._sent_at.pop(lane)
        report.answered += 1
        report.statuses[status] += 1
        report.latencies[bucket_of(took)] += 1
        report.latency_ms_max = max(report.latency_ms_max, took * 1000)
        self._send(lane)

    def lost(self, lane: Lane) -> None:
        """A connection ended; a request under way on it is lost, and is not sent again."""
        if self._sent_at.pop(lane, None) is not None:
            self.report.lost += 1
        self._retire(lane)

    def _send(self, lane: Lane) -> None:
        now = self._clock()
        due = now if self._gap is None else self._began + self._turn * self._gap
        self._turn += 1
        if due > now:
            asyncio.get_running_loop().call_later(due - now, self._fire, lane, due)
        else:
            self._fire(lane, due)

    def _fire(self, lane: Lane, due: float) -> None:
        """Send the next request. Its time runs from ``due``: waiting for a lane is latency too."""
        request = next(self._requests, None) if lane.open else None
        if request is None:
            self._retire(lane)
            return
        self.report.sent += 1
        self._sent_at[lane] = due
        lane.send(request)

    def _retire(self, lane: Lane) -> None:
        if lane in self.lanes:
            self.lanes.remove(lane)
            lane.close()
        if not self.lanes and not self.done.done():
            self.report.seconds = self._clock() - self._began
            self.done.set_result(None)


async def fire(
    host: str,
    port: int,
    requests: Sequence[bytes],
    connections: int,
    rate: float | None = None,
) -> LoadReport:
    """Send every request once over ``connections``; ``rate`` limits requests per second.

    Latencies run from the write to the answer; with a ``rate``, from when the request was due,
    so that a server that stalls is charged for those it kept waiting.

    Raises:
        OSError: when no connection can be made.
    """
    loop = asyncio.get_running_loop()
    volley = _Volley(requests, rate)
    for _ in range(min(connections, len(requests))):
        _, lane = await loop.create_connection(
            lambda: Lane(volley.replied, volley.lost), host, port
        )
        volley.lanes.append(lane)
    cpu = time.process_time()
    if volley.lanes:
        volley.begin()
        await volley.done
    volley.report.cpu_seconds = time.process_time() - cpu
    return volley.report
