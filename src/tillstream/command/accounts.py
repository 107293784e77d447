"""Commands for people: who there is, and a way back in for who forgot their password."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tillstream.command.console import out, print_json, print_table
from tillstream.command.installation import open_database
from tillstream.foundation.clock import utc_now
from tillstream.foundation.database import open_pool, tenant_transaction
from tillstream.shops.accounts import list_accounts
from tillstream.shops.audit import OPERATOR, note
from tillstream.shops.recovery import LIFETIME, LinkSigner, find_for_link

if TYPE_CHECKING:
    from argparse import Namespace

    from tillstream.foundation.settings import Settings


async def account_list(settings: Settings, options: Namespace) -> int:
    """``tillstream account list``."""
    with open_database(settings) as database:
        async with open_pool(database.admin_url) as pool:
            found = await list_accounts(pool)
    if options.json:
        print_json(
            [
                {
                    "email": one.email,
                    "name": one.name,
                    "tenant_id": str(one.tenant_id),
                    "tenant": one.tenant_name,
                    "role": one.role,
                    "since": one.since,
                }
                for one in found
            ]
        )
    else:
        print_table(
            ("E-mail", "Name", "Account", "Role", "Since"),
            [(m.email, m.name, m.tenant_name, m.role, f"{m.since:%Y-%m-%d}") for m in found],
            "There is no account yet: see `tillstream account add --help`.",
        )
    return 0


async def account_password(settings: Settings, options: Namespace) -> int:
    """``tillstream account password``: a link by which the person chooses a new password."""
    now = utc_now()
    with open_database(settings) as database:
        async with open_pool(database.api_url) as pool:
            person = await find_for_link(pool, options.email)
            for tenant_id in person.tenants:
                async with tenant_transaction(pool, tenant_id) as connection:
                    await note(
                        connection,
                        tenant_id,
                        "password.link_asked",
                        actor=OPERATOR,
                        subject=person.email,
                        now=now,
                    )
    token = LinkSigner.of(settings.jwt_secret).issue(person, now)
    link = f"{settings.host}/reset#token={token}"
    if options.json:
        print_json({"email": person.email, "link": link, "expires_at": now + LIFETIME})
    else:
        out.print(f"For an hour, and once, {person.email} can choose a new password at")
        out.print(link, soft_wrap=True, markup=False)
    return 0
