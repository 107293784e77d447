"""Commands for connections to Shopify: the app's configuration, audits, and leave to take a store over."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, LiteralString

from tillstream.command.audit_findings import can_be_reached
from tillstream.command.console import err, out, print_json, print_table
from tillstream.command.installation import open_database
from tillstream.command.subscription_audit import Auditor
from tillstream.foundation.clock import utc_now
from tillstream.foundation.database import connect, open_pool, tenant_transaction
from tillstream.shopify.domains import parse_shop_domain
from tillstream.shopify.manifest import manifest
from tillstream.shopify.wire import open_http
from tillstream.shops import audit
from tillstream.shops.apps import DEFAULT_NAME, credentials_of, list_apps, parse_app_key
from tillstream.shops.refusals import AppUnknown, DomainMalformed, StoreUnknown
from tillstream.shops.renewal import Renewal, StoreKey
from tillstream.shops.sealing import Keyring
from tillstream.shops.standing import TITLES
from tillstream.shops.transfers import offer_transfer

if TYPE_CHECKING:
    from argparse import Namespace

    from tillstream.command.installation import Database
    from tillstream.foundation.settings import Settings

_FIND: LiteralString = """
SELECT tenant_id, id FROM shops.stores WHERE domain = %s AND removed_at IS NULL
"""
_NAME: Final = "Tillstream"


async def shopify_toml(settings: Settings, options: Namespace) -> int:
    """``tillstream shopify toml``."""
    key = parse_app_key(options.app)
    with open_database(settings) as database:
        async with await connect(database.admin_url) as connection:
            keyring = Keyring.from_settings(settings)
            app = await credentials_of(connection, keyring, settings, key)
            names = {one.key: one.name for one in await list_apps(connection)}
    if app is None:
        raise AppUnknown(key or DEFAULT_NAME)
    text = manifest(
        app.client_id,
        settings.host,
        app.scopes,
        app.key,
        names.get(app.key) or options.name or _NAME,
    )
    if options.json:
        print_json({"app": app.key, "toml": text})
    else:
        out.print(text, end="", markup=False, highlight=False, soft_wrap=True)
    if not can_be_reached(settings.host, None):
        err.print(f"Shopify takes https:// addresses only, and HOST is {settings.host}: set HOST.")
    return 0


async def store_audit(settings: Settings, options: Namespace) -> int:
    """``tillstream store audit``: exit status 1 when something is left to be seen to."""
    with open_database(settings) as database:
        key = await _store(database, options.domain)
        async with (
            open_pool(database.worker_url, max_size=2) as pool,
            open_http(settings.shopify_address) as http,
        ):
            keyring = Keyring.from_settings(settings)
            renewal = Renewal(pool, http, keyring, settings, utc_now)
            found = await Auditor(pool, http, renewal, settings).audit(key)
    answer = {
        "audited": found is not None,
        "warnings": [
            {"code": one.code, "title": TITLES.get(one.code, ""), "detail": one.detail}
            for one in found or []
        ],
    }
    if options.json:
        print_json(answer)
    elif found is None:
        err.print(
            "Shopify could not be asked: the store has no token that works, or did not answer. "
            "Its page in the dashboard says more."
        )
    else:
        print_table(
            ("Code", "Finding"),
            [(one.code, one.detail) for one in found],
            "All wanted webhooks are subscribed, once each.",
        )
    return 0 if found == [] else 1


async def store_transfer(settings: Settings, options: Namespace) -> int:
    """``tillstream store transfer``: the operator's word instead of the owner's."""
    now = utc_now()
    with open_database(settings) as database:
        key = await _store(database, options.domain)
        async with (
            open_pool(database.api_url) as pool,
            tenant_transaction(pool, key.tenant_id) as connection,
        ):
            code, expires_at = await offer_transfer(
                connection, key.tenant_id, key.store_id, random=os.urandom, now=now
            )
            await audit.note(
                connection,
                key.tenant_id,
                "store.transfer_offered",
                actor=audit.OPERATOR,
                subject=options.domain,
                now=now,
            )
    if options.json:
        print_json({"domain": options.domain, "code": code, "expires_at": expires_at})
    else:
        out.print(
            f"Who is to have {options.domain} connects it with the code {code} until "
            f"{expires_at:%Y-%m-%d %H:%M} UTC:\n"
            f"{settings.host}/api/auth/shopify?shop={options.domain}&transfer={code}",
            soft_wrap=True,
        )
    return 0


async def _store(database: Database, domain: str) -> StoreKey:
    """The connected store of a domain, whoever has it."""
    shop = parse_shop_domain(domain.strip())
    if shop is None:
        raise DomainMalformed
    async with await connect(database.admin_url) as connection:
        row = await (await connection.execute(_FIND, (shop,))).fetchone()
    if row is None:
        raise StoreUnknown
    return StoreKey(*row)
