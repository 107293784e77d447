"""The Admin API: GraphQL, paced by the cost that Shopify tells, retried where that is safe.

https://shopify.dev/docs/api/admin-graphql
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, cast

from tillstream.foundation.clock import Clock, utc_now
from tillstream.shopify.addresses import admin_address
from tillstream.shopify.pacing import LONGEST_WAIT, Bucket, requested_cost
from tillstream.shopify.wire import Answer, Unreachable, post_json, quote_safely

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

API_VERSION: Final = "2026-10"
"""The version of the Admin API, and of the webhooks, that Tillstream is made for."""

TokenSource: TypeAlias = Callable[[], Awaitable[str]]
Sleep: TypeAlias = Callable[[float], Awaitable[None]]

_ATTEMPTS: Final = 6
_FIRST_GUESS: Final = 50.0  # points of a document that was not asked before
_THROTTLED_PAUSE: Final = 1.0  # what Shopify recommends after a 429
_LONGEST_BACKOFF: Final = 8.0
_TOKEN: Final = re.compile(r"[!-~]{1,2048}")
_MUTATION: Final = re.compile(r"(?:\s|,|#[^\n]*(?:\n|$))*mutation\b")


class AdminProblem(Exception):
    """Asking a shop's Admin API failed; the message says plainly why, without any secret."""


Kind: TypeAlias = Literal["token", "forbidden", "security", "unknown"]


class AdminRefused(AdminProblem):
    """Shopify does not let us.

    ``kind``: ``token`` (401: it expired or was revoked), ``forbidden`` (403), ``security`` (430)
    or ``unknown`` (404: no such shop or version).
    """

    def __init__(self, kind: Kind, detail: str) -> None:
        super().__init__(detail)
        self.kind: Kind = kind


class ShopLocked(AdminProblem):
    """The shop is locked (423) or frozen (402): nobody can reach it until Shopify lets them."""


class AdminUnavailable(AdminProblem):
    """No usable answer, also after asking again. Later it may well work."""


class AdminThrottled(AdminUnavailable):
    """Still throttled after waiting several times."""


class AdminErrors(AdminProblem):
    """GraphQL errors. ``errors`` as they came; ``data`` is what came beside them, if anything."""

    def __init__(
        self, detail: str, errors: list[dict[str, Any]], data: dict[str, Any] | None = None
    ) -> None:
        super().__init__(detail)
        self.errors = errors
        self.data = data

    @property
    def codes(self) -> frozenset[str]:
        """The codes in them, such as ``ACCESS_DENIED``."""
        return frozenset(_code(error) for error in self.errors)


@dataclass(frozen=True)
class _Again:
    """An answer that makes it worth asking again."""

    problem: AdminProblem
    pause: float | None = None
    executed: bool = True  # or possibly so


class AdminClient:
    """Asks one shop. One instance per shop and process, so that its pace is kept in one place."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        shop: str,
        token: TokenSource,
        *,
        stand_in: str | None = None,
        clock: Clock = utc_now,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """See ``query``.

        Args:
            http: as ``wire.open_http`` makes it.
            shop: a shop domain.
            token: the shop's current access token; asked for before each request.
            stand_in: the base address of a pretend Shopify, or None.
            clock: the time, for the pace.
            sleep: waits that many seconds.

        Raises:
            ValueError: if ``shop`` is no shop domain.
        """
        self.shop = shop
        self.served_version: str | None = None
        """The version that answered last; Shopify falls forward from one that has ended."""
        self._address = f"{admin_address(shop, stand_in)}/admin/api/{API_VERSION}/graphql.json"
        self._http = http
        self._token = token
        self._clock = clock
        self._sleep = sleep
        self._bucket = Bucket()
        self._costs: dict[str, float] = {}

    def __repr__(self) -> str:
        return f"AdminClient({self.shop!r})"

    async def query(
        self,
        document: str,
        variables: Mapping[str, Any] | None = None,
        *,
        repeatable: bool | None = None,
    ) -> dict[str, Any]:
        """The ``data`` of a query or mutation.

        Args:
            document: GraphQL with one operation.
            variables: its variables.
            repeatable: whether it may be sent again when it is not known if it was executed;
                unless told, queries are and mutations are not.

        Raises:
            AdminRefused, ShopLocked, AdminErrors: asking again will not help.
            AdminUnavailable: it may help later.
        """
        if repeatable is None:
            repeatable = not _MUTATION.match(document)
        body = {"query": document, "variables": dict(variables or {})}
        rejected: str | None = None
        attempt = 0
        while True:
            token = await self._usable_token()
            await self._pace(document)
            outcome = await self._ask(document, body, token)
            if isinstance(outcome, dict):
                return outcome
            # A token may expire, or be renewed by another process, on the way: a new one is tried.
            if isinstance(outcome, AdminRefused) and outcome.kind == "token" and rejected is None:
                rejected = token
                if await self._usable_token() != rejected:
                    continue
            if isinstance(outcome, AdminProblem):
                raise outcome
            attempt += 1
            if attempt >= _ATTEMPTS or (outcome.executed and not repeatable):
                raise outcome.problem
            await self._sleep(_backoff(attempt) if outcome.pause is None else outcome.pause)

    async def _usable_token(self) -> str:
        token = await self._token()
        if not _TOKEN.fullmatch(token):
            raise AdminRefused("token", f"There is no usable access token for {self.shop}.")
        return token

    async def _pace(self, document: str) -> None:
        cost = self._costs.get(document, _FIRST_GUESS)
        wait = self._bucket.take(cost, self._clock())
        if wait > 0:
            await self._sleep(wait)

    async def _ask(
        self, document: str, body: Mapping[str, Any], token: str
    ) -> dict[str, Any] | AdminProblem | _Again:
        headers = {"X-Shopify-Access-Token": token}
        try:
            answer = await post_json(self._http, self._address, body, headers=headers)
        except Unreachable as error:
            problem = AdminUnavailable(f"{self.shop} could not be reached. {error}")
            return _Again(problem, executed=error.sent)
        self.served_version = answer.headers.get("x-shopify-api-version", self.served_version)
        value = answer.json()
        fields = cast("dict[str, Any]", value) if isinstance(value, dict) else None
        judged = _judge(self.shop, answer, fields, token)
        if isinstance(judged, _Again) and isinstance(judged.problem, AdminThrottled):
            self._bucket.empty(self._clock())
        # After that, because what Shopify says is left is surer than that nothing is.
        self._learn(document, fields)
        return judged

    def _learn(self, document: str, fields: dict[str, Any] | None) -> None:
        extensions = (fields or {}).get("extensions")
        if not isinstance(extensions, dict):
            return
        cost: object = cast("dict[str, Any]", extensions).get("cost")
        self._bucket.learn(cost, self._clock())
        requested = requested_cost(cost)
        if requested is not None:
            self._costs[document] = requested


_OK: Final = 200
_TOO_MANY: Final = 429
_SERVER_ERROR: Final = 500


def _judge(
    shop: str, answer: Answer, fields: dict[str, Any] | None, token: str
) -> dict[str, Any] | AdminProblem | _Again:
    """What an answer amounts to: data, a problem, or a reason to ask again."""
    errors = [] if fields is None else _errors_of(fields.get("errors"))
    said = quote_safely("; ".join(_message(error) for error in errors), (token,))
    if answer.status != _OK:
        return _judge_status(shop, answer, said)
    if fields is None:
        return _Again(AdminUnavailable(f"{shop} answered with something that is no JSON object."))
    data: object = fields.get("data")
    data = cast("dict[str, Any]", data) if isinstance(data, dict) else None
    if any(_code(error) == "THROTTLED" for error in errors):
        problem = AdminThrottled(f"{shop} asks to slow down: {said}")
        return _Again(problem, _THROTTLED_PAUSE, executed=False)
    if errors:
        return AdminErrors(f"{shop} refused the query: {said}", errors, data)
    if data is None:
        return _Again(AdminUnavailable(f"{shop} answered without data and without errors."))
    return data


_REFUSED: Final[Mapping[int, tuple[Kind, str]]] = {
    401: ("token", "no longer accepts our token; connect the store again"),
    403: ("forbidden", "does not allow this to our app"),
    404: ("unknown", "has no Admin API at its address"),
    430: ("security", "turned us away: Shopify's protection took us for an attacker"),
}
_LOCKED: Final[Mapping[int, str]] = {
    402: "is frozen until its owner settles with Shopify",
    423: "is locked by Shopify for now",
}


def _judge_status(shop: str, answer: Answer, said: str) -> AdminProblem | _Again:
    status = answer.status
    words = f" (HTTP status {status})." + (f" It says: {said}" if said else "")
    if status in _REFUSED:
        kind, sentence = _REFUSED[status]
        return AdminRefused(kind, f"{shop} {sentence}{words}")
    if status in _LOCKED:
        return ShopLocked(f"{shop} {_LOCKED[status]}{words}")
    if status == _TOO_MANY:
        problem = AdminThrottled(f"{shop} asks to slow down{words}")
        return _Again(problem, _retry_after(answer), executed=False)
    if status >= _SERVER_ERROR:
        return _Again(AdminUnavailable(f"{shop} cannot answer now{words}"))
    return AdminUnavailable(f"{shop} gave an unexpected answer{words}")


def _retry_after(answer: Answer) -> float:
    """Shopify's header has a fraction: ``2.0``."""
    try:
        seconds = float(answer.headers.get("retry-after", ""))
    except ValueError:
        return _THROTTLED_PAUSE
    return seconds if 0 <= seconds <= LONGEST_WAIT else _THROTTLED_PAUSE


def _backoff(attempt: int) -> float:
    """Half of it by chance, so that processes that failed together do not come back together."""
    longest = min(_LONGEST_BACKOFF, 0.5 * 2.0**attempt)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


def _errors_of(value: object) -> list[dict[str, Any]]:
    """GraphQL's list of errors; with 4xx it is often a mere sentence, or an object."""
    if value is None or value == []:
        return []
    if isinstance(value, list):
        return [
            cast("dict[str, Any]", one) if isinstance(one, dict) else {"message": str(one)}
            for one in cast("list[object]", value)
        ]
    return [{"message": value if isinstance(value, str) else quote_safely(value)}]


def _message(error: Mapping[str, Any]) -> str:
    message = error.get("message")
    return message if isinstance(message, str) else "an error without a message"


def _code(error: Mapping[str, Any]) -> str:
    extensions = error.get("extensions")
    if not isinstance(extensions, dict):
        return ""
    return str(cast("dict[str, Any]", extensions).get("code", ""))
