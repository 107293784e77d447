"""The edge: what is refused before any call of the API begins.

Refusals are decided one after the other (``Edge.refusal``): too large, from another site's page,
too often for an address or an account, too many wrong passwords. All is counted in the memory of
one process, so with several of them behind one address each grants these limits anew.

Webhooks never come this way: ``ingest`` has a door of its own.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import math
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from tillstream.serve.addresses import client_address, network_of, untrusted_proxy
from tillstream.serve.origins import is_foreign, origin_of
from tillstream.serve.pace import Buckets, Patience, Recent, Strikes
from tillstream.serve.problems import (
    FORBIDDEN,
    TOO_LARGE,
    UNAVAILABLE,
    Kind,
    problem_response,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from tillstream.foundation.settings import Settings
    from tillstream.serve.addresses import Network

_log = logging.getLogger(__name__)

TOO_MANY: Final = Kind("too-many-requests", 429, "Too many requests")
_HEADERS_TOO_LARGE: Final = Kind("headers-too-large", 431, "Headers too large")
_ADDRESS_TOO_LONG: Final = Kind("address-too-long", 414, "Address too long")

_MOST_HEADER_BYTES: Final = 32 * 1024
_MOST_HEADERS: Final = 100
_LONGEST_ADDRESS: Final = 8 * 1024
_MOST_CREDENTIAL_BYTES: Final = 16 * 1024

ANSWER_TIME: Final = 60.0
"""Seconds within which an answer has to begin. The event stream begins at once."""

_BURST_SECONDS: Final = 10
"""A bucket holds what may be used in so many seconds: a dashboard opens with a flurry of calls."""

_MOST_AT_THE_VAULT: Final = 256
"""Calls that wait for a password to be hashed; at some 20 a second the last waits 13 seconds. One
address may have half of them."""

_STREAM: Final = "/api/live"
_MOST_STREAMS: Final = 50
"""Event streams that one account may have open: each tab has one."""

# Probes of load balancers must not be turned away because everybody else is busy.
_UNLIMITED: Final = frozenset({"/healthz", "/readyz"})

_REGISTER: Final = "/api/auth/register"
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
    {_REGISTER, "/api/auth/login", "/api/auth/password", "/api/auth/password/reset"}
    | {"/api/invitations/accept"}
)


@dataclass(frozen=True)
class Rules:
    """What the settings allow. A number of 0 means no limit.

    rate, account_rate: calls a second by one address, and by one account;
    sign_in_attempts: wrong passwords for one account from one address before waiting begins;
    registrations: accounts made an hour from one address;
    origins: those whose pages may call, besides our own host;
    trusted: the proxies whose X-Forwarded-For is believed.
    """

    rate: int
    account_rate: int
    sign_in_attempts: int
    registrations: int
    origins: frozenset[str] = frozenset()
    trusted: Sequence[Network] = ()

    @classmethod
    def from_settings(cls, settings: Settings) -> Rules:
        """The settings' rules."""
        own = (settings.host, settings.frontend_url)
        return cls(
            rate=settings.rate,
            account_rate=settings.account_rate,
            sign_in_attempts=settings.sign_in_attempts,
            registrations=settings.registrations,
            origins=frozenset(origin_of(address) for address in own if address),
            trusted=settings.trusted_proxies,
        )


class Call(NamedTuple):
    """What is known of a call before it begins. ``account``: who its good token speaks for."""

    method: str
    path: str
    headers: Mapping[str, str]
    header_bytes: int
    address_length: int
    network: str
    account: str | None


class Refusal(NamedTuple):
    """Why a call is refused; ``wait``: seconds after which it may be tried again."""

    kind: Kind
    detail: str
    wait: float = 0.0


class _Guess(NamedTuple):
    """An attempt that may turn out wrong, and what it counts against."""

    wrong: frozenset[int]
    subject: str | None
    network: str


class Edge:
    """Counts and decides; knows nothing of HTTP's machinery."""

    def __init__(self, rules: Rules, *, room: int = 50_000) -> None:
        """Remember at most ``room`` addresses and accounts."""
        self._rules = rules
        hourly = rules.registrations
        free = rules.sign_in_attempts
        self._by_network = Buckets(rules.rate, rules.rate * _BURST_SECONDS, room=room)
        self._by_account = Buckets(
            rules.account_rate, rules.account_rate * _BURST_SECONDS, room=room
        )
        self._registrations = Buckets(hourly / 3600, hourly, room=room)
        self._letters_to = Buckets(1 / 600, 3, room=room)
        self._letters_from = Buckets(1 / 30, 30, room=room)
        # One address guessing one account's password; one account guessed from anywhere; one
        # address guessing anybody's, as with lists of leaked passwords. The second is gentle, for
        # it keeps the owner waiting too where the owner has never signed in from before.
        self._pairs = Strikes(Patience(free, 300.0, 300.0), room=room)
        self._accounts = Strikes(Patience(free * 5, 60.0, 60.0), room=room)
        self._networks = Strikes(Patience(free * 10, 300.0, 30.0), room=room)
        self._familiar: Recent[tuple[str, str], bool] = Recent(room)

    def refusal(self, call: Call, now: float) -> Refusal | None:
        """Why this call is refused, if it is; before its body was read."""
        return (
            self._is_too_large(call)
            or self._is_foreign(call)
            or self._is_too_frequent(call, now)
            or self._makes_too_many_accounts(call, now)
        )

    def _is_too_large(self, call: Call) -> Refusal | None:
        if call.header_bytes > _MOST_HEADER_BYTES or len(call.headers) > _MOST_HEADERS:
            return Refusal(_HEADERS_TOO_LARGE, "Send fewer or shorter headers.")
        if call.address_length > _LONGEST_ADDRESS:
            return Refusal(_ADDRESS_TOO_LONG, "Send a shorter path and query.")
        return None

    def _is_foreign(self, call: Call) -> Refusal | None:
        if not is_foreign(call.method, call.headers, self._rules.origins):
            return None
        return Refusal(
            FORBIDDEN,
            "Another site's page made this call. If the page is yours, set FRONTEND_URL to its origin.",
        )

    def _is_too_frequent(self, call: Call, now: float) -> Refusal | None:
        if call.path in _UNLIMITED:
            return None
        wait = self._by_network.take(call.network, now)
        if wait == 0 and call.account is not None:
            wait = self._by_account.take(call.account, now)
        return _too_many("There were too many calls in a short time.", wait) if wait > 0 else None

    def _makes_too_many_accounts(self, call: Call, now: float) -> Refusal | None:
        if call.path != _REGISTER or call.method != "POST":
            return None
        wait = self._registrations.take(call.network, now)
        return _too_many("Too many accounts were made from here.", wait) if wait > 0 else None

    def asks_for_letter(self, email: str | None, network: str, now: float) -> Refusal | None:
        """Count a wish for a link by mail. Whether there is such an account makes no difference."""
        wait = self._letters_from.take(network, now)
        if wait == 0 and email is not None:
            wait = self._letters_to.take(email, now)
        return _too_many("Too many letters were asked for.", wait) if wait > 0 else None

    def begin(self, guess: _Guess, now: float) -> Refusal | None:
        """Count an attempt, unless it has to wait."""
        if self._rules.sign_in_attempts <= 0:
            return None
        counts = self._counts(guess)
        wait = max(strikes.wait(key, now) for strikes, key in counts)
        if wait > 0:
            return _too_many("There were too many attempts that failed.", wait)
        for strikes, key in counts:
            strikes.strike(key, now)
        return None

    def end(self, guess: _Guess, status: int, now: float) -> None:
        """Tell how an attempt came out."""
        if self._rules.sign_in_attempts <= 0:
            return
        if status in guess.wrong:
            wait = self._pairs.wait((guess.subject, guess.network), now)
            if wait > 0:
                _log.warning("sign_in_slowed", extra={"network": guess.network, "seconds": wait})
            return
        for strikes, key in self._counts(guess):
            strikes.take_back(key, now)
        if 200 <= status < 300 and guess.subject is not None:  # noqa: PLR2004
            self._pairs.forget((guess.subject, guess.network))
            self._familiar.put((guess.subject, guess.network), value=True)

    def _counts(self, guess: _Guess) -> list[tuple[Strikes, object]]:
        counts: list[tuple[Strikes, object]] = [(self._networks, guess.network)]
        if guess.subject is not None:
            counts.append((self._pairs, (guess.subject, guess.network)))
            # Strangers' failures do not keep out whoever signed in from here before.
            if self._familiar.get((guess.subject, guess.network)) is None:
                counts.append((self._accounts, guess.subject))
        return counts


def _too_many(sentence: str, wait: float) -> Refusal:
    return Refusal(TOO_MANY, f"{sentence} Try again in {_seconds(wait)} s.", wait)


def _seconds(wait: float) -> int:
    """Whole seconds, after which it may surely be tried again."""
    return max(1, math.ceil(wait - 1e-3))


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

    async def _pass_guess(self, guess: _Guess, scope: Scope, receive: Receive, send: Send) -> None:
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


def _guess(call: Call, body: bytes) -> _Guess:
    subject = call.account if call.path == "/api/auth/password" else _email_in(body)
    return _Guess(_GUESSABLE[call.path], subject, call.network)


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
        response.headers["Retry-After"] = str(_seconds(refusal.wait))
    await response(scope, receive, send)
