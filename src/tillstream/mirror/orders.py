"""Orders: ``orders/*``, with the refunds and the customer that travel inside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tillstream.mirror import customers, refunds
from tillstream.mirror.change import Body, Change
from tillstream.mirror.join import Element, Fields, latest, layer, merged
from tillstream.mirror.redaction import people_of
from tillstream.mirror.values import (
    count,
    flag,
    identifier,
    mapping,
    moment,
    objects,
    optional_identifier,
    rate,
    set_money,
    text,
    token,
)

if TYPE_CHECKING:
    from collections.abc import Callable


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line item. Money in ten-thousandths of the shop's currency, ``rate`` in 10⁻⁸."""

    id: int
    product_id: int | None = None
    variant_id: int | None = None
    title: str | None = None
    variant_title: str | None = None
    sku: str | None = None
    vendor: str | None = None
    quantity: int = 0
    current_quantity: int | None = None
    price: int = 0
    discount: int = 0
    tax: int = 0
    rate: int = 0
    gift_card: bool = False


class Shipping(msgspec.Struct, frozen=True, omit_defaults=True):
    """A shipping line: its price after discounts, and the tax on it."""

    price: int = 0
    tax: int = 0


class Order(msgspec.Struct, frozen=True):
    """A merged order, as the ledger and the projections read it. Times in µs since the epoch."""

    id: int
    deleted: bool
    updated_at: int | None
    refunds: dict[int, refunds.Refund]
    edits: dict[str, refunds.Edit]
    known: bool
    """Whether any body of the order itself has come (a refund may come first)."""
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    customer_id: int | None = None
    customer_name: str | None = None
    checkout_token: str | None = None
    cart_token: str | None = None
    currency: str | None = None
    presentment_currency: str | None = None
    financial_status: str | None = None
    fulfillment_status: str | None = None
    source_name: str | None = None
    taxes_included: bool = False
    test: bool = False
    created_at: int | None = None
    processed_at: int | None = None
    cancelled_at: int | None = None
    closed_at: int | None = None
    cancel_reason: str | None = None
    total_price: int = 0
    subtotal_price: int = 0
    total_tax: int = 0
    total_discounts: int = 0
    current_total_price: int = 0
    total_tip_received: int = 0
    duties: int = 0
    additional_fees: int = 0
    discount_codes: list[str] = []
    lines: list[Line] = []
    shipping: list[Shipping] = []

    @property
    def placed_at(self) -> int | None:
        """The instant on which Shopify's reports date the sale."""
        return self.processed_at if self.processed_at is not None else self.created_at


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


def view(order_id: int, element: Element) -> Order:
    """The merged order of an element."""
    fields, personal = merged(element.layers), merged(element.personal)
    return msgspec.convert(
        {
            **fields,
            **{name: personal[name] for name in _OF_A_PERSON if name in personal},
            "id": order_id,
            "deleted": element.deleted,
            "known": bool(fields),
            "updated_at": latest(element),
            "refunds": {
                int(key): refunds.view(at, personal.get(refunds.note_of(key)))
                for key, at in element.parts.get("refunds", {}).items()
            },
            "edits": {
                key: refunds.view_edit(at) for key, at in element.parts.get("edits", {}).items()
            },
        },
        Order,
    )


def is_tip(line: Line, order: Order) -> bool:
    """Whether a line is a tip: Shopify lists tips as lines without product, titled "Tip"."""
    return (
        order.total_tip_received > 0
        and line.product_id is None
        and line.variant_id is None
        and not line.gift_card
        and (line.title or "").casefold() == "tip"
    )


def _fields(body: Body) -> Fields:
    """The fields that the body has, in our terms; what it lacks stays out."""
    # Over what is read, not over what the body has: it has three times as many fields.
    return {
        _NAMES.get(name, name): reader(body, body[name], name)
        for name, reader in _READERS.items()
        if name in body
    }


def _personal(body: Body) -> Fields:
    """The fields of the person who ordered."""
    fields: Fields = {name: text(body[name]) for name in ("email", "phone") if name in body}
    if customer := mapping(body.get("customer")):
        fields["customer_name"] = customers.full_name(customer)
    return fields


_OF_A_PERSON = ("email", "phone", "customer_name")


def _rank(fields: Fields, told: list[dict[str, Any]]) -> int:
    """How far on in its life a body is, for bodies of one second: an order only goes forward."""
    return (
        (fields.get("cancelled_at") is not None) * 1000
        + min(len(told), 99) * 10
        + (fields.get("closed_at") is not None) * 5
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


def _text(_: Body, value: Any, __: str) -> Any:
    return text(value)


def _token(_: Body, value: Any, __: str) -> Any:
    return token(value)


def _moment(_: Body, value: Any, name: str) -> Any:
    return moment(value, name)


def _flag(_: Body, value: Any, __: str) -> Any:
    return flag(value)


def _money(body: Body, value: Any, name: str) -> Any:
    return set_money(body.get(name + "_set"), value, name)


def _bag(_: Body, value: Any, name: str) -> Any:
    return set_money(value, None, name.removesuffix("_set"))


def _customer(_: Body, value: Any, __: str) -> Any:
    return optional_identifier(mapping(value).get("id"), "customer.id")


def _codes(_: Body, value: Any, name: str) -> Any:
    codes = (text(item.get("code")) for item in objects(value, name))
    return sorted({code for code in codes if code})


def _lines(_: Body, value: Any, name: str) -> Any:
    return [
        _line(item, f"{name}[{index}]", index) for index, item in enumerate(objects(value, name))
    ]


def _line_id(item: Body, where: str, position: int) -> int:
    """The line's id, or one made of its position where a sender left it out."""
    found = optional_identifier(item.get("id"), f"{where}.id")
    return -1 - position if found is None else found


def _line(item: Body, where: str, position: int) -> Fields:
    taxes = objects(item.get("tax_lines"), f"{where}.tax_lines")
    shares = objects(item.get("discount_allocations"), f"{where}.discount_allocations")
    return _without_defaults(
        Line(
            id=_line_id(item, where, position),
            product_id=optional_identifier(item.get("product_id"), f"{where}.product_id"),
            variant_id=optional_identifier(item.get("variant_id"), f"{where}.variant_id"),
            title=text(item.get("title")),
            variant_title=text(item.get("variant_title")),
            sku=text(item.get("sku")),
            vendor=text(item.get("vendor")),
            quantity=count(item.get("quantity"), f"{where}.quantity"),
            current_quantity=(
                None
                if item.get("current_quantity") is None
                else count(item["current_quantity"], f"{where}.current_quantity")
            ),
            price=set_money(item.get("price_set"), item.get("price"), f"{where}.price"),
            # `total_discount` has only line-level discounts; the allocations have all of them.
            discount=(
                sum(
                    set_money(s.get("amount_set"), s.get("amount"), f"{where}.discount")
                    for s in shares
                )
                if shares
                else set_money(
                    item.get("total_discount_set"),
                    item.get("total_discount"),
                    f"{where}.total_discount",
                )
            ),
            tax=sum(set_money(t.get("price_set"), t.get("price"), f"{where}.tax") for t in taxes),
            rate=sum(rate(t.get("rate"), f"{where}.tax_lines.rate") for t in taxes),
            gift_card=flag(item.get("gift_card")),
        )
    )


def _shipping(_: Body, value: Any, name: str) -> Any:
    lines = objects(value, name)
    return [_shipping_line(item, f"{name}[{i}]") for i, item in enumerate(lines)]


def _shipping_line(item: Body, where: str) -> Fields:
    taxes = objects(item.get("tax_lines"), f"{where}.tax_lines")
    shares = objects(item.get("discount_allocations"), f"{where}.discount_allocations")
    if item.get("discounted_price_set") is None and item.get("discounted_price") is None:
        price = set_money(item.get("price_set"), item.get("price"), f"{where}.price") - sum(
            set_money(s.get("amount_set"), s.get("amount"), f"{where}.discount") for s in shares
        )
    else:
        price = set_money(
            item.get("discounted_price_set"),
            item.get("discounted_price"),
            f"{where}.discounted_price",
        )
    tax = sum(set_money(t.get("price_set"), t.get("price"), f"{where}.tax") for t in taxes)
    return _without_defaults(Shipping(price=price, tax=tax))


def _without_defaults(line: Line | Shipping) -> Fields:
    return msgspec.to_builtins(line)


# How each field of the body is read. Anything not named here is not mirrored.
_READERS: dict[str, Callable[[Body, Any, str], Any]] = {
    **dict.fromkeys(
        (
            "name", "currency", "presentment_currency", "financial_status", "fulfillment_status",
            "source_name", "cancel_reason",
        ),
        _text,
    ),
    **dict.fromkeys(("checkout_token", "cart_token"), _token),
    **dict.fromkeys(("created_at", "processed_at", "cancelled_at", "closed_at"), _moment),
    **dict.fromkeys(("test", "taxes_included"), _flag),
    **dict.fromkeys(
        (
            "total_price", "subtotal_price", "total_tax", "total_discounts", "current_total_price",
            "total_tip_received",
        ),
        _money,
    ),
    "original_total_duties_set": _bag,
    "original_total_additional_fees_set": _bag,
    "customer": _customer,
    "discount_codes": _codes,
    "line_items": _lines,
    "shipping_lines": _shipping,
}  # fmt: skip

_NAMES = {
    "customer": "customer_id",
    "line_items": "lines",
    "shipping_lines": "shipping",
    "original_total_duties_set": "duties",
    "original_total_additional_fees_set": "additional_fees",
}
