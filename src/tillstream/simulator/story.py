"""A story: what happens in some shops between two instants, the same for the same seed."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from tillstream.simulator import stockroom
from tillstream.simulator.arrivals import Phase
from tillstream.simulator.books import Books
from tillstream.simulator.journey import open_doors
from tillstream.simulator.shop_clock import seconds
from tillstream.simulator.shopfront import Shopfront
from tillstream.simulator.webhook import ALL_TOPICS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from tillstream.simulator.plan import ShopPlan
    from tillstream.simulator.webhook import Webhook

_DAY = 86_400


class Story:
    """Some shops between ``start`` and ``end``.

    Iterating tells it from the beginning, in the order in which things were triggered, and
    keeps ``books`` as it goes; iterating again tells the very same bytes anew. The books are
    complete once an iteration has ended: in the middle of one, a shop may already be a moment
    ahead of the stream.
    """

    def __init__(
        self,
        seed: int | str,
        shops: Sequence[ShopPlan],
        start: datetime,
        end: datetime,
        *,
        phases: Sequence[Phase] | None = None,
        topics: frozenset[str] = ALL_TOPICS,
    ) -> None:
        """``phases`` divide the time (default: one, told in full); ``topics`` are subscribed to."""
        self.seed = str(seed)
        self.shops = tuple(shops)
        self.phases = tuple(phases or (Phase(seconds(start), seconds(end)),))
        self.topics = topics
        self.books = Books()

    def __iter__(self) -> Iterator[Webhook]:
        fronts = [open_shop(self.seed, plan, self.phases, self.topics) for plan in self.shops]
        self.books = Books({front.plan.domain: front.ledger for front in fronts})
        return heapq.merge(
            *(front.unfold() for front in fronts), key=lambda webhook: webhook.triggered_at
        )


def open_shop(
    seed: str, plan: ShopPlan, phases: Sequence[Phase], topics: frozenset[str] = ALL_TOPICS
) -> Shopfront:
    """A shop with its beginning on the agenda, to be unfolded."""
    shop = Shopfront(seed, plan, phases, topics)
    shop.later(shop.start, stockroom.introduce)
    for phase in shop.phases:
        shop.later(phase.start, open_doors, phase)
    shop.later(shop.start + shop.between(_DAY, 30 * _DAY), stockroom.change_plan)
    shop.later(shop.start + shop.between(3_600, _DAY), stockroom.tend)
    for move in plan.moves:
        shop.later(shop.start + int(move.after_days * _DAY), stockroom.move, move)
    return shop
