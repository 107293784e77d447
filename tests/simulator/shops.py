"""Shops whose stories hold much of everything, so that a few days of them are enough."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from tillstream.simulator.places import BRITAIN, place_for
from tillstream.simulator.plan import Abroad, Habits, ShopPlan, TaxRate, plain_shop
from tillstream.simulator.story import Story

START = datetime(2026, 10, 20, 4, tzinfo=UTC)
END = datetime(2026, 11, 4, 16, tzinfo=UTC)

EVENTFUL = Habits(
    abroad=0.1,
    pending=0.1,
    authorized=0.1,
    refunded=0.5,
    cancelled=0.15,
    edited=0.3,
    exchanged=0.2,
    test=0.05,
    gift_card=0.1,
    draft=0.08,
    discounted=0.4,
    buys_anew=0.15,
    twin=0.08,
    merged=0.03,
    disputed=0.04,
    upkeep=1.0,
)


def shop(currency: str, zone: str, *, included: bool = False, per_day: float = 12) -> ShopPlan:
    taxes = (TaxRate("State", 40_000), TaxRate("City", 48_750))
    if included:
        taxes = (TaxRate("VAT", 190_000),)
    plan = plain_shop(
        f"{currency.lower()}-shop.myshopify.com",
        currency,
        zone,
        place_for(currency),
        orders_per_day=per_day,
        taxes_included=included,
        taxes=taxes,
    )
    abroad = Abroad("JPY" if currency != "JPY" else "GBP", 150_000_000, BRITAIN)
    return replace(plan, habits=EVENTFUL, abroad=abroad)


def shops() -> list[ShopPlan]:
    return [
        shop("USD", "America/New_York"),
        shop("EUR", "Europe/Berlin", included=True),
        shop("JPY", "Asia/Tokyo", included=True),
        shop("KWD", "Asia/Kuwait"),
    ]


def story(seed: int = 1) -> Story:
    return Story(seed, shops(), START, END)
