"""Deliver webhooks as Shopify does: signed, at least once, in no order, again until accepted.

https://shopify.dev/docs/apps/build/webhooks/verify-deliveries
https://shopify.dev/changelog/updates-to-webhook-retry-mechanism
"""

from __future__ import annotations

import asyncio
import heapq
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from tillstream.shopify.signing import sign_webhook
from tillstream.simulator.lane import Address, Caller, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tillstream.simulator.webhook import Webhook

Secrets: TypeAlias = bytes | Mapping[str, bytes]
"""The app's client secret, or one for each shop domain."""

# Eight retries in 4 s × (1 + 3 + 9 + … + 3^7) = 13,120 s, inside Shopify's four hours.
# Shopify publishes the number and the span, not the steps.
RETRY_SECONDS: Final = tuple(4.0 * 3**n for n in range(8))
# With `persist`, the wait after the eighth retry, whatever the scale.
_PERSISTENT_SECONDS: Final = 0.5
# Of what arrives again, the share that another subscription sent: other id, same event.
_SECOND_SUBSCRIPTION: Final = 0.2
_SUCCESS: Final = 2


class Arrival(NamedTuple):
    """A delivery and when it would reach the app, in seconds since 1970 of story time."""

    due: float
    webhook: Webhook


class Schedule:
    """A story's webhooks in the order in which they arrive: shuffled, late and repeated.

    ``repeat`` is the share delivered again, up to hours later: most with the same webhook id, as
    a retry whose answer was lost; some with another, as a second subscription would. ``late`` is
    the share held up for as long as ``latest``. Each webhook arrives at least once.
    """

    def __init__(
        self,
        story: Iterable[Webhook],
        seed: int | str,
        *,
        repeat: float = 0.1,
        shuffle_window: timedelta = timedelta(minutes=2),
        late: float = 0.02,
        latest: timedelta = timedelta(hours=12),
    ) -> None:
        self._story = story
        self._seed = f"{seed}:schedule"
        self._repeat = repeat
        self._window = shuffle_window.total_seconds()
        self._late = late
        self._latest = latest.total_seconds()

    def __iter__(self) -> Iterator[Arrival]:
        rng, turn = Random(self._seed), count()
        waiting: list[tuple[float, int, Webhook]] = []
        for webhook in self._story:
            # Nothing still to come can be due before it was triggered.
            triggered = webhook.triggered_at.timestamp()
            while waiting and waiting[0][0] <= triggered:
                due, _, ready = heapq.heappop(waiting)
                yield Arrival(due, ready)
            for due, copy in self._copies(rng, webhook):
                heapq.heappush(waiting, (due, next(turn), copy))
        while waiting:
            due, _, ready = heapq.heappop(waiting)
            yield Arrival(due, ready)

    def _copies(self, rng: Random, webhook: Webhook) -> Iterator[tuple[float, Webhook]]:
        due = webhook.due.timestamp() + rng.random() * self._window
        if rng.random() < self._late:
            due += rng.random() * self._latest
        yield due, webhook
        while rng.random() < self._repeat:
            due += rng.choice(RETRY_SECONDS)
            again = webhook
            if rng.random() < _SECOND_SUBSCRIPTION:
                again = webhook._replace(webhook_id=_second_id(rng))
            yield due, again


def _second_id(rng: Random) -> str:
    digits = f"{rng.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def request_for(webhook: Webhook, address: Address, secrets: Secrets) -> bytes:
    """The whole signed HTTP/1.1 request."""
    secret = secrets[webhook.shop] if isinstance(secrets, Mapping) else secrets
    name = f"X-Shopify-Name: {webhook.name}\r\n" if webhook.name else ""
    triggered = webhook.triggered_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    head = (
        f"POST {address.path} HTTP/1.1\r\n"
        f"Host: {address.authority}\r\n"
        "User-Agent: Shopify-Captain-Hook\r\n"
        "Accept: */*\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {len(webhook.body)}\r\n"
        f"X-Shopify-Topic: {webhook.topic}\r\n"
        f"X-Shopify-Hmac-Sha256: {sign_webhook(secret, webhook.body)}\r\n"
        f"X-Shopify-Shop-Domain: {webhook.shop}\r\n"
        f"X-Shopify-API-Version: {webhook.api_version}\r\n"
        f"X-Shopify-Webhook-Id: {webhook.webhook_id}\r\n"
        f"X-Shopify-Event-Id: {webhook.event_id}\r\n"
        f"X-Shopify-Triggered-At: {triggered}\r\n"
        f"{name}"
        "\r\n"
    )
    return head.encode("ascii") + webhook.body


@dataclass(frozen=True, slots=True)
class Manner:
    """How deliveries are paced.

    ``time_scale`` is story seconds for one real second, counted from ``origin`` (story time in
    seconds since 1970; what was due before it goes out at once); None sends as fast as
    accepted. ``retry_scale`` shortens the waits between retries likewise, by default so that
    four hours pass in four seconds. ``persist`` goes on after the eighth retry until accepted.
    """

    connections: int = 32
    time_scale: float | None = None
    origin: float | None = None
    retry_scale: float = 3600.0
    persist: bool = False


@dataclass(slots=True)
class DeliveryReport:
    """Counts so far. ``sent`` counts tries; ``accepted`` and ``gave_up`` deliveries.

    ``waiting`` deliveries are to be retried; ``last_due`` is the latest one's story time.
    """

    sent: int = 0
    accepted: int = 0
    refused: int = 0
    unreachable: int = 0
    retried: int = 0
    gave_up: int = 0
    waiting: int = 0
    seconds: float = 0.0
    last_due: float = 0.0


Progress: TypeAlias = "Callable[[DeliveryReport], None]"


@dataclass(slots=True)
class _Parcel:
    request: bytes
    tries: int = 0


class _Outbox:
    """What is to be sent next: retries that are due, then the next arrival that is."""

    def __init__(
        self, arrivals: Iterable[Arrival], manner: Manner, wrap: Callable[[Webhook], bytes]
    ) -> None:
        self._arrivals = iter(arrivals)
        self._manner = manner
        self._wrap = wrap
        self._next: Arrival | None = next(self._arrivals, None)
        self._retries: list[tuple[float, int, _Parcel]] = []
        self._turn = count()
        self._moved = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._origin = manner.origin
        if self._origin is None and self._next is not None:
            self._origin = self._next.due
        self.in_hand = 0
        self.last_due = 0.0

    @property
    def waiting(self) -> int:
        """Parcels to be tried again."""
        return len(self._retries)

    async def take(self) -> _Parcel | None:
        """The next parcel once it is time for it; None when everything is settled."""
        while True:
            now = self._loop.time()
            ready = self._ready(now)
            if ready is not None:
                self.in_hand += 1
                return ready
            wait = self._wait(now)
            if wait is None:
                self._moved.set()
                return None
            self._moved.clear()
            # A parcel put back or settled by another hand cuts the wait short.
            try:
                async with asyncio.timeout(None if wait == math.inf else wait):
                    await self._moved.wait()
            except TimeoutError:
                continue

    def settle(self) -> None:
        """A parcel in hand was accepted or given up."""
        self.in_hand -= 1
        if self.in_hand == 0 or self._retries:
            self._moved.set()

    def put_back(self, parcel: _Parcel, wait: float) -> None:
        """Try the parcel again in ``wait`` seconds."""
        self.in_hand -= 1
        heapq.heappush(self._retries, (self._loop.time() + wait, next(self._turn), parcel))
        self._moved.set()

    def _ready(self, now: float) -> _Parcel | None:
        if self._retries and self._retries[0][0] <= now:
            return heapq.heappop(self._retries)[2]
        arrival = self._next
        # While nothing gets through, no more is fetched than a sender would hold in memory.
        if arrival is None or len(self._retries) > self._manner.connections * 8:
            return None
        if self._send_at(arrival) > now:
            return None
        self._next = next(self._arrivals, None)
        self.last_due = arrival.due
        return _Parcel(self._wrap(arrival.webhook))

    def _wait(self, now: float) -> float | None:
        """Seconds until something can be ready; None when nothing ever will be."""
        if self._next is None and not self._retries and self.in_hand == 0:
            return None
        times = [self._retries[0][0]] if self._retries else []
        if self._next is not None and len(self._retries) <= self._manner.connections * 8:
            times.append(self._send_at(self._next))
        return max(0.0, min(times) - now) if times else math.inf

    def _send_at(self, arrival: Arrival) -> float:
        scale = self._manner.time_scale
        if scale is None or self._origin is None:
            return 0.0
        return self._began + (arrival.due - self._origin) / scale


async def deliver(
    arrivals: Iterable[Arrival],
    address: Address,
    secrets: Secrets,
    manner: Manner | None = None,
    progress: Progress | None = None,
) -> DeliveryReport:
    """Deliver everything, and report.

    ``progress`` is called with the running report every 250 tries, once a second while there are
    any, and at the end. A server that is killed and comes back loses nothing as long as its
    absence is shorter than the retries' span, or ``persist`` is set. Cancelling stops at once.
    """
    manner = manner or Manner()
    report = DeliveryReport()
    loop = asyncio.get_running_loop()
    began = loop.time()
    outbox = _Outbox(arrivals, manner, lambda webhook: request_for(webhook, address, secrets))
    callers = [Caller(address) for _ in range(manner.connections)]

    def note(*, last: bool = False) -> None:
        passed = loop.time() - began
        if not last and report.sent % 250 and passed - report.seconds < 1:
            return
        report.seconds, report.last_due = passed, outbox.last_due
        report.waiting = outbox.waiting
        if progress is not None:
            progress(report)

    try:
        async with asyncio.TaskGroup() as group:
            for caller in callers:
                group.create_task(_carry(caller, outbox, report, manner, note))
    finally:
        for caller in callers:
            caller.close()
        note(last=True)
    return report


async def _carry(
    caller: Caller,
    outbox: _Outbox,
    report: DeliveryReport,
    manner: Manner,
    note: Callable[[], None],
) -> None:
    while (parcel := await outbox.take()) is not None:
        report.sent += 1
        if await _accepted(caller, parcel, report):
            report.accepted += 1
            outbox.settle()
        else:
            wait = _next_wait(parcel, manner)
            if wait is None:
                report.gave_up += 1
                outbox.settle()
            else:
                report.retried += 1
                outbox.put_back(parcel, wait)
        note()


async def _accepted(caller: Caller, parcel: _Parcel, report: DeliveryReport) -> bool:
    """Any 2xx is a success; anything else, redirects among them, is none."""
    try:
        status = await caller.post(parcel.request)
    except Unreachable:
        report.unreachable += 1
        return False
    if status // 100 == _SUCCESS:
        return True
    report.refused += 1
    return False


def _next_wait(parcel: _Parcel, manner: Manner) -> float | None:
    parcel.tries += 1
    if parcel.tries <= len(RETRY_SECONDS):
        return RETRY_SECONDS[parcel.tries - 1] / manner.retry_scale
    return _PERSISTENT_SECONDS if manner.persist else None
