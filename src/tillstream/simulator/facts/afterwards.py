"""What happens to an order afterwards: money, refunds, edits, parcels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tillstream.simulator.facts.lines import Line, Shipping


@dataclass(frozen=True, slots=True)
class Transaction:
    """Money moved, or promised."""

    id: int
    kind: Literal["authorization", "capture", "sale", "void", "refund"]
    amount: int
    parent_id: int | None
    created_at: int


@dataclass(frozen=True, slots=True)
class RefundLine:
    """Units of a line given back. ``subtotal`` holds ``tax`` where the shop's taxes are included."""

    id: int
    line: Line
    quantity: int
    subtotal: int
    tax: int
    restock_type: str


@dataclass(frozen=True, slots=True)
class ShippingBack:
    """Shipping given back: ``amount`` without its ``tax``."""

    shipping: Shipping
    amount: int
    tax: int


@dataclass(slots=True, eq=False)
class Refund:
    """A refund record. ``return_id`` is the return's that it belongs to, if to any.

    ``told_as`` says how the body tells of shipping: Shopify has listed it as order adjustments,
    as refund shipping lines, and as both.
    """

    id: int
    created_at: int
    lines: list[RefundLine]
    shipping_back: list[ShippingBack] = field(default_factory=list[ShippingBack])
    duties: int = 0
    discrepancy: int = 0
    cash_rounding: int = 0
    note: str | None = None
    restock: bool = False
    told_as: Literal["adjustments", "lines", "both"] = "adjustments"
    transactions: list[Transaction] = field(default_factory=list[Transaction])
    return_id: int | None = None

    @property
    def shipping(self) -> int:
        """All shipping given back, without the tax on it."""
        return sum(back.amount for back in self.shipping_back)

    @property
    def shipping_tax(self) -> int:
        """The tax on it."""
        return sum(back.tax for back in self.shipping_back)


@dataclass(slots=True, eq=False)
class Return:
    """Goods that came back in exchange for others: the ``lines`` that went out instead.

    ``asked`` is whether the buyer asked before, so that ``returns/*`` tell of it.
    """

    id: int
    name: str
    asked: bool
    lines: list[Line] = field(default_factory=list["Line"])


@dataclass(frozen=True, slots=True)
class Edit:
    """A committed order edit: (line, units) added and removed.

    ``unrecorded`` are those of the removals that left no refund record; ``unrecorded_shipping`` likewise.
    """

    id: int
    committed_at: int
    additions: list[tuple[Line, int]]
    removals: list[tuple[Line, int]]
    unrecorded: list[tuple[Line, int]] = field(default_factory=list["tuple[Line, int]"])
    shipping_additions: list[Shipping] = field(default_factory=list["Shipping"])
    shipping_removals: list[Shipping] = field(default_factory=list["Shipping"])
    unrecorded_shipping: list[Shipping] = field(default_factory=list["Shipping"])


@dataclass(slots=True, eq=False)
class Fulfillment:
    """A parcel on its way: (line, units)."""

    id: int
    created_at: int
    lines: list[tuple[Line, int]]
    number: int
    shipment_status: str | None = None
    updated_at: int | None = None
