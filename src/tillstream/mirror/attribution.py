"""Where an order came from: the host of the site that sent the buyer, and the page they landed on."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from tillstream.mirror.values import text

if TYPE_CHECKING:
    from tillstream.mirror.change import Body

_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?([^/?#:]+)(?::[0-9]*)?")
_WWW: Final = re.compile(r"^(?:www\.)+")
_LONGEST: Final = 255
"""Characters of a host or a path: they become keys of sums."""


def host_of(value: Any) -> str | None:
    """The host of an address, in lower case and without ``www.``; None where it is none."""
    found = _ADDRESS.match(text(value) or "")
    return _WWW.sub("", found[1].lower())[:_LONGEST] or None if found else None


def path_of(value: Any) -> str | None:
    """The path of an address, or of the part of one that comes after the host, without any query."""
    path = re.split(r"[?#]", text(value) or "", maxsplit=1)[0]
    if found := _ADDRESS.match(path):
        path = path[found.end() :]
        path = path if path.startswith("/") else "/"
    return path[:_LONGEST] or None


def read_referrer(_: Body, value: Any, __: str) -> str | None:
    """The host of an order's ``referring_site``."""
    return _known_host(value) if _is_usual(value) else host_of(value)


def read_landing(_: Body, value: Any, __: str) -> str | None:
    """The path of an order's ``landing_site``."""
    return _known_path(value) if _is_usual(value) else path_of(value)


def _is_usual(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST


# Most orders of a shop come from a few sites, to a few pages.
_known_host = lru_cache(maxsize=4096)(host_of)
_known_path = lru_cache(maxsize=4096)(path_of)
