"""What is answered about products and what is left of them."""

from __future__ import annotations

from pydantic import BaseModel, Field

from tillstream.serve.fields import AnyMoment, AnyMoney, Count, Framed, Money
from tillstream.serve.models import Cursor, Id


class Sold(BaseModel):
    """What was sold of something in the range, and what is left of it now."""

    units_sold: Count
    units_reversed: Count
    gross_sales: Money
    discounts: Money
    sales_reversals: Money
    net_sales: Money
    orders: Count = Field(description="Orders placed with it in them.")
    on_hand: int | None = Field(
        examples=[40], description="What all places have available; null where not tracked."
    )
    days_of_stock: float | None = Field(
        examples=[12.5],
        description="How long that lasts if it goes on selling so; null where nothing was sold.",
    )


class Product(Sold):
    """A product as the shop has it now, and what was sold of it in the range."""

    id: Id
    store: Id
    title: str | None = Field(examples=["Darjeeling"])
    handle: str | None = Field(examples=["darjeeling"])
    status: str | None = Field(examples=["active"])
    vendor: str | None = Field(examples=["Ada's Teas"])
    product_type: str | None = Field(examples=["Tea"])
    variants: Count
    lowest_price: AnyMoney
    highest_price: AnyMoney
    inventory: int | None = Field(examples=[40], description="As the variants themselves say.")
    created_at: AnyMoment
    updated_at: AnyMoment


class Products(Framed):
    """A page of products."""

    products: list[Product]
    next: Cursor


class StockedVariant(Sold):
    """A variant, what was sold of it in the range, and what is left."""

    variant_id: Id
    product_id: Id
    store: Id
    title: str | None = Field(examples=["Darjeeling"])
    variant_title: str | None = Field(examples=["100 g"])
    sku: str | None = Field(examples=["TEA-DAR-100"])
    price: AnyMoney
    cost: AnyMoney = Field(description="Of one unit.")
    value: AnyMoney = Field(description="What is on hand, at its cost.")


class StockSummary(BaseModel):
    """The stock of all variants."""

    variants: Count
    on_hand: Count
    value: AnyMoney = Field(description="At cost, of what has one.")
    out_of_stock: Count


class Inventory(Framed):
    """What is left of each variant."""

    summary: StockSummary
    variants: list[StockedVariant]
    next: Cursor
