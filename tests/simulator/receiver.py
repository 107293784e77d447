"""A small real HTTP server that keeps what it is sent and can be told to misbehave."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

Behaviour = int | Literal["drop"]


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Answers the n-th request (from 0) as ``behave`` says: a status, or cutting the line."""

    behave: Callable[[int, Received], Behaviour] = lambda _, __: 200
    accepted: list[Received] = field(default_factory=list[Received])
    tries: int = 0
    port: int = 0
    connections: int = 0
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _server: asyncio.Server | None = None
    _serving: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    _writers: set[asyncio.StreamWriter] = field(default_factory=set[asyncio.StreamWriter])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def until(self, count: int, seconds: float = 20) -> None:
        """Wait for ``count`` accepted requests in all."""
        async with asyncio.timeout(seconds):
            while len(self.accepted) < count:
                self._arrived.clear()
                await self._arrived.wait()

    def die(self) -> None:
        """Stop listening and cut every line, as a killed process does."""
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    async def end(self) -> None:
        """Die, and wait until every line is closed."""
        self.die()
        if self._serving:
            await asyncio.wait(self._serving)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        try:
            while (received := await _read(reader)) is not None:
                number, self.tries = self.tries, self.tries + 1
                answer = self.behave(number, received)
                if answer == "drop":
                    break
                if 200 <= answer < 300:
                    self.accepted.append(received)
                    self._arrived.set()
                writer.write(f"HTTP/1.1 {answer} X\r\nContent-Length: 2\r\n\r\nok".encode())
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            self._writers.discard(writer)
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Received | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    body = await reader.readexactly(int(headers["content-length"]))
    return Received(first.split()[1], headers, body)


@contextlib.asynccontextmanager
async def receiving(
    behave: Callable[[int, Received], Behaviour] = lambda _, __: 200,
) -> AsyncGenerator[Receiver]:
    receiver = Receiver(behave)
    await receiver.start()
    try:
        yield receiver
    finally:
        await receiver.end()
