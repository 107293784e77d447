"""Commands that look after an installation: accounts, stores, the journal, verification."""

from __future__ import annotations

import hashlib
import secrets
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from tillstream.command.apps import read_secret
from tillstream.command.console import err, out, print_json, print_table
from tillstream.command.installation import open_database
from tillstream.command.roles import journal_status
from tillstream.foundation.clock import utc_now
from tillstream.foundation.database import connect, open_pool, set_tenants
from tillstream.journal import operations
from tillstream.mirror.merge import Store as StoreKey
from tillstream.rollup.apply import follow_settings, lock_store, pass_deadlines, profile_of
from tillstream.rollup.rebuild import rebuild_store
from tillstream.rollup.verify import StoreReport, verify_store
from tillstream.shops.accounts import add_account
from tillstream.shops.sealing import Keyring
from tillstream.shops.stores import StoreDetails, add_store, list_stores, remove_store

if TYPE_CHECKING:
    from argparse import Namespace

    from tillstream.command.installation import Database
    from tillstream.foundation.settings import Settings
    from tillstream.shops.stores import Store


_SHOWN = 20
"""Differences of a store that are printed; --json has more."""


async def account_add(settings: Settings, options: Namespace) -> int:
    """``tillstream account add``."""
    password: str | None = options.password
    if options.password_stdin:
        password = sys.stdin.readline().rstrip("\n")
    generated = password is None
    password = password if password is not None else secrets.token_urlsafe(12)
    with open_database(settings) as database:
        async with open_pool(database.api_url) as pool:
            account = await add_account(pool, options.email, password, options.name)
    answer: dict[str, Any] = {"tenant_id": str(account.tenant_id), "email": account.email}
    if generated:
        answer["password"] = password
    if options.json:
        print_json(answer)
    else:
        out.print(
            f"Account {account.email} is ready."
            + (f" Its password is {password}" if generated else "")
        )
    return 0


async def store_add(settings: Settings, options: Namespace) -> int:
    """``tillstream store add``."""
    details = StoreDetails(
        timezone=options.timezone,
        currency=options.currency,
        api_secret=_told(options.api_secret, "Client secret: "),
        access_token=_told(options.access_token, "Access token: "),
        client_id=options.api_key,
        vouched_at=utc_now() if options.vouch else None,
    )
    with open_database(settings) as database:
        async with open_pool(database.api_url) as pool:
            store = await add_store(
                pool, Keyring.from_settings(settings), options.account, options.domain, details
            )
    if options.json:
        print_json(_store(options.account, store))
    else:
        out.print(f"{store.domain} is connected. Send its webhooks to {settings.host}/api/webhook")
    return 0


async def store_list(settings: Settings, options: Namespace) -> int:
    """``tillstream store list``."""
    with open_database(settings) as database:
        async with open_pool(database.admin_url) as pool:
            stores = await list_stores(pool, options.account)
    if options.json:
        print_json([_store(email, store) for email, store in stores])
    else:
        print_table(
            ("Domain", "Account", "Currency", "Time zone", "Connected"),
            [
                (s.domain, email, s.currency, s.timezone, f"{s.created_at:%Y-%m-%d}")
                for email, s in stores
            ],
            "No store is connected yet: see `tillstream store add --help`.",
        )
    return 0


async def store_remove(settings: Settings, options: Namespace) -> int:
    """``tillstream store remove``."""
    with open_database(settings) as database:
        async with open_pool(database.admin_url) as pool:
            await remove_store(pool, options.domain, utc_now())
    if options.json:
        print_json({"removed": options.domain})
    else:
        out.print(f"{options.domain} is removed. Its data stays until it is erased.")
    return 0


async def journal_state(settings: Settings, options: Namespace) -> int:
    """``tillstream journal status``."""
    with open_database(settings) as database:
        status = await journal_status(settings, database.worker_url)
    if options.json:
        print_json(status)
    else:
        print_table(
            ("Accepted", "Applied", "Parked", "Unrouted", "Waiting", "Oldest waiting"),
            [
                (
                    status.accepted,
                    status.applied,
                    status.parked,
                    status.unrouted,
                    status.waiting,
                    ""
                    if status.oldest_waiting_seconds is None
                    else f"{status.oldest_waiting_seconds:.1f} s",
                )
            ],
            "",
        )
    return 0


async def journal_parked(settings: Settings, options: Namespace) -> int:
    """``tillstream journal parked``."""
    with open_database(settings) as database:
        async with await connect(database.admin_url) as connection:
            rows = await operations.list_held(
                connection,
                "unrouted" if options.unrouted else "parked",
                options.limit,
                options.after,
            )
    if options.json:
        print_json(rows)
    else:
        print_table(
            ("Id", "Shop", "Topic", "Since", "Reason", "What to do"),
            [
                (r.id, r.shop, r.topic, f"{r.held_at:%Y-%m-%d %H:%M}", r.reason, r.detail)
                for r in rows
            ],
            "Nothing is held back.",
        )
    return 0


async def journal_release(settings: Settings, options: Namespace) -> int:
    """``tillstream journal release``."""
    if not options.all and not options.ids:
        err.print("Say which: the ids that `tillstream journal parked` lists, or --all.")
        return 2
    with open_database(settings) as database:
        async with await connect(database.admin_url) as connection:
            released = await operations.release(connection, None if options.all else options.ids)
    if options.json:
        print_json({"released": released})
    else:
        out.print(f"{released} released; they are tried again now.")
    return 0


async def verify(settings: Settings, options: Namespace) -> int:
    """``tillstream verify``: exit status 1 when anything disagrees."""
    with open_database(settings) as database:
        stores = await _chosen(database, options.store)
        if stores is None:
            return 2
        reports = [await _verify(database, store, options) for store in stores]
    digest = _digest(reports)
    ok = not any(report.differences for report in reports)
    if options.json:
        print_json({"ok": ok, "state_hash": digest, "stores": reports})
    else:
        print_table(
            ("Store", "Orders", "Differences", "State hash"),
            [
                (r.domain, r.orders, len(r.differences) or "none", r.state_hash[:16])
                for r in reports
            ],
            "No store is connected yet.",
        )
        for report in reports:
            if len(report.differences) > _SHOWN:
                out.print(f"  {report.domain}: the first {_SHOWN} of {len(report.differences)}")
            for one in report.differences[:_SHOWN]:
                out.print(
                    f"  {report.domain} {one.level} {one.where} {one.measure}: {one.stored}, not {one.expected}"
                )
        out.print(f"{'All figures agree' if ok else 'Figures disagree'}. State {digest}")
    return 0 if ok else 1


async def rebuild(settings: Settings, options: Namespace) -> int:
    """``tillstream rebuild``."""
    with open_database(settings) as database:
        stores = await _chosen(database, options.store)
        if stores is None:
            return 2
        done: list[dict[str, Any]] = []
        for _, domain, key in stores:
            async with await connect(database.worker_url) as connection, connection.transaction():
                await set_tenants(connection, [key.tenant_id])
                await lock_store(connection, key)
                profile = await profile_of(connection, key)
                orders = await rebuild_store(
                    connection, key, profile, _microseconds(), _progress(domain, "rebuilt", options)
                )
            done.append({"domain": domain, "orders": orders})
    if options.json:
        print_json(done)
    else:
        for one in done:
            out.print(f"{one['domain']}: {one['orders']} orders booked anew.")
    return 0


async def _verify(
    database: Database, store: tuple[str, str, StoreKey], options: Namespace
) -> StoreReport:
    _, domain, key = store
    async with await connect(database.worker_url) as connection:
        # What is overdue is passed first: until then the past depends on when it was looked at.
        async with connection.transaction():
            await follow_settings(connection, _microseconds())
        async with connection.transaction():
            await pass_deadlines(connection, _microseconds())
        async with connection.transaction():
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            await set_tenants(connection, [key.tenant_id])
            profile = await profile_of(connection, key)
            return await verify_store(
                connection,
                key,
                domain,
                profile,
                _microseconds(),
                _progress(domain, "checked", options),
            )


async def _chosen(database: Database, domain: str | None) -> list[tuple[str, str, StoreKey]] | None:
    """The stores meant, as (account, domain, key), by domain; None after saying what is wrong."""
    async with await connect(database.admin_url) as connection:
        cursor = await connection.execute(
            "SELECT '', domain, tenant_id, id FROM shops.stores WHERE removed_at IS NULL "
            'AND (%(domain)s::text IS NULL OR domain = %(domain)s) ORDER BY domain COLLATE "C"',
            {"domain": domain},
        )
        stores = [
            (account, name, StoreKey(t, s)) for account, name, t, s in await cursor.fetchall()
        ]
    if domain is not None and not stores:
        err.print(f"{domain} is not connected. `tillstream store list` shows those that are.")
        return None
    return stores


def _digest(reports: list[StoreReport]) -> str:
    told = [[report.domain, report.state_hash] for report in reports]
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()


def _progress(domain: str, done: str, options: Namespace) -> Any:
    def report(orders: int) -> None:
        if not options.json and orders % 20_000 == 0:
            err.print(f"{domain}: {orders} orders {done}")

    return report


def _told(secret: str | None, prompt: str) -> str | None:
    """What was given, or a line of standard input where that is ``-``."""
    return read_secret(None, prompt) if secret == "-" else secret  # noqa: S105 - a sign, no secret


def _store(email: str, store: Store) -> dict[str, Any]:
    return {
        "id": str(store.id),
        "domain": store.domain,
        "account": email,
        "timezone": store.timezone,
        "currency": store.currency,
        "abandonment_window_seconds": int(store.abandonment_window / timedelta(seconds=1)),
        "connected_at": store.created_at,
    }


def _microseconds() -> int:
    return int(utc_now().timestamp() * 1_000_000)
