"""The worker: claims deliveries, applies them in one transaction, settles them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import traceback
from typing import TYPE_CHECKING, Final, LiteralString

import psycopg
import psycopg.errors

from tillstream.command import notices
from tillstream.foundation.database import connect
from tillstream.journal.contract import ClaimLost, Parked
from tillstream.journal.operations import rewrite_frame
from tillstream.mirror.remains import without
from tillstream.rollup import apply as applying
from tillstream.rollup.apply import RECEIVED_FOR_ANOTHER, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from tillstream.foundation.clock import Clock
    from tillstream.foundation.database import Connection
    from tillstream.journal.contract import Claim, Claimer, Delivery
    from tillstream.mirror.merge import Store

log = logging.getLogger(__name__)

_WAIT: Final = 1.0
"""Seconds to wait for deliveries before deadlines are looked at again."""

_SETTINGS_EVERY: Final = 3.0
"""Seconds between looks at whether a store's settings were changed."""

_ASIDE_SECONDS: Final = 60.0
"""For how long a store whose deadlines cannot be followed is left alone."""

_FEW: Final = 50
"""Deliveries up to which rows are looked up by their keys, whatever the size of the tables."""

_BY_KEY: LiteralString = "SET enable_hashjoin = off; SET enable_mergejoin = off"
"""The planner takes every list of keys for a hundred, and for so many it would read a small store's
tables from end to end, with each delivery."""

_TRANSIENT: Final = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    OSError,
    TimeoutError,
    ClaimLost,
)
"""Failures of the moment: the same deliveries will apply later. Everything else is their own fault."""

_TOO_LARGE: Final = psycopg.errors.ProgramLimitExceeded
"""An OperationalError by name, but the same rows will be too large next time as well."""


class Worker:
    """Applies what a journal holds, until told to stop.

    Args:
        url: of the worker role.
        journal: where deliveries come from.
        clock: the time that decides abandonment.
        batch: deliveries in one transaction at most.
        relaxed: whether the journal is in the same database. Then a commit need not wait for the
            disk: after a crash the applied rows and the settled frame are gone together, and the
            frame is applied again.
        erase_after_days: how long an uninstalled store is kept where its tenant did not choose.
    """

    def __init__(
        self,
        url: str,
        journal: Claimer,
        clock: Clock,
        *,
        batch: int = 1000,
        relaxed: bool = True,
        erase_after_days: int = 30,
    ) -> None:
        """Nothing runs before ``run``."""
        self._erase_after_days = erase_after_days
        self._url = url
        self._journal = journal
        self._clock = clock
        self._batch = batch
        self._relaxed = relaxed
        self._connections: dict[bool, Connection] = {}
        """For few deliveries and for more: each session keeps the plans that it made."""
        self._look_at_settings = 0.0
        self._aside: dict[Store, float] = {}
        """Stores that could not be kept up, and when they are looked at again."""
        self.applied = 0
        """Deliveries applied since the start, without repeats."""
        self.asked = asyncio.Event()
        """Set when something came that is to be done beside the worker: see command/privacy.py."""

    async def run(self, stop: asyncio.Event, ready: Callable[[], None] = lambda: None) -> None:
        """Work until ``stop`` is set; what was claimed by then is finished or given back."""
        ready()
        while not stop.is_set():
            claims = await self._claim(stop)
            if stop.is_set():
                await self._journal.abandon(claims)
                break
            if claims:
                await self._work(claims)
            await self._keep_up()
        for connection in self._connections.values():
            await connection.close()

    async def _claim(self, stop: asyncio.Event) -> list[Claim]:
        claiming = asyncio.ensure_future(self._journal.claim(self._batch, _WAIT))
        stopping = asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait((claiming, stopping), return_when=asyncio.FIRST_COMPLETED)
            return await claiming
        except psycopg.Error as error:
            log.warning("claim_failed", extra={"error": str(error)})
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_WAIT):
                    await stop.wait()
            return []
        finally:
            stopping.cancel()

    async def _work(self, claims: list[Claim]) -> None:
        try:
            await self._apply(claims)
        except _TOO_LARGE as error:
            log.warning("batch_refused", extra={"error": _described(error)})
            await self._work_apart(claims)
        except _TRANSIENT as error:
            log.warning("batch_failed", extra={"error": f"{type(error).__name__}: {error}"})
            await self._drop_connection()
            await self._journal.retry(claims, type(error).__name__)
        except Exception as error:  # noqa: BLE001 - a delivery that cannot be applied: it parks alone
            log.warning("batch_refused", extra={"error": _described(error)})
            await self._work_apart(claims)

    async def _work_apart(self, claims: list[Claim]) -> None:
        try:
            await self._apply(claims, apart=True)
        except Exception as error:  # noqa: BLE001 - nothing may stop the worker
            log.warning("batch_failed_again", extra={"error": f"{type(error).__name__}: {error}"})
            await self._drop_connection()
            await self._journal.retry(claims, type(error).__name__)

    async def _apply(self, claims: list[Claim], *, apart: bool = False) -> None:
        """One transaction: apply all deliveries of the claims and settle them."""
        deliveries = [delivery for claim in claims for delivery in claim.deliveries]
        connection = await self._connected(few=len(deliveries) <= _FEW)
        async with connection.transaction():
            if self._relaxed:
                await connection.execute("SET LOCAL synchronous_commit = off")
            now = self._now()
            if apart:
                outcome = await _apply_apart(connection, deliveries, now)
            else:
                # Statements that nobody asks the result of are sent without waiting for it: the
                # database writes the mirror while this process works out the figures.
                async with connection.pipeline():
                    outcome = await applying.apply(connection, deliveries, now)
            if outcome.closed:
                # They come again with the rest.
                outcome = outcome._replace(unrouted=[])
            outcome, asked = await self._notice(connection, outcome)
            if not outcome.closed:
                await self._journal.settle(
                    connection, claims, parked=outcome.parked, unrouted=outcome.unrouted
                )
            if outcome.forgotten and not outcome.closed:
                # After settling: a broker's frames are archived by that.
                await _forget_frames(connection, claims, outcome.forgotten)
        if outcome.closed:
            # What could be applied is; when the rest comes again, that is known already.
            await self._journal.retry(claims, "store_closed")
        else:
            await self._journal.settled(claims)
        self.applied += outcome.applied
        if asked or outcome.forgotten:
            self.asked.set()

    async def _notice(self, connection: Connection, outcome: Outcome) -> tuple[Outcome, bool]:
        """Act on what Shopify says of the connection and of people's rights, in this transaction."""
        told = [one for one in outcome.fresh if one.topic in notices.TOPICS]
        unrouted, parked = _before(outcome)
        asked = any(one.topic in notices.COMPLIANCE for one in unrouted)
        if not told and not asked:
            return outcome, False
        times = notices.Times(self._clock(), self._erase_after_days)
        left, former = await notices.take_unrouted(connection, unrouted, times)
        taken = await notices.take(connection, told, times)
        parked = [*parked, *former.parked, *taken.parked]
        return outcome._replace(parked=parked, unrouted=left), former.asked or taken.asked

    async def _keep_up(self) -> None:
        """What happens without any delivery: deadlines pass, and settings change."""
        try:
            connection = await self._connected()
            passed = 1
            while passed:
                async with connection.transaction():
                    passed = await applying.pass_deadlines(
                        connection, self._now(), aside=self._left_aside(), refused=self._set_aside
                    )
            if time.monotonic() >= self._look_at_settings:
                self._look_at_settings = time.monotonic() + _SETTINGS_EVERY
                async with connection.transaction():
                    await applying.follow_settings(
                        connection, self._now(), aside=self._left_aside(), refused=self._set_aside
                    )
        except _TRANSIENT as error:
            log.warning("keeping_up_failed", extra={"error": f"{type(error).__name__}: {error}"})
            await self._drop_connection()
        except Exception as error:  # noqa: BLE001 - nothing may stop the worker
            log.warning("keeping_up_refused", extra={"error": _described(error)})

    def _left_aside(self) -> set[Store]:
        now = time.monotonic()
        self._aside = {store: until for store, until in self._aside.items() if until > now}
        return set(self._aside)

    def _set_aside(self, store: Store, error: Exception) -> None:
        """Go on without a store whose deadlines or settings cannot be followed, for a while."""
        if isinstance(error, _TRANSIENT) and not isinstance(error, _TOO_LARGE):
            raise error
        self._aside[store] = time.monotonic() + _ASIDE_SECONDS
        log.warning(
            "store_set_aside", extra={"store_id": store.store_id, "error": _described(error)}
        )

    def _now(self) -> int:
        return _microseconds(self._clock())

    async def _connected(self, *, few: bool = False) -> Connection:
        connection = self._connections.get(few)
        if connection is None or connection.closed:
            connection = await connect(self._url)
            if few:
                await connection.execute(_BY_KEY)
            self._connections[few] = connection
        return connection

    async def _drop_connection(self) -> None:
        for connection in self._connections.values():
            with contextlib.suppress(psycopg.Error):
                await connection.close()
        self._connections.clear()


def _before(outcome: Outcome) -> tuple[list[Delivery], list[Parked]]:
    """What is nobody's, and what is parked; what the law asks of who had a shop before is with the first.

    Whoever has data of a shop is asked, whether it is connected or not.
    """
    late = [
        one.delivery
        for one in outcome.parked
        if one.reason == RECEIVED_FOR_ANOTHER and one.delivery.topic in notices.COMPLIANCE
    ]
    parked = [one for one in outcome.parked if one.delivery not in late]
    return [*outcome.unrouted, *late], parked


async def _apply_apart(connection: Connection, deliveries: Sequence[Delivery], now: int) -> Outcome:
    """Apply by halves, each under a savepoint, until what cannot be applied stands alone and parks."""
    if not deliveries:
        return Outcome([], [], 0)
    try:
        async with connection.transaction():
            return await applying.apply(connection, deliveries, now)
    except Exception as error:
        if isinstance(error, _TRANSIENT) and not isinstance(error, _TOO_LARGE):
            raise
        if len(deliveries) == 1:
            one = deliveries[0]
            log.warning(
                "delivery_refused",
                extra={"error": _described(error), "webhook_id": one.webhook_id},
            )
            return Outcome([_refused(deliveries[0], error)], [], 0)
    half = len(deliveries) // 2
    first = await _apply_apart(connection, deliveries[:half], now)
    second = await _apply_apart(connection, deliveries[half:], now)
    return Outcome(
        first.parked + second.parked,
        first.unrouted + second.unrouted,
        first.applied + second.applied,
        [*first.fresh, *second.fresh],
        {
            shop: first.forgotten.get(shop, frozenset()) | second.forgotten.get(shop, frozenset())
            for shop in {*first.forgotten, *second.forgotten}
        },
        closed=first.closed or second.closed,
    )


async def _forget_frames(
    connection: Connection, claims: Sequence[Claim], forgotten: Mapping[str, frozenset[str]]
) -> None:
    """What came late of people who are to be forgotten is not kept for replay either."""
    for claim in claims:
        rest = [without(one, forgotten.get(one.shop, ())) for one in claim.deliveries]
        if claim.frame_id is not None and rest != claim.deliveries:
            await rewrite_frame(connection, claim.frame_id, rest)


def _described(error: Exception) -> str:
    """What went wrong and where, without the values: those may be personal data."""
    said = (error.diag.message_primary or "") if isinstance(error, psycopg.Error) else ""
    where = "".join(traceback.format_tb(error.__traceback__)[-3:])
    return f"{type(error).__name__}: {said}\n{where}"


def _refused(delivery: Delivery, error: Exception) -> Parked:
    if isinstance(error, psycopg.Error):
        detail = f"The database refused it: {error.diag.message_primary or type(error).__name__}."
        return Parked(delivery, "refused_by_database", detail)
    detail = f"Applying it failed ({type(error).__name__}): a fault of this program; release it after an upgrade."
    return Parked(delivery, "fault", detail)


def _microseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)
