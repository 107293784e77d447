"""How far checkouts have come, and what those of one shopper say of each other.

An abandonment is told by nobody: it is time passing. What counts is written in ARCHITECTURE.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tillstream.simulator.facts import Checkout, Order

Stage: TypeAlias = Literal["open", "abandoned", "recovered", "converted"]


class Purchase(NamedTuple):
    """An order of a known customer: when it was placed, and what it came to."""

    at: int
    order_id: int
    price: int


@dataclass(frozen=True, slots=True)
class Life:
    """How far a checkout has come. Instants in seconds.

    ``run`` is the first visit: from when the shopper was known until they left it for longer than the
    window. ``twin_of`` names the checkout that stands for this one, which then counts nowhere.
    ``inferred`` is the purchase by which an abandoned checkout was probably made good.
    """

    token: str
    stage: Stage
    started_at: int
    last_active_at: int
    abandonments: tuple[int, ...]
    completed_at: int | None
    order: Order | None
    value: int
    run: tuple[int, int]
    twin_of: str | None = None
    inferred: Purchase | None = None

    @property
    def abandoned_at(self) -> int | None:
        """When it was abandoned for the first time."""
        return self.abandonments[0] if self.abandonments else None

    @property
    def recovered_at(self) -> int | None:
        """When it was paid for after all."""
        return self.completed_at if self.stage == "recovered" else None

    @property
    def recovered_value(self) -> int:
        """What the recovery brought: the order's total, else the checkout's."""
        if self.stage != "recovered":
            return 0
        return self.order.totals.price if self.order else self.value


def life_of(checkout: Checkout, order: Order | None, window: int, now: int) -> Life | None:
    """The checkout's life at ``now`` by itself; None where it counts nowhere."""
    contact = min((at for at, known in checkout.activity if known), default=None)
    if contact is None or checkout.deleted or (order is not None and order.test):
        return None
    ends = [
        t for t in (checkout.completed_at, order.processed_at if order else None) if t is not None
    ]
    completed = min(ends, default=None)
    times = sorted({at for at, _ in checkout.activity})
    known = [at for at in times if at >= contact and (completed is None or at <= completed)]
    abandonments = tuple(
        at + window
        for at, following in pairwise([*known, now if completed is None else completed])
        if following > at + window
    )
    if completed is not None:
        stage: Stage = "recovered" if abandonments else "converted"
    else:
        stage = "abandoned" if abandonments else "open"
    return Life(
        checkout.token,
        stage,
        checkout.created_at,
        times[-1],
        abandonments,
        completed,
        order,
        checkout.totals.price,
        _first_run(known, completed, window),
    )


def _first_run(known: list[int], completed: int | None, window: int) -> tuple[int, int]:
    steps = known if completed is None else [*known, completed]
    until = steps[0]
    for at in steps[1:]:
        if at > until + window:
            break
        until = at
    return steps[0], until


def among(
    lives: Iterable[Life], purchases: Iterable[Purchase], window: int, inference: int
) -> list[Life]:
    """The lives of one customer's checkouts, with twins and inferred recoveries marked.

    Two whose first runs come within the window of each other are one shopper: the completed one
    stands for both, else the one active last. Of the rest, an order infers the one checkout that was
    abandoned last before it, within ``inference`` seconds.
    """
    marked = {life.token: life for life in lives}
    for better, worse in _twins(list(marked.values()), window):
        standing = marked[worse.token].twin_of
        if standing is None or _merit(better) > _merit(marked[standing]):
            marked[worse.token] = replace(marked[worse.token], twin_of=better.token)
    abandoned = [
        (at, life.token)
        for life in marked.values()
        if life.stage == "abandoned" and life.twin_of is None
        for at in life.abandonments
    ]
    for purchase in sorted(purchases):
        before = [at for at, _ in abandoned if at < purchase.at]
        if before and purchase.at - max(before) <= inference:
            token = min(token for at, token in abandoned if at == max(before))
            if marked[token].inferred is None:
                marked[token] = replace(marked[token], inferred=purchase)
    return list(marked.values())


def _twins(lives: list[Life], window: int) -> Iterable[tuple[Life, Life]]:
    """Pairs of checkouts of one shopper, the one that stands for both first."""
    for pair in combinations(lives, 2):
        earlier, later = sorted(pair, key=lambda life: life.run)
        if later.run[0] - earlier.run[1] > window:
            continue
        worse, better = sorted(pair, key=_merit)
        if worse.completed_at is None:
            yield better, worse


def _merit(life: Life) -> tuple[bool, int, tuple[int, ...]]:
    """Of two twins the one with more stands for both; of equals the smaller token."""
    return life.completed_at is not None, life.last_active_at, tuple(-ord(c) for c in life.token)
