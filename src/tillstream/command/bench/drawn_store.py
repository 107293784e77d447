"""A store that is drawn rather than told: bodies as Shopify's, with what the figures are made of. Pure.

A year of orders of a shop with many products, customers who come back, discounts, refunds, orders
from several channels and countries, and checkouts of which some are abandoned. Chance is a
generator with a seed: the same bodies in every run.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

Body: TypeAlias = dict[str, Any]

ZONE: Final = "America/New_York"
CURRENCY: Final = "USD"
YEAR: Final = timedelta(days=365)

_CHANNELS: Final = ("web", "web", "web", "web", "pos", "580111", "shopify_draft_order")
_PLACES: Final = (
    ("US", "NY"),
    ("US", "CA"),
    ("US", "TX"),
    ("CA", "ON"),
    ("GB", "ENG"),
    ("DE", None),
)
_REFERRERS: Final = (
    None,
    None,
    "https://www.google.com/",
    "https://instagram.com/",
    "https://news.example/",
)
_LANDINGS: Final = (
    "/",
    "/",
    "/collections/all",
    "/collections/sale?utm_source=mail",
    "/pages/about",
)
_CODES: Final = ("WELCOME10", "SPRING", "FRIENDS", "VIP")
_VENDORS: Final = (
    "Northwind",
    "Harbor",
    "Alder & Co",
    "Kestrel",
    "Maple",
    "Juniper",
    "Slate",
    "Ember",
)
_TYPES: Final = ("Shirts", "Shoes", "Bags", "Home", "Garden")
_TAX: Final = 8
"""Per cent."""
_LOCATIONS: Final = (1, 2)
_HESITANT: Final = 0.1
_TYPED: Final = timedelta(minutes=8)
_THOUGHT: Final = timedelta(hours=1)
"""From a checkout's beginning to its completion: inside the store's window, and longer."""


@dataclass(frozen=True)
class Extent:
    """How much of it there is."""

    orders: int
    now: datetime
    """When the last order was placed."""

    @property
    def customers(self) -> int:
        """Two for every five orders."""
        return max(1, self.orders * 2 // 5)

    @property
    def products(self) -> int:
        """One for every 500 orders, as far as a large catalogue goes."""
        return min(2_000, max(20, self.orders // 500))


class Visit(NamedTuple):
    """What one shopper's visit leaves behind: an order with its checkout, or a checkout alone.

    ``checkout`` has each body that was told of it.
    """

    order: Body | None
    checkout: tuple[Body, ...]


def shop(extent: Extent) -> Iterator[tuple[str, Body]]:
    """The shop and its catalogue, by topic."""
    since = (extent.now - YEAR).isoformat()
    yield (
        "shop/update",
        {
            "id": 1,
            "name": "Bench",
            "currency": CURRENCY,
            "iana_timezone": ZONE,
            "updated_at": since,
        },
    )
    for location in _LOCATIONS:
        told = {
            "id": location,
            "name": f"Warehouse {location}",
            "active": True,
            "updated_at": since,
        }
        yield "locations/create", told
    for number, kind in enumerate(_TYPES, 1):
        rules = [{"column": "type", "relation": "equals", "condition": kind}]
        told = {"id": number, "title": kind, "handle": kind.lower(), "updated_at": since}
        yield "collections/create", {**told, "rules": rules, "disjunctive": False}
    dice = Random("catalogue")  # noqa: S311 - stock, no secrets
    for number in range(1, extent.products + 1):
        yield "products/create", _product(number, since)
        for variant in _variants(number):
            yield "inventory_items/create", _item(variant, since)
            for location in _LOCATIONS:
                yield (
                    "inventory_levels/update",
                    _level(variant, location, dice.randint(0, 400), since),
                )


def customers(extent: Extent) -> Iterator[Body]:
    """Everybody who buys, and some who do not."""
    since = (extent.now - YEAR).isoformat()
    for number in range(1, extent.customers + extent.customers // 20 + 1):
        yield {**_customer(number), "created_at": since, "updated_at": since, "tags": "bench"}


def visits(extent: Extent) -> Iterator[Visit]:
    """What happened in the shop, evenly over the year; beside every fourth order one left without."""
    dice = Random("visits")  # noqa: S311 - shoppers, no secrets
    step = YEAR / extent.orders
    for number in range(1, extent.orders + 1):
        at = extent.now - step * (extent.orders - number + dice.random())
        at = at.replace(microsecond=0)
        customer = 1 + int(extent.customers * dice.random() ** 2)
        order = _order(number, at, customer, extent, dice)
        before = _THOUGHT if dice.random() < _HESITANT else _TYPED
        yield Visit(order, _checkout(order["checkout_token"], at - before, customer, order, at))
        if number % 4 == 0:
            somebody = 1 + int(extent.customers * dice.random())
            left = at - timedelta(minutes=dice.randint(15, 45))
            yield Visit(None, _checkout(f"a{number:031x}", left, somebody, order, None))


def _order(number: int, at: datetime, customer: int, extent: Extent, dice: Random) -> Body:
    lines = [_line(number, place, extent, dice) for place in range(dice.choice((1, 1, 1, 2, 3)))]
    gross = sum(line["cents"] * line["quantity"] for line in lines)
    code = dice.choice(_CODES) if dice.random() < 0.2 else None  # noqa: PLR2004 - one in five
    for line in lines:
        paid = line.pop("cents") * line["quantity"]
        off = paid // 10 if code else 0
        line["discount_allocations"] = [{"amount": _money(off)}] if off else []
        line["tax_lines"] = [{"rate": _TAX / 100, "price": _money((paid - off) * _TAX // 100)}]
    off = sum(_cents(share["amount"]) for line in lines for share in line["discount_allocations"])
    tax = sum(_cents(line["tax_lines"][0]["price"]) for line in lines)
    total = gross - off + tax + 500
    country, region = dice.choice(_PLACES)
    body: Body = {
        "id": number, "name": f"#{number}", "email": f"customer-{customer}@example.com",
        "created_at": at.isoformat(), "processed_at": at.isoformat(), "updated_at": at.isoformat(),
        "currency": CURRENCY, "presentment_currency": CURRENCY, "financial_status": "paid",
        "source_name": dice.choice(_CHANNELS), "taxes_included": False, "test": False,
        "total_price": _money(total), "subtotal_price": _money(gross - off), "total_tax": _money(tax),
        "total_discounts": _money(off), "current_total_price": _money(total),
        "discount_codes": [{"code": code}] if code else [], "checkout_token": f"{number:032x}",
        "customer": _customer(customer), "shipping_address": {"country_code": country, "province_code": region},
        "referring_site": dice.choice(_REFERRERS), "landing_site": dice.choice(_LANDINGS), "line_items": lines,
        "shipping_lines": [{"id": number, "price": "5.00", "discounted_price": "5.00", "tax_lines": []}],
        "fulfillments": [], "refunds": [],
    }  # fmt: skip
    _afterwards(body, at, extent, dice)
    return body


def _afterwards(body: Body, at: datetime, extent: Extent, dice: Random) -> None:
    """Most orders are sent in the days after; some are given back in part, a few cancelled."""
    later = at + timedelta(hours=dice.randint(2, 96))
    if later > extent.now:
        return
    chance = dice.random()
    told = later.isoformat()
    if chance < 0.02:  # noqa: PLR2004 - two in a hundred
        body.update(cancelled_at=told, cancel_reason="customer", updated_at=told)
        return
    body["fulfillments"] = [{"id": body["id"], "status": "success", "created_at": told}]
    body.update(fulfillment_status="fulfilled", updated_at=told)
    if chance < 0.07:  # noqa: PLR2004 - another five
        line = body["line_items"][0]
        unit = _cents(line["price"])
        given = {
            "id": body["id"], "line_item_id": line["id"], "quantity": 1, "subtotal": unit / 100,
            "total_tax": (unit * _TAX // 100) / 100, "line_item": line,
        }  # fmt: skip
        body["refunds"] = [
            {
                "id": body["id"],
                "created_at": told,
                "processed_at": told,
                "refund_line_items": [given],
            }
        ]
        line["current_quantity"] -= 1


def _line(order: int, place: int, extent: Extent, dice: Random) -> Body:
    # A few products make most of the sales.
    product = 1 + int(extent.products * dice.random() ** 2)
    variant = dice.choice(_variants(product))
    quantity = dice.choice((1, 1, 1, 2))
    cents = 1_500 + variant * 37 % 10_000
    return {
        "id": order * 10 + place, "product_id": product, "variant_id": variant, "title": f"Product {product}",
        "sku": f"SKU-{variant}", "vendor": _vendor(product), "quantity": quantity,
        "current_quantity": quantity, "price": _money(cents), "cents": cents, "gift_card": False,
    }  # fmt: skip


def _checkout(
    token: str, began: datetime, customer: int, order: Body, completed: datetime | None
) -> tuple[Body, ...]:
    body: Body = {
        "token": token, "name": f"#C{token[-6:]}", "email": f"customer-{customer}@example.com",
        "customer": _customer(customer), "currency": CURRENCY, "total_price": order["total_price"],
        "created_at": began.isoformat(), "updated_at": began.isoformat(), "completed_at": None,
        "source_name": "web", "abandoned_checkout_url": f"https://shop.example/recover/{token}",
    }  # fmt: skip
    if completed is None:
        return (body,)
    at = completed.isoformat()
    return body, {**body, "updated_at": at, "completed_at": at}


def _customer(number: int) -> Body:
    return {
        "id": number, "email": f"customer-{number}@example.com", "first_name": "Customer",
        "last_name": str(number),
    }  # fmt: skip


def _product(number: int, since: str) -> Body:
    variants = [
        {
            "id": variant, "title": f"Variant {variant}", "sku": f"SKU-{variant}", "inventory_item_id": variant,
            "price": _money(1_500 + variant * 37 % 10_000), "inventory_quantity": 100, "position": place,
        }
        for place, variant in enumerate(_variants(number), 1)
    ]  # fmt: skip
    return {
        "id": number, "title": f"Product {number}", "handle": f"product-{number}", "status": "active",
        "vendor": _vendor(number), "product_type": _TYPES[number % len(_TYPES)], "tags": "bench",
        "created_at": since, "updated_at": since, "variants": variants,
    }  # fmt: skip


def _item(variant: int, since: str) -> Body:
    return {
        "id": variant,
        "sku": f"SKU-{variant}",
        "cost": "7.00",
        "tracked": True,
        "updated_at": since,
    }


def _level(variant: int, location: int, available: int, since: str) -> Body:
    return {
        "inventory_item_id": variant, "location_id": location, "available": available, "updated_at": since,
    }  # fmt: skip


def _variants(product: int) -> tuple[int, int]:
    return product * 2, product * 2 + 1


def _vendor(product: int) -> str:
    return _VENDORS[product % len(_VENDORS)]


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def _cents(text: str) -> int:
    return int(text.replace(".", ""))
