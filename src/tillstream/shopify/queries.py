"""The signature on the queries with which Shopify sends browsers to us.

https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant
It is not the webhooks' one: lower-case hexadecimal, over the sorted parameters.
"""

from __future__ import annotations

import hmac
import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from collections.abc import Sequence

_UNSIGNED: Final = frozenset({"hmac", "signature"})
_LONGEST: Final = 8192
_MOST_PARAMETERS: Final = 64
_HEXADECIMAL: Final = re.compile(r"[0-9a-f]{64}")
_SECONDS: Final = re.compile(r"[0-9]{1,11}")

# Shopify's Python library forgives a day, its Node library 90 seconds either way. A merchant may
# leave the approval page open for hours; a clock ahead of ours has no such reason.
_OLDEST: Final = timedelta(days=1)
_AHEAD: Final = timedelta(seconds=90)


def read_query(raw: str) -> list[tuple[str, str]]:
    """The decoded parameters of a query string in their order; none of one that is absurdly long."""
    if len(raw) > _LONGEST:
        return []
    try:
        return parse_qsl(raw, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        return []


def sign_query(parameters: Sequence[tuple[str, str]], secret: bytes) -> str:
    """The lower-case hexadecimal HMAC-SHA256 of the parameters, ``hmac`` and ``signature`` left out.

    Raises:
        ValueError: for an empty secret, under which anyone could sign.
    """
    if not secret:
        message = "The secret that signs queries is empty; set SHOPIFY_API_SECRET."
        raise ValueError(message)
    return hmac.digest(secret, _message(parameters), "sha256").hex()


def is_genuine_query(parameters: Sequence[tuple[str, str]], secrets: Sequence[bytes]) -> bool:
    """Whether one of the secrets signed these parameters, told by their ``hmac``.

    A parameter given twice makes it false, unless it is a list (``ids[]``): two readers could
    each believe another one. Every secret is tried, in constant time.
    """
    given = [value for name, value in parameters if name == "hmac"]
    if len(given) != 1 or not _HEXADECIMAL.fullmatch(given[0]) or _has_doubles(parameters):
        return False
    genuine = False
    for secret in secrets:
        genuine |= hmac.compare_digest(sign_query(parameters, secret), given[0])
    return genuine


def is_fresh(timestamp: str, now: datetime) -> bool:
    """Whether Shopify's ``timestamp`` (seconds since 1970) is at most a day old, or 90 s ahead."""
    if not _SECONDS.fullmatch(timestamp):
        return False
    try:
        at = datetime.fromtimestamp(int(timestamp), UTC)
    except (OverflowError, OSError, ValueError):
        return False
    return now - _OLDEST <= at <= now + _AHEAD


def _message(parameters: Sequence[tuple[str, str]]) -> bytes:
    pairs = [f"{name}={value}".replace("&", "%26") for name, value in _escaped(parameters)]
    # Lone surrogates cannot be in a decoded query, but must not end the process either.
    return "&".join(sorted(pairs)).encode("utf-8", "surrogatepass")


def _escaped(parameters: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Decoded names and values, with only the delimiters escaped, as Shopify signs them."""
    lists: dict[str, list[str]] = {}
    plain: list[tuple[str, str]] = []
    for name, value in parameters:
        if name in _UNSIGNED:
            continue
        if name.endswith("[]"):
            lists.setdefault(name.rstrip("[]"), []).append(value)
        else:
            plain.append((name, value))
    # ids[]=1&ids[]=2 is signed as ids=["1", "2"].
    plain.extend((name, json.dumps(values)) for name, values in lists.items())
    return [
        (name.replace("%", "%25").replace("=", "%3D"), value.replace("%", "%25"))
        for name, value in plain
    ]


def _has_doubles(parameters: Sequence[tuple[str, str]]) -> bool:
    names = [name for name, _ in parameters if not name.endswith("[]")]
    bases = {name.rstrip("[]") for name, _ in parameters if name.endswith("[]")}
    return len(set(names)) < len(names) or not bases.isdisjoint(names)
