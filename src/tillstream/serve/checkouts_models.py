"""What is answered about checkouts."""

from __future__ import annotations

from pydantic import BaseModel, Field

from tillstream.serve.fields import AnyId, AnyMoment, Count, Framed, Moment, Money, Rate, Stage
from tillstream.serve.models import Cursor, Id


class CheckoutSummary(BaseModel):
    """The range's checkouts by what became of them."""

    open: Count = Field(description="Started in the range and neither abandoned nor completed yet.")
    abandoned: Count = Field(description="Abandoned in the range and not recovered since.")
    recovered: Count = Field(description="Abandoned in the range and completed afterwards.")
    converted: Count = Field(description="Started in the range and completed without a break.")
    abandoned_value: Money
    recovered_sales: Money
    recovered_checkout_rate: Rate
    abandonments: Count = Field(description="How often a window ran out, one checkout's all told.")
    inferred_recoveries: Count = Field(
        description="Abandoned, but the shopper bought by another checkout soon after; not in the rate."
    )
    inferred_recovered_sales: Money


class Checkout(BaseModel):
    """A checkout of a shopper whose contact details are known."""

    token: str = Field(examples=["bd5a8aa1ecd019dd3520ff791ee3a24c"])
    store: Id
    email: str | None = Field(examples=["eve@example.com"])
    customer_id: AnyId
    customer_name: str | None = Field(examples=["Eve Example"])
    total: Money
    currency: str = Field(examples=["EUR"])
    stage: Stage
    started_at: AnyMoment
    last_active_at: Moment
    abandoned_at: AnyMoment
    abandonments: Count = Field(description="How often the window ran out on it.")
    recovered_at: AnyMoment
    completed_at: AnyMoment
    recovery_url: str | None = Field(examples=["https://ada-teas.example/checkouts/ac/bd5a"])
    order_id: AnyId
    order_name: str | None = Field(examples=["#1001"])
    counted: bool = Field(description="Whether it is in the figures: a twin is not.")
    twin_of: str | None = Field(
        examples=[None], description="The same shopper's checkout that is counted in its place."
    )
    inferred_order_id: AnyId = Field(
        description="An order by which the shopper probably bought after all."
    )
    inferred_order_name: str | None = Field(examples=["#1002"])
    inferred_at: AnyMoment


class Checkouts(Framed):
    """A page of checkouts, the latest active first."""

    summary: CheckoutSummary
    checkouts: list[Checkout]
    next: Cursor
