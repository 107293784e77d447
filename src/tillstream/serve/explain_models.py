"""What the calls answer that say why a figure is what it is."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from tillstream.serve.fields import AnyId, Day, Framed, Moment
from tillstream.serve.models import Cursor, Id

Kind = Literal["placement", "edit", "refund", "cancellation", "checkout", "abandonment"]
Amount = Annotated[
    str | int,
    Field(
        examples=["12.50"], description="Money is a decimal string, what is counted is a number."
    ),
]
Amounts = Annotated[
    dict[str, str | int],
    Field(
        examples=[{"gross_sales": "20.00", "discounts": "2.50", "orders": 1}],
        description="Every additive measure that is not zero.",
    ),
]


class EntryLine(BaseModel):
    """What a line of the order has of an entry's amounts."""

    product_id: AnyId
    variant_id: AnyId
    vendor: str | None = Field(examples=["Ada's Teas"])
    amounts: Amounts


class Entry(BaseModel):
    """A line of the ledger: what an order or a checkout adds to the measures, and when."""

    kind: Kind
    entry: str = Field(
        examples=["refund:509562969"], description="Its kind, and which of that kind."
    )
    at: Moment
    day: Day = Field(description="In the shop's time zone: the day on which it counts.")
    customer_id: AnyId = Field(description="Whose it is by now, where customers were merged.")
    amounts: Amounts
    lines: list[EntryLine] = Field(
        description="By line. What they leave over of the amounts belongs to no line, such as shipping."
    )


class FigureEntry(Entry):
    """An entry, and what it has of the figure."""

    order_id: AnyId
    order_name: str | None = Field(examples=["#1001"])
    checkout_token: str | None = Field(examples=[None])
    store: Id
    amount: Amount
    denominator: int | None = Field(
        examples=[None], description="What it adds to what a rate or an average is divided by."
    )


class Ledger(Framed):
    """The entries whose sum is a figure, the latest first."""

    measure: str = Field(examples=["net_sales"])
    unit: Literal["money", "count", "rate"]
    total: str | int | float | None = Field(
        examples=["1234.50"], description="The figure, as `stats` has it, of all pages."
    )
    numerator: str | int | None = Field(
        examples=[None],
        description="Of a rate or an average: what the amounts of all entries come to.",
    )
    denominator: int | None = Field(
        examples=[None], description="And what their denominators come to."
    )
    entries: list[FigureEntry]
    next: Cursor
