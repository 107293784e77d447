"""Why a number is what it is: the entries it is the sum of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import Query, Response

from tillstream.rollup.breakdown import MEASURES as BROKEN_DOWN
from tillstream.rollup.explain import PARTS, Parts
from tillstream.rollup.measures import MEASURES
from tillstream.serve import explain_models as models
from tillstream.serve.asking import Frame, Limit, PageCursor, Question
from tillstream.serve.entries import KINDS, amounts_shown, lines_shown
from tillstream.serve.figures import Buyers, Sums
from tillstream.serve.filters import AnyFilters, Filters
from tillstream.serve.forms import Place, in_json
from tillstream.serve.panels import first_page, list_answer, panel, panels
from tillstream.serve.problems import invalid
from tillstream.serve.questions.filtered import FilteredSums
from tillstream.serve.questions.ledger import PLACES, ledger_listing
from tillstream.serve.questions.sums import periods_of
from tillstream.serve.ranges import Period

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tillstream.foundation.database import Connection
    from tillstream.serve.forms import Kind
    from tillstream.serve.listing import Page

router = panels()

_MEASURES: Final = {measure.name: measure for measure in MEASURES}


@panel(router, "/ledger", models.Ledger)
async def ledger(
    asked: Question,
    filters: AnyFilters,
    measure: Annotated[
        str,
        Query(
            max_length=60,
            examples=["net_sales"],
            description="Which figure; `GET /api/analytics/measures` has them all.",
        ),
    ],
    limit: Limit = 50,
    cursor: PageCursor = None,
) -> dict[str, object] | Response:
    """The entries whose sum is a figure: of which order, what happened, when, and with what amounts.

    The amounts of all pages come to `total`, which is what `stats` answers for the same range, store
    and filters. Of a rate or an average they come to `numerator`, and the entries' denominators to
    `denominator`. Customers count by the one order that makes each of them count in the range. A
    page is found by the entries before it, so it stays right while others arrive.
    """
    parts = _parts(measure, filters)
    unit = _MEASURES[measure].unit
    async with asked.opened() as (connection, frame):
        sums, buyers = await _sums(connection, frame, filters)
        values = {
            **frame.values,
            "after": frame.days.hours_after,
            "before": frame.days.hours_before,
            **filters.wanted,
        }
        listing = ledger_listing("money" if _is_money(parts) else "count", parts, filters)
        page = await first_page(connection, asked, listing, values, (cursor, limit))
    answer = list_answer(asked, frame, page, values)
    if isinstance(answer, Response):
        return answer
    place = frame.place
    return {
        **answer,
        "measure": measure,
        "unit": unit,
        **_total(measure, parts, sums, buyers, place),
        "entries": [_entry(row, parts, place) for row in _rows(page)],
    }


def _parts(measure: str, filters: Filters) -> Parts:
    """What a measure is made of.

    Raises:
        ProblemFound: 422 if there is no such measure, or it is not known under these filters.
    """
    parts = PARTS.get(measure)
    if parts is None:
        raise invalid("query.measure", "There is no such measure: see /api/analytics/measures.")
    known = filters.known
    if known is not None and measure not in known and not parts.columns <= _UNSHOWN:
        names = " and ".join(sorted(filters.wanted))
        raise invalid("query.measure", f"This figure is not known by {names}. Leave that out.")
    return parts


# What breakdowns know, although no figure shows it under a filter.
_UNSHOWN: Final = frozenset(BROKEN_DOWN) & {"placed_gross", "placed_discounts", "customer_orders"}


def _is_money(parts: Parts) -> bool:
    return all(KINDS.get(name) == "money" for name in parts.numerator)


async def _sums(
    connection: Connection, frame: Frame, filters: Filters
) -> tuple[Sums, Buyers | None]:
    """The same sums as those that `stats` shows."""
    period = Period(frame.days)
    if filters.wanted:
        filtered = FilteredSums(connection, frame.tenant_id, frame.scope, filters)
        return await filtered.of_period(period), None
    [(sums, buyers)] = await periods_of(connection, frame.tenant_id, frame.scope, [period])
    return sums, buyers


def _total(
    measure: str, parts: Parts, sums: Sums, buyers: Buyers | None, place: Place
) -> dict[str, object]:
    """The figure, and of a quotient what it is the quotient of."""
    holder = sums if hasattr(sums, measure) else buyers
    unit = _MEASURES[measure].unit
    shown: Kind = "money" if unit == "money" else "count"
    total = in_json(shown, getattr(holder, measure, None), place)
    if not parts.denominator:
        return {"total": total, "numerator": None, "denominator": None}
    numerator, denominator = (
        _weighed(weights, sums, buyers) for weights in (parts.numerator, parts.denominator)
    )
    kind: Kind = "money" if _is_money(parts) else "count"
    return {
        "total": total,
        "numerator": in_json(kind, numerator, place),
        "denominator": denominator,
    }


def _weighed(weights: Mapping[str, int], sums: Sums, buyers: Buyers | None) -> int:
    return sum(
        weight * getattr(sums if hasattr(sums, name) else buyers, name)
        for name, weight in weights.items()
    )


def _rows(page: Page) -> list[dict[str, Any]]:
    names = [column.name for column in page.listing.columns]
    return [dict(zip(names, row, strict=True)) for row in page.shown]


def _entry(row: Mapping[str, Any], parts: Parts, place: Place) -> dict[str, object]:
    return {
        **{column.name: in_json(column.kind, row[column.name], place) for column in PLACES},
        "amount": in_json("money" if _is_money(parts) else "count", row["amount"], place),
        "denominator": row["denominator"] if parts.denominator else None,
        "amounts": amounts_shown(row, place),
        "lines": lines_shown(row["lines"], place),
    }
