"""Single deliveries, signed as Shopify signs them."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from tillstream.shopify.signing import sign_webhook

if TYPE_CHECKING:
    import httpx

    from tests.story.installation import Installation


def post(
    client: httpx.Client,
    installation: Installation,
    shop: str,
    topic: str,
    body: bytes | dict[str, Any],
    **headers: str | None,
) -> httpx.Response:
    """Deliver one webhook; a header given as None is left out, ``_`` in names stands for ``-``."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    all_headers: dict[str, str | None] = {
        "x-shopify-topic": topic,
        "x-shopify-shop-domain": shop,
        "x-shopify-webhook-id": str(uuid.uuid4()),
        "x-shopify-api-version": "2026-10",
        "x-shopify-hmac-sha256": sign_webhook(installation.secret, raw),
        "content-type": "application/json",
    }
    all_headers |= {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(
        "/api/webhook",
        content=raw,
        headers={name: value for name, value in all_headers.items() if value is not None},
    )


def order(order_id: int, total: str, **fields: Any) -> dict[str, Any]:
    """A small, well-formed order of one line, without tax, placed on 1 November 2026 at noon UTC."""
    return {
        "id": order_id,
        "name": f"#{order_id}",
        "email": "buyer@example.com",
        "created_at": "2026-11-01T12:00:00+00:00",
        "processed_at": "2026-11-01T12:00:00+00:00",
        "updated_at": "2026-11-01T12:00:00+00:00",
        "currency": "USD",
        "financial_status": "paid",
        "test": False,
        "taxes_included": False,
        "total_price": total,
        "customer": {
            "id": 7,
            "first_name": "Ada",
            "last_name": "Park",
            "email": "buyer@example.com",
        },
        "line_items": [
            {
                "id": order_id + 1,
                "product_id": 1,
                "title": "Mug",
                "quantity": 1,
                "price": total,
                "tax_lines": [],
            }
        ],
        "shipping_lines": [],
        "refunds": [],
        **fields,
    }
