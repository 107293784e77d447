"""Exact money: an ``int`` that counts ten-thousandths of the currency's unit.

One scale for every currency keeps sums plain integers: it holds the three decimals of
KWD and the four that a unit price may have, and a signed 64-bit column holds nine hundred
trillion units of it.
"""

from __future__ import annotations

import re
from decimal import MAX_EMAX, MIN_EMIN, ROUND_HALF_UP, Context, Decimal
from functools import lru_cache
from typing import Final

SCALE: Final = 10_000
"""Ten-thousandths in one unit of any currency."""

LIMIT: Final = 10**12 * SCALE
"""No single amount may exceed a trillion units: sums of millions of them still fit a bigint."""

# ISO 4217 minor units where they are not 2. Shopify prints amounts with these decimals.
_EXPONENTS: Final[dict[str, int]] = {
    **dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
}

_USUAL_LENGTH: Final = 24
_DECIMAL: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?")


class NotMoney(ValueError):
    """The value is no amount; the message says what was found."""


def exponent(currency: str) -> int:
    """Decimals of ``currency`` (ISO 4217 code, any case): 0, 2 or 3."""
    return _EXPONENTS.get(currency.upper(), 2)


def parse_money(value: object) -> int:
    """Ten-thousandths in ``value``: a decimal string, or a JSON number.

    Digits beyond the fourth decimal round half up.

    Raises:
        NotMoney: for anything that is no finite decimal number within ``LIMIT``.
    """
    if isinstance(value, str):
        # Few amounts are ever seen for the first time: most are "0.00" or the price of something.
        return _parse_known(value) if len(value) <= _USUAL_LENGTH else _parse(value.strip(), value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _parse(repr(value), value)
    message = f"{_shown(value)} is not an amount of money"
    raise NotMoney(message)


@lru_cache(maxsize=65_536)
def _parse_known(value: str) -> int:
    return _parse(value.strip(), value)


def _parse(text: str, value: object) -> int:
    if not _DECIMAL.fullmatch(text):
        message = f"{_shown(value)} is not an amount of money"
        raise NotMoney(message)
    # All the digits the text amounts to: the usual 28 would round before this rounds, or refuse.
    exact = Context(len(text) + 110, ROUND_HALF_UP, MIN_EMIN, MAX_EMAX)
    units = Decimal(text).scaleb(4, exact).to_integral_value(context=exact)
    if abs(units) > LIMIT:
        message = f"{_shown(value)} is larger than any amount this field can hold"
        raise NotMoney(message)
    return int(units)


def format_money(amount: int, currency: str) -> str:
    """``amount`` ten-thousandths as a decimal string with the currency's decimals."""
    places = exponent(currency)
    step = SCALE // 10**places
    minor = divide(amount, step)
    sign, minor = ("-" if minor < 0 else ""), abs(minor)
    if places == 0:
        return f"{sign}{minor}"
    whole, fraction = divmod(minor, 10**places)
    return f"{sign}{whole}.{fraction:0{places}d}"


def divide(numerator: int, denominator: int) -> int:
    """``numerator / denominator`` rounded half away from zero; ``denominator`` is positive."""
    if numerator < 0:
        return -((-2 * numerator + denominator) // (2 * denominator))
    return (2 * numerator + denominator) // (2 * denominator)


def average(amount: int, count: int) -> int:
    """``amount ÷ count`` cut off (not rounded) at a ten-thousandth; ``count`` is positive.

    It is rounded when it is printed, and of a number that was rounded twice a half may be made that
    was less than one: 22.9024999 would become 22.9025, and then 22.903 in a currency of three decimals.
    """
    return amount // count if amount >= 0 else -(-amount // count)


def proportion(amount: int, numerator: int, denominator: int, currency: str) -> int:
    """``amount × numerator ÷ denominator``, rounded once, half up, to what the currency can express."""
    step = SCALE // 10 ** exponent(currency)
    return divide(amount * numerator, denominator * step) * step


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"  # noqa: PLR2004
