"""What a bench reports: figures with their spread over rounds, in sections. Pure."""

from __future__ import annotations

from datetime import datetime
from statistics import median
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence


class Figure(msgspec.Struct, frozen=True):
    """One measured quantity: the median of its rounds, between the lowest and the highest."""

    name: str
    """For programs; stable."""
    label: str
    unit: str
    median: float
    low: float
    high: float
    rounds: int
    at_least: float | None = None
    """What the product promises; None where it promises nothing."""
    at_most: float | None = None
    met: bool | None = None
    """Whether the median keeps the promise; None without one."""


class Grid(msgspec.Struct, frozen=True):
    """A table as it is printed: the first column says what a row is of."""

    title: str
    columns: list[str]
    rows: list[list[str]]


class Section(msgspec.Struct, frozen=True):
    """One measurement: figures, and in sentences what they are of and what is left out."""

    name: str
    title: str
    figures: list[Figure]
    notes: list[str]
    left_out: str | None = None
    """Why there are no figures."""
    optional: bool = False
    """Whether it may be left out: what it measures is not needed to run the product."""
    grids: list[Grid] = []
    tabled: bool = False
    """Whether the grids show all figures, so that these are not listed one by one."""


class Machine(msgspec.Struct, frozen=True):
    """Where it was measured."""

    system: str
    processor: str
    cores: int
    memory_gb: float | None
    python: str
    postgres: str
    load_average: float | None
    """Of the last minute, when the bench began: what else was running."""


class Report(msgspec.Struct, frozen=True):
    """A whole run."""

    version: str
    started_at: datetime
    seconds: float
    quick: bool
    machine: Machine
    sections: list[Section]


def figure(
    name: str,
    label: str,
    unit: str,
    values: Sequence[float],
    *,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Figure:
    """The figure of some rounds' values, of which there must be one at least."""
    middle = median(values)
    met: bool | None = None
    if at_least is not None or at_most is not None:
        met = (at_least is None or middle >= at_least) and (at_most is None or middle <= at_most)
    low, high = min(values), max(values)
    return Figure(
        name,
        label,
        unit,
        _rounded(middle),
        _rounded(low),
        _rounded(high),
        len(values),
        at_least,
        at_most,
        met,
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that ``share`` (0 to 1) of the values do not exceed."""
    ordered = sorted(values)
    place = -(-len(ordered) * share // 1)
    return ordered[max(0, int(place) - 1)]


def slope(points: Sequence[tuple[float, float]]) -> float:
    """How much y grows with each x, by least squares; 0 for fewer than two different x."""
    if not points:
        return 0.0
    middle_x = sum(x for x, _ in points) / len(points)
    middle_y = sum(y for _, y in points) / len(points)
    spread = sum((x - middle_x) ** 2 for x, _ in points)
    if not spread:
        return 0.0
    return sum((x - middle_x) * (y - middle_y) for x, y in points) / spread


def _rounded(value: float) -> float:
    """Four significant digits, and no fewer than the whole part: more would be noise."""
    return float(round(value)) if abs(value) >= 1000 else float(f"{value:.4g}")  # noqa: PLR2004
