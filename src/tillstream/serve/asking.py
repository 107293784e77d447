"""What all analytics calls ask: which store, which days, and in what form."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import Depends, Query, Request
from pydantic import BeforeValidator

from tillstream.foundation.database import Connection
from tillstream.serve.context import SignedIn, Visit, parse_id
from tillstream.serve.forms import Form, Place, choose_form
from tillstream.serve.problems import CHOOSE_STORE, NOT_FOUND, ProblemFound, invalid
from tillstream.serve.questions.stores import stores_of
from tillstream.serve.ranges import (
    DEFAULT_DAYS,
    Days,
    RangeRefused,
    choose_days,
    local_today,
    parts_of,
    start_of_day,
)
from tillstream.serve.scope import Scope, StoreNotHere, StoresDiffer, choose_scope

_ISO_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _only_iso(value: object) -> object:
    # Numbers would otherwise be taken for seconds since 1970.
    if isinstance(value, str) and not _ISO_DATE.fullmatch(value):
        message = "Use a date such as 2026-03-01."
        raise ValueError(message)
    return value


LocalDate = Annotated[date, BeforeValidator(_only_iso)]


@dataclass(frozen=True)
class Frame:
    """The stores and days a question is about, and the moment of asking."""

    tenant_id: int
    scope: Scope
    days: Days
    now: datetime

    @property
    def place(self) -> Place:
        """The currency and the zone of the answer."""
        return Place(self.scope.currency, self.scope.zone)

    @property
    def values(self) -> dict[str, Any]:
        """What statements take: tenant, stores, days, and the instants since and until."""
        since, until = instants(self.days, self.scope)
        return {
            "tenant": self.tenant_id,
            "stores": list(self.scope.stores),
            "first": self.days.first,
            "last": self.days.last,
            "since": since,
            "until": until,
        }

    @property
    def parts(self) -> dict[str, Any]:
        """What statements take that read days and months: signs, grains and parts."""
        parts = parts_of(self.days, self.today)
        return {
            "signs": [part.sign for part in parts],
            "grains": [part.grain for part in parts],
            "parts": [part.day for part in parts],
        }

    @property
    def today(self) -> date:
        """The date where the stores are."""
        return local_today(self.now, self.scope.zone)

    @property
    def told(self) -> dict[str, object]:
        """What every answer about days says of them."""
        return {
            "currency": self.scope.currency,
            "timezone": self.scope.timezone,
            "from": self.days.first,
            "to": self.days.last,
        }


@dataclass(frozen=True)
class Asked:
    """An analytics call: who asks, about what, and in what form the answer is to be."""

    visit: Visit
    first: date | None
    last: date | None
    store: str | None
    form: Form

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Connection]:
        """A transaction of the caller's, of one moment: totals go with the rows beside them.

        Files take another scope of API keys than answers, and are noted in the audit log.
        """
        answered = self.form == "json"
        scope = "analytics" if answered else "exports"
        async with self.visit.snapshot(scope=scope, read_only=answered) as connection:
            yield connection

    @asynccontextmanager
    async def opened(
        self, *, usual_days: int = DEFAULT_DAYS
    ) -> AsyncGenerator[tuple[Connection, Frame]]:
        """The call's transaction, and what it is about.

        Args:
            usual_days: how many days, up to today, are meant where nothing was said.

        Raises:
            ProblemFound: 401 or 403 as ``Visit.transaction`` has it; 404 for a store that is not
                the account's; 422 for a range that is none, or stores that cannot be added up.
        """
        async with self.transaction() as connection:
            yield connection, await self._frame(connection, usual_days)

    async def _frame(self, connection: Connection, usual_days: int) -> Frame:
        stores = await stores_of(connection, self.visit.tenant_id)
        now = self.visit.context.clock()
        try:
            scope = choose_scope(stores, parse_id(self.store or ""), named=self.store is not None)
            today = local_today(now, scope.zone)
            days = choose_days(self.first, self.last, today, usual_days)
        except StoreNotHere as error:
            raise ProblemFound(NOT_FOUND, "There is no such store in this account.") from error
        except StoresDiffer as error:
            raise ProblemFound(CHOOSE_STORE, str(error), choices=_choices(error)) from error
        except RangeRefused as error:
            raise invalid(error.where, str(error)) from error
        return Frame(self.visit.tenant_id, scope, days, now)


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


def instants(days: Days, scope: Scope) -> tuple[datetime, datetime]:
    """The instant at which the days begin, and that at which they have ended, in UTC."""
    end = days.last + timedelta(days=1)
    return (
        start_of_day(days.first, scope.zone).astimezone(UTC),
        start_of_day(end, scope.zone).astimezone(UTC),
    )


def _asked(
    request: Request,
    visit: SignedIn,
    first: Annotated[
        LocalDate | None,
        Query(
            alias="from",
            examples=["2026-03-01"],
            description="First day, in the shop's time zone. Default: 30 days.",
        ),
    ] = None,
    last: Annotated[
        LocalDate | None,
        Query(
            alias="to", examples=["2026-03-31"], description="Last day, included. Default: today."
        ),
    ] = None,
    store: Annotated[
        str | None,
        Query(
            examples=["42"],
            description="A store's id. Needed where stores differ in currency or time zone.",
        ),
    ] = None,
) -> Asked:
    form = choose_form(request.url.path, request.headers.get("accept"))
    return Asked(visit, first, last, store, form)


def _plainly(request: Request, visit: SignedIn) -> Asked:
    form = choose_form(request.url.path, request.headers.get("accept"))
    return Asked(visit, None, None, None, form)


Question = Annotated[Asked, Depends(_asked)]
PlainQuestion = Annotated[Asked, Depends(_plainly)]
"""A call that is about no store and no days."""
Limit = Annotated[
    int, Query(ge=1, le=200, examples=[50], description="Rows on a page; files have all rows.")
]
PageCursor = Annotated[
    str | None,
    Query(
        max_length=2000,
        examples=["WyJvcmRlcnMiLDFd"],
        description="The `next` of the page before.",
    ),
]
