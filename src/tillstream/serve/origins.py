"""Whether a page of somebody else's site makes the browser call us (CSRF). Pure.

https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITES: Final = frozenset({"same-origin", "none"})


def origin_of(address: str) -> str:
    """The origin of an address as browsers write it: scheme, host, and port unless it is usual."""
    parts = urlsplit(address)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    port = "" if parts.port in {None, usual} else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def is_foreign(method: str, headers: Mapping[str, str], allowed: AbstractSet[str]) -> bool:
    """Whether a browser says that another site's page makes this call, one that changes something.

    Args:
        method: of the request; those that only read may be made from anywhere.
        headers: names in lower case.
        allowed: the origins whose pages may call.

    Every browser of today sends ``Origin`` with such calls, and most ``Sec-Fetch-Site``. What
    sends neither is no browser, and has no cookie that it did not mean to send.
    """
    if method in SAFE_METHODS:
        return False
    origin = headers.get("origin")
    if origin is not None and origin in allowed:
        return False
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in _OWN_SITES
    return origin is not None and not _is_own(origin, headers.get("host", ""))


def _is_own(origin: str, host: str) -> bool:
    """Whether the page came from the host that is called; a page cannot choose the Host header.

    The scheme is not compared: behind a proxy that ends TLS we would not know it.
    """
    return bool(host) and urlsplit(origin).netloc.lower() == host.lower()
