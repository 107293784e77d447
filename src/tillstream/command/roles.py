"""The roles of a running installation: web (webhooks, API, dashboard), ingest, serve, work."""

from __future__ import annotations

import asyncio
import logging
import signal
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, LiteralString, NamedTuple

from granian.constants import Interfaces
from granian.http import HTTP2Settings
from granian.server.embed import Server

from tillstream.command.erasing import keep_erasing
from tillstream.command.sql_guard import guard_sql
from tillstream.command.steward import run_steward
from tillstream.command.version_log import VersionLog, write_versions
from tillstream.command.worker import Worker
from tillstream.foundation.clock import utc_now
from tillstream.foundation.database import connect, open_pool
from tillstream.ingest.batching import Batcher
from tillstream.ingest.door import Door
from tillstream.ingest.trust import Trust
from tillstream.journal import operations
from tillstream.journal.postgres import postgres_journal
from tillstream.journal.rabbitmq import rabbitmq_journal
from tillstream.journal.rabbitmq_status import broker_status
from tillstream.rollup.live import expire_live
from tillstream.shops.apps import forget_retired
from tillstream.shops.sealing import Keyring

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from tillstream.command.installation import Database
    from tillstream.foundation.settings import Settings
    from tillstream.journal.contract import Journal, Status
    from tillstream.serve.meters import Meters
    from tillstream.serve.rsgi_bridge import AsgiOverRsgi

log = logging.getLogger(__name__)

_CONNECTIONS: Final = 4096
"""Connections that are served at once: keep-alive senders and live streams stay open."""

ASKING: LiteralString = """
SET plan_cache_mode = force_custom_plan;
SET statement_timeout = '65s'
"""
"""The API's sessions. A plan for any values, which PostgreSQL would keep, suits the average store: beside
a thousand small stores a large one would be read from end to end. Planning for the values of each call
takes up to a millisecond. And no statement outlives the time within which an answer has to begin."""

_MOST_HEADER_BYTES: Final = 64 * 1024
"""Bytes of headers over HTTP/2, where the server would otherwise take 16 MiB of them. Over HTTP/1 it
takes 400 kB, 100 headers and 30 seconds."""

_TIDY_EVERY: Final = 600.0
"""Seconds between removals of what has been kept for long enough."""


@asynccontextmanager
async def open_journal(settings: Settings, worker_url: str) -> AsyncGenerator[Journal]:
    """The journal that the settings ask for."""
    if settings.rabbitmq_url:
        async with rabbitmq_journal(
            settings.rabbitmq_url, worker_url, settings.partitions, utc_now
        ) as journal:
            yield journal
    else:
        async with postgres_journal(worker_url, settings.partitions, utc_now) as journal:
            yield journal


async def journal_status(settings: Settings, worker_url: str) -> Status:
    """Where everything accepted is, whichever journal is in use."""
    connection = await connect(worker_url)
    async with connection:
        if settings.rabbitmq_url:
            return await broker_status(
                settings.rabbitmq_url, connection, settings.partitions, utc_now
            )
        return await operations.status(connection, utc_now)


async def run_web(
    settings: Settings, database: Database, stop: asyncio.Event, ready: Callable[[], None]
) -> None:
    """Webhooks, API and dashboard on one port."""
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(_api(settings, database))
        door = await stack.enter_async_context(_door(settings, database, api.bridge))
        api.meters.others.append(door.lines)
        await _listen(settings, door, stop, ready, api.farewell)


async def run_ingest(
    settings: Settings, database: Database, stop: asyncio.Event, ready: Callable[[], None]
) -> None:
    """Webhooks alone."""
    async with _door(settings, database, _Nothing()) as door:
        await _listen(settings, door, stop, ready)


async def run_serve(
    settings: Settings, database: Database, stop: asyncio.Event, ready: Callable[[], None]
) -> None:
    """API and dashboard alone."""
    async with _api(settings, database) as api:
        await _listen(settings, api.bridge, stop, ready, api.farewell)


async def run_work(
    settings: Settings, database: Database, stop: asyncio.Event, ready: Callable[[], None]
) -> None:
    """Apply what the journal holds."""
    async with open_journal(settings, database.worker_url) as journal:
        versions = VersionLog(journal)
        worker = Worker(
            database.worker_url,
            versions,
            utc_now,
            batch=settings.batch,
            relaxed=settings.rabbitmq_url is None,
            erase_after_days=settings.erase_after_days,
        )
        tidying = asyncio.create_task(_tidy(settings, database))
        erasing = asyncio.create_task(keep_erasing(settings, database, worker.asked))
        guarding = asyncio.create_task(guard_sql(database.worker_url))
        stewarding = asyncio.create_task(run_steward(database.worker_url, settings))
        noting = asyncio.create_task(write_versions(database.worker_url, versions))
        try:
            await worker.run(stop, ready)
        finally:
            tidying.cancel()
            erasing.cancel()
            guarding.cancel()
            stewarding.cancel()
            noting.cancel()
            await asyncio.gather(stewarding, noting, return_exceptions=True)


def stop_on_signals() -> asyncio.Event:
    """An event that SIGINT and SIGTERM set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop


@asynccontextmanager
async def _door(settings: Settings, database: Database, beyond: Any) -> AsyncGenerator[Door]:
    async with open_journal(settings, database.worker_url) as journal:
        trust = Trust(
            database.worker_url, settings.shopify_api_secrets, Keyring.from_settings(settings)
        )
        await trust.start()
        batcher = Batcher(journal, settings.partitions)
        try:
            yield Door(trust, batcher, settings.max_body, beyond)
        finally:
            await batcher.close()
            await trust.close()


@asynccontextmanager
async def _api(settings: Settings, database: Database) -> AsyncGenerator[_Api]:
    """The API, ready to be served."""
    # Here, because the framework takes a second to import: workers and commands do without it.
    from tillstream.serve.app import create_app
    from tillstream.serve.rsgi_bridge import AsgiOverRsgi

    async with open_pool(database.api_url, min_size=2, max_size=8, session=ASKING) as pool:

        def status() -> Awaitable[Status]:
            return journal_status(settings, database.worker_url)

        app = create_app(settings, pool, listen_url=database.api_url, journal_status=status)
        bridge = AsgiOverRsgi(app)
        await bridge.startup()
        try:
            yield _Api(bridge, app.state.context.live.end_all, app.state.context.meters)
        finally:
            await bridge.shutdown()


class _Api(NamedTuple):
    """The API as it is served; ``farewell`` ends its live streams."""

    bridge: AsgiOverRsgi
    farewell: Callable[[], None]
    meters: Meters


class _Nothing:
    """What is beyond the webhook route where there is no API."""

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        if scope.path == "/healthz":
            protocol.response_str(200, [("content-type", "text/plain")], "ok\n")
        else:
            protocol.response_str(404, [("content-type", "text/plain")], "Not found\n")


async def _listen(
    settings: Settings,
    application: Any,
    stop: asyncio.Event,
    ready: Callable[[], None],
    farewell: Callable[[], None] = lambda: None,
) -> None:
    """Serve until told to stop; ``farewell`` is said to long-lived streams before the end."""
    logging.getLogger("_granian").setLevel(logging.ERROR)
    server = Server(
        application,
        address=settings.bind,
        port=settings.port,
        interface=Interfaces.RSGI,
        backlog=1024,
        backpressure=_CONNECTIONS,
        http2_settings=HTTP2Settings(max_headers_size=_MOST_HEADER_BYTES),
        websockets=False,
        log_enabled=False,
    )
    serving = asyncio.create_task(server.serve())
    stopping = asyncio.create_task(stop.wait())
    accepting = asyncio.create_task(_until_accepting(settings))
    await asyncio.wait((serving, stopping, accepting), return_when=asyncio.FIRST_COMPLETED)
    if accepting.done() and not serving.done():
        ready()
    await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
    accepting.cancel()
    stopping.cancel()
    farewell()
    server.stop()
    await serving


async def _until_accepting(settings: Settings) -> None:
    """Return when the port answers."""
    while True:
        try:
            _, writer = await asyncio.open_connection(settings.bind, settings.port)
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            return


async def _tidy(settings: Settings, database: Database) -> None:
    """Remove frames and live rows that have been kept for long enough, now and then."""
    while True:
        try:
            connection = await connect(database.worker_url)
            async with connection:
                await expire_live(connection)
                await forget_retired(connection, utc_now())
                before = utc_now() - timedelta(days=settings.retention_days)
                gone = await operations.expire(connection, before)
                if gone:
                    log.info("frames_expired", extra={"frames": gone})
        except Exception:  # tidying must never end the worker
            log.exception("tidying_failed")
        await asyncio.sleep(_TIDY_EVERY)
