"""Holds every call of the API against the edge, and its answer to a limit of time.

Webhooks never come this way: ``ingest`` has a door of its own.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, cast

from tillstream.serve.addresses import client_address, network_of, untrusted_proxy
from tillstream.serve.edge import REGISTER, TOO_MANY, Call, Edge, Guess, Refusal, whole_seconds
from tillstream.serve.pace import Recent
from tillstream.serve.problems import TOO_LARGE, UNAVAILABLE, problem_response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from tillstream.serve.edge import Rules

_log = logging.getLogger(__name__)

_MOST_CREDENTIAL_BYTES: Final = 16 * 1024

ANSWER_TIME: Final = 60.0
"""Seconds within which an answer has to begin. The event stream begins at once."""

_MOST_AT_THE_VAULT: Final = 256
"""Calls that wait for a password to be hashed; at some 20 a second the last waits 13 seconds. One
address may have half of them."""

_STREAM: Final = "/api/live"
_MOST_STREAMS: Final = 50
"""Event streams that one account may have open: each tab has one."""

_FORGOT: Final = "/api/auth/password/forgot"
# Calls that can be used to guess a password or a link's token, and the answers of a wrong guess.
_GUESSABLE: Final[Mapping[str, frozenset[int]]] = {
    "/api/auth/login": frozenset({401}),
    "/api/auth/password": frozenset({401, 403}),
    "/api/auth/password/reset": frozenset({401, 404}),
    "/api/invitations/lookup": frozenset({404}),
    "/api/invitations/accept": frozenset({401, 404}),
}
_HASHING: Final = frozenset(
    {REGISTER, "/api/auth/login", "/api/auth/password", "/api/auth/password/reset"}
    | {"/api/invitations/accept"}
)


class Limits:
    """Wraps an ASGI application in an ``Edge``, and in limits of time."""

    def __init__(
        self,
        app: ASGIApp,
        rules: Rules,
        *,
        account_of: Callable[[str], str | None],
        ticks: Callable[[], float] = time.monotonic,
        answer_time: float = ANSWER_TIME,
    ) -> None:
        """Wrap.

        Args:
            app: what is wrapped.
            rules: what is allowed.
            account_of: whom a good access token (or key) speaks for; None for any other.
            ticks: seconds of a clock that does not go back.
            answer_time: seconds within which an answer has to begin.
        """
        self._app = app
        self._rules = rules
        self._edge = Edge(rules)
        self._account_of = account_of
        self._ticks = ticks
        self._answer_time = answer_time
        self._at_the_vault: Counter[str] = Counter()
        self._streams: Counter[str] = Counter()
        self._accounts: Recent[bytes, str] = Recent(10_000)
        self._told_of_proxy = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        call = self._call(scope)
        refusal = self._edge.refusal(call, self._ticks())
        if refusal is not None:
            await _refuse(refusal, scope, receive, send)
        elif call.method == "POST" and call.path in _HASHING:
            await self._pass_to_vault(call, scope, receive, send)
        elif call.method == "POST" and call.path in (_FORGOT, *_GUESSABLE):
            await self._pass_credentials(call, scope, receive, send)
        elif call.path == _STREAM and call.account is not None:
            await self._pass_stream(call.account, scope, receive, send)
        else:
            await self._pass_in_time(scope, receive, send)

    async def _pass_stream(self, account: str, scope: Scope, receive: Receive, send: Send) -> None:
        if self._streams[account] >= _MOST_STREAMS:
            detail = f"{_MOST_STREAMS} event streams are open already. Close one."
            await _refuse(Refusal(TOO_MANY, detail, 10.0), scope, receive, send)
            return
        self._streams[account] += 1
        try:
            await self._pass_in_time(scope, receive, send)
        finally:
            _one_less(self._streams, account)

    def _call(self, scope: Scope) -> Call:
        lines = cast("list[tuple[bytes, bytes]]", scope["headers"])
        # Of a header sent twice the first counts, as it does for those who answer the call.
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in reversed(lines)
        }
        network = network_of(client_address(scope, self._rules.trusted))
        if "x-forwarded-for" in headers:
            self._tell_of_proxy(scope)
        scheme, _, token = headers.get("authorization", "").partition(" ")
        is_bearer = scheme.lower() == "bearer" and token
        return Call(
            method=scope["method"],
            path=scope["path"],
            headers=headers,
            header_bytes=sum(len(name) + len(value) for name, value in lines),
            address_length=len(scope["path"]) + len(scope.get("query_string", b"")),
            network=network,
            account=self._account(token.strip()) if is_bearer else None,
        )

    def _account(self, token: str) -> str | None:
        """Whom a token speaks for, verified once: a token that has ended still counts as its own."""
        digest = hashlib.sha256(token.encode("latin-1")).digest()
        account = self._accounts.get(digest)
        if account is None:
            account = self._account_of(token)
            if account is not None:
                self._accounts.put(digest, account)
        return account

    def _tell_of_proxy(self, scope: Scope) -> None:
        """Once: behind a proxy that is not trusted, everybody shares one address's limits."""
        proxy = None if self._told_of_proxy else untrusted_proxy(scope, self._rules.trusted)
        if proxy is not None:
            self._told_of_proxy = True
            _log.warning("proxy_not_trusted", extra={"address": proxy})

    async def _pass_to_vault(self, call: Call, scope: Scope, receive: Receive, send: Send) -> None:
        """Passwords are hashed a few at a time: whoever would wait too long is told so at once."""
        waiting = self._at_the_vault
        most = _MOST_AT_THE_VAULT
        if waiting.total() >= most or waiting[call.network] >= most // 2:
            busy = Refusal(UNAVAILABLE, "Too many people are signing in. Try again soon.", 5.0)
            await _refuse(busy, scope, receive, send)
            return
        waiting[call.network] += 1
        try:
            if call.path in _GUESSABLE:
                await self._pass_credentials(call, scope, receive, send)
            else:
                await self._pass_in_time(scope, receive, send)
        finally:
            _one_less(waiting, call.network)

    async def _pass_credentials(
        self, call: Call, scope: Scope, receive: Receive, send: Send
    ) -> None:
        body = await _read_body(receive, _MOST_CREDENTIAL_BYTES)
        if body is None:
            detail = f"The body is larger than {_MOST_CREDENTIAL_BYTES} bytes."
            await _refuse(Refusal(TOO_LARGE, detail), scope, receive, send)
            return
        replayed = _replay(body, receive)
        now = self._ticks()
        if call.path == _FORGOT:
            refusal = self._edge.asks_for_letter(_email_in(body), call.network, now)
            if refusal is not None:
                await _refuse(refusal, scope, replayed, send)
            else:
                await self._pass_in_time(scope, replayed, send)
            return
        await self._pass_guess(_guess(call, body), scope, replayed, send)

    async def _pass_guess(self, guess: Guess, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._edge.begin(guess, self._ticks())
        if refusal is not None:
            await _refuse(refusal, scope, receive, send)
            return

        async def send_noting(message: Message) -> None:
            # Before it is sent: the next attempt may come as soon as the answer has arrived.
            if message["type"] == "http.response.start":
                self._edge.end(guess, int(message["status"]), self._ticks())
            await send(message)

        await self._pass_in_time(scope, receive, send_noting)

    async def _pass_in_time(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False
        try:
            async with asyncio.timeout(self._answer_time) as deadline:

                async def send_in_time(message: Message) -> None:
                    nonlocal begun
                    if message["type"] == "http.response.start":
                        begun = True
                        if not deadline.expired():
                            deadline.reschedule(None)
                    await send(message)

                await self._app(scope, receive, send_in_time)
        except TimeoutError:
            if begun:
                raise
            _log.warning("answer_took_too_long", extra={"method": scope["method"]})
            late = Refusal(UNAVAILABLE, "This took too long. Ask for less, or try again.", 1.0)
            await _refuse(late, scope, receive, send)


def _one_less(counter: Counter[str], key: str) -> None:
    """Count down, and keep nothing of who is gone."""
    counter[key] -= 1
    if counter[key] <= 0:
        del counter[key]


def _guess(call: Call, body: bytes) -> Guess:
    subject = call.account if call.path == "/api/auth/password" else _email_in(body)
    return Guess(_GUESSABLE[call.path], subject, call.network)


def _email_in(body: bytes) -> str | None:
    """The e-mail address in a body, as a digest: what is kept in memory should name nobody."""
    try:
        value: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    email = cast("dict[str, Any]", value).get("email") if isinstance(value, dict) else None
    if not isinstance(email, str):
        return None
    spelled = email.strip().lower().encode("utf-8", "surrogatepass")
    return hashlib.sha256(spelled).hexdigest()


async def _read_body(receive: Receive, most: int) -> bytes | None:
    """The whole body; None if it is larger, or if the client went away."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > most:
            return None
        if not message.get("more_body", False):
            return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that gives the body once more."""
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed


async def _refuse(refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    response = problem_response(refusal.kind, refusal.detail)
    if refusal.wait > 0:
        response.headers["Retry-After"] = str(whole_seconds(refusal.wait))
    await response(scope, receive, send)
