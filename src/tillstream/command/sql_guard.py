"""Beside the worker: ends what merchants' SQL logins do for too long, and drops revoked ones."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

import psycopg

from tillstream.foundation.database import connect
from tillstream.shops import sql_access

if TYPE_CHECKING:
    from tillstream.foundation.database import Connection

log = logging.getLogger(__name__)

_EVERY: Final = 5.0
"""Seconds between two looks: with ``sql_access.PATIENCE`` no statement lives for 40 seconds."""
_DROP_EVERY: Final = 12
"""Looks between two searches for roles that a revocation left behind: about a minute."""


async def guard_sql(worker_url: str) -> None:
    """Look again and again until cancelled; a lost connection is made anew."""
    while True:
        try:
            connection = await connect(worker_url)
            async with connection:
                await _watch(connection)
        except (psycopg.Error, OSError) as error:
            log.warning("sql_guard_connection_lost", extra={"error": type(error).__name__})
        await asyncio.sleep(_EVERY)


async def _watch(connection: Connection) -> None:
    looks = 0
    while True:
        for username, reason in await sql_access.end_overdue(connection):
            log.warning("sql_session_ended", extra={"login": username, "reason": reason})
        if looks % _DROP_EVERY == 0:
            await sql_access.drop_revoked(connection)
        looks += 1
        await asyncio.sleep(_EVERY)
