"""What is answered about orders, and how long they took to be sent."""

from __future__ import annotations

from pydantic import BaseModel, Field

from tillstream.serve.fields import AnyId, AnyMoment, Count, Day, Framed, Moment, Money, Rate
from tillstream.serve.models import Cursor, Id


class Order(BaseModel):
    """An order as the shop has it now."""

    id: Id
    store: Id
    name: str | None = Field(examples=["#1001"])
    email: str | None = Field(examples=["eve@example.com"])
    customer_id: AnyId
    customer_name: str = Field(examples=["Eve Example"])
    financial_status: str | None = Field(examples=["paid"])
    fulfillment_status: str | None = Field(examples=["fulfilled"])
    total_price: Money
    current_total_price: Money
    processed_at: Moment
    cancelled_at: AnyMoment
    fulfilled_at: AnyMoment = Field(description="When its first parcel was sent.")
    test: bool
    channel: str | None = Field(examples=["web"])
    country: str | None = Field(examples=["DE"])
    region: str | None = Field(examples=["BE"])
    discount_codes: list[str] = Field(examples=[["WELCOME10"]])


class Orders(Framed):
    """A page of orders, the latest first."""

    orders: list[Order]
    next: Cursor


class FulfillmentDay(BaseModel):
    """How long the orders of some days took until they were sent."""

    orders: Count = Field(description="Placed, test orders left out.")
    fulfilled: Count = Field(description="Of those, the ones of which a parcel was sent.")
    median_hours: float | None = Field(
        examples=[20.5],
        description="In how many hours half of those fulfilled were sent. Times are counted in steps of a "
        "quarter of an hour up to 48 hours, of an hour up to 14 days and of a day beyond, and taken to be "
        "spread evenly over a step: it is as near to the true time as the step is wide.",
    )
    p90_hours: float | None = Field(
        examples=[49.0],
        description="In how many hours nine tenths of those fulfilled were sent, as the median.",
    )
    within_24_hours: Rate = Field(description="Of those fulfilled, to the order.")
    within_48_hours: Rate
    within_72_hours: Rate


class FulfillmentOfDay(FulfillmentDay):
    """The same of the orders placed on one day."""

    day: Day


class FulfillmentTimes(Framed, FulfillmentDay):
    """How long orders took from being placed until their first parcel was sent."""

    days: list[FulfillmentOfDay]
