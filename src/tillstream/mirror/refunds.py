"""What happens to an order afterwards: ``refunds/create`` and ``orders/edited``.

Both only accumulate. A refund comes on its own and inside every later ``orders/updated``; an
edit's delta comes only in its own delivery.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from tillstream.foundation.money import proportion
from tillstream.mirror.change import Body, Change
from tillstream.mirror.join import Element, Fields, Layers, layer, merged
from tillstream.mirror.values import (
    count,
    flag,
    identifier,
    mapping,
    moment,
    objects,
    optional_identifier,
    set_money,
    text,
)


class RefundLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """Units given back of one line; money in ten-thousandths of the shop's currency."""

    line_item_id: int
    quantity: int = 0
    subtotal: int = 0
    tax: int = 0
    gift_card: bool = False


class Refund(msgspec.Struct, frozen=True):
    """A merged refund. ``shipping`` is the amount before ``shipping_tax``. Times in µs.

    ``adjustment`` is money given back that belongs to no line and to no shipping (negative: kept).
    """

    created_at: int | None = None
    processed_at: int | None = None
    note: str | None = None
    lines: list[RefundLine] = []
    shipping: int = 0
    shipping_tax: int = 0
    duties: int = 0
    additional_fees: int = 0
    adjustment: int = 0
    return_id: int | None = None

    @property
    def happened_at(self) -> int | None:
        """The instant on which Shopify's reports date the reversal."""
        return self.processed_at if self.processed_at is not None else self.created_at


class Edit(msgspec.Struct, frozen=True):
    """One committed order edit: units added and removed by line item id, and shipping lines."""

    committed_at: int | None = None
    additions: dict[int, int] = {}
    removals: dict[int, int] = {}
    shipping_additions: list[int] = []
    shipping_removals: list[int] = []


def read_create(body: Body) -> list[Change]:
    """``refunds/create``: the refund is the root object and names its order."""
    order_id = identifier(body.get("order_id"), "order_id")
    at = (
        moment(body.get("processed_at"), "processed_at")
        or moment(body.get("created_at"), "created_at")
        or 0
    )
    told = read_embedded(body, at)
    element = Element(parts={"refunds": {told.key: told.layers}}, personal=layer(at, 0, told.note))
    return [Change("order", order_id, element)]


class ToldRefund(NamedTuple):
    """A refund object by its id. ``note`` is what was written about it, a field of the order's."""

    key: str
    layers: Layers
    note: Fields


def read_embedded(body: Body, at: int) -> ToldRefund:
    """A refund object, told by a body of time ``at``."""
    key = str(identifier(body.get("id"), "refunds.id"))
    fields = _refund_fields(body)
    filled = sum(value not in (None, 0, []) for value in fields.values())
    note: Fields = {note_of(key): text(body["note"])} if "note" in body else {}
    return ToldRefund(key, layer(at, filled, fields), note)


def note_of(key: str) -> str:
    """The name of the order's field that holds a refund's note."""
    return f"note:{key}"


def read_edited(body: Body) -> list[Change]:
    """``orders/edited``: only a delta of quantities; the amounts come with ``orders/updated``."""
    edit = mapping(body.get("order_edit")) or body
    order_id = identifier(edit.get("order_id"), "order_edit.order_id")
    edit_id = identifier(edit.get("id"), "order_edit.id")
    lines = mapping(edit.get("line_items"))
    fields: Fields = {
        "committed_at": moment(edit.get("committed_at"), "order_edit.committed_at"),
        "additions": _deltas(lines.get("additions"), "additions"),
        "removals": _deltas(lines.get("removals"), "removals"),
    }
    shipping = mapping(edit.get("shipping_lines"))
    for name in ("additions", "removals"):
        if found := _listed(shipping.get(name), name):
            fields[f"shipping_{name}"] = found
    told = {str(edit_id): layer(fields["committed_at"] or 0, 0, fields)}
    return [Change("order", order_id, Element(parts={"edits": told}))]


def view(layers: Layers, note: str | None = None) -> Refund:
    """The merged refund."""
    return msgspec.convert({**merged(layers), "note": note}, Refund)


def view_edit(layers: Layers) -> Edit:
    """The merged edit."""
    return msgspec.convert(merged(layers), Edit, str_keys=True)


def _deltas(value: Any, field: str) -> dict[str, int]:
    result: dict[str, int] = {}
    for item in objects(value, f"order_edit.line_items.{field}"):
        line = str(identifier(item.get("id"), f"order_edit.line_items.{field}.id"))
        result[line] = result.get(line, 0) + count(item.get("delta"), f"{field}.delta")
    return dict(sorted(result.items()))


def _listed(value: Any, field: str) -> list[int]:
    where = f"order_edit.shipping_lines.{field}"
    return sorted({identifier(item.get("id"), f"{where}.id") for item in objects(value, where)})


def _refund_fields(body: Body) -> Fields:
    fields: Fields = {}
    if "created_at" in body:
        fields["created_at"] = moment(body["created_at"], "refunds.created_at")
    if "processed_at" in body:
        fields["processed_at"] = moment(body["processed_at"], "refunds.processed_at")
    if "refund_line_items" in body:
        lines = objects(body["refund_line_items"], "refund_line_items")
        fields["lines"] = [msgspec.to_builtins(_refund_line(line)) for line in lines]
    if "refund_shipping_lines" in body or "order_adjustments" in body:
        fields["shipping"], fields["shipping_tax"] = _shipping(body)
    if "order_adjustments" in body:
        fields["adjustment"] = _adjustment(body)
    if "total_duties_set" in body:
        fields["duties"] = set_money(body["total_duties_set"], None, "total_duties")
    if "total_additional_fees_set" in body:
        fees = set_money(body["total_additional_fees_set"], None, "total_additional_fees")
        fields["additional_fees"] = fees
    if returned := mapping(body.get("return")):
        fields["return_id"] = optional_identifier(returned.get("id"), "refunds.return.id")
    return fields


def _refund_line(item: Body) -> RefundLine:
    line = mapping(item.get("line_item"))
    line_id = item.get("line_item_id") if item.get("line_item_id") is not None else line.get("id")
    return RefundLine(
        line_item_id=identifier(line_id, "refund_line_items.line_item_id"),
        quantity=count(item.get("quantity"), "refund_line_items.quantity"),
        subtotal=set_money(
            item.get("subtotal_set"), item.get("subtotal"), "refund_line_items.subtotal"
        ),
        tax=set_money(
            item.get("total_tax_set"), item.get("total_tax"), "refund_line_items.total_tax"
        ),
        gift_card=flag(line.get("gift_card")),
    )


def _shipping(body: Body) -> tuple[int, int]:
    """Shipping given back, and the tax on it, both positive and the amount without the tax.

    Since 2024-10 bodies list ``refund_shipping_lines``, which seldom tell a tax; all have a (negative)
    order adjustment of kind ``shipping_refund`` that does. Where both are there they tell of the same
    money. What was given back is on the list: an adjustment of a part may speak of the whole line.
    https://shopify.dev/changelog/refunding-orders-with-multiple-shipping-lines-returns-accurate-data
    """
    adjusted, adjusted_tax = _shipping_adjustment(body)
    listed = objects(body.get("refund_shipping_lines"), "refund_shipping_lines")
    if not listed:
        return adjusted, adjusted_tax
    amount = sum(_shipping_line_amount(item) for item in listed)
    if any(item.get("tax_amount_set") is not None for item in listed) or not adjusted:
        return amount, sum(_shipping_line_tax(item) for item in listed)
    if amount == adjusted + adjusted_tax:
        # Where prices hold their tax, so may the listed amount.
        return adjusted, adjusted_tax
    return amount, proportion(adjusted_tax, amount, adjusted, _currency_of(listed[0]))


def _shipping_adjustment(body: Body) -> tuple[int, int]:
    """What order adjustments tell of shipping given back: the amount, and the tax beside it."""
    adjustments = [
        item
        for item in objects(body.get("order_adjustments"), "order_adjustments")
        if item.get("kind") == "shipping_refund"
    ]
    amount = sum(
        set_money(i.get("amount_set"), i.get("amount"), "order_adjustments.amount")
        for i in adjustments
    )
    tax = sum(
        set_money(i.get("tax_amount_set"), i.get("tax_amount"), "order_adjustments.tax_amount")
        for i in adjustments
    )
    return abs(amount), abs(tax)


def _adjustment(body: Body) -> int:
    """Money given back beyond lines and shipping. Shopify writes what was given back as negative.

    https://shopify.dev/docs/api/admin-graphql/latest/objects/OrderAdjustment
    """
    return -sum(
        set_money(item.get("amount_set"), item.get("amount"), "order_adjustments.amount")
        + set_money(
            item.get("tax_amount_set"), item.get("tax_amount"), "order_adjustments.tax_amount"
        )
        for item in objects(body["order_adjustments"], "order_adjustments")
        if item.get("kind") != "shipping_refund"
    )


def _shipping_line_amount(item: Body) -> int:
    bag = item.get("subtotal_amount_set")
    return set_money(bag, item.get("subtotal"), "refund_shipping_lines.subtotal")


def _shipping_line_tax(item: Body) -> int:
    """The tax on a listed line: told, or as much of the shipping line's as was given back of its price."""
    if item.get("tax_amount_set") is not None:
        return set_money(item["tax_amount_set"], None, "refund_shipping_lines.tax_amount")
    field = "refund_shipping_lines.tax"
    if own := objects(item.get("tax_lines"), "refund_shipping_lines.tax_lines"):
        return _taxes(own, field)
    line = mapping(item.get("shipping_line"))
    tax = _taxes(objects(line.get("tax_lines"), "refund_shipping_lines.tax_lines"), field)
    price = set_money(
        line.get("discounted_price_set"), line.get("discounted_price"), "shipping_line.price"
    )
    amount = _shipping_line_amount(item)
    if not 0 < amount < min(price, price - tax):
        return tax
    return proportion(tax, amount, price, _currency_of(item))


def _taxes(lines: list[Body], field: str) -> int:
    return sum(set_money(one.get("price_set"), one.get("price"), field) for one in lines)


def _currency_of(item: Body) -> str:
    """The currency of a listed line, where it is told."""
    bag = mapping(mapping(item.get("subtotal_amount_set")).get("shop_money"))
    return text(bag.get("currency_code")) or ""
