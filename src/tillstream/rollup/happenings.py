"""What happened to an order, being written down: one happening becomes one entry of the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from tillstream.mirror.orders import Order

Amounts: TypeAlias = dict[str, int]
"""Measure to amount: money in ten-thousandths, or a count."""

PLACEMENT = "placement"
CANCELLATION = "cancellation"


class Happening(NamedTuple):
    """One thing that happened, at ``at`` (µs since the epoch).

    What belongs to a line is written under its id, and only the rest beside it, so that the lines
    add up to the whole by the way they are written.
    """

    at: int
    rest: Amounts
    lines: dict[int, Amounts]

    def add(self, amounts: Amounts, line_id: int | None = None) -> None:
        """Add amounts, those of a line under its id."""
        kept = self.rest if line_id is None else self.lines.setdefault(line_id, {})
        for measure, amount in amounts.items():
            if amount:
                kept[measure] = kept.get(measure, 0) + amount

    def total(self) -> Amounts:
        """The amounts of the whole happening."""
        return added([self.rest, *self.lines.values()])


class Happenings(dict[str, Happening]):
    """By name of the entry, what happened; made when first spoken of."""

    def of(self, name: str, at: int) -> Happening:
        """The happening of that name."""
        return self.setdefault(name, Happening(at, {}, {}))


def added(several: list[Amounts]) -> Amounts:
    """The sum of amounts."""
    total: Amounts = {}
    for amounts in several:
        for measure, amount in amounts.items():
            total[measure] = total.get(measure, 0) + amount
    return total


class Moment(NamedTuple):
    """The name and the instant of a happening."""

    name: str
    at: int


def placement_of(order: Order) -> Moment:
    """When the order was placed."""
    return Moment(PLACEMENT, order.placed_at or 0)


def edits_of(order: Order) -> list[tuple[Moment, str]]:
    """The edits in their order, each with its key."""
    placed = order.placed_at or 0
    moments = [
        (
            Moment(f"edit:{key}", placed if edit.committed_at is None else edit.committed_at),
            key,
        )
        for key, edit in order.edits.items()
    ]
    return sorted(moments, key=lambda one: (one[0].at, one[1]))


def refunds_of(order: Order) -> list[tuple[Moment, int]]:
    """The refunds in their order, each with its id."""
    placed = order.placed_at or 0
    moments = [
        (Moment(f"refund:{key}", placed if (at := refund.happened_at) is None else at), key)
        for key, refund in order.refunds.items()
    ]
    return sorted(moments, key=lambda one: (one[0].at, one[1]))


def standing_refunds(order: Order) -> list[tuple[Moment, int]]:
    """The refunds that take back sales: not those after a cancellation, which took back all."""
    cancelled = order.cancelled_at
    return [one for one in refunds_of(order) if cancelled is None or one[0].at <= cancelled]


def last_change(order: Order) -> Moment:
    """The latest refund, else the latest edit, else the placement.

    Dates what Shopify tells only as the sum that is left of it (fees, rounding of cash).
    """
    refunds, edits = refunds_of(order), edits_of(order)
    if refunds:
        return refunds[-1][0]
    return edits[-1][0] if edits else placement_of(order)
