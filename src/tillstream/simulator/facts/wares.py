"""Products and their variants."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tillstream.simulator.plan import TaxRate


@dataclass(slots=True, eq=False)
class Variant:
    """One variant of a product."""

    id: int
    title: str
    sku: str
    price: int
    compare_at_price: int | None
    inventory_item_id: int
    inventory_quantity: int
    position: int
    cost: int | None = None
    in_stock: bool | None = None


@dataclass(slots=True, eq=False)
class Product:
    """A product on sale, or taken off."""

    id: int
    title: str
    handle: str
    product_type: str
    option_name: str
    vendor: str
    variants: list[Variant]
    taxes: tuple[TaxRate, ...]
    gift_card: bool
    grams: int
    created_at: int
    updated_at: int
    status: str = "active"
    deleted: bool = False
    tags: list[str] = field(default_factory=list[str])
