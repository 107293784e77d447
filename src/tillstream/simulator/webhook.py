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
        "checkouts/create",
        "checkouts/delete",
        "checkouts/update",
        "customers/create",
        "customers/delete",
        "customers/update",
        "order_transactions/create",
        "orders/cancelled",
        "orders/create",
        "orders/delete",
        "orders/edited",
        "orders/fulfilled",
        "orders/paid",
        "orders/updated",
        "products/create",
        "products/delete",
        "products/update",
        "refunds/create",
        "shop/update",
    )
)
"""Every topic a story tells of."""

ECHOES: Final = frozenset(
    (
        "carts/create",
        "order_transactions/create",
        "orders/cancelled",
        "orders/fulfilled",
        "orders/paid",
        "refunds/create",
    )
)
"""Topics that carry nothing ``orders/updated`` does not, and carts, which nothing is built from."""


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
