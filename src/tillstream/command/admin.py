"""Commands that look after an installation: accounts, stores, the journal."""

from __future__ import annotations

import secrets
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tillstream.command.apps import read_secret
from tillstream.command.console import err, out, print_json, print_table
from tillstream.command.installation import open_database
from tillstream.command.roles import journal_status
from tillstream.foundation.clock import utc_now
from tillstream.foundation.database import connect, open_pool
from tillstream.journal import operations
from tillstream.shops.accounts import add_account
from tillstream.shops.sealing import Keyring
from tillstream.shops.stores import StoreDetails, add_store, list_stores, remove_store

if TYPE_CHECKING:
    from argparse import Namespace

    from tillstream.foundation.settings import Settings
    from tillstream.shops.stores import Store


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
