"""What the calls answer that are about one order."""

from __future__ import annotations

from pydantic import BaseModel, Field

from tillstream.serve.explain_models import Entry
from tillstream.serve.fields import (
    AnyId,
    AnyMoment,
    AnyMoney,
    Count,
    Moment,
    Money,
    Stage,
)
from tillstream.serve.models import Id
from tillstream.serve.orders_models import Order


class OrderLine(BaseModel):
    """A line of an order."""

    id: Id
    product_id: AnyId
    variant_id: AnyId
    title: str | None = Field(examples=["Darjeeling"])
    variant_title: str | None = Field(examples=["250 g"])
    sku: str | None = Field(examples=["DAR-250"])
    vendor: str | None = Field(examples=["Ada's Teas"])
    quantity: Count = Field(description="As it was ordered.")
    current_quantity: int | None = Field(
        examples=[1], description="What edits and refunds left of it; null if no delivery told."
    )
    price: Money = Field(description="Of one unit.")
    discount: Money = Field(description="Of all units.")
    tax: Money = Field(description="Of all units.")
    gift_card: bool
    tip: bool


class OrderRefund(BaseModel):
    """Money that went back."""

    id: Id
    processed_at: AnyMoment
    subtotal: Money = Field(description="Of lines.")
    tax: Money
    shipping: Money


class OrderFulfillment(BaseModel):
    """A parcel of an order."""

    id: Id
    name: str | None = Field(examples=["#1001.1"])
    status: str | None = Field(examples=["success"])
    shipment_status: str | None = Field(examples=["delivered"])
    created_at: AnyMoment
    updated_at: AnyMoment


class OrderCustomer(BaseModel):
    """Who ordered, and what they come to in this store by now."""

    id: Id = Field(description="Who they are by now, where customers were merged.")
    name: str = Field(examples=["Eve Example"])
    email: str | None = Field(examples=["eve@example.com"])
    orders: Count
    total_spent: Money
    first_order_at: AnyMoment
    last_order_at: AnyMoment


class OrderCheckout(BaseModel):
    """A checkout that has to do with an order."""

    token: str = Field(examples=["bd5a8aa1ecd019dd3520ff791ee3a24c"])
    stage: Stage
    total: Money
    started_at: Moment
    abandoned_at: AnyMoment
    recovered_at: AnyMoment
    completed_at: AnyMoment


class OneOrder(Order):
    """An order as the shop has it now, with what belongs to it."""

    currency: str = Field(
        examples=["EUR"], description="That of all amounts: the shop's when it was placed."
    )
    timezone: str = Field(examples=["Europe/Berlin"])
    presentment_currency: str | None = Field(
        examples=["USD"], description="What the customer paid in."
    )
    total_price_presentment: AnyMoney = Field(description="`total_price` in that currency.")
    subtotal_price: Money
    total_discounts: Money
    total_tax: Money
    taxes_included: bool
    created_at: AnyMoment
    updated_at: AnyMoment
    closed_at: AnyMoment
    cancel_reason: str | None = Field(examples=[None])
    deleted: bool
    referrer: str | None = Field(examples=["google.com"])
    landing: str | None = Field(examples=["/collections/all"])
    lines: list[OrderLine]
    refunds: list[OrderRefund] = Field(description="By time.")
    fulfillments: list[OrderFulfillment] = Field(description="Its parcels, by time.")
    customer: OrderCustomer | None
    checkout: OrderCheckout | None = Field(description="The one that it completed.")
    recovered: bool = Field(description="Whether that checkout had been abandoned before.")
    inferred_checkout: OrderCheckout | None = Field(
        description="Another one, abandoned by the same customer, that it may stand for: never in the rate."
    )


class Delivered(BaseModel):
    """A delivery that spoke of the order."""

    webhook_id: str = Field(examples=["b54557e4-bdd9-4b37-8a5f-bf7d70bcd043"])
    topic: str = Field(examples=["orders/updated"])
    triggered_at: AnyMoment = Field(description="When Shopify says that it happened.")
    received_at: Moment
    applied_at: Moment
    changed: list[str] = Field(
        examples=[["financial_status", "updated_at"]],
        description="The fields of the order that it changed; none where it came late or told nothing new.",
    )


class OrderHistory(BaseModel):
    """What made an order what it is, and what it adds to the figures."""

    id: Id
    name: str | None = Field(examples=["#1001"])
    store: Id
    currency: str = Field(examples=["EUR"])
    timezone: str = Field(examples=["Europe/Berlin"])
    deliveries: list[Delivered] = Field(description="In the order in which they were applied.")
    entries: list[Entry] = Field(description="By time. None of a test order, or a deleted one.")
