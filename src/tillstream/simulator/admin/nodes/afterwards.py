"""Refunds, money and parcels of orders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tillstream.simulator.admin.nodes.fields import Json, gid, later, parts, when
from tillstream.simulator.admin.nodes.lines import OfLines

if TYPE_CHECKING:
    from tillstream.simulator.facts import Fulfillment, Order, Refund, RefundLine, Transaction


class OfAfterwards(OfLines):
    """What happens to orders."""

    __slots__ = ()

    def refund(self, order: Order, refund: Refund) -> Json:
        """``Refund``."""
        theirs = order.presentment
        given = sum(t.amount for t in refund.transactions if t.kind == "refund")
        return {
            "__typename": "Refund",
            "id": gid("Refund", refund.id),
            "legacyResourceId": str(refund.id),
            "note": refund.note,
            "createdAt": when(refund.created_at),
            "processedAt": when(refund.created_at),
            "updatedAt": when(refund.created_at),
            "totalRefundedSet": self._bag(given, theirs),
            "duties": [{"amountSet": self._bag(refund.duties, theirs)}] if refund.duties else [],
            "refundLineItems": parts(refund.lines, lambda item: self._refund_line(order, item)),
            "refundShippingLines": parts(
                list(enumerate(refund.shipping_back)),
                lambda pair: {
                    "__typename": "RefundShippingLine",
                    "id": gid("RefundShippingLine", refund.id + 2 + 8 * pair[0]),
                    "shippingLine": self._shipping(order, pair[1].shipping),
                    "subtotalAmountSet": self._bag(pair[1].amount, theirs),
                    "taxAmountSet": self._bag(pair[1].tax, theirs),
                },
            ),
            "orderAdjustments": parts(
                [refund.discrepancy] if refund.discrepancy else [],
                lambda amount: {
                    "__typename": "OrderAdjustment",
                    "id": gid("OrderAdjustment", refund.id + 4),
                    "amountSet": self._bag(amount, theirs),
                    "taxAmountSet": self._bag(0, theirs),
                    "reason": "REFUND_DISCREPANCY",
                },
            ),
            "transactions": parts(
                refund.transactions, lambda money: self._transaction(order, money)
            ),
        }

    def _refund_line(self, order: Order, item: RefundLine) -> Json:
        theirs = order.presentment
        return {
            "__typename": "RefundLineItem",
            "id": gid("RefundLineItem", item.id),
            "lineItem": self.line(order, item.line),
            "quantity": item.quantity,
            "restocked": item.restock_type != "no_restock",
            "restockType": item.restock_type.upper(),
            "priceSet": self._bag(item.line.price, theirs),
            "subtotalSet": self._bag(item.subtotal, theirs),
            "totalTaxSet": self._bag(item.tax, theirs),
        }

    def _transaction(self, order: Order, money: Transaction) -> Json:
        parent = next((t for t in order.transactions if t.id == money.parent_id), None)
        return {
            "__typename": "OrderTransaction",
            "id": gid("OrderTransaction", money.id),
            "kind": money.kind.upper(),
            "status": "SUCCESS",
            "gateway": order.gateway,
            "amountSet": self._bag(money.amount, order.presentment),
            "parentTransaction": later(lambda: parent and self._transaction(order, parent)),
            "test": order.test,
            "createdAt": when(money.created_at),
            "processedAt": when(money.created_at),
        }

    def _fulfillment(self, order: Order, parcel: Fulfillment) -> Json:
        return {
            "__typename": "Fulfillment",
            "id": gid("Fulfillment", parcel.id),
            "name": f"{order.name}.{parcel.number}",
            "status": "SUCCESS",
            "totalQuantity": sum(units for _, units in parcel.lines),
            "createdAt": when(parcel.created_at),
            "updatedAt": when(parcel.created_at),
        }
