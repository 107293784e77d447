"""A year: a large store's deliveries taken in through the web process, and every figure checked.

The simulator tells what happened in a shop and keeps books of it, which share no code with the
stages. Its webhooks are sent as Shopify sends them: signed, some twice, some late, in no order.
When all is applied, every figure of every day is held against the books.
"""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, LiteralString

import msgspec

from tillstream.command.bench.figures import Grid, Section, figure
from tillstream.command.bench.reckoning import compare
from tillstream.command.bench.stand import PASSWORD, BenchFailed, standing
from tillstream.foundation.clock import utc_now
from tillstream.foundation.database import connect, open_pool
from tillstream.shops.accounts import add_account
from tillstream.shops.sealing import Keyring
from tillstream.shops.stores import StoreDetails, add_store
from tillstream.simulator.delivery import DeliveryReport, Manner, Schedule, deliver
from tillstream.simulator.lane import Address
from tillstream.simulator.places import UNITED_STATES
from tillstream.simulator.plan import plain_shop
from tillstream.simulator.story import Story

if TYPE_CHECKING:
    from tillstream.command.bench.stand import Bench, Stand
    from tillstream.foundation.database import Connection

NAME: Final = "year"
TITLE: Final = "A year of a large store, taken in and checked"

_DOMAIN: Final = "year.myshopify.com"
_EMAIL: Final = "year@bench.test"
_DAYS: Final = 365
_PAUSE: Final = timedelta(days=2)
"""From the end of the year to now: every window has run out, and nothing is late any more."""
_TOPICS: Final = frozenset({
    "orders/create", "orders/updated", "orders/cancelled", "orders/edited", "orders/delete", "refunds/create",
    "checkouts/create", "checkouts/update", "checkouts/delete", "customers/create", "customers/update",
    "customers/delete", "customers/merge", "products/create", "products/update", "products/delete", "shop/update",
})  # fmt: skip
"""What figures are made of, about five deliveries an order. Every other topic is told in the tests."""
_REPEATED: Final = 0.02
_LATE: Final = 0.01
_SHUFFLED: Final = timedelta(minutes=5)
_CONNECTIONS: Final = 48
_LOOK_SECONDS: Final = 2.0
_SAY_SECONDS: Final = 15.0
_STALLED_SECONDS: Final = 300.0

_DUE: LiteralString = "SELECT count(*) FROM rollup.checkouts WHERE deadline < now()"
_ORDERS: LiteralString = "SELECT count(*) FROM mirror.orders"
_SIZES: LiteralString = """
SELECT n.nspname || '.' || c.relname, c.reltuples::bigint, pg_table_size(c.oid), pg_indexes_size(c.oid)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname IN ('mirror', 'rollup', 'journal') AND c.reltuples > 0
ORDER BY pg_total_relation_size(c.oid) DESC
"""
_WHOLE: LiteralString = "SELECT pg_database_size(current_database())"


@dataclass(frozen=True)
class Taken:
    """How the deliveries were taken in: how many, and seconds until all were accepted, and applied."""

    sent: DeliveryReport
    accepted_seconds: float
    applied_seconds: float


async def measure(bench: Bench) -> Section:
    """One year, once."""
    story = _story(bench.effort.year_orders, utc_now())
    async with standing(bench, stores=False) as stand:
        async with open_pool(stand.database.api_url) as pool:
            await add_account(pool, _EMAIL, PASSWORD, _EMAIL)
            keyring = Keyring.from_settings(stand.settings)
            await add_store(pool, keyring, _EMAIL, _DOMAIN, StoreDetails())
        async with stand.everything():
            taken = await _take_in(bench, stand, story)
            await _pass_deadlines(bench, stand)
        async with await connect(stand.database.admin_url) as connection:
            await connection.execute("VACUUM (ANALYZE)")
            bench.note("comparing with the books")
            checked = await compare(connection, _DOMAIN, story.books, utc_now())
            for wrong in checked.wrong[:20]:
                bench.note(f"wrong: {wrong}")
            orders = await _count(connection, _ORDERS)
            whole = await _count(connection, _WHOLE)
            grid = await _sizes(connection, orders)
        bench.note(f"{checked.compared:,} figures compared; verifying")
        began = time.perf_counter()
        differences = await _verify(stand)
        verified = time.perf_counter() - began
    count = taken.sent.accepted
    figures = [
        figure("orders", "orders", "", [orders]),
        figure("deliveries", "deliveries accepted, repeats included", "", [count]),
        figure("applied_per_second", "accepted and applied", "/s", [count / taken.applied_seconds]),
        figure("accepted_per_second", "accepted", "/s", [count / taken.accepted_seconds]),
        figure("seconds", "from the first delivery to the last applied", "s", [taken.applied_seconds]),
        figure("compared", "figures compared with the books", "", [checked.compared]),
        figure("wrong", "of them wrong", "", [len(checked.wrong)], at_most=0),
        figure("differences", "differences found by verify", "", [differences], at_most=0),
        figure("verify_seconds", "verifying everything", "s", [verified]),
        figure("bytes", "the whole database", "MB", [whole / 1e6]),
        figure("bytes_per_order", "the whole database, for each order", "B", [whole / orders]),
    ]  # fmt: skip
    return Section(
        NAME,
        TITLE,
        figures,
        [
            f"One store, {_DAYS} days, sent by the simulator over {_CONNECTIONS} connections as fast as accepted;",
            f"{_REPEATED:.0%} repeated, {_LATE:.0%} late by up to a day, all shuffled over {_SHUFFLED}.",
            "One web process, one worker; the process that tells and sends shares the machine with them.",
            "Sizes are after a vacuum, the journal's frames included.",
        ],
        grids=[grid],
    )  # fmt: skip


def _story(orders: int, now: datetime) -> Story:
    end = (now - _PAUSE).replace(hour=0, minute=0, second=0, microsecond=0)
    plan = plain_shop(_DOMAIN, "USD", "America/New_York", UNITED_STATES, taxes_included=False)
    plan = replace(plan, orders_per_day=orders / _DAYS)
    return Story("a year", [plan], end - timedelta(days=_DAYS), end, topics=_TOPICS)


async def _take_in(bench: Bench, stand: Stand, story: Story) -> Taken:
    schedule = Schedule(
        story,
        "a year",
        repeat=_REPEATED,
        shuffle_window=_SHUFFLED,
        late=_LATE,
        latest=timedelta(days=1),
    )
    began = time.perf_counter()
    teller = Teller(bench, began)
    sent = await deliver(
        schedule,
        Address.of(f"{stand.url}/api/webhook"),
        stand.secret,
        Manner(connections=_CONNECTIONS, persist=True),
        teller.told,
    )
    accepted = time.perf_counter() - began
    bench.note(f"{sent.accepted:,} accepted in {accepted:,.0f} s")
    await _drain(bench, stand)
    return Taken(sent, accepted, time.perf_counter() - began)


class Teller:
    """Says now and then how far the deliveries are."""

    def __init__(self, bench: Bench, began: float) -> None:
        self._bench = bench
        self._began = self._said = began

    def told(self, report: DeliveryReport) -> None:
        """After each answer."""
        now = time.perf_counter()
        if now - self._said >= _SAY_SECONDS:
            self._said = now
            pace = report.accepted / (now - self._began)
            self._bench.note(
                f"{report.accepted:,} accepted, {pace:,.0f}/s, up to {_day(report.last_due)}"
            )


def _day(due: float) -> str:
    return datetime.fromtimestamp(due, UTC).date().isoformat()


async def _drain(bench: Bench, stand: Stand) -> None:
    """Until all that was accepted is applied; however long it takes, but not without progress.

    Raises:
        BenchFailed: when it stands still, or some could not be applied.
    """
    fewest, since, said = sys.maxsize, time.perf_counter(), 0.0
    while (now := await stand.status()).waiting:
        at = time.perf_counter()
        if now.waiting < fewest:
            fewest, since = now.waiting, at
        if at - since > _STALLED_SECONDS:
            message = f"The worker stands still with {now.waiting:,} waiting."
            raise BenchFailed(message)
        if at - said >= _SAY_SECONDS:
            said = at
            bench.note(f"{now.waiting:,} waiting")
        await asyncio.sleep(_LOOK_SECONDS)
    if now.parked or now.unrouted:
        message = f"Not all could be applied: {now.parked} parked, {now.unrouted} unrouted."
        raise BenchFailed(message)


async def _pass_deadlines(bench: Bench, stand: Stand) -> None:
    """Until the worker has abandoned all that is due."""
    async with await connect(stand.database.admin_url) as connection:
        while due := await _count(connection, _DUE):
            bench.note(f"{due:,} checkouts are due")
            await asyncio.sleep(_LOOK_SECONDS)


async def _verify(stand: Stand) -> int:
    """How many differences ``tillstream verify`` finds."""
    program = [sys.executable, "-m", "tillstream.command.main", "verify", "--json"]
    process = await asyncio.create_subprocess_exec(
        *program, "--data", str(stand.settings.data), stdout=asyncio.subprocess.PIPE
    )
    try:
        said, _ = await process.communicate()
    finally:
        with suppress(ProcessLookupError):
            process.kill()
    return sum(len(one["differences"]) for one in msgspec.json.decode(said)["stores"])


async def _sizes(connection: Connection, orders: int) -> Grid:
    rows = await (await connection.execute(_SIZES)).fetchall()
    return Grid(
        "Size on disk by table",
        ["", "rows", "table MB", "indexes MB", "B for each order"],
        [
            [
                name,
                f"{count:,}",
                f"{table / 1e6:,.1f}",
                f"{indexes / 1e6:,.1f}",
                f"{(table + indexes) / orders:,.0f}",
            ]
            for name, count, table, indexes in rows
        ],
    )


async def _count(connection: Connection, question: LiteralString) -> int:
    row = await (await connection.execute(question)).fetchone()
    return int(row[0]) if row else 0
