"""A place on a network, as people write it: a host, a port, or both."""

from __future__ import annotations

import re
from typing import NamedTuple

_WRITTEN = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._-]+)(?::([0-9]{1,5}))?")
_HIGHEST_PORT = 65535


class Endpoint(NamedTuple):
    """Where something listens or is reached; an IPv6 address without its brackets."""

    host: str
    port: int


def parse_endpoint(text: str, default_port: int) -> Endpoint:
    """Read ``host``, ``host:port`` or ``[address]:port``.

    Raises:
        ValueError: for anything else.
    """
    found = _WRITTEN.fullmatch(text.strip())
    port = int(found[2] or default_port) if found else 0
    if found is None or not 0 < port <= _HIGHEST_PORT:
        message = f"{text!r} is no host or host:port"
        raise ValueError(message)
    return Endpoint(found[1].strip("[]"), port)
