"""Addresses that cannot leave this machine."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit


def is_loopback(address: str) -> bool:
    """Whether ``address`` is a plain base address (scheme, host, port) on this very machine."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    if parts.scheme not in {"http", "https"} or host is None or port == 0:
        return False
    if parts.username is not None or parts.path not in {"", "/"} or parts.query or parts.fragment:
        return False
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
