"""``tillstream privacy …`` and ``tillstream replay``, against a real database; see office.py."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from psycopg import sql

from tests.conftest import KEY
from tests.privacy.office import Office, office
from tests.privacy.test_redact import life
from tests.serve.conftest import settings_for
from tillstream.command import privacy
from tillstream.command.replaying import replay

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.conftest import Database


def person(shop: str, **named: Any) -> Namespace:
    options: dict[str, Any] = {
        "store": shop,
        "id": None,
        "email": None,
        "phone": None,
        "order": [],
        "json": True,
    }
    return Namespace(**{**options, "output": None, **named})


def mirrored(here: Office) -> str:
    tables = ("orders", "customers", "checkouts", "refunds")
    return "\n".join(
        row
        for table in tables
        for (row,) in here.world.ask(
            sql.SQL("SELECT t::text FROM mirror.{} AS t").format(sql.Identifier(table))
        )
    ).casefold()


async def test_an_operator_exports_and_erases_a_customer_and_then_a_store(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_for(tmp_path, database_url=database.admin_url, key=KEY)
    async with office(database) as here:
        shop, store = here.world.store(here.world.tenant())
        await here.deliver(life(shop))
        figures, state = here.sums(store), await here.world.state(store)

        assert await privacy.export_customer(settings, person(shop, email="Zora@example.com")) == 0
        record = json.loads(capsys.readouterr().out)
        assert {one["id"] for one in record["orders"]} == {"1", "3", "4", "5"}
        assert await privacy.export_customer(settings, person(shop)) == 2
        assert await privacy.export_customer(settings, person("no.myshopify.com", id=7)) == 2
        capsys.readouterr()

        assert await replay(settings, Namespace(store=shop, json=True)) == 0
        capsys.readouterr()
        assert await here.world.state(store) == state

        wanted = person(shop, id=7, email="zora@example.com")
        assert await privacy.erase_customer(settings, wanted) == 0
        (done,) = json.loads(capsys.readouterr().out)
        assert done["receipt"]["counts"]["orders"] == 4
        assert "zora" not in here.everything()
        assert here.sums(store) == figures

        # What the journal lost cannot be replayed, and is not thrown away either.
        state = await here.world.state(store)
        here.world.ask(
            "DELETE FROM journal.frames WHERE id = (SELECT id FROM journal.frames ORDER BY id LIMIT 1)"
        )
        assert await replay(settings, Namespace(store=shop, json=True)) == 1
        assert "no longer has" in " ".join(capsys.readouterr().err.split())
        assert await here.world.state(store) == state
        assert "grace" in mirrored(here)

        unsure = Namespace(domain=shop, confirm=None, json=True)
        assert await privacy.erase_store(settings, unsure) == 2
        assert (
            await privacy.erase_store(settings, Namespace(domain=shop, confirm=shop, json=True))
            == 0
        )
        assert not here.deliveries(shop)
        assert not mirrored(here)
        capsys.readouterr()
        assert await privacy.list_all(settings, Namespace(open=False, limit=10, json=True)) == 0
        assert [one["kind"] for one in json.loads(capsys.readouterr().out)] == [
            "shop/redact", "customers/redact",
        ]  # fmt: skip
        assert await privacy.list_all(settings, Namespace(open=True, limit=10, json=False)) == 0
