"""What the checkouts of one shopper say of each other: twins, and recoveries that are inferred. Pure.

A person who looks at the same purchase on two devices has two checkouts, and one who abandons one
may buy by another. Shopify tells neither. Both are read off the customer's id (never the e-mail
address, so that forgetting a person changes no figure), customers that were merged being one.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tillstream.rollup.life import Life


class Placement(NamedTuple):
    """An order as it was placed; ``at`` in µs since the epoch."""

    at: int
    order_id: int


def twins(lives: Mapping[str, Life], window: int) -> dict[str, str]:
    """Which checkouts of one customer are not counted, because another one stands for both.

    Two checkouts whose first runs come within the window of each other are one shopper. The one
    that was completed stands for both, else the one that was active last. Two that were both
    completed are two purchases. This holds between two checkouts at a time and not along a chain
    of them, so that none is left out for one that was far from it.

    Args:
        lives: by token, of one customer.
        window: the store's, in µs.

    Returns:
        By token of a twin, the token of the checkout that stands for it.
    """
    found: dict[str, str] = {}
    for pair in _near(lives, window):
        first, second = sorted(pair, key=lambda token: _rank(token, lives[token]))
        if lives[second].completed_at is not None:
            continue
        known = found.get(second)
        if known is None or _rank(first, lives[first]) < _rank(known, lives[known]):
            found[second] = first
    return found


def infer(
    lives: Mapping[str, Life], placements: Iterable[Placement], within: int
) -> dict[str, Placement]:
    """Which abandoned checkouts of one customer were probably made good by another order.

    Args:
        lives: by token, of one customer; those that are counted, abandoned and not completed
            take part.
        placements: the customer's orders.
        within: the longest time in µs from an abandonment to such an order.

    Returns:
        By token of a checkout, the earliest order that infers it. An order infers the checkout
        that was abandoned last before it, and no other.
    """
    abandoned: dict[int, str] = {}
    for token, one in lives.items():
        if one.counted and one.stage == "abandoned":
            for at in one.abandonments:
                abandoned[at] = min(token, abandoned.get(at, token))
    times = sorted(abandoned)
    found: dict[str, Placement] = {}
    for placement in sorted(placements):
        before = bisect_left(times, placement.at) - 1
        if before >= 0 and placement.at - times[before] <= within:
            found.setdefault(abandoned[times[before]], placement)
    return found


def _near(lives: Mapping[str, Life], window: int) -> Iterator[tuple[str, str]]:
    """Each pair of counted checkouts whose runs come within the window of each other, once."""
    runs = sorted(
        (one.active_from, one.active_until, token)
        for token, one in lives.items()
        if one.counted and one.active_from is not None and one.active_until is not None
    )
    for at, (_, until, token) in enumerate(runs):
        for other in range(at + 1, len(runs)):
            begun, _, following = runs[other]
            if begun - until > window:
                break
            yield token, following


def _rank(token: str, one: Life) -> tuple[bool, int, str]:
    """Smaller stands for greater."""
    return one.completed_at is None, -one.last_active_at, token
