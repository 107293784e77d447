"""How much a bench measures: enough to trust the figures, or just enough to see that it works."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True)
class Effort:
    """Numbers of rounds, of seconds and of things. Latencies are in ``latency_`` fields."""

    quick: bool
    shops: int
    """That send webhooks."""
    accounts: int
    """To which the shops are dealt out."""
    rounds: int
    round_seconds: float
    """Of each round of ingest."""
    hold_seconds: float
    """For which a rate has to be sustained."""
    holds: int
    """Rates that are tried at most."""
    apply_deliveries: int
    """In the backlog of each round."""
    latency_seconds: float
    latency_per_second: float
    small_orders: int
    middle_orders: int
    large_orders: int
    calls: int
    """Of each question in each round."""
    question_rounds: int
    year_orders: int
    """In the year that is told through ingest."""
    import_deliveries: int
    requests: int
    """Different ones that a round of ingest goes round and round with."""


FULL: Final = Effort(
    quick=False,
    shops=100,
    accounts=5,
    rounds=5,
    round_seconds=4.0,
    hold_seconds=20.0,
    holds=5,
    apply_deliveries=8_000,
    latency_seconds=20.0,
    latency_per_second=500.0,
    small_orders=10_000,
    middle_orders=100_000,
    large_orders=1_000_000,
    calls=200,
    question_rounds=3,
    year_orders=300_000,
    import_deliveries=40_000,
    requests=5_000,
)

QUICK: Final = Effort(
    quick=True,
    shops=4,
    accounts=2,
    rounds=2,
    round_seconds=0.3,
    hold_seconds=1.0,
    holds=2,
    apply_deliveries=2_500,
    latency_seconds=1.0,
    latency_per_second=100.0,
    small_orders=50,
    middle_orders=100,
    large_orders=300,
    calls=3,
    question_rounds=1,
    year_orders=100,
    import_deliveries=1_000,
    requests=500,
)


def effort_of(*, quick: bool, seconds: float | None, orders: int | None = None) -> Effort:
    """The effort asked for.

    Args:
        quick: just enough to see that it works.
        seconds: of every measurement that is timed.
        orders: of the year, and of the largest store that is asked; the others have a tenth and a hundredth.
    """
    chosen = QUICK if quick else FULL
    if seconds is not None:
        chosen = replace(
            chosen, round_seconds=seconds, hold_seconds=seconds, latency_seconds=seconds
        )
    if orders is not None:
        chosen = replace(
            chosen,
            small_orders=max(1, orders // 100),
            middle_orders=max(1, orders // 10),
            large_orders=orders,
            year_orders=orders,
        )
    return chosen
