"""Commands that hold figures against what they are made of, and put them right."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, LiteralString, NamedTuple

import msgspec

from tillstream.command.console import err, out, print_json, print_table
from tillstream.command.installation import open_database
from tillstream.foundation.clock import utc_now
from tillstream.foundation.database import connect, set_tenants
from tillstream.foundation.money import format_money
from tillstream.mirror.merge import Store as StoreKey
from tillstream.rollup.apply import catch_up, overdue, profile_of
from tillstream.rollup.measures import MEASURES
from tillstream.rollup.rebuild import RebuildRunning, Rebuilt, ZoneChanged, rebuild_online
from tillstream.rollup.verify import StoreReport, verify_store

if TYPE_CHECKING:
    from argparse import Namespace

    from tillstream.command.installation import Database
    from tillstream.foundation.database import Connection
    from tillstream.foundation.settings import Settings
    from tillstream.rollup.progress import Progress

_SHOWN: Final = 20
"""Differences of a store that are printed; --json has more."""
_CHANGES_SHOWN: Final = 40
"""Changes of figures that are printed; --json has all."""
_TOLD_EVERY: Final = 20_000
"""Rows after which a person is told how far it has come."""
_ATTEMPTS: Final = 5
"""Moments that are looked for in which nothing of a store is overdue."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MONEY: Final = frozenset(measure.name for measure in MEASURES if measure.unit == "money")

_CHOSEN: LiteralString = """
SELECT s.domain, s.tenant_id, s.id, coalesce(r.currency, s.currency), (
  SELECT max(f.removed_at) FROM shops.stores AS f WHERE f.domain = s.domain AND f.removed_at IS NOT NULL)
FROM shops.stores AS s
LEFT JOIN rollup.stores AS r ON r.tenant_id = s.tenant_id AND r.store_id = s.id
WHERE s.removed_at IS NULL AND (%(domain)s::text IS NULL OR s.domain = %(domain)s)
ORDER BY s.domain COLLATE "C"
"""


async def verify(settings: Settings, options: Namespace) -> int:
    """``tillstream verify``: exit status 1 when anything disagrees."""
    with open_database(settings) as database:
        stores = await _chosen(database, options.store)
        if stores is None:
            return 2
        reports = [await _verify(database, store, options) for store in stores]
    digest = _digest(reports)
    ok = not any(report.differing for report in reports)
    if options.json:
        print_json({"ok": ok, "state_hash": digest, "stores": reports})
        return 0 if ok else 1
    print_table(
        ("Store", "Orders", "Differences", "State hash"),
        [(r.domain, r.orders, r.differing or "none", r.state_hash[:16]) for r in reports],
        "No store is connected yet.",
    )
    for report in reports:
        _print_differences(report)
    out.print(f"{'All figures agree' if ok else 'Figures disagree'}. State {digest}")
    if not ok:
        out.print("`tillstream rebuild --preview` says what putting them right would change.")
    return 0 if ok else 1


def _print_differences(report: StoreReport) -> None:
    if report.differing > _SHOWN:
        out.print(f"  {report.domain}: the first {_SHOWN} of {report.differing}")
    for one in report.differences[:_SHOWN]:
        place = f"{one.where} {one.measure}".rstrip()
        day = f" on {one.day}" if one.day else ""
        out.print(
            f"  {report.domain} {one.level}: {place}{day}: {one.stored}, not {one.expected}",
            markup=False,
        )


async def rebuild(settings: Settings, options: Namespace) -> int:
    """``tillstream rebuild``: exit status 1 if a store could not be rebuilt now; all others are."""
    with open_database(settings) as database:
        stores = await _chosen(database, options.store)
        if stores is None:
            return 2
        outcomes: list[Rebuilt | _NotRebuilt] = []
        for store in stores:
            outcome = await _outcome(database, store, options)
            outcomes.append(outcome)
            if not options.json:
                _print_outcome(outcome, store.currency)
    if options.json:
        print_json(outcomes)
    left = sum(isinstance(one, _NotRebuilt) for one in outcomes)
    if left:
        verb = "was" if left == 1 else "were"
        err.print(
            f"{left} of {_stores(len(stores))} {verb} not rebuilt. Run it again for the rest."
        )
    return 1 if left else 0


def _stores(number: int) -> str:
    return "1 store" if number == 1 else f"{number} stores"


class _NotRebuilt(msgspec.Struct):
    """A store that could not be rebuilt now."""

    domain: str
    problem: str
    """Why, and what to do."""


async def _outcome(database: Database, store: _Chosen, options: Namespace) -> Rebuilt | _NotRebuilt:
    try:
        return await _rebuild(database, store, options)
    except (RebuildRunning, ZoneChanged) as error:
        return _NotRebuilt(store.domain, str(error))


def _print_outcome(one: Rebuilt | _NotRebuilt, currency: str | None) -> None:
    if isinstance(one, _NotRebuilt):
        err.print(one.problem)
    else:
        _print_rebuilt(one, currency)


def _print_rebuilt(one: Rebuilt, currency: str | None) -> None:
    verb = "would be put right" if one.preview else "put right"
    levels = ", ".join(f"{number} in {level}" for level, number in sorted(one.levels.items()))
    out.print(
        f"{one.domain}: {one.orders} orders looked at; {levels or 'nothing'} {verb}.", markup=False
    )
    if one.changes:
        print_table(
            (
                "Day",
                "Measure",
                "Now" if one.preview else "Before",
                "Then" if one.preview else "Now",
            ),
            [
                (
                    c.day,
                    c.measure,
                    _amount(c.measure, c.before, currency),
                    _amount(c.measure, c.after, currency),
                )
                for c in one.changes[:_CHANGES_SHOWN]
            ],
            "",
        )
    if len(one.changes) > _CHANGES_SHOWN:
        out.print(f"  … and {len(one.changes) - _CHANGES_SHOWN} more: --json has all.")


def _amount(measure: str, amount: int, currency: str | None) -> str:
    """As people read it: money in the store's currency."""
    return format_money(amount, currency or "") if measure in _MONEY else str(amount)


class _Chosen(NamedTuple):
    """A connected store."""

    domain: str
    key: StoreKey
    currency: str | None
    since: datetime
    """When the account before it, if there was one, gave the shop up."""


async def _rebuild(database: Database, store: _Chosen, options: Namespace) -> Rebuilt:
    async with await connect(database.worker_url) as connection:
        return await rebuild_online(
            connection,
            store.key,
            store.domain,
            _microseconds,
            preview=options.preview,
            since=store.since if options.journal else None,
            progress=_progress(store.domain, options),
        )


async def _verify(database: Database, store: _Chosen, options: Namespace) -> StoreReport:
    async with await connect(database.worker_url) as connection:
        report: StoreReport | None = None
        attempts = 0
        while report is None:
            attempts += 1
            await catch_up(connection, store.key, _microseconds)
            report = await _verified(connection, store, options, is_last=attempts == _ATTEMPTS)
        return report


async def _verified(
    connection: Connection, store: _Chosen, options: Namespace, *, is_last: bool
) -> StoreReport | None:
    """What is found now; None where something is overdue: the past then depends on when it is looked at."""
    async with connection.transaction():
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        await set_tenants(connection, [store.key.tenant_id])
        profile = await profile_of(connection, store.key)
        now = _microseconds()
        if not is_last and await overdue(connection, store.key, now, most=1):
            return None
        return await verify_store(
            connection,
            store.key,
            store.domain,
            profile,
            now,
            since=store.since if options.journal else None,
            progress=_progress(store.domain, options),
        )


async def _chosen(database: Database, domain: str | None) -> list[_Chosen] | None:
    """The stores meant, by domain; None after saying what is wrong."""
    async with await connect(database.admin_url) as connection:
        cursor = await connection.execute(_CHOSEN, {"domain": domain})
        stores = [
            _Chosen(name, StoreKey(tenant_id, store_id), currency, since or _EPOCH)
            for name, tenant_id, store_id, currency, since in await cursor.fetchall()
        ]
    if domain is not None and not stores:
        err.print(f"{domain} is not connected. `tillstream store list` shows those that are.")
        return None
    return stores


def _digest(reports: list[StoreReport]) -> str:
    told = [[report.domain, report.state_hash] for report in reports]
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()


def _progress(domain: str, options: Namespace) -> Progress:
    """Says now and then how far it has come, where a person looks on."""
    told: dict[str, int] = {}

    def report(what: str, done: int) -> None:
        if not options.json and done - told.get(what, 0) >= _TOLD_EVERY:
            told[what] = done
            err.print(f"{domain}: {done} {what} looked at")

    return report


def _microseconds() -> int:
    return int(utc_now().timestamp() * 1_000_000)
