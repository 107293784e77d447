"""HTTP towards Shopify: nothing is followed, nothing is unbounded, and no secret is quoted."""

from __future__ import annotations

import asyncio
import json
import re
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TIMEOUT: Final = 10.0
"""Seconds to connect, and seconds between two pieces of an answer."""

_DEADLINE: Final = 30.0
"""Seconds for one whole exchange: a peer that sends a byte now and then must not hold us."""

MOST_BYTES: Final = 16 * 1024 * 1024
"""Bytes of an answer that are read; a page of 250 orders has a few million."""

_LONGEST_QUOTE: Final = 200
# What is shorter is a word rather than a secret, and taking it out would garble the sentence.
_SHORTEST_SECRET: Final = 4
_GZIP: Final = zlib.MAX_WBITS | 16
# How Shopify's tokens and secrets begin: shpat_, shprt_, shpss_, shpca_ and so on.
_TOKEN_LIKE: Final = re.compile(r"\bshp[a-z]{2,3}_\w+")


class Unreachable(Exception):
    """No answer came, or not all of it. ``sent``: whether the request may have been received."""

    def __init__(self, detail: str, *, sent: bool) -> None:
        super().__init__(detail)
        self.sent = sent


@dataclass(frozen=True)
class Answer:
    """What came back; the body may hold tokens, so it is not shown."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def json(self) -> Any:  # noqa: ANN401 - anything may come back
        """The body's JSON value; None if it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


def open_http(stand_in: str | None = None) -> httpx.AsyncClient:
    """A client for everything in ``shopify``; the caller closes it.

    Proxies of the environment are used towards Shopify, never towards a stand-in on loopback.
    """
    return httpx.AsyncClient(
        timeout=TIMEOUT,
        follow_redirects=False,
        trust_env=stand_in is None,
        limits=httpx.Limits(max_connections=64, max_keepalive_connections=16),
    )


async def post_json(
    http: httpx.AsyncClient,
    address: str,
    value: object,
    *,
    headers: Mapping[str, str] | None = None,
    most_bytes: int = MOST_BYTES,
) -> Answer:
    """POST a JSON value, and read the whole answer. Redirects are answers like any other.

    Raises:
        Unreachable: if there is no whole answer of at most ``most_bytes`` within the time.
    """
    sent = False
    try:
        async with asyncio.timeout(_DEADLINE):
            request = http.build_request(
                "POST",
                address,
                content=json.dumps(value).encode(),
                headers={
                    "Content-Type": "application/json",
                    "Accept": "application/json",
                    "Accept-Encoding": "gzip",
                    "User-Agent": "Tillstream",
                    **(headers or {}),
                },
                timeout=TIMEOUT,
            )
            sent = True
            response = await http.send(request, stream=True, follow_redirects=False)
            try:
                body = await _read(response, most_bytes)
            finally:
                await response.aclose()
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        detail = f"No connection to it ({_name(error)})."
        raise Unreachable(detail, sent=False) from None
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, zlib.error) as error:
        detail = f"The exchange broke off ({_name(error)})."
        raise Unreachable(detail, sent=sent) from None
    return Answer(response.status_code, response.headers, body)


async def _read(response: httpx.Response, most_bytes: int) -> bytes:
    """The body, decompressed here: httpx would blow up a few bytes to a great many unchecked."""
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding not in {"identity", "gzip"}:
        raise Unreachable("It answered in a coding that was not asked for.", sent=True)  # noqa: TRY003
    unpack = zlib.decompressobj(_GZIP) if coding == "gzip" else None
    body = bytearray()
    async for chunk in response.aiter_raw(64 * 1024):
        room = most_bytes + 1 - len(body)
        body += chunk if unpack is None else unpack.decompress(chunk, room)
        if len(body) > most_bytes:
            detail = f"The answer is larger than {most_bytes} bytes."
            raise Unreachable(detail, sent=True)
    return bytes(body)


def _name(error: Exception) -> str:
    # Messages of the transport may hold the address; its kind says enough.
    return type(error).__name__


def quote_safely(text: object, secrets: Iterable[str] = ()) -> str:
    """What the other side said, fit for a log: one short printable line without our secrets."""
    said = str(text) if isinstance(text, (str, int, float)) else json.dumps(text, default=str)
    for secret in sorted(set(secrets), key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            said = said.replace(secret, "[secret]")
    said = _TOKEN_LIKE.sub("[secret]", said)
    said = "".join(char if char.isprintable() else " " for char in said)
    return " ".join(said.split())[:_LONGEST_QUOTE]
