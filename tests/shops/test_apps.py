"""Apps and their secrets, on a real database: what is accepted when, and who may do what.

Real: the database and its three kinds of login. The clock is an argument; where the database looks at
its own, times are an hour away from it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, LiteralString

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillstream.command.apps import parse_moment
from tillstream.foundation.clock import utc_now
from tillstream.foundation.database import connect, open_pool, tenant_transaction
from tillstream.foundation.settings import SettingWrong, load_settings
from tillstream.shops.accounts import add_account
from tillstream.shops.apps import (
    add_app,
    add_secret,
    credentials_of,
    forget_retired,
    list_apps,
    parse_app_key,
    parse_secret,
    retire_app,
    retire_secret,
    retire_store_secret,
)
from tillstream.shops.refusals import (
    AppKeyMalformed,
    AppTaken,
    AppUnknown,
    ClientIdMalformed,
    LastSecret,
    SecretMalformed,
    SecretUnknown,
)
from tillstream.shops.sealing import Keyring
from tillstream.shops.stores import StoreDetails, add_store, change_store

if TYPE_CHECKING:
    from tests.conftest import Database

RING = Keyring.of(b"k" * 32)
SETTINGS = load_settings(
    {
        "JWT_SECRET": "j" * 32,
        "TILLSTREAM_KEY": "ab" * 32,
        "SHOPIFY_API_KEY": "default-id",
        "SHOPIFY_API_SECRET": "of-settings, of-settings-before",
    },
    generate=False,
)
NOW = utc_now()
HOUR = timedelta(hours=1)
PASSWORD = "brass lamp and seven owls"


async def test_credentials_are_those_that_count_newest_first(database: Database) -> None:
    async with await connect(database.admin_url) as owner:
        await add_app(owner, "outlet", client_id="c-1", scopes="read_orders", now=NOW)
        await add_app(owner, "other", client_id="c-2", now=NOW)
        first = await add_secret(owner, RING, "outlet", "first-secret", now=NOW)
        second = await add_secret(owner, RING, "outlet", " second-secret\n", now=NOW)
        await add_secret(owner, RING, "other", "secret-of-other", now=NOW)
        for url in (database.api_url, database.worker_url, database.admin_url):
            async with await connect(url) as anyone:
                found = await credentials_of(anyone, RING, SETTINGS, "outlet")
                assert found is not None
                assert (found.key, found.client_id, found.scopes) == (
                    "outlet",
                    "c-1",
                    "read_orders",
                )
                assert found.secrets == (b"second-secret", b"first-secret")
                assert "secret" not in repr(found).replace("secrets", "")
                assert await credentials_of(anyone, RING, SETTINGS, "nobody") is None
        # It counts until its hour, may be taken back before, and does not count after.
        await retire_secret(owner, "outlet", first, at=NOW + HOUR, now=NOW)
        await retire_secret(owner, "outlet", first, at=NOW + 2 * HOUR, now=NOW)
        found = await credentials_of(owner, RING, SETTINGS, "outlet")
        assert found is not None
        assert found.secrets == (b"second-secret", b"first-secret")
        await retire_secret(owner, "outlet", first, at=NOW - HOUR, now=NOW)
        found = await credentials_of(owner, RING, SETTINGS, "outlet")
        assert found is not None
        assert found.secrets == (b"second-secret",)
        with pytest.raises(LastSecret):
            await retire_secret(owner, "outlet", second, at=NOW, now=NOW)
        with pytest.raises(SecretUnknown):
            await retire_secret(owner, "other", second, at=NOW, now=NOW)


async def test_the_default_apps_secrets_are_the_settings_and_those_that_were_added(
    database: Database,
) -> None:
    async with await connect(database.admin_url) as owner:
        found = await credentials_of(owner, RING, SETTINGS, "")
        assert found is not None
        assert (found.client_id, found.secrets) == (
            "default-id", (b"of-settings", b"of-settings-before"),
        )  # fmt: skip
        added = await add_secret(owner, RING, "", "newest-secret", now=NOW)
        await add_secret(owner, RING, "", "of-settings", now=NOW)
        found = await credentials_of(owner, RING, SETTINGS, "")
        assert found is not None
        assert found.secrets == (b"of-settings", b"newest-secret", b"of-settings-before")
        await retire_secret(owner, "", added, at=NOW, now=NOW)
        with pytest.raises(AppUnknown):
            await retire_app(owner, "", now=NOW)
        with pytest.raises(AppTaken):
            await add_app(owner, "default", client_id="c", now=NOW)


async def test_a_removed_app_is_none_and_may_come_back_without_its_secrets(
    database: Database,
) -> None:
    async with await connect(database.admin_url) as owner:
        await add_app(owner, "outlet", client_id="c-1", now=NOW)
        await add_secret(owner, RING, "outlet", "first-secret", now=NOW)
        with pytest.raises(AppTaken):
            await add_app(owner, "outlet", client_id="c-2", now=NOW)
        await retire_app(owner, "outlet", now=NOW)
        assert await credentials_of(owner, RING, SETTINGS, "outlet") is None
        kept = await owner.execute(
            "SELECT count(*) FROM shops.app_secrets WHERE sealed IS NOT NULL"
        )
        assert await kept.fetchone() == (0,)
        with pytest.raises(AppUnknown):
            await add_secret(owner, RING, "outlet", "another-secret", now=NOW)
        with pytest.raises(AppUnknown):
            await retire_app(owner, "outlet", now=NOW)
        await add_app(owner, "outlet", client_id="c-2", now=NOW)
        found = await credentials_of(owner, RING, SETTINGS, "outlet")
        assert found is not None
        assert (found.client_id, found.secrets) == ("c-2", ())
        (told,) = [app for app in await list_apps(owner) if app.key == "outlet"]
        assert [secret.erased for secret in told.secrets] == [True]


async def test_what_retired_long_ago_is_erased(database: Database) -> None:
    async with (
        await connect(database.admin_url) as owner,
        await connect(database.worker_url) as worker,
    ):
        await add_app(owner, "outlet", client_id="c-1", now=NOW)
        ids = [
            await add_secret(owner, RING, "outlet", f"secret-{n}-it-is", now=NOW) for n in range(3)
        ]
        await retire_secret(owner, "outlet", ids[0], at=NOW - 31 * 24 * HOUR, now=NOW)
        await retire_secret(owner, "outlet", ids[1], at=NOW - HOUR, now=NOW)
        assert await forget_retired(worker, NOW) == 1
        assert await forget_retired(worker, NOW) == 0
        (told,) = [app for app in await list_apps(owner) if app.key == "outlet"]
        assert {one.id: one.erased for one in told.secrets} == {
            ids[0]: True,
            ids[1]: False,
            ids[2]: False,
        }
        with pytest.raises(SecretUnknown):
            await retire_secret(owner, "outlet", ids[0], at=NOW + HOUR, now=NOW)


REFUSED: list[LiteralString] = [
    "SELECT * FROM shops.apps",
    "SELECT * FROM shops.app_secrets",
    "INSERT INTO shops.apps (key) VALUES ('mine')",
    "UPDATE shops.app_secrets SET retires_at = NULL",
    "DELETE FROM shops.app_secrets",
    "SELECT sealed FROM shops.retiring_secrets",
    "INSERT INTO shops.retiring_secrets OVERRIDING SYSTEM VALUE SELECT 1, 1, 1, 'x', now(), now() + interval '1 hour'",
    "UPDATE shops.retiring_secrets SET retires_at = now() + interval '1 year'",
    "DELETE FROM shops.retiring_secrets",
]


async def test_neither_role_can_touch_apps_or_read_what_is_sealed(database: Database) -> None:
    for url in (database.api_url, database.worker_url):
        async with await connect(url) as anyone:
            for statement in REFUSED:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    await anyone.execute(statement)
    async with await connect(database.api_url) as api:
        for call in ("shops.store_secrets()", "shops.forget_retired_secrets(now())"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await api.execute(f"SELECT * FROM {call}")


async def test_a_store_keeps_its_secrets_of_before_for_a_while_and_the_latest_four_at_most(
    database: Database,
) -> None:
    async with open_pool(database.api_url) as api, open_pool(database.worker_url) as workers:
        ada = await add_account(api, "ada@example.com", PASSWORD)
        bob = await add_account(api, "bob@example.com", PASSWORD)
        store = await add_store(
            api, RING, "ada@example.com", "a.myshopify.com", StoreDetails(api_secret="secret-0")
        )
        for number in range(1, 8):
            async with tenant_transaction(api, ada.tenant_id) as connection:
                await change_store(
                    connection, RING, ada.tenant_id, store.id,
                    StoreDetails(api_secret=f"secret-{number}"), now=NOW, overlap=HOUR,
                )  # fmt: skip
        async with workers.connection() as worker:
            rows = await (await worker.execute("SELECT * FROM shops.store_secrets()")).fetchall()
        opened = {
            RING.open(bytes(sealed), f"shops.stores/{store.id}/api_secret".encode()): ends
            for _, _, sealed, ends in rows
        }
        assert opened == {
            b"secret-7": None,
            **{f"secret-{n}".encode(): NOW + HOUR for n in (3, 4, 5, 6)},
        }
        # Nobody moves another tenant's secrets, whatever they say of themselves.
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with tenant_transaction(api, bob.tenant_id) as connection:
                await retire_store_secret(
                    connection, ada.tenant_id, store.id, now=NOW, overlap=HOUR
                )
        async with tenant_transaction(api, bob.tenant_id) as connection:
            assert not await retire_store_secret(
                connection, bob.tenant_id, store.id, now=NOW, overlap=HOUR
            )
            seen = await connection.execute(
                "SELECT count(*), count(id) FROM shops.retiring_secrets"
            )
            assert await seen.fetchone() == (0, 0)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with api.connection() as connection:
                await retire_store_secret(
                    connection, ada.tenant_id, store.id, now=NOW, overlap=HOUR
                )
        async with workers.connection() as worker:
            assert await forget_retired(worker, NOW + HOUR) == 4


@given(st.text(max_size=70))
def test_a_key_fits_into_an_address_as_it_is(text: str) -> None:
    try:
        key = parse_app_key(text)
    except AppKeyMalformed:
        return
    assert key == "" or all(c.isascii() and (c.islower() or c.isdigit() or c == "-") for c in key)
    assert len(key) <= 63


@given(st.text("zq#§", min_size=4, max_size=7) | st.text("zq#§", min_size=513, max_size=520))
def test_a_refused_secret_is_not_repeated(text: str) -> None:
    with pytest.raises(SecretMalformed) as refused:
        parse_secret(text)
    assert text not in str(refused.value)


async def test_a_malformed_app_is_refused(database: Database) -> None:
    async with await connect(database.admin_url) as owner:
        for key in ("Outlet", "-x", "a/b", "a" * 64, "ö", "a b"):
            with pytest.raises(AppKeyMalformed):
                await add_app(owner, key, client_id="c", now=NOW)
        for client_id in ("", "a b", "x" * 129, "\n"):
            with pytest.raises(ClientIdMalformed):
                await add_app(owner, "outlet", client_id=client_id, now=NOW)


def test_times_are_given_as_people_say_them() -> None:
    assert parse_moment("now", NOW) == NOW
    assert parse_moment("+90m", NOW) == NOW + timedelta(minutes=90)
    assert parse_moment("+1h", NOW) == NOW + HOUR
    assert parse_moment("+2d", NOW) == NOW + timedelta(days=2)
    assert parse_moment("2026-11-22T18:00:00+01:00", NOW).isoformat() == "2026-11-22T17:00:00+00:00"
    for text in ("", "tomorrow", "2026-11-22T18:00:00", "+1y", "1h"):
        with pytest.raises(SettingWrong):
            parse_moment(text, NOW)
