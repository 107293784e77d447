"""Reading ``orders/*``: the changes that an order's body amounts to, with what travels inside."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tillstream.mirror import customers, refunds
from tillstream.mirror.attribution import read_landing, read_referrer
from tillstream.mirror.change import Body, Change
from tillstream.mirror.join import Element, Fields, layer
from tillstream.mirror.order_lines import read_lines, read_shipping
from tillstream.mirror.orders import OF_A_PERSON, Destination
from tillstream.mirror.redaction import people_of
from tillstream.mirror.values import (
    flag,
    identifier,
    mapping,
    moment,
    money,
    objects,
    optional_identifier,
    set_money,
    text,
    token,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_COUNTRY: Final = re.compile("[A-Z]{2}")
_REGION: Final = re.compile("[A-Z0-9-]{1,10}")
_LONGEST_CODE: Final = 10


def read(body: Body) -> list[Change]:
    """The changes that a full (or reduced) Order body amounts to."""
    order_id = identifier(body.get("id"), "id")
    fields = _fields(body)
    personal = _personal(body)
    at = moment(body.get("updated_at"), "updated_at") or fields.get("created_at") or 0
    told = objects(body.get("refunds"), "refunds")
    refunded = [refunds.read_embedded(refund, at) for refund in told]
    for one in refunded:
        personal.update(one.note)
    rank = _rank(fields, told)
    element = Element(
        layers=layer(at, rank, fields),
        parts={"refunds": {one.key: one.layers for one in refunded}} if refunded else {},
        personal=layer(at, rank, personal),
        people=people_of(body),
    )
    return [Change("order", order_id, element), *customers.read_embedded(body.get("customer"), at)]


def read_delete(body: Body) -> list[Change]:
    """``orders/delete``: the body is just the id."""
    return [Change("order", identifier(body.get("id"), "id"), Element(deleted=True))]


def _fields(body: Body) -> Fields:
    """The fields that the body has, in our terms; what it lacks stays out."""
    # Over what is read, not over what the body has: it has three times as many fields.
    # Half of that is texts and amounts, which are read without asking each how.
    fields: Fields = {name: text(body[name]) for name in _TEXTS if name in body}
    for name, bag in _AMOUNTS:
        if name in body:
            fields[name] = set_money(body.get(bag), body[name], name)
    for name, ours, reader in _READ:
        if name in body:
            fields[ours] = reader(body, body[name], name)
    for name in _ONCE:
        if name in fields and fields[name] is None:
            del fields[name]
    return fields


def _personal(body: Body) -> Fields:
    """The fields of the person who ordered."""
    fields: Fields = {name: text(body[name]) for name in OF_A_PERSON if name in body}
    return {**fields, **customers.names_inside(body.get("customer"))}


def _rank(fields: Fields, told: list[dict[str, Any]]) -> int:
    """How far on in its life a body is, for bodies of one second: an order only goes forward."""
    return (
        (fields.get("cancelled_at") is not None) * 2000
        + min(len(told), 99) * 20
        + (fields.get("closed_at") is not None) * 10
        + (fields.get("fulfilled_at") is not None) * 5
        + _PROGRESS.get(fields.get("financial_status") or "", 0)
    )


_PROGRESS = {
    "authorized": 1,
    "partially_paid": 2,
    "paid": 3,
    "partially_refunded": 4,
    "refunded": 4,
    "voided": 4,
}


def _token(_: Body, value: Any, __: str) -> Any:
    return token(value)


def _moment(_: Body, value: Any, name: str) -> Any:
    return moment(value, name)


def _flag(_: Body, value: Any, __: str) -> Any:
    return flag(value)


def _bag(_: Body, value: Any, name: str) -> Any:
    return set_money(value, None, name.removesuffix("_set"))


def _bag_if_told(_: Body, value: Any, name: str) -> Any:
    return None if value is None else set_money(value, None, name.removesuffix("_set"))


def _presentment(_: Body, value: Any, name: str) -> Any:
    told = mapping(mapping(value).get("presentment_money")).get("amount")
    return None if told is None else money(told, f"{name}.presentment_money.amount")


def _destination(_: Body, value: Any, __: str) -> Any:
    """The codes of an address; None where it has none that could be a country's."""
    address = mapping(value)
    country, region = text(address.get("country_code")), text(address.get("province_code"))
    if country is None or len(country) > _LONGEST_CODE:
        return None
    return _place(
        country.upper(), region.upper() if region and len(region) <= _LONGEST_CODE else ""
    )


@lru_cache(maxsize=4096)
def _place(country: str, region: str) -> Fields | None:
    if not _COUNTRY.fullmatch(country):
        return None
    return msgspec.to_builtins(Destination(country, region if _REGION.fullmatch(region) else None))


def _fulfilled_at(_: Body, value: Any, name: str) -> Any:
    sent = (
        moment(item.get("created_at"), f"{name}.created_at")
        for item in objects(value, name)
        if item.get("status") == "success"
    )
    return min((at for at in sent if at is not None), default=None)


def _exchanges(_: Body, value: Any, name: str) -> Any:
    return {
        str(line): returned
        for item in objects(value, name)
        if (returned := optional_identifier(item.get("id"), f"{name}.id")) is not None
        for brought in objects(item.get("exchange_line_items"), f"{name}.exchange_line_items")
        if (line := _line_of_exchange(brought, name)) is not None
    }


def _line_of_exchange(brought: Body, name: str) -> int | None:
    told = brought.get("line_item_id") or mapping(brought.get("line_item")).get("id")
    return optional_identifier(told, f"{name}.exchange_line_items.line_item.id")


def _customer(_: Body, value: Any, __: str) -> Any:
    return optional_identifier(mapping(value).get("id"), "customer.id")


def _codes(_: Body, value: Any, name: str) -> Any:
    codes = (text(item.get("code")) for item in objects(value, name))
    return sorted({code for code in codes if code})


# How each field of the body is read. Anything not named here is not mirrored.
_TEXTS: Final = (
    "name", "currency", "presentment_currency", "financial_status", "fulfillment_status", "source_name",
    "cancel_reason",
)  # fmt: skip
_AMOUNTS: Final = tuple(
    (name, f"{name}_set")
    for name in (
        "total_price", "subtotal_price", "total_tax", "total_discounts", "current_total_price",
        "total_tip_received",
    )
)  # fmt: skip
_READERS: dict[str, Callable[[Body, Any, str], Any]] = {
    **dict.fromkeys(("checkout_token", "cart_token"), _token),
    **dict.fromkeys(("created_at", "processed_at", "cancelled_at", "closed_at"), _moment),
    **dict.fromkeys(("test", "taxes_included"), _flag),
    "original_total_duties_set": _bag,
    "original_total_additional_fees_set": _bag,
    "total_cash_rounding_payment_adjustment_set": _bag,
    "total_cash_rounding_refund_adjustment_set": _bag,
    "current_total_duties_set": _bag_if_told,
    "current_total_additional_fees_set": _bag_if_told,
    "total_price_set": _presentment,
    "shipping_address": _destination,
    "billing_address": _destination,
    "referring_site": read_referrer,
    "landing_site": read_landing,
    "fulfillments": _fulfilled_at,
    "returns": _exchanges,
    "customer": _customer,
    "discount_codes": _codes,
    "line_items": read_lines,
    "shipping_lines": read_shipping,
}  # fmt: skip

_NAMES = {
    "customer": "customer_id",
    "line_items": "lines",
    "shipping_lines": "shipping",
    "original_total_duties_set": "duties",
    "original_total_additional_fees_set": "additional_fees",
    "total_cash_rounding_payment_adjustment_set": "payment_rounding",
    "total_cash_rounding_refund_adjustment_set": "refund_rounding",
    "current_total_duties_set": "current_duties",
    "current_total_additional_fees_set": "current_additional_fees",
    "total_price_set": "total_price_presentment",
    "shipping_address": "ship_to",
    "billing_address": "bill_to",
    "referring_site": "referrer",
    "landing_site": "landing",
    "fulfillments": "fulfilled_at",
    "returns": "exchanges",
}

_READ = [(name, _NAMES.get(name, name), reader) for name, reader in _READERS.items()]

# Figures are told apart by these, and must not change when Shopify blanks a person's address, or
# leaves out of a later body where the order came from: who told nothing takes nothing back.
_ONCE: Final = ("ship_to", "bill_to", "referrer", "landing", "total_price_presentment")
