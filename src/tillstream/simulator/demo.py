"""Three shops for a demonstration, with a year behind them and shoppers in them now.

A demonstration is one story, told twice over: the past lean and fast, the present in full and
at the pace asked for. Where it stands is a small file (``Cursor``). Restarted, it tells the
whole story again from its seed without sending what was sent, fills the time it was away at
the shops' ordinary pace, and goes on: the same customers come back and checkouts left
yesterday are still found again.
"""

from __future__ import annotations

import asyncio
import math
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING, Final

import msgspec

from tillstream.simulator.arrivals import Phase
from tillstream.simulator.delivery import Arrival, DeliveryReport, Manner, Schedule, deliver
from tillstream.simulator.demo_shops import demo_shops
from tillstream.simulator.lane import Address
from tillstream.simulator.shop_clock import instant, seconds
from tillstream.simulator.story import Story

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tillstream.simulator.delivery import Progress, Secrets
    from tillstream.simulator.plan import ShopPlan
    from tillstream.simulator.webhook import Webhook

HISTORY: Final = timedelta(days=365)
# Deliveries that one visit comes to when it is told in full, measured.
_DELIVERIES_PER_VISIT: Final = 9.7
_FOREVER: Final = timedelta(days=3650)
# Seconds for which the story is promised ahead, so that a crash need not have saved the last word.
_LEASE: Final = 300
# What is older than this was either accepted or is being retried until it is.
_SLOWEST: Final = 300

# -- where a demonstration stands ----------------------------------------------------------------


class Spell(msgspec.Struct, frozen=True):
    """A stretch during which the demonstration ran (a pace) or was away (None)."""

    start: int
    visits_per_minute: float | None


class Cursor(msgspec.Struct):
    """All that has to be kept to go on: what the story is, and how far it was delivered.

    Instants are seconds since 1970, on whole minutes. Everything triggered before
    ``delivered_until`` was accepted. Something triggered before ``told_until`` may have been
    sent: up to there the story is never told differently.
    """

    seed: str
    history_start: int
    history_end: int
    spells: list[Spell] = []
    delivered_until: int = 0
    told_until: int = 0

    @classmethod
    def begin(cls, seed: int | str, now: datetime, history: timedelta = HISTORY) -> Cursor:
        """A story whose past ends with the last full hour before ``now``."""
        end = seconds(now) // 3600 * 3600
        return cls(str(seed), end - int(history.total_seconds()), end)

    def resume(self, now: datetime, events_per_minute: float, shops: int) -> None:
        """Go on at ``now``, about ``events_per_minute`` deliveries over all ``shops``.

        The time since the last delivery is filled at the shops' ordinary pace.
        """
        opened = max(seconds(now) // 60 * 60, self.history_end)
        away_from = max(self.history_end, self.told_until)
        self.spells = [spell for spell in self.spells if spell.start < away_from]
        if away_from < opened:
            self.spells.append(Spell(away_from, None))
        pace = events_per_minute / _DELIVERIES_PER_VISIT / max(1, shops)
        self.spells.append(Spell(max(opened, away_from), pace))
        self.told_until = max(opened, away_from) + _LEASE

    def phases(self) -> list[Phase]:
        """The story's phases: the lean past, then each spell to the start of the next."""
        forever = self.history_end + int(_FOREVER.total_seconds())
        borders = [*(spell.start for spell in self.spells), forever]
        return [
            Phase(self.history_start, self.history_end, lean=True),
            *(
                Phase(
                    spell.start, end, spell.visits_per_minute, lean=spell.visits_per_minute is None
                )
                for spell, end in zip(self.spells, borders[1:], strict=True)
            ),
        ]

    def story(self, shops: Iterable[ShopPlan]) -> Story:
        """The story as the cursor has it."""
        phases = self.phases()
        return Story(
            self.seed,
            tuple(shops),
            instant(phases[0].start),
            instant(phases[-1].end),
            phases=phases,
        )

    def save(self, path: Path) -> None:
        """Write the cursor so that a crash leaves the old one or the new one."""
        draft = path.with_suffix(".new")
        draft.write_bytes(msgspec.json.encode(self))
        draft.replace(path)

    @classmethod
    def load(cls, path: Path) -> Cursor | None:
        """The cursor kept at ``path``; None if there is none that can be read."""
        try:
            return msgspec.json.decode(path.read_bytes(), type=cls)
        except (FileNotFoundError, msgspec.MsgspecError):
            return None


# -- telling it ----------------------------------------------------------------------------------


@dataclass(slots=True)
class Demo:
    """A demonstration: ``history`` once, then ``live`` until cancelled."""

    url: str
    secrets: Secrets
    cursor: Cursor
    cursor_path: Path | None = None
    shops: tuple[ShopPlan, ...] = field(default_factory=demo_shops)
    connections: int = 16

    @property
    def needs_history(self) -> bool:
        """Whether the past is still to be told."""
        return self.cursor.delivered_until < self.cursor.history_end

    async def history(self, progress: Progress | None = None) -> DeliveryReport:
        """Deliver the past as fast as it is accepted, each delivery once and in order."""
        story = msgspec.structs.replace(self.cursor, spells=[]).story(self.shops)
        arrivals = (Arrival(webhook.due.timestamp(), webhook) for webhook in story)
        manner = Manner(connections=self.connections, persist=True)
        report = await deliver(arrivals, Address.of(self.url), self.secrets, manner, progress)
        self.cursor.delivered_until = self.cursor.told_until = self.cursor.history_end
        self._save()
        return report

    async def live(
        self, now: datetime, events_per_minute: float = 60.0, progress: Progress | None = None
    ) -> DeliveryReport:
        """Go on from ``now`` in real time, with repeats and out of order, until cancelled."""
        self.cursor.resume(now, events_per_minute, len(self.shops))
        self._save()
        given_up = threading.Event()
        coming = _after(self.cursor.story(self.shops), self.cursor.delivered_until, given_up)
        # Telling the past anew takes seconds: not on the loop that may be serving, too.
        try:
            first = await asyncio.to_thread(next, coming, None)
        except asyncio.CancelledError:
            # Nothing cancels a thread, and the end of the process would wait for it.
            given_up.set()
            raise
        schedule = Schedule(
            self._promised(chain(() if first is None else (first,), coming)),
            f"{self.cursor.seed}:{self.cursor.delivered_until}",
            repeat=0.05,
            shuffle_window=timedelta(seconds=2),
            late=0.01,
            latest=timedelta(minutes=3),
        )
        manner = Manner(
            connections=4,
            time_scale=1.0,
            origin=now.timestamp(),
            retry_scale=60.0,
            persist=True,
        )

        def note(report: DeliveryReport) -> None:
            self._advance(report)
            if progress is not None:
                progress(report)

        return await deliver(schedule, Address.of(self.url), self.secrets, manner, note)

    def _promised(self, coming: Iterator[Webhook]) -> Iterator[Webhook]:
        """What comes, each promised before it can be sent: never to be told differently."""
        for webhook in coming:
            at = seconds(webhook.triggered_at)
            if at + _LEASE // 2 >= self.cursor.told_until:
                self.cursor.told_until = at // 60 * 60 + _LEASE
                self._save()
            yield webhook

    def _advance(self, report: DeliveryReport) -> None:
        """Move the cursor behind the slowest delivery there can be."""
        reached = (math.floor(report.last_due) - _SLOWEST) // 60 * 60
        if report.waiting == 0 and reached > self.cursor.delivered_until:
            self.cursor.delivered_until = reached
            self._save()

    def _save(self) -> None:
        if self.cursor_path is not None:
            self.cursor.save(self.cursor_path)


def _after(story: Iterable[Webhook], until: int, given_up: threading.Event) -> Iterator[Webhook]:
    """What is triggered from ``until`` on; nothing more once it was given up."""
    border = datetime.fromtimestamp(until, UTC)
    for webhook in story:
        if given_up.is_set():
            return
        if webhook.triggered_at >= border:
            yield webhook
