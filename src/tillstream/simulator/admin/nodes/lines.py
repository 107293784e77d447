"""Lines and shipping of orders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tillstream.simulator.admin.nodes.fields import Json, first, gid, later
from tillstream.simulator.admin.nodes.wares import OfWares

if TYPE_CHECKING:
    from tillstream.simulator.admin.context import Info
    from tillstream.simulator.facts import Line, Order, Shipping


class OfLines(OfWares):
    """What orders are made of."""

    __slots__ = ()

    def line(self, order: Order, line: Line) -> Json:
        """``LineItem``."""
        theirs, product, variant = order.presentment, line.product, line.variant
        title = variant.title if variant and variant.title != "Default Title" else None
        net = line.total - line.discount
        bag = self._bag

        def discounted(_: Info, *, withCodeDiscounts: bool = False) -> Json:
            return bag(net if withCodeDiscounts else line.total, theirs)

        return {
            "__typename": "LineItem",
            "id": gid("LineItem", line.id),
            "title": line.title,
            "name": f"{line.title} - {title}" if title else line.title,
            "variantTitle": title,
            "sku": variant.sku if variant else None,
            "vendor": product.vendor if product else None,
            "quantity": line.quantity,
            "currentQuantity": line.remaining,
            "refundableQuantity": line.remaining,
            "unfulfilledQuantity": max(0, line.remaining - line.fulfilled),
            "isGiftCard": line.gift_card,
            "requiresShipping": not (line.gift_card or line.tip),
            "taxable": bool(line.taxes),
            "originalUnitPriceSet": bag(line.price, theirs),
            "originalTotalSet": bag(line.total, theirs),
            "discountedUnitPriceSet": bag(line.price, theirs),
            # Codes count only where they are asked for.
            "discountedTotalSet": discounted,
            "totalDiscountSet": bag(0, theirs),
            "discountAllocations": [
                {"allocatedAmountSet": bag(amount, theirs)} for _, amount in line.allocations
            ],
            "taxLines": first(self._taxes(line.taxes, theirs)),
            "product": later(lambda: self._bought(product)),
            "variant": later(lambda: self._chosen(product, variant)),
        }

    def _shipping(self, order: Order, shipping: Shipping) -> Json:
        theirs = order.presentment
        net, tax = shipping.left(included=order.taxes_included)
        left = net + (tax if order.taxes_included else 0)
        allocated = (
            [{"allocatedAmountSet": self._bag(shipping.discount, theirs)}]
            if shipping.discount
            else []
        )
        return {
            "__typename": "ShippingLine",
            "id": gid("ShippingLine", shipping.id),
            "title": shipping.title,
            "code": shipping.code,
            "source": "shopify",
            "isRemoved": shipping.removed is not None,
            "originalPriceSet": self._bag(shipping.price, theirs),
            "discountedPriceSet": self._bag(shipping.discounted, theirs),
            "currentDiscountedPriceSet": self._bag(left, theirs),
            "discountAllocations": allocated,
            "taxLines": self._taxes(shipping.taxes, theirs),
        }
