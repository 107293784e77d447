"""How much of each partition one claim takes. Pure.

The same rule as in the SQL function ``journal.claim``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")


def fair_shares(
    queues: Sequence[Sequence[T]], most: int, size: Callable[[T], int]
) -> list[list[T]]:
    """From the front of each queue in turn, an even share of what is left of ``most``.

    A queue that needs less leaves its rest to those behind it. Items are never split: the first of
    a queue may exceed its share, and the very first even ``most``, so that there is always progress.
    """
    chosen: list[list[T]] = []
    left = most
    for behind, queue in zip(range(len(queues), 0, -1), queues, strict=True):
        share = -(-left // behind)
        taken: list[T] = []
        used = 0
        for item in queue:
            first_of_all = left == most and not taken
            if left <= 0 or used >= share:
                break
            if (taken and used + size(item) > share) or (size(item) > left and not first_of_all):
                break
            taken.append(item)
            used += size(item)
            left -= size(item)
        chosen.append(taken)
    return chosen
