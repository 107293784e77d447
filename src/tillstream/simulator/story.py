"""A story: what happens in some shops between two instants, the same for the same seed."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from tillstream.simulator.aftermath import delete_product, update_product
from tillstream.simulator.arrivals import Phase
from tillstream.simulator.books import Books
from tillstream.simulator.facts import Product, Variant
from tillstream.simulator.journey import open_doors
from tillstream.simulator.shop_clock import seconds
from tillstream.simulator.shopfront import Shopfront
from tillstream.simulator.webhook import ALL_TOPICS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from tillstream.simulator.plan import ProductPlan, ShopPlan
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
    shop.later(shop.start, _introduce)
    for phase in shop.phases:
        shop.later(phase.start, open_doors, phase)
    shop.later(shop.start + shop.between(_DAY, 30 * _DAY), _rename_plan)
    shop.later(shop.start + shop.between(3_600, _DAY), _tend)
    return shop


def _introduce(shop: Shopfront, _: None, at: int) -> None:
    """The shop and its catalogue, as they are told when an app is installed."""
    _tell_shop(shop, at)
    for number, plan in enumerate(shop.plan.products):
        product = _make_product(shop, plan, at - 90 * _DAY + number * 3_600, at)
        shop.products.append(product)
        shop.send_product(product, "products/create")


def _make_product(shop: Shopfront, plan: ProductPlan, made: int, at: int) -> Product:
    handle = plan.title.lower().replace(" ", "-")
    letters = "".join(word[0] for word in plan.title.upper().split())
    identifier = shop.next_id("product")
    variants = [
        Variant(
            id=shop.next_id("variant"),
            title=option,
            sku=f"{letters}-{identifier % 9_973:04d}-{position}",
            price=plan.price + plan.step * (position - 1),
            compare_at_price=None,
            inventory_item_id=shop.next_id("inventory_item"),
            inventory_quantity=shop.between(5, 160),
            position=position,
        )
        for position, option in enumerate(plan.options, 1)
    ]
    return Product(
        id=identifier,
        title=plan.title,
        handle=handle,
        product_type=plan.product_type,
        option_name=plan.option_name,
        vendor=shop.plan.name,
        variants=variants,
        taxes=shop.plan.taxes if plan.taxes is None else plan.taxes,
        gift_card=plan.gift_card,
        grams=plan.grams,
        created_at=made,
        updated_at=at,
    )


def _tend(shop: Shopfront, _: None, at: int) -> None:
    """Look after the catalogue: restock most days, drop a product once in a long while."""
    living = [product for product in shop.products if not product.deleted]
    update_product(shop, shop.random.choice(living), at)
    if shop.chance(0.004):
        delete_product(shop, shop.random.choice(living), at)
    shop.later(at + shop.between(_DAY // 3, 2 * _DAY), _tend)


def _rename_plan(shop: Shopfront, _: None, at: int) -> None:
    shop.plan_name = "professional"
    _tell_shop(shop, at)


def _tell_shop(shop: Shopfront, at: int) -> None:
    shop.updated_at = at
    if shop.wants("shop/update"):
        body = shop.bodies.shop(shop.start - 400 * _DAY, at, shop.plan_name)
        shop.send("shop/update", body, at)
