"""Commands that run processes: all in one, or the roles apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tillstream.command.console import out, print_json, print_table
from tillstream.command.examination import examine
from tillstream.command.installation import Database, open_database, own_database, worker_url
from tillstream.command.roles import run_ingest, run_serve, run_work, stop_on_signals
from tillstream.command.up import running
from tillstream.foundation.migrate import login_url, migrate
from tillstream.foundation.settings import SettingMissing

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable

    from tillstream.foundation.settings import Settings


async def up(settings: Settings, _: Namespace) -> int:
    """``tillstream up``."""
    stop = stop_on_signals()
    with own_database(settings) as database:
        async with running(settings, database):
            out.print(f"Tillstream is ready at http://{settings.bind}:{settings.port}")
            await stop.wait()
    return 0


async def demo(settings: Settings, options: Namespace) -> int:
    """``tillstream demo``."""
    from tillstream.command.demo import run_demo

    return await run_demo(settings, options)


async def ingest(settings: Settings, _: Namespace) -> int:
    """``tillstream ingest``."""
    await run_ingest(settings, _outside(settings), stop_on_signals(), _say_ready(settings))
    return 0


async def serve(settings: Settings, _: Namespace) -> int:
    """``tillstream serve``."""
    await run_serve(settings, _outside(settings), stop_on_signals(), _say_ready(settings))
    return 0


async def work(settings: Settings, _: Namespace) -> int:
    """``tillstream work``."""
    await run_work(
        settings, _outside(settings), stop_on_signals(), lambda: out.print("The worker is ready.")
    )
    return 0


async def bring_up_to_date(settings: Settings, _: Namespace) -> int:
    """``tillstream migrate``."""
    if settings.database_url is None:
        with open_database(settings):
            out.print("The embedded database is current.")
        return 0
    done = migrate(settings.database_url, settings.key)
    out.print(f"Applied {', '.join(done)}." if done else "The database is current.")
    return 0


async def doctor(settings: Settings, options: Namespace) -> int:
    """``tillstream doctor``: exit status 1 when something is wrong."""
    findings = await examine(settings)
    if options.json:
        print_json({"ok": all(one.ok for one in findings), "findings": findings})
    else:
        print_table(
            ("", "What", "Finding"),
            [("ok" if f.ok else "WRONG", f.what, f.finding) for f in findings],
            "",
        )
    return 0 if all(one.ok for one in findings) else 1


def _outside(settings: Settings) -> Database:
    """The database of roles that run apart: it must be one that several processes can reach."""
    if settings.database_url is None:
        message = (
            "DATABASE_URL is not set. Roles that run apart share an outside PostgreSQL; "
            "run `tillstream migrate` on it first."
        )
        raise SettingMissing(message)
    url = settings.database_url
    return Database("", login_url(url, "api", settings.key), worker_url(url, settings))


def _say_ready(settings: Settings) -> Callable[[], None]:
    return lambda: out.print(f"Ready at http://{settings.bind}:{settings.port}")
