"""Print facts as Shopify's webhook bodies of API version 2026-04 and later.

REST-shaped, with integer ids, decimal strings, ``*_set`` bags in shop and presentment money,
and times in the shop's offset. Neither checkouts nor orders carry a checkout id any more:
https://shopify.dev/changelog/removed-checkout-id-from-checkouts-and-orders-webhooks

Parts that stay the same from one body to the next (people, amounts, parcels) are encoded once
and kept as raw JSON.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from tillstream.simulator.currency import MILLION, Currency, at_rate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tillstream.simulator.facts import (
        Basket,
        Checkout,
        Customer,
        Edit,
        Fulfillment,
        Line,
        Order,
        Product,
        Refund,
        RefundLine,
        Shipping,
        Totals,
        Transaction,
        Variant,
    )
    from tillstream.simulator.places import City, Place
    from tillstream.simulator.plan import ShopPlan, TaxRate
    from tillstream.simulator.shop_clock import ShopClock

Json: TypeAlias = dict[str, Any]
Presentment: TypeAlias = tuple[str, int] | None

_encode = msgspec.json.Encoder().encode


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(_encode(value))


_CLIENT = _raw(
    {
        "accept_language": "en",
        "browser_height": None,
        "browser_ip": "203.0.113.24",
        "browser_width": None,
        "session_hash": None,
        "user_agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15",
    }
)
_EMPTY_RECEIPT = _raw({})
_UNMEASURED = _raw(
    dict.fromkeys(
        ("measured_type", "quantity_value", "quantity_unit", "reference_value", "reference_unit")
    )
)


class Bodies:
    """The press of one shop."""

    def __init__(self, plan: ShopPlan, clock: ShopClock, shop_id: int) -> None:
        self._plan = plan
        self._currency = Currency.of(plan.currency)
        # Prices recur: most amounts were printed before.
        self._text: Callable[[int], str] = lru_cache(maxsize=1 << 16)(self._currency.text)
        self._clock = clock
        self._shop_id = shop_id
        self._bags: dict[int, msgspec.Raw] = {}
        self._people: dict[int, tuple[int, msgspec.Raw]] = {}

    # -- money ----------------------------------------------------------------------------------

    def _bag(self, minor: int, presentment: Presentment) -> msgspec.Raw:
        """A ``*_set``: the amount in the shop's money and in the buyer's."""
        if presentment is not None:
            return self._foreign_bag(minor, presentment)
        found = self._bags.get(minor)
        if found is None:
            money = f'{{"amount":"{self._text(minor)}","currency_code":"{self._currency.code}"}}'
            found = msgspec.Raw(f'{{"shop_money":{money},"presentment_money":{money}}}'.encode())
            self._bags[minor] = found
        return found

    def _foreign_bag(self, minor: int, presentment: tuple[str, int]) -> msgspec.Raw:
        theirs = Currency.of(presentment[0])
        ours = f'{{"amount":"{self._text(minor)}","currency_code":"{self._currency.code}"}}'
        amount = theirs.text(exchanged(minor, self._currency, presentment))
        return msgspec.Raw(
            f'{{"shop_money":{ours},"presentment_money":{{"amount":"{amount}","currency_code":"{theirs.code}"}}}}'.encode()
        )

    def _number(self, minor: int) -> float:
        """Refunds print two amounts as JSON numbers."""
        return minor / 10**self._currency.decimals

    # -- people ---------------------------------------------------------------------------------

    def customer(self, customer: Customer) -> bytes:
        """``customers/create`` and ``customers/update``."""
        address = self._home(customer)
        return _encode(
            self._identity(customer) | {"addresses": [address], "default_address": address}
        )

    def customer_deleted(self, customer: Customer) -> bytes:
        """``customers/delete``."""
        gid = f"gid://shopify/Customer/{customer.id}"
        return _encode({"id": customer.id, "admin_graphql_api_id": gid, "tax_exemptions": []})

    def _person(self, customer: Customer) -> msgspec.Raw:
        """The customer inside an order or a checkout."""
        known = self._people.get(customer.id)
        if known is not None and known[0] == customer.updated_at:
            return known[1]
        printed = _raw(self._identity(customer) | {"default_address": self._home(customer)})
        self._people[customer.id] = customer.updated_at, printed
        return printed

    def _home(self, customer: Customer) -> Json:
        return _address(customer, customer.place, customer.city) | {
            "id": customer.address_id,
            "customer_id": customer.id,
            "country_name": customer.place.country,
            "default": True,
        }

    def _identity(self, customer: Customer) -> Json:
        return {
            "id": customer.id,
            "created_at": self._clock.text(customer.created_at),
            "updated_at": self._clock.text(customer.updated_at),
            "first_name": customer.first_name,
            "last_name": customer.last_name,
            "state": "enabled" if customer.registered else "disabled",
            "note": customer.note,
            "verified_email": customer.verified,
            "multipass_identifier": None,
            "tax_exempt": False,
            "email": customer.email,
            "phone": customer.phone,
            "currency": self._currency.code,
            "tax_exemptions": [],
            "admin_graphql_api_id": f"gid://shopify/Customer/{customer.id}",
        }

    # -- wares ----------------------------------------------------------------------------------

    def product(self, product: Product) -> bytes:
        """``products/create`` and ``products/update``."""
        updated = self._clock.text(product.updated_at)
        return _encode(
            {
                "admin_graphql_api_id": f"gid://shopify/Product/{product.id}",
                "body_html": f"<p>{product.title} by {product.vendor}.</p>",
                "created_at": self._clock.text(product.created_at),
                "handle": product.handle,
                "id": product.id,
                "product_type": product.product_type,
                "published_at": self._clock.text(product.created_at),
                "template_suffix": "",
                "title": product.title,
                "updated_at": updated,
                "vendor": product.vendor,
                "status": product.status,
                "published_scope": "global",
                "tags": product.product_type.lower(),
                "variants": [self._variant(product, variant) for variant in product.variants],
                "options": [
                    {
                        "name": product.option_name,
                        "id": product.id + 1,
                        "product_id": product.id,
                        "position": 1,
                        "values": [variant.title for variant in product.variants],
                    }
                ],
                "images": [],
                "image": None,
                "media": [],
                "variant_gids": [
                    {
                        "admin_graphql_api_id": f"gid://shopify/ProductVariant/{variant.id}",
                        "updated_at": updated,
                    }
                    for variant in product.variants
                ],
                "has_variants_that_requires_components": False,
                "category": None,
            }
        )

    def _variant(self, product: Product, variant: Variant) -> Json:
        text = self._text
        compare = variant.compare_at_price
        return {
            "admin_graphql_api_id": f"gid://shopify/ProductVariant/{variant.id}",
            "barcode": None,
            "compare_at_price": None if compare is None else text(compare),
            "created_at": self._clock.text(product.created_at),
            "id": variant.id,
            "inventory_policy": "deny",
            "position": variant.position,
            "price": text(variant.price),
            "product_id": product.id,
            "sku": variant.sku,
            "taxable": bool(product.taxes),
            "title": variant.title,
            "updated_at": self._clock.text(product.updated_at),
            "option1": variant.title,
            "option2": None,
            "option3": None,
            "image_id": None,
            "inventory_item_id": variant.inventory_item_id,
            "inventory_quantity": variant.inventory_quantity,
            "old_inventory_quantity": variant.inventory_quantity,
        }

    def identifier_only(self, identifier: int) -> bytes:
        """``products/delete`` and ``orders/delete``."""
        return _encode({"id": identifier})

    def shop(self, created_at: int, updated_at: int, plan_name: str) -> bytes:
        """``shop/update``."""
        plan, city = self._plan, self._plan.place.cities[0]
        abroad = [plan.abroad.currency] if plan.abroad else []
        return _encode(
            {
                "id": self._shop_id,
                "name": plan.name,
                "email": f"hello@{plan.domain.partition('.')[0]}.example.com",
                "domain": plan.domain,
                "province": city.province,
                "country": plan.place.code,
                "address1": f"1 {plan.place.streets[0]}",
                "address2": None,
                "zip": city.zip,
                "city": city.name,
                "source": None,
                "phone": f"{plan.place.phone}0100",
                "latitude": None,
                "longitude": None,
                "primary_locale": plan.place.locale[:2],
                "created_at": self._clock.text(created_at),
                "updated_at": self._clock.text(updated_at),
                "country_code": plan.place.code,
                "country_name": plan.place.country,
                "currency": plan.currency,
                "customer_email": f"care@{plan.domain.partition('.')[0]}.example.com",
                "timezone": f"(GMT{self._clock.text(updated_at)[-6:]}) {plan.zone}",
                "iana_timezone": plan.zone,
                "shop_owner": f"{plan.name} Owner",
                "money_format": "{{amount}}",
                "money_with_currency_format": f"{{{{amount}}}} {plan.currency}",
                "weight_unit": "kg",
                "province_code": city.province_code,
                "taxes_included": plan.taxes_included,
                "auto_configure_tax_inclusivity": False,
                "tax_shipping": plan.shipping_taxed,
                "county_taxes": True,
                "plan_display_name": plan_name.title(),
                "plan_name": plan_name,
                "has_discounts": True,
                "has_gift_cards": True,
                "myshopify_domain": plan.domain,
                "google_apps_domain": None,
                "google_apps_login_enabled": None,
                "money_in_emails_format": "{{amount}}",
                "eligible_for_payments": True,
                "requires_extra_payments_agreement": False,
                "password_enabled": False,
                "has_storefront": True,
                "finances": True,
                "primary_location_id": self._shop_id + 17,
                "checkout_api_supported": True,
                "multi_location_enabled": False,
                "setup_required": False,
                "pre_launch_enabled": False,
                "enabled_presentment_currencies": [plan.currency, *abroad],
                "marketing_sms_consent_enabled_at_checkout": False,
                "transactional_sms_disabled": False,
            }
        )

    # -- before the order -----------------------------------------------------------------------

    def cart(self, checkout: Checkout) -> bytes:
        """``carts/create``. Carts print their times in UTC."""
        token = checkout.cart_token
        return _encode(
            {
                "id": token,
                "token": token,
                "line_items": [self._cart_line(line) for line in checkout.basket.lines],
                "note": None,
                "updated_at": utc_text(checkout.created_at),
                "created_at": utc_text(checkout.created_at),
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
            "vendor": self._plan.name,
            "discounted_price_set": bag(line.price, None),
            "line_price_set": whole,
            "original_line_price_set": whole,
            "price_set": bag(line.price, None),
            "total_discount_set": bag(0, None),
        }

    def checkout(self, checkout: Checkout, totals: Totals) -> bytes:
        """``checkouts/create`` and ``checkouts/update``: plain amounts only, no ``*_set``."""
        text, basket = self._text, checkout.basket
        shipping = basket.shipping
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
            "landing_site": "/",
            "note": "",
            "note_attributes": [],
            "referring_site": "",
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
                _code(a.code, text(a.amount), a.code_type) for a in basket.applications
            ],
            "tax_lines": _tax_lines(text, _by_rate(basket)),
            "source_name": "web",
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
        if checkout.customer is not None:
            printed["customer"] = self._person(checkout.customer)
        return _encode(printed)

    def checkout_deleted(self, checkout: Checkout, identifier: int, *, names_token: bool) -> bytes:
        """``checkouts/delete``: an id no other body mentions and the cart, seldom the token."""
        printed: Json = {
            "id": identifier,
            "cart_token": checkout.cart_token,
            "presentment_currency": self._currency.code,
        }
        if names_token:
            printed["token"] = checkout.token
        return _encode(printed)

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
            "tax_lines": _tax_lines(text, line.taxes),
            "taxable": bool(line.taxes),
            "title": line.title,
            "unit_price_measurement": _UNMEASURED,
            "variant_id": variant.id if variant else None,
            "variant_title": variant.title if variant else "",
            "variant_price": text(line.price),
            "vendor": self._plan.name,
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
            "tax_lines": _tax_lines(text, shipping.taxes),
            "custom_tax_lines": None,
            "id": f"{shipping.id & 0xFFFFFFFFFFFF:x}",
            "carrier_identifier": None,
            "api_client_id": None,
            "requested_fulfillment_service_id": None,
            "applied_discounts": [],
        }

    # -- the order ------------------------------------------------------------------------------

    def order(self, order: Order) -> bytes:
        """Every ``orders/*`` body but ``edited`` and ``delete``."""
        return _encode(
            self._order_identity(order)
            | self._order_money(order, order.totals, order.current)
            | self._order_parts(order)
        )

    def _order_identity(self, order: Order) -> Json:
        when = self._clock.text
        online = order.source_name == "web"
        return {
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
            "landing_site": "/" if online else None,
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
            "referring_site": "" if online else None,
            "source_identifier": None,
            "source_name": order.source_name,
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
            "total_cash_rounding_payment_adjustment_set": bag(0),
            "total_cash_rounding_refund_adjustment_set": bag(0),
        }

    def _order_parts(self, order: Order) -> Json:
        text, theirs = self._text, order.presentment
        address = self._order_address(order)
        shipping = order.shipping
        printed: Json = {
            "discount_codes": [
                _code(a.code, text(a.amount), a.code_type) for a in order.applications
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
            "tax_lines": self._taxes(_by_rate(order), theirs),
            "line_items": [self._line(line, order) for line in order.lines],
            "shipping_lines": [self._shipping(shipping, theirs)] if shipping else [],
            "fulfillments": [self._fulfillment(f, order) for f in order.fulfillments],
            "refunds": [self._refund(refund, order) for refund in order.refunds],
            "returns": [],
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
        return _address(order.customer, place, city) | {"latitude": None, "longitude": None}

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
            "current_discounted_price_set": self._bag(shipping.discounted, theirs),
            "discounted_price": text(shipping.discounted),
            "discounted_price_set": self._bag(shipping.discounted, theirs),
            "is_removed": False,
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

    # -- after the order ------------------------------------------------------------------------

    def edited(self, order: Order, edit: Edit) -> bytes:
        """``orders/edited``: a delta of quantities, without amounts."""
        when = self._clock.text(edit.committed_at)
        return _encode(
            {
                "order_edit": {
                    "id": edit.id,
                    "app_id": None,
                    "created_at": when,
                    "committed_at": when,
                    "notify_customer": False,
                    "order_id": order.id,
                    "staff_note": "",
                    "user_id": None,
                    "line_items": {
                        "additions": [{"id": line.id, "delta": n} for line, n in edit.additions],
                        "removals": [{"id": line.id, "delta": n} for line, n in edit.removals],
                    },
                    "discounts": {"line_item": {"additions": [], "removals": []}},
                    "shipping_lines": {"additions": [], "removals": []},
                }
            }
        )

    def refund(self, refund: Refund, order: Order) -> bytes:
        """``refunds/create``: the refund at the root."""
        return _encode(self._refund(refund, order))

    def _refund(self, refund: Refund, order: Order) -> Json:
        when, theirs = self._clock.text(refund.created_at), order.presentment
        duties: list[Json] = []
        if refund.duties:
            duties.append(
                {"duty_id": refund.id + 1, "amount_set": self._bag(refund.duties, theirs)}
            )
        return {
            "id": refund.id,
            "admin_graphql_api_id": f"gid://shopify/Refund/{refund.id}",
            "created_at": when,
            "note": refund.note,
            "order_id": order.id,
            "processed_at": when,
            "restock": refund.restock,
            "return": None,
            "user_id": 902541635,
            "duties": duties,
            "total_duties_set": self._bag(refund.duties, theirs),
            "refund_line_items": [self._refund_line(line, order) for line in refund.lines],
            "refund_shipping_lines": self._refunded_shipping(refund, order),
            "order_adjustments": self._adjustments(refund, order),
            "transactions": [self._transaction(t, order) for t in refund.transactions],
        }

    def _refund_line(self, item: RefundLine, order: Order) -> Json:
        theirs = order.presentment
        return {
            "id": item.id,
            "line_item": self._line(item.line, order),
            "line_item_id": item.line.id,
            "location_id": self._shop_id + 17 if item.restock_type != "no_restock" else None,
            "quantity": item.quantity,
            "restock_type": item.restock_type,
            "subtotal": self._number(item.subtotal),
            "subtotal_set": self._bag(item.subtotal, theirs),
            "total_tax": self._number(item.tax),
            "total_tax_set": self._bag(item.tax, theirs),
        }

    def _refunded_shipping(self, refund: Refund, order: Order) -> list[Json]:
        if refund.shipping == 0 or refund.told_as == "adjustments" or order.shipping is None:
            return []
        return [
            {
                "id": refund.id + 2,
                "shipping_line": self._shipping(order.shipping, order.presentment),
                "subtotal_amount_set": self._bag(refund.shipping, order.presentment),
                "tax_amount_set": self._bag(refund.shipping_tax, order.presentment),
            }
        ]

    def _adjustments(self, refund: Refund, order: Order) -> list[Json]:
        told: list[Json] = []
        if refund.shipping and refund.told_as != "lines":
            told.append(
                self._adjustment(
                    refund, order, "shipping_refund", -refund.shipping, -refund.shipping_tax
                )
            )
        if refund.discrepancy:
            told.append(
                self._adjustment(refund, order, "refund_discrepancy", refund.discrepancy, 0)
            )
        return told

    def _adjustment(self, refund: Refund, order: Order, kind: str, amount: int, tax: int) -> Json:
        text, theirs = self._text, order.presentment
        return {
            "id": refund.id + (3 if kind == "shipping_refund" else 4),
            "amount": text(amount),
            "amount_set": self._bag(amount, theirs),
            "kind": kind,
            "order_id": order.id,
            "reason": "Shipping refund" if kind == "shipping_refund" else "Refund discrepancy",
            "refund_id": refund.id,
            "tax_amount": text(tax),
            "tax_amount_set": self._bag(tax, theirs),
        }

    def transaction(self, transaction: Transaction, order: Order) -> bytes:
        """``order_transactions/create``."""
        return _encode(self._transaction(transaction, order))

    def _transaction(self, transaction: Transaction, order: Order) -> Json:
        when = self._clock.text(transaction.created_at)
        theirs = order.presentment
        code, amount = self._currency.code, self._text(transaction.amount)
        if theirs is not None:
            code = theirs[0]
            amount = Currency.of(code).text(exchanged(transaction.amount, self._currency, theirs))
        nothing = {"amount": Currency.of(code).text(0), "currency": code}
        return {
            "id": transaction.id,
            "admin_graphql_api_id": f"gid://shopify/OrderTransaction/{transaction.id}",
            "amount": amount,
            "amount_rounding": None,
            "authorization": f"ch_{transaction.id:x}",
            "created_at": when,
            "currency": code,
            "device_id": None,
            "error_code": None,
            "gateway": order.gateway,
            "kind": transaction.kind,
            "location_id": None,
            "manual_payment_gateway": order.gateway in ("bank_transfer", "cash"),
            "message": "Transaction approved",
            "order_id": order.id,
            "parent_id": transaction.parent_id,
            "payment_id": f"{order.name}.{len(order.transactions)}",
            "processed_at": when,
            "receipt": _EMPTY_RECEIPT,
            "source_name": order.source_name,
            "status": "success",
            "test": order.test,
            "total_unsettled_set": {"presentment_money": nothing, "shop_money": nothing},
            "user_id": None,
        }

    def _fulfillment(self, fulfillment: Fulfillment, order: Order) -> Json:
        when = self._clock.text(fulfillment.created_at)
        number = f"TS{fulfillment.id % 10**10:010d}"
        url = f"https://track.example.com/{number}"
        return {
            "id": fulfillment.id,
            "admin_graphql_api_id": f"gid://shopify/Fulfillment/{fulfillment.id}",
            "created_at": when,
            "location_id": self._shop_id + 17,
            "name": f"{order.name}.{fulfillment.number}",
            "order_id": order.id,
            "origin_address": {},
            "receipt": {},
            "service": "manual",
            "shipment_status": None,
            "status": "success",
            "tracking_company": "Other",
            "tracking_number": number,
            "tracking_numbers": [number],
            "tracking_url": url,
            "tracking_urls": [url],
            "updated_at": when,
            "line_items": [
                {
                    "id": line.id,
                    "quantity": units,
                    "title": line.title,
                    "variant_id": line.variant.id,
                }
                for line, units in fulfillment.lines
                if line.variant
            ],
        }

    def _optional(self, at: int | None) -> str | None:
        return None if at is None else self._clock.text(at)


def exchanged(minor: int, ours: Currency, presentment: tuple[str, int]) -> int:
    """``minor`` of the shop's money in the buyer's smallest unit."""
    theirs = Currency.of(presentment[0])
    return at_rate(minor * 10**theirs.decimals, presentment[1]) // 10**ours.decimals


def utc_text(at: int) -> str:
    """RFC 3339 in UTC with milliseconds, as carts have it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(at))


def _code(code: str, amount: str, kind: str) -> Json:
    return {"code": code, "amount": amount, "type": kind}


def _by_rate(holder: Basket | Order) -> list[tuple[TaxRate, int]]:
    """The order's taxes, one sum for each rate, shipping's among them."""
    sums: dict[TaxRate, int] = {}
    shipping = holder.shipping.taxes if holder.shipping else []
    for rate, amount in [tax for line in holder.lines for tax in line.taxes] + shipping:
        sums[rate] = sums.get(rate, 0) + amount
    return list(sums.items())


def _tax_lines(text: Callable[[int], str], taxes: Sequence[tuple[TaxRate, int]]) -> list[Json]:
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


def _address(customer: Customer, place: Place, city: City) -> Json:
    return {
        "first_name": customer.first_name,
        "last_name": customer.last_name,
        "name": customer.name,
        "company": None,
        "address1": customer.street,
        "address2": None,
        "city": city.name,
        "province": city.province,
        "province_code": city.province_code,
        "country": place.country,
        "country_code": place.code,
        "zip": city.zip,
        "phone": customer.phone,
    }
