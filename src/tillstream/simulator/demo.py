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
from tillstream.simulator.currency import MILLION
from tillstream.simulator.delivery import Arrival, DeliveryReport, Manner, Schedule, deliver
from tillstream.simulator.lane import Address
from tillstream.simulator.places import BRITAIN, GERMANY, JAPAN, UNITED_STATES
from tillstream.simulator.plan import (
    Abroad,
    DiscountCode,
    PriceScale,
    ProductPlan,
    ShippingMethod,
    ShopPlan,
    TaxRate,
    everyday_codes,
    gift_card,
)
from tillstream.simulator.shop_clock import instant, seconds
from tillstream.simulator.story import Story

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tillstream.simulator.delivery import Progress, Secrets
    from tillstream.simulator.webhook import Webhook

HISTORY: Final = timedelta(days=365)
# Deliveries that one visit comes to when it is told in full, measured.
_DELIVERIES_PER_VISIT: Final = 8.0
_FOREVER: Final = timedelta(days=3650)
# Seconds for which the story is promised ahead, so that a crash need not have saved the last word.
_LEASE: Final = 300
# What is older than this was either accepted or is being retried until it is.
_SLOWEST: Final = 300

# -- the shops -----------------------------------------------------------------------------------

_US_TAX = (TaxRate("New York State Tax", 40_000), TaxRate("New York City Tax", 48_750))
_DE_TAX = (TaxRate("MwSt", 190_000),)
_DE_REDUCED = (TaxRate("MwSt", 70_000),)
_JP_TAX = (TaxRate("消費税", 100_000),)
_JP_REDUCED = (TaxRate("消費税 (軽減)", 80_000),)


def demo_shops() -> tuple[ShopPlan, ShopPlan, ShopPlan]:
    """An outdoor shop in New York, a coffee roaster in Berlin, a stationer in Tokyo."""
    return _ridgeline(), _morgenrot(), _kumo()


def _ridgeline() -> ShopPlan:
    scale = PriceScale("USD")
    sizes = ("XS", "S", "M", "L", "XL")
    return ShopPlan(
        domain="ridgeline-supply.myshopify.com",
        name="Ridgeline Supply",
        currency="USD",
        zone="America/New_York",
        place=UNITED_STATES,
        taxes_included=False,
        taxes=_US_TAX,
        products=(
            ProductPlan("Merino Base Layer", "Tops", 8_900, sizes, "Size", grams=240),
            ProductPlan(
                "Switchback Cap", "Hats", 3_200, ("Moss", "Clay", "Ink"), "Color", grams=90
            ),
            ProductPlan("Trail Sock 3-Pack", "Socks", 3_600, ("S", "M", "L"), "Size", grams=150),
            ProductPlan(
                "Enamel Camp Mug", "Kitchen", 1_850, ("Cream", "Spruce"), "Color", grams=310
            ),
            ProductPlan(
                "Talus Daypack 22L", "Packs", 13_900, ("Black", "Rust"), "Color", grams=780
            ),
            ProductPlan("Packable Down Vest", "Outerwear", 16_800, sizes, "Size", grams=330),
            ProductPlan("Cold Brook Bottle", "Kitchen", 3_400, ("18 oz", "32 oz"), "Volume", 800),
            ProductPlan("Ripstop Pants", "Bottoms", 11_500, ("30", "32", "34", "36"), "Waist"),
            ProductPlan("Beeswax Balm", "Care", 1_295, grams=60),
            ProductPlan("Field Notes Set", "Paper", 1_495, grams=140),
            ProductPlan("Storm Shell", "Outerwear", 24_900, sizes, "Size", grams=420),
            ProductPlan("Headlamp 400", "Gear", 5_450, grams=95),
            gift_card(scale, "Ridgeline Gift Card"),
        ),
        shipping=(
            ShippingMethod("Ground (3-5 days)", "GROUND", 795, free_from=10_000),
            ShippingMethod("Two-day", "2DAY", 1_895),
        ),
        codes=(*everyday_codes(scale), DiscountCode("TRAIL15", "percentage", 15 * MILLION // 100)),
        orders_per_day=8.7,
        abroad=Abroad("GBP", 785_000, BRITAIN),
        fee=28,
    )


def _morgenrot() -> ShopPlan:
    scale = PriceScale("EUR")
    weights = ("250 g", "500 g", "1 kg")
    return ShopPlan(
        domain="morgenrot-kaffee.myshopify.com",
        name="Morgenrot Kaffee",
        currency="EUR",
        zone="Europe/Berlin",
        place=GERMANY,
        taxes_included=True,
        taxes=_DE_TAX,
        products=(
            ProductPlan("Hausröstung", "Kaffee", 990, weights, "Gewicht", 850, taxes=_DE_REDUCED),
            ProductPlan(
                "Espresso Kiez", "Kaffee", 1_090, weights, "Gewicht", 920, taxes=_DE_REDUCED
            ),
            ProductPlan(
                "Yirgacheffe", "Kaffee", 1_450, weights[:2], "Gewicht", 1_150, taxes=_DE_REDUCED
            ),
            ProductPlan(
                "Entkoffeiniert", "Kaffee", 1_190, weights[:2], "Gewicht", 900, taxes=_DE_REDUCED
            ),
            ProductPlan("Filterpapier 100", "Zubehör", 495, ("01", "02", "04"), "Größe", grams=120),
            ProductPlan(
                "Handfilter Porzellan", "Zubehör", 2_490, ("Weiß", "Schwarz"), "Farbe", grams=480
            ),
            ProductPlan(
                "Becher Frühschicht", "Tassen", 1_690, ("Sand", "Blau", "Rost"), "Farbe", grams=340
            ),
            ProductPlan("Handmühle", "Zubehör", 8_900, grams=700),
            ProductPlan("Trinkschokolade", "Kakao", 1_250, taxes=_DE_REDUCED, grams=300),
            ProductPlan("Probierpaket", "Kaffee", 2_390, taxes=_DE_REDUCED, grams=800),
            ProductPlan("Siebträger Einsteiger", "Maschinen", 44_900, grams=9_500),
            gift_card(scale, "Gutschein"),
        ),
        shipping=(
            ShippingMethod("DHL Paket", "DHL", 490, free_from=4_500),
            ShippingMethod("DHL Express", "DHLX", 1_290),
        ),
        codes=(*everyday_codes(scale), DiscountCode("FRUEHSTUECK", "fixed_amount", 400)),
        orders_per_day=8.9,
    )


def _kumo() -> ShopPlan:
    scale = PriceScale("JPY")
    return ShopPlan(
        domain="kumo-stationery.myshopify.com",
        name="Kumo Stationery",
        currency="JPY",
        zone="Asia/Tokyo",
        place=JAPAN,
        taxes_included=True,
        taxes=_JP_TAX,
        products=(
            ProductPlan(
                "雲ノート A5", "ノート", 1_320, ("方眼", "横罫", "無地"), "罫線", grams=260
            ),
            ProductPlan("万年筆 そら", "筆記具", 9_900, ("F", "M"), "ペン先", grams=90),
            ProductPlan("顔料インク", "インク", 1_980, ("藍", "墨", "茜", "苔"), "色", grams=180),
            ProductPlan(
                "和紙マスキングテープ", "テープ", 550, ("波", "雲", "市松"), "柄", grams=40
            ),
            ProductPlan("真鍮クリップ", "文具", 880, grams=60),
            ProductPlan("手帳 2027", "手帳", 3_850, ("紺", "生成"), "色", grams=310),
            ProductPlan("便箋セット", "紙", 1_210, grams=150),
            ProductPlan("革ペンケース", "革小物", 6_380, ("黒", "茶"), "色", grams=120),
            ProductPlan("煎茶ティーバッグ", "お茶", 972, taxes=_JP_REDUCED, grams=60),
            ProductPlan("消しゴム 三個組", "文具", 495, grams=70),
            ProductPlan("デスクトレイ 檜", "家具", 12_800, grams=1_900),
            gift_card(scale, "ギフトカード"),
        ),
        shipping=(
            ShippingMethod("ネコポス", "NEKO", 385, free_from=5_000),
            ShippingMethod("宅急便", "TAKUHAI", 880),
        ),
        codes=(*everyday_codes(scale), DiscountCode("BUNGU10", "percentage", MILLION // 10)),
        orders_per_day=8.9,
        abroad=Abroad("USD", 6_700, UNITED_STATES),
    )


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
