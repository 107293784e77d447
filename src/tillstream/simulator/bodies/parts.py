"""Parts that bodies of several kinds have: lines, taxes, codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tillstream.simulator.bodies.press import Json, Presentment, Press
from tillstream.simulator.currency import MILLION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tillstream.simulator.facts import Line, Order, Shipping
    from tillstream.simulator.plan import TaxRate


class Parts(Press):
    """Prints the lines of orders, and what they are taxed."""

    def _line(self, line: Line, order: Order) -> Json:
        text, theirs = self._text, order.presentment
        product, variant = line.product, line.variant
        variant_title = variant.title if variant and variant.title != "Default Title" else None
        return {
            "id": line.id,
            "admin_graphql_api_id": f"gid://shopify/LineItem/{line.id}",
            "attributed_staffs": [],
            "current_quantity": line.remaining,
            "fulfillable_quantity": max(0, line.remaining - line.fulfilled),
            "fulfillment_service": "manual",
            "fulfillment_status": _line_status(line),
            "gift_card": line.gift_card,
            "grams": product.grams if product else 0,
            "name": f"{line.title} - {variant_title}" if variant_title else line.title,
            "price": text(line.price),
            "price_set": self._bag(line.price, theirs),
            "product_exists": product is not None and not product.deleted,
            "product_id": product.id if product else None,
            "properties": [],
            "quantity": line.quantity,
            "requires_shipping": not (line.gift_card or line.tip),
            "sales_line_item_group_id": None,
            "sku": variant.sku if variant else None,
            "taxable": bool(line.taxes),
            "title": line.title,
            # Codes are told of by the allocations alone; this field is for a line's own discount.
            "total_discount": text(0),
            "total_discount_set": self._bag(0, theirs),
            "variant_id": variant.id if variant else None,
            "variant_inventory_management": "shopify" if variant else None,
            "variant_title": variant_title,
            "vendor": product.vendor if product else None,
            "tax_lines": self._taxes(line.taxes, theirs),
            "duties": [],
            "discount_allocations": [
                {
                    "amount": text(amount),
                    "amount_set": self._bag(amount, theirs),
                    "discount_application_index": index,
                }
                for index, amount in line.allocations
            ],
        }

    def _shipping(self, shipping: Shipping, theirs: Presentment) -> Json:
        text = self._text
        net, tax = shipping.left(included=self._plan.taxes_included)
        left = net + (tax if self._plan.taxes_included else 0)
        allocations: list[Json] = []
        if shipping.application is not None:
            allocations.append(
                {
                    "amount": text(shipping.discount),
                    "amount_set": self._bag(shipping.discount, theirs),
                    "discount_application_index": shipping.application,
                }
            )
        return {
            "id": shipping.id,
            "carrier_identifier": None,
            "code": shipping.code,
            "current_discounted_price_set": self._bag(left, theirs),
            "discounted_price": text(shipping.discounted),
            "discounted_price_set": self._bag(shipping.discounted, theirs),
            "is_removed": shipping.removed is not None,
            "phone": None,
            "price": text(shipping.price),
            "price_set": self._bag(shipping.price, theirs),
            "requested_fulfillment_service_id": None,
            "source": "shopify",
            "title": shipping.title,
            "tax_lines": self._taxes(shipping.taxes, theirs),
            "discount_allocations": allocations,
        }

    def _taxes(self, taxes: Sequence[tuple[TaxRate, int]], theirs: Presentment) -> list[Json]:
        text = self._text
        return [
            {
                "channel_liable": False,
                "price": text(amount),
                "price_set": self._bag(amount, theirs),
                "rate": rate.millionths / MILLION,
                "title": rate.title,
            }
            for rate, amount in taxes
        ]


def code(code: str, amount: str, kind: str) -> Json:
    """A discount code as ``discount_codes`` lists it."""
    return {"code": code, "amount": amount, "type": kind}


def by_rate(taxed: Iterable[Line | Shipping]) -> list[tuple[TaxRate, int]]:
    """Taxes on lines and shipping, one sum for each rate."""
    sums: dict[TaxRate, int] = {}
    for rate, amount in [tax for part in taxed for tax in part.taxes]:
        sums[rate] = sums.get(rate, 0) + amount
    return list(sums.items())


def tax_lines(text: Callable[[int], str], taxes: Sequence[tuple[TaxRate, int]]) -> list[Json]:
    """Taxes without bags, as checkouts list them."""
    return [
        {
            "price": text(amount),
            "rate": rate.millionths / MILLION,
            "title": rate.title,
            "channel_liable": False,
        }
        for rate, amount in taxes
    ]


def _line_status(line: Line) -> str | None:
    if line.fulfilled == 0:
        return None
    return "fulfilled" if line.fulfilled >= line.remaining else "partial"
