"""What Shopify tells of an installation later on: it was uninstalled, its scopes changed.

Both come as webhooks, late, doubled and in any order, and say in unsigned headers when they were
sent. So each is compared with the present installation before it changes anything. All functions
work inside a worker's transaction that may touch the tenant's rows.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, LiteralString, cast

from tillstream.shopify.domains import parse_shop_domain
from tillstream.shopify.scopes import format_scopes, parse_scopes
from tillstream.shops import audit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tillstream.foundation.database import Connection

# The token is ended at Shopify already; ours is gone with it. What was told before the present
# installation is about an earlier one.
_UNINSTALL: LiteralString = """
UPDATE shops.stores
SET uninstalled_at = %(now)s, erase_at = %(now)s + %(keep)s, access_token_sealed = NULL,
    access_token_expires_at = NULL, refresh_token_sealed = NULL, refresh_token_expires_at = NULL,
    token_problem = NULL, token_failures = 0, token_retry_at = NULL, warnings = '[]'
WHERE tenant_id = %(tenant)s AND id = %(store)s AND removed_at IS NULL AND uninstalled_at IS NULL
  AND (installed_at IS NULL OR installed_at <= %(told)s)
RETURNING domain
"""
# A store that gained scopes has topics to subscribe to.
_CHANGE_SCOPES: LiteralString = """
UPDATE shops.stores
SET granted_scopes = %(scopes)s, subscriptions_audited_at = NULL, audit_retry_at = NULL
WHERE tenant_id = %(tenant)s AND id = %(store)s AND removed_at IS NULL AND uninstalled_at IS NULL
  AND granted_scopes IS DISTINCT FROM %(scopes)s
RETURNING domain
"""


def speaks_for(body: bytes, domain: str) -> bool:
    """Whether the signed body of ``app/uninstalled`` (a Shop) is about the shop of the header.

    The header is not signed: with one shop's genuine delivery, another shop could be named in it.
    """
    try:
        shop: object = json.loads(body)
    except ValueError:
        return False
    told = cast("dict[str, Any]", shop).get("myshopify_domain") if isinstance(shop, dict) else None
    return isinstance(told, str) and parse_shop_domain(told) == domain


async def uninstalled(
    connection: Connection,
    tenant_id: int,
    store_id: int,
    *,
    told_at: datetime,
    now: datetime,
    keep_days: int,
) -> bool:
    """The app was uninstalled: forget the tokens now, and the data after ``keep_days``.

    Args:
        connection: in a transaction that may touch the tenant's rows.
        tenant_id: whose store it is.
        store_id: which one.
        told_at: when Shopify triggered the message (``X-Shopify-Triggered-At``).
        now: the time.
        keep_days: days until the data is to be erased.

    Returns:
        false where nothing was to be done: it speaks of an earlier installation, or was told before.
    """
    values = {
        "tenant": tenant_id,
        "store": store_id,
        "told": told_at,
        "now": now,
        "keep": timedelta(days=keep_days),
    }
    row = await (await connection.execute(_UNINSTALL, values)).fetchone()
    if row is None:
        return False
    await audit.note(
        connection,
        tenant_id,
        "store.uninstalled",
        actor=audit.SHOPIFY,
        subject=row[0],
        detail={"erased_after_days": keep_days},
        now=now,
    )
    return True


async def scopes_updated(
    connection: Connection, tenant_id: int, store_id: int, current: Sequence[str], now: datetime
) -> None:
    """Shopify says which scopes are granted now; subscriptions follow."""
    scopes = format_scopes(parse_scopes(",".join(current)))
    values = {"tenant": tenant_id, "store": store_id, "scopes": scopes}
    row = await (await connection.execute(_CHANGE_SCOPES, values)).fetchone()
    if row is not None:
        await audit.note(
            connection,
            tenant_id,
            "store.scopes_changed",
            actor=audit.SHOPIFY,
            subject=row[0],
            detail={"scopes": scopes},
            now=now,
        )
