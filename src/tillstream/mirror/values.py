"""Reading single values out of Shopify's bodies: tolerant of shapes, strict about meaning.

Every function takes what JSON gave, and raises :class:`Malformed` with a sentence that names
the field, so that the delivery can be parked with a reason a person can act on.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final, cast

from tillstream.foundation.money import NotMoney, parse_money

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
_BIGINT: Final = 2**63 - 1
_EXACT: Final = 2**53
_USUAL_LENGTH: Final = 24
"""Characters of an amount or a rate: longer ones are not worth remembering."""
_GID: Final = re.compile(r"gid://shopify/[A-Za-z]+/([0-9]+)(?:\?.*)?")
_RATE_SCALE: Final = 10**8
_LONGEST_TOKEN: Final = 255


class Malformed(ValueError):
    """A body that cannot be applied. ``reason`` is a static code, the message a sentence."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def identifier(value: Any, field: str) -> int:
    """A Shopify id: an integer, its decimal string, or a gid (``gid://shopify/Order/1``)."""
    number = optional_identifier(value, field)
    if number is None:
        raise Malformed(
            "missing_id", f"`{field}` is missing: there is nothing to attach this delivery to."
        )
    return number


def optional_identifier(value: Any, field: str) -> int | None:
    """As :func:`identifier`, but null where the body has null or an empty string."""
    if type(value) is int and 0 < value <= _BIGINT:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif value is None or value == "":
        return None
    elif isinstance(value, str) and value.isascii() and value.isdecimal():
        number = int(value[:30])
    elif isinstance(value, str) and (match := _GID.fullmatch(value)):
        number = int(match[1][:30])
    elif isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        # Some tools write 7.0 for 7. Where a double no longer tells neighbours apart, it names nothing.
        number = int(value)
    else:
        raise Malformed("malformed_id", f"`{field}` is {_shown(value)}, which is no Shopify id.")
    if not 0 < number <= _BIGINT:
        raise Malformed("malformed_id", f"`{field}` is {_shown(value)}, which is no 64-bit id.")
    return number


def money(value: Any, field: str) -> int:
    """Ten-thousandths in a decimal string or a JSON number; null and "" count as zero."""
    if (
        isinstance(value, str)
        and len(value) <= _USUAL_LENGTH
        and (known := _known_amount(value)) is not None
    ):
        return known
    if value is None or value == "":
        return 0
    try:
        return parse_money(value)
    except NotMoney as error:
        raise Malformed("malformed_amount", f"`{field}`: {error}.") from error


# Few amounts are ever seen for the first time, and reading an order is mostly reading amounts.
@lru_cache(maxsize=65_536)
def _known_amount(told: str) -> int | None:
    """Ten-thousandths, or None for what is no amount."""
    try:
        return parse_money(told) if told else 0
    except NotMoney:
        return None


def set_money(bag: Any, plain: Any, field: str) -> int:
    """The shop-currency amount of a ``*_set``, or else the plain field beside it."""
    if isinstance(bag, dict):
        inner: Any = bag.get("shop_money")  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        amount: Any = inner.get("amount") if isinstance(inner, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        if (
            isinstance(amount, str)
            and len(amount) <= _USUAL_LENGTH
            and (known := _known_amount(amount)) is not None
        ):
            # As `money` does, without spelling out the name of the field.
            return known
        if amount is not None:
            return money(amount, field + "_set.shop_money.amount")
    return money(plain, field)


def moment(value: Any, field: str) -> int | None:
    """µs since the epoch of an ISO 8601 time; without an offset it is taken as UTC."""
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise Malformed("malformed_time", f"`{field}` is {_shown(value)}, which is no time.")
    try:
        return _instant(value)
    except ValueError as error:
        raise Malformed(
            "malformed_time", f"`{field}` is {_shown(value)}, which is {error}."
        ) from None


# One body tells the same few times over and over, and so do the bodies of one order.
@lru_cache(maxsize=16_384)
def _instant(text: str) -> int:
    """µs since the epoch; the ValueError says what the text is instead."""
    try:
        parsed = datetime.fromisoformat(text.strip())
    except ValueError:
        parsed = _other_time(text.strip())
        if parsed is None:
            raise ValueError("no ISO 8601 time") from None  # noqa: TRY003 - half a sentence
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=UTC)
    # Near the years 1 and 9999 no zone or window could be added, and a double holds the µs of
    # no more than 285 years around 1970.
    if not _EARLIEST <= parsed < _LATEST:
        raise ValueError("no time of a shop")  # noqa: TRY003 - half a sentence
    # Exact integer arithmetic: a float of seconds loses microseconds.
    return (parsed - EPOCH) // timedelta(microseconds=1)


def _other_time(text: str) -> datetime | None:
    """The spellings that older API versions used, such as ``2019-01-01 10:00:00 -0500``."""
    for pattern in ("%Y-%m-%d %H:%M:%S %z", "%Y-%m-%d %H:%M:%S UTC", "%Y/%m/%d %H:%M:%S %z"):
        try:
            return datetime.strptime(text, pattern)  # noqa: DTZ007 - one pattern has no offset: UTC
        except ValueError:
            continue
    return None


def instant(microseconds: int | None) -> datetime | None:
    """µs since the epoch as an aware datetime: the inverse of :func:`moment`."""
    return None if microseconds is None else EPOCH + timedelta(microseconds=microseconds)


def microseconds(instant: datetime) -> int:
    """An aware datetime as µs since the epoch."""
    return (instant - EPOCH) // timedelta(microseconds=1)


TRIGGERED_AT: Final = "tillstream:triggered_at"
"""Under what name a body has the time of its trigger, where it tells none of its own."""


def triggered_at(body: dict[str, Any]) -> int:
    """When Shopify triggered the delivery, in µs; 0 where that is no time.

    It comes from a header, which nothing signs: only for bodies that have no time at all.
    """
    try:
        return moment(body.get(TRIGGERED_AT), "X-Shopify-Triggered-At") or 0
    except Malformed:
        return 0


def text(value: Any) -> str | None:
    """A string without NUL (PostgreSQL cannot hold it); empty is null; numbers are spelled out."""
    if isinstance(value, str):
        return (value.replace("\x00", "") if "\x00" in value else value) or None
    return None if value is None or isinstance(value, (dict, list)) else str(value)


def token(value: Any) -> str | None:
    """A cart or checkout token, without the ``?key=…`` that some surfaces append."""
    found = text(value)
    if not found:
        return None
    bare = found.partition("?")[0]
    if len(bare) > _LONGEST_TOKEN:
        raise Malformed(
            "malformed_token", f"A token of {len(bare)} characters is none of Shopify's."
        )
    return bare or None


def count(value: Any, field: str) -> int:
    """A whole number of units; null counts as zero."""
    if value is None:
        return 0
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31:
        return value
    if isinstance(value, str) and value.removeprefix("-").isdecimal() and len(value) < 10:  # noqa: PLR2004
        return int(value)
    raise Malformed(
        "malformed_quantity", f"`{field}` is {_shown(value)}, which is no whole number."
    )


def rate(value: Any, field: str) -> int:
    """A tax rate in hundred-millionths; null counts as zero."""
    if value is None:
        return 0
    told = str(value) if isinstance(value, (str, int, float)) else ""
    found = _known_rate(told) if len(told) <= _USUAL_LENGTH else _rate(told)
    if found is None:
        raise Malformed("malformed_amount", f"`{field}` is {_shown(value)}, which is no tax rate.")
    return found


# A shop has a handful of rates, and every line of every order tells one.
@lru_cache(maxsize=4096)
def _known_rate(told: str) -> int | None:
    return _rate(told)


def _rate(told: str) -> int | None:
    try:
        number = Decimal(told)
        # A negative rate is none, and -1 would make the price without tax a division by zero.
        if number.is_finite() and 0 <= number < 100:  # noqa: PLR2004
            return int((number * _RATE_SCALE).to_integral_value())
    except InvalidOperation:
        pass
    return None


def flag(value: Any) -> bool:
    """True only for JSON true (and the string that some tools make of it)."""
    return value is True or value == "true"


def objects(value: Any, field: str) -> list[dict[str, Any]]:
    """The objects of an array; null, and the ``{}`` that some senders put for none, give none."""
    if not value and (value is None or value in ([], {}, "")):
        return []
    if not isinstance(value, list):
        raise Malformed("malformed_shape", f"`{field}` is {_shown(value)}, where an array belongs.")
    items = cast("list[Any]", value)
    for item in items:
        if not isinstance(item, dict):
            raise Malformed(
                "malformed_shape", f"`{field}` holds {_shown(item)}, where an object belongs."
            )
    return items


def mapping(value: Any) -> dict[str, Any]:
    """The object, or an empty one for null and for the ``[]`` that stands for none."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "…"  # noqa: PLR2004
