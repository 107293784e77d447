"""``POST /api/webhook`` and ``/api/webhook/{app}``: the hot route, a bare handler on Granian's RSGI interface.

No framework, no JSON, no database read: raw bytes, a signature, a batch, an answer.
https://github.com/emmett-framework/granian/blob/master/docs/spec/RSGI.md
"""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec
from granian._granian import RSGIProtocolClosed as ProtocolClosed

from tillstream.ingest.verify import Refused, is_genuine, read_headers, signature_of
from tillstream.journal.contract import SIGNED_FOR, Delivery, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tillstream.ingest.batching import Batcher
    from tillstream.ingest.trust import Trust

PATH: Final = "/api/webhook"
_DEFAULT: Final = (PATH, PATH + "/")
_APPS: Final = PATH + "/"

_OK: Final = [("content-type", "application/json")]
_PROBLEM: Final = ("content-type", "application/problem+json")

_DRAINED: Final = 4
"""Times the limit that is read and thrown away, so that a sender hears 413 and no reset."""


class Application(Protocol):
    """Whatever answers the other paths."""

    async def __rsgi__(self, scope: Any, protocol: Any) -> None: ...


class Door:
    """The webhook route; everything else goes to ``beyond``."""

    def __init__(self, trust: Trust, batcher: Batcher, max_body: int, beyond: Application) -> None:
        """Serve with these."""
        self._trust = trust
        self._batcher = batcher
        self._max_body = max_body
        self._beyond = beyond
        self.answers: Counter[int] = Counter()
        """How often each status was answered."""

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        """Answer one request."""
        path: str = scope.path
        if not path.startswith(PATH):
            await self._beyond.__rsgi__(scope, protocol)
            return
        try:
            await self._receive(scope, protocol, path)
        except Refused as refusal:
            self._refuse(protocol, refusal)
        except Unavailable as error:
            refusal = Refused(
                503, "Not durable", f"The delivery could not be kept: {error} Send it again."
            )
            self._refuse(
                protocol, refusal, [("retry-after", str(max(1, round(error.retry_after))))]
            )
        else:
            self.answers[200] += 1
            protocol.response_bytes(200, _OK, b"{}")

    async def _receive(self, scope: Any, protocol: Any, path: str) -> None:
        app = path[len(_APPS) :].removesuffix("/") if path.startswith(_APPS) else ""
        if app not in self._trust.apps or (not app and path not in _DEFAULT):
            self._refuse_app(app)
        if scope.method != "POST":
            raise Refused(405, "Method not allowed", "Webhooks are sent with POST.")
        received_at = time.time_ns() // 1000
        headers: dict[str, str] = dict(scope.headers.items())
        try:
            body = await self._body(protocol, headers)
        except ProtocolClosed as error:
            # It announced more than it sent and hung up: whoever still listens hears why.
            raise Refused(400, "Body cut short", "The body ended before its end.") from error
        signature = signature_of(headers)
        shop = headers.get("x-shopify-shop-domain") or headers.get("shopify-shop-domain") or ""
        secrets = self._trust.accepted(app, shop, received_at)
        if secrets is None or not is_genuine(signature, body, secrets):
            self._refuse_signature(signature)
        told = read_headers(headers)
        own = self._trust.signed_for(app, shop, signature, body)
        others = told.others if own is None else {**told.others, SIGNED_FOR: str(own)}
        if not body:
            raise Refused(400, "Empty body", "A delivery has a JSON object as its body.")
        await self._batcher.keep(
            Delivery(
                received_at, app, told.shop, told.topic, told.webhook_id, told.event_id, told.triggered_at,
                told.api_version, signature, others, body,
            )
        )  # fmt: skip

    async def _body(self, protocol: Any, headers: dict[str, str]) -> bytes:
        announced = headers.get("content-length", "")
        if announced.isdecimal() and int(announced) <= self._max_body:
            return await protocol()
        # Chunked, or too large: read piece by piece, and keep only what may be kept.
        kept: list[bytes] = []
        size = 0
        async for chunk in protocol:
            size += len(chunk)
            if size <= self._max_body:
                kept.append(bytes(chunk))
            elif size > self._max_body * _DRAINED:
                break
        if size > self._max_body:
            raise Refused(413, "Body too large", f"A body may have {self._max_body} bytes at most.")
        return b"".join(kept)

    def _refuse_app(self, app: str) -> None:
        if app and not self._trust.known:
            reason = "The apps have not been read yet."
            raise Unavailable(reason)
        raise Refused(404, "No such app", "No app is known under this webhook address.")

    def _refuse_signature(self, signature: str) -> None:
        if not self._trust.known:
            reason = "The stores' secrets have not been read yet."
            raise Unavailable(reason)
        if not signature:
            raise Refused(401, "Signature missing", "The header X-Shopify-Hmac-Sha256 is missing.")
        raise Refused(
            401,
            "Signature wrong",
            "The signature fits no secret of this app or store. Webhooks created under Settings, "
            "Notifications are signed with a secret of their own, shown on that page.",
        )

    def _refuse(
        self, protocol: Any, refusal: Refused, headers: list[tuple[str, str]] | None = None
    ) -> None:
        self.answers[refusal.status] += 1
        problem = {
            "type": "about:blank",
            "title": refusal.title,
            "status": refusal.status,
            "detail": refusal.detail,
        }
        extra = [("allow", "POST")] if refusal.status == 405 else []  # noqa: PLR2004
        protocol.response_bytes(
            refusal.status, [_PROBLEM, *extra, *(headers or [])], msgspec.json.encode(problem)
        )

    def lines(self) -> Iterator[str]:
        """The counters in Prometheus' text format."""
        yield "# HELP tillstream_webhooks_total Webhook requests answered, by status."
        yield "# TYPE tillstream_webhooks_total counter"
        for status, count in sorted(self.answers.items()):
            yield f'tillstream_webhooks_total{{status="{status}"}} {count}'
