"""Where an installation's database is: outside, already running beside us, or to be started."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tillstream.foundation.embedded.server import EmbeddedPostgres, find_running
from tillstream.foundation.migrate import drop_logins, earlier_logins, login_url, migrate
from tillstream.foundation.settings import INFERENCE_DAYS

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from tillstream.foundation.settings import Settings


@dataclass(frozen=True)
class Database:
    """The database as its owner and as the two roles. The URLs hold passwords: never print them."""

    admin_url: str
    api_url: str
    worker_url: str

    def __repr__(self) -> str:
        return "Database(…)"


def postgres_folder(settings: Settings) -> Path:
    """Where the embedded database lives."""
    return settings.data / "postgres"


@contextmanager
def open_database(settings: Settings) -> Generator[Database]:
    """The migrated database of an installation; an embedded one is stopped again if we started it."""
    if settings.database_url:
        yield _migrated(settings.database_url, settings)
        return
    running = find_running(postgres_folder(settings))
    if running is not None:
        yield _migrated(running, settings)
        return
    with _started(settings) as admin_url:
        yield _migrated(admin_url, settings)


@contextmanager
def own_database(settings: Settings) -> Generator[Database]:
    """As :func:`open_database`, for the process that owns the embedded one: it must not run yet."""
    if settings.database_url:
        yield _migrated(settings.database_url, settings)
        return
    with _started(settings) as admin_url:
        database = _migrated(admin_url, settings)
        # Nobody else is connected to a server that was started just now.
        with psycopg.connect(admin_url, autocommit=True) as connection:
            drop_logins(connection, earlier_logins(connection, (settings.key, *settings.old_keys)))
        yield database


@contextmanager
def _started(settings: Settings) -> Generator[str]:
    server = EmbeddedPostgres(postgres_folder(settings), listen=settings.sql_listen)
    url = server.start()
    try:
        yield url
    finally:
        server.stop()


def _migrated(admin_url: str, settings: Settings) -> Database:
    migrate(admin_url, settings.key)
    return Database(
        admin_url,
        login_url(admin_url, "api", settings.key),
        worker_url(admin_url, settings),
    )


def worker_url(admin_url: str, settings: Settings) -> str:
    """As :func:`login_url` for the worker, with what its sessions need to know of the settings."""
    url = login_url(admin_url, "worker", settings.key)
    told: list[str] = []
    if settings.inference_days != INFERENCE_DAYS:
        # Read by rollup.inference_seconds, which believes in the default where nothing is said.
        told.append(f"-c tillstream.inference_days={settings.inference_days}")
    if settings.claims_proved:
        # Read by shops.route: the shops that were only claimed have no route then.
        told.append("-c tillstream.claims=proved")
    if not told:
        return url
    options = str(conninfo_to_dict(url).get("options") or "")
    return make_conninfo(url, options=" ".join([options, *told]).strip())
