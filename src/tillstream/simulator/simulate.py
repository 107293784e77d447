"""The simulator as a command: tell a story, deliver it, and leave the books behind."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from tillstream.foundation.clock import utc_now
from tillstream.simulator.arrivals import Phase
from tillstream.simulator.delivery import DeliveryReport, Manner, Schedule, deliver
from tillstream.simulator.demo import demo_shops
from tillstream.simulator.lane import Address
from tillstream.simulator.places import place_for
from tillstream.simulator.plan import plain_shop
from tillstream.simulator.shop_clock import seconds
from tillstream.simulator.story import Story
from tillstream.simulator.webhook import ALL_TOPICS, API_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tillstream.foundation.clock import Clock
    from tillstream.simulator.delivery import Secrets
    from tillstream.simulator.plan import ShopPlan


@dataclass(frozen=True, slots=True)
class SimulateOptions:
    """What to tell and how to deliver it.

    ``domains`` name everyday shops in ``currency`` and ``zone``; without any, ``preset`` decides.
    Bodies are those of ``api_version``.
    The story covers the ``days`` before ``end`` (default: the current hour). ``time_scale`` is
    story seconds per real second, None as fast as accepted; ``rate`` overrides it, and the
    shops' habits, with so many visits per minute in all shops together, in real time.
    ``repeat`` and ``late`` are shares; ``shuffle`` is seconds of story time.
    """

    url: str
    secret: Secrets
    seed: int | str = 1
    preset: Literal["demo", "plain"] = "demo"
    domains: tuple[str, ...] = ()
    currency: str = "USD"
    zone: str = "America/New_York"
    taxes_included: bool = False
    api_version: str = API_VERSION
    days: float = 7.0
    end: datetime | None = None
    orders_per_day: float | None = None
    rate: float | None = None
    time_scale: float | None = None
    repeat: float = 0.1
    shuffle: float = 120.0
    late: float = 0.02
    lean: bool = False
    topics: frozenset[str] = field(default=ALL_TOPICS)
    connections: int = 32
    persist: bool = False
    books_path: Path | None = None


class SimulateReport(msgspec.Struct, frozen=True):
    """What was delivered. ``ok`` when every delivery was accepted at least once."""

    ok: bool
    shops: list[str]
    story_from: datetime
    story_to: datetime
    sent: int
    accepted: int
    refused: int
    unreachable: int
    retried: int
    gave_up: int
    seconds: float
    books: str | None


def story_of(options: SimulateOptions, clock: Clock = utc_now) -> Story:
    """The story that ``options`` describe, untold."""
    end = options.end or _hour(clock())
    if options.rate is not None:
        return _story_at_rate(options, clock())
    start = end - timedelta(days=options.days)
    phases = [Phase(seconds(start), seconds(end), lean=options.lean)]
    shops = shops_of(options)
    return Story(options.seed, shops, start, end, phases=phases, topics=options.topics)


def _story_at_rate(options: SimulateOptions, start: datetime) -> Story:
    """From now on, at a steady number of visits, for the days asked for."""
    shops = shops_of(options)
    end = start + timedelta(days=options.days)
    pace = (options.rate or 0.0) / len(shops)
    phases = [Phase(seconds(start), seconds(end), pace, lean=options.lean)]
    return Story(options.seed, shops, start, end, phases=phases, topics=options.topics)


def shops_of(options: SimulateOptions) -> tuple[ShopPlan, ...]:
    """The shops that ``options`` describe."""
    if options.domains or options.preset == "plain":
        place = place_for(options.currency)
        shops = tuple(
            plain_shop(
                domain,
                options.currency,
                options.zone,
                place,
                taxes_included=options.taxes_included,
            )
            for domain in options.domains or ("plain-goods.myshopify.com",)
        )
    else:
        shops = demo_shops()
    return tuple(
        replace(
            shop,
            api_version=options.api_version,
            orders_per_day=shop.orders_per_day
            if options.orders_per_day is None
            else options.orders_per_day,
        )
        for shop in shops
    )


async def simulate(
    options: SimulateOptions,
    report: Callable[[DeliveryReport], None],
    clock: Clock = utc_now,
) -> SimulateReport:
    """Tell the story to ``options.url``; ``report`` hears of the progress.

    Raises:
        ValueError: for an address that is none, or an empty secret.
    """
    story = story_of(options, clock)
    schedule = Schedule(
        story,
        options.seed,
        repeat=options.repeat,
        shuffle_window=timedelta(seconds=options.shuffle),
        late=options.late,
    )
    scale = 1.0 if options.rate is not None else options.time_scale
    manner = Manner(connections=options.connections, time_scale=scale, persist=options.persist)
    made = await deliver(schedule, Address.of(options.url), options.secret, manner, report)
    start, end = story.phases[0].start, story.phases[-1].end
    if options.books_path is not None:
        now = datetime.fromtimestamp(end, UTC)
        await asyncio.to_thread(write_books, story, now, options.books_path)
    return SimulateReport(
        ok=made.gave_up == 0,
        shops=[shop.domain for shop in story.shops],
        story_from=datetime.fromtimestamp(start, UTC),
        story_to=datetime.fromtimestamp(end, UTC),
        sent=made.sent,
        accepted=made.accepted,
        refused=made.refused,
        unreachable=made.unreachable,
        retried=made.retried,
        gave_up=made.gave_up,
        seconds=round(made.seconds, 3),
        books=None if options.books_path is None else str(options.books_path),
    )


def write_books(story: Story, now: datetime, path: Path) -> None:
    """Write the story's books as JSON, with open checkouts judged at ``now``."""
    exported: dict[str, Any] = {"as_of": now, "shops": story.books.export(now)}
    path.write_bytes(msgspec.json.format(msgspec.json.encode(exported), indent=2))


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)
