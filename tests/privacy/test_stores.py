"""Whole stores: ``shop/redact``, the end of the time after uninstalling, and what tenants keep shorter.

See office.py for what is real.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import psycopg
from psycopg import sql

from tests.privacy.office import PARTITIONS, Office, office, say
from tests.privacy.test_redact import life, redact
from tests.rollup.worlds import NOW
from tillstream.command.erasing import STORE_TABLES, Eraser, Retained
from tillstream.foundation.database import connect

if TYPE_CHECKING:
    from tests.conftest import Database
    from tillstream.mirror.merge import Store


def rows_of(here: Office, store: Store) -> dict[str, int]:
    """How many rows each table has of a store; those with none are left out."""
    found: dict[str, int] = {}
    for schema, table in here.world.ask(
        "SELECT table_schema, table_name FROM information_schema.columns JOIN information_schema.tables "
        "USING (table_schema, table_name) WHERE column_name = 'store_id' AND table_type = 'BASE TABLE'"
    ):
        number = here.world.one(
            sql.SQL("SELECT count(*) FROM {} WHERE store_id = %s").format(
                sql.Identifier(schema, table)
            ),
            store.store_id,
        )
        if number:
            found[f"{schema}.{table}"] = number
    return found


def test_every_table_of_a_store_is_erased(database: Database) -> None:
    """A table that is new has to be erased, too; those of shops go with the store's row."""
    with psycopg.connect(database.admin_url) as connection:
        tables = connection.execute(
            "SELECT table_schema, table_name FROM information_schema.columns JOIN information_schema.tables "
            "USING (table_schema, table_name) WHERE column_name = 'store_id' AND table_type = 'BASE TABLE' "
            "AND table_schema IN ('mirror', 'rollup')"
        ).fetchall()
    assert set(tables) == set(STORE_TABLES)


async def test_shop_redact_leaves_a_receipt_and_nothing_else(database: Database) -> None:
    async with office(database) as here:
        tenant = here.world.tenant()
        shop, store = here.world.store(tenant)
        other, kept = here.world.store(tenant)
        here.world.ask(
            "UPDATE shops.stores SET api_secret_sealed = 'sealed', name = 'A fine shop' WHERE id = %s",
            store.store_id,
        )
        both = [
            *life(shop),
            *(msgspec.structs.replace(one, shop=other) for one in life(shop)),
        ]
        await here.deliver(both)
        figures = here.sums(kept)
        body = {"shop_id": 1, "shop_domain": shop}
        await here.deliver([say(shop, "shop/redact", body, 100)])
        assert await here.erase() == 1
        left = rows_of(here, store)
        assert left.pop("shops.privacy_requests") == 1
        assert not left
        assert not here.deliveries(shop)
        row = here.world.ask(
            "SELECT name, timezone, api_secret_sealed, removed_at IS NOT NULL FROM shops.stores WHERE id = %s",
            store.store_id,
        )
        assert row == [("", None, None, True)]
        assert here.sums(kept) == figures
        assert len(here.deliveries(other)) == len(life(shop)) + 2
        (request,) = here.requests()
        assert request["receipt"]["counts"]["deliveries"] >= len(life(shop))
        # What comes after all is nobody's, and is not applied.
        status = await here.deliver(life(shop)[:1])
        assert status.unrouted == 1


async def test_what_the_law_asks_of_a_removed_store_is_done(database: Database) -> None:
    """Two accounts had the shop; neither has it any more, and both forget."""
    async with office(database) as here:
        shop, store = here.world.store(here.world.tenant())
        await here.deliver(life(shop))
        here.world.ask("UPDATE shops.stores SET removed_at = now() WHERE id = %s", store.store_id)
        second = here.world.tenant()
        here.world.ask("INSERT INTO shops.stores (tenant_id, domain) VALUES (%s, %s)", second, shop)
        late = [msgspec.structs.replace(one, webhook_id="x" + one.webhook_id) for one in life(shop)]
        await here.deliver(late)
        here.world.ask("UPDATE shops.stores SET removed_at = now() WHERE tenant_id = %s", second)
        await here.deliver([say(shop, "customers/redact", redact(shop), 100)])
        assert (await here.status()).unrouted == 0
        assert await here.erase() == 2
        assert "zora" not in here.everything()


async def test_a_shop_that_was_installed_again_is_not_erased(database: Database) -> None:
    async with office(database) as here:
        shop, store = here.world.store(here.world.tenant())
        await here.deliver(life(shop))
        here.world.ask(
            "UPDATE shops.stores SET installed_at = %s WHERE id = %s",
            NOW + timedelta(minutes=1), store.store_id,
        )  # fmt: skip
        await here.deliver([say(shop, "shop/redact", {"shop_domain": shop}, 100)])
        assert await here.erase() == 0
        assert "installed again" in here.requests()[0]["problem"]
        assert here.sums(store)


async def test_uninstalling_erases_after_the_time_that_the_tenant_set(database: Database) -> None:
    async with office(database) as here:
        tenant = here.world.tenant()
        shop, store = here.world.store(tenant)
        here.world.ask("UPDATE shops.tenants SET erase_after_days = 7 WHERE id = %s", tenant)
        await here.deliver(life(shop))
        # Another shop's genuine notice under this one's header is not believed.
        await here.deliver(
            [say(shop, "app/uninstalled", {"myshopify_domain": "x.myshopify.com"}, 99)]
        )
        assert (
            here.world.one("SELECT uninstalled_at FROM shops.stores WHERE id = %s", store.store_id)
            is None
        )
        told = "SELECT count(*) FROM rollup.live WHERE (data->'changed')::text = '[\"shop\"]' AND store_id = %s"
        before = here.world.one(told, store.store_id)
        await here.deliver([say(shop, "app/uninstalled", {"myshopify_domain": shop}, 100)])
        # Whoever watches is told at once.
        assert here.world.one(told, store.store_id) == before + 1
        assert here.world.one(
            "SELECT erase_at FROM shops.stores WHERE id = %s", store.store_id
        ) == NOW + timedelta(days=7)
        assert await here.erase() == 0
        assert here.sums(store)
        here.now = NOW + timedelta(days=7)
        assert await here.erase() == 1
        left = rows_of(here, store)
        assert left.pop("shops.privacy_requests") == 1
        assert not left
        assert not here.deliveries(shop)
        (request,) = here.requests()
        assert (request["kind"], request["origin"]) == ("erasure", "schedule")


async def test_connecting_again_in_time_stops_the_erasure(database: Database) -> None:
    async with office(database) as here:
        shop, store = here.world.store(here.world.tenant())
        await here.deliver(life(shop))
        here.world.ask("UPDATE shops.stores SET erase_at = %s WHERE id = %s", NOW, store.store_id)
        async with await connect(database.worker_url) as connection:
            await Eraser(connection, PARTITIONS, lambda: NOW)._record_due_erasures()
        here.world.ask("UPDATE shops.stores SET erase_at = NULL WHERE id = %s", store.store_id)
        assert await here.erase() == 0
        assert here.sums(store)
        assert "again" in here.requests()[0]["problem"]


async def test_what_fails_holds_up_nobody_and_is_resumed(database: Database) -> None:
    async with office(database) as here:
        tenant = here.world.tenant()
        shop, store = here.world.store(tenant)
        other, _ = here.world.store(tenant)
        await here.deliver(
            [
                *life(shop),
                *(msgspec.structs.replace(one, shop=other) for one in life(other)),
                say(shop, "shop/redact", {"shop_domain": shop}, 100),
                say(other, "customers/redact", redact(other), 100),
            ]
        )
        async with await connect(database.worker_url) as connection:
            eraser = Eraser(connection, PARTITIONS, lambda: NOW)
            eraser._erase_journal = _breaking  # pyright: ignore[reportAttributeAccessIssue]
            # The other store's customer is forgotten all the same.
            assert await eraser.run() == 1
        assert here.deliveries(shop)
        assert await here.erase() == 1
        assert not here.deliveries(shop)
        assert set(rows_of(here, store)) == {"shops.privacy_requests"}
        assert "zora" not in here.everything()


async def _breaking(_: Any) -> Any:
    raise ConnectionError


async def test_a_tenant_may_keep_deliveries_for_a_shorter_time(database: Database) -> None:
    async with office(database) as here:
        short, long = here.world.tenant(), here.world.tenant()
        here.world.ask("UPDATE shops.tenants SET retention_days = 3 WHERE id = %s", short)
        first, store = here.world.store(short)
        second, _ = here.world.store(long)
        old = [
            *life(first), *(msgspec.structs.replace(one, shop=second) for one in life(first)),
        ]  # fmt: skip
        await here.deliver(old)
        figures = here.sums(store)
        readable = 13
        gone_through: Retained = {}
        for days, kept in ((2, len(old) // 2), (4, 0)):
            here.now = NOW + timedelta(days=days)
            async with await connect(database.worker_url) as connection:
                await Eraser(connection, PARTITIONS, lambda: here.now).keep_no_longer(
                    30, gone_through
                )
            held = 2
            assert len(here.deliveries(first)) == (kept + held if kept else held)
        assert len(here.deliveries(second)) == len(old) // 2 + 2
        assert here.sums(store) == figures
        assert readable


async def test_scopes_that_changed_are_noticed(database: Database) -> None:
    async with office(database) as here:
        shop, store = here.world.store(here.world.tenant())
        body = {"id": 1, "previous": ["read_orders"], "current": ["read_orders", "read_products"]}
        await here.deliver([say(shop, "app/scopes_update", body, 100)])
        assert (
            here.world.one("SELECT granted_scopes FROM shops.stores WHERE id = %s", store.store_id)
            == "read_orders,read_products"
        )
        # Of a notice that cannot be read, the delivery alone is parked, and its record is taken back.
        await here.deliver([*life(shop)[:3], say(shop, "app/uninstalled", b"[]", 101)])
        status = await here.status()
        assert (status.parked, status.waiting) == (1, 0)
        assert (
            here.world.one("SELECT count(*) FROM mirror.deliveries WHERE webhook_id = 'w101'") == 0
        )
