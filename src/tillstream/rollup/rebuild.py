"""Rebuilding a store while it goes on: find what is wrong beside the work, then put it right at once.

The survey reads one moment of the store and holds no lock, so deliveries are applied meanwhile. Then
one transaction, with the store's lock, mends what was found: readers see the old figures until it
commits and the new ones after that. Deliveries of the store wait for that transaction alone, and those
of other stores do not (see ``rollup/apply.py``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, LiteralString

import msgspec

from tillstream.foundation.database import set_tenants
from tillstream.mirror.rows import instant
from tillstream.rollup import live
from tillstream.rollup.apply import catch_up, close_store, profile_of
from tillstream.rollup.findings import Change
from tillstream.rollup.mending import mend
from tillstream.rollup.progress import Progress, unheard
from tillstream.rollup.survey import survey

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tillstream.foundation.database import Connection
    from tillstream.mirror.merge import Store
    from tillstream.rollup.findings import Findings
    from tillstream.rollup.zones import Profile

MOST_ROUNDS: Final = 3
"""What was wrong below may have hidden something above: so it is looked at again, but not for ever."""

_ALONE: LiteralString = "SELECT pg_try_advisory_lock(7211845, %s)"
_NO_LONGER_ALONE: LiteralString = "SELECT pg_advisory_unlock(7211845, %s)"


class Rebuilt(msgspec.Struct):
    """What rebuilding a store came to."""

    domain: str
    orders: int
    """Orders looked at."""
    mended: int
    """Differences that were put right, or would be."""
    levels: dict[str, int]
    """How many at each level that had any."""
    changes: list[Change]
    """What it changes of the figures, by day and measure."""
    preview: bool


class RebuildRunning(Exception):
    """Somebody else is rebuilding the store."""

    def __init__(self, domain: str) -> None:
        super().__init__(f"{domain} is being rebuilt already. Wait until that is done.")


class ZoneChanged(Exception):
    """The store's time zone changed while it was looked at."""

    def __init__(self, domain: str) -> None:
        super().__init__(
            f"The time zone of {domain} changed during the rebuild, which brought all its days in line. "
            "Nothing else was changed: start it again."
        )


async def rebuild_online(  # noqa: PLR0913 - the store and how it is rebuilt
    connection: Connection,
    store: Store,
    domain: str,
    clock: Callable[[], int],
    *,
    preview: bool = False,
    since: datetime | None = None,
    progress: Progress = unheard,
) -> Rebuilt:
    """Make a store's figures what its copy says, while deliveries keep arriving.

    Args:
        connection: of the worker role, in autocommit mode.
        store: which.
        domain: its name.
        clock: µs since the epoch.
        preview: only say what it would change.
        since: also make the copy what the journal says, from then on.
        progress: is told from time to time.

    Raises:
        RebuildRunning: nothing was done.
        ZoneChanged: start again.
    """
    key = store.store_id % 2**31
    row = await (await connection.execute(_ALONE, (key,))).fetchone()
    if row is None or not row[0]:
        raise RebuildRunning(domain)
    try:
        return await _rounds(connection, store, domain, clock, preview, since, progress)
    finally:
        if not connection.closed:
            await connection.execute(_NO_LONGER_ALONE, (key,))


async def _rounds(  # noqa: PLR0913, PLR0917 - see rebuild_online
    connection: Connection,
    store: Store,
    domain: str,
    clock: Callable[[], int],
    preview: bool,  # noqa: FBT001
    since: datetime | None,
    progress: Progress,
) -> Rebuilt:
    rebuilt = Rebuilt(domain, 0, 0, {}, [], preview)
    for _ in range(MOST_ROUNDS):
        found, profile = await _look(connection, store, domain, clock, since, progress)
        rebuilt.orders = found.orders
        rebuilt.mended += found.count
        for level, number in found.levels.items():
            rebuilt.levels[level] = rebuilt.levels.get(level, 0) + number
        rebuilt.changes = [*rebuilt.changes, *found.changes]
        if preview or not found.count:
            break
        async with connection.transaction():
            await set_tenants(connection, [store.tenant_id])
            await close_store(connection, store)
            # Deliveries, and changed settings, may have come since: windows hold as they are now.
            current = await profile_of(connection, store)
            if current.timezone != profile.timezone:
                raise ZoneChanged(domain)
            await mend(connection, found, current, clock())
            await _tell(connection, store, clock())
        if not (found.rows or found.missing):
            break
    return rebuilt


async def _look(
    connection: Connection,
    store: Store,
    domain: str,
    clock: Callable[[], int],
    since: datetime | None,
    progress: Progress,
) -> tuple[Findings, Profile]:
    await catch_up(connection, store, clock)
    async with connection.transaction():
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        await set_tenants(connection, [store.tenant_id])
        profile = await profile_of(connection, store)
        found = await survey(
            connection, store, domain, profile, clock(), since=since, progress=progress
        )
    return found, profile


async def _tell(connection: Connection, store: Store, now: int) -> None:
    """Let those who watch look again."""
    at = instant(now)
    assert at is not None  # noqa: S101 - `now` is a number
    changed = ["sales", "customers", "checkouts", "products"]
    news = live.News(str(store.store_id), at, changed, feed=[], received_at=None)
    await live.announce(connection, {store: news})
