"""Where a shop's Admin is: at its own domain, or at a stand-in on this machine."""

from __future__ import annotations

from tillstream.foundation.loopback import is_loopback
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
