"""Where a shop's Admin is: at its own domain, or at a stand-in on this machine."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from tillstream.shopify.domains import parse_shop_domain


def admin_address(shop: str, stand_in: str | None) -> str:
    """The base address of a shop's Admin, without a slash at its end.

    Args:
        shop: a shop domain. Whatever else it is, it never becomes a host.
        stand_in: the base address of a pretend Shopify on loopback, or None for the real one.

    Raises:
        ValueError: if ``shop`` is no shop domain, or ``stand_in`` is not on loopback: secrets are
            sent to the address that is made here.
    """
    domain = parse_shop_domain(shop)
    if domain is None:
        message = "This is no *.myshopify.com domain, so nothing is sent there."
        raise ValueError(message)
    if stand_in is None:
        return f"https://{domain}"
    if not is_loopback(stand_in):
        message = "A stand-in of Shopify must be on loopback, such as http://127.0.0.1:8099."
        raise ValueError(message)
    return f"{stand_in.rstrip('/')}/{domain}"


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
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
