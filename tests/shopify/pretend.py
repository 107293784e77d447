"""A small real HTTP server that answers as it is told, reply by reply, and keeps what it was asked."""

from __future__ import annotations

import asyncio
import contextlib
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


@dataclass
class Reply:
    """One answer: JSON unless raw bytes are given. ``drop`` cuts the line after reading the request."""

    value: object = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict[str, str])
    raw: bytes | None = None
    drop: bool = False

    def to_bytes(self) -> bytes:
        body = json.dumps(self.value).encode() if self.raw is None else self.raw
        lines = [
            f"HTTP/1.1 {self.status} Said",
            f"Content-Length: {len(body)}",
            "Content-Type: application/json",
            *(f"{name}: {value}" for name, value in self.headers.items()),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


@dataclass
class Asked:
    """One request as it came."""

    target: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        return cast("dict[str, Any]", json.loads(self.body))


@dataclass
class Pretend:
    """Gives ``replies`` one after the other; the last of them for ever."""

    replies: list[Reply]
    asked: list[Asked] = field(default_factory=list[Asked])
    port: int = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                self.asked.append(await _read(reader))
                reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
                if reply.drop:
                    break
                writer.write(reply.to_bytes())
                await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {
        name.lower(): value.strip()
        for name, _, value in (line.partition(":") for line in head[1:] if line)
    }
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(head[0].split(" ")[1], headers, body)


@asynccontextmanager
async def pretending(*replies: Reply) -> AsyncGenerator[Pretend]:
    pretend = Pretend(list(replies))
    serving: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            serving[task] = writer
        await pretend.serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    pretend.port = server.sockets[0].getsockname()[1]
    try:
        yield pretend
    finally:
        server.close()
        for writer in serving.values():
            writer.transport.abort()
        await asyncio.gather(*serving)
