"""Orders and the customers who placed them: each tells of the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tillstream.simulator.admin.connections import Listing
from tillstream.simulator.admin.context import require
from tillstream.simulator.admin.nodes.afterwards import OfAfterwards
from tillstream.simulator.admin.nodes.fields import Json, first, gid, later, paged, parts, when

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tillstream.simulator.admin.context import Info
    from tillstream.simulator.facts import Customer, Order
    from tillstream.simulator.plan import TaxRate


class OfOrders(OfAfterwards):
    """Orders and customers."""

    __slots__ = ()

    def customer(self, customer: Customer) -> Json:
        """``Customer``."""
        ledger = self.shop.ledger
        orders = [o for o in ledger.orders.values() if o.customer is customer and not o.deleted]
        counted = [order for order in orders if not order.test]
        spent = sum(max(0, order.current.price) for order in counted if not order.cancelled_at)
        last = max(orders, key=lambda order: (order.processed_at, order.id), default=None)
        return {
            "__typename": "Customer",
            "id": gid("Customer", customer.id),
            "legacyResourceId": str(customer.id),
            "firstName": customer.first_name,
            "lastName": customer.last_name,
            "displayName": customer.name,
            "email": customer.email,
            "phone": customer.phone,
            "defaultEmailAddress": {"emailAddress": customer.email},
            "defaultPhoneNumber": {"phoneNumber": customer.phone} if customer.phone else None,
            "state": "ENABLED" if customer.registered else "DISABLED",
            "note": customer.note,
            "tags": [],
            "locale": customer.place.locale,
            "taxExempt": False,
            "verifiedEmail": customer.verified,
            "numberOfOrders": str(len(counted)),
            "amountSpent": self._money(spent),
            "defaultAddress": self._address(customer),
            "lastOrder": later(lambda: None if last is None else self.order(last)),
            "createdAt": when(customer.created_at),
            "updatedAt": when(customer.updated_at),
            "orders": paged(
                Listing(orders, lambda order: (order.processed_at, order.id), self.order)
            ),
        }

    def _address(self, customer: Customer) -> Json:
        place, city = customer.place, customer.city
        return {
            "id": gid("MailingAddress", customer.address_id),
            "address1": customer.street,
            "address2": None,
            "city": city.name,
            "province": city.province,
            "provinceCode": city.province_code,
            "zip": city.zip,
            "country": place.country,
            "countryCodeV2": place.code,
            "firstName": customer.first_name,
            "lastName": customer.last_name,
            "name": customer.name,
            "phone": customer.phone,
        }

    def order(self, order: Order) -> Json:
        """``Order``."""
        return self._order_identity(order) | self._order_money(order) | self._order_parts(order)

    def _order_identity(self, order: Order) -> Json:
        known = order.customer if order.customer and not order.customer.deleted else None
        address = self._address(order.customer) if order.customer else None

        def customer(info: Info) -> Json | None:
            require(info, "read_customers")
            return None if known is None else self.customer(known)

        return {
            "__typename": "Order",
            "id": gid("Order", order.id),
            "legacyResourceId": str(order.id),
            "name": order.name,
            "number": order.number,
            "email": order.email or None,
            "phone": order.phone,
            "note": None,
            "tags": [tag.strip() for tag in order.tags.split(",") if tag.strip()],
            "test": order.test,
            "confirmed": True,
            "closed": order.closed_at is not None,
            "taxesIncluded": order.taxes_included,
            "taxExempt": False,
            "edited": bool(order.edits),
            "dutiesIncluded": False,
            "sourceName": order.channel,
            "customerLocale": self.shop.plan.place.locale,
            "currencyCode": self.shop.plan.currency,
            "presentmentCurrencyCode": (
                order.presentment[0] if order.presentment else self.shop.plan.currency
            ),
            "createdAt": when(order.created_at),
            "processedAt": when(order.processed_at),
            "updatedAt": when(order.updated_at),
            "cancelledAt": when(order.cancelled_at),
            "closedAt": when(order.closed_at),
            "cancelReason": order.cancel_reason.upper() if order.cancel_reason else None,
            "displayFinancialStatus": order.financial_status.upper(),
            "displayFulfillmentStatus": _FULFILLMENT.get(order.fulfillment_status, "OPEN"),
            "customer": customer,
            "shippingAddress": address if order.shipping else None,
            "billingAddress": None if order.shipping else address,
            "discountCode": order.applications[0].code if order.applications else None,
            "discountCodes": [application.code for application in order.applications],
            "paymentGatewayNames": [order.gateway],
        }

    def _order_money(self, order: Order) -> Json:
        placed, now, theirs = order.totals, order.current, order.presentment

        def bag(minor: int) -> Json:
            return self._bag(minor, theirs)

        received = sum(t.amount for t in order.transactions if t.kind in ("sale", "capture"))
        duties_left = order.duties - sum(refund.duties for refund in order.refunds)
        return {
            "totalPriceSet": bag(placed.price),
            "originalTotalPriceSet": bag(placed.price),
            "subtotalPriceSet": bag(placed.subtotal),
            "totalTaxSet": bag(placed.tax),
            "totalDiscountsSet": bag(placed.discounts),
            "totalShippingPriceSet": bag(placed.shipping),
            "totalTipReceivedSet": bag(order.tip),
            "totalRefundedSet": bag(order.given_back),
            "totalReceivedSet": bag(received),
            "netPaymentSet": bag(order.paid),
            "currentTotalPriceSet": bag(now.price),
            "currentSubtotalPriceSet": bag(now.subtotal),
            "currentTotalTaxSet": bag(now.tax),
            "currentTotalDiscountsSet": bag(now.discounts),
            "originalTotalDutiesSet": bag(order.duties) if order.duties else None,
            "currentTotalDutiesSet": bag(duties_left) if order.duties else None,
            "originalTotalAdditionalFeesSet": bag(order.fees) if order.fees else None,
            "currentTotalAdditionalFeesSet": bag(order.fees) if order.fees else None,
            "taxLines": self._taxes(_by_rate(order), theirs),
        }

    def _order_parts(self, order: Order) -> Json:
        return {
            "subtotalLineItemsQuantity": sum(line.quantity for line in order.lines),
            "currentSubtotalLineItemsQuantity": sum(line.remaining for line in order.lines),
            "lineItems": parts(order.lines, lambda line: self.line(order, line)),
            "shippingLines": _shipping_lines(
                parts(order.shipping, lambda line: self._shipping(order, line)),
                parts(
                    [line for line in order.shipping if line.removed is None],
                    lambda line: self._shipping(order, line),
                ),
            ),
            "refunds": first(self.refund(order, refund) for refund in order.refunds),
            "transactions": first(self._transaction(order, t) for t in order.transactions),
            "fulfillments": first(self._fulfillment(order, f) for f in order.fulfillments),
        }


_FULFILLMENT: dict[str | None, str] = {
    None: "UNFULFILLED",
    "partial": "PARTIALLY_FULFILLED",
    "fulfilled": "FULFILLED",
    "restocked": "RESTOCKED",
}


def _shipping_lines(
    every: Callable[..., Json], standing: Callable[..., Json]
) -> Callable[..., Json]:
    """What edits removed is listed only where it is asked for."""

    def resolve(info: Info, *, includeRemovals: bool = False, **arguments: Any) -> Json:
        return (every if includeRemovals else standing)(info, **arguments)

    return resolve


def _by_rate(order: Order) -> list[tuple[TaxRate, int]]:
    sums: dict[TaxRate, int] = {}
    taxes = [tax for line in order.lines for tax in line.taxes]
    for rate, amount in taxes + [tax for line in order.shipping for tax in line.taxes]:
        sums[rate] = sums.get(rate, 0) + amount
    return list(sums.items())
