"""Keeps what Shopify granted: the store is connected by it, or connected again.

All functions with a ``connection`` work inside the tenant's transaction, as the API role.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, LiteralString

from psycopg.errors import UniqueViolation

from tillstream.shops.authorization import digest
from tillstream.shops.refusals import DomainTaken, StoreUnknown
from tillstream.shops.sealing import store_place
from tillstream.shops.stores import Store, find_store

if TYPE_CHECKING:
    from tillstream.foundation.database import Connection
    from tillstream.shopify.grants import Grant
    from tillstream.shops.authorization import Pending
    from tillstream.shops.sealing import Keyring

Verdict = Literal["free", "won", "transferred", "taken"]

_VERDICT: LiteralString = "SELECT shops.verdict_of(%s, %s)"
_TAKE_OVER: LiteralString = "SELECT shops.take_over(%s, %s)"
_FIND_BY_DOMAIN: LiteralString = """
SELECT id FROM shops.stores WHERE tenant_id = %s AND domain = %s FOR UPDATE
"""
_INSERT: LiteralString = """
INSERT INTO shops.stores (tenant_id, domain) VALUES (%s, %s) RETURNING id
"""
_KEEP_GRANT: LiteralString = """
UPDATE shops.stores
SET removed_at = NULL, uninstalled_at = NULL, erase_at = NULL,
    app_key = %(app)s, client_id = %(client_id)s, connected_by = 'oauth', proved_at = %(now)s,
    installed_at = %(installed)s, granted_scopes = %(scopes)s, token_problem = NULL,
    token_failures = 0, token_retry_at = NULL, token_refreshed_at = %(now)s,
    access_token_sealed = %(access)s, access_token_expires_at = %(expires)s,
    refresh_token_sealed = %(refresh)s, refresh_token_expires_at = %(refresh_expires)s,
    warnings = '[]', subscriptions_audited_at = NULL, audit_failures = 0, audit_retry_at = NULL
WHERE tenant_id = %(tenant)s AND id = %(store)s
"""


def installation_time(timestamp: str, now: datetime) -> datetime:
    """When an installation happened, for comparison with what Shopify's clock says of later events.

    The callback's signed ``timestamp`` counts whole seconds by Shopify's clock, ours may be off:
    so it is our time, kept within that second. (Two things that Shopify dates are compared: an
    uninstallation that came just before a re-installation must not end the new one.)
    """
    told = datetime.fromtimestamp(int(timestamp), UTC)
    return min(max(now, told), told + timedelta(seconds=1))


async def verdict_of(connection: Connection, state: str, now: datetime) -> Verdict:
    """What is in the way of connecting the shop of a grant that was just used up.

    Asked before the code is exchanged: an exchange ends the refresh tokens that the same app had
    of the shop before, and so would lock out another account that is to keep it.
    """
    row = await (await connection.execute(_VERDICT, (digest(state), now))).fetchone()
    return "taken" if row is None else row[0]


async def keep_grant(  # noqa: PLR0913 - what was granted, to whom, by what, and when
    connection: Connection,
    keyring: Keyring,
    tenant_id: int,
    state: str,
    pending: Pending,
    grant: Grant,
    *,
    installed_at: datetime,
    now: datetime,
) -> tuple[Store, Verdict]:
    """Connect the shop to the tenant by what Shopify granted, or connect it again.

    Raises:
        DomainTaken: another tenant has proved it, and gave no leave. Nothing is kept then.
    """
    row = await (await connection.execute(_TAKE_OVER, (digest(state), now))).fetchone()
    verdict: Verdict = "taken" if row is None else row[0]
    if verdict == "taken":
        raise DomainTaken(pending.domain)
    try:
        async with connection.transaction():
            store_id = await _store_of(connection, tenant_id, pending.domain)
            await connection.execute(
                _KEEP_GRANT,
                {
                    "tenant": tenant_id,
                    "store": store_id,
                    "app": pending.app_key,
                    "client_id": pending.client_id,
                    "installed": installed_at,
                    "now": now,
                    "scopes": grant.scopes,
                    **seal_grant(keyring, store_id, grant),
                },
            )
    except UniqueViolation as error:
        raise DomainTaken(pending.domain) from error
    return await find_store(connection, tenant_id, store_id), verdict


async def holds(connection: Connection, tenant_id: int, domain: str) -> bool:
    """Whether the tenant has that shop connected."""
    cursor = await connection.execute(
        "SELECT FROM shops.stores WHERE tenant_id = %s AND domain = %s AND removed_at IS NULL",
        (tenant_id, domain),
    )
    return await cursor.fetchone() is not None


async def _store_of(connection: Connection, tenant_id: int, domain: str) -> int:
    found = await (await connection.execute(_FIND_BY_DOMAIN, (tenant_id, domain))).fetchone()
    if found is None:
        found = await (await connection.execute(_INSERT, (tenant_id, domain))).fetchone()
    if found is None:
        raise StoreUnknown
    return int(found[0])


def seal_grant(keyring: Keyring, store_id: int, grant: Grant) -> dict[str, object]:
    """A grant as the columns ``access``, ``expires``, ``refresh`` and ``refresh_expires``."""
    refresh = grant.refresh_token
    return {
        "access": keyring.seal(grant.access_token.encode(), store_place(store_id, "access_token")),
        "expires": grant.expires_at,
        "refresh": None
        if refresh is None
        else keyring.seal(refresh.encode(), store_place(store_id, "refresh_token")),
        "refresh_expires": grant.refresh_expires_at,
    }
