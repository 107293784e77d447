"""The bridge under a real Granian server: what goes over the wire is what is asserted."""

from __future__ import annotations

import asyncio
import gc
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from granian.constants import Interfaces
from granian.server.embed import Server

from tillstream.serve.rsgi_bridge import AsgiOverRsgi, LifespanFailed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

LIMIT = 1000


class Trace:
    """What the application saw."""

    def __init__(self) -> None:
        self.lifespan: list[str] = []
        self.streaming = asyncio.Event()
        self.released = asyncio.Event()
        self.go_on = asyncio.Event()


def make_app(trace: Trace) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[dict[str, str]]:
        trace.lifespan.append("up")
        yield {"greeting": "hello"}
        trace.lifespan.append("down")

    app = FastAPI(lifespan=lifespan)

    @app.api_route("/echo/{name}", methods=["GET", "POST", "HEAD"])
    async def echo(name: str, request: Request) -> dict[str, Any]:
        return {
            "name": name,
            "path": request.scope["path"],
            "query": request.query_params.multi_items(),
            "header": request.headers.get("x-thing"),
            "body": len(await request.body()),
            "client": request.client.host if request.client else None,
            "greeting": request.state.greeting,
        }

    @app.get("/fault")
    async def fault() -> None:
        message = "on purpose"
        raise RuntimeError(message)

    @app.get("/empty", status_code=204)
    async def empty() -> None: ...

    @app.get("/broken")
    async def broken() -> StreamingResponse:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"first,"
            message = "on purpose"
            raise RuntimeError(message)

        return StreamingResponse(chunks())

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def chunks() -> AsyncIterator[bytes]:
            try:
                yield b"data: first\n\n"
                trace.streaming.set()
                await trace.go_on.wait()
                yield b"data: last\n\n"
            finally:
                trace.released.set()

        return StreamingResponse(chunks(), media_type="text/event-stream")

    return app


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@asynccontextmanager
async def served(bridge: AsgiOverRsgi) -> AsyncGenerator[str]:
    """The bridge on a port of its own; its address."""
    port = free_port()
    server = Server(
        bridge, address="127.0.0.1", port=port, interface=Interfaces.RSGI, log_enabled=False
    )
    running = asyncio.create_task(server.serve())
    try:
        await reachable(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop()
        async with asyncio.timeout(10):
            await running


async def reachable(port: int) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.01)
            else:
                writer.close()
                return


@pytest.fixture
def trace() -> Trace:
    return Trace()


@pytest.fixture
async def url(trace: Trace) -> AsyncGenerator[str]:
    bridge = AsgiOverRsgi(make_app(trace), body_limit=LIMIT)
    await bridge.startup()
    async with served(bridge) as address:
        yield address
    await bridge.shutdown()
    assert trace.lifespan == ["up", "down"]


@pytest.fixture
async def client(url: str) -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=url, timeout=10, trust_env=False) as opened:
        yield opened


async def test_a_call_arrives_whole(client: httpx.AsyncClient) -> None:
    response = await client.post(
        "/echo/t%C3%A9a%20x?a=1&a=%262", headers={"X-Thing": "yes"}, content=b"12345"
    )
    assert response.status_code == 200
    assert response.json() == {
        "name": "téa x",
        "path": "/echo/téa x",
        "query": [["a", "1"], ["a", "&2"]],
        "header": "yes",
        "body": 5,
        "client": "127.0.0.1",
        "greeting": "hello",
    }


async def test_a_body_at_the_limit_passes_and_a_larger_one_does_not(
    client: httpx.AsyncClient,
) -> None:
    assert (await client.post("/echo/x", content=b"x" * LIMIT)).json()["body"] == LIMIT
    large = await client.post("/echo/x", content=b"x" * (LIMIT + 1))
    assert large.status_code == 413
    assert large.headers["content-type"] == "application/problem+json"
    assert large.json()["type"] == "urn:tillstream:problem:too-large"


async def test_a_body_without_a_length_is_limited_too(client: httpx.AsyncClient) -> None:
    async def pieces(count: int) -> AsyncIterator[bytes]:
        for _ in range(count):
            yield b"x" * 100

    assert (await client.post("/echo/x", content=pieces(3))).json()["body"] == 300
    assert (await client.post("/echo/x", content=pieces(11))).status_code == 413


async def test_a_fault_is_answered_and_the_next_call_works(client: httpx.AsyncClient) -> None:
    assert (await client.get("/fault")).status_code == 500
    assert (await client.get("/empty")).status_code == 204
    assert (await client.get("/echo/x")).status_code == 200


async def test_head_has_the_headers_and_no_body(client: httpx.AsyncClient) -> None:
    response = await client.head("/echo/x")
    assert response.status_code == 200
    assert int(response.headers["content-length"]) > 0
    assert response.content == b""


async def test_a_stream_arrives_before_it_ends(client: httpx.AsyncClient, trace: Trace) -> None:
    async with client.stream("GET", "/stream") as response:
        chunks = response.aiter_bytes()
        assert await anext(chunks) == b"data: first\n\n"
        assert not trace.released.is_set()
        trace.go_on.set()
        assert await anext(chunks) == b"data: last\n\n"
    assert trace.released.is_set()


async def test_a_client_that_goes_away_frees_its_stream(
    client: httpx.AsyncClient, trace: Trace
) -> None:
    async with client.stream("GET", "/stream") as response:
        assert await anext(response.aiter_bytes()) == b"data: first\n\n"
    async with asyncio.timeout(5):
        await trace.released.wait()
    assert not trace.go_on.is_set()


async def test_an_application_that_cannot_start_says_so() -> None:
    @asynccontextmanager
    async def broken(_app: FastAPI) -> AsyncGenerator[None]:
        message = "no database"
        raise RuntimeError(message)
        yield

    with pytest.raises(LifespanFailed, match="no database"):
        await AsgiOverRsgi(FastAPI(lifespan=broken)).startup()


async def test_an_answer_that_breaks_off_ends_at_once(client: httpx.AsyncClient) -> None:
    gc.disable()
    try:
        response = await client.get("/broken")
    finally:
        gc.enable()
    # The server has no way to end it otherwise than a whole one: what is sent has to say so itself.
    assert (response.status_code, response.text) == (200, "first,")
