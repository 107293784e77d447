"""The shop's own settings: ``shop/update``. Its currency and time zone date and label every figure."""

from __future__ import annotations

from typing import Any, Final
from zoneinfo import available_timezones

import msgspec

from tillstream.mirror.change import Body, Change
from tillstream.mirror.join import Element, layer, merged, newest
from tillstream.mirror.reading import Readers, as_flag, as_list, as_text, fields, filled, named
from tillstream.mirror.values import moment, optional_identifier, text


class Shop(msgspec.Struct, frozen=True):
    """The merged shop settings. Times in µs since the epoch."""

    updated_at: int | None
    name: str | None = None
    email: str | None = None
    domain: str | None = None
    myshopify_domain: str | None = None
    currency: str | None = None
    timezone: str | None = None
    plan_name: str | None = None
    country_code: str | None = None
    province_code: str | None = None
    taxes_included: bool | None = None
    presentment_currencies: list[str] = []
    primary_location_id: int | None = None
    created_at: int | None = None


def read(body: Body) -> list[Change]:
    """``shop/update``. There is one shop per store, so it needs no key."""
    told = fields(body, _READERS)
    if told.get("timezone") is None:
        # A zone that nobody knows tells nothing: it must not cover the one that is known.
        told.pop("timezone", None)
    at = moment(body.get("updated_at"), "updated_at") or told.get("created_at") or 0
    return [Change("shop", 0, Element(layers=layer(at, filled(told), told)))]


def view(_: int | str, element: Element) -> Shop:
    """The merged shop of an element."""
    return msgspec.convert({**merged(element.layers), "updated_at": newest(element.layers)}, Shop)


def _timezone(value: Any, _: str) -> str | None:
    name = text(value)
    return name if name in _ZONES else None


_ZONES: Final = available_timezones()

_READERS: Final[Readers] = {
    **named(
        as_text,
        "name", "email", "domain", "myshopify_domain", "currency", "plan_name", "country_code", "province_code",
    ),
    **named(as_flag, "taxes_included"),
    **named(as_list, enabled_presentment_currencies="presentment_currencies"),
    **named(optional_identifier, "primary_location_id"),
    **named(_timezone, iana_timezone="timezone"),
    **named(moment, "created_at"),
}  # fmt: skip
