"""What is answered about figures: of a range, along time, by the hour of the week; and what they are."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from tillstream.serve.buckets import Interval
from tillstream.serve.fields import (
    AnyMoment,
    AnyMoney,
    Count,
    Framed,
    KnownCount,
    KnownMoney,
    Moment,
    Money,
    Rate,
)


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
