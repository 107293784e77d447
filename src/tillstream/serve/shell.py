"""What is around every call: it is counted, and its answer carries the security headers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from tillstream.serve.meters import Meters

# Only what we serve ourselves runs, and only we are called; nobody may frame us. Scripts may still
# set an element's style property, as charts do: the policy is about style text in markup.
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_HEADERS: Final[tuple[tuple[bytes, bytes], ...]] = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    # Other sites' pages cannot load it as an image or script; CORS still lets FRONTEND_URL fetch.
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-permitted-cross-domain-policies", b"none"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
_HSTS: Final = (b"strict-transport-security", b"max-age=31536000")


class Shell:
    """Wraps an ASGI application."""

    def __init__(self, app: ASGIApp, meters: Meters, *, secure: bool) -> None:
        self._app = app
        self._meters = meters
        self._headers = (*_HEADERS, _HSTS) if secure else _HEADERS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on, and count and dress its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 500

        async def send_dressed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._dress(message, scope)
            await send(message)

        try:
            await self._app(scope, receive, send_dressed)
        finally:
            took = time.perf_counter() - began
            self._meters.count_request(_method(scope), _route(scope), status, took)

    def _dress(self, message: MutableMapping[str, Any], scope: Scope) -> None:
        headers: list[tuple[bytes, bytes]] = list(message.get("headers", ()))
        present = {name.lower() for name, _ in headers}
        headers.extend(header for header in self._headers if header[0] not in present)
        if b"cache-control" not in present and str(scope["path"]).startswith("/api/"):
            # Figures are of one tenant and one moment.
            headers.append((b"cache-control", b"no-store"))
        message["headers"] = headers


def _route(scope: Scope) -> str:
    """The pattern that was matched, so that labels have few values."""
    return str(getattr(scope.get("route"), "path", "none"))


_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in _METHODS else "other"
