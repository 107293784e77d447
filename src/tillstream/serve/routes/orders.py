"""Orders one by one, and how long they took to be sent."""

from __future__ import annotations

from fastapi import Response

from tillstream.serve import panel_models as models
from tillstream.serve.asking import Limit, PageCursor, Question
from tillstream.serve.filters import AnyFilters
from tillstream.serve.panels import first_page, list_answer, panel, panels
from tillstream.serve.questions.orders import orders_listing

router = panels()


@panel(router, "/orders", models.Orders)
async def orders(
    asked: Question, filters: AnyFilters, limit: Limit = 50, cursor: PageCursor = None
) -> dict[str, object] | Response:
    """Orders placed in the range, the latest first. Test orders are listed, but count nowhere."""
    async with asked.opened() as (connection, frame):
        values = {**frame.values, **filters.wanted}
        listing = orders_listing(filters)
        page = await first_page(connection, asked, listing, values, (cursor, limit))
    return list_answer(asked, frame, page, values)
