"""The life of a checkout, derived from the times at which something happened to it. Pure.

Shopify sends no webhook when a checkout is abandoned: it is a matter of time passing. So the
stage is a function of the activity times, the completion, the store's window, and now.
https://help.shopify.com/en/manual/orders/abandoned-checkouts
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tillstream.mirror.checkouts import Checkout

Stage: TypeAlias = Literal["open", "abandoned", "recovered", "converted"]


class Life(NamedTuple):
    """Where a checkout stands, by itself. All times in µs since the epoch.

    ``counted`` is false for checkouts that figures leave out: without contact details, deleted,
    or completed by a test order. ``abandonments`` are all moments at which the window had run
    out, ``deadline`` the next at which it will if nothing happens. ``active_from`` and
    ``active_until`` enclose the first run: from when contact details were known until the shopper
    left it for longer than the window, or completed it; None without contact details.
    """

    stage: Stage
    counted: bool
    started_at: int
    last_active_at: int
    abandonments: tuple[int, ...]
    completed_at: int | None
    deadline: int | None
    active_from: int | None
    active_until: int | None

    @property
    def abandoned_at(self) -> int | None:
        """When it was first abandoned."""
        return self.abandonments[0] if self.abandonments else None

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
    times = [at for at, _ in checkout.activity]
    completions = [at for at in (checkout.completed_at, ordered_at) if at is not None]
    completed_at = min(completions) if completions else None
    last_active_at = max(times, default=completed_at or 0)
    started_at = checkout.created_at
    if started_at is None:
        started_at = min(times, default=last_active_at)
    contact_at = min((at for at, contact in checkout.activity if contact), default=None)
    counted = contact_at is not None and not test and not checkout.deleted
    active = _active(times, contact_at, completed_at)
    abandonments = _abandonments(active, completed_at, window, now)
    if completed_at is not None:
        stage: Stage = "recovered" if abandonments else "converted"
    else:
        stage = "abandoned" if abandonments else "open"
    return Life(
        stage,
        counted,
        started_at,
        last_active_at,
        abandonments,
        completed_at,
        _deadline(active, completed_at, window, now),
        *_first_run(active, completed_at, window),
    )


def _active(times: Sequence[int], contact_at: int | None, completed_at: int | None) -> list[int]:
    """When the shopper was active, from the moment somebody knew who it was until the completion."""
    if contact_at is None:
        return []
    return sorted(
        at for at in times if at >= contact_at and (completed_at is None or at <= completed_at)
    )


def _abandonments(
    active: Sequence[int], completed_at: int | None, window: int, now: int
) -> tuple[int, ...]:
    """The moments at which the window had run out with nothing happening inside it."""
    end = now if completed_at is None else completed_at
    return tuple(at + window for at, after in pairwise([*active, end]) if after - at > window)


def _deadline(active: Sequence[int], completed_at: int | None, window: int, now: int) -> int | None:
    if completed_at is not None or not active or now > active[-1] + window:
        return None
    return active[-1] + window


def _first_run(
    active: Sequence[int], completed_at: int | None, window: int
) -> tuple[int | None, int | None]:
    """From the first activity to the last one that no gap longer than the window comes before."""
    run = [*active] if completed_at is None else [*active, completed_at]
    if not active:
        # Contact details that became known only after the completion: that is all there was of it.
        return (None, None) if completed_at is None else (completed_at, completed_at)
    until = run[0]
    for at in run[1:]:
        if at - until > window:
            break
        until = at
    return run[0], until
