"""``tillstream verify`` and ``tillstream rebuild`` as a person runs them, against a real database.

Deliveries came through the real journal and worker. What the commands find and mend is for
``tests/rollup/test_verify.py`` and ``test_rebuild.py``.
"""

from __future__ import annotations

import json
from argparse import Namespace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
from psycopg import connect

from tests.conftest import KEY
from tests.privacy.office import PARTITIONS, Office, office, say
from tests.privacy.test_commands import person
from tests.privacy.test_redact import life
from tests.rollup.drawn import line
from tests.rollup.worlds import micros
from tests.serve.conftest import settings_for
from tillstream.command import privacy, truth
from tillstream.command.replaying import replay
from tillstream.foundation.clock import utc_now
from tillstream.journal.postgres import postgres_journal

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.conftest import Database

TAMPERED = "UPDATE rollup.ledger SET shipping = shipping + 10000 WHERE entry = 'placement'"


def asked(**named: Any) -> Namespace:
    return Namespace(**{"store": None, "json": True, "journal": False, "preview": False, **named})


async def test_a_store_is_verified_previewed_and_rebuilt(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_for(tmp_path, database_url=database.admin_url, key=KEY)
    async with office(database) as here:
        shop, _ = here.world.store(here.world.tenant(), currency="EUR")
        await here.deliver(life(shop))

        async def said(command: Any, status: int, **named: Any) -> Any:
            assert await command(settings, asked(**named)) == status
            return json.loads(capsys.readouterr().out)

        clean = await said(truth.verify, 0, journal=True)
        assert clean["ok"]
        (report,) = clean["stores"]
        assert report["differences"] == []
        assert report["deliveries"] > 3
        assert report.keys() >= {"domain", "state_hash", "orders", "differences"}
        assert (await said(truth.verify, 0, store=shop))["state_hash"] == clean["state_hash"]

        here.world.ask(TAMPERED)
        found = await said(truth.verify, 1)
        assert not found["ok"]
        assert {one["store"] for one in found["stores"][0]["differences"]} == {shop}
        assert await truth.verify(settings, asked(json=False)) == 1
        told = capsys.readouterr().out
        assert "Figures disagree" in told
        assert "rebuild --preview" in told

        # The sums are right still: only entries and what was made of them would change.
        (preview,) = await said(truth.rebuild, 0, preview=True)
        assert (preview["preview"], preview["changes"]) == (True, [])
        assert preview["mended"] == found["stores"][0]["differing"]
        (done,) = await said(truth.rebuild, 0)
        assert done["levels"] == preview["levels"]
        assert (await said(truth.verify, 0, journal=True)) == clean

        here.world.ask("UPDATE rollup.sums SET shipping = shipping + 10000 WHERE orders > 0")
        assert await truth.rebuild(settings, asked(json=False, preview=True)) == 0
        told = capsys.readouterr().out
        assert "shipping" in told
        assert "would be put right" in told
        assert await truth.rebuild(settings, asked(json=False, store=shop)) == 0
        assert "put right" in capsys.readouterr().out
        assert (await said(truth.verify, 0, journal=True)) == clean
        assert await truth.verify(settings, asked(store="no.myshopify.com")) == 2
        assert await truth.rebuild(settings, asked(store="no.myshopify.com")) == 2


async def test_a_busy_store_does_not_keep_others_from_being_rebuilt(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_for(tmp_path, database_url=database.admin_url, key=KEY)
    async with office(database) as here:
        tenant = here.world.tenant()
        stores = [here.world.store(tenant) for _ in range(3)]
        await here.deliver([placed(shop, 1) for shop, _ in stores])
        stores.sort()
        shops = [shop for shop, _ in stores]
        here.world.ask(TAMPERED)
        # As another rebuild, of the store in the middle.
        with connect(database.worker_url, autocommit=True) as another:
            another.execute("SELECT pg_advisory_lock(7211845, %s)", (stores[1][1].store_id,))
            assert await truth.rebuild(settings, asked(preview=True)) == 1
            told = json.loads(capsys.readouterr().out)
            assert [one["domain"] for one in told] == shops
            assert [one.get("problem", "") for one in told] == [
                "",
                f"{shops[1]} is being rebuilt already. Wait until that is done.",
                "",
            ]
            assert [bool(one.get("mended")) for one in told] == [True, False, True]

            assert await truth.rebuild(settings, asked(json=False)) == 1
            told = capsys.readouterr()
            assert [shop for shop in shops if f"{shop}: 1 orders looked at" in told.out] == [
                shops[0],
                shops[2],
            ]
            assert f"{shops[1]} is being rebuilt already" in told.err
            assert "1 of 3 stores was not rebuilt." in told.err
        assert here.world.ask("SELECT store_id FROM rollup.ledger WHERE shipping <> 0") == [
            (stores[1][1].store_id,)
        ]


async def test_what_is_forgotten_lacks_nothing_of_the_journal(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_for(tmp_path, database_url=database.admin_url, key=KEY)
    async with office(database) as here:
        shop, _ = here.world.store(here.world.tenant())
        await here.deliver(life(shop))
        wanted = person(shop, id=7, email="zora@example.com")
        assert await privacy.erase_customer(settings, wanted) == 0
        capsys.readouterr()
        assert await truth.verify(settings, asked(journal=True)) == 0
        verified = json.loads(capsys.readouterr().out)
        assert verified["stores"][0]["deliveries"] > 3
        # A copy that lost everything takes in what is left of them, and no more.
        with connect(database.admin_url, autocommit=True) as owner:
            owner.execute("DELETE FROM mirror.orders")
        assert await truth.rebuild(settings, asked(journal=True)) == 0
        capsys.readouterr()
        assert await truth.verify(settings, asked(journal=True)) == 0
        assert json.loads(capsys.readouterr().out) == verified
        assert "zora" not in here.everything()
        assert await replay(settings, Namespace(store=shop, json=True)) == 0
        capsys.readouterr()
        assert await truth.verify(settings, asked(journal=True)) == 0
        assert json.loads(capsys.readouterr().out) == verified


def placed(shop: str, number: int) -> Any:
    """An order is placed in a shop."""
    at = "2026-03-01T10:00:00Z"
    lines = [line(number * 10, "5.00", 1)]
    times = {"created_at": at, "processed_at": at, "updated_at": at}
    body = {"id": number, "name": f"#{number}", "currency": "EUR", "line_items": lines, **times}
    return say(shop, "orders/create", body, number)


def orders_of(here: Office) -> list[tuple[Any, ...]]:
    return here.world.ask("SELECT tenant_id, id FROM mirror.orders ORDER BY tenant_id, id")


async def test_a_replay_tells_nobody_what_the_account_before_received(
    database: Database, tmp_path: Path
) -> None:
    settings = settings_for(tmp_path, database_url=database.admin_url, key=KEY)
    async with office(database) as here:
        before, after = here.world.tenant(), here.world.tenant()
        shop, _ = here.world.store(before)
        await here.deliver([placed(shop, 1)])
        here.now += timedelta(hours=1)
        here.world.ask("UPDATE shops.stores SET removed_at = %s", here.now)
        here.world.ask(
            "INSERT INTO shops.stores (tenant_id, domain, name) VALUES (%s, %s, '')", after, shop
        )
        here.now += timedelta(hours=1)
        await here.deliver([msgspec.structs.replace(placed(shop, 2), received_at=micros(here.now))])
        assert await replay(settings, Namespace(store=shop, json=True)) == 0
        assert orders_of(here) == [(before, 1), (after, 2)]


async def test_a_replay_without_all_of_the_journal_changes_nothing_though_more_waits(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_for(tmp_path, database_url=database.admin_url, key=KEY)
    async with office(database) as here:
        tenant = here.world.tenant()
        shop, store = here.world.store(tenant)
        await here.deliver([placed(shop, 1)])
        figures = here.sums(store)
        here.world.ask("DELETE FROM journal.frames")
        async with postgres_journal(database.worker_url, PARTITIONS, lambda: here.now) as journal:
            await journal.append(here.framed([placed(shop, 2)]))
        assert await replay(settings, Namespace(store=shop, json=True)) == 1
        assert "no longer has 1 of the deliveries" in capsys.readouterr().err
        assert (orders_of(here), here.sums(store)) == ([(tenant, 1)], figures)
        # With what was lost told once more nothing is missing.
        assert (await here.deliver([placed(shop, 1)])).waiting == 0
        assert await replay(settings, Namespace(store=shop, json=True)) == 0
        assert orders_of(here) == [(tenant, 1), (tenant, 2)]
        assert here.world.one("SELECT min(store_id) FROM mirror.deliveries") == store.store_id


async def test_what_is_overdue_is_no_difference(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_for(tmp_path, database_url=database.admin_url, key=KEY)
    async with office(database) as here:
        shop, store = here.world.store(here.world.tenant())
        here.now = utc_now() - timedelta(hours=2)
        at = here.now.isoformat()
        times = {"created_at": at, "updated_at": at}
        # More than a worker judges at once, and nobody has looked at them since.
        await here.deliver(
            say(shop, "checkouts/create", {"token": f"t{n}", "email": "a@example.com", **times}, n)
            for n in range(501)
        )
        stages = "SELECT DISTINCT stage FROM rollup.checkouts"
        assert here.world.ask(stages) == [("open",)]
        assert await truth.verify(settings, asked()) == 0
        assert json.loads(capsys.readouterr().out)["ok"]
        assert here.world.ask(stages) == [("abandoned",)]
        assert (await here.world.verify(store, utc_now())).differences == []
