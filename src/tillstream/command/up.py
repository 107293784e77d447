"""``tillstream up``: the embedded PostgreSQL, a web process and a worker, under one supervisor.

Each child gets what it needs to know through its standard input and watches it: when the
supervisor dies, however hard, the input ends and the child goes too.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import sys
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from tillstream.command.installation import Database
from tillstream.command.roles import run_ingest, run_serve, run_web, run_work, stop_on_signals

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine

    from tillstream.foundation.settings import Settings

log = logging.getLogger(__name__)

RoleName = Literal["web", "ingest", "serve", "work"]
ROLES: Final[dict[RoleName, Callable[..., Coroutine[Any, Any, None]]]] = {
    "web": run_web,
    "ingest": run_ingest,
    "serve": run_serve,
    "work": run_work,
}

_READY: Final = b"ready\n"
_STARTING: Final = 60.0
"""Seconds in which a child must be ready."""
_STOPPING: Final = 15.0
"""Seconds that a child has to finish what it is doing."""
_LONGEST_PAUSE: Final = 5.0


class Errand(msgspec.Struct, frozen=True):
    """What a child is told through its standard input."""

    role: RoleName
    api_url: str
    worker_url: str
    port: int
    bind: str
    data: str


class ChildFailed(RuntimeError):
    """A child process ended before it was ready; its own words are above this one's."""


class Child:
    """A role in a process of its own, started again when it dies."""

    def __init__(self, errand: Errand) -> None:
        """Nothing runs before ``start``."""
        self.errand = errand
        self._process: asyncio.subprocess.Process | None = None
        self._watching: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """Of the process that runs now."""
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Return when the role is ready.

        Raises:
            ChildFailed: if it ended instead, or took too long.
        """
        await self._launch()
        self._watching = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Let it finish, then end it."""
        if self._watching is not None:
            self._watching.cancel()
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(_STOPPING):
                await process.wait()
        except TimeoutError:
            log.warning("child_killed", extra={"role": self.errand.role})
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _launch(self) -> None:
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tillstream.command.child",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the supervisor, which then stops us in order
        )
        assert process.stdin is not None  # noqa: S101 - asked for
        assert process.stdout is not None  # noqa: S101 - asked for
        process.stdin.write(msgspec.json.encode(self.errand) + b"\n")
        try:
            async with asyncio.timeout(_STARTING):
                await process.stdin.drain()
                said = await process.stdout.readline()
        except (TimeoutError, ConnectionError):
            said = b""
        if said != _READY:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            message = f"The {self.errand.role} process did not start."
            raise ChildFailed(message)

    async def _watch(self) -> None:
        pause = 0.2
        while True:
            if self._process is not None:
                status = await self._process.wait()
                log.error("child_died", extra={"role": self.errand.role, "status": status})
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
            with contextlib.suppress(ChildFailed):
                await self._launch()


@asynccontextmanager
async def running(settings: Settings, database: Database) -> AsyncGenerator[list[Child]]:
    """Web and worker, ready; stopped at the end of the block."""
    children = [
        Child(
            Errand(
                role,
                database.api_url,
                database.worker_url,
                settings.port,
                settings.bind,
                str(settings.data),
            )
        )
        for role in ("work", "web")
    ]
    try:
        await asyncio.gather(*(child.start() for child in children))
        yield children
    finally:
        # The door first, so that nothing new comes in while the worker finishes.
        for child in reversed(children):
            await child.stop()


def serve_errand(run: Callable[[Errand], Coroutine[Any, Any, None]]) -> None:
    """The main function of a child: read the errand, do it, die with the supervisor."""
    errand = msgspec.json.decode(_first_line(), type=Errand)
    threading.Thread(target=_die_with_supervisor, daemon=True).start()
    import uvloop

    # Decoded bodies are thousands of small objects that die young and in no cycles: looking
    # through them every 700 allocations is a tenth of a worker's time.
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    uvloop.run(run(errand))


def say_ready() -> None:
    """Tell the supervisor."""
    os.write(1, _READY)


def _first_line() -> bytes:
    line = b""
    while not line.endswith(b"\n") and (byte := os.read(0, 1)):
        line += byte
    return line


def _die_with_supervisor() -> None:
    # Everything acknowledged is durable, so dying at once loses nothing.
    # Unbuffered, because a thread inside a buffered read would hold up a normal exit.
    while os.read(0, 1024):
        pass
    os._exit(0)


async def run_errand(settings: Settings, errand: Errand) -> None:
    """Do what a child was told to."""
    database = Database("", errand.api_url, errand.worker_url)
    await ROLES[errand.role](settings, database, stop_on_signals(), say_ready)
