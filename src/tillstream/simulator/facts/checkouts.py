"""Checkouts, and where their shoppers came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tillstream.simulator.facts.baskets import Basket, Totals
    from tillstream.simulator.facts.people import Customer


@dataclass(frozen=True, slots=True)
class Whence:
    """Where an order or a checkout comes from: the channel, the page first seen, the page before it."""

    channel: str
    landing_site: str | None = None
    referring_site: str | None = None


@dataclass(slots=True, eq=False)
class Checkout:
    """A checkout as last told of. ``activity`` holds (instant, contact known) of each delivery."""

    token: str
    cart_token: str | None
    number: int
    basket: Basket
    totals: Totals
    created_at: int
    updated_at: int
    email: str | None = None
    phone: str | None = None
    customer: Customer | None = None
    completed_at: int | None = None
    deleted: bool = False
    activity: list[tuple[int, bool]] = field(default_factory=list[tuple[int, bool]])
    visit: Whence | None = None

    @property
    def id(self) -> int:
        """The numeric id that bodies had before API version 2026-04."""
        return 30_000_000_000_000 + self.number
