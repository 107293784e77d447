"""Whose call it is: the client's address, seen through the proxies that are trusted."""

from __future__ import annotations

from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

Network: TypeAlias = IPv4Network | IPv6Network
Address: TypeAlias = IPv4Address | IPv6Address

UNKNOWN: Final = "unknown"
"""The address of a call that has none, such as one over a Unix socket."""

# A client behind many proxies is real; one that sends thousands of hops is an attack on this loop.
_MOST_HOPS: Final = 32


def client_address(scope: Mapping[str, Any], trusted: Sequence[Network]) -> str:
    """The address that an ASGI ``scope``'s call comes from.

    ``X-Forwarded-For`` is read from its right end, which the nearest proxy wrote, for as long as
    the hop that wrote it is one of ``trusted``: whatever a client puts there itself stands
    further to the left and is never believed. The answer is in canonical form, or ``UNKNOWN``.
    """
    client = scope.get("client")
    peer = _parse(str(client[0])) if client else None
    if peer is None:
        return UNKNOWN
    if not _is_trusted(peer, trusted):
        return str(peer)
    for hop in reversed(_forwarded(scope)):
        parsed = _parse(hop)
        if parsed is None:
            return str(peer)
        peer = parsed
        if not _is_trusted(peer, trusted):
            break
    return str(peer)


def untrusted_proxy(scope: Mapping[str, Any], trusted: Sequence[Network]) -> str | None:
    """The address of what is likely a proxy of ours that nobody named: near, and forwarding.

    All calls through it look like its own.
    """
    client = scope.get("client")
    peer = _parse(str(client[0])) if client else None
    if peer is None or not peer.is_private or _is_trusted(peer, trusted):
        return None
    return str(peer) if _forwarded(scope) else None


def network_of(address: str) -> str:
    """What is counted as one client: an IPv4 address, or the /64 that an IPv6 one belongs to.

    A single subscriber commonly has a whole /64, and would otherwise have 2^64 addresses to use up.
    """
    parsed = _parse(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, 64), strict=False))
    return address


def _forwarded(scope: Mapping[str, Any]) -> Sequence[str]:
    lines = [
        value.decode("latin-1")
        for name, value in scope.get("headers", ())
        if name == b"x-forwarded-for"
    ]
    return ",".join(lines).split(",")[-_MOST_HOPS:] if lines else ()


def _parse(text: str) -> Address | None:
    """An address as a proxy may write it: also ``[::1]:80`` and ``192.0.2.1:80``."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        parsed = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    # A dual-stack socket tells of IPv4 clients as ::ffff:192.0.2.1.
    return getattr(parsed, "ipv4_mapped", None) or parsed


def _is_trusted(address: Address, trusted: Sequence[Network]) -> bool:
    return any(address in network for network in trusted)
