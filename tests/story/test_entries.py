"""Every entry of every order of two eventful shops: what the stages make of the bodies, and the books.

Sums of days might hide two mistakes that come to nothing together, or one that is made on the right
day under a wrong name. Bodies are read and merged by the real readers; no database is asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.rollup.test_what_is_left import elements
from tests.simulator.shops import END, START, shop
from tillstream.mirror import orders
from tillstream.rollup.entries import order_entries
from tillstream.simulator.books import entries_of
from tillstream.simulator.story import Story

if TYPE_CHECKING:
    from tillstream.mirror.join import Element
    from tillstream.simulator.books import Ledger
    from tillstream.simulator.facts import Order

SECOND = 1_000_000


@pytest.mark.parametrize(
    ("currency", "zone", "included"),
    [("USD", "America/New_York", False), ("EUR", "Europe/Berlin", True)],
)
def test_entries_are_those_of_the_books(currency: str, zone: str, included: bool) -> None:
    plan = shop(currency, zone, included=included, per_day=20)
    story = Story(2, [plan], START, END)
    told = {key: element for key, (element, _) in elements(story).items()}
    ledger = story.books.ledgers[plan.domain]
    for order in ledger.orders.values():
        assert _said(order.id, told[order.id]) == _true(ledger, order), order.name
        left = 0 if order.cancelled_at is not None else order.current.price
        booked = entries_of(order).values()
        if booked:
            assert sum(one.total_sales + one.tips + one.gift_cards_sold for one in booked) == left
    everything = list(ledger.orders.values())
    assert sum(bool(order.returns) for order in everything) >= 5
    assert sum(any(one.removed for one in order.shipping) for order in everything) > 10


def _said(key: int, element: Element) -> dict[str, tuple[int, dict[str, int]]]:
    entries = order_entries(orders.view(key, element))
    return {one.entry: (one.at // SECOND, one.amounts) for one in entries}


def _true(ledger: Ledger, order: Order) -> dict[str, tuple[int, dict[str, int]]]:
    booked = {name: (one.at, ledger.scaled(one)) for name, one in entries_of(order).items()}
    return {name: (at, amounts) for name, (at, amounts) in booked.items() if amounts}
