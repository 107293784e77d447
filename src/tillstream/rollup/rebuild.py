"""Rebuilding a store's ledger and sums from its mirror, from nothing, in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tillstream.rollup.book import book
from tillstream.rollup.checkouts import contributions, stage
from tillstream.rollup.verify import order_batches, token_batches

if TYPE_CHECKING:
    from collections.abc import Callable

    from tillstream.foundation.database import Connection
    from tillstream.mirror.merge import Store
    from tillstream.rollup.zones import Profile

_CLEAR: Final = (
    "DELETE FROM rollup.ledger WHERE tenant_id = %s AND store_id = %s",
    "DELETE FROM rollup.sums WHERE tenant_id = %s AND store_id = %s",
    "DELETE FROM rollup.rhythm WHERE tenant_id = %s AND store_id = %s",
    "DELETE FROM rollup.customers WHERE tenant_id = %s AND store_id = %s",
    "DELETE FROM rollup.checkouts WHERE tenant_id = %s AND store_id = %s",
    "DELETE FROM rollup.breakdown WHERE tenant_id = %s AND store_id = %s",
    "DELETE FROM rollup.cohorts WHERE tenant_id = %s AND store_id = %s",
)


async def rebuild_store(
    connection: Connection,
    store: Store,
    profile: Profile,
    now: int,
    progress: Callable[[int], None] = lambda _: None,
) -> int:
    """Write the store's figures anew; returns the number of orders.

    The caller's transaction must hold the store's lock: deliveries wait meanwhile, and readers see
    the old figures until the commit.
    """
    for clear in _CLEAR:
        await connection.execute(clear, store)
    done = 0
    async for batch in order_batches(connection, store):
        await book(connection, batch, {store: profile})
        done += len(batch)
        progress(done)
    async for tokens in token_batches(connection, store):
        staged = await stage(connection, tokens, [], {store: profile}, now)
        await book(connection, contributions(staged), {store: profile})
    return done
