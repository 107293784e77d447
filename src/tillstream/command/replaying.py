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

_KNOWN: LiteralString = (
    "SELECT count(*) FROM mirror.deliveries WHERE tenant_id = %s AND store_id = %s"
)


class Incomplete(Exception):
    """The journal no longer has all that the mirror was made of; nothing was changed."""

    def __init__(self, missing: int) -> None:
        super().__init__(
            f"The journal no longer has {missing} of the deliveries that were applied: what they told "
            "would be lost. Nothing was changed."
        )


async def replay_store(connection: Connection, store: Store, domain: str, clock: Clock) -> int:
    """Empty a store's mirror and figures and apply again all that the journal has; how many deliveries.

    In the caller's transaction, of the worker role: readers see the old figures until its commit.

    Raises:
        Incomplete: roll back.
    """
    await set_tenants(connection, [store.tenant_id])
    await lock_store(connection, store)
    before = await _known(connection, store)
    for schema, table in STORE_TABLES:
        if (schema, table) not in _KEPT:
            await connection.execute(
                sql.SQL("DELETE FROM {} WHERE tenant_id = %s AND store_id = %s").format(
                    sql.Identifier(schema, table)
                ),
                store,
            )
    batch: list[Delivery] = []
    async for frame in replay_frames(connection, _EPOCH, {domain}):
        batch.extend(frame.deliveries)
        if len(batch) >= _BATCH:
            await _apply(connection, batch, clock)
            batch = []
    await _apply(connection, batch, clock)
    after = await _known(connection, store)
    if after < before:
        raise Incomplete(before - after)
    return after


async def replay(settings: Settings, options: Namespace) -> int:
    """``tillstream replay``: exit status 1 if the journal does not reach back far enough."""
    with open_database(settings) as database:
        async with await connect(database.admin_url) as admin:
            cursor = await admin.execute(
                "SELECT tenant_id, id FROM shops.stores WHERE domain = %s AND removed_at IS NULL",
                (options.store,),
            )
            row = await cursor.fetchone()
        if row is None:
            err.print(
                f"{options.store} is not connected. `tillstream store list` shows those that are."
            )
            return 2
        try:
            async with await connect(database.worker_url) as connection, connection.transaction():
                store = Store(*row)
                deliveries = await replay_store(connection, store, options.store, utc_now)
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


async def _known(connection: Connection, store: Store) -> int:
    row = await (await connection.execute(_KNOWN, store)).fetchone()
    return 0 if row is None else int(row[0])
