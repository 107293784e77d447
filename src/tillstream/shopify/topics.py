"""The topics of webhooks: their two spellings, and the scopes that each of them needs.

https://shopify.dev/docs/api/admin-graphql/latest/enums/WebhookSubscriptionTopic
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tillstream.shopify.scopes import missing_scopes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

COMPLIANCE_TOPICS: Final = ("customers/data_request", "customers/redact", "shop/redact")
"""Declared in the app's configuration; the Admin API cannot subscribe to them.

https://shopify.dev/docs/apps/build/compliance/privacy-law-compliance
"""

_ORDERS: Final = ("read_orders", "read_marketplace_orders")
_ORDERS_OR_BUYERS: Final = (*_ORDERS, "read_buyer_membership_orders")
_RETURNS: Final = (
    "read_returns",
    "read_marketplace_returns",
    "read_buyer_membership_orders",
)

# Any one of the scopes is enough; none at all: every app may subscribe.
SCOPES: Final[Mapping[str, tuple[str, ...]]] = {
    "orders/create": _ORDERS,
    "orders/paid": _ORDERS,
    "orders/fulfilled": _ORDERS,
    "orders/partially_fulfilled": _ORDERS,
    "orders/updated": _ORDERS_OR_BUYERS,
    "orders/cancelled": _ORDERS_OR_BUYERS,
    "orders/edited": _ORDERS_OR_BUYERS,
    "orders/delete": ("read_orders",),
    "refunds/create": _ORDERS_OR_BUYERS,
    "order_transactions/create": _ORDERS_OR_BUYERS,
    "tender_transactions/create": ("read_orders",),
    "checkouts/create": ("read_orders",),
    "checkouts/update": ("read_orders",),
    "checkouts/delete": ("read_orders",),
    "carts/create": ("read_orders",),
    "carts/update": ("read_orders",),
    "customers/create": ("read_customers",),
    "customers/update": ("read_customers",),
    "customers/delete": ("read_customers",),
    "customers/enable": ("read_customers",),
    "customers/disable": ("read_customers",),
    "customers/purchasing_summary": ("read_customers",),
    "customers/merge": ("read_customer_merge",),
    "customer.tags_added": ("read_customers",),
    "customer.tags_removed": ("read_customers",),
    "customers_email_marketing_consent/update": ("read_customers",),
    "customers_marketing_consent/update": ("read_customers",),
    "products/create": ("read_products",),
    "products/update": ("read_products",),
    "products/delete": ("read_products",),
    "variants/in_stock": ("read_products",),
    "variants/out_of_stock": ("read_products",),
    "collections/create": ("read_products",),
    "collections/update": ("read_products",),
    "collections/delete": ("read_products",),
    "inventory_levels/connect": ("read_inventory",),
    "inventory_levels/update": ("read_inventory",),
    "inventory_levels/disconnect": ("read_inventory",),
    "inventory_items/create": ("read_inventory", "read_products"),
    "inventory_items/update": ("read_inventory", "read_products"),
    "inventory_items/delete": ("read_inventory", "read_products"),
    "locations/create": ("read_locations",),
    "locations/update": ("read_locations",),
    "locations/activate": ("read_locations",),
    "locations/deactivate": ("read_locations",),
    "locations/delete": ("read_locations",),
    "fulfillments/create": ("read_fulfillments", "read_marketplace_orders"),
    "fulfillments/update": ("read_fulfillments", "read_marketplace_orders"),
    "returns/request": _RETURNS,
    "returns/approve": _RETURNS,
    "returns/decline": _RETURNS,
    "returns/cancel": _RETURNS,
    "returns/close": _RETURNS,
    "returns/reopen": _RETURNS,
    "returns/process": _RETURNS,
    "returns/update": _RETURNS,
    "draft_orders/create": ("read_draft_orders",),
    "draft_orders/update": ("read_draft_orders",),
    "draft_orders/delete": ("read_draft_orders",),
    "disputes/create": ("read_shopify_payments_disputes",),
    "disputes/update": ("read_shopify_payments_disputes",),
    "shop/update": (),
    "app/uninstalled": (),
    "app/scopes_update": (),
    "bulk_operations/finish": (),
    "domains/create": (),
    "domains/update": (),
    "domains/destroy": (),
}
"""Every topic that is known here and that the Admin API can subscribe to."""


def topic_enum(topic: str) -> str:
    """A topic as GraphQL names it: ``orders/create`` is ``ORDERS_CREATE``."""
    return topic.upper().replace("/", "_").replace(".", "_")


_BY_ENUM: Final[Mapping[str, str]] = {
    topic_enum(topic): topic for topic in (*SCOPES, *COMPLIANCE_TOPICS)
}


def topic_name(enum: str) -> str | None:
    """A topic as the header names it; None for one that is not known here.

    The way back cannot be computed: where the slash stood is not told (``APP_SCOPES_UPDATE``).
    """
    return _BY_ENUM.get(enum)


def may_subscribe(topic: str, granted: Iterable[str]) -> bool:
    """Whether the granted scopes are enough for ``topic``; never for the compliance topics."""
    scopes = SCOPES.get(topic)
    if scopes is None:
        return False
    held = frozenset(granted)
    return not scopes or any(not missing_scopes(held, {scope}) for scope in scopes)
