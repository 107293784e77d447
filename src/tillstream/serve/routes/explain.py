"""Why a number is what it is: the entries it is the sum of, and the deliveries behind an order."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Response

from tillstream.rollup.breakdown import MEASURES as BROKEN_DOWN
from tillstream.rollup.breakdown import read_lines
from tillstream.rollup.explain import PARTS, Parts
from tillstream.rollup.measures import MEASURES
from tillstream.serve import explain_models as models
from tillstream.serve.asking import Frame, Limit, PageCursor, Question
from tillstream.serve.context import SignedIn, parse_id
from tillstream.serve.figures import Buyers, Sums
from tillstream.serve.filters import AnyFilters, Filters
from tillstream.serve.forms import Place, in_json
from tillstream.serve.panels import first_page, list_answer, panel, panels
from tillstream.serve.problems import CHOOSE_STORE, NOT_FOUND, ProblemFound, answers, invalid
from tillstream.serve.questions.filtered import FilteredSums
from tillstream.serve.questions.ledger import (
    AMOUNTS,
    ENTRIES,
    HISTORY,
    OWNERS,
    PLACES,
    ledger_listing,
)
from tillstream.serve.questions.stores import StoreFrame, stores_of
from tillstream.serve.questions.sums import periods_of
from tillstream.serve.ranges import Period
from tillstream.serve.scope import choose_scope

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tillstream.foundation.database import Connection
    from tillstream.serve.forms import Kind
    from tillstream.serve.listing import Page

figures = panels()
orders = APIRouter(prefix="/api/orders", tags=["analytics"], responses=answers(401, 403, 404, 422))
router = APIRouter()

_MEASURES: Final = {measure.name: measure for measure in MEASURES}
_KINDS: Final[Mapping[str, Kind]] = {column.name: column.kind for column in AMOUNTS}


@panel(figures, "/ledger", models.Ledger)
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
    return all(_KINDS.get(name) == "money" for name in parts.numerator)


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
        "amounts": _amounts(row, place),
        "lines": _lines(row["lines"], place),
    }


def _amounts(amounts: Mapping[str, int], place: Place) -> dict[str, object]:
    """The measures that are not zero, as the API shows them."""
    return {
        name: in_json(kind, amounts[name], place)
        for name, kind in _KINDS.items()
        if amounts.get(name)
    }


def _lines(text: str | None, place: Place) -> list[dict[str, object]]:
    return [
        {
            "product_id": in_json("id", line.product_id, place),
            "variant_id": in_json("id", line.variant_id, place),
            "vendor": line.vendor,
            "amounts": _amounts(line.amounts, place),
        }
        for line in read_lines(text or "[]")
    ]


@orders.get("/{order_id}/history")
async def order_history(
    order_id: Annotated[str, Path(examples=["450789469"], description="Shopify's id.")],
    visit: SignedIn,
    store: Annotated[
        str | None,
        Query(examples=["42"], description="A store's id. Needed only where two have the order."),
    ] = None,
) -> models.OrderHistory:
    """The deliveries that made an order what it is, and what it adds to the figures.

    Each delivery names the fields of the order that it changed when it was applied: none where it
    came late or told nothing new. A delivery that came twice is here once. Transactions, parcels and
    returns of the order are named with their kind before the field, as in `fulfillment.status`.
    """
    key = parse_id(order_id)
    async with visit.transaction(scope="analytics") as connection:
        stores = await stores_of(connection, visit.tenant_id)
        chosen = [one for one in stores if store is None or str(one.id) == store]
        found = await _owner(connection, visit.tenant_id, chosen, key)
        owner, name = found
        place = Place(owner.currency, choose_scope([owner], owner.id, named=True).zone)
        asked = (visit.tenant_id, owner.id)
        told = await (await connection.execute(HISTORY, (*asked, key))).fetchall()
        entries = await (await connection.execute(ENTRIES, (*asked, str(key)))).fetchall()
    return models.OrderHistory.model_validate(
        {
            "id": str(key),
            "name": name,
            "store": str(owner.id),
            "currency": owner.currency,
            "timezone": owner.timezone,
            "deliveries": [_delivered(row, place) for row in told],
            "entries": [_own_entry(row, place) for row in entries],
        }
    )


async def _owner(
    connection: Connection, tenant_id: int, stores: Sequence[StoreFrame], key: int | None
) -> tuple[StoreFrame, str | None]:
    """The store that has the order, and the order's name."""
    ids = [one.id for one in stores]
    rows = await (await connection.execute(OWNERS, (ids, tenant_id, key))).fetchall()
    if not rows or key is None:
        raise ProblemFound(NOT_FOUND, "There is no such order in this account.")
    by_id = {one.id: one for one in stores}
    if len(rows) > 1:
        choices = [{**asdict(by_id[store_id]), "id": str(store_id)} for store_id, _ in rows]
        raise ProblemFound(
            CHOOSE_STORE, "Several stores have this order: name one.", choices=choices
        )
    [(store_id, name)] = rows
    return by_id[store_id], name


def _delivered(row: Sequence[Any], place: Place) -> dict[str, object]:
    webhook_id, topic, triggered_at, received_at, applied_at, changed = row
    return {
        "webhook_id": webhook_id,
        "topic": topic,
        "triggered_at": in_json("time", triggered_at, place),
        "received_at": in_json("time", received_at, place),
        "applied_at": in_json("time", applied_at, place),
        "changed": changed,
    }


def _own_entry(row: Sequence[Any], place: Place) -> dict[str, object]:
    kind, entry, at, day, customer_id, *amounts, lines = row
    return {
        "kind": kind,
        "entry": entry,
        "at": in_json("time", at, place),
        "day": day,
        "customer_id": in_json("id", customer_id, place),
        "amounts": _amounts(dict(zip(_KINDS, amounts, strict=True)), place),
        "lines": _lines(lines, place),
    }


router.include_router(figures)
router.include_router(orders)
