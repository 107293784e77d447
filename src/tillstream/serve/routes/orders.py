"""Orders one by one, and how long they took to be sent."""

from __future__ import annotations

from typing import Final

from fastapi import Response

from tillstream.serve import orders_models as models
from tillstream.serve.asking import Limit, PageCursor, Question
from tillstream.serve.filters import AnyFilters
from tillstream.serve.forms import Column, in_row
from tillstream.serve.panels import first_page, list_answer, panel, panels, table_answer
from tillstream.serve.problems import invalid
from tillstream.serve.questions.fulfillment import NO_TIMES, TIMES, times_of
from tillstream.serve.questions.orders import orders_listing

router = panels()

MOST_DAYS: Final = 4_000
_DAYS: Final = (Column("day", "date"), *TIMES)


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


@panel(router, "/fulfillment-times", models.FulfillmentTimes)
async def fulfillment_times(asked: Question) -> dict[str, object] | Response:
    """How long the orders placed in the range took until their first parcel was sent, and by day.

    Test orders are left out, and orders that were not sent yet have no time: those of the last days
    look quicker than they will turn out. Shares are exact. Median and ninth tenth are reckoned from
    steps: right to a quarter of an hour in the first two days, to an hour in two weeks, else to a day.
    """
    async with asked.opened() as (connection, frame):
        if len(frame.days) > MOST_DAYS:
            raise invalid("query.from", f"That is more than {MOST_DAYS} days: ask for fewer.")
        total, days = await times_of(connection, frame)
    rows = [[day, *days.get(day, NO_TIMES)] for day in frame.days]
    if asked.form != "json":
        return table_answer(asked, frame, "fulfillment-times", _DAYS, rows)
    shown = [in_row(_DAYS, row, frame.place) for row in rows]
    return {**frame.told, **in_row(TIMES, total, frame.place), "days": shown}
