"""Where a page may send the browser next: to a path of ours, never to somebody else's site."""

from __future__ import annotations

import re
from typing import Final

HOME: Final = "/"
_LONGEST: Final = 2000
# Visible ASCII without backslashes: browsers read "\" as "/", and drop tabs and line ends, so that
# "/\t/evil.example" would become "//evil.example", which is a host.
_LOCAL_PATH: Final = re.compile(r"/(?![/\\])[!-\[\]-~]*")


def safe_next(text: str | None) -> str:
    """``text`` if it is a path of this installation, with its query and fragment; else ``/``."""
    if text is None or len(text) > _LONGEST or not _LOCAL_PATH.fullmatch(text):
        return HOME
    return text
