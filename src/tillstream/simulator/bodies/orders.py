"""Orders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tillstream.simulator.bodies.afterwards import Afterwards
from tillstream.simulator.bodies.parts import by_rate, code
from tillstream.simulator.bodies.people import People, address
from tillstream.simulator.bodies.press import Json, encode, raw

if TYPE_CHECKING:
    import msgspec

    from tillstream.simulator.facts import Order, Totals

_CLIENT = raw(
    {
        "accept_language": "en",
        "browser_height": None,
        "browser_ip": "203.0.113.24",
        "browser_width": None,
        "session_hash": None,
        "user_agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15",
    }
)


class Orders(Afterwards, People):
    """Prints orders, with all that has happened to them inside."""

    def order(self, order: Order) -> bytes:
        """Every ``orders/*`` body but ``edited`` and ``delete``."""
        return encode(
            self._order_identity(order)
            | self._order_money(order, order.totals, order.current)
            | self._order_parts(order)
        )

    def _order_identity(self, order: Order) -> Json:
        when = self._clock.text
        online, whence = order.source_name == "web", order.whence
        printed: Json = {
            "id": order.id,
            "admin_graphql_api_id": f"gid://shopify/Order/{order.id}",
            "app_id": 580111 if online else 129785,
            "browser_ip": "203.0.113.24" if online else None,
            "buyer_accepts_marketing": False,
            "cancel_reason": order.cancel_reason,
            "cancelled_at": self._optional(order.cancelled_at),
            "cart_token": order.cart_token,
            "checkout_token": order.checkout_token,
            "client_details": _CLIENT if online else None,
            "closed_at": self._optional(order.closed_at),
            "confirmation_number": order.token[:9].upper(),
            "confirmed": True,
            "contact_email": order.email,
            "created_at": when(order.created_at),
            "currency": self._currency.code,
            "customer_locale": self._plan.place.locale,
            "device_id": 7 if order.source_name == "pos" else None,
            "duties_included": False,
            "email": order.email,
            "estimated_taxes": False,
            "financial_status": order.financial_status,
            "fulfillment_status": order.fulfillment_status,
            "landing_site": whence.landing_site if whence else None,
            "landing_site_ref": None,
            "location_id": self._shop_id + 17 if order.source_name == "pos" else None,
            "merchant_of_record_app_id": None,
            "name": order.name,
            "note": None,
            "note_attributes": [],
            "number": order.number - 1000,
            "order_number": order.number,
            "order_status_url": f"https://{self._plan.domain}/{self._shop_id}/orders/{order.token}/authenticate",
            "payment_gateway_names": [order.gateway],
            "phone": order.phone,
            "po_number": None,
            "presentment_currency": order.presentment[0]
            if order.presentment
            else self._currency.code,
            "processed_at": when(order.processed_at),
            "referring_site": whence.referring_site if whence else None,
            "source_identifier": None,
            "source_name": order.channel,
            "source_url": None,
            "tags": order.tags,
            "tax_exempt": False,
            "taxes_included": order.taxes_included,
            "test": order.test,
            "token": order.token,
            "total_weight": sum(li.product.grams * li.quantity for li in order.lines if li.product),
            "updated_at": when(order.updated_at),
            "user_id": None,
        }
        if self.tells_checkout_ids:
            printed["checkout_id"] = order.checkout_id
        return printed

    def _order_money(self, order: Order, placed: Totals, now: Totals) -> Json:
        theirs = order.presentment
        text = self._text

        def bag(minor: int) -> msgspec.Raw:
            return self._bag(minor, theirs)

        duties_left = order.duties - sum(refund.duties for refund in order.refunds)
        outstanding = max(0, now.price - order.paid) if order.cancelled_at is None else 0
        return {
            "total_price": text(placed.price),
            "total_price_set": bag(placed.price),
            "subtotal_price": text(placed.subtotal),
            "subtotal_price_set": bag(placed.subtotal),
            "total_tax": text(placed.tax),
            "total_tax_set": bag(placed.tax),
            "total_discounts": text(placed.discounts),
            "total_discounts_set": bag(placed.discounts),
            "total_line_items_price": text(placed.lines),
            "total_line_items_price_set": bag(placed.lines),
            "total_shipping_price_set": bag(placed.shipping),
            "total_tip_received": text(order.tip),
            "total_outstanding": text(outstanding),
            "current_total_price": text(now.price),
            "current_total_price_set": bag(now.price),
            "current_subtotal_price": text(now.subtotal),
            "current_subtotal_price_set": bag(now.subtotal),
            "current_total_tax": text(now.tax),
            "current_total_tax_set": bag(now.tax),
            "current_total_discounts": text(now.discounts),
            "current_total_discounts_set": bag(now.discounts),
            "current_shipping_price_set": bag(now.shipping),
            "original_total_duties_set": bag(order.duties) if order.duties else None,
            "current_total_duties_set": bag(duties_left) if order.duties else None,
            "original_total_additional_fees_set": bag(order.fees) if order.fees else None,
            "current_total_additional_fees_set": bag(order.fees) if order.fees else None,
            "total_cash_rounding_payment_adjustment_set": bag(order.cash_rounding),
            "total_cash_rounding_refund_adjustment_set": bag(
                sum(refund.cash_rounding for refund in order.refunds)
            ),
        }

    def _order_parts(self, order: Order) -> Json:
        text, theirs = self._text, order.presentment
        address = self._order_address(order)
        shipping = order.shipping
        printed: Json = {
            "discount_codes": [
                code(a.code, text(a.amount), a.code_type) for a in order.applications
            ],
            "discount_applications": [
                {
                    "target_type": a.target_type,
                    "type": "discount_code",
                    "value": a.value,
                    "value_type": a.value_type,
                    "allocation_method": a.allocation_method,
                    "target_selection": a.target_selection,
                    "code": a.code,
                }
                for a in order.applications
            ],
            "tax_lines": self._taxes(by_rate([*order.lines, *shipping]), theirs),
            "line_items": [self._line(line, order) for line in order.lines],
            "shipping_lines": [self._shipping(one, theirs) for one in shipping],
            "fulfillments": [self._fulfillment(f, order) for f in order.fulfillments],
            "refunds": [self._refund(refund, order) for refund in order.refunds],
            "returns": [self._exchange(one) for one in order.returns],
            "line_item_groups": [],
            "payment_terms": None,
            "billing_address": None if shipping else address,
            "shipping_address": address if shipping else None,
        }
        if order.customer is not None:
            printed["customer"] = self._person(order.customer)
        elif order.id // 512 % 2:
            # A guest's customer is null in some bodies and missing from others.
            printed["customer"] = None
        return printed

    def _order_address(self, order: Order) -> Json | None:
        if order.customer is None:
            return None
        place = order.place or order.customer.place
        city = order.customer.city if place is order.customer.place else place.cities[0]
        return address(order.customer, place, city) | {"latitude": None, "longitude": None}
