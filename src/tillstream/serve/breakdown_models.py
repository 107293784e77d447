"""What is answered about sales by one thing that orders or lines differ in."""

from __future__ import annotations

from pydantic import BaseModel, Field

from tillstream.serve.fields import AnyMoney, Count, Framed, KnownMoney, Money, Rate
from tillstream.serve.models import Cursor
from tillstream.serve.questions.breakdown import Dimension


class BreakdownRow(BaseModel):
    """What was sold under one value."""

    value: str = Field(examples=["web"], description="Empty where it is not known.")
    label: str | None = Field(examples=["web"], description="A product's or collection's title.")
    gross_sales: Money
    discounts: Money
    sales_reversals: Money
    net_sales: Money
    shipping: KnownMoney
    taxes: Money
    duties: KnownMoney
    additional_fees: KnownMoney
    total_sales: Money
    share: Rate = Field(
        description="Of the `total_sales` of all rows added up, also those not on this page. By collection: "
        "of those of all lines, each once, also of products in none. Null where those are 0."
    )
    orders: int | None = Field(
        examples=[12], description="Orders placed with it; null by type and collection."
    )
    average_order_value: AnyMoney
    units_sold: Count
    units_reversed: Count


class Breakdown(Framed):
    """Sales by one thing that orders or lines differ in."""

    by: Dimension
    rows: list[BreakdownRow]
    next: Cursor
