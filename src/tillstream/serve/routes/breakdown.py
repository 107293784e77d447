"""Sales told apart by what orders and their lines are."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from tillstream.serve import breakdown_models as models
from tillstream.serve.asking import Limit, PageCursor, Question
from tillstream.serve.filters import AnyFilters
from tillstream.serve.listing import page_of
from tillstream.serve.panels import first_page, list_answer, panel, panels
from tillstream.serve.problems import invalid
from tillstream.serve.questions.breakdown import (
    OF_PRODUCTS,
    BreakdownSort,
    Dimension,
    breakdown_listing,
    breakdown_values,
)
from tillstream.serve.questions.collections import collection_rows

router = panels()


@panel(router, "/breakdown", models.Breakdown)
async def breakdown(
    asked: Question,
    filters: AnyFilters,
    by: Annotated[
        Dimension, Query(examples=["channel"], description="What sales are told apart by.")
    ],
    sort: Annotated[
        BreakdownSort, Query(examples=["orders"], description="Of what there is most at the top.")
    ] = "total_sales",
    limit: Limit = 50,
    cursor: PageCursor = None,
) -> dict[str, object] | Response:
    """Sales of the range by one thing that orders or their lines differ in.

    `value` is empty where it is not known. By product, variant, vendor, type and collection it is
    lines that are told apart: shipping, duties and fees belong to none and are null. An order with
    two discount codes counts under each, and a product in two collections, too.

    `share` is of the `total_sales` of all rows added up: by discount code an order with two codes is
    twice in that sum, one without is once, so it may be more than the store's. By collection it is of
    those of all lines, each once, also of products in none: shares may add up to more or less than 1.

    Sales by collection are those of smart collections: who is in a manual (custom) one is told by
    no webhook, so those have no rows until an import reads their members.
    """
    if sort == "orders" and by in OF_PRODUCTS:
        raise invalid("query.sort", "Orders are not known by it: one may hold several products.")
    async with asked.opened() as (connection, frame):
        values = breakdown_values(frame, by, filters)
        listing = breakdown_listing(by, sort, filters)
        if by == "collection":
            rows = await collection_rows(connection, values, sort, filters)
            page = page_of(listing, rows, cursor, limit if asked.form == "json" else len(rows))
        else:
            page = await first_page(connection, asked, listing, values, (cursor, limit))
    return list_answer(asked, frame, page, values, by=by)
