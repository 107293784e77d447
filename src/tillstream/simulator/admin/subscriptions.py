"""What an app asked to be told of on one shop.

https://shopify.dev/docs/apps/build/webhooks/subscribe
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from tillstream.foundation.loopback import is_loopback
from tillstream.shopify.topics import SCOPES, may_subscribe, topic_enum

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from tillstream.simulator.admin.consent import Installation

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,50}")
_PUBSUB: Final = re.compile(r"pubsub://[^:/]+:[^:/]+")
_EVENTBRIDGE: Final = re.compile(r"arn:aws:events:[^:]+::event-source/aws\.partner/shopify\.com/.+")


class SubscriptionRefused(Exception):
    """Why there is no such subscription; ``field`` is the path to what is wrong."""

    def __init__(self, field: tuple[str, ...], message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(slots=True)
class Subscription:
    """A subscription that an app made through the Admin API. ``topic`` as the header names it."""

    id: int
    topic: str
    uri: str
    api_version: str
    include_fields: tuple[str, ...]
    metafield_namespaces: tuple[str, ...]
    filter: str | None
    name: str | None
    created_at: datetime
    updated_at: datetime
    failures: int = 0

    @property
    def over_http(self) -> bool:
        """Whether it is delivered by HTTP: the other transports are kept, but never used."""
        return self.uri.startswith(("http://", "https://"))


@dataclass(frozen=True, slots=True)
class Wish:
    """A ``WebhookSubscriptionInput``; None is what was not said."""

    uri: str | None = None
    include_fields: tuple[str, ...] | None = None
    metafield_namespaces: tuple[str, ...] | None = None
    filter: str | None = None
    name: str | None = None
    format: str | None = None


def subscribe(
    installation: Installation,
    identifier: int,
    topic: str,
    wish: Wish,
    api_version: str,
    now: datetime,
) -> Subscription:
    """Add a subscription.

    Raises:
        SubscriptionRefused: for a topic that is not granted, an address that is none, or a second
            subscription that is the same.
    """
    _check_topic(installation, topic)
    uri = _checked_uri(wish.uri)
    _check_rest(wish)
    _check_single(installation.subscriptions.values(), topic, uri, wish)
    made = Subscription(
        id=identifier,
        topic=topic,
        uri=uri,
        api_version=api_version,
        include_fields=wish.include_fields or (),
        metafield_namespaces=wish.metafield_namespaces or (),
        filter=wish.filter,
        name=wish.name,
        created_at=now,
        updated_at=now,
    )
    installation.subscriptions[identifier] = made
    return made


def change(
    installation: Installation, identifier: int, wish: Wish, api_version: str, now: datetime
) -> Subscription:
    """Change what the wish names, and move the subscription to ``api_version``.

    Raises:
        SubscriptionRefused: if there is none, or for what ``subscribe`` refuses.
    """
    found = installation.subscriptions.get(identifier)
    if found is None:
        raise SubscriptionRefused(("id",), "There is no such subscription of this app.")
    uri = found.uri if wish.uri is None else _checked_uri(wish.uri)
    _check_rest(wish)
    others = [other for other in installation.subscriptions.values() if other is not found]
    _check_single(others, found.topic, uri, wish)
    found.uri = uri
    if wish.include_fields is not None:
        found.include_fields = wish.include_fields
    if wish.metafield_namespaces is not None:
        found.metafield_namespaces = wish.metafield_namespaces
    if wish.name is not None:
        found.name = wish.name
    found.api_version, found.updated_at = api_version, now
    return found


def by_enum(enum: str) -> str:
    """The topic that GraphQL calls ``enum``."""
    return _BY_ENUM[enum]


_BY_ENUM: Final = {topic_enum(topic): topic for topic in SCOPES}
TOPIC_ENUM: Final = tuple(_BY_ENUM)
"""Every topic that can be subscribed to, as GraphQL names it."""


def _check_topic(installation: Installation, topic: str) -> None:
    if not may_subscribe(topic, installation.scopes):
        needed = " or ".join(SCOPES.get(topic, ()))
        message = f"The app may not subscribe to {topic}: it has not been granted {needed}."
        raise SubscriptionRefused(("topic",), message)


def _checked_uri(uri: str | None) -> str:
    field = ("webhookSubscription", "uri")
    if not uri:
        raise SubscriptionRefused(field, "An address is needed.")
    if _PUBSUB.fullmatch(uri) or _EVENTBRIDGE.fullmatch(uri):
        return uri
    parts = urlsplit(uri)
    local = is_loopback(f"{parts.scheme}://{parts.netloc}")
    if parts.scheme != "https" and not local:
        # Shopify takes https alone; on this machine nobody listens in.
        raise SubscriptionRefused(field, "The address has to begin with https://.")
    if not parts.hostname:
        raise SubscriptionRefused(field, "The address names no host.")
    return uri


def _check_rest(wish: Wish) -> None:
    if wish.format not in (None, "JSON"):
        raise SubscriptionRefused(("webhookSubscription", "format"), "Only JSON is printed here.")
    if wish.filter:
        # A filter that is kept and not applied would be worse than none.
        message = "The stand-in does not filter deliveries."
        raise SubscriptionRefused(("webhookSubscription", "filter"), message)
    if wish.name is not None and not _NAME.fullmatch(wish.name):
        message = "A name has up to 50 letters, digits, hyphens and underscores."
        raise SubscriptionRefused(("webhookSubscription", "name"), message)


def _check_single(present: Iterable[Subscription], topic: str, uri: str, wish: Wish) -> None:
    fields = wish.include_fields or ()
    if any((s.topic, s.uri, s.include_fields) == (topic, uri, fields) for s in present):
        message = "The app has a subscription to this topic with this address."
        raise SubscriptionRefused(("webhookSubscription", "uri"), message)
