"""Sums of entries: by day, by what sales can be told apart by, by customer and month."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from itertools import chain, count
from typing import TYPE_CHECKING, Final, TypeAlias

from tillstream.simulator.books.entries import Amounts, entries_of
from tillstream.simulator.books.lives import Purchase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from tillstream.simulator.books.entries import Entry
    from tillstream.simulator.facts import Customer, Line, Order, Whence
    from tillstream.simulator.shop_clock import ShopClock

Cell: TypeAlias = tuple[str, str]
"""A dimension and a value of it; ``""`` is what has none."""

Cohort: TypeAlias = tuple[date, date]
"""The month of customers' first orders, and a month since."""

LINE_DIMENSIONS: Final = ("product", "variant", "vendor")

BOUNDS: Final = (*range(0, 48 * 60, 15), *range(48 * 60, 14 * 24 * 60, 60))
"""Minutes in which an order may have been sent, the wider the later; from 14 days on whole days."""


@dataclass(slots=True)
class Spending:
    """What a customer, or several, did in some time: orders placed and total sales of all entries."""

    customers: int = 0
    orders: int = 0
    spent: int = 0


@dataclass(slots=True)
class Tables:
    """Sums, made once for a state of the story."""

    days: defaultdict[date, Amounts] = field(default_factory=lambda: defaultdict(Amounts))
    cells: defaultdict[date, defaultdict[Cell, Amounts]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(Amounts))
    )
    purchases: defaultdict[int, list[tuple[Purchase, date]]] = field(
        default_factory=lambda: defaultdict[int, "list[tuple[Purchase, date]]"](list)
    )
    """By customer, in the order in which they were made."""
    months: defaultdict[int, defaultdict[date, Spending]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(Spending))
    )


def add_up(orders: Iterable[Order], clock: ShopClock) -> Tables:
    """The tables of these orders, dated by the clock of the shop as it is now."""
    tables = Tables()
    for order in orders:
        customer = who_is(order.customer)
        for entry in entries_of(order).values():
            day = clock.day(entry.at)
            tables.days[day].take(entry)
            for cell, amounts in _cells(order, entry):
                tables.cells[day][cell].take(amounts)
            if customer is not None:
                _remember(tables, customer, order, entry, day)
    for made in tables.purchases.values():
        made.sort()
    return tables


def who_is(customer: Customer | None) -> Customer | None:
    """The customer that is left after all merges."""
    while customer is not None and customer.merged_into is not None:
        customer = customer.merged_into
    return customer


def cohorts_of(tables: Tables) -> dict[Cohort, Spending]:
    """Customers by the month of their first order, and what they did in each month."""
    found: defaultdict[Cohort, Spending] = defaultdict(Spending)
    for customer, made in tables.purchases.items():
        cohort = _month(made[0][1])
        for month, done in tables.months[customer].items():
            if done.orders or done.spent:
                row = found[cohort, month]
                row.customers += done.orders > 0
                row.orders += done.orders
                row.spent += done.spent
    return dict(found)


def _remember(tables: Tables, customer: Customer, order: Order, entry: Entry, day: date) -> None:
    if entry.orders:
        purchase = Purchase(entry.at, order.id, order.totals.price)
        tables.purchases[customer.id].append((purchase, day))
    month = tables.months[customer.id][_month(day)]
    month.orders += entry.orders
    month.spent += entry.total_sales


def _cells(order: Order, entry: Entry) -> Iterator[tuple[Cell, Amounts]]:
    """Under which values an entry counts, and with what."""
    for cell in _facets(order):
        yield cell, entry
    if entry.orders and order.fulfillments:
        first = min(parcel.created_at for parcel in order.fulfillments)
        yield ("fulfilled_after", str(bound_of(first - order.processed_at))), Amounts(orders=1)
    for dimension, value_of in _OF_LINES.items():
        values: defaultdict[str, Amounts] = defaultdict(Amounts)
        for line, share in entry.lines.values():
            if share:
                values[value_of(line)].take(share)
        for value, amounts in values.items():
            amounts.orders, amounts.customer_orders = entry.orders, entry.customer_orders
            yield (dimension, value), amounts


def _facets(order: Order) -> list[Cell]:
    country, region = order.destination
    codes = {application.code for application in order.applications} or {""}
    return [
        ("channel", order.channel),
        ("country", country),
        ("region", f"{country}-{region.removeprefix(f'{country}-')}" if region else ""),
        ("referrer", host_of(order.whence)),
        ("landing", path_of(order.whence)),
        *(("discount_code", code) for code in codes),
    ]


def bound_of(took: int) -> int:
    """The first bound, in minutes, that an order was sent within; ``took`` so many seconds."""
    return next(
        bound for bound in chain(BOUNDS, count(14 * 24 * 60, 24 * 60)) if took <= bound * 60
    )


def host_of(whence: Whence | None) -> str:
    """The host that somebody came from, without ``www.``; empty where it is not known."""
    address = (whence.referring_site if whence else None) or ""
    return address.partition("://")[2].partition("/")[0].removeprefix("www.")


def path_of(whence: Whence | None) -> str:
    """The page that somebody saw first, without its query; empty where it is not known."""
    return ((whence.landing_site if whence else None) or "").partition("?")[0]


def _month(day: date) -> date:
    return day.replace(day=1)


_OF_LINES: Final[Mapping[str, Callable[[Line], str]]] = {
    "product": lambda line: str(line.product.id) if line.product else "",
    "variant": lambda line: str(line.variant.id) if line.variant else "",
    "vendor": lambda line: line.product.vendor if line.product else "",
}
