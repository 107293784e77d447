"""What was found to disagree in a store: in words for people, and by key for mending."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tillstream.mirror.absorption import Unabsorbed
    from tillstream.mirror.change import Resource
    from tillstream.mirror.merge import Store
    from tillstream.rollup.book import Source
    from tillstream.rollup.cohorts import Row
    from tillstream.rollup.customers import Rank
    from tillstream.rollup.rhythm import Pair

MOST: Final = 100
"""Differences that are listed for a store; more are only counted."""


class Difference(msgspec.Struct, frozen=True):
    """One disagreement: what is stored, and what it should be."""

    level: str
    """``journal``, ``mirror``, ``ledger``, ``stages``, ``sums``, ``breakdown``, ``customers``, ``rhythm``,
    ``cohorts``, ``spread``, ``prospects`` or ``stock``: what is wrong, by what it is made of."""
    where: str
    """The order, checkout, hour, customer or other row concerned."""
    measure: str
    """The measure or column; empty where a whole row is concerned."""
    stored: str
    expected: str
    store: str = ""
    """The store's domain."""
    day: str | None = None
    """The shop-local day, where it is of one."""
    order: str | None = None
    """The order's id, where it is of one."""


class Change(msgspec.Struct, frozen=True):
    """What a rebuild changes of a measure on a day. Money in ten-thousandths."""

    day: str
    measure: str
    before: int
    after: int


@dataclass
class Findings:
    """Everything that a survey of a store found. Filled by ``rollup/survey.py``."""

    store: Store
    domain: str
    timezone: str
    """The zone whose days the ledger has to have."""
    orders: int = 0
    """Orders looked at."""
    checkouts: int = 0
    deliveries: int | None = None
    """Kept deliveries looked at; None where the journal was not read."""
    differences: list[Difference] = field(default_factory=list[Difference])
    """The first MOST of them."""
    levels: Counter[str] = field(default_factory=Counter[str])
    """How many there are, by level."""
    changes: list[Change] = field(default_factory=list[Change])
    """What mending it changes of the figures, by day and measure."""

    # What is to be mended, from the bottom up.
    missing: list[Unabsorbed] = field(default_factory=list["Unabsorbed"])
    rows: defaultdict[Resource, set[int | str]] = field(
        default_factory=lambda: defaultdict[Any, Any](set)
    )
    sources: set[Source] = field(default_factory=set["Source"])
    """Orders and checkouts whose entries are not what they should be."""
    tokens: set[str] = field(default_factory=set[str])
    """Checkouts that stand otherwise than they should, or should not be there."""
    days: dict[datetime, date] = field(default_factory=dict["datetime", "date"])
    """Hours whose sums are dated to another day than they belong to, with the right one."""
    sums: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """What has to be added to sums."""
    breakdown: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """What has to be added to rows of the breakdown."""
    customers: set[int] = field(default_factory=set[int])
    rhythm: dict[tuple[Store, Pair], int] = field(default_factory=dict[tuple["Store", "Pair"], int])
    """What has to be added to the rhythm so that it is that of the stored customers."""
    cohorts: dict[tuple[Store, date, date], Row] = field(
        default_factory=dict[tuple["Store", "date", "date"], "Row"]
    )
    """What has to be added to the cohorts so that they are those of the stored customers."""
    spread: dict[tuple[Store, Rank], int] = field(default_factory=dict[tuple["Store", "Rank"], int])
    """What has to be added to the spread so that it is that of the stored customers."""
    prospects: set[int] = field(default_factory=set[int])
    """Customers who are prospects and not listed, or listed and none."""
    stock: set[int] = field(default_factory=set[int])
    """Products of whose variants another stock is stored than the copy says."""

    @property
    def count(self) -> int:
        """How many differences there are."""
        return self.levels.total()

    def add(self, found: Iterable[Difference]) -> None:
        """Take differences in."""
        for one in found:
            self.levels[one.level] += 1
            if len(self.differences) < MOST:
                self.differences.append(msgspec.structs.replace(one, store=self.domain))


def shown(value: object) -> str:
    """A value in words; dates and times as ISO 8601 has them."""
    return value.isoformat() if isinstance(value, date) else str(value)


def lacking(names: Sequence[str], values: Sequence[int | None]) -> dict[str, int]:
    """What has to be added to the first half of the values, by their names, to get the second."""
    return {name: b - a for name, a, b in _compared(names, values)}


def named(
    names: Sequence[str], values: Sequence[int | None]
) -> list[tuple[str, int | str, int | str]]:
    """What to say of a row: a row of nothing but zeros should not be there."""
    return [*_compared(names, values)] or [("", "present", "missing")]


def _compared(names: Sequence[str], values: Sequence[int | None]) -> Iterable[tuple[str, int, int]]:
    stored, wanted = values[: len(names)], values[len(names) :]
    for name, a, b in zip(names, stored, wanted, strict=True):
        if (a or 0) != (b or 0):
            yield name, a or 0, b or 0
