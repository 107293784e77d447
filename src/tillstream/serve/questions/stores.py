"""Which stores a tenant has, and in what zone and currency their figures are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, LiteralString

if TYPE_CHECKING:
    from tillstream.foundation.database import Connection

_STORES: LiteralString = """
SELECT s.id, s.domain, coalesce(r.timezone, s.timezone, 'UTC'),
  coalesce(r.currency, s.currency,
    (SELECT o.currency FROM mirror.orders AS o
     WHERE o.tenant_id = s.tenant_id AND o.store_id = s.id AND o.processed_at IS NOT NULL
     ORDER BY o.processed_at DESC, o.id DESC LIMIT 1),
    'USD')
FROM shops.stores AS s
LEFT JOIN rollup.stores AS r ON r.tenant_id = s.tenant_id AND r.store_id = s.id
WHERE s.tenant_id = %s AND s.removed_at IS NULL
ORDER BY s.domain
"""


@dataclass(frozen=True)
class StoreFrame:
    """A store with the zone and the currency in which its figures are."""

    id: int
    domain: str
    timezone: str
    currency: str


async def stores_of(connection: Connection, tenant_id: int) -> list[StoreFrame]:
    """The tenant's connected stores by domain.

    Zone and currency: those the buckets were made with; until there are any, those the store was
    connected with; then the currency of its latest order; then UTC and USD.
    """
    cursor = await connection.execute(_STORES, (tenant_id,))
    return [StoreFrame(*row) for row in await cursor.fetchall()]
