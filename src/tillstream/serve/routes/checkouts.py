"""Checkouts one by one, and what became of all."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from tillstream.foundation.money import format_money
from tillstream.serve import checkouts_models as models
from tillstream.serve.asking import Frame, Limit, PageCursor, Question
from tillstream.serve.fields import Stage
from tillstream.serve.figures import Sums
from tillstream.serve.panels import first_page, list_answer, panel, panels
from tillstream.serve.questions.checkouts import checkouts_listing, open_checkouts_of
from tillstream.serve.questions.sums import periods_of
from tillstream.serve.ranges import Period

router = panels()


@panel(router, "/checkouts", models.Checkouts)
async def checkouts(
    asked: Question,
    stage: Annotated[
        Stage | None, Query(examples=["abandoned"], description="Only those that are so.")
    ] = None,
    *,
    twins: Annotated[
        bool,
        Query(
            examples=[False],
            description="Instead, those that others of the same shopper stand for.",
        ),
    ] = False,
    limit: Limit = 50,
    cursor: PageCursor = None,
) -> dict[str, object] | Response:
    """Checkouts whose last activity lies in the range, the latest first, and what became of all.

    Stages: `open`, `abandoned` (idle longer than the store's window), `recovered` (completed after
    that), `converted` (completed without). `inferred_order_id` is an order by which the shopper of an
    abandoned checkout probably bought after all; it makes it neither recovered nor part of the rate.
    Of several checkouts of one shopper at a time one is counted, and the others are its `twins`.
    """
    async with asked.opened() as (connection, frame):
        values = {**frame.values, "currency": frame.scope.currency, "stage": stage}
        listing = checkouts_listing(stage, twins=twins)
        page = await first_page(connection, asked, listing, values, (cursor, limit))
        period = Period(frame.days)
        [(sums, _)] = await periods_of(connection, frame.tenant_id, frame.scope, [period])
        still_open = await open_checkouts_of(connection, values)
    return list_answer(asked, frame, page, values, summary=_summary(sums, still_open, frame))


def _summary(sums: Sums, still_open: int, frame: Frame) -> dict[str, object]:
    currency = frame.scope.currency
    return {
        "open": still_open,
        "abandoned": sums.abandoned_checkouts - sums.recovered_checkouts,
        "recovered": sums.recovered_checkouts,
        "converted": sums.converted_checkouts,
        "abandoned_value": format_money(sums.abandoned_value, currency),
        "recovered_sales": format_money(sums.recovered_sales, currency),
        "recovered_checkout_rate": sums.recovered_checkout_rate,
        "abandonments": sums.abandonments,
        "inferred_recoveries": sums.inferred_recoveries,
        "inferred_recovered_sales": format_money(sums.inferred_recovered_sales, currency),
    }
