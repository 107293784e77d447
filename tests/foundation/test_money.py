"""Money, against the exact arithmetic of ``Decimal`` and ``Fraction``.

Nothing is doubled. Every number that is generated is compared with one worked out in another
way; every number that is written here can be checked by eye (scale: 10,000 = one unit).
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import floor

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tillstream.foundation.money import (
    LIMIT,
    SCALE,
    NotMoney,
    average,
    divide,
    exponent,
    format_money,
    parse_money,
    proportion,
)

CURRENCIES = ("USD", "EUR", "JPY", "KWD", "usd", "XXX", "")
DIGITS = "0123456789"


def half_up(number: Fraction) -> int:
    """To the nearest whole number, halves away from zero, as Shopify and people round."""
    whole = floor(abs(number) + Fraction(1, 2))
    return whole if number >= 0 else -whole


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("12.34", 123_400),
        ("12", 120_000),
        (" 12.3 ", 123_000),
        ("12.", 120_000),
        (".5", 5_000),
        ("-0.01", -100),
        ("+1", 10_000),
        ("-0.00", 0),
        ("0.00005", 1),
        ("0.000049", 0),
        ("-0.00005", -1),
        ("1e3", 10_000_000),
        ("1E-4", 1),
        ("000000000000000000000000000000000000001", 10_000),
        # 28 digits, the default of Decimal, would make a half of this and round it up.
        ("0.0000499999999999999999999999999999999999999999", 0),
        (7, 70_000),
        (-7, -70_000),
        (19.99, 199_900),
        (0.1, 1_000),
        (1e-7, 0),
        ("1000000000000", LIMIT),
        ("-1e12", -LIMIT),
    ],
)
def test_amounts_are_read_exactly(value: object, expected: int) -> None:
    assert parse_money(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "", " ", ".", "-", "e3", "1e", "1,000.00", "1_000", "1 000", "$1", "NaN", "-NaN", "sNaN", "inf",
        "Infinity", "0x10", "1e999", "\u0661\u0662", "\uff11.\uff12", "1.\uff12", "\x00", "1\x00", "\ud800", "--1",
        "1.2.3",
        "1000000000000.0001", "1e13", "1e30", "-1e99", "9" * 40, "9" * 5000, 10**13, 1e30, -1e30,
        float("nan"), float("inf"), float("-inf"), True, False, None, [], {}, b"1", Decimal(1),
    ],
    ids=lambda value: f"{ascii(value)[:20]}({len(repr(value))})",
)  # fmt: skip
def test_what_is_no_amount_is_named(value: object) -> None:
    with pytest.raises(NotMoney) as caught:
        parse_money(value)
    assert repr(value)[:10] in str(caught.value)
    assert len(str(caught.value)) < 150


@given(st.integers(-LIMIT, LIMIT))
def test_four_decimals_come_back_as_they_were(amount: int) -> None:
    assert parse_money(str(Decimal(amount).scaleb(-4))) == amount


@given(
    sign=st.sampled_from(["", "-", "+"]),
    whole=st.text(DIGITS, min_size=1, max_size=12),
    fraction=st.text(DIGITS, max_size=60),
    power=st.integers(-60, 0),
)
@example(sign="", whole="0", fraction="00004" + "9" * 50, power=0)
def test_every_decimal_rounds_once(sign: str, whole: str, fraction: str, power: int) -> None:
    text = f"{sign}{whole}.{fraction}e{power}"
    units = half_up(Fraction(text) * SCALE)
    assert parse_money(text) == units


@given(st.text(st.sampled_from("0123456789.eE+- _,x"), max_size=40))
def test_a_string_is_an_amount_or_not_money(text: str) -> None:
    try:
        units = parse_money(text)
    except NotMoney:
        return
    assert units == half_up(Fraction(text.strip().rstrip("eE")) * SCALE)


@given(st.floats())
def test_a_number_is_read_as_it_is_spelled(number: float) -> None:
    try:
        units = parse_money(number)
    except NotMoney:
        return
    assert units == half_up(Fraction(repr(number)) * SCALE)


@given(st.integers(-(10**6), 10**6), st.sampled_from(CURRENCIES))
def test_what_a_currency_can_say_is_said_exactly(minor: int, currency: str) -> None:
    amount = minor * SCALE // 10 ** exponent(currency)
    assert parse_money(format_money(amount, currency)) == amount


@given(st.integers(-(2**63), 2**63 - 1), st.sampled_from(CURRENCIES))
def test_printing_rounds_half_up(amount: int, currency: str) -> None:
    places = exponent(currency)
    shown = format_money(amount, currency)
    assert Fraction(shown) == Fraction(half_up(Fraction(amount, SCALE) * 10**places), 10**places)
    assert len(shown.partition(".")[2]) == places
    assert not (shown.startswith("-") and set(shown) <= set("-0."))


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (12_345_000, "JPY", "1235"),
        (12_344_999, "JPY", "1234"),
        (12_345_000, "USD", "1234.50"),
        (12_345, "KWD", "1.235"),
        (50, "USD", "0.01"),
        (-50, "USD", "-0.01"),
        (49, "USD", "0.00"),
        (-49, "USD", "0.00"),
        (-5_000, "CLP", "-1"),
    ],
)
def test_examples_of_printing(amount: int, currency: str, shown: str) -> None:
    assert format_money(amount, currency) == shown


@given(st.integers(-(10**30), 10**30), st.integers(1, 10**12))
def test_division_rounds_half_away_from_zero(numerator: int, denominator: int) -> None:
    assert divide(numerator, denominator) == half_up(Fraction(numerator, denominator))


@given(
    st.integers(-(10**16), 10**16),
    st.integers(0, 10**9),
    st.integers(1, 10**9),
    st.sampled_from(CURRENCIES),
)
@example(10_999_9, 10**8, 121_000_000, "EUR")
def test_a_share_is_rounded_once(
    amount: int, numerator: int, denominator: int, currency: str
) -> None:
    step = SCALE // 10 ** exponent(currency)
    exact = Fraction(amount * numerator, denominator * step)
    assert proportion(amount, numerator, denominator, currency) == half_up(exact) * step


@given(st.integers(-LIMIT, LIMIT), st.integers(1, 100), st.sampled_from(CURRENCIES))
def test_what_is_left_of_shares_adds_up(amount: int, parts: int, currency: str) -> None:
    share = proportion(amount, 1, parts, currency)
    assert share * (parts - 1) + (amount - share * (parts - 1)) == amount
    # Rounding moves a share by half of the smallest coin at most.
    assert abs(share - Fraction(amount, parts)) * 2 <= SCALE // 10 ** exponent(currency)


@given(st.integers(-LIMIT, LIMIT), st.integers(1, 10**7), st.sampled_from(CURRENCIES))
@example(22_9024_9999, 10_000, "KWD")
def test_an_average_is_rounded_only_when_it_is_printed(
    amount: int, count: int, currency: str
) -> None:
    step = SCALE // 10 ** exponent(currency)
    exact = half_up(Fraction(amount, count * step)) * step
    assert format_money(average(amount, count), currency) == format_money(exact, currency)
