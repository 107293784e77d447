"""How often is too often: buckets of tokens, and strikes that take longer and longer to forget.

Pure but for what they keep in memory, which is bounded: the keys used longest ago are forgotten
first. Seconds are those of any one clock that does not go back.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

_ROUNDING: Final = 1e-6  # of a token

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class Recent(Generic[_Key, _Value]):
    """A mapping that keeps the ``room`` keys written last."""

    def __init__(self, room: int) -> None:
        """Keep that many."""
        self._room = room
        self._values: OrderedDict[_Key, _Value] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: _Key) -> _Value | None:
        """What was written, if it is still known."""
        return self._values.get(key)

    def put(self, key: _Key, value: _Value) -> None:
        """Write, and forget what was written longest ago if there is no more room."""
        self._values[key] = value
        self._values.move_to_end(key)
        if len(self._values) > self._room:
            self._values.popitem(last=False)

    def drop(self, key: _Key) -> None:
        """Forget."""
        self._values.pop(key, None)


class Buckets:
    """A bucket of tokens for each key: ``burst`` at once, and ``rate`` a second in the long run.

    Only one number is kept for each: when its bucket will be full again.
    """

    def __init__(self, rate: float, burst: float, *, room: int = 50_000) -> None:
        """A rate of 0 is no limit."""
        self._rate = rate
        self._burst = burst
        self._full_at: Recent[Hashable, float] = Recent(room)

    def take(self, key: Hashable, now: float) -> float:
        """Take a token: 0 if there was one, else the seconds until there will be."""
        if self._rate <= 0:
            return 0.0
        full_at = max(now, self._full_at.get(key) or now) + 1 / self._rate
        lacking = full_at - now - self._burst / self._rate
        if lacking * self._rate > _ROUNDING:
            return lacking
        self._full_at.put(key, full_at)
        return 0.0


@dataclass(frozen=True)
class Patience:
    """How many strikes are ``free``, the longest wait after one, and after how long one is forgiven."""

    free: int
    longest: float
    forgiven_after: float

    def wait_after(self, strikes: float) -> float:
        """Seconds to wait after so many: none while they are free, then 1, 2, 4 and so on."""
        over = strikes - self.free
        return 0.0 if over <= 0 else min(self.longest, 2.0 ** min(over - 1, 30))


@dataclass(frozen=True)
class _Struck:
    strikes: float
    at: float


class Strikes:
    """Failures for each key. An attempt is a strike from its beginning, until it is taken back.

    So many attempts at once are no way around the count.
    """

    def __init__(self, patience: Patience, *, room: int = 100_000) -> None:
        """Count with that patience; with 0 free strikes nothing is counted."""
        self._patience = patience
        self._struck: Recent[Hashable, _Struck] = Recent(room)

    def wait(self, key: Hashable, now: float) -> float:
        """Seconds until the next attempt may be made; 0 for now."""
        struck = self._struck.get(key)
        if struck is None or self._patience.free <= 0:
            return 0.0
        # What was forgiven since shortens no wait that had begun.
        return max(0.0, struck.at + self._patience.wait_after(struck.strikes) - now)

    def strike(self, key: Hashable, now: float) -> float:
        """Count an attempt; how many strikes there are now."""
        strikes = self._left(key, now) + 1
        self._struck.put(key, _Struck(strikes, now))
        return strikes

    def take_back(self, key: Hashable, now: float) -> None:
        """The attempt was none, or succeeded: as if it had not been made."""
        struck = self._struck.get(key)
        if struck is None or self._left(key, now) <= 1:
            self._struck.drop(key)
        else:
            self._struck.put(key, _Struck(struck.strikes - 1, struck.at))

    def forget(self, key: Hashable) -> None:
        """Begin anew."""
        self._struck.drop(key)

    def _left(self, key: Hashable, now: float) -> float:
        struck = self._struck.get(key)
        if struck is None:
            return 0.0
        return max(0.0, struck.strikes - (now - struck.at) / self._patience.forgiven_after)
