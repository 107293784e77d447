"""Products and their variants: what was sold of them in a range, and what is left."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Query, Response

from tillstream.serve import products_models as models
from tillstream.serve.asking import Limit, PageCursor, Question
from tillstream.serve.forms import Column, in_row
from tillstream.serve.panels import first_page, list_answer, panel, panels
from tillstream.serve.questions.products import (
    ProductSort,
    StockSort,
    products_listing,
    sold_values,
    stock_summary,
    variants_listing,
)

router = panels()

_SUMMARY: Final = (
    Column("variants", "count"),
    Column("on_hand", "count"),
    Column("value", "money"),
    Column("out_of_stock", "count"),
)


@panel(router, "/products", models.Products)
async def products(
    asked: Question,
    sort: Annotated[
        ProductSort,
        Query(
            examples=["units_sold"], description="What comes first: the most, but `days_of_stock`."
        ),
    ] = "newest",
    limit: Limit = 50,
    cursor: PageCursor = None,
) -> dict[str, object] | Response:
    """All products, with what was sold of them in the range and what is left.

    `on_hand` is what all places have available; null where it is not tracked. `days_of_stock` is for
    how long that lasts if it goes on selling as in the range; null where nothing was sold.
    """
    async with asked.opened() as (connection, frame):
        values = sold_values(frame, "product")
        listing = products_listing(sort)
        page = await first_page(connection, asked, listing, values, (cursor, limit))
    return list_answer(asked, frame, page, values)


@panel(router, "/inventory", models.Inventory)
async def inventory(
    asked: Question,
    sort: Annotated[
        StockSort,
        Query(examples=["on_hand"], description="What comes first: the most, but `days_of_stock`."),
    ] = "days_of_stock",
    limit: Limit = 50,
    cursor: PageCursor = None,
) -> dict[str, object] | Response:
    """What is left of each variant and how long it lasts, those first that run out first.

    What was sold is that of the range; stock and cost are those of now.
    """
    async with asked.opened() as (connection, frame):
        values = sold_values(frame, "variant")
        listing = variants_listing(sort)
        page = await first_page(connection, asked, listing, values, (cursor, limit))
        summary = await stock_summary(connection, values)
    told = in_row(_SUMMARY, summary, frame.place)
    return list_answer(asked, frame, page, values, summary=told)
