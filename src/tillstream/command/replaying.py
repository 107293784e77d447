"""``tillstream replay``: a store's mirror and figures made anew, from nothing but what was received."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, LiteralString

from psycopg import sql

from tillstream.command.console import err, out, print_json
from tillstream.command.erasing import STORE_TABLES
from tillstream.command.installation import open_database
from tillstream.foundation.clock import utc_now
from tillstream.foundation.database import connect, set_tenants
from tillstream.journal.operations import replay_frames
from tillstream.mirror.merge import Store
from tillstream.rollup.apply import apply, lock_store

if TYPE_CHECKING:
    from argparse import Namespace

    from tillstream.foundation.clock import Clock
    from tillstream.foundation.database import Connection
    from tillstream.foundation.settings import Settings
    from tillstream.journal.contract import Delivery

_BATCH: Final = 1000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_KEPT: Final = {("mirror", "redactions"), ("rollup", "live")}
"""Whom to forget is no figure: it holds for a replay too."""

# What the shop was told before that moment was told to the account that had it then.
_CONNECTED: LiteralString = """
SELECT s.tenant_id, s.id, (
  SELECT max(f.removed_at) FROM shops.stores AS f WHERE f.domain = s.domain AND f.removed_at IS NOT NULL)
FROM shops.stores AS s WHERE s.domain = %s AND s.removed_at IS NULL
"""
_KNOWN: LiteralString = (
    "SELECT count(*) FROM mirror.deliveries WHERE tenant_id = %s AND store_id = %s"
)
# What had been applied stays under a store that there is none of, to be held against what comes again: which
# deliveries, not how many, for one that still waits would make up for one that is lost.
_SET_ASIDE: LiteralString = (
    "UPDATE mirror.deliveries SET store_id = -store_id WHERE tenant_id = %s AND store_id = %s"
)
_LOST: LiteralString = """
SELECT count(*) FROM mirror.deliveries AS b
WHERE b.tenant_id = %s AND b.store_id = -%s AND NOT EXISTS (
  SELECT FROM mirror.deliveries AS a
  WHERE a.tenant_id = b.tenant_id AND a.store_id = -b.store_id AND a.key = b.key)
"""
_FORGET: LiteralString = "DELETE FROM mirror.deliveries WHERE tenant_id = %s AND store_id = -%s"


class Incomplete(Exception):
    """The journal no longer has all that the mirror was made of; nothing was changed."""

    def __init__(self, missing: int) -> None:
        super().__init__(
            f"The journal no longer has {missing} of the deliveries that were applied: what they told "
            "would be lost. Nothing was changed."
        )


async def replay_store(
    connection: Connection, store: Store, domain: str, clock: Clock, *, since: datetime = _EPOCH
) -> int:
    """Empty a store's mirror and figures and apply again all that the journal has; how many deliveries.

    In the caller's transaction, of the worker role: readers see the old figures until its commit.

    Args:
        connection: see above.
        store: which.
        domain: under which its deliveries were sent.
        clock: the time.
        since: leave out what came before, which was for an account that had the shop then.

    Raises:
        Incomplete: roll back.
    """
    await set_tenants(connection, [store.tenant_id])
    await lock_store(connection, store)
    await connection.execute(_SET_ASIDE, store)
    for schema, table in STORE_TABLES:
        if (schema, table) not in _KEPT:
            await connection.execute(
                sql.SQL("DELETE FROM {} WHERE tenant_id = %s AND store_id = %s").format(
                    sql.Identifier(schema, table)
                ),
                store,
            )
    batch: list[Delivery] = []
    async for frame in replay_frames(connection, since, {domain}):
        batch.extend(frame.deliveries)
        if len(batch) >= _BATCH:
            await _apply(connection, batch, clock)
            batch = []
    await _apply(connection, batch, clock)
    lost = await _count(connection, _LOST, store)
    if lost:
        raise Incomplete(lost)
    await connection.execute(_FORGET, store)
    return await _count(connection, _KNOWN, store)


async def replay(settings: Settings, options: Namespace) -> int:
    """``tillstream replay``: exit status 1 if the journal does not reach back far enough."""
    with open_database(settings) as database:
        async with await connect(database.admin_url) as admin:
            row = await (await admin.execute(_CONNECTED, (options.store,))).fetchone()
        if row is None:
            err.print(
                f"{options.store} is not connected. `tillstream store list` shows those that are."
            )
            return 2
        tenant_id, store_id, since = row
        store = Store(tenant_id, store_id)
        try:
            async with await connect(database.worker_url) as connection, connection.transaction():
                deliveries = await replay_store(
                    connection, store, options.store, utc_now, since=since or _EPOCH
                )
        except Incomplete as error:
            err.print(f"{options.store}: {error}")
            return 1
    answer: dict[str, Any] = {"domain": options.store, "deliveries": deliveries}
    if options.json:
        print_json(answer)
    else:
        out.print(f"{options.store}: {deliveries} deliveries applied anew.")
    return 0


async def _apply(connection: Connection, batch: list[Delivery], clock: Clock) -> None:
    if batch:
        now = int(clock().timestamp() * 1_000_000)
        await apply(connection, batch, now)


async def _count(connection: Connection, statement: LiteralString, store: Store) -> int:
    row = await (await connection.execute(statement, store)).fetchone()
    return 0 if row is None else int(row[0])
