"""One delivery to be made, before it is signed and addressed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime

API_VERSION: Final = "2026-10"
"""The version whose bodies are printed."""

ALL_TOPICS: Final = frozenset(
    (
        "carts/create",
        "carts/update",
        "checkouts/create",
        "checkouts/delete",
        "checkouts/update",
        "collections/create",
        "collections/delete",
        "collections/update",
        "customer.tags_added",
        "customer.tags_removed",
        "customers/create",
        "customers/delete",
        "customers/disable",
        "customers/enable",
        "customers/merge",
        "customers/purchasing_summary",
        "customers/update",
        "customers_email_marketing_consent/update",
        "customers_marketing_consent/update",
        "disputes/create",
        "disputes/update",
        "domains/create",
        "domains/destroy",
        "domains/update",
        "draft_orders/create",
        "draft_orders/delete",
        "draft_orders/update",
        "fulfillments/create",
        "fulfillments/update",
        "inventory_items/create",
        "inventory_items/delete",
        "inventory_items/update",
        "inventory_levels/connect",
        "inventory_levels/disconnect",
        "inventory_levels/update",
        "locations/activate",
        "locations/create",
        "locations/deactivate",
        "locations/delete",
        "locations/update",
        "order_transactions/create",
        "orders/cancelled",
        "orders/create",
        "orders/delete",
        "orders/edited",
        "orders/fulfilled",
        "orders/paid",
        "orders/partially_fulfilled",
        "orders/updated",
        "products/create",
        "products/delete",
        "products/update",
        "refunds/create",
        "returns/approve",
        "returns/cancel",
        "returns/close",
        "returns/decline",
        "returns/process",
        "returns/reopen",
        "returns/request",
        "returns/update",
        "shop/update",
        "tender_transactions/create",
        "variants/in_stock",
        "variants/out_of_stock",
    )
)
"""Every topic a story tells of. The others are about the connection and the law: the stand-in for
Shopify's Admin sends those."""

ECHOES: Final = frozenset(
    (
        "carts/create",
        "carts/update",
        "customer.tags_added",
        "customer.tags_removed",
        "customers/disable",
        "customers/enable",
        "customers/purchasing_summary",
        "customers_email_marketing_consent/update",
        "customers_marketing_consent/update",
        "draft_orders/create",
        "draft_orders/delete",
        "draft_orders/update",
        "fulfillments/create",
        "fulfillments/update",
        "order_transactions/create",
        "orders/cancelled",
        "orders/fulfilled",
        "orders/paid",
        "orders/partially_fulfilled",
        "refunds/create",
        "returns/approve",
        "returns/cancel",
        "returns/close",
        "returns/decline",
        "returns/process",
        "returns/reopen",
        "returns/request",
        "returns/update",
        "tender_transactions/create",
    )
)
"""Topics that a lean phase leaves out: they carry nothing ``orders/updated`` does not, or no figure is made
of them."""


class Webhook(NamedTuple):
    """What Shopify sends: the body as bytes, and what its headers say.

    ``webhook_id`` is one delivery's, ``event_id`` one merchant action's. ``due`` is when a
    punctual delivery would arrive. ``name`` is the subscription's, if it has one.
    """

    shop: str
    topic: str
    body: bytes
    webhook_id: str
    event_id: str
    triggered_at: datetime
    api_version: str
    due: datetime
    name: str | None = None
