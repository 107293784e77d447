"""Products and their variants: what was sold of them in a range, and what is left."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from tillstream.serve import panel_models as models
from tillstream.serve.asking import Limit, PageCursor, Question
from tillstream.serve.filters import UNFILTERED
from tillstream.serve.panels import first_page, list_answer, panel, panels
from tillstream.serve.questions.products import ProductSort, products_listing, sold_values

router = panels()


@panel(router, "/products", models.Products, dependencies=[UNFILTERED])
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
