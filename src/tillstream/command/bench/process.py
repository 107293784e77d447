"""A process of the bench's own that is talked to in lines: one in, one out.

It watches its standard input as the children of ``tillstream up`` do: when the bench dies, however
hard, the input ends and the process goes too.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

_LINE_LIMIT: Final = 64 * 1024 * 1024
"""Bytes of the longest answer: some hundred thousand times."""
_STOPPING: Final = 10.0


class ProcessFailed(RuntimeError):
    """A process of the bench ended or failed; its own words are above this one's."""


class LineProcess:
    """A Python module in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    async def ask(self, line: bytes) -> bytes:
        """Say a line and return the answer's.

        Raises:
            ProcessFailed: if it ended instead.
        """
        process = self._process
        if process.stdin is None or process.stdout is None:
            message = "A process of the bench cannot be talked to."
            raise ProcessFailed(message)
        answer = b""
        with contextlib.suppress(ConnectionError):
            process.stdin.write(line + b"\n")
            await process.stdin.drain()
            answer = await process.stdout.readline()
        if not answer.endswith(b"\n"):
            message = "A process of the bench ended before it answered."
            raise ProcessFailed(message)
        return answer

    async def stop(self) -> None:
        """End it, and wait until it is gone."""
        process = self._process
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(_STOPPING):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


@asynccontextmanager
async def line_process(module: str) -> AsyncGenerator[LineProcess]:
    """``python -m module``, stopped at the end of the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LINE_LIMIT,
        start_new_session=True,  # Ctrl-C is for the bench, which then stops us in order
    )
    spoken_to = LineProcess(process)
    try:
        yield spoken_to
    finally:
        await spoken_to.stop()


def lines_asked() -> asyncio.Queue[bytes]:
    """In the process: the lines it is asked, while its event loop runs. The end ends the process."""
    queue: asyncio.Queue[bytes] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read() -> None:
        for line in sys.stdin.buffer:
            loop.call_soon_threadsafe(queue.put_nowait, line)
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    return queue


def answer(line: bytes) -> None:
    """In the process: answer what was asked last."""
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()
