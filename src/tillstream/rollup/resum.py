"""All sums of a store from its ledger, as if every entry had been booked one after the other.

For a change that touches every entry, such as another time zone. It comes to the same rows, byte by
byte, as adding differences does; the tests of both hold one against the other.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from tillstream.foundation.statements import statement
from tillstream.rollup import cohorts
from tillstream.rollup.breakdown_statements import RESUM_BREAKDOWN
from tillstream.rollup.buckets import bucket
from tillstream.rollup.customers import (
    MOMENTS,
    Rank,
    Record,
    add_cohorts,
    add_rhythm,
    add_spread,
    given,
    ranks,
)
from tillstream.rollup.ledger_statements import RESUM
from tillstream.rollup.rhythm import Pair, pairs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import date

    from tillstream.foundation.database import Connection
    from tillstream.mirror.merge import Store

_RESUM_CUSTOMERS = statement("tillstream.rollup", "resum_customers")
_CLEAR: Final = (
    "DELETE FROM rollup.sums WHERE tenant_id = %s AND store_id = %s",
    "DELETE FROM rollup.breakdown WHERE tenant_id = %s AND store_id = %s",
    "DELETE FROM rollup.customers WHERE tenant_id = %s AND store_id = %s",
    "DELETE FROM rollup.rhythm WHERE tenant_id = %s AND store_id = %s",
    "DELETE FROM rollup.cohorts WHERE tenant_id = %s AND store_id = %s",
    "DELETE FROM rollup.spread WHERE tenant_id = %s AND store_id = %s",
)
_CHUNK: Final = 20_000


async def resum(connection: Connection, store: Store, timezone: str) -> None:
    """Write all sums of a store anew.

    Args:
        connection: in a transaction that holds the store's lock.
        store: whose ledger is right.
        timezone: the one whose days the ledger has.
    """
    for clear in _CLEAR:
        await connection.execute(clear, store)
    await connection.execute(RESUM, store)
    await connection.execute(RESUM_BREAKDOWN, (*store, *store))
    await connection.execute(_RESUM_CUSTOMERS, (*store, *store, *store))
    await _resum_repeats(connection, store, timezone)


async def _resum_repeats(connection: Connection, store: Store, timezone: str) -> None:
    """Rhythm, cohorts and spread, of the customers' records."""

    def day_of(at: int) -> date:
        return bucket(at, timezone).day

    rhythm: Counter[tuple[Store, Pair]] = Counter()
    given_by_all: dict[tuple[Store, date, date], cohorts.Row] = {}
    spread: Counter[tuple[Store, Rank]] = Counter()
    async for record in _records(connection, store):
        rhythm.update({(store, pair): n for pair, n in pairs(record.moments, day_of).items()})
        for (cohort, month), row in given(record, day_of).items():
            place = (store, cohort, month)
            given_by_all[place] = cohorts.plus(given_by_all.get(place, cohorts.NOTHING), row)
        spread.update((store, one) for one in ranks(record, day_of))
    await add_rhythm(connection, rhythm)
    await add_cohorts(connection, given_by_all)
    await add_spread(connection, spread)


async def _records(connection: Connection, store: Store) -> AsyncIterator[Record]:
    after = -1
    while True:
        cursor = await connection.execute(
            "SELECT customer_id, moments::text, months::text FROM rollup.customers "
            "WHERE tenant_id = %s AND store_id = %s AND customer_id > %s ORDER BY customer_id LIMIT %s",
            (*store, after, _CHUNK),
        )
        rows = await cursor.fetchall()
        if not rows:
            return
        after = rows[-1][0]
        for _, moments, months in rows:
            yield Record(MOMENTS.decode(moments), cohorts.MONTHS.decode(months))
