"""The stores of a tenant: connecting, changing and removing them, and the secrets they bring."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final, LiteralString
from zoneinfo import available_timezones

from psycopg.errors import UniqueViolation

from tillstream.foundation.database import tenant_transaction
from tillstream.shopify.domains import parse_shop_domain
from tillstream.shops.accounts import find_account, parse_email
from tillstream.shops.apps import retire_store_secret
from tillstream.shops.refusals import (
    AlreadyConnected,
    CurrencyMalformed,
    DomainMalformed,
    DomainTaken,
    StoreUnknown,
    TimezoneUnknown,
)
from tillstream.shops.sealing import store_place

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from tillstream.foundation.database import Connection, Pool
    from tillstream.shops.sealing import Keyring

_CURRENCY: Final = re.compile(r"[A-Z]{3}")

_FIND_BY_DOMAIN: LiteralString = """
SELECT id, removed_at IS NULL FROM shops.stores WHERE tenant_id = %s AND domain = %s FOR UPDATE
"""
_INSERT: LiteralString = """
INSERT INTO shops.stores
  (tenant_id, domain, name, timezone, currency, abandonment_window, client_id)
VALUES (%(tenant)s, %(domain)s, coalesce(%(name)s, ''), %(timezone)s, %(currency)s,
        coalesce(%(window)s, interval '10 minutes'), %(client_id)s)
RETURNING id
"""
_REVIVE: LiteralString = """
UPDATE shops.stores
SET removed_at = NULL, uninstalled_at = NULL, erase_at = NULL, proved_at = NULL,
    connected_by = 'secret', app_key = '', warnings = '[]', token_problem = NULL,
    client_id = coalesce(%(client_id)s, client_id),
    name = coalesce(%(name)s, name), timezone = coalesce(%(timezone)s, timezone),
    currency = coalesce(%(currency)s, currency),
    abandonment_window = coalesce(%(window)s, abandonment_window)
WHERE tenant_id = %(tenant)s AND domain = %(domain)s
RETURNING id
"""
_SEAL_SIGNING: LiteralString = """
UPDATE shops.stores SET api_secret_sealed = %s WHERE tenant_id = %s AND id = %s
"""
# A token that a person gave has no successor, and stands for the app being installed (again).
_SEAL_ACCESS: LiteralString = """
UPDATE shops.stores
SET uninstalled_at = NULL, erase_at = NULL, access_token_sealed = %(sealed)s,
    access_token_expires_at = NULL, refresh_token_sealed = NULL, refresh_token_expires_at = NULL,
    token_problem = NULL, token_failures = 0, token_retry_at = NULL, granted_scopes = NULL,
    installed_at = coalesce(%(now)s, installed_at), warnings = '[]',
    subscriptions_audited_at = NULL, audit_failures = 0, audit_retry_at = NULL
WHERE tenant_id = %(tenant)s AND id = %(store)s
"""
_VOUCH: LiteralString = """
UPDATE shops.stores SET proved_at = %s WHERE tenant_id = %s AND id = %s
"""
_LIST: LiteralString = """
SELECT id, domain, name, timezone, currency, abandonment_window, has_api_secret, has_access_token,
       created_at, app_key, client_id, connected_by, proved_at, granted_scopes, token_problem,
       token_failures, installed_at, uninstalled_at, erase_at, warnings
FROM shops.stores WHERE tenant_id = %s AND removed_at IS NULL ORDER BY domain
"""
_FIND: LiteralString = """
SELECT id, domain, name, timezone, currency, abandonment_window, has_api_secret, has_access_token,
       created_at, app_key, client_id, connected_by, proved_at, granted_scopes, token_problem,
       token_failures, installed_at, uninstalled_at, erase_at, warnings
FROM shops.stores WHERE tenant_id = %s AND id = %s AND removed_at IS NULL
"""
_CHANGE: LiteralString = """
UPDATE shops.stores
SET name = coalesce(%(name)s, name), timezone = coalesce(%(timezone)s, timezone),
    currency = coalesce(%(currency)s, currency),
    abandonment_window = coalesce(%(window)s, abandonment_window),
    client_id = coalesce(%(client_id)s, client_id)
WHERE tenant_id = %(tenant)s AND id = %(store)s AND removed_at IS NULL
RETURNING id
"""
_REMOVE: LiteralString = """
UPDATE shops.stores
SET removed_at = %s, api_secret_sealed = NULL, access_token_sealed = NULL,
    access_token_expires_at = NULL, refresh_token_sealed = NULL, refresh_token_expires_at = NULL
WHERE tenant_id = %s AND id = %s AND removed_at IS NULL
RETURNING id
"""
_DIRECTORY: LiteralString = """
SELECT u.email, s.id, s.domain, s.name, s.timezone, s.currency, s.abandonment_window,
       s.has_api_secret, s.has_access_token, s.created_at, s.app_key, s.client_id, s.connected_by,
       s.proved_at, s.granted_scopes, s.token_problem, s.token_failures, s.installed_at,
       s.uninstalled_at, s.erase_at, s.warnings
FROM shops.stores AS s
JOIN shops.memberships AS m ON m.tenant_id = s.tenant_id AND m.role = 'owner'
JOIN shops.users AS u ON u.id = m.user_id
WHERE s.removed_at IS NULL AND (%(email)s::text IS NULL OR u.email = %(email)s)
ORDER BY s.domain, u.email
"""
_OWNER_OF_DOMAIN: LiteralString = """
SELECT tenant_id, id FROM shops.stores WHERE domain = %s AND removed_at IS NULL
"""


@dataclass(frozen=True)
class Store:
    """A connected store, as its tenant may see it: whether it has secrets, never the secrets."""

    id: int
    domain: str
    name: str
    timezone: str | None
    currency: str | None
    abandonment_window: timedelta
    has_api_secret: bool
    has_access_token: bool
    created_at: datetime
    app_key: str = ""
    """The app it is connected by; empty for the default one."""
    client_id: str | None = None
    """Of the store's own custom app, if it has one."""
    connected_by: str = "secret"
    proved_at: datetime | None = None
    """When Shopify confirmed that the shop agrees; None while it is only claimed."""
    granted_scopes: str | None = None
    """As Shopify told them, separated by commas; None if it has not."""
    token_problem: str | None = None
    """Why the token will not work again; None while it may."""
    token_failures: int = 0
    """Attempts to renew it that failed in a row."""
    installed_at: datetime | None = None
    uninstalled_at: datetime | None = None
    erase_at: datetime | None = None
    warnings: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    """What the steward found, as code and detail."""


@dataclass(frozen=True)
class StoreDetails:
    """What may be told of a store when it is connected or changed; None leaves it as it is."""

    name: str | None = None
    timezone: str | None = None
    currency: str | None = None
    abandonment_window: timedelta | None = None
    api_secret: str | None = field(default=None, repr=False)
    access_token: str | None = field(default=None, repr=False)
    client_id: str | None = None
    vouched_at: datetime | None = None
    """When the operator of the installation said that the shop agrees; never told by a tenant."""


def parse_timezone(text: str) -> str:
    """``text`` as a zone of the IANA database.

    Raises:
        TimezoneUnknown: if it is not one.
    """
    if text not in _timezones():
        raise TimezoneUnknown
    return text


@cache
def _timezones() -> frozenset[str]:
    # "localtime" is the server's own zone, and would mean something else on another machine.
    return frozenset(available_timezones() - {"localtime", "posixrules", "Factory"})


def parse_currency(text: str) -> str:
    """``text`` as a currency code in capitals.

    Raises:
        CurrencyMalformed: if it cannot be one.
    """
    code = text.strip().upper()
    if not _CURRENCY.fullmatch(code):
        raise CurrencyMalformed
    return code


async def connect_store(
    connection: Connection,
    keyring: Keyring,
    tenant_id: int,
    domain: str,
    details: StoreDetails,
    *,
    now: datetime | None = None,
) -> Store:
    """Connect a shop to the tenant, inside its transaction. A store it removed comes back as it was.

    It is claimed by that, not proved: see ``shops.connections``. ``now`` is when an access token
    counts as given.

    Raises:
        DomainMalformed, TimezoneUnknown, CurrencyMalformed: what was told cannot be right.
        AlreadyConnected, DomainTaken: this tenant, or another one, has it.
    """
    shop = parse_shop_domain(domain.strip())
    if shop is None:
        raise DomainMalformed
    values = {"tenant": tenant_id, "domain": shop, **_checked(details)}
    found = await (await connection.execute(_FIND_BY_DOMAIN, (tenant_id, shop))).fetchone()
    if found is not None and found[1]:
        raise AlreadyConnected(shop)
    try:
        async with connection.transaction():
            cursor = await connection.execute(_INSERT if found is None else _REVIVE, values)
            row = await cursor.fetchone()
    except UniqueViolation as error:
        # Whether this tenant in another tab or another tenant, the shop was connected just now.
        raise DomainTaken(shop) from error
    store_id = _the_row(row)[0]
    await _keep_secrets(connection, keyring, tenant_id, store_id, details, now)
    if details.vouched_at is not None:
        await connection.execute(_VOUCH, (details.vouched_at, tenant_id, store_id))
    return await find_store(connection, tenant_id, store_id)


async def list_connected(connection: Connection, tenant_id: int) -> list[Store]:
    """The tenant's stores by domain, inside its transaction."""
    cursor = await connection.execute(_LIST, (tenant_id,))
    return [Store(*row) for row in await cursor.fetchall()]


async def find_store(connection: Connection, tenant_id: int, store_id: int) -> Store:
    """One of the tenant's stores, inside its transaction.

    Raises:
        StoreUnknown: if it has no such store, or removed it.
    """
    row = await (await connection.execute(_FIND, (tenant_id, store_id))).fetchone()
    if row is None:
        raise StoreUnknown
    return Store(*row)


async def change_store(  # noqa: PLR0913 - what, whose, with which secrets, and when
    connection: Connection,
    keyring: Keyring,
    tenant_id: int,
    store_id: int,
    details: StoreDetails,
    *,
    now: datetime | None = None,
    overlap: timedelta | None = None,
) -> Store:
    """Change what ``details`` tells, inside the tenant's transaction.

    A new signing secret leaves the one before it accepted until ``now + overlap``.

    Raises:
        StoreUnknown, TimezoneUnknown, CurrencyMalformed: nothing was changed.
    """
    values = {
        "tenant": tenant_id,
        "store": store_id,
        **_checked(details),
    }
    if await (await connection.execute(_CHANGE, values)).fetchone() is None:
        raise StoreUnknown
    if details.api_secret is not None and now is not None and overlap is not None:
        await retire_store_secret(connection, tenant_id, store_id, now=now, overlap=overlap)
    await _keep_secrets(connection, keyring, tenant_id, store_id, details, now)
    return await find_store(connection, tenant_id, store_id)


async def disconnect_store(
    connection: Connection, tenant_id: int, store_id: int, now: datetime
) -> None:
    """Remove a store, inside the tenant's transaction: its data stays, its secrets are erased.

    Raises:
        StoreUnknown: if it was removed already, or never was.
    """
    if await (await connection.execute(_REMOVE, (now, tenant_id, store_id))).fetchone() is None:
        raise StoreUnknown


async def _keep_secrets(
    connection: Connection,
    keyring: Keyring,
    tenant_id: int,
    store_id: int,
    details: StoreDetails,
    now: datetime | None,
) -> None:
    if details.api_secret is not None:
        sealed = keyring.seal(details.api_secret.encode(), store_place(store_id, "api_secret"))
        await connection.execute(_SEAL_SIGNING, (sealed, tenant_id, store_id))
    if details.access_token is not None:
        sealed = keyring.seal(details.access_token.encode(), store_place(store_id, "access_token"))
        values = {"sealed": sealed, "tenant": tenant_id, "store": store_id, "now": now}
        await connection.execute(_SEAL_ACCESS, values)


def _checked(details: StoreDetails) -> dict[str, object]:
    return {
        "window": details.abandonment_window,
        "name": details.name,
        "client_id": details.client_id,
        "timezone": None if details.timezone is None else parse_timezone(details.timezone),
        "currency": None if details.currency is None else parse_currency(details.currency),
    }


def _the_row(row: tuple[Any, ...] | None) -> tuple[Any, ...]:
    if row is None:
        message = "A statement that returns exactly one row returned none."
        raise RuntimeError(message)
    return row


async def add_store(
    pool: Pool, keyring: Keyring, account: str, domain: str, details: StoreDetails
) -> Store:
    """Connect a shop from the command line to the account with that e-mail address.

    Raises:
        AccountUnknown, and whatever ``connect_store`` refuses.
    """
    owner = await find_account(pool, account)
    async with tenant_transaction(pool, owner.tenant_id) as connection:
        return await connect_store(connection, keyring, owner.tenant_id, domain, details)


async def list_stores(pool: Pool, account: str | None = None) -> list[tuple[str, Store]]:
    """All connected stores with their owners' e-mail addresses, or those of one account.

    ``pool`` is of the database's owner: the API role sees no tenant here.
    """
    email = None if account is None else parse_email(account)
    async with pool.connection() as connection:
        cursor = await connection.execute(_DIRECTORY, {"email": email})
        return [(row[0], Store(*row[1:])) for row in await cursor.fetchall()]


async def remove_store(pool: Pool, domain: str, now: datetime) -> None:
    """Remove a store by its domain, whoever connected it; ``pool`` is of the database's owner.

    Raises:
        DomainMalformed, StoreUnknown: with a sentence for the operator.
    """
    shop = parse_shop_domain(domain.strip())
    if shop is None:
        raise DomainMalformed
    async with pool.connection() as connection:
        row = await (await connection.execute(_OWNER_OF_DOMAIN, (shop,))).fetchone()
    if row is None:
        raise StoreUnknown
    async with tenant_transaction(pool, row[0]) as connection:
        await disconnect_store(connection, row[0], row[1], now)
