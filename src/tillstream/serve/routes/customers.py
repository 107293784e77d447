"""Customers one by one: those worth most, and all of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from tillstream.serve import panel_models as models
from tillstream.serve.asking import Limit, PageCursor, Question
from tillstream.serve.filters import UNFILTERED
from tillstream.serve.panels import first_page, list_answer, panel, panels
from tillstream.serve.questions.customers import TOP_CUSTOMERS, customers_listing

router = panels()


@panel(router, "/top-customers", models.TopCustomers, dependencies=[UNFILTERED])
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


@panel(router, "/customers", models.Customers, dependencies=[UNFILTERED])
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
