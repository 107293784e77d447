"""The Admin API's versions: one a quarter, supported for a year, then served by a newer one.

https://shopify.dev/docs/api/usage/versioning
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

UNSTABLE: Final = "unstable"
_HANDLE: Final = re.compile(r"(20\d\d)-(01|04|07|10)")
_SUPPORTED: Final = 4
"""Stable versions at any time, the current one among them."""


def supported(now: datetime) -> list[str]:
    """The versions that are served, the oldest first: the stable ones, the next, the unstable."""
    latest = _quarter(now)
    stable = [_handle(latest - back) for back in range(_SUPPORTED - 1, -1, -1)]
    return [*stable, _handle(latest + 1), UNSTABLE]


def is_supported(handle: str, now: datetime) -> bool:
    """Whether the version is served as itself."""
    return handle in supported(now)


def served_as(handle: str, now: datetime) -> str | None:
    """The version that answers for ``handle``: itself, or the oldest for one that has retired.

    None for what is no version, or not yet.
    """
    if is_supported(handle, now):
        return handle
    if not _HANDLE.fullmatch(handle):
        return None
    oldest = supported(now)[0]
    return oldest if handle < oldest else None


def _quarter(now: datetime) -> int:
    """Quarters since year 0 that have begun: a version comes out at 17:00 UTC on its first day."""
    begins = datetime(now.year, (now.month - 1) // 3 * 3 + 1, 1, 17, tzinfo=UTC)
    return now.year * 4 + (now.month - 1) // 3 - (now < begins)


def _handle(quarter: int) -> str:
    year, part = divmod(quarter, 4)
    return f"{year}-{part * 3 + 1:02d}"
