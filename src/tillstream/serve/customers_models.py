"""What is answered about customers, cohorts of them, and groups."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from tillstream.serve.fields import AnyMoment, Count, Day, Framed, Money, Rate
from tillstream.serve.models import Cursor, Id
from tillstream.serve.questions.segments import Group

CustomerKind = Literal["none", "one_time", "repeat"]


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
