"""For each resource of the mirror, bodies that together tell every field it has.

Invented by hand; each value differs from what is shown where nothing was told, so that a field that
got lost is seen. ``AT`` is the time of all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.mirror.bodies import Body, Told
    from tillstream.mirror.change import Resource

AT = "2026-03-01T10:00:00Z"
EARLIER = "2026-02-27T09:00:00Z"


def _bag(amount: str, presentment: str = "11.00") -> Body:
    return {
        "shop_money": {"amount": amount, "currency_code": "EUR"},
        "presentment_money": {"amount": presentment, "currency_code": "SEK"},
    }


_CONSENT: Body = {"state": "subscribed", "consent_updated_at": EARLIER}
_CUSTOMER: Body = {
    "id": 7, "email": "ada@example.com", "first_name": "Ada", "last_name": "Okafor", "phone": "+4930123456",
    "created_at": EARLIER, "updated_at": AT, "state": "enabled", "tags": "late, vip", "orders_count": 3,
    "total_spent": "199.90", "currency": "EUR", "email_marketing_consent": _CONSENT,
    "sms_marketing_consent": {"state": "unsubscribed", "consent_updated_at": AT},
}  # fmt: skip
_TRANSACTION: Body = {
    "id": 61, "order_id": 1, "parent_id": 60, "kind": "refund", "status": "success", "amount": "4.00",
    "currency": "EUR", "gateway": "bogus", "test": True, "created_at": EARLIER, "processed_at": AT,
}  # fmt: skip
_LINE: Body = {
    "id": 21, "product_id": 3, "variant_id": 31, "title": "Kettle", "variant_title": "Red", "sku": "K-R",
    "vendor": "Ember", "quantity": 3, "current_quantity": 2, "price": "9.00", "price_set": _bag("9.00"),
    "total_discount": "1.00", "discount_allocations": [{"amount": "1.00", "amount_set": _bag("1.00")}],
    "tax_lines": [{"rate": 0.19, "price": "4.00", "price_set": _bag("4.00")}], "gift_card": True,
    "duties": [{"tax_lines": [{"rate": 0.19, "price": "0.29", "price_set": _bag("0.29")}]}],
}  # fmt: skip
_REFUND: Body = {
    "id": 5, "order_id": 1, "created_at": EARLIER, "processed_at": AT, "note": "torn",
    "refund_line_items": [
        {"line_item_id": 21, "quantity": 1, "subtotal_set": _bag("8.00"), "total_tax_set": _bag("1.28"),
         "line_item": {"id": 21, "gift_card": True}}
    ],
    "refund_shipping_lines": [{"subtotal_amount_set": _bag("2.00"), "tax_amount_set": _bag("0.38")}],
    "order_adjustments": [
        {"kind": "shipping_refund", "amount_set": _bag("-2.00"), "tax_amount_set": _bag("-0.38")},
        {"kind": "refund_discrepancy", "amount_set": _bag("-0.50"), "tax_amount_set": _bag("0.00")},
    ],
    "total_duties_set": _bag("0.70"), "total_additional_fees_set": _bag("0.20"), "return": {"id": 4},
    "transactions": [_TRANSACTION],
}  # fmt: skip
_ORDER: Body = {
    "id": 1, "updated_at": AT, "created_at": EARLIER, "processed_at": EARLIER, "cancelled_at": AT, "closed_at": AT,
    "name": "#1001", "email": "ada@example.com", "phone": "+4930123456", "customer": _CUSTOMER,
    "checkout_token": "t1", "cart_token": "c1", "currency": "EUR", "presentment_currency": "SEK",
    "financial_status": "refunded", "fulfillment_status": "fulfilled", "source_name": "web",
    "cancel_reason": "customer", "taxes_included": True, "test": True, "total_price": "30.00",
    "total_price_set": _bag("30.00", "330.00"), "subtotal_price": "26.00", "total_tax": "4.00",
    "total_discounts": "1.00", "current_total_price": "20.00", "total_tip_received": "2.00",
    "original_total_duties_set": _bag("1.50"), "current_total_duties_set": _bag("0.80"),
    "original_total_additional_fees_set": _bag("0.90"), "current_total_additional_fees_set": _bag("0.40"),
    "total_cash_rounding_payment_adjustment_set": _bag("0.02"),
    "total_cash_rounding_refund_adjustment_set": _bag("0.01"), "discount_codes": [{"code": "SPRING"}],
    "line_items": [_LINE],
    "shipping_lines": [
        {"id": 22, "price_set": _bag("5.00"), "discounted_price_set": _bag("4.00"),
         "current_discounted_price_set": _bag("2.00"), "tax_lines": [{"rate": 0.19, "price_set": _bag("0.76")}]}
    ],
    "shipping_address": {"country_code": "DE", "province_code": "BE"},
    "billing_address": {"country_code": "AT", "province_code": "W"}, "referring_site": "https://news.example/a",
    "landing_site": "/products/kettle?utm=1", "fulfillments": [{"status": "success", "created_at": AT}],
    "returns": [{"id": 4, "exchange_line_items": [{"line_item_id": 21}]}], "refunds": [_REFUND],
}  # fmt: skip
_EDIT: Body = {
    "id": 8, "order_id": 1, "committed_at": AT,
    "line_items": {"additions": [{"id": 21, "delta": 1}], "removals": [{"id": 23, "delta": 1}]},
    "shipping_lines": {"additions": [{"id": 22}], "removals": [{"id": 24}]},
}  # fmt: skip
_VARIANT: Body = {
    "id": 31, "product_id": 3, "title": "Red", "sku": "K-R", "price": "9.00", "compare_at_price": "12.00",
    "inventory_item_id": 41, "inventory_quantity": 6, "position": 2, "updated_at": AT,
}  # fmt: skip

WHOLE: dict[Resource, list[Told]] = {
    "order": [
        ("orders/updated", _ORDER),
        ("refunds/create", _REFUND),
        ("orders/edited", {"order_edit": _EDIT}),
        ("orders/delete", {"id": 1}),
    ],
    "checkout": [
        (
            "checkouts/update",
            {
                "token": "t1", "cart_token": "c1", "name": "#9", "email": "ada@example.com", "phone": "+4930123456",
                "customer": _CUSTOMER, "currency": "EUR", "total_price": "30.00", "created_at": EARLIER,
                "updated_at": AT, "completed_at": AT, "abandoned_checkout_url": "https://shop.example/recover",
                "source_name": "web",
            },
        ),
        ("checkouts/delete", {"token": "t1"}),
    ],
    "customer": [
        ("customers/update", _CUSTOMER),
        (
            "customers/purchasing_summary",
            {
                "customerId": "gid://shopify/Customer/7", "numberOfOrders": 4, "occurredAt": AT,
                "amountSpent": {"amount": "249.00", "currencyCode": "EUR"},
            },
        ),
        (
            "customers/merge",
            {
                "admin_graphql_api_customer_kept_id": "gid://shopify/Customer/8",
                "admin_graphql_api_customer_deleted_id": "gid://shopify/Customer/7", "status": "completed",
            },
        ),
        ("customer.tags_added", {"customerId": "gid://shopify/Customer/7", "tags": ["new"], "occurredAt": AT}),
        ("customer.tags_removed", {"customerId": "gid://shopify/Customer/7", "tags": ["late"], "occurredAt": AT}),
        (
            "customers_email_marketing_consent/update",
            {"customer_id": 7, "email_address": "ada@example.com", "email_marketing_consent": _CONSENT},
        ),
        (
            "customers_marketing_consent/update",
            {"id": 7, "phone": "+4930123456", "sms_marketing_consent": {"state": "pending", "consent_updated_at": AT}},
        ),
        ("customers/delete", {"id": 7}),
    ],
    "product": [
        (
            "products/update",
            {
                "id": 3, "title": "Kettle", "handle": "kettle", "status": "active", "vendor": "Ember",
                "product_type": "Kitchen", "tags": "red, steel", "created_at": EARLIER, "published_at": AT,
                "updated_at": AT, "variants": [_VARIANT],
                "variant_gids": [
                    {"admin_graphql_api_id": f"gid://shopify/ProductVariant/{key}", "updated_at": AT}
                    for key in (32, 31)
                ],
            },
        ),
        ("variants/out_of_stock", {name: told for name, told in _VARIANT.items() if name != "inventory_item_id"}),
        ("variants/in_stock", {name: told for name, told in _VARIANT.items() if name != "inventory_item_id"}),
        ("products/delete", {"id": 3}),
    ],
    "shop": [
        (
            "shop/update",
            {
                "name": "Ember & Oak", "email": "owner@example.com", "domain": "ember.example",
                "myshopify_domain": "ember.myshopify.com", "currency": "EUR", "iana_timezone": "Europe/Berlin",
                "plan_name": "basic", "country_code": "DE", "province_code": "BE", "taxes_included": True,
                "enabled_presentment_currencies": ["EUR", "SEK"], "primary_location_id": 51, "created_at": EARLIER,
                "updated_at": AT,
            },
        )
    ],
    "transaction": [("order_transactions/create", _TRANSACTION)],
    "tender_transaction": [
        (
            "tender_transactions/create",
            {
                "id": 71, "order_id": 1, "amount": "-4.00", "currency": "EUR", "payment_method": "credit_card",
                "processed_at": AT, "updated_at": AT, "test": True,
            },
        )
    ],
    "fulfillment": [
        (
            "fulfillments/update",
            {
                "id": 81, "order_id": 1, "status": "success", "shipment_status": "in_transit", "location_id": 51,
                "service": "manual", "name": "#1001.1", "created_at": EARLIER, "updated_at": AT,
            },
        )
    ],
    "return": [
        (
            "returns/update",
            {
                "id": 4, "order_id": 1, "name": "#1001-R1", "status": "open", "created_at": EARLIER, "updated_at": AT,
                "triggered_at": AT,
            },
        )
    ],
    "draft_order": [
        (
            "draft_orders/update",
            {
                "id": 91, "order_id": 1, "customer": {"id": 7}, "name": "#D1", "status": "completed", "currency": "EUR",
                "total_price": "30.00", "created_at": EARLIER, "updated_at": AT, "completed_at": AT,
            },
        ),
        ("draft_orders/delete", {"id": 91}),
    ],
    "dispute": [
        (
            "disputes/update",
            {
                "id": 95, "order_id": 1, "type": "chargeback", "amount": "30.00", "currency": "EUR",
                "reason": "fraudulent", "status": "won", "initiated_at": EARLIER, "finalized_on": AT,
            },
        )
    ],
    "cart": [
        (
            "carts/update",
            {
                "token": "c1", "created_at": EARLIER, "updated_at": AT,
                "line_items": [{"quantity": 2, "line_price_set": _bag("18.00"), "line_price": "18.00"}],
            },
        )
    ],
    "collection": [
        (
            "collections/update",
            {
                "id": 55, "title": "Red things", "handle": "red-things", "published_at": AT, "updated_at": AT,
                "disjunctive": True, "rules": [{"column": "tag", "relation": "equals", "condition": "red"}],
            },
        ),
        ("collections/delete", {"id": 55}),
    ],
    "inventory_item": [
        (
            "inventory_items/update",
            {
                "id": 41, "sku": "K-R", "cost": "3.20", "tracked": True, "requires_shipping": True,
                "created_at": EARLIER, "updated_at": AT,
            },
        ),
        ("inventory_items/delete", {"id": 41}),
    ],
    "inventory_level": [
        (
            "inventory_levels/update",
            {"inventory_item_id": 41, "location_id": 51, "available": 6, "updated_at": AT},
        ),
        (
            "inventory_levels/disconnect",
            {"inventory_item_id": 41, "location_id": 51, "triggered_at": AT},
        ),
    ],
    "location": [
        (
            "locations/update",
            {
                "id": 51, "name": "Depot", "country_code": "DE", "province_code": "BE", "active": True,
                "created_at": EARLIER, "updated_at": AT,
            },
        ),
        ("locations/delete", {"id": 51}),
    ],
    "domain": [
        (
            "domains/update",
            {
                "id": 57, "host": "ember.example", "ssl_enabled": True, "triggered_at": AT,
                "localization": {"country": "DE", "default_locale": "de", "alternate_locales": ["en"]},
            },
        ),
        ("domains/destroy", {"id": 57}),
    ],
}  # fmt: skip

INSIDE: dict[str, tuple[str, ...]] = {
    "orders/updated": ("customer", "refunds"),
    "checkouts/update": ("customer",),
    "products/update": ("variants",),
    "orders/edited": ("order_edit",),
    "domains/update": ("localization",),
}
"""By topic, the fields that hold resources of their own: of these, too, each field is left out in turn."""


def at(told: Told, moment: str) -> Told:
    """The same body of another time: what says when it is, and nothing else, is moved."""
    topic, body = told
    return topic, {
        **body,
        **{name: moment for name in _STAMPS.get(topic, ("updated_at",)) if name in body},
    }


_STAMPS: dict[str, tuple[str, ...]] = {
    "refunds/create": ("processed_at",),
    "order_transactions/create": ("processed_at",),
    "disputes/update": ("finalized_on",),
    "customers/purchasing_summary": ("occurredAt",),
    "customer.tags_added": ("occurredAt",),
    "customer.tags_removed": ("occurredAt",),
    "inventory_levels/disconnect": ("triggered_at",),
    "domains/update": ("triggered_at",),
}
