"""``tillstream doctor``: what is right and wrong with an installation, each with what to do."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

import msgspec
import psycopg

from tillstream.command.installation import open_database
from tillstream.command.roles import journal_status
from tillstream.foundation.database import connect

if TYPE_CHECKING:
    from tillstream.command.installation import Database
    from tillstream.foundation.settings import Settings

_LEAST_SPACE: Final = 1024**3


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at."""

    what: str
    ok: bool
    finding: str


async def examine(settings: Settings) -> list[Finding]:
    """Look at everything that can be wrong; nothing is changed but missing migrations."""
    findings = [_space(settings), _address(settings)]
    try:
        with open_database(settings) as database:
            findings += [await _database(database), await _journal(settings, database)]
    except psycopg.Error as error:
        findings.append(Finding("database", ok=False, finding=f"It cannot be reached: {error}"))
    return findings


def _space(settings: Settings) -> Finding:
    folder = settings.data if settings.data.exists() else settings.data.parent
    free = shutil.disk_usage(folder).free
    return Finding(
        "disk",
        ok=free > _LEAST_SPACE,
        finding=f"{free // 1024**2} MB are free under {settings.data}.",
    )


def _address(settings: Settings) -> Finding:
    public = settings.host.startswith("https://")
    word = (
        "Shopify can deliver there."
        if public
        else "Shopify delivers only to public https addresses: set HOST."
    )
    local = settings.host.startswith("http://127.0.0.1")
    return Finding("address", ok=public or local, finding=f"HOST is {settings.host}. {word}")


async def _database(database: Database) -> Finding:
    async with await connect(database.worker_url) as connection:
        row = await (await connection.execute("SELECT version()")).fetchone()
    version = str(row[0]).split(" on ", maxsplit=1)[0] if row else "unknown"
    return Finding("database", ok=True, finding=f"{version}, reachable, schema current.")


async def _journal(settings: Settings, database: Database) -> Finding:
    kind = "RabbitMQ" if settings.rabbitmq_url else "PostgreSQL"
    try:
        status = await journal_status(settings, database.worker_url)
    except Exception as error:  # noqa: BLE001 - a broker may fail in many ways; each is a finding
        return Finding(
            "journal",
            ok=False,
            finding=f"{kind} cannot be reached: {type(error).__name__}: {error}",
        )
    told = f"{status.accepted} accepted, {status.waiting} waiting, {status.parked} parked, {status.unrouted} unrouted"
    return Finding("journal", ok=status.parked == 0, finding=f"{kind}: {told}.")
