"""What the panels answer. Fields that several answers share are named once, with an example."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from tillstream.serve.buckets import Interval
from tillstream.serve.models import Cursor, Id
from tillstream.serve.questions.breakdown import Dimension
from tillstream.serve.questions.segments import Group

Money = Annotated[
    str, Field(examples=["1234.50"], description="Decimal string in the answer's currency.")
]
KnownMoney = Annotated[
    str | None,
    Field(examples=["1234.50"], description="Decimal string; null where a filter hides it."),
]
AnyMoney = Annotated[str | None, Field(examples=["1234.50"])]
Count = Annotated[int, Field(examples=[12])]
KnownCount = Annotated[
    int | None, Field(examples=[12], description="Null where a filter hides it.")
]
Rate = Annotated[
    float | None, Field(examples=[0.25], description="From 0 to 1; null without a denominator.")
]
AnyId = Annotated[str | None, Field(examples=["1001"])]
Day = Annotated[date, Field(examples=["2026-03-01"])]
Moment = Annotated[datetime, Field(examples=["2026-03-01T09:30:00+01:00"])]
AnyMoment = Annotated[datetime | None, Field(examples=["2026-03-01T09:30:00+01:00"])]
Stage = Literal["open", "abandoned", "recovered", "converted"]
CustomerKind = Literal["none", "one_time", "repeat"]


class Framed(BaseModel):
    """What an answer is about."""

    model_config = ConfigDict(serialize_by_alias=True)

    currency: str = Field(examples=["EUR"])
    timezone: str = Field(examples=["Europe/Berlin"])
    from_: Day = Field(alias="from", serialization_alias="from")
    to: Day


class Figures(BaseModel):
    """The measures of some time; `GET /api/analytics/measures` says what each is."""

    total_sales: Money
    gross_sales: Money
    discounts: Money
    sales_reversals: Money
    net_sales: Money
    shipping: KnownMoney
    taxes: Money
    duties: KnownMoney
    additional_fees: KnownMoney
    gift_cards_sold: KnownMoney
    tips: KnownMoney
    orders: Count
    average_order_value: AnyMoney
    total_sales_per_order: AnyMoney
    net_sales_per_order: AnyMoney
    live_view_total_sales: KnownMoney
    units_sold: Count
    units_reversed: Count
    refund_adjustments: KnownMoney
    tax_in_prices: KnownMoney
    cash_rounding: KnownMoney
    checkouts: KnownCount
    abandoned_checkouts: KnownCount
    abandonments: KnownCount
    recovered_checkouts: KnownCount
    converted_checkouts: KnownCount
    recovered_checkout_rate: Rate
    recovered_sales: KnownMoney
    abandoned_value: KnownMoney
    inferred_recoveries: KnownCount
    inferred_recovered_sales: KnownMoney


class Period(Framed, Figures):
    """The figures of a range of days."""

    until: AnyMoment = Field(
        description="Where an earlier period was cut, as far into it as today is; else null."
    )
    customers: KnownCount
    new_customers: KnownCount
    returning_customers: KnownCount
    returning_customer_rate: Rate
    as_of: Moment


class Stats(Period):
    """The figures of a range of days, and those of an earlier period."""

    comparison: Period | None


class Point(Figures):
    """The measures of one bucket of time."""

    start: Moment


class SalesOverTime(Framed):
    """The measures along time; buckets without any are there, with zeros."""

    interval: Interval
    points: list[Point]


class CustomerValue(BaseModel):
    """What a customer has been worth."""

    id: Id
    store: Id
    name: str = Field(examples=["Eve Example"])
    email: str | None = Field(examples=["eve@example.com"])
    orders: Count
    total_spent: Money
    first_order_at: AnyMoment
    last_order_at: AnyMoment


class TopCustomers(Framed):
    """Customers by lifetime value."""

    customers: list[CustomerValue]
    next: Cursor


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


class Customer(CustomerValue):
    """A customer as the shop has them now."""

    created_at: AnyMoment
    kind: CustomerKind = Field(description="By how many orders: none, one, or more.")
    tags: list[str] = Field(examples=[["wholesale"]])
    account_state: str | None = Field(examples=["enabled"])


class Customers(Framed):
    """A page of customers, the newest first."""

    customers: list[Customer]
    next: Cursor


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
    share: Rate = Field(description="Of the total sales of all values; null where those are 0.")
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


class HeatMapCell(BaseModel):
    """An hour of the week."""

    weekday: int = Field(ge=1, le=7, examples=[1], description="1 is Monday.")
    hour: int = Field(ge=0, le=23, examples=[9], description="In the shop's time zone.")
    orders: Count
    gross_sales: Money
    net_sales: Money
    total_sales: Money
    units_sold: Count


class HeatMap(Framed):
    """The hours of the week, all 168, added up over the range."""

    cells: list[HeatMapCell]


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


class CohortPeriod(BaseModel):
    """What a cohort did in one month; 0 is that of the first orders."""

    period: int = Field(examples=[1])
    month: Day
    customers: Count = Field(description="Of the cohort, those who ordered in the month.")
    retention: Rate = Field(description="Those, of the whole cohort.")
    orders: Count = Field(description="In period 0 with repeated ones.")
    total_spent: Money
    spent_per_customer: Money = Field(description="Up to and with this month, over the cohort.")


class Cohort(BaseModel):
    """Customers by the month of their first order."""

    cohort: Day
    customers: Count
    repeat_orders: Count = Field(description="Beyond the first, in the month of the first.")
    orders: Count
    total_spent: Money
    periods: list[CohortPeriod]


class Cohorts(Framed):
    """Customers by the month of their first order, and what they did since."""

    cohorts: list[Cohort]


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


class MeasureOut(BaseModel):
    """What a figure is."""

    name: str = Field(examples=["net_sales"])
    label: str = Field(examples=["Net sales"])
    unit: Literal["money", "count", "rate"]
    adds: Literal["sum", "derived", "distinct"]
    definition: str = Field(examples=["Gross sales − discounts − sales reversals."])
    choice: str = Field(
        examples=[""], description="What Shopify leaves open, and what was chosen; else empty."
    )
    source: str = Field(examples=["https://help.shopify.com/en/manual/reports-and-analytics"])
    shown: bool = Field(description="Whether `stats` has it.")


class Measures(BaseModel):
    """All measures."""

    measures: list[MeasureOut]


class Segment(BaseModel):
    """A group of customers by how lately, how often and for how much they bought."""

    group: Group
    customers: Count
    share: Rate = Field(description="Of all customers.")
    orders: Count
    total_spent: Money
    spent_share: Rate = Field(description="Of what all customers spent.")


class ScoredCustomer(CustomerValue):
    """A customer of a group, with the scores that put them there; null without orders."""

    recency: int | None = Field(ge=1, le=5, examples=[5])
    frequency: int | None = Field(ge=1, le=5, examples=[4])
    monetary: int | None = Field(ge=1, le=5, examples=[5])


class CustomerSegments(Framed):
    """All eleven groups, and the customers of one where it was asked for."""

    segments: list[Segment]
    one_time: int = Field(ge=0, examples=[212], description="Customers with one order in all time.")
    repeat: int = Field(ge=0, examples=[96], description="Customers with two or more.")
    group: Group | None
    customers: list[ScoredCustomer]
    next: Cursor
