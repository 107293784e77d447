"""What the law asks is done here, beside the worker: people are forgotten, stores erased, receipts written.

Everything is done in small transactions and can be begun anew at any point. What was put in force
(the marks of people, the removal of a store) holds for deliveries from then on, so nothing that comes
meanwhile escapes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, LiteralString, NamedTuple, TypeAlias, TypeVar

from psycopg import sql

from tillstream.foundation.clock import utc_now
from tillstream.foundation.database import connect, set_tenants
from tillstream.journal.contract import first_id_at, partition_of
from tillstream.journal.operations import Revised, revise_frames, revise_held
from tillstream.mirror import forgetting
from tillstream.mirror.merge import Store
from tillstream.mirror.remains import without
from tillstream.mirror.values import microseconds
from tillstream.rollup.apply import lock_store
from tillstream.rollup.live import forget_in_feed
from tillstream.shops import audit, privacy

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
    from uuid import UUID

    from tillstream.command.installation import Database
    from tillstream.foundation.clock import Clock
    from tillstream.foundation.database import Connection
    from tillstream.foundation.settings import Settings
    from tillstream.journal.contract import Delivery
    from tillstream.shops.privacy import Request

T = TypeVar("T")
Retained: TypeAlias = "dict[tuple[int, frozenset[tuple[str, int]]], UUID]"
"""For a partition and what tenants chose there, the frame up to which it was gone through."""

log = logging.getLogger(__name__)

_ROWS: Final = 500
"""Rows that are forgotten under one lock of their store: deliveries wait meanwhile."""

_ERASED_ROWS: Final = 5000
"""Rows of one table that are erased in one transaction."""

_LOOK_EVERY: Final = 60.0
"""Seconds between looks at what became due without being asked by a delivery."""

_TRY_LOCK: LiteralString = "SELECT pg_try_advisory_lock(7211842, 0)"
_UNLOCK: LiteralString = "SELECT pg_advisory_unlock(7211842, 0)"
_DOMAIN: LiteralString = "SELECT domain FROM shops.stores WHERE tenant_id = %s AND id = %s"

STORE_TABLES: Final = (
    # First what makes others write: deadlines and changed settings look there.
    ("rollup", "checkouts"), ("rollup", "stores"), ("rollup", "ledger"), ("rollup", "sums"),
    ("rollup", "rhythm"), ("rollup", "customers"), ("rollup", "breakdown"), ("rollup", "cohorts"),
    ("rollup", "spread"), ("rollup", "prospects"), ("rollup", "stock"), ("rollup", "live"), ("mirror", "order_lines"),
    ("mirror", "refunds"), ("mirror", "orders"), ("mirror", "checkouts"), ("mirror", "customers"),
    ("mirror", "variants"), ("mirror", "products"), ("mirror", "shops"), ("mirror", "topics"),
    ("mirror", "transactions"), ("mirror", "tender_transactions"), ("mirror", "fulfillments"),
    ("mirror", "returns"), ("mirror", "draft_orders"), ("mirror", "disputes"), ("mirror", "carts"),
    ("mirror", "collections"), ("mirror", "inventory_items"), ("mirror", "inventory_levels"),
    ("mirror", "locations"), ("mirror", "domains"),
    ("mirror", "history"), ("mirror", "deliveries"), ("mirror", "redactions"),
)  # fmt: skip
"""Every table with rows of a store, outside ``shops``."""


class Eraser:
    """Does what is due; one at a time in an installation.

    Args:
        connection: of the worker role, in autocommit mode.
        partitions: of the journal.
        clock: the time.
        report: is told of progress, as (what, store, how many).
    """

    def __init__(
        self,
        connection: Connection,
        partitions: int,
        clock: Clock,
        report: Callable[[str, str, int], None] = lambda _, __, ___: None,
    ) -> None:
        """Nothing is done before ``run``."""
        self._connection = connection
        self._partitions = partitions
        self._clock = clock
        self._report = report

    async def run(self) -> int:
        """Do all that is due; returns how many requests were finished. 0 if another one is at it."""
        row = await (await self._connection.execute(_TRY_LOCK)).fetchone()
        if row is None or not row[0]:
            return 0
        try:
            await self._record_due_erasures()
            for store in await forgetting.unswept_stores(self._connection):
                await self._alone(self._sweep(store))
            done = 0
            for tenant_id, request_id in await privacy.open_requests(self._connection):
                done += bool(await self._alone(self._do(tenant_id, request_id)))
            return done
        finally:
            # A connection that was lost has lost its lock.
            if not self._connection.closed:
                await self._connection.execute(_UNLOCK)

    async def _alone(self, work: Awaitable[T]) -> T | None:
        """One person's or store's work: where it fails, that of the others still has to be done."""
        try:
            return await work
        except Exception:
            if self._connection.closed:
                raise
            log.exception("erasing_failed")
            return None

    async def keep_no_longer(self, installation_days: int, gone_through: Retained) -> int:
        """Drop the deliveries that their tenant wants to keep for a shorter time; how many.

        What still has to be applied stays until it is.

        Args:
            installation_days: how long those of all others are kept.
            gone_through: up to where earlier calls came; the journal is read once in full, and then
                only where it grew old since.
        """
        now = self._clock()
        days = await privacy.short_retentions(self._connection, installation_days)
        dropped = 0
        for partition in sorted({partition_of(shop, self._partitions) for shop in days}):
            mine = {s: n for s, n in days.items() if partition_of(s, self._partitions) == partition}
            before = {shop: microseconds(now - timedelta(days=n)) for shop, n in mine.items()}

            def kept(delivery: Delivery, before: Mapping[str, int] = before) -> Delivery | None:
                return None if delivery.received_at < before.get(delivery.shop, 0) else delivery

            key = (partition, frozenset(mine.items()))
            counts = await self._revise_frames(
                [partition],
                kept,
                after=gone_through.get(key),
                until=now - timedelta(days=min(mine.values())),
            )
            if not counts["frames_waiting"]:
                gone_through[key] = first_id_at(now - timedelta(days=max(mine.values())))
            dropped += counts["deliveries"]
        return dropped

    # --- people

    async def _sweep(self, store: Store) -> None:
        """Go through all that was stored before the marks of a store came into force."""
        domain, marks, found, by_request = await self._look(store)
        counts: Counter[str] = Counter()
        for resource, keys in found.by_resource().items():
            for start in range(0, len(keys), _ROWS):
                part = keys[start : start + _ROWS]
                async with self._locked(store) as connection:
                    await forgetting.forget(connection, store, resource, part)
                self._report(f"{resource}s", domain, start + len(part))
        implied = found.marks()
        async with self._locked(store) as connection:
            await forgetting.put_in_force(connection, store, implied, self._clock())
            marks |= implied
            keys = {mark[1:] for mark in marks if mark[0] in "ot"}
            counts["live_rows"] = await forget_in_feed(connection, store, keys)

        def revise(delivery: Delivery) -> Delivery:
            return without(delivery, marks) if delivery.shop == domain else delivery

        counts += await self._revise_frames([partition_of(domain, self._partitions)], revise)
        counts += await self._revise_held(domain, revise)
        async with self._of([store.tenant_id]) as connection:
            for request in await privacy.open_requests_of(connection, *store):
                if found_of := by_request.get(request.id):
                    await privacy.note_progress(
                        connection, request, counts + found_of + _counter(request)
                    )
            await forgetting.swept(connection, store, marks, self._clock())
        log.info("people_forgotten", extra={"store": store.store_id, "found": dict(counts)})

    async def _look(self, store: Store) -> _Looked:
        """What there is to forget, and how much of it for which request."""
        async with self._of([store.tenant_id]) as connection:
            row = await (await connection.execute(_DOMAIN, store)).fetchone()
            marks = await forgetting.unswept(connection, store)
            by_request = {
                request.id: _counted(await forgetting.traces(connection, store, request.marks))
                for request in await privacy.open_requests_of(connection, *store)
                if request.kind == "customers/redact"
            }
            found = await forgetting.traces(connection, store, marks)
            return _Looked("" if row is None else row[0], marks, found, by_request)

    async def _do(self, tenant_id: int, request_id: int) -> bool:
        async with self._of([tenant_id]) as connection:
            request = await privacy.find_request(connection, tenant_id, request_id)
        if request is None or request.done_at is not None:
            return False
        does: dict[privacy.Kind, Callable[[Request], Awaitable[bool]]] = {
            "customers/data_request": self._gather,
            "customers/redact": self._confirm,
            "shop/redact": self._erase,
            "erasure": self._erase,
        }
        return await does[request.kind](request)

    async def _gather(self, request: Request) -> bool:
        """A data request: the file is made when it is fetched; say what will be in it."""
        store = Store(request.tenant_id, request.store_id)
        async with self._of([request.tenant_id]) as connection:
            found = await forgetting.traces(connection, store, request.marks)
            return await self._finish(connection, request, _counted(found))

    async def _confirm(self, request: Request) -> bool:
        """A redaction: done once everything was gone through for all of its marks."""
        store = Store(request.tenant_id, request.store_id)
        async with self._of([request.tenant_id]) as connection:
            if not (await forgetting.unswept(connection, store)).isdisjoint(request.marks):
                return False
            return await self._finish(connection, request, _counter(request))

    # --- stores

    async def _erase(self, request: Request) -> bool:
        """Everything of a store: its secrets at once, then its rows, then what the journal keeps."""
        store = Store(request.tenant_id, request.store_id)
        counts = _counter(request)
        async with self._of([request.tenant_id]) as connection:
            if request.kind == "erasure" and not await privacy.is_leaving(connection, *store):
                await privacy.refuse(connection, request, "The store was connected again in time.")
                return False
            # First, so that nothing more is applied to it.
            await privacy.forget_store(connection, *store, self._clock())
        for schema, table in STORE_TABLES:
            counts["rows"] += await self._erase_table(request, schema, table)
            await self._progress(request, counts)
        counts += await self._erase_journal(request)
        await self._progress(request, counts)
        if counts.pop("frames_waiting", 0):
            # They will be found to belong to nobody, and go then.
            return False
        async with self._of([request.tenant_id]) as connection:
            for other in await privacy.open_requests_of(connection, *store):
                if other.id != request.id:
                    await self._finish(connection, other, {"erased_with_the_store": 1})
            return await self._finish(connection, request, counts)

    async def _erase_table(self, request: Request, schema: str, table: str) -> int:
        statement = sql.SQL(
            "DELETE FROM {table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {table} "
            "WHERE tenant_id = %s AND store_id = %s LIMIT %s))"
        ).format(table=sql.Identifier(schema, table))
        store = Store(request.tenant_id, request.store_id)
        total = 0
        while True:
            async with self._locked(store) as connection:
                gone = (await connection.execute(statement, (*store, _ERASED_ROWS))).rowcount
            total += gone
            if gone < _ERASED_ROWS:
                return total
            self._report(f"{schema}.{table}", request.domain, total)

    async def _erase_journal(self, request: Request) -> Counter[str]:
        """What is kept of the shop's deliveries; but not what belongs to whoever has the shop now."""
        holders = await privacy.holders_of(self._connection, [request.domain])
        others = [h.since for h in holders if h.connected and h.store_id != request.store_id]
        until = microseconds(min(others)) if others else None

        def kept(delivery: Delivery) -> Delivery | None:
            ours = delivery.shop == request.domain
            return None if ours and (until is None or delivery.received_at < until) else delivery

        partition = partition_of(request.domain, self._partitions)
        return await self._revise_frames([partition], kept) + await self._revise_held(
            request.domain, kept
        )

    # --- both

    async def _record_due_erasures(self) -> None:
        now = self._clock()
        for due in await privacy.due_erasures(self._connection, now):
            async with self._of([due.tenant_id]) as connection:
                holder = privacy.Holder(
                    due.domain,
                    due.tenant_id,
                    due.store_id,
                    connected=False,
                    installed_at=None,
                    since=now,
                )
                new = privacy.NewRequest(
                    "erasure", "schedule", f"due {due.erase_at.isoformat()}", due.erase_at
                )
                await privacy.record_request(connection, holder, new)

    async def _revise_frames(
        self,
        partitions: Iterable[int],
        revise: Callable[[Delivery], Delivery | None],
        *,
        after: UUID | None = None,
        until: datetime | None = None,
    ) -> Counter[str]:
        counts: Counter[str] = Counter()
        for partition in partitions:
            place: UUID | int | None = after
            while True:
                async with self._connection.transaction():
                    part = await revise_frames(
                        self._connection,
                        partition,
                        revise,
                        after=None if isinstance(place, int) else place,
                        until=until,
                    )
                counts += Counter(deliveries=part.changed, frames_waiting=part.waiting)
                place = part.after
                if place is None:
                    break
        return counts

    async def _revise_held(
        self, domain: str, revise: Callable[[Delivery], Delivery | None]
    ) -> Counter[str]:
        counts: Counter[str] = Counter()
        after = 0
        while True:
            async with self._connection.transaction():
                part: Revised = await revise_held(self._connection, domain, revise, after=after)
            counts["held_deliveries"] += part.changed
            if not isinstance(part.after, int):
                return counts
            after = part.after

    async def _progress(self, request: Request, counts: Counter[str]) -> None:
        async with self._of([request.tenant_id]) as connection:
            await privacy.note_progress(connection, request, counts)

    async def _finish(
        self, connection: Connection, request: Request, counts: Mapping[str, int]
    ) -> bool:
        now = self._clock()
        receipt = {"counts": {name: number for name, number in counts.items() if number}}
        finished = await privacy.finish(connection, request, receipt, now)
        if finished:
            await audit.note(
                connection,
                request.tenant_id,
                "privacy.done",
                actor=audit.SYSTEM,
                subject=request.domain,
                detail={"kind": request.kind, "request": str(request.id)},
                now=now,
            )
        return finished

    @asynccontextmanager
    async def _of(self, tenants: Sequence[int]) -> AsyncGenerator[Connection]:
        async with self._connection.transaction():
            await set_tenants(self._connection, tenants)
            yield self._connection

    @asynccontextmanager
    async def _locked(self, store: Store) -> AsyncGenerator[Connection]:
        """A transaction that keeps workers out of the store."""
        async with self._of([store.tenant_id]) as connection:
            await lock_store(connection, store)
            yield connection


async def erase_due(
    settings: Settings,
    database: Database,
    *,
    clock: Clock = utc_now,
    report: Callable[[str, str, int], None] = lambda _, __, ___: None,
    gone_through: Retained | None = None,
) -> int:
    """Do what the law asks and what tenants chose, as far as it is due; how many requests were finished."""
    async with await connect(database.worker_url) as connection:
        eraser = Eraser(connection, settings.partitions, clock, report)
        done = await eraser.run()
        if gone_through is not None:
            await eraser.keep_no_longer(settings.retention_days, gone_through)
        return done


async def keep_erasing(settings: Settings, database: Database, asked: asyncio.Event) -> None:
    """Do so whenever something was ``asked``, and every minute. Ends when cancelled."""
    gone_through: Retained = {}
    while True:
        asked.clear()
        try:
            await erase_due(settings, database, gone_through=gone_through)
        except Exception:  # neither a request nor the worker may end by a failure of the moment
            log.exception("erasing_failed")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_EVERY):
                await asked.wait()


class _Looked(NamedTuple):
    domain: str
    marks: set[str]
    found: forgetting.Traces
    by_request: dict[int, Counter[str]]


def _counted(found: forgetting.Traces) -> Counter[str]:
    return Counter(
        {f"{resource}s": len(keys) for resource, keys in found.by_resource().items() if keys}
    )


def _counter(request: Request) -> Counter[str]:
    told: dict[str, Any] = dict(request.progress)
    return Counter({name: number for name, number in told.items() if isinstance(number, int)})
