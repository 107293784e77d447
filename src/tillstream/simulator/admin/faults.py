"""Failures on demand: what goes wrong, where, and how often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Place: TypeAlias = Literal["graphql", "token"]
"""What fails: the GraphQL API, or the token endpoint."""

Kind: TypeAlias = Literal["status", "throttle", "lost", "cut", "slow"]
"""How: an HTTP ``status`` before anything is done; ``throttle``, which GraphQL says with status
200; the work done and the answer ``lost`` behind a 502, or ``cut`` off; or ``slow``."""


@dataclass(slots=True)
class Fault:
    """What happens to the next ``times`` requests to ``place``; ``shop`` None is every shop."""

    place: Place
    kind: Kind
    times: int
    shop: str | None = None
    status: int = 503
    seconds: float = 0.0
    retry_after: float | None = None


class Faults:
    """The faults to come, the oldest first."""

    def __init__(self) -> None:
        self.coming: list[Fault] = []

    def next(self, place: Place, shop: str) -> Fault | None:
        """What happens to this request; it is counted."""
        for fault in self.coming:
            if fault.place == place and fault.shop in (None, shop):
                fault.times -= 1
                if fault.times <= 0:
                    self.coming.remove(fault)
                return fault
        return None
