"""How long to wait before trying again."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeAlias

import msgspec

Randomness: TypeAlias = Callable[[], float]
"""A number from 0 (inclusive) to 1 (exclusive)."""


class Backoff(msgspec.Struct, frozen=True):
    """Delays that double from ``base`` to ``cap`` seconds, each shortened by up to a half.

    The shortening keeps those who failed together from coming back together.
    """

    base: float = 0.5
    cap: float = 60.0
    randomness: Randomness = random.random

    def delay(self, attempt: int) -> float:
        """Seconds to wait after ``attempt`` earlier failures (0 for the first one)."""
        # 2**32 half seconds exceed any cap; the bound keeps the power from overflowing.
        longest = min(self.cap, self.base * 2.0 ** min(attempt, 32))
        return longest * (1 - self.randomness() / 2)
