"""What the database holds, table by table, against the simulator's books.

The books are kept in the shops' smallest units from what the story knows; the tables count in
ten-thousandths and were made of bodies. Each function raises with the first thing that differs.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

if TYPE_CHECKING:
    from datetime import date, datetime

    from tillstream.simulator.books import Kind, Ledger

KEYS: Final[dict[Kind, tuple[str, ...]]] = {
    "orders": ("id",),
    "order_lines": ("order_id", "id"),
    "refunds": ("order_id", "id"),
    "customers": ("id",),
    "products": ("id",),
    "variants": ("product_id", "id"),
    "checkouts": ("token",),
    "carts": ("token",),
    "transactions": ("id",),
    "tender_transactions": ("id",),
    "fulfillments": ("id",),
    "returns": ("id",),
    "draft_orders": ("id",),
    "disputes": ("id",),
    "collections": ("id",),
    "inventory_items": ("id",),
    "inventory_levels": ("inventory_item_id", "location_id"),
    "locations": ("id",),
    "domains": ("id",),
}
"""Everything that is mirrored, with what tells its rows apart."""

ADDITIVE: Final = (
    "gross_sales", "discounts", "sales_reversals", "shipping", "taxes", "duties", "additional_fees", "orders",
    "placed_gross", "placed_discounts", "gift_cards_sold", "tips", "units_sold", "units_reversed",
    "refund_adjustments", "tax_in_prices", "cash_rounding", "checkouts", "abandoned_checkouts", "abandonments",
    "recovered_checkouts", "converted_checkouts", "recovered_sales", "abandoned_value", "inferred_recoveries",
    "inferred_recovered_sales", "customer_orders",
)  # fmt: skip
"""Every measure that adds up."""

TOLD_APART: Final = (
    "gross_sales", "discounts", "sales_reversals", "shipping", "taxes", "duties", "additional_fees", "orders",
    "placed_gross", "placed_discounts", "units_sold", "units_reversed", "customer_orders",
)  # fmt: skip
"""Those by which sales are told apart."""


class Account(NamedTuple):
    """A store in the database, and its books."""

    connection: psycopg.Connection[tuple[Any, ...]]
    domain: str
    ledger: Ledger
    now: datetime


def assert_rows(account: Account) -> int:
    """Every row of every mirrored resource; how many were compared."""
    compared = 0
    for kind, key in KEYS.items():
        rows = account.ledger.records.rows(kind)
        true = {tuple(row[name] for name in key): row for row in rows}
        found = _ask(
            account, sql.SQL("SELECT m.* FROM {} AS m").format(sql.Identifier("mirror", kind))
        )
        held = {tuple(row[name] for name in key): row for row in found}
        differing = list(held.keys() ^ true.keys())
        assert not differing, (account.domain, kind, len(differing), differing[:5])
        for row_key, row in true.items():
            wrong = {n: (held[row_key][n], v) for n, v in row.items() if held[row_key][n] != v}
            assert not wrong, (account.domain, kind, row_key, wrong)
        compared += len(true)
    return compared


def assert_sums(account: Account) -> int:
    """Every additive measure of every day; how many were compared."""
    true = account.ledger.sums(account.now)
    columns = sql.SQL(", ").join(
        sql.SQL("sum({0}) AS {0}").format(sql.Identifier(n)) for n in ADDITIVE
    )
    asked = sql.SQL("SELECT day, {} FROM rollup.sums AS m").format(columns)
    held = {row.pop("day"): _told(row) for row in _ask(account, asked, " GROUP BY day")}
    for day in sorted(true.keys() | held.keys()):
        said, right = held.get(day, {}), _told(true.get(day, {}))
        wrong = {n: (said.get(n, 0), right.get(n, 0)) for n in said.keys() | right.keys()}
        wrong = {n: pair for n, pair in wrong.items() if pair[0] != pair[1]}
        assert not wrong, (account.domain, day, wrong)
    return len(true) * len(ADDITIVE)


def assert_breakdown(account: Account) -> int:
    """Every value of every dimension on every day, and in every month; how many were compared."""
    true: defaultdict[tuple[str, str, date, str], dict[str, int]] = defaultdict(dict)
    for day, cells in account.ledger.cells().items():
        for (dimension, value), amounts in cells.items():
            scaled = {n: v for n, v in account.ledger.scaled(amounts).items() if n in TOLD_APART}
            for grain, at in (("day", day), ("month", day.replace(day=1))):
                row = true[dimension, grain, at, value]
                for name, amount in scaled.items():
                    row[name] = row.get(name, 0) + amount
    asked = sql.SQL("SELECT m.* FROM rollup.breakdown AS m")
    held = {
        (row["dimension"], row["grain"], row["day"], row["value"]): _told(
            {name: row[name] for name in TOLD_APART}
        )
        for row in _ask(account, asked)
    }
    right = {key: told for key, row in true.items() if (told := _told(row))}
    for key in right.keys() | held.keys():
        assert held.get(key) == right.get(key), (account.domain, key, held.get(key), right.get(key))
    return len(right)


def assert_cohorts(account: Account) -> int:
    """Every cohort in every month; how many were compared."""
    money = account.ledger.currency.ten_thousandths
    true = {
        key: (row.customers, row.orders, money(row.spent))
        for key, row in account.ledger.cohorts().items()
    }
    held = {
        (row["cohort"], row["month"]): (row["customers"], row["orders"], row["total_spent"])
        for row in _ask(account, sql.SQL("SELECT m.* FROM rollup.cohorts AS m"))
    }
    empty = (0, 0, 0)
    wrong = {
        key: (held.get(key, empty), true.get(key, empty))
        for key in true.keys() | held.keys()
        if held.get(key, empty) != true.get(key, empty)
    }
    assert not wrong, (account.domain, wrong)
    return len(true)


def assert_checkouts(account: Account) -> int:
    """Where every checkout that can be judged stands; how many were compared."""
    held = {
        row["token"]: row for row in _ask(account, sql.SQL("SELECT m.* FROM rollup.checkouts AS m"))
    }
    lives = account.ledger.lives(account.now)
    for _, life in lives:
        row = held[life.token]
        inferred = life.inferred
        said = (row["stage"], row["twin_of"], row["order_id"], row["inferred_order_id"])
        right = (
            life.stage,
            life.twin_of,
            life.order.id if life.order else None,
            inferred.order_id if inferred else None,
        )
        assert said == right, (account.domain, life, row)
    return len(lives)


def _ask(account: Account, asked: sql.Composed | sql.SQL, rest: str = "") -> list[dict[str, Any]]:
    where = sql.SQL(
        " JOIN shops.stores AS s ON s.tenant_id = m.tenant_id AND s.id = m.store_id WHERE s.domain = %s"
    )
    tail = sql.SQL(" GROUP BY day") if rest else sql.SQL("")
    with account.connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(asked + where + tail, (account.domain,)).fetchall()


def _told(row: dict[str, Any]) -> dict[str, int]:
    return {name: int(amount) for name, amount in row.items() if amount}
