"""The stream of what happens now."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse

from tillstream.serve.context import SignedIn, Visit, parse_id
from tillstream.serve.live import Event
from tillstream.serve.problems import answers

if TYPE_CHECKING:
    from tillstream.serve.live import Watcher

router = APIRouter(prefix="/api", tags=["live"])

KEEPALIVE_SECONDS: Final = 15.0
_EXPIRED: Final = Event("end", '{"reason":"expired"}')

_DESCRIPTION: Final = """
Server-sent events of the account's stores:

* `hello` `{"id"}` first: the number of the last event there was.
* `change`: `{"store", "at", "changed": […], "feed": […], "received_at"}`.
* `reset` `{"id"}`: what was asked for is no longer kept; fetch everything, then go on.
* `overflow`: this client did not keep up. The stream ends; fetch everything and come back.
* `end` `{"reason"}`: `expired`, `revoked` or `shutdown`. The stream ends; renew the token, come back.

A comment every 15 seconds keeps proxies awake. Come back with `Last-Event-ID` to miss nothing.
"""


@router.get(
    "/live",
    description=_DESCRIPTION,
    response_class=StreamingResponse,
    responses={
        **answers(401),
        200: {
            "description": "The stream.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
    },
)
async def live(
    visit: SignedIn,
    last_event_id: Annotated[str | None, Header(description="As browsers send it.")] = None,
    resume_from: Annotated[
        str | None, Query(alias="last_event_id", description="For those who cannot send headers.")
    ] = None,
) -> StreamingResponse:
    """What happens in the account's stores, as it happens."""
    async with visit.transaction(scope="live"):
        pass  # Whoever was signed out is told so by the status.
    wanted = parse_id(last_event_id or resume_from or "")
    return StreamingResponse(
        _stream(visit, wanted),
        media_type="text/event-stream",
        # The last one asks nginx not to hold events back.
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _stream(visit: Visit, wanted: int | None) -> AsyncIterator[bytes]:
    async with visit.context.live.watch(visit.caller, wanted) as (watcher, beginning):
        yield b"retry: 1000\n\n" + b"".join(event.encode() for event in beginning)
        while watcher.last_words is None:
            left = (visit.caller.expires_at - visit.context.clock()).total_seconds()
            if left <= 0:
                watcher.end(_EXPIRED)
                break
            yield await _next_chunk(watcher, min(left, KEEPALIVE_SECONDS))
        yield (watcher.last_words or _EXPIRED).encode()


async def _next_chunk(watcher: Watcher, seconds: float) -> bytes:
    events = await watcher.take(seconds)
    return b"".join(event.encode() for event in events) or b": awake\n\n"
