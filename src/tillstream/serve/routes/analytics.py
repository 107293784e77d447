"""The figures, along time and by customer, and the lists behind them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Depends, Query
from pydantic import BeforeValidator

from tillstream.foundation.database import Connection
from tillstream.foundation.money import format_money
from tillstream.serve import models, questions
from tillstream.serve.buckets import Interval, fill_hours, sum_by_date
from tillstream.serve.context import SignedIn, Visit, parse_id
from tillstream.serve.cursors import CursorRefused, read_cursor, read_time_cursor, write_cursor
from tillstream.serve.figures import Buyers, Sums, buyers_of, figures_of, rate
from tillstream.serve.problems import CHOOSE_STORE, NOT_FOUND, ProblemFound, answers, invalid
from tillstream.serve.ranges import (
    Compare,
    Days,
    RangeRefused,
    choose_days,
    compared_with,
    local_today,
    start_of_day,
)
from tillstream.serve.scope import Scope, StoreNotHere, StoresDiffer, choose_scope

if TYPE_CHECKING:
    from collections.abc import Sequence

router = APIRouter(prefix="/api/analytics", tags=["analytics"], responses=answers(401, 404, 422))

MOST_POINTS: Final = 4_000
_POINTS_A_DAY: Final[dict[Interval, float]] = {"hour": 24, "day": 1, "week": 1 / 7, "month": 1 / 28}
_ISO_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LARGEST_ID: Final = 2**63 - 1


def _only_iso(value: object) -> object:
    # Numbers would otherwise be taken for seconds since 1970.
    if isinstance(value, str) and not _ISO_DATE.fullmatch(value):
        message = "Use a date such as 2026-03-01."
        raise ValueError(message)
    return value


LocalDate = Annotated[date, BeforeValidator(_only_iso)]


@dataclass(frozen=True)
class Question:
    """The parameters that all analytics calls take."""

    first: date | None
    last: date | None
    store: str | None


def _question(
    first: Annotated[
        LocalDate | None,
        Query(alias="from", description="First day, in the shop's time zone. Default: 30 days."),
    ] = None,
    last: Annotated[
        LocalDate | None, Query(alias="to", description="Last day, included. Default: today.")
    ] = None,
    store: Annotated[
        str | None,
        Query(description="A store's id. Needed where stores differ in currency or time zone."),
    ] = None,
) -> Question:
    return Question(first, last, store)


Asked = Annotated[Question, Depends(_question)]
Limit = Annotated[int, Query(ge=1, le=200, description="Rows on a page.")]
PageCursor = Annotated[
    str | None, Query(max_length=2000, description="The `next` of the page before.")
]


@router.get("/stats")
async def stats(asked: Asked, visit: SignedIn, compare: Compare = "previous") -> models.Stats:
    """The figures of a range of days, with those of an earlier period.

    `compare=previous` is as many days directly before, `year` the same dates a year earlier
    (29 February compares with 28 February). An account without stores gets zeros in USD and UTC.
    """
    async with visit.transaction(scope="analytics") as connection:
        scope, days, now = await _framed(connection, visit, asked)
        earlier = compared_with(days, compare)
        periods = [days] if earlier is None else [days, earlier]
        found = await questions.periods_of(connection, visit.tenant_id, scope.stores, periods)
    shown = [
        _period(scope, period, sums, buyers, now)
        for period, (sums, buyers) in zip(periods, found, strict=True)
    ]
    comparison = None if earlier is None else models.Period.model_validate(shown[1])
    return models.Stats.model_validate({**shown[0], "comparison": comparison})


def _period(
    scope: Scope, days: Days, sums: Sums, buyers: Buyers, now: datetime
) -> dict[str, object]:
    return {
        "currency": scope.currency,
        "timezone": scope.timezone,
        "from": days.first,
        "to": days.last,
        **figures_of(sums, scope.currency),
        **buyers_of(buyers),
        "as_of": now.astimezone(scope.zone),
    }


@router.get("/sales-over-time")
async def sales_over_time(
    asked: Asked, visit: SignedIn, interval: Interval = "day"
) -> models.SalesOverTime:
    """Every measure along time; buckets without any sale are there, with zeros.

    Weeks begin on Monday. The first week or month may begin before the range, but counts the
    range's days only. Days on which clocks change have 23 or 25 hours.
    """
    async with visit.transaction(scope="analytics") as connection:
        scope, days, _ = await _framed(connection, visit, asked)
        _refuse_too_fine(days, interval)
        points = await _points(connection, visit, scope, days, interval)
    shown = [{"start": start, **figures_of(sums, scope.currency)} for start, sums in points]
    return models.SalesOverTime.model_validate(
        {
            "interval": interval,
            "currency": scope.currency,
            "timezone": scope.timezone,
            "from": days.first,
            "to": days.last,
            "points": shown,
        }
    )


def _refuse_too_fine(days: Days, interval: Interval) -> None:
    if len(days) * _POINTS_A_DAY[interval] > MOST_POINTS:
        detail = (
            f"That is more than {MOST_POINTS} points: ask for a coarser interval or fewer days."
        )
        raise invalid("query.interval", detail)


async def _points(
    connection: Connection, visit: Visit, scope: Scope, days: Days, interval: Interval
) -> list[tuple[datetime, Sums]]:
    if interval == "hour":
        hours = await questions.sums_by_hour(connection, visit.tenant_id, scope.stores, days)
        filled = fill_hours(hours, days, scope.timezone, Sums())
        return [(start.astimezone(scope.zone), sums) for start, sums in filled]
    rows = await questions.sums_by_day(connection, visit.tenant_id, scope.stores, days)
    buckets = sum_by_date(rows, days, interval, Sums(), Sums.__add__)
    return [(start_of_day(start, scope.zone), sums) for start, sums in buckets]


@router.get("/top-customers")
async def top_customers(
    asked: Asked,
    visit: SignedIn,
    limit: Annotated[int, Query(ge=1, le=100, description="How many.")] = 10,
) -> models.TopCustomers:
    """Customers by lifetime value: what all their orders came to, whatever the range."""
    async with visit.transaction(scope="analytics") as connection:
        scope, _, _ = await _framed(connection, visit, asked)
        rows = await questions.top_customers_of(connection, visit.tenant_id, scope.stores, limit)
    return models.TopCustomers(
        currency=scope.currency,
        customers=[models.CustomerValue(**_customer(row, scope)) for row in rows],
    )


@router.get("/checkouts")
async def checkouts(
    asked: Asked,
    visit: SignedIn,
    stage: models.Stage | None = None,
    limit: Limit = 50,
    cursor: PageCursor = None,
) -> models.Checkouts:
    """Checkouts whose last activity lies in the range, the latest first, and what became of all.

    Stages: `open`, `abandoned` (idle longer than the store's window), `recovered` (completed after
    that), `converted` (completed without).
    """
    async with visit.transaction(scope="analytics") as connection:
        scope, days, _ = await _framed(connection, visit, asked)
        since, until = _instants(days, scope)
        at, token, after_store = _place_in(cursor, (str, int), (until, "", 0))
        values = {
            **_page(visit, scope, limit),
            "since": since,
            "until": until,
            "at": at,
            "token": token,
            "after_store": after_store,
        }
        rows = await questions.checkouts_of(connection, stage, values)
        found = await questions.periods_of(connection, visit.tenant_id, scope.stores, [days])
        still_open = await questions.open_checkouts_of(connection, values)
    page = rows[:limit]
    return models.Checkouts(
        currency=scope.currency,
        summary=_summary(found[0][0], still_open, scope),
        checkouts=[_checkout(row, scope) for row in page],
        next=write_cursor(page[-1][6], page[-1][0], page[-1][11]) if len(rows) > limit else None,
    )


def _summary(sums: Sums, still_open: int, scope: Scope) -> models.CheckoutSummary:
    return models.CheckoutSummary(
        open=still_open,
        abandoned=sums.abandoned_checkouts - sums.recovered_checkouts,
        recovered=sums.recovered_checkouts,
        converted=sums.converted_checkouts,
        abandoned_value=format_money(sums.abandoned_value, scope.currency),
        recovered_sales=format_money(sums.recovered_sales, scope.currency),
        recovered_checkout_rate=rate(sums.recovered_checkouts, sums.abandoned_checkouts),
    )


def _checkout(row: Sequence[Any], scope: Scope) -> models.Checkout:
    return models.Checkout(
        token=row[0],
        email=row[1],
        customer_name=row[2],
        total=format_money(row[3], scope.currency),
        currency=scope.currency,
        stage=row[4],
        started_at=_local(row[5], scope),
        last_active_at=row[6].astimezone(scope.zone),
        abandoned_at=_local(row[7], scope),
        recovered_at=_local(row[8], scope),
        recovery_url=row[9],
        order_name=row[10],
        store=str(row[11]),
    )


@router.get("/orders")
async def orders(
    asked: Asked, visit: SignedIn, limit: Limit = 50, cursor: PageCursor = None
) -> models.Orders:
    """Orders placed in the range, the latest first. Test orders are listed, but count nowhere."""
    async with visit.transaction(scope="analytics") as connection:
        scope, days, _ = await _framed(connection, visit, asked)
        since, until = _instants(days, scope)
        at, after = _place_in(cursor, (int,), (until, 0))
        values = {
            **_page(visit, scope, limit),
            "since": since,
            "until": until,
            "at": at,
            "id": after,
        }
        rows = await questions.orders_of(connection, values)
    page = rows[:limit]
    return models.Orders(
        currency=scope.currency,
        orders=[_order(row, scope) for row in page],
        next=write_cursor(page[-1][10], page[-1][0]) if len(rows) > limit else None,
    )


def _order(row: Sequence[Any], scope: Scope) -> models.Order:
    return models.Order(
        id=str(row[0]),
        name=row[1],
        email=row[2],
        customer_id=None if row[3] is None else str(row[3]),
        customer_name=_full_name(row[4], row[5]),
        financial_status=row[6],
        fulfillment_status=row[7],
        total_price=format_money(row[8], scope.currency),
        current_total_price=format_money(row[9], scope.currency),
        processed_at=row[10].astimezone(scope.zone),
        cancelled_at=_local(row[11], scope),
        test=row[12],
        store=str(row[13]),
    )


@router.get("/customers")
async def customers(
    asked: Asked, visit: SignedIn, limit: Limit = 50, cursor: PageCursor = None
) -> models.Customers:
    """All customers, the newest first, with what they have been worth, whatever the range."""
    async with visit.transaction(scope="analytics") as connection:
        scope, _, _ = await _framed(connection, visit, asked)
        values = {**_page(visit, scope, limit), "id": _id_in(cursor)}
        rows = await questions.customers_of(connection, values)
    page = rows[:limit]
    return models.Customers(
        currency=scope.currency,
        customers=[
            models.Customer(
                **_customer(row, scope), created_at=_local(row[8], scope), store=str(row[9])
            )
            for row in page
        ],
        next=write_cursor(page[-1][0]) if len(rows) > limit else None,
    )


def _customer(row: Sequence[Any], scope: Scope) -> dict[str, Any]:
    return {
        "id": str(row[0]),
        "name": _full_name(row[1], row[2]),
        "email": row[3],
        "orders": row[4],
        "total_spent": format_money(row[5], scope.currency),
        "first_order_at": _local(row[6], scope),
        "last_order_at": _local(row[7], scope),
    }


@router.get("/products")
async def products(
    asked: Asked, visit: SignedIn, limit: Limit = 50, cursor: PageCursor = None
) -> models.Products:
    """All products, the newest first, whatever the range."""
    async with visit.transaction(scope="analytics") as connection:
        scope, _, _ = await _framed(connection, visit, asked)
        values = {**_page(visit, scope, limit), "id": _id_in(cursor)}
        rows = await questions.products_of(connection, values)
    page = rows[:limit]
    return models.Products(
        currency=scope.currency,
        products=[_product(row, scope) for row in page],
        next=write_cursor(page[-1][0]) if len(rows) > limit else None,
    )


def _product(row: Sequence[Any], scope: Scope) -> models.Product:
    return models.Product(
        id=str(row[0]),
        title=row[1],
        handle=row[2],
        status=row[3],
        vendor=row[4],
        product_type=row[5],
        variants=row[6],
        lowest_price=None if row[7] is None else format_money(row[7], scope.currency),
        highest_price=None if row[8] is None else format_money(row[8], scope.currency),
        inventory=row[9],
        created_at=_local(row[10], scope),
        updated_at=_local(row[11], scope),
        store=str(row[12]),
    )


async def _framed(
    connection: Connection, visit: Visit, asked: Question
) -> tuple[Scope, Days, datetime]:
    """Which stores and days are asked about, and the moment of asking."""
    stores = await questions.stores_of(connection, visit.tenant_id)
    named = asked.store is not None
    now = visit.context.clock()
    try:
        scope = choose_scope(stores, parse_id(asked.store or ""), named=named)
        days = choose_days(asked.first, asked.last, local_today(now, scope.zone))
    except StoreNotHere as error:
        raise ProblemFound(NOT_FOUND, "There is no such store in this account.") from error
    except StoresDiffer as error:
        raise ProblemFound(CHOOSE_STORE, str(error), choices=_choices(error)) from error
    except RangeRefused as error:
        raise invalid(error.where, str(error)) from error
    return scope, days, now


def _choices(error: StoresDiffer) -> list[dict[str, str]]:
    return [
        {
            "id": str(store.id),
            "domain": store.domain,
            "currency": store.currency,
            "timezone": store.timezone,
        }
        for store in error.choices
    ]


def _page(visit: Visit, scope: Scope, limit: int) -> dict[str, object]:
    # One more than is shown tells whether there is a next page.
    return {"tenant": visit.tenant_id, "stores": list(scope.stores), "limit": limit + 1}


def _instants(days: Days, scope: Scope) -> tuple[datetime, datetime]:
    """The instant at which the days begin, and that at which they have ended, in UTC."""
    end = days.last + timedelta(days=1)
    return (
        start_of_day(days.first, scope.zone).astimezone(UTC),
        start_of_day(end, scope.zone).astimezone(UTC),
    )


def _place_in(
    cursor: str | None,
    kinds: tuple[type[str | int], ...],
    beginning: tuple[datetime | str | int, ...],
) -> tuple[Any, ...]:
    """The keys after which the page begins: those of the cursor, else ``beginning``."""
    if cursor is None:
        return beginning
    try:
        return read_time_cursor(cursor, kinds)
    except CursorRefused as error:
        raise invalid("query.cursor", str(error)) from error


def _id_in(cursor: str | None) -> int:
    if cursor is None:
        return _LARGEST_ID
    try:
        return int(read_cursor(cursor, (int,))[0])
    except CursorRefused as error:
        raise invalid("query.cursor", str(error)) from error


def _full_name(first: str | None, last: str | None) -> str:
    return " ".join(part for part in (first, last) if part)


def _local(moment: datetime | None, scope: Scope) -> datetime | None:
    return None if moment is None else moment.astimezone(scope.zone)
