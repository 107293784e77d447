"""Reading what an order's body says line by line: its line items and its shipping lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from tillstream.mirror.orders import Line, Shipping
from tillstream.mirror.values import (
    Malformed,
    count,
    flag,
    objects,
    optional_identifier,
    rate,
    set_money,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tillstream.mirror.change import Body
    from tillstream.mirror.join import Fields

_BAGS: Final = {"price": "price_set", "amount": "amount_set"}


def read_lines(_: Body, value: Any, name: str) -> list[Fields]:
    """The line items."""
    return [_counted(_line, item, name, index) for index, item in enumerate(objects(value, name))]


def read_shipping(_: Body, value: Any, name: str) -> list[Fields]:
    """The shipping lines."""
    lines = objects(value, name)
    return [_counted(_shipping_line, item, name, index) for index, item in enumerate(lines)]


def _counted(read: Callable[[Body, int], Fields], item: Body, name: str, index: int) -> Fields:
    """One of several; if it cannot be read, the sentence says which. Most can: no name is made for them."""
    try:
        return read(item, index)
    except Malformed as error:
        told = error.detail.replace(f"`{name}.", f"`{name}[{index}].", 1)
        raise Malformed(error.reason, told) from error


def _line(item: Body, position: int) -> Fields:
    taxes = objects(item.get("tax_lines"), "line_items.tax_lines")
    shares = objects(item.get("discount_allocations"), "line_items.discount_allocations")
    return _without_defaults(
        Line(
            id=_line_id(item, position),
            product_id=optional_identifier(item.get("product_id"), "line_items.product_id"),
            variant_id=optional_identifier(item.get("variant_id"), "line_items.variant_id"),
            title=text(item.get("title")),
            variant_title=text(item.get("variant_title")),
            sku=text(item.get("sku")),
            vendor=text(item.get("vendor")),
            quantity=count(item.get("quantity"), "line_items.quantity"),
            current_quantity=(
                None
                if item.get("current_quantity") is None
                else count(item["current_quantity"], "line_items.current_quantity")
            ),
            price=set_money(item.get("price_set"), item.get("price"), "line_items.price"),
            # `total_discount` has only line-level discounts; the allocations have all of them.
            discount=(
                _sum(shares, "amount", "line_items.discount")
                if shares
                else set_money(
                    item.get("total_discount_set"),
                    item.get("total_discount"),
                    "line_items.total_discount",
                )
            ),
            tax=_sum(taxes, "price", "line_items.tax"),
            rate=sum([rate(t.get("rate"), "line_items.tax_lines.rate") for t in taxes]),
            gift_card=flag(item.get("gift_card")),
            duty_tax=_duty_tax(item),
        )
    )


def _duty_tax(item: Body) -> int:
    """The tax on a line's duties.

    https://shopify.dev/docs/api/admin-graphql/latest/objects/Duty
    """
    duties = item.get("duties")
    if not duties:
        return 0
    return sum(
        _sum(
            objects(one.get("tax_lines"), "line_items.duties.tax_lines"),
            "price",
            "line_items.duties.tax",
        )
        for one in objects(duties, "line_items.duties")
    )


def _line_id(item: Body, position: int) -> int:
    """The line's id, or one made of its position where a sender left it out."""
    found = optional_identifier(item.get("id"), "line_items.id")
    return -1 - position if found is None else found


def _shipping_line(item: Body, _: int) -> Fields:
    taxes = objects(item.get("tax_lines"), "shipping_lines.tax_lines")
    tax = _sum(taxes, "price", "shipping_lines.tax")
    current = item.get("current_discounted_price_set")
    return _without_defaults(
        Shipping(
            id=optional_identifier(item.get("id"), "shipping_lines.id"),
            price=_charged(item),
            tax=tax,
            current_price=0
            if flag(item.get("is_removed"))
            else None
            if current is None
            else set_money(current, None, "shipping_lines.current_discounted_price"),
        )
    )


def _charged(item: Body) -> int:
    """The price of a shipping line after all discounts.

    Some versions of Shopify leave what a code for the whole cart takes off (free shipping, above all)
    out of the discounted price, others do not; the allocations have it. The lower of the two is right.
    https://shopify.dev/changelog/shippingline-discountedpriceset-now-includes-cart-level-discounts
    """
    shares = objects(item.get("discount_allocations"), "shipping_lines.discount_allocations")
    discounted = item.get("discounted_price_set") or item.get("discounted_price")
    known = item.get("price_set") or item.get("price")
    told: list[int] = []
    if discounted not in (None, ""):
        told.append(
            set_money(
                item.get("discounted_price_set"),
                item.get("discounted_price"),
                "shipping_lines.discounted_price",
            )
        )
    if known not in (None, "") and (shares or not told):
        price = set_money(item.get("price_set"), item.get("price"), "shipping_lines.price")
        told.append(price - _sum(shares, "amount", "shipping_lines.discount"))
    return min(told, default=0)


def _sum(items: list[Body], amount: str, field: str) -> int:
    bag, total = _BAGS[amount], 0
    for item in items:
        total += set_money(item.get(bag), item.get(amount), field)
    return total


def _without_defaults(line: Line | Shipping) -> Fields:
    return msgspec.to_builtins(line)
