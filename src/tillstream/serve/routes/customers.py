"""Customers one by one: those worth most, and all of them."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Query, Response

from tillstream.serve import customers_models as models
from tillstream.serve.asking import Limit, PageCursor, Question
from tillstream.serve.forms import in_row
from tillstream.serve.panels import first_page, list_answer, panel, panels, table_answer
from tillstream.serve.questions.cohorts import COHORT, PERIOD, cohorts_of
from tillstream.serve.questions.customers import TOP_CUSTOMERS, customers_listing
from tillstream.serve.questions.segments import (
    SEGMENTS,
    Group,
    member_values,
    members_listing,
    repeats,
    segment_rows,
)

router = panels()

# Eleven months and as much of this one as there is.
_YEAR: Final = 335


@panel(router, "/top-customers", models.TopCustomers)
async def top_customers(
    asked: Question,
    limit: Annotated[int, Query(ge=1, le=100, examples=[10], description="How many.")] = 10,
    cursor: PageCursor = None,
) -> dict[str, object] | Response:
    """Customers by lifetime value: what all their orders came to, whatever the range."""
    async with asked.opened() as (connection, frame):
        values = frame.values
        page = await first_page(connection, asked, TOP_CUSTOMERS, values, (cursor, limit))
    return list_answer(asked, frame, page, values)


@panel(router, "/customers", models.Customers)
async def customers(
    asked: Question,
    kind: Annotated[
        models.CustomerKind | None,
        Query(examples=["repeat"], description="Only those with one order, with more, or none."),
    ] = None,
    limit: Limit = 50,
    cursor: PageCursor = None,
) -> dict[str, object] | Response:
    """All customers, the newest first, with what they have been worth, whatever the range.

    Customers that Shopify merged into another one are that one, and are not listed.
    """
    async with asked.opened() as (connection, frame):
        values = frame.values
        listing = customers_listing(kind)
        page = await first_page(connection, asked, listing, values, (cursor, limit))
    return list_answer(asked, frame, page, values)


@panel(router, "/cohorts", models.Cohorts)
async def cohorts(asked: Question) -> dict[str, object] | Response:
    """Customers by the month of their first order, and what they ordered in each month since.

    The range picks the cohorts: those of the months it touches, by default the last twelve. A
    customer is in exactly one; period 0 is the month of the first order and holds repeated orders.
    Amounts are those of the ledger: what is refunded later counts in the month of the refund.
    """
    async with asked.opened(usual_days=_YEAR) as (connection, frame):
        found = await cohorts_of(connection, frame)
    if asked.form != "json":
        rows = [[one.summary[0], *period] for one in found for period in one.periods]
        columns = (COHORT[0], *PERIOD)
        return table_answer(asked, frame, "cohorts", columns, rows)
    place = frame.place
    shown = [
        {
            **in_row(COHORT, one.summary, place),
            "periods": [in_row(PERIOD, period, place) for period in one.periods],
        }
        for one in found
    ]
    return {**frame.told, "cohorts": shown}


@panel(router, "/customer-segments", models.CustomerSegments)
async def customer_segments(
    asked: Question,
    group: Annotated[
        Group | None, Query(examples=["champions"], description="Whose customers to list.")
    ] = None,
    limit: Limit = 50,
    cursor: PageCursor = None,
) -> dict[str, object] | Response:
    """Customers in eleven groups by recency, frequency and monetary value, whatever the range.

    Each of the three is scored from 1 to 5 by the fifths of the store's own customers, 5 for the top
    one; equals share a score. Prospects have no orders. `group` lists its customers, those first who
    spent most; a file is of the groups, or of those customers.
    """
    async with asked.opened() as (connection, frame):
        if group is None:
            rows = await segment_rows(connection, frame)
            if asked.form != "json":
                return table_answer(asked, frame, "customer-segments", SEGMENTS, rows)
            segments = [in_row(SEGMENTS, row, frame.place) for row in rows]
            nobody: list[object] = []
            told = {"segments": segments, "group": None, "customers": nobody, "next": None}
            return {**frame.told, **told, **await repeats(connection, frame)}
        values = await member_values(connection, frame, group)
        page = await first_page(connection, asked, members_listing(group), values, (cursor, limit))
        rows = await segment_rows(connection, frame) if asked.form == "json" else []
        counts = await repeats(connection, frame)
    segments = [in_row(SEGMENTS, row, frame.place) for row in rows]
    return list_answer(asked, frame, page, values, segments=segments, group=group, **counts)
