"""Orders drawn by hand, short to write: bodies as Shopify sends them, read by the real readers."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from tillstream.foundation.money import format_money, parse_money
from tillstream.mirror import orders
from tillstream.mirror.join import Element, join
from tillstream.mirror.topics import read
from tillstream.rollup.entries import Entry, order_entries

if TYPE_CHECKING:
    from collections.abc import Iterable

Body: TypeAlias = dict[str, Any]

PLACED = "2026-03-01T10:00:00Z"
EDITED = "2026-03-02T10:00:00Z"
REFUNDED = "2026-03-03T10:00:00Z"
CANCELLED = "2026-03-04T10:00:00Z"

SALES = (
    "gross_sales",
    "discounts",
    "sales_reversals",
    "shipping",
    "taxes",
    "duties",
    "additional_fees",
)
COUNTS = ("orders",)
APART = ("customer_orders", "units_sold", "units_reversed", "tax_in_prices")


def bag(amount: str) -> Body:
    """A ``*_set``: the shop's money, and other money that must not be read."""
    return {
        "shop_money": {"amount": amount, "currency_code": "EUR"},
        "presentment_money": {"amount": "777.77", "currency_code": "AUD"},
    }


def line(
    key: int,
    price: str,
    quantity: int = 1,
    *,
    tax: str | None = None,
    rate: str = "0",
    off: tuple[str, ...] = (),
    current: int | None = None,
    **more: Any,
) -> Body:
    """A line item: ``off`` lists its discount allocations, ``tax`` is that of all its units."""
    return {
        "id": key,
        "product_id": key * 10,
        "variant_id": key * 100,
        "title": f"Thing {key}",
        "quantity": quantity,
        "current_quantity": quantity if current is None else current,
        "price": "777.77",
        "price_set": bag(price),
        "tax_lines": []
        if tax is None
        else [{"rate": float(rate), "price": "777.77", "price_set": bag(tax)}],
        "discount_allocations": [{"amount": "777.77", "amount_set": bag(share)} for share in off],
        **more,
    }


def shipping(price: str, tax: str | None = None) -> Body:
    """A shipping line at its discounted price."""
    return {
        "price_set": bag("999.00"),
        "discounted_price_set": bag(price),
        "tax_lines": [] if tax is None else [{"rate": 0.1, "price_set": bag(tax)}],
    }


def order(*lines: Body, currency: str = "EUR", **more: Any) -> Body:
    """An order placed at ``PLACED`` by customer 9."""
    return {
        "id": 1, "name": "#1", "currency": currency, "created_at": PLACED, "processed_at": PLACED, "updated_at": PLACED,
        "customer": {"id": 9}, "line_items": list(lines), **more,
    }  # fmt: skip


def refunded(key: int, quantity: int, subtotal: str, tax: str = "0", **more: Any) -> Body:
    """Units of line ``key`` given back."""
    return {
        "line_item_id": key, "quantity": quantity, "subtotal": 777.77, "subtotal_set": bag(subtotal),
        "total_tax_set": bag(tax), **more,
    }  # fmt: skip


def refund(*lines: Body, key: int = 5, at: str = REFUNDED, **more: Any) -> Body:
    """A refund of the order."""
    return {
        "id": key, "order_id": 1, "created_at": at, "processed_at": at, "refund_line_items": list(lines), **more,
    }  # fmt: skip


def edit(
    added: dict[int, int] | None = None,
    removed: dict[int, int] | None = None,
    *,
    key: int = 4,
    at: str = EDITED,
) -> Body:
    """The delta of a committed edit: units by line."""
    return {
        "order_edit": {
            "id": key, "order_id": 1, "committed_at": at,
            "line_items": {
                "additions": [{"id": line_id, "delta": units} for line_id, units in (added or {}).items()],
                "removals": [{"id": line_id, "delta": units} for line_id, units in (removed or {}).items()],
            },
        }
    }  # fmt: skip


def merged(*bodies: Body) -> orders.Order:
    """The order after bodies of any kind."""
    element = Element()
    for body in bodies:
        topic = "refunds/create" if "refund_line_items" in body else "orders/updated"
        for change in read(topic, msgspec.json.encode(body)):
            if change.resource == "order":
                element = join(element, change.element)
    return orders.view(1, element)


def entries(*bodies: Body) -> list[Entry]:
    """The ledger of the order after these bodies."""
    return order_entries(merged(*bodies))


def amounts(*bodies: Body) -> dict[str, dict[str, str | int]]:
    """The same, as a person writes it: amounts as decimal strings, without zeros.

    Measures that have tests of their own (``APART``) are left out here.
    """
    return {
        entry.entry: {
            name: amount if name in COUNTS else format_money(amount, "EUR")
            for name, amount in entry.amounts.items()
            if name not in APART
        }
        for entry in entries(*bodies)
    }


def sums(found: Iterable[Entry]) -> Counter[str]:
    """All entries added up."""
    total: Counter[str] = Counter()
    for entry in found:
        total.update(entry.amounts)
    return total


def net(total: Counter[str]) -> int:
    """Net sales in ten-thousandths."""
    return total["gross_sales"] - total["discounts"] - total["sales_reversals"]


def units(text: str) -> int:
    """Ten-thousandths."""
    return parse_money(text)
