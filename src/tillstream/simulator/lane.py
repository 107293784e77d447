"""A small HTTP/1.1 client for posting prepared bytes: keep-alive, no pipelining, no bodies read.

A general client spends more on one request than the server under test does; this one writes
once and looks at the status line.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

CONNECT_SECONDS: Final = 1.0
REQUEST_SECONDS: Final = 5.0
"""Shopify's own patience: https://shopify.dev/docs/apps/build/webhooks/verify-deliveries"""


class Unreachable(Exception):
    """No answer: refused, cut off or too slow. Try again later; the message says which."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to post to."""

    host: str
    port: int
    path: str
    tls: bool = False

    @classmethod
    def of(cls, url: str, path: str = "/api/webhook") -> Address:
        """The address of ``url``; ``path`` where the URL names none.

        Raises:
            ValueError: for anything but an http or https URL.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            message = f"{url!r} is not an http:// or https:// address to deliver to."
            raise ValueError(message)
        tls = parts.scheme == "https"
        own_path = parts.path if parts.path.strip("/") else path
        return cls(parts.hostname, parts.port or (443 if tls else 80), own_path, tls)

    @property
    def authority(self) -> str:
        """What the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"


class Lane(asyncio.Protocol):
    """One connection, one request at a time. ``on_reply`` gets each status, ``on_lost`` the end."""

    def __init__(
        self, on_reply: Callable[[Lane, int], None], on_lost: Callable[[Lane], None]
    ) -> None:
        self._on_reply = on_reply
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._status = 0
        # Bytes of the body still to come; None while the head is, -1 until the last chunk.
        self._awaited: int | None = None
        self._closing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        self._transport = cast("asyncio.Transport", transport)

    def send(self, request: bytes) -> None:
        """Write a whole request."""
        if self._transport is not None:
            self._transport.write(request)

    def close(self) -> None:
        """Drop the connection now."""
        if self._transport is not None:
            self._transport.abort()

    @property
    def open(self) -> bool:
        """Whether another request may be sent."""
        return (
            self._transport is not None and not self._closing and not self._transport.is_closing()
        )

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        self._buffer = self._buffer + data if self._buffer else data
        while self._buffer and self._read_some():
            pass

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's name
        """Called by the event loop."""
        self._transport = None
        self._on_lost(self)

    def _read_some(self) -> bool:
        """Take a head or a body off the buffer; False when more has to arrive first."""
        if self._awaited is None:
            return self._read_head()
        if self._awaited < 0:
            if not self._buffer.endswith(b"0\r\n\r\n"):
                return False
            return self._finish(len(self._buffer))
        if len(self._buffer) < self._awaited:
            return False
        return self._finish(self._awaited)

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = self._buffer[:end].lower()
        self._buffer = self._buffer[end + 4 :]
        self._status = int(head[9:12])
        if self._status < HTTPStatus.OK:
            return True
        self._closing = b"\r\nconnection: close" in head
        self._awaited = _body_length(head, self._status)
        if self._awaited == 0:
            return self._finish(0)
        return True

    def _finish(self, length: int) -> bool:
        self._buffer = self._buffer[length:]
        self._awaited = None
        if self._closing and self._transport is not None:
            self._transport.close()
        self._on_reply(self, self._status)
        return True


def _body_length(head: bytes, status: int) -> int:
    start = head.find(b"\r\ncontent-length:")
    if start >= 0:
        start += 17
        end = head.find(b"\r\n", start)
        return int(head[start : end if end >= 0 else None])
    if status == HTTPStatus.NO_CONTENT or b"transfer-encoding: chunked" not in head:
        return 0
    return -1


class Caller:
    """Posts one request after another, over a connection kept as long as it lasts."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._lane: Lane | None = None
        self._answer: asyncio.Future[int] | None = None
        self._tls = ssl.create_default_context() if address.tls else None

    async def post(self, request: bytes) -> int:
        """The status answered.

        Raises:
            Unreachable: when there is no connection within a second, or no answer within five.
        """
        lane = self._lane
        if lane is None or not lane.open:
            lane = self._lane = await self._connect()
        loop = asyncio.get_running_loop()
        answer = self._answer = loop.create_future()
        timer = loop.call_later(REQUEST_SECONDS, self._too_slow, answer)
        lane.send(request)
        try:
            return await answer
        finally:
            timer.cancel()
            self._answer = None

    def close(self) -> None:
        """Drop the connection."""
        if self._lane is not None:
            self._lane.close()

    async def _connect(self) -> Lane:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, lane = await loop.create_connection(
                    lambda: Lane(self._replied, self._lost),
                    self._address.host,
                    self._address.port,
                    ssl=self._tls,
                )
        except (OSError, TimeoutError) as error:
            message = f"No connection to {self._address.authority}: {error or 'timed out'}"
            raise Unreachable(message) from error
        return lane

    def _replied(self, _: Lane, status: int) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(status)

    def _lost(self, lane: Lane) -> None:
        if lane is self._lane and self._answer is not None and not self._answer.done():
            self._answer.set_exception(Unreachable("The connection was cut before the answer."))

    def _too_slow(self, answer: asyncio.Future[int]) -> None:
        if not answer.done():
            answer.set_exception(Unreachable(f"No answer within {REQUEST_SECONDS:g} seconds."))
        if self._lane is not None:
            with contextlib.suppress(OSError):
                self._lane.close()
