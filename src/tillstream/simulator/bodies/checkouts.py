"""Carts and checkouts, in which money has no ``*_set`` bags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tillstream.simulator.bodies.parts import by_rate, code, tax_lines
from tillstream.simulator.bodies.people import People
from tillstream.simulator.bodies.press import Json, encode, raw, utc_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tillstream.simulator.facts import Checkout, Line, Shipping, Totals

_UNMEASURED = raw(
    dict.fromkeys(
        ("measured_type", "quantity_value", "quantity_unit", "reference_value", "reference_unit")
    )
)


class Checkouts(People):
    """Prints what comes before an order."""

    def cart(self, token: str, lines: Sequence[Line], created_at: int, updated_at: int) -> bytes:
        """``carts/create`` and ``carts/update``. Carts print their times in UTC."""
        return encode(
            {
                "id": token,
                "token": token,
                "line_items": [self._cart_line(line) for line in lines],
                "note": None,
                "updated_at": utc_text(updated_at),
                "created_at": utc_text(created_at),
            }
        )

    def _cart_line(self, line: Line) -> Json:
        text, bag = self._text, self._bag
        variant, product = line.variant, line.product
        whole = bag(line.total, None)
        return {
            "id": variant.id if variant else None,
            "properties": {},
            "quantity": line.quantity,
            "variant_id": variant.id if variant else None,
            "key": f"{variant.id if variant else 0}:{line.id & 0xFFFFFFFFFFFFFFF:x}",
            "discounted_price": text(line.price),
            "discounts": [],
            "gift_card": line.gift_card,
            "grams": product.grams if product else 0,
            "line_price": text(line.total),
            "original_line_price": text(line.total),
            "original_price": text(line.price),
            "price": text(line.price),
            "product_id": product.id if product else None,
            "sku": variant.sku if variant else None,
            "taxable": bool(line.taxes),
            "title": line.title,
            "total_discount": text(0),
            "vendor": product.vendor if product else self._plan.name,
            "discounted_price_set": bag(line.price, None),
            "line_price_set": whole,
            "original_line_price_set": whole,
            "price_set": bag(line.price, None),
            "total_discount_set": bag(0, None),
        }

    def checkout(self, checkout: Checkout, totals: Totals) -> bytes:
        """``checkouts/create`` and ``checkouts/update``: plain amounts only, no ``*_set``."""
        text, basket = self._text, checkout.basket
        shipping, visit = basket.shipping, checkout.visit
        printed: Json = {
            "token": checkout.token,
            "cart_token": checkout.cart_token,
            "email": checkout.email,
            "gateway": None,
            "buyer_accepts_marketing": False,
            "buyer_accepts_sms_marketing": False,
            "sms_marketing_phone": None,
            "created_at": self._clock.text(checkout.created_at),
            "updated_at": self._clock.text(checkout.updated_at),
            "landing_site": visit.landing_site if visit else "/",
            "note": "",
            "note_attributes": [],
            "referring_site": visit.referring_site if visit else "",
            "shipping_lines": [self._checkout_shipping(shipping)] if shipping else [],
            "shipping_address": [],
            "taxes_included": self._plan.taxes_included,
            "total_weight": sum(
                line.product.grams * line.quantity for line in basket.lines if line.product
            ),
            "currency": self._currency.code,
            "completed_at": self._optional(checkout.completed_at),
            "closed_at": None,
            "user_id": None,
            "location_id": None,
            "source_identifier": None,
            "source_url": None,
            "device_id": None,
            "phone": checkout.phone,
            "customer_locale": self._plan.place.locale,
            "line_items": [self._checkout_line(line) for line in basket.lines],
            "name": f"#{checkout.number}",
            "source": None,
            "abandoned_checkout_url": (
                f"https://{self._plan.domain}/{self._shop_id}/checkouts/ac/{checkout.token}/recover"
                f"?key={checkout.token[::-1]}&locale={self._plan.place.locale}"
            ),
            "discount_codes": [
                code(a.code, text(a.amount), a.code_type) for a in basket.applications
            ],
            "tax_lines": tax_lines(
                text, by_rate([*basket.lines, *([basket.shipping] if basket.shipping else [])])
            ),
            "source_name": visit.channel if visit else "web",
            "presentment_currency": basket.presentment[0]
            if basket.presentment
            else self._currency.code,
            "total_discounts": text(totals.discounts),
            "total_line_items_price": text(totals.lines),
            "total_price": text(totals.price),
            "total_tax": text(totals.tax),
            "subtotal_price": text(totals.subtotal),
            "total_duties": text(basket.duties) if basket.duties else None,
            "reservation_token": None,
        }
        if self.tells_checkout_ids:
            printed["id"] = checkout.id
        if checkout.customer is not None:
            printed["customer"] = self._person(checkout.customer)
        return encode(printed)

    def checkout_deleted(self, checkout: Checkout, identifier: int, *, names_token: bool) -> bytes:
        """``checkouts/delete``: an id no other body mentions and the cart, seldom the token."""
        printed: Json = {
            "id": identifier,
            "cart_token": checkout.cart_token,
            "presentment_currency": self._currency.code,
        }
        if names_token:
            printed["token"] = checkout.token
        return encode(printed)

    def _checkout_line(self, line: Line) -> Json:
        text, product, variant = self._text, line.product, line.variant
        return {
            "applied_discounts": [],
            "discount_allocations": [
                {"amount": text(amount), "discount_application_index": index}
                for index, amount in line.allocations
            ],
            "key": f"{line.id & 0xFFFFFFFFFFFF:x}",
            "destination_location_id": None,
            "fulfillment_service": "manual",
            "gift_card": line.gift_card,
            "grams": product.grams if product else 0,
            "origin_location_id": None,
            "presentment_title": line.title,
            "presentment_variant_title": variant.title if variant else "",
            "product_id": product.id if product else None,
            "properties": None,
            "quantity": line.quantity,
            "rank": None,
            "requires_shipping": not line.gift_card,
            "sku": variant.sku if variant else None,
            "tax_lines": tax_lines(text, line.taxes),
            "taxable": bool(line.taxes),
            "title": line.title,
            "unit_price_measurement": _UNMEASURED,
            "variant_id": variant.id if variant else None,
            "variant_title": variant.title if variant else "",
            "variant_price": text(line.price),
            "vendor": product.vendor if product else self._plan.name,
            "user_id": None,
            "compare_at_price": None,
            "line_price": text(line.total),
            "price": text(line.price),
        }

    def _checkout_shipping(self, shipping: Shipping) -> Json:
        text = self._text
        return {
            "code": shipping.code,
            "price": text(shipping.price),
            "original_shop_price": text(shipping.price),
            "original_shop_markup": text(0),
            "source": "shopify",
            "title": shipping.title,
            "presentment_title": shipping.title,
            "phone": None,
            "tax_lines": tax_lines(text, shipping.taxes),
            "custom_tax_lines": None,
            "id": f"{shipping.id & 0xFFFFFFFFFFFF:x}",
            "carrier_identifier": None,
            "api_client_id": None,
            "requested_fulfillment_service_id": None,
            "applied_discounts": [],
        }
