"""The life of a checkout, derived from the times at which something happened to it. Pure.

Shopify sends no webhook when a checkout is abandoned: it is a matter of time passing. So the
stage is a function of the activity times, the completion, the store's window, and now.
https://help.shopify.com/en/manual/orders/abandoned-checkouts
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from tillstream.mirror.checkouts import Checkout

Stage: TypeAlias = Literal["open", "abandoned", "recovered", "converted"]


class Life(NamedTuple):
    """Where a checkout stands. All times in µs since the epoch.

    ``counted`` is false for checkouts that figures leave out: without contact details, deleted,
    or completed by a test order. ``deadline`` is when an open one will be abandoned if nothing
    happens.
    """

    stage: Stage
    counted: bool
    started_at: int
    last_active_at: int
    abandoned_at: int | None
    completed_at: int | None
    deadline: int | None

    @property
    def recovered_at(self) -> int | None:
        """When an abandoned checkout was completed after all."""
        return self.completed_at if self.stage == "recovered" else None


def life(
    checkout: Checkout, ordered_at: int | None, window: int, now: int, *, test: bool = False
) -> Life:
    """The life of a merged checkout.

    Args:
        checkout: as merged.
        ordered_at: when the order that completed it was placed, if one is known.
        window: idle time in µs after which a checkout counts as abandoned.
        now: µs since the epoch.
        test: whether that order is a test order.
    """
    completions = [at for at in (checkout.completed_at, ordered_at) if at is not None]
    completed_at = min(completions) if completions else None
    active = [
        (at, contact)
        for at, contact in checkout.activity
        if completed_at is None or at <= completed_at
    ]
    last_active_at = max((at for at, _ in checkout.activity), default=completed_at or 0)
    started_at = checkout.created_at
    if started_at is None:
        started_at = min((at for at, _ in checkout.activity), default=last_active_at)
    contact_at = min((at for at, contact in checkout.activity if contact), default=None)
    counted = contact_at is not None and not test and not checkout.deleted
    abandoned_at = (
        _abandoned_at([at for at, _ in active if at >= contact_at], completed_at, window, now)
        if contact_at is not None
        else None
    )
    deadline = None
    if abandoned_at is not None:
        stage: Stage = "abandoned" if completed_at is None else "recovered"
    elif completed_at is not None:
        stage = "converted"
    else:
        stage = "open"
        deadline = last_active_at + window if counted else None
    return Life(stage, counted, started_at, last_active_at, abandoned_at, completed_at, deadline)


def _abandoned_at(active: list[int], completed_at: int | None, window: int, now: int) -> int | None:
    """The first moment at which the window had run out with nothing happening inside it."""
    end = completed_at if completed_at is not None else now
    for at, following in pairwise([*active, end]):
        if following - at > window:
            return at + window
    return None
