"""Accounts and stores as the command line manages them, on a real database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psycopg
import pytest

from tillstream.foundation.database import listen, open_pool
from tillstream.shops.accounts import add_account, find_account
from tillstream.shops.refusals import (
    AccountUnknown,
    DomainTaken,
    EmailTaken,
    StoreUnknown,
    WeakPassword,
)
from tillstream.shops.sealing import Keyring
from tillstream.shops.stores import StoreDetails, add_store, list_stores, remove_store

if TYPE_CHECKING:
    from tests.conftest import Database

PASSWORD = "brass lamp and seven owls"
NOW = datetime(2026, 3, 15, 12, tzinfo=UTC)
RING = Keyring.of(b"k" * 32)


@pytest.mark.parametrize("who", ["api", "owner"])
async def test_the_command_line_manages_accounts_and_stores(database: Database, who: str) -> None:
    url = database.api_url if who == "api" else database.admin_url
    async with open_pool(url) as pool, open_pool(database.admin_url) as owner:
        ada = await add_account(pool, "Ada@example.com", PASSWORD, "Ada")
        await add_account(pool, "bob@example.com", PASSWORD)
        with pytest.raises(EmailTaken):
            await add_account(pool, "ada@example.com", PASSWORD)
        with pytest.raises(WeakPassword):
            await add_account(pool, "eve@example.com", "short")
        assert await find_account(pool, "ada@EXAMPLE.com") == ada

        store = await add_store(pool, RING, "ada@example.com", "a.myshopify.com", StoreDetails())
        await add_store(pool, RING, "bob@example.com", "b.myshopify.com", StoreDetails())
        with pytest.raises(AccountUnknown):
            await add_store(pool, RING, "eve@example.com", "e.myshopify.com", StoreDetails())
        with pytest.raises(DomainTaken):
            await add_store(pool, RING, "bob@example.com", "a.myshopify.com", StoreDetails())

        assert [(email, s.domain) for email, s in await list_stores(owner)] == [
            ("ada@example.com", "a.myshopify.com"),
            ("bob@example.com", "b.myshopify.com"),
        ]
        assert await list_stores(owner, "ada@example.com") == [("ada@example.com", store)]
        await remove_store(owner, "a.myshopify.com", NOW)
        with pytest.raises(StoreUnknown):
            await remove_store(owner, "a.myshopify.com", NOW)
        assert await list_stores(owner, "ada@example.com") == []


async def test_every_change_of_a_store_is_notified(database: Database) -> None:
    listener = await psycopg.AsyncConnection.connect(database.worker_url, autocommit=True)
    async with listener, open_pool(database.admin_url) as pool:
        await listen(listener, "tillstream_shops")
        await add_account(pool, "ada@example.com", PASSWORD)
        details = StoreDetails(api_secret="s", timezone="Asia/Tokyo")
        await add_store(pool, RING, "ada@example.com", "a.myshopify.com", details)
        await remove_store(pool, "a.myshopify.com", NOW)
        heard = [n.payload async for n in listener.notifies(timeout=5, stop_after=2)]
    assert heard == ["a.myshopify.com", "a.myshopify.com"]


async def test_a_removed_store_is_no_longer_routed(database: Database) -> None:
    async with open_pool(database.admin_url) as pool:
        await add_account(pool, "ada@example.com", PASSWORD)
        details = StoreDetails(api_secret="s", timezone="Asia/Tokyo", currency="JPY")
        store = await add_store(pool, RING, "ada@example.com", "a.myshopify.com", details)
        with psycopg.connect(database.worker_url, autocommit=True) as worker:
            ask = "SELECT * FROM shops.route('{a.myshopify.com,b.myshopify.com}')"
            assert worker.execute(ask).fetchall() == [
                ("a.myshopify.com", 1, store.id, "Asia/Tokyo", "JPY", 600.0, None)
            ]
            await remove_store(pool, "a.myshopify.com", NOW)
            assert worker.execute(ask).fetchall() == []
            assert worker.execute("SELECT * FROM shops.store_secrets()").fetchall() == []
