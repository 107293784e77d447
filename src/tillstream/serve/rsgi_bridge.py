"""An ASGI application on Granian's RSGI interface.

The process speaks RSGI for the sake of the webhook route. This lets the rest of the API be an
ordinary ASGI application on the same port. RSGI:
https://github.com/emmett-framework/granian/blob/master/docs/spec/RSGI.md
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import quote

from granian._granian import RSGIProtocolClosed as ProtocolClosed

from tillstream.serve.problems import FAULT, MEDIA_TYPE, TOO_LARGE, Kind, problem_body

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, MutableMapping

    from starlette.types import ASGIApp, Message

_log = logging.getLogger(__name__)

BODY_LIMIT: Final = 1024 * 1024
"""Bytes that a body of the API may have; webhooks have a limit of their own."""

BODY_TIME: Final = 20.0
"""Seconds within which a body has to be here: whoever sends it byte by byte must not hold us."""

_TOO_SLOW: Final = Kind("request-timeout", 408, "Request too slow")

# With 2.3 frameworks listen for the client going away while they stream; from 2.4 on they would
# notice only at the next thing they send.
_ASGI: Final = {"version": "3.0", "spec_version": "2.3"}


class RsgiHeaders(Protocol):
    """A request's headers; names in lower case."""

    def items(self) -> list[tuple[str, str]]:
        """Name and value of each."""
        ...

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - whatever the default is
        """The value of the first of that name."""
        ...


class RsgiScope(Protocol):
    """What a request is."""

    proto: str
    http_version: str
    server: str
    client: str
    scheme: str
    method: str
    path: str
    query_string: str
    authority: str | None

    @property
    def headers(self) -> RsgiHeaders:
        """What was sent along."""
        ...


class RsgiStream(Protocol):
    """An answer that is being sent piece by piece."""

    async def send_bytes(self, data: bytes) -> None:
        """Send the next piece, once there is room for it."""
        ...


class RsgiProtocol(Protocol):
    """A request's body, and the ways to answer."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    async def client_disconnect(self) -> None:
        """Return when the client goes away."""
        ...

    def close(self, status: int | None) -> tuple[int, bool]:
        """Refuse a websocket."""
        ...

    def response_empty(self, status: int, headers: list[tuple[str, str]]) -> None:
        """Answer without a body."""
        ...

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Answer with a body."""
        ...

    def response_stream(self, status: int, headers: list[tuple[str, str]]) -> RsgiStream:
        """Begin an answer that is sent piece by piece."""
        ...


class LifespanFailed(RuntimeError):
    """The application could not start; the message is its own."""


class AsgiOverRsgi:
    """Serves ``app`` through RSGI. Call ``startup`` before the first request."""

    def __init__(
        self, app: ASGIApp, *, body_limit: int = BODY_LIMIT, body_time: float = BODY_TIME
    ) -> None:
        self._app = app
        self._body_limit = body_limit
        self._body_time = body_time
        self._lifespan = _Lifespan(app)

    async def startup(self) -> None:
        """Run the application's start.

        Raises:
            LifespanFailed: if it could not start.
        """
        await self._lifespan.startup()

    async def shutdown(self) -> None:
        """Run the application's end; open streams are told to end by it."""
        await self._lifespan.shutdown()

    async def __rsgi__(self, scope: RsgiScope, protocol: RsgiProtocol) -> None:
        """Answer one request."""
        if scope.proto != "http":
            protocol.close(403)
            return
        try:
            async with asyncio.timeout(self._body_time):
                body = await _read_body(scope, protocol, self._body_limit)
        except TimeoutError:
            detail = f"The body was not here within {self._body_time:g} s."
            _answer_problem(protocol, _TOO_SLOW, detail)
            return
        if body is None:
            detail = f"The body is larger than {self._body_limit} bytes."
            _answer_problem(protocol, TOO_LARGE, detail)
            return
        exchange = _Exchange(protocol, body, is_head=scope.method == "HEAD")
        try:
            await self._app(
                _asgi_scope(scope, self._lifespan.state), exchange.receive, exchange.send
            )
        except Exception:  # noqa: BLE001 - the last one who can log it
            _log.exception("api.fault", extra={"method": scope.method})
        exchange.end()
        if not exchange.answered:
            _answer_problem(protocol, FAULT, "Something went wrong here. Please try again.")


async def _read_body(scope: RsgiScope, protocol: RsgiProtocol, limit: int) -> bytes | None:
    """The whole body; None if it is longer than ``limit``, of which no more is then read."""
    length = scope.headers.get("content-length")
    chunked = scope.headers.get("transfer-encoding") is not None
    if length is None and not chunked and scope.http_version.startswith("1"):
        return b""
    if length is not None and (not length.isdecimal() or int(length) > limit):
        return None
    chunks: list[bytes] = []
    size = 0
    async for chunk in protocol:
        size += len(chunk)
        if size > limit:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


class _Exchange:
    """One request and its answer, as ASGI's two callables."""

    def __init__(self, protocol: RsgiProtocol, body: bytes, *, is_head: bool) -> None:
        self._protocol = protocol
        self._body: bytes | None = body
        self._is_head = is_head
        self._start: Message | None = None
        self._stream: RsgiStream | None = None
        self.answered = False

    async def receive(self) -> Message:
        """The body, and after that nothing until the client goes away."""
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._protocol.client_disconnect()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """The next part of the answer. To a client that went away nothing is sent."""
        if message["type"] == "http.response.start":
            self._start = message
        elif message["type"] == "http.response.body":
            try:
                await self._send_body(
                    message.get("body", b""), more=message.get("more_body", False)
                )
            except ProtocolClosed:
                self._stream = None

    def end(self) -> None:
        """Let go of an answer that is streamed, which ends it: an error may keep us alive in its traceback."""
        self._stream = None

    async def _send_body(self, body: bytes, *, more: bool) -> None:
        if self._stream is not None:
            if body:
                await self._stream.send_bytes(body)
            return
        if self._start is None or self.answered:
            return
        self.answered = True
        status = int(self._start["status"])
        headers = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in self._start.get("headers", ())
        ]
        if self._is_head or not (body or more):
            self._protocol.response_empty(status, headers)
        elif not more:
            self._protocol.response_bytes(status, headers, body)
        else:
            self._stream = self._protocol.response_stream(status, headers)
            if body:
                await self._stream.send_bytes(body)


def _answer_problem(protocol: RsgiProtocol, kind: Kind, detail: str) -> None:
    body = json.dumps(problem_body(kind, detail)).encode()
    headers = [("content-type", MEDIA_TYPE), ("cache-control", "no-store")]
    try:
        protocol.response_bytes(kind.status, headers, body)
    except ProtocolClosed:
        return


def _asgi_scope(scope: RsgiScope, state: MutableMapping[str, Any]) -> dict[str, Any]:
    headers = [(name.encode(), value.encode("latin-1")) for name, value in scope.headers.items()]
    if scope.authority and "host" not in {name for name, _ in scope.headers.items()}:
        headers.append((b"host", scope.authority.encode()))  # HTTP/2 calls it :authority
    return {
        "type": "http",
        "asgi": _ASGI,
        "http_version": scope.http_version,
        "method": scope.method,
        "scheme": scope.scheme,
        "path": scope.path,
        "raw_path": quote(scope.path, safe="/%:@!$&'()*+,;=~-._").encode(),
        "query_string": scope.query_string.encode("latin-1"),
        "root_path": "",
        "headers": headers,
        "client": _address(scope.client),
        "server": _address(scope.server),
        "state": dict(state),
    }


def _address(text: str) -> tuple[str, int] | None:
    host, _, port = text.rpartition(":")
    return (host.strip("[]"), int(port)) if host and port.isdecimal() else None


class _Lifespan:
    """Runs an application's lifespan in a task of its own, from start to end."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._told: asyncio.Queue[Message] = asyncio.Queue()
        self._heard: asyncio.Queue[Message] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self.state: dict[str, Any] = {}

    async def startup(self) -> None:
        """Start the task, and wait for the application to be up."""
        self._task = asyncio.create_task(self._run())
        await self._exchange("startup")

    async def shutdown(self) -> None:
        """Wait for the application to be down, and for the task."""
        if self._task is None:
            return
        await self._exchange("shutdown")
        await self._task

    async def _exchange(self, what: str) -> None:
        await self._told.put({"type": f"lifespan.{what}"})
        message = await self._heard.get()
        if message["type"] != f"lifespan.{what}.complete":
            raise LifespanFailed(str(message.get("message", "The application failed.")))

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": _ASGI, "state": self.state}
        try:
            await self._app(scope, self._told.get, self._heard.put)
        except Exception as error:  # noqa: BLE001 - told to whoever waits
            _log.exception("api.lifespan_failed")
            await self._heard.put({"type": "lifespan.failed", "message": str(error)})
