"""A delivery is for whoever had the shop when it was received, however long it waited.

Real: the database, the journal, the worker and the commands. Pretended: the clock, and that accounts
connect. The shop is Ada's, who gives it up an hour after noon; another hour later Bob connects it.
"""

from __future__ import annotations

from argparse import Namespace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.conftest import KEY
from tests.privacy.office import PARTITIONS, Office, office, say
from tests.rollup.worlds import NOW, micros
from tests.serve.conftest import settings_for
from tillstream.command.replaying import replay
from tillstream.command.truth import verify
from tillstream.journal.contract import Frame, time_ordered_id
from tillstream.journal.postgres import postgres_journal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.conftest import Database
    from tillstream.journal.contract import Delivery

HOUR = timedelta(hours=1)


def product(shop: str, number: int, *, hours: int = 0) -> Delivery:
    """A product is made; received that many hours after noon."""
    at = NOW + hours * HOUR
    body = {"id": number, "title": "Tea", "updated_at": at.isoformat()}
    return say(shop, "products/create", body, number, at=at)


async def receive(here: Office, told: Sequence[Delivery]) -> None:
    """Accept deliveries; no worker looks at them yet."""
    async with postgres_journal(here.database.worker_url, PARTITIONS, lambda: here.now) as journal:
        await journal.append(here.framed(told))


def give_up(here: Office, shop: str) -> None:
    """Whoever has the shop has it no longer, an hour after noon."""
    here.world.ask(
        "UPDATE shops.stores SET removed_at = %s WHERE domain = %s AND removed_at IS NULL",
        NOW + HOUR, shop,
    )  # fmt: skip


def connect(here: Office, tenant: int, shop: str) -> None:
    """The shop is that account's, from two hours after noon."""
    here.now = NOW + 2 * HOUR
    here.world.ask(
        "INSERT INTO shops.stores (tenant_id, domain, timezone, created_at) VALUES (%s, %s, 'UTC', %s) "
        "ON CONFLICT (tenant_id, domain) DO UPDATE SET removed_at = NULL",
        tenant, shop, here.now,
    )  # fmt: skip


def products(here: Office) -> list[tuple[Any, ...]]:
    return here.world.ask("SELECT tenant_id, id FROM mirror.products ORDER BY tenant_id, id")


def held(here: Office) -> list[tuple[Any, ...]]:
    return here.world.ask("SELECT kind, reason, webhook_id, tenant_id FROM journal.held")


async def test_bob_is_not_told_what_still_waited_for_ada(database: Database) -> None:
    async with office(database) as here:
        ada, bob = here.world.tenant(), here.world.tenant()
        shop, _ = here.world.store(ada)
        await receive(here, [product(shop, 1)])
        give_up(here, shop)
        connect(here, bob, shop)
        status = await here.deliver([product(shop, 2, hours=2)])
        assert products(here) == [(bob, 2)]
        assert held(here) == [("parked", "received_for_another", "w1", None)]
        assert (status.applied, status.parked, status.unrouted) == (1, 1, 0)


async def test_what_was_held_until_somebody_connects_the_shop_is_not_bobs_either(
    database: Database,
) -> None:
    """What came while the shop was nobody's is his: nobody else will ever ask for it."""
    async with office(database) as here:
        ada, bob = here.world.tenant(), here.world.tenant()
        shop, _ = here.world.store(ada)
        await receive(here, [product(shop, 1)])
        give_up(here, shop)
        here.now += HOUR
        status = await here.deliver([product(shop, 2, hours=1)])
        assert (status.unrouted, products(here)) == (2, [])
        connect(here, bob, shop)
        await here.deliver([product(shop, 3, hours=2)])
        assert products(here) == [(bob, 2), (bob, 3)]
        assert held(here) == [("parked", "received_for_another", "w1", None)]


async def test_ada_gets_her_own_when_she_connects_it_again(database: Database) -> None:
    async with office(database) as here:
        ada = here.world.tenant()
        shop, _ = here.world.store(ada)
        await receive(here, [product(shop, 1)])
        give_up(here, shop)
        connect(here, ada, shop)
        status = await here.deliver([product(shop, 2, hours=2)])
        assert products(here) == [(ada, 1), (ada, 2)]
        assert status.parked == status.unrouted == 0


async def test_what_the_law_asks_is_done_for_ada_though_bob_has_the_shop(
    database: Database,
) -> None:
    async with office(database) as here:
        ada, bob = here.world.tenant(), here.world.tenant()
        shop, _ = here.world.store(ada)
        asked: dict[str, Any] = {"shop_domain": shop, "customer": {"id": 7}, "orders_to_redact": []}
        await receive(here, [say(shop, "customers/redact", asked, 1)])
        give_up(here, shop)
        connect(here, bob, shop)
        status = await here.deliver([])
        assert (status.waiting, status.parked, held(here)) == (0, 0, [])
        assert ada in {request["tenant_id"] for request in here.requests()}


async def test_a_frame_of_the_very_moment_is_parted_by_when_each_was_received(
    database: Database, tmp_path: Path
) -> None:
    """The door collects what arrives during a write: a frame is later than what is in it."""
    settings = settings_for(tmp_path, database_url=database.admin_url, key=KEY)
    async with office(database) as here:
        ada, bob = here.world.tenant(), here.world.tenant()
        shop, _ = here.world.store(ada)
        told = [product(shop, 1), product(shop, 2, hours=1)]
        (frame,) = here.framed(told)
        late = time_ordered_id(micros(NOW + HOUR + timedelta(seconds=1)), bytes(8))
        give_up(here, shop)
        connect(here, bob, shop)
        async with postgres_journal(database.worker_url, PARTITIONS, lambda: here.now) as journal:
            await journal.append([Frame(late, frame.partition, told)])
        await here.deliver([])
        assert products(here) == [(bob, 2)]
        # Were it dropped from what is held, Bob's copy would still lack nothing of the journal.
        here.world.ask("DELETE FROM journal.held")
        everything = Namespace(store=shop, json=True, journal=True)
        assert await verify(settings, everything) == 0
        assert await replay(settings, everything) == 0
        assert products(here) == [(bob, 2)]
