"""Access scopes: what was granted, and what is missing of what is needed.

https://shopify.dev/docs/api/usage/access-scopes
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_SEPARATORS: Final = re.compile(r"[,\s]+")
_WRITE: Final = "write_"
_UNAUTHENTICATED: Final = "unauthenticated_"


def parse_scopes(text: str) -> frozenset[str]:
    """The scopes of a list separated by commas or white space."""
    return frozenset(part for part in _SEPARATORS.split(text.lower()) if part)


def missing_scopes(granted: Iterable[str], needed: Iterable[str]) -> frozenset[str]:
    """Those of ``needed`` that ``granted`` does not cover; ``write_x`` covers ``read_x``.

    Shopify leaves ``read_x`` out of what it grants where ``write_x`` is in it.
    """
    return frozenset(needed) - _implied(granted)


def format_scopes(scopes: Iterable[str]) -> str:
    """Scopes as Shopify writes them: separated by commas; in the order of the alphabet."""
    return ",".join(sorted(scopes))


def _implied(granted: Iterable[str]) -> frozenset[str]:
    held = frozenset(granted)
    return held | {_read_of(scope) for scope in held}


def _read_of(scope: str) -> str:
    if scope.startswith(_WRITE):
        return f"read_{scope.removeprefix(_WRITE)}"
    if scope.startswith(_UNAUTHENTICATED + _WRITE):
        return f"{_UNAUTHENTICATED}read_{scope.removeprefix(_UNAUTHENTICATED + _WRITE)}"
    return scope
