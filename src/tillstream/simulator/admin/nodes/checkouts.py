"""Checkouts that were left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tillstream.simulator.admin.context import require
from tillstream.simulator.admin.nodes.fields import Json, Presentment, gid, later, parts, when
from tillstream.simulator.admin.nodes.orders import OfOrders

if TYPE_CHECKING:
    from tillstream.simulator.admin.context import Info
    from tillstream.simulator.facts import Checkout, Line


class Nodes(OfOrders):
    """The objects of one shop."""

    __slots__ = ()

    def checkout(self, checkout: Checkout) -> Json:
        """``AbandonedCheckout``. It has no token: only its address holds it."""
        basket, totals = checkout.basket, checkout.totals
        theirs, plan = basket.presentment, self.shop.plan
        known = checkout.customer if checkout.customer and not checkout.customer.deleted else None

        def customer(info: Info) -> Json | None:
            require(info, "read_customers")
            return None if known is None else self.customer(known)

        return {
            "__typename": "AbandonedCheckout",
            "id": gid("AbandonedCheckout", checkout.number),
            "name": f"#{checkout.number}",
            "abandonedCheckoutUrl": (
                f"https://{plan.domain}/{self.shop.front.id}/checkouts/ac/{checkout.token}/recover"
                f"?key={checkout.token[::-1]}&locale={plan.place.locale}"
            ),
            "note": "",
            "taxesIncluded": plan.taxes_included,
            "createdAt": when(checkout.created_at),
            "updatedAt": when(checkout.updated_at),
            "completedAt": when(checkout.completed_at),
            "customer": customer,
            "discountCodes": [application.code for application in basket.applications],
            "taxLines": self._taxes([tax for line in basket.lines for tax in line.taxes], theirs),
            "totalPriceSet": self._bag(totals.price, theirs),
            "subtotalPriceSet": self._bag(totals.subtotal, theirs),
            "totalDiscountSet": self._bag(totals.discounts, theirs),
            "totalLineItemsPriceSet": self._bag(totals.lines, theirs),
            "totalTaxSet": self._bag(totals.tax, theirs),
            "totalDutiesSet": self._bag(basket.duties, theirs) if basket.duties else None,
            "lineItems": parts(basket.lines, lambda line: self._checkout_line(line, theirs)),
        }

    def _checkout_line(self, line: Line, theirs: Presentment) -> Json:
        product, variant = line.product, line.variant
        return {
            "__typename": "AbandonedCheckoutLineItem",
            "id": gid("AbandonedCheckoutLineItem", line.id),
            "title": line.title,
            "variantTitle": variant.title if variant else None,
            "sku": variant.sku if variant else None,
            "quantity": line.quantity,
            "originalUnitPriceSet": self._bag(line.price, theirs),
            "originalTotalPriceSet": self._bag(line.total, theirs),
            "discountedTotalPriceSet": self._bag(line.total - line.discount, theirs),
            "product": later(lambda: self._bought(product)),
            "variant": later(lambda: self._chosen(product, variant)),
        }
