"""Holding what the database says of a store against the simulator's books, figure by figure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, LiteralString, NamedTuple, TypeAlias, get_args

from tillstream.foundation.money import parse_money
from tillstream.mirror.merge import Store
from tillstream.mirror.values import instant
from tillstream.rollup.breakdown import MEASURES
from tillstream.rollup.columns import each
from tillstream.rollup.measures import ADDITIVE
from tillstream.rollup.segments import segments_of
from tillstream.simulator.books.ledger import Dimension

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from tillstream.foundation.database import Connection
    from tillstream.simulator.books import Books, Ledger
    from tillstream.simulator.books.lives import Life

Figures: TypeAlias = "dict[tuple[Any, ...], Any]"
"""What is said, by what it is said of."""

_FIND: LiteralString = (
    "SELECT tenant_id, id FROM shops.stores WHERE domain = %s AND removed_at IS NULL"
)
_SUMS: LiteralString = f"""
SELECT day, {each("sum($)::bigint")} FROM rollup.sums
WHERE tenant_id = %s AND store_id = %s GROUP BY day
"""  # noqa: S608 - made of literals only
_BREAKDOWN: LiteralString = f"""
SELECT dimension, day, value, {each("$", names=MEASURES)} FROM rollup.breakdown
WHERE tenant_id = %s AND store_id = %s AND grain = 'day'
"""  # noqa: S608 - made of literals only
_COHORTS: LiteralString = """
SELECT cohort, month, customers, orders, total_spent FROM rollup.cohorts
WHERE tenant_id = %s AND store_id = %s
"""
_CUSTOMERS: LiteralString = """
SELECT customer_id, orders, total_spent FROM rollup.customers
WHERE tenant_id = %s AND store_id = %s AND orders > 0
"""
_CHECKOUTS: LiteralString = """
SELECT token, stage, twin_of, abandonment_times, order_id, inferred_order_id, value FROM rollup.checkouts
WHERE tenant_id = %s AND store_id = %s AND (counted OR twin_of IS NOT NULL)
"""
_DIMENSIONS: Final[tuple[Dimension, ...]] = get_args(Dimension)


class Checked(NamedTuple):
    """How many figures were compared, and what is said of each that differs."""

    compared: int
    wrong: list[str]


async def compare(connection: Connection, domain: str, books: Books, now: datetime) -> Checked:
    """Every figure of a store by day, value, customer, group, cohort and checkout.

    Args:
        connection: of a superuser, whom row-level security does not bind.
        domain: of the store.
        books: of the story, which has ended.
        now: when its checkouts are looked at; all deadlines until then must have passed.
    """
    row = await (await connection.execute(_FIND, (domain,))).fetchone()
    if row is None:
        message = f"{domain} is not connected."
        raise LookupError(message)
    store, ledger = Store(*row), books.ledgers[domain]
    checked = Checked(0, [])
    for name, said, true in (
        ("sums", await _sums(connection, store), _true_sums(ledger, now)),
        ("breakdown", await _breakdown(connection, store), _true_breakdown(ledger)),
        ("cohorts", await _cohorts(connection, store), _true_cohorts(ledger)),
        ("customers", await _customers(connection, store), _true_customers(ledger)),
        ("checkouts", await _checkouts(connection, store), _true_checkouts(ledger, now)),
        ("segments", await _segments(connection, store), _true_segments(ledger)),
    ):
        checked = _held_against(checked, name, said, true)
    return checked


def _held_against(checked: Checked, name: str, said: Figures, true: Figures) -> Checked:
    """What is zero need not be said."""
    places = said.keys() | true.keys()
    wrong = [
        f"{name} {' '.join(map(str, place))}: {said.get(place, 0)} instead of {true.get(place, 0)}"
        for place in sorted(places, key=str)
        if said.get(place, 0) != true.get(place, 0)
    ]
    return Checked(checked.compared + len(places), [*checked.wrong, *wrong])


async def _rows(connection: Connection, query: LiteralString, store: Store) -> list[Any]:
    return await (await connection.execute(query, store)).fetchall()


async def _sums(connection: Connection, store: Store) -> Figures:
    return {
        (day, name): amount
        for day, *amounts in await _rows(connection, _SUMS, store)
        for name, amount in zip(ADDITIVE, amounts, strict=True)
    }


def _true_sums(ledger: Ledger, now: datetime) -> Figures:
    return {
        (day, name): amount
        for day, amounts in ledger.sums(now).items()
        for name, amount in amounts.items()
    }


async def _breakdown(connection: Connection, store: Store) -> Figures:
    return {
        (dimension, day, value, name): amount
        for dimension, day, value, *amounts in await _rows(connection, _BREAKDOWN, store)
        for name, amount in zip(MEASURES, amounts, strict=True)
    }


def _true_breakdown(ledger: Ledger) -> Figures:
    span = ledger.days()
    if span is None:
        return {}
    return {
        (dimension, day, value, name): amount
        for dimension in _DIMENSIONS
        for day in _days(*span)
        for value, amounts in ledger.breakdown(dimension, day, day).items()
        for name, amount in _told_apart(ledger.scaled(amounts)).items()
    }


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _told_apart(amounts: Mapping[str, int]) -> dict[str, int]:
    return {name: amount for name, amount in amounts.items() if name in MEASURES}


async def _cohorts(connection: Connection, store: Store) -> Figures:
    return {
        (cohort, month): tuple(done)
        for cohort, month, *done in await _rows(connection, _COHORTS, store)
    }


def _true_cohorts(ledger: Ledger) -> Figures:
    scaled = ledger.currency.ten_thousandths
    return {
        place: (done.customers, done.orders, scaled(done.spent))
        for place, done in ledger.cohorts().items()
    }


async def _customers(connection: Connection, store: Store) -> Figures:
    return {(key,): tuple(done) for key, *done in await _rows(connection, _CUSTOMERS, store)}


def _true_customers(ledger: Ledger) -> Figures:
    everybody = ledger.top_customers(len(ledger.customers) + 1)
    return {
        (int(one["id"]),): (one["orders"], parse_money(one["total_spent"])) for one in everybody
    }


async def _segments(connection: Connection, store: Store) -> Figures:
    return {
        (name,): tuple(figures)
        for name, *figures in await segments_of(connection, *store)
        if any(figures)
    }


def _true_segments(ledger: Ledger) -> Figures:
    scaled = ledger.currency.ten_thousandths
    return {
        (name,): (one.customers, one.orders, scaled(one.spent))
        for name, one in ledger.segments().items()
    }


async def _checkouts(connection: Connection, store: Store) -> Figures:
    return {(token,): tuple(rest) for token, *rest in await _rows(connection, _CHECKOUTS, store)}


def _true_checkouts(ledger: Ledger, now: datetime) -> Figures:
    scaled = ledger.currency.ten_thousandths
    return {(one.token,): _standing(one, scaled(one.value)) for _, one in ledger.lives(now)}


def _standing(one: Life, value: int) -> tuple[Any, ...]:
    return (
        one.stage,
        one.twin_of,
        [instant(at * 1_000_000) for at in one.abandonments],
        one.order.id if one.order else None,
        one.inferred.order_id if one.inferred else None,
        value,
    )
