"""Whether a delivery is genuine, and what its headers say. Pure."""

from __future__ import annotations

import hmac
import re
from base64 import b64decode
from binascii import Error as Base64Error
from typing import TYPE_CHECKING, Final, NamedTuple

from tillstream.shopify.domains import parse_shop_domain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_SIGNATURE_BYTES: Final = 32
_LONGEST: Final = 512
_TOPIC: Final = re.compile(r"[a-z][a-z0-9_]*(?:[./][a-z][a-z0-9_]*)*")

# Shopify's classic family and, without the X, that of its newer events.
# https://shopify.dev/docs/apps/build/webhooks/delivery-structure
_FAMILIES: Final = ("x-shopify-", "shopify-")


FOREVER: Final = 2**63 - 1
"""A moment, in microseconds since 1970, that does not come."""


class Accepted(NamedTuple):
    """The secrets of an app or a store that count, and until when that is the whole truth.

    Every secret is tried for every delivery. When ``until`` has come, the first of them retires, and
    :meth:`at` says what is left; nothing has to be read again for that.
    """

    secrets: tuple[bytes, ...]
    until: int
    """Microseconds since 1970."""
    terms: tuple[tuple[bytes, int], ...]
    """Each secret with the moment from which it is refused."""

    @classmethod
    def of(cls, terms: Iterable[tuple[bytes, int]]) -> Accepted:
        """All of these, whatever their moments: the first request looks at the clock."""
        # A secret that is listed twice counts for as long as the longer-lived listing.
        longest: dict[bytes, int] = {}
        for secret, end in terms:
            longest[secret] = max(end, longest.get(secret, end))
        kept = tuple(longest.items())
        return cls(tuple(longest), min(longest.values(), default=FOREVER), kept)

    def at(self, now: int) -> Accepted:
        """What is left of them at ``now``."""
        return Accepted.of((secret, end) for secret, end in self.terms if end > now)


class Refused(Exception):
    """A request that is not taken in. The message is for whoever sent it."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.detail = detail


class Told(NamedTuple):
    """What Shopify's headers tell of a delivery."""

    shop: str
    topic: str
    webhook_id: str
    event_id: str
    triggered_at: str
    api_version: str
    others: dict[str, str]


def signature_of(headers: Mapping[str, str]) -> str:
    """The signature header of either family, or an empty string."""
    return headers.get("shopify-hmac-sha256") or headers.get("x-shopify-hmac-sha256") or ""


def is_genuine(signature: str, body: bytes, secrets: Iterable[bytes]) -> bool:
    """Whether one of the secrets signed exactly these bytes.

    https://shopify.dev/docs/apps/build/webhooks/verify-deliveries: base64 of the HMAC-SHA256 of
    the raw body. Every secret is tried, so the time taken does not tell which one fits.
    """
    try:
        given = b64decode(signature, validate=True)
    except (Base64Error, ValueError):
        return False
    if len(given) != _SIGNATURE_BYTES:
        return False
    genuine = False
    for secret in secrets:
        genuine |= hmac.compare_digest(hmac.digest(secret, body, "sha256"), given)
    return genuine


def read_headers(headers: Mapping[str, str]) -> Told:
    """The five headers that every delivery has, and what else Shopify sent along.

    Args:
        headers: names in lower case.

    Raises:
        Refused: 400, naming the header that is missing or malformed.
    """
    family = _FAMILIES[1] if "shopify-hmac-sha256" in headers else _FAMILIES[0]
    get = headers.get
    domain = parse_shop_domain(_needed(headers, family, "Shop-Domain"))
    if domain is None:
        raise Refused(
            400, "Malformed shop domain", f"{family}shop-domain must be a *.myshopify.com domain."
        )
    topic = _needed(headers, family, "Topic").lower()
    action = get("shopify-action", "").strip().lower()
    if action and "/" not in topic:
        topic = f"{topic}/{action}"
    if len(topic) > _LONGEST or not _TOPIC.fullmatch(topic):
        raise Refused(400, "Malformed topic", f"{family}topic must look like orders/create.")
    return Told(
        shop=domain,
        topic=topic,
        webhook_id=_needed(headers, family, "Webhook-Id"),
        event_id=get(family + "event-id", "")[:_LONGEST],
        triggered_at=get(family + "triggered-at", "")[:_LONGEST],
        api_version=_needed(headers, family, "API-Version"),
        others=_others(headers, family),
    )


_KEPT_APART: Final = frozenset(
    family + name
    for family in _FAMILIES
    for name in (
        "hmac-sha256", "shop-domain", "topic", "webhook-id", "event-id", "triggered-at", "api-version",
    )
)  # fmt: skip


def _needed(headers: Mapping[str, str], family: str, name: str) -> str:
    value = headers.get(family + name.lower(), "").strip()
    if not value or len(value) > _LONGEST:
        word = "missing" if not value else "too long"
        raise Refused(400, f"Header {word}", f"The header {family}{name.lower()} is {word}.")
    return value


def _others(headers: Mapping[str, str], family: str) -> dict[str, str]:
    return {
        name: value[:_LONGEST]
        for name, value in headers.items()
        if name.startswith(family) and name not in _KEPT_APART
    }
