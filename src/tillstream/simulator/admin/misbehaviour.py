"""Faults as HTTP answers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from tillstream.simulator.admin.faults import Fault


async def misbehave(fault: Fault | None) -> Response | None:
    """The answer instead of any work; None where the work is to be done."""
    if fault is None:
        return None
    if fault.kind == "slow":
        await asyncio.sleep(fault.seconds)
    if fault.kind != "status":
        return None
    headers = {} if fault.retry_after is None else {"retry-after": f"{fault.retry_after:g}"}
    return JSONResponse({"errors": "This failure was asked for."}, fault.status, headers=headers)


def undo(fault: Fault | None, answer: Response) -> Response:
    """What becomes of the answer once the work is done."""
    if fault is not None and fault.kind == "lost":
        return JSONResponse({"errors": "The answer was lost on the way."}, 502)
    if fault is not None and fault.kind == "cut":
        return _CutOff()
    return answer


class _CutOff(Response):
    """Promises more than it sends, so that the line is cut in the middle of the answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        headers = [(b"content-type", b"application/json"), (b"content-length", b"4096")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"access', "more_body": True})
        message = "The line is cut here, as was asked for."
        raise ConnectionAbortedError(message)
