"""What the audit of a store's subscriptions has to tell the store's owner."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tillstream.foundation.loopback import is_loopback
from tillstream.shopify.admin import API_VERSION

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from tillstream.shopify.subscriptions import Audit, Subscription


class Finding(NamedTuple):
    """Something that the store's owner should know; the codes are those of ``standing.TITLES``."""

    code: str
    detail: str


def can_be_reached(host: str, stand_in: str | None) -> bool:
    """Whether Shopify can deliver to this address: over HTTPS, or a stand-in on the same machine."""
    return host.startswith("https://") or (stand_in is not None and is_loopback(host))


def findings(audit: Audit, refused: Mapping[str, str], delivered: Collection[str]) -> list[Finding]:
    """What an audit has left to say, once everything that can be set right was.

    Args:
        audit: of the subscriptions as they were read back.
        refused: what Shopify said, by topic.
        delivered: the API versions in which deliveries came lately.
    """
    found: list[Finding] = []
    if audit.missing:
        said = sorted({refused[topic] for topic in audit.missing if topic in refused})
        words = f" Shopify says: {' '.join(said)}" if said else ""
        found.append(
            Finding("subscriptions_missing", f"Not subscribed: {', '.join(audit.missing)}.{words}")
        )
    old = [one for one in audit.wrong_version if one.is_whole]
    if old:
        found.append(Finding("version_subscribed", _versions_subscribed(old)))
    others = sorted(version for version in delivered if version != API_VERSION)
    if others:
        found.append(
            Finding(
                "version_delivered",
                f"Deliveries of the last day came in {', '.join(others)} instead of {API_VERSION}. "
                "Set api_version in the app's configuration, or look for a subscription of an "
                "older version.",
            )
        )
    if audit.duplicated:
        found.append(Finding("duplicated", _twice(audit.duplicated)))
    return found


def _versions_subscribed(subscriptions: Iterable[Subscription]) -> str:
    listed = ", ".join(f"{one.topic} ({one.api_version})" for one in subscriptions)
    return f"Subscribed in another version than {API_VERSION}: {listed}."


def _twice(subscriptions: Iterable[Subscription]) -> str:
    topics = ", ".join(sorted({one.topic for one in subscriptions}))
    return f"Subscribed more than once: {topics}. It does no harm but makes twice the traffic."


def host_not_public(host: str) -> Finding:
    """Shopify cannot deliver to our address."""
    return Finding(
        "host_not_public",
        f"Shopify delivers over HTTPS only, and HOST is {host}. Set HOST to the "
        "public https:// address of this installation; webhooks are subscribed then.",
    )
