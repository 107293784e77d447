"""Holding the ledger against the mirror: every order's entries, and entries of what is not there."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Final, LiteralString

from tillstream.rollup.book import Posted, Source, posted_of
from tillstream.rollup.buckets import bucket
from tillstream.rollup.company import Shopper
from tillstream.rollup.customers import MOMENTS
from tillstream.rollup.findings import Difference, shown
from tillstream.rollup.measures import ADDITIVE
from tillstream.rollup.ownership import contributed
from tillstream.rollup.shopper import Placement

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from datetime import date

    from tillstream.foundation.database import Connection
    from tillstream.mirror.merge import Store
    from tillstream.rollup.entries import Entry
    from tillstream.rollup.findings import Findings
    from tillstream.rollup.progress import Progress
    from tillstream.rollup.zones import Profile

_CHUNK: Final = 2000

_ORDERS: LiteralString = """
SELECT id, state::text FROM mirror.orders WHERE tenant_id = %s AND store_id = %s AND id > %s
ORDER BY id LIMIT %s
"""
_MOMENTS: LiteralString = """
SELECT customer_id, moments::text FROM rollup.customers
WHERE tenant_id = %s AND store_id = %s AND customer_id = ANY (%s)
"""
_ORPHANS: LiteralString = """
SELECT l.source, l.source_id, l.entry, l.day, l.customer_id, (extract(epoch FROM l.at) * 1000000)::bigint
FROM rollup.ledger AS l
WHERE l.tenant_id = %s AND l.store_id = %s AND NOT CASE l.source
  WHEN 'order' THEN EXISTS (
    SELECT FROM mirror.orders AS o
    WHERE o.tenant_id = l.tenant_id AND o.store_id = l.store_id AND o.id = l.source_id::bigint)
  ELSE EXISTS (
    SELECT FROM mirror.checkouts AS c
    WHERE c.tenant_id = l.tenant_id AND c.store_id = l.store_id AND c.token = l.source_id) END
ORDER BY l.source, l.source_id, l.entry
"""


class Ledger:
    """The ledger as it should be, as far as it was looked at."""

    def __init__(self, findings: Findings, profile: Profile) -> None:
        self.findings = findings
        self.profile = profile
        self.figures: defaultdict[date, Counter[str]] = defaultdict(Counter)
        """Sums of every day."""
        self.gone: defaultdict[int, set[tuple[int, int]]] = defaultdict(set)
        """By customer, the orders (time and id) that should not be booked as theirs; and those that should."""
        self.come: defaultdict[int, set[tuple[int, int]]] = defaultdict(set)

    async def compare(self, connection: Connection, expected: Mapping[Source, list[Entry]]) -> None:
        """Hold entries against those that are stored of these orders or checkouts."""
        if not expected:
            return
        posted = await posted_of(connection, expected.keys())
        stored = {(one.source, one.entry.entry): one for one in posted}
        wanted = {
            (source, entry.entry): Posted(source, entry, bucket(entry.at, self.profile.timezone))
            for source, entries in expected.items()
            for entry in entries
        }
        for one in wanted.values():
            self.figures[one.bucket.day].update(one.entry.amounts)
        for key in stored.keys() | wanted.keys():
            here, there = stored.get(key), wanted.get(key)
            if here != there:
                self.findings.sources.add(key[0])
                self.findings.add(_entry_differences(key[0], key[1], here, there))
                _note_placement(self.gone, here)
                _note_placement(self.come, there)

    async def placed(self, connection: Connection) -> dict[Shopper, list[Placement]]:
        """The orders of those customers whose orders should be others than they are."""
        store = self.findings.store
        customers = sorted(self.gone.keys() | self.come.keys())
        cursor = await connection.execute(_MOMENTS, (*store, customers))
        stored = {key: set(MOMENTS.decode(moments)) for key, moments in await cursor.fetchall()}
        return {
            Shopper(store, key): [
                Placement(at, order_id)
                for at, order_id in sorted(
                    (stored.get(key, set()) - self.gone[key]) | self.come[key]
                )
            ]
            for key in customers
        }


def _note_placement(moments: defaultdict[int, set[tuple[int, int]]], posted: Posted | None) -> None:
    if posted is not None and posted.entry.entry == "placement" and posted.entry.customer_id:
        moment = (posted.entry.at, int(posted.source.source_id))
        moments[posted.entry.customer_id].add(moment)


async def survey_orders(connection: Connection, ledger: Ledger, progress: Progress) -> None:
    """Whether every order of the mirror contributes what is booked of it."""
    findings = ledger.findings
    async for batch in _order_batches(connection, findings.store):
        await ledger.compare(connection, batch)
        findings.orders += len(batch)
        progress("orders", findings.orders)


async def _order_batches(
    connection: Connection, store: Store
) -> AsyncIterator[dict[Source, list[Entry]]]:
    """What a store's orders contribute, some orders at a time."""
    after = -1
    while True:
        rows = await (await connection.execute(_ORDERS, (*store, after, _CHUNK))).fetchall()
        if not rows:
            return
        after = rows[-1][0]
        yield await contributed(connection, store, dict(rows))


async def survey_orphans(connection: Connection, ledger: Ledger) -> None:
    """Entries of orders and checkouts that the mirror does not have."""
    findings = ledger.findings
    cursor = await connection.execute(_ORPHANS, findings.store)
    for source, source_id, entry, day, customer_id, at in await cursor.fetchall():
        if entry == "placement" and customer_id is not None:
            ledger.gone[customer_id].add((at, int(source_id)))
        findings.sources.add(Source(findings.store, source, source_id))
        where = f"{source} {source_id} {entry}"
        named = source_id if source == "order" else None
        findings.add(
            [Difference("ledger", where, "", "present", "missing", day=str(day), order=named)]
        )


def _entry_differences(
    source: Source, entry: str, stored: Posted | None, wanted: Posted | None
) -> list[Difference]:
    one = wanted or stored
    place: dict[str, Any] = {
        "day": None if one is None else one.bucket.day.isoformat(),
        "order": source.source_id if source.source == "order" else None,
    }
    where = f"{source.source} {source.source_id} {entry}"
    if stored is None or wanted is None:
        here, there = ("missing", "present") if stored is None else ("present", "missing")
        return [Difference("ledger", where, "", here, there, **place)]
    a, b = stored.entry, wanted.entry
    compared = [
        *((measure, a.amounts.get(measure, 0), b.amounts.get(measure, 0)) for measure in ADDITIVE),
        ("time", (stored.bucket, a.at), (wanted.bucket, b.at)),
        ("customer", a.customer_id, b.customer_id),
        ("facets", a.facets, b.facets),
        ("lines", a.lines, b.lines),
        ("sent_after", a.sent_after, b.sent_after),
    ]
    return [
        Difference("ledger", where, name, shown(here), shown(there), **place)
        for name, here, there in compared
        if here != there
    ]
