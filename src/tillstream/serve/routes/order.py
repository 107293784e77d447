"""One order: what it is now, and the deliveries that made it so."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, LiteralString

from fastapi import APIRouter, Depends, Path, Query, Response

from tillstream.foundation.database import Connection
from tillstream.serve import order_models as models
from tillstream.serve.asking import Asked, PlainQuestion
from tillstream.serve.context import parse_id
from tillstream.serve.entries import KINDS, amounts_shown, lines_shown
from tillstream.serve.export import file_answer
from tillstream.serve.forms import Column, Place, in_json, in_row
from tillstream.serve.panels import once, panel
from tillstream.serve.parameters import ONLY_KNOWN, query_answers
from tillstream.serve.problems import CHOOSE_STORE, NOT_FOUND, ProblemFound
from tillstream.serve.questions import order as questions
from tillstream.serve.questions.stores import StoreFrame, stores_of
from tillstream.serve.scope import choose_scope

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

router = APIRouter(
    prefix="/api/orders",
    tags=["analytics"],
    dependencies=[ONLY_KNOWN],
    responses=query_answers(401, 403, 404),
)


@dataclass(frozen=True)
class Owned:
    """An order of the account, in the call's transaction."""

    connection: Connection
    tenant_id: int
    order_id: int
    name: str | None
    store: StoreFrame

    @property
    def place(self) -> Place:
        """The currency and the zone of the store."""
        zone = choose_scope([self.store], self.store.id, named=True).zone
        return Place(self.store.currency, zone)

    async def rows(self, statement: LiteralString) -> list[tuple[Any, ...]]:
        """What a statement of ``questions/order.py`` finds of it."""
        values = {
            "tenant": self.tenant_id,
            "store": self.store.id,
            "order": self.order_id,
            "order_text": str(self.order_id),
        }
        return await (await self.connection.execute(statement, values)).fetchall()


@dataclass(frozen=True)
class AskedOrder:
    """A call about one order."""

    asked: Asked
    order_id: int | None
    store: str | None

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[Owned]:
        """The call's transaction, and the order.

        Raises:
            ProblemFound: 401 or 403 as ``Visit.transaction`` has it; 404 if the account has no such
                order; 422 if several of its stores have it and none was named.
        """
        tenant_id = self.asked.visit.tenant_id
        async with self.asked.transaction() as connection:
            stores = await stores_of(connection, tenant_id)
            chosen = [one for one in stores if self.store is None or str(one.id) == self.store]
            store, name = await _owner(connection, tenant_id, chosen, self.order_id)
            yield Owned(connection, tenant_id, self.order_id or 0, name, store)


async def _owner(
    connection: Connection, tenant_id: int, stores: Sequence[StoreFrame], order_id: int | None
) -> tuple[StoreFrame, str | None]:
    """The store that has the order, and the order's name."""
    by_id = {one.id: one for one in stores}
    values = {"stores": list(by_id), "tenant": tenant_id, "order": order_id}
    rows = await (await connection.execute(questions.OWNERS, values)).fetchall()
    if not rows:
        raise ProblemFound(NOT_FOUND, "There is no such order in this account.")
    if len(rows) > 1:
        choices = [{**asdict(by_id[store_id]), "id": str(store_id)} for store_id, _ in rows]
        raise ProblemFound(
            CHOOSE_STORE, "Several stores have this order: name one.", choices=choices
        )
    [(store_id, name)] = rows
    return by_id[store_id], name


def _asked_order(
    order_id: Annotated[str, Path(examples=["450789469"], description="Shopify's id.")],
    asked: PlainQuestion,
    store: Annotated[
        str | None,
        Query(examples=["42"], description="A store's id. Needed only where two have the order."),
    ] = None,
) -> AskedOrder:
    return AskedOrder(asked, parse_id(order_id), store)


@router.get("/{order_id}")
async def one_order(question: Annotated[AskedOrder, Depends(_asked_order)]) -> models.OneOrder:
    """An order as the shop has it now: lines, amounts, customer, checkout, refunds and parcels.

    Test orders and deleted ones are answered, and say so. `recovered` is whether the checkout that it
    completed had been abandoned; a checkout that the same customer abandoned elsewhere, and that this
    order may stand for, is told apart as `inferred_checkout`.
    """
    async with question.opened() as owned:
        return models.OneOrder.model_validate(await _told(owned))


async def _told(owned: Owned) -> dict[str, object]:
    width = len(questions.ORDER)
    [row] = await owned.rows(questions.READ_ORDER)
    currency, presentment, total_presentment = row[width:]
    # What an order tells is in the currency that it was placed in, whatever the shop has by now.
    place = Place(currency or owned.store.currency, owned.place.zone)
    parts = {
        name: [in_row(columns, one, place) for one in await owned.rows(statement)]
        for name, (columns, statement) in _PARTS.items()
    }
    customer = await owned.rows(questions.READ_CUSTOMER)
    return {
        "id": str(owned.order_id),
        "store": str(owned.store.id),
        "currency": place.currency,
        "timezone": owned.store.timezone,
        "presentment_currency": presentment,
        "total_price_presentment": _presented(total_presentment, presentment, place),
        **in_row(questions.ORDER, row[:width], place),
        **parts,
        # What a customer comes to is counted in what the store counts in.
        "customer": next((in_row(questions.CUSTOMER, one, owned.place) for one in customer), None),
        **_checkouts(await owned.rows(questions.READ_CHECKOUTS), place),
    }


_PARTS: Final[Mapping[str, tuple[Sequence[Column], LiteralString]]] = {
    "lines": (questions.LINES, questions.READ_LINES),
    "refunds": (questions.REFUNDS, questions.READ_REFUNDS),
    "fulfillments": (questions.FULFILLMENTS, questions.READ_FULFILLMENTS),
}


def _presented(amount: int | None, currency: str | None, place: Place) -> str | None:
    if amount is None or currency is None:
        return None
    return in_json("money", amount, Place(currency, place.zone))


def _checkouts(rows: Sequence[Sequence[Any]], place: Place) -> dict[str, object]:
    told = [in_row(questions.CHECKOUT, row, place) for row in rows]
    own, inferred = (
        next((one for one in told if one["inferred"] is wanted), None) for wanted in (False, True)
    )
    return {
        "checkout": own,
        "recovered": own is not None and own["stage"] == "recovered",
        "inferred_checkout": inferred,
    }


@panel(router, "/{order_id}/history", models.OrderHistory)
async def order_history(
    question: Annotated[AskedOrder, Depends(_asked_order)],
) -> dict[str, object] | Response:
    """The deliveries that made an order what it is, and what it adds to the figures.

    Each delivery names the fields of the order that it changed when it was applied: none where it
    came late or told nothing new. A delivery that came twice is here once. Transactions, parcels and
    returns of the order are named with their kind before the field, as in `fulfillment.status`. A file
    has the deliveries.
    """
    async with question.opened() as owned:
        deliveries = await owned.rows(questions.READ_DELIVERIES)
        entries = await owned.rows(questions.READ_ENTRIES)
    place, form = owned.place, question.asked.form
    if form != "json":
        title = f"order-{owned.order_id}-history"
        return file_answer(title, form, questions.DELIVERIES, once(deliveries), place)
    return {
        "id": str(owned.order_id),
        "name": owned.name,
        "store": str(owned.store.id),
        "currency": owned.store.currency,
        "timezone": owned.store.timezone,
        "deliveries": [in_row(questions.DELIVERIES, row, place) for row in deliveries],
        "entries": [_entry(row, place) for row in entries],
    }


def _entry(row: Sequence[Any], place: Place) -> dict[str, object]:
    kind, entry, at, day, customer_id, *amounts, lines = row
    return {
        "kind": kind,
        "entry": entry,
        "at": in_json("time", at, place),
        "day": day,
        "customer_id": in_json("id", customer_id, place),
        "amounts": amounts_shown(dict(zip(KINDS, amounts, strict=True)), place),
        "lines": lines_shown(lines, place),
    }
