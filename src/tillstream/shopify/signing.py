"""The signature on a webhook.

https://shopify.dev/docs/apps/build/webhooks/verify-deliveries
"""

from __future__ import annotations

import hmac
from base64 import b64encode


def sign_webhook(secret: bytes, body: bytes) -> str:
    """Base64 of the HMAC-SHA256 of ``body``'s bytes under the app's client secret.

    Raises:
        ValueError: for an empty secret, under which anyone could sign.
    """
    if not secret:
        message = "The secret that signs webhooks is empty; set SHOPIFY_API_SECRET."
        raise ValueError(message)
    return b64encode(hmac.digest(secret, body, "sha256")).decode("ascii")
