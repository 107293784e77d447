"""``tillstream demo``: everything at once, three pretend stores with a year behind them, and shoppers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import shutil
from typing import TYPE_CHECKING, Final

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tillstream.command.console import err, out
from tillstream.command.installation import own_database, postgres_folder
from tillstream.command.roles import journal_status, stop_on_signals
from tillstream.command.up import running
from tillstream.foundation.clock import utc_now
from tillstream.foundation.database import open_pool
from tillstream.foundation.embedded.server import find_running
from tillstream.shops.accounts import add_account
from tillstream.shops.refusals import EmailTaken
from tillstream.shops.sealing import Keyring
from tillstream.shops.stores import StoreDetails, add_store
from tillstream.simulator.demo import Cursor, Demo, demo_shops

if TYPE_CHECKING:
    from argparse import Namespace
    from pathlib import Path

    from tillstream.command.installation import Database
    from tillstream.foundation.settings import Settings
    from tillstream.simulator.delivery import DeliveryReport

log = logging.getLogger(__name__)

EMAIL: Final = "demo@tillstream.example"
PASSWORD: Final = "shoppers never sleep"  # noqa: S105 - printed for everyone to see
"""Of the demo's own account, in a database that listens on no network."""


async def run_demo(settings: Settings, options: Namespace) -> int:
    """Run until told to stop."""
    if options.fresh and not _start_over(settings):
        return 1
    out.print(f"Tillstream demo. Its data is kept in {settings.data} (--fresh starts over).")
    stop = stop_on_signals()
    with own_database(settings) as database:
        async with running(settings, database):
            await _introduce(settings, database)
            # The signal may come at any moment, also amid the history.
            telling = asyncio.create_task(_tell(settings, database, options.rate))
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait((telling, stopping), return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if telling.done():
                telling.result()
            telling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await telling
            out.print("Stopping …")
    return 0


def _start_over(settings: Settings) -> bool:
    if find_running(postgres_folder(settings)) is not None:
        err.print(f"A demo is running in {settings.data}: stop it before starting over.")
        return False
    shutil.rmtree(postgres_folder(settings), ignore_errors=True)
    _cursor_path(settings).unlink(missing_ok=True)
    return True


def _cursor_path(settings: Settings) -> Path:
    return settings.data / "demo.json"


async def _introduce(settings: Settings, database: Database) -> None:
    """The account and its three stores, unless they are there from last time."""
    async with open_pool(database.api_url) as pool:
        try:
            await add_account(pool, EMAIL, PASSWORD, "Demo")
        except EmailTaken:
            return
        for shop in demo_shops():
            details = StoreDetails(name=shop.name, timezone=shop.zone, currency=shop.currency)
            await add_store(pool, Keyring.from_settings(settings), EMAIL, shop.domain, details)


async def _tell(settings: Settings, database: Database, rate: float) -> None:
    """The past if it has not been told yet, then the present without end."""
    cursor = Cursor.load(_cursor_path(settings))
    if cursor is None:
        cursor = Cursor.begin(secrets.token_hex(4), utc_now())
        # Kept before anything is sent: told again after a crash, it has to be the same story.
        cursor.save(_cursor_path(settings))
    demo = Demo(
        f"http://{settings.bind}:{settings.port}/api/webhook",
        settings.shopify_api_secrets[-1],
        cursor,
        _cursor_path(settings),
    )
    if demo.needs_history:
        await _tell_history(settings, database, demo)
    out.print(
        f"\n  Dashboard   http://{settings.bind}:{settings.port}\n"
        f"  E-mail      {EMAIL}\n"
        f"  Password    {PASSWORD}\n\n"
        f"Shoppers are buying now, about {rate:g} deliveries a minute. Ctrl-C stops everything."
    )
    await demo.live(utc_now(), rate)


async def _tell_history(settings: Settings, database: Database, demo: Demo) -> None:
    start, end = demo.cursor.history_start, demo.cursor.history_end
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[count]:,} deliveries"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=out) as progress:
        bar = progress.add_task("Twelve months of history", total=end - start, count=0)

        def note(report: DeliveryReport) -> None:
            done = min(max(report.last_due - start, 0), end - start)
            progress.update(bar, completed=done, count=report.accepted)

        await demo.history(note)
        progress.update(bar, completed=end - start, description="Adding it up")
        while (status := await journal_status(settings, database.worker_url)).waiting:
            progress.update(bar, count=status.applied)
            await asyncio.sleep(0.2)
        progress.update(bar, description="Twelve months of history", count=status.applied)
