"""What every press needs: money in two currencies, times in the shop's offset."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from tillstream.simulator.currency import Currency, exchanged

if TYPE_CHECKING:
    from collections.abc import Callable

    from tillstream.simulator.plan import ShopPlan
    from tillstream.simulator.shop_clock import ShopClock

Json: TypeAlias = dict[str, Any]
Presentment: TypeAlias = tuple[str, int] | None

encode = msgspec.json.Encoder().encode


def raw(value: object) -> msgspec.Raw:
    """Encoded once, to be put into many bodies."""
    return msgspec.Raw(encode(value))


class Press:
    """What is known of the shop whose bodies are printed, and its money."""

    def __init__(self, plan: ShopPlan, clock: ShopClock, shop_id: int) -> None:
        self._plan = plan
        self._currency = Currency.of(plan.currency)
        # Prices recur: most amounts were printed before.
        self._text: Callable[[int], str] = lru_cache(maxsize=1 << 16)(self._currency.text)
        self._clock = clock
        self._zone = plan.zone
        self._shop_id = shop_id
        self._bags: dict[int, msgspec.Raw] = {}

    def _bag(self, minor: int, presentment: Presentment) -> msgspec.Raw:
        """A ``*_set``: the amount in the shop's money and in the buyer's."""
        if presentment is not None:
            return self._foreign_bag(minor, presentment)
        found = self._bags.get(minor)
        if found is None:
            money = f'{{"amount":"{self._text(minor)}","currency_code":"{self._currency.code}"}}'
            found = msgspec.Raw(f'{{"shop_money":{money},"presentment_money":{money}}}'.encode())
            self._bags[minor] = found
        return found

    def _foreign_bag(self, minor: int, presentment: tuple[str, int]) -> msgspec.Raw:
        theirs = Currency.of(presentment[0])
        ours = f'{{"amount":"{self._text(minor)}","currency_code":"{self._currency.code}"}}'
        amount = theirs.text(exchanged(minor, self._currency, presentment))
        return msgspec.Raw(
            f'{{"shop_money":{ours},"presentment_money":{{"amount":"{amount}","currency_code":"{theirs.code}"}}}}'.encode()
        )

    def _number(self, minor: int) -> float:
        """Refunds print two amounts as JSON numbers."""
        return minor / 10**self._currency.decimals

    def identifier_only(self, identifier: int) -> bytes:
        """``products/delete`` and ``orders/delete``."""
        return encode({"id": identifier})

    @property
    def tells_checkout_ids(self) -> bool:
        """Whether bodies have them: https://shopify.dev/changelog/removed-checkout-id-from-checkouts-and-orders-webhooks."""
        return self._plan.api_version < "2026-04"

    def relocate(self, clock: ShopClock, zone: str) -> None:
        """Times are printed in another zone from now on."""
        self._clock, self._zone = clock, zone

    def _optional(self, at: int | None) -> str | None:
        return None if at is None else self._clock.text(at)


def utc_text(at: int) -> str:
    """RFC 3339 in UTC with milliseconds, as carts have it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(at))
