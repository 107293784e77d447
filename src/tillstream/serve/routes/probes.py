"""For those who run it: is it alive, is it ready, what has it counted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Final, LiteralString

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from psycopg import Error as DatabaseError
from psycopg_pool import PoolTimeout

from tillstream.foundation.migrate import is_current
from tillstream.journal.contract import Status
from tillstream.serve import models
from tillstream.serve.context import Context, InContext
from tillstream.serve.meters import gauge

router = APIRouter(tags=["operation"])
_log = logging.getLogger(__name__)

_PATIENCE_SECONDS: Final = 2.0
_APPLIED: LiteralString = "SELECT number FROM public.tillstream_migrations"
_OVERDUE: LiteralString = """
SELECT greatest(extract(epoch FROM %s::timestamptz - rollup.next_deadline()), 0)::float8
"""


@router.get("/healthz")
async def healthz() -> models.Alive:
    """The process runs and answers. It asks nothing else."""
    return models.Alive(status="ok")


@router.get(
    "/readyz",
    response_model=models.Readiness,
    responses={503: {"model": models.Readiness, "description": "Not ready."}},
)
async def readyz(context: InContext) -> Response:
    """Whether the database is reachable and migrated, and the journal is reachable."""
    applied = await _applied_migrations(context)
    journal = context.journal_status is None or await journal_status(context) is not None
    migrated = applied is not None and is_current(applied)
    found = models.Readiness(
        ready=migrated and journal,
        database=applied is not None,
        migrations=migrated,
        journal=journal,
    )
    return JSONResponse(found.model_dump(), status_code=200 if found.ready else 503)


async def _applied_migrations(context: Context) -> set[int] | None:
    try:
        async with (
            asyncio.timeout(_PATIENCE_SECONDS),
            context.pool.connection(timeout=_PATIENCE_SECONDS) as connection,
        ):
            cursor = await connection.execute(_APPLIED)
            return {row[0] for row in await cursor.fetchall()}
    except (DatabaseError, PoolTimeout, TimeoutError) as error:
        _log.warning("ready.database", extra={"error": type(error).__name__})
        return None


async def journal_status(context: Context) -> Status | None:
    """Where everything accepted is; None if the journal does not answer, or is not known here."""
    if context.journal_status is None:
        return None
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return await context.journal_status()
    except Exception as error:  # noqa: BLE001 - a broker fails in its own ways; each means "not ready"
        _log.warning("ready.journal", extra={"error": type(error).__name__})
        return None


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(context: InContext) -> PlainTextResponse:
    """Counters in Prometheus' text format."""
    lines = [*context.meters.lines(), *_gauges(context)]
    status = await journal_status(context)
    if status is not None:
        lines.extend(_journal_gauges(status))
    overdue = await _overdue_seconds(context)
    if overdue is not None:
        lines.extend(
            gauge(
                "tillstream_deadlines_overdue_seconds",
                "For how long the checkout longest overdue has not been looked at.",
                overdue,
            )
        )
    text = "\n".join(lines) + "\n"
    return PlainTextResponse(text, media_type="text/plain; version=0.0.4; charset=utf-8")


async def _overdue_seconds(context: Context) -> float | None:
    """By how much the oldest deadline is over; None if the database does not answer."""
    try:
        async with (
            asyncio.timeout(_PATIENCE_SECONDS),
            context.pool.connection(timeout=_PATIENCE_SECONDS) as connection,
        ):
            row = await (await connection.execute(_OVERDUE, (context.clock(),))).fetchone()
            return float(row[0]) if row else None
    except (DatabaseError, PoolTimeout, TimeoutError) as error:
        _log.warning("metrics.database", extra={"error": type(error).__name__})
        return None


def _gauges(context: Context) -> Iterator[str]:
    yield from gauge("tillstream_live_subscribers", "Open event streams.", context.live.watchers)
    listening = int(context.live.listening.is_set())
    yield from gauge(
        "tillstream_live_listening", "Whether the listening connection is up.", listening
    )


def _journal_gauges(status: Status) -> Iterator[str]:
    yield from gauge("tillstream_journal_accepted", "Deliveries accepted.", status.accepted)
    yield from gauge("tillstream_journal_applied", "Deliveries applied.", status.applied)
    yield from gauge("tillstream_journal_parked", "Deliveries parked.", status.parked)
    yield from gauge(
        "tillstream_journal_unrouted", "Deliveries of shops not connected.", status.unrouted
    )
    yield from gauge("tillstream_journal_waiting", "Deliveries waiting.", status.waiting)
    if status.oldest_waiting_seconds is not None:
        yield from gauge(
            "tillstream_journal_oldest_waiting_seconds",
            "Age of the oldest waiting delivery.",
            status.oldest_waiting_seconds,
        )
