"""The one spelling of a shop's address by which everything is keyed."""

from __future__ import annotations

import re
from typing import Final

# https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant
# asks to check the shop parameter against this form before it is used for anything.
_SHOP_DOMAIN: Final = re.compile(r"[a-z0-9][a-z0-9-]*\.myshopify\.com")
_LONGEST_NAME: Final = 255  # of any domain name in DNS


def parse_shop_domain(text: str) -> str | None:
    """``text`` as a lower-cased ``*.myshopify.com`` domain, or None if it is not one.

    No scheme, path, port or white space is forgiven: what passes is safe to put in a URL.
    """
    # Lower-casing only ASCII keeps letters such as the Kelvin sign from turning into "k".
    domain = text.lower() if text.isascii() else text
    if len(domain) > _LONGEST_NAME or not _SHOP_DOMAIN.fullmatch(domain):
        return None
    return domain
