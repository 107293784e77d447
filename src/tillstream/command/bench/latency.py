"""Latency: from the moment a webhook is due to leave until a watcher has read what came of it.

Which event tells of which webhook is known exactly: both rows bear the time of the transaction
that applied the webhook.
"""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final, LiteralString

import httpx

from tillstream.command.bench.figures import Section, figure, percentile
from tillstream.command.bench.gun import Pace, Shot
from tillstream.command.bench.stand import BenchFailed, standing
from tillstream.foundation.database import connect

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from tillstream.command.bench.stand import Bench, Gun, Stand

NAME: Final = "latency"
TITLE: Final = "Latency: from a webhook to the live event at a watcher"

_PATIENCE_SECONDS: Final = 15.0

# Several webhooks are told of by one event; one that changed nothing is told of by none.
_TOLD: LiteralString = """
SELECT d.webhook_id, l.tenant_id, l.id
FROM mirror.deliveries AS d
JOIN rollup.live AS l ON l.tenant_id = d.tenant_id AND l.store_id = d.store_id AND l.at = d.applied_at
WHERE d.webhook_id = ANY (%s)
"""
_TENANTS: LiteralString = """
SELECT u.email, m.tenant_id FROM shops.users AS u JOIN shops.memberships AS m ON m.user_id = u.id
"""
_LAST: LiteralString = "SELECT tenant_id, id FROM rollup.live_ids"


@dataclass(frozen=True)
class Seen:
    """An event at a watcher: when it was read, and the age of the oldest webhook in it then."""

    at: float
    age_ms: float | None


@dataclass
class Watch:
    """What the watcher of one account has read, by the events' numbers."""

    events: dict[int, Seen] = field(default_factory=dict[int, Seen])
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    moved: asyncio.Event = field(default_factory=asyncio.Event)


async def measure(bench: Bench) -> Section:
    """Rounds at a fixed rate, with a watcher in each account."""
    rounds: list[list[float]] = []
    ages: list[list[float]] = []
    silent = 0
    async with standing(bench) as stand, stand.everything(), stand.gun() as gun:
        await stand.introduce(gun)
        async with _watching(stand) as watches:
            for number in range(1, bench.effort.rounds + 1):
                latencies, oldest, untold = await _round(bench, stand, gun, watches)
                rounds.append(latencies)
                ages.append(oldest)
                silent += untold
                bench.note(f"round {number}: p99 {percentile(latencies, 0.99):,.1f} ms")
    return Section(
        NAME,
        TITLE,
        [
            figure("p50_ms", "p50, webhook due to event read", "ms", _at(rounds, 0.5)),
            figure("p99_ms", "p99, webhook due to event read", "ms", _at(rounds, 0.99), at_most=100),
            figure("most_ms", "longest", "ms", _at(rounds, 1.0)),
            figure("received_p50_ms", "p50, oldest received_at in an event to event read", "ms", _at(ages, 0.5)),
            figure("received_p99_ms", "p99, oldest received_at in an event to event read", "ms", _at(ages, 0.99)),
            figure("matched", "webhooks told of by an event, in a round", "", [float(len(one)) for one in rounds]),
        ],
        [
            f"{bench.effort.latency_per_second:g} webhooks of all topics a second, to a fixed beat.",
            f"{len(watches)} watchers at /api/live, one for each account.",
            "Each webhook's own time, from when it was due to be sent to when the event with it was read.",
            f"{silent} webhooks in all changed nothing that is shown (carts, transactions, echoes): no event.",
        ],
    )  # fmt: skip


def _at(rounds: Sequence[Sequence[float]], share: float) -> list[float]:
    return [percentile(one, share) for one in rounds]


async def _round(
    bench: Bench, stand: Stand, gun: Gun, watches: dict[int, Watch]
) -> tuple[list[float], list[float], int]:
    """Latencies in ms, ages of events in ms, and how many webhooks no event told of."""
    known = {tenant: set(watch.events) for tenant, watch in watches.items()}
    rate = bench.effort.latency_per_second
    await gun.load(round(rate * bench.effort.latency_seconds))
    shots = await gun.pace(Pace(stand.settings.port, rate))
    await stand.drained()
    await _caught_up(stand, watches)
    events = await _events_of(stand, [shot.webhook_id for shot in shots])
    latencies = _latencies(shots, events, watches)
    ages = [
        seen.age_ms
        for tenant, watch in watches.items()
        for number, seen in watch.events.items()
        if number not in known[tenant] and seen.age_ms is not None
    ]
    if not latencies or not ages:
        message = "No webhook of the load was told of by any live event."
        raise BenchFailed(message)
    return latencies, ages, len(shots) - len(latencies)


def _latencies(
    shots: Sequence[Shot], events: dict[str, tuple[int, int]], watches: dict[int, Watch]
) -> list[float]:
    return [
        (watches[tenant].events[number].at - shot.due) * 1000
        for shot in shots
        if shot.webhook_id in events
        for tenant, number in (events[shot.webhook_id],)
    ]


async def _events_of(stand: Stand, webhook_ids: list[str]) -> dict[str, tuple[int, int]]:
    """The tenant and number of the event that tells of each webhook."""
    async with await connect(stand.database.admin_url) as connection:
        rows = await (await connection.execute(_TOLD, (webhook_ids,))).fetchall()
    return {webhook_id: (tenant, number) for webhook_id, tenant, number in rows}


async def _caught_up(stand: Stand, watches: dict[int, Watch]) -> None:
    """Return when every watcher has read the last event there is.

    Raises:
        BenchFailed: when one does not: an event was lost.
    """
    async with await connect(stand.database.admin_url) as connection:
        last = await (await connection.execute(_LAST)).fetchall()
    for tenant, number in last:
        watch = watches[tenant]
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while number not in watch.events:
                    watch.moved.clear()
                    await watch.moved.wait()
        except TimeoutError:
            message = f"A watcher was never told of event {number}."
            raise BenchFailed(message) from None


@asynccontextmanager
async def _watching(stand: Stand) -> AsyncGenerator[dict[int, Watch]]:
    """A watcher in each account, all of them connected, by tenant."""
    async with await connect(stand.database.admin_url) as connection:
        tenants = dict(await (await connection.execute(_TENANTS)).fetchall())
    watches = {tenants[email]: Watch() for email in stand.emails}
    tokens = [await stand.token(email) for email in stand.emails]
    async with httpx.AsyncClient(base_url=stand.url, trust_env=False, timeout=30) as client:
        tasks = [
            asyncio.create_task(_read(client, token, watches[tenants[email]]))
            for email, token in zip(stand.emails, tokens, strict=True)
        ]
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await asyncio.gather(*(watch.ready.wait() for watch in watches.values()))
            # What was told before anybody watched has no event here.
            async with await connect(stand.database.admin_url) as connection:
                for tenant, number in await (await connection.execute(_LAST)).fetchall():
                    watches[tenant].events.setdefault(number, Seen(time.monotonic(), None))
            yield watches
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _read(client: httpx.AsyncClient, token: str, watch: Watch) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    number = 0
    async with client.stream("GET", "/api/live", headers=headers) as response:
        response.raise_for_status()
        async for line in response.aiter_lines():
            if line.startswith("id: "):
                number = int(line[4:])
            elif line == "event: hello":
                watch.ready.set()
            elif line.startswith("data: ") and '"received_at"' in line:
                watch.events[number] = _seen(line[6:])
                watch.moved.set()


def _seen(data: str) -> Seen:
    # The clocks first: reading the JSON takes time too.
    monotonic, wall = time.monotonic(), time.time()
    received = json.loads(data)["received_at"]
    if received is None:
        return Seen(monotonic, None)
    return Seen(monotonic, (wall - datetime.fromisoformat(received).timestamp()) * 1000)
