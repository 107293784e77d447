"""The simulator's own money: an ``int`` that counts a currency's smallest unit.

It is kept apart from ``foundation.money`` on purpose: the books are what the rest is tested
against, so the two share no arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

MILLION: Final = 1_000_000
"""Rates are integers in millionths: 8.875 % is 88,750."""

_DECIMALS: Final = {"JPY": 0, "KRW": 0, "CLP": 0, "VND": 0, "KWD": 3, "BHD": 3, "OMR": 3, "TND": 3}


@dataclass(frozen=True, slots=True)
class Currency:
    """A currency by its ISO 4217 code and how many decimals it is printed with."""

    code: str
    decimals: int

    @classmethod
    def of(cls, code: str) -> Currency:
        """The currency called ``code``; two decimals unless known otherwise."""
        return cls(code, _DECIMALS.get(code, 2))

    def text(self, minor: int) -> str:
        """``minor`` smallest units as Shopify prints them: ``"12.50"``, ``"1250"``, ``"1.250"``."""
        if self.decimals == 0:
            return str(minor)
        unit = 10**self.decimals
        sign, size = ("-" if minor < 0 else ""), abs(minor)
        return f"{sign}{size // unit}.{size % unit:0{self.decimals}d}"

    def ten_thousandths(self, minor: int) -> int:
        """``minor`` smallest units counted in ten-thousandths of the unit."""
        return minor * 10 ** (4 - self.decimals)


def ratio(numerator: int, denominator: int) -> int:
    """``numerator ÷ denominator`` rounded half up in size; ``denominator`` is positive."""
    if numerator < 0:
        return -((2 * -numerator + denominator) // (2 * denominator))
    return (2 * numerator + denominator) // (2 * denominator)


def at_rate(amount: int, millionths: int) -> int:
    """``amount`` times a rate, rounded half up."""
    return ratio(amount * millionths, MILLION)


def contained(amount: int, millionths: int, together: int) -> int:
    """The part of ``amount`` that is a tax of ``millionths``, where taxes of ``together`` are in it."""
    return ratio(amount * millionths, MILLION + together)


def exchanged(minor: int, ours: Currency, presentment: tuple[str, int]) -> int:
    """``minor`` of the shop's money in the buyer's smallest unit.

    ``presentment`` is the buyer's currency, and the millionths of it that one unit is exchanged for.
    """
    theirs = Currency.of(presentment[0])
    return at_rate(minor * 10**theirs.decimals, presentment[1]) // 10**ours.decimals


def split(amount: int, weights: Sequence[int]) -> list[int]:
    """``amount`` spread over ``weights`` in proportion, summing to it exactly.

    What rounding leaves over goes to the heaviest, as a checkout does with its last cent.
    """
    total = sum(weights)
    if total == 0:
        return [0] * len(weights)
    parts = [amount * weight // total for weight in weights]
    parts[max(range(len(weights)), key=weights.__getitem__)] += amount - sum(parts)
    return parts
