"""Leave for another account to take a store over."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, LiteralString

from tillstream.shops.authorization import digest, draw_secret
from tillstream.shops.stores import find_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tillstream.foundation.database import Connection

TRANSFER_LIFETIME: Final = timedelta(days=3)

_OFFER_TRANSFER: LiteralString = """
INSERT INTO shops.transfers (tenant_id, store_id, code_hash, created_at, expires_at)
VALUES (%s, %s, %s, %s, %s)
"""
_WITHDRAW_TRANSFERS: LiteralString = """
DELETE FROM shops.transfers WHERE tenant_id = %s AND store_id = %s AND used_at IS NULL
"""


async def offer_transfer(
    connection: Connection,
    tenant_id: int,
    store_id: int,
    *,
    random: Callable[[int], bytes],
    now: datetime,
) -> tuple[str, datetime]:
    """A code with which another account may connect the shop in this one's place, and its end.

    Codes given before are withdrawn.

    Raises:
        StoreUnknown: if the tenant has no such store.
    """
    await find_store(connection, tenant_id, store_id)
    code = f"tt_{draw_secret(random)}"
    expires_at = now + TRANSFER_LIFETIME
    await connection.execute(_WITHDRAW_TRANSFERS, (tenant_id, store_id))
    values = (tenant_id, store_id, digest(code), now, expires_at)
    await connection.execute(_OFFER_TRANSFER, values)
    return code, expires_at
