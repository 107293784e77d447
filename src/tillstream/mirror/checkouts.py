"""Checkouts: ``checkouts/*``, known by their token (Shopify took their id out of the bodies)."""

from __future__ import annotations

from typing import Final

import msgspec

from tillstream.mirror import customers
from tillstream.mirror.change import Body, Change
from tillstream.mirror.join import Element, known, latest, layer
from tillstream.mirror.reading import (
    Readers,
    as_customer_id,
    as_text,
    as_token,
    fields,
    filled,
    named,
)
from tillstream.mirror.redaction import contact_known, people_of
from tillstream.mirror.values import Malformed, mapping, moment, money, token


class Checkout(msgspec.Struct, frozen=True):
    """A merged checkout. Times in µs, ``total_price`` in ten-thousandths of ``currency``.

    ``activity`` lists the instants at which the shopper did something, and whether contact
    details were known then.
    """

    token: str
    deleted: bool
    updated_at: int | None
    activity: tuple[tuple[int, bool], ...]
    cart_token: str | None = None
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    customer_id: int | None = None
    customer_name: str | None = None
    currency: str | None = None
    total_price: int = 0
    created_at: int | None = None
    completed_at: int | None = None
    abandoned_checkout_url: str | None = None
    source_name: str | None = None


def read(body: Body) -> list[Change]:
    """``checkouts/create`` and ``checkouts/update``."""
    key = token(body.get("token"))
    if key is None:
        raise Malformed("missing_id", "`token` is missing: a checkout is known by nothing else.")
    told = fields(body, _READERS)
    personal = fields(body, _PERSONAL)
    customer = mapping(body.get("customer"))
    personal.update(customers.names_inside(customer))
    updated_at = moment(body.get("updated_at"), "updated_at")
    at = updated_at or told.get("created_at") or 0
    contact = (
        told.get("customer_id") is not None
        or any(personal.get(name) is not None for name in ("email", "phone"))
        or contact_known(body)
    )
    # Activity is marked by time; at one and the same time, "contact known" is the greater.
    marks = {str(at): int(contact)} if at else {}
    if (created := told.get("created_at")) is not None:
        marks.setdefault(str(created), 0)
    rank = (told.get("completed_at") is not None) * 100
    element = Element(
        layers=layer(at, rank + filled(told), told),
        marks=marks,
        personal=layer(at, rank + filled(personal), personal),
        people=people_of(body),
    )
    return [Change("checkout", key, element), *customers.read_embedded(customer, at)]


def read_delete(body: Body) -> list[Change]:
    """``checkouts/delete``: since 2026-04 the body names only the cart, so nothing can be found by it.

    Older bodies carry a token now and then. A cart may have led to several checkouts, so a
    deletion that names only a cart is kept and counted, and changes nothing.
    """
    key = token(body.get("token"))
    return [] if key is None else [Change("checkout", key, Element(deleted=True))]


def view(key: str, element: Element) -> Checkout:
    """The merged checkout of an element."""
    return msgspec.convert(
        {
            **(told := known(element)),
            "customer_name": customers.full_name(told),
            "token": key,
            "deleted": element.deleted,
            "updated_at": latest(element),
            "activity": sorted((int(at), bool(contact)) for at, contact in element.marks.items()),
        },
        Checkout,
    )


_READERS: Final[Readers] = {
    **named(as_text, "name", "currency", "source_name"),
    **named(as_token, "cart_token"),
    **named(money, "total_price"),
    **named(moment, "created_at", "completed_at"),
    **named(as_customer_id, customer="customer_id"),
}

_PERSONAL: Final[Readers] = named(as_text, "email", "phone", "abandoned_checkout_url")
"""Of the shopper: whoever opens the recovery address sees what they entered."""
