"""A shop whose webhooks went through the real worker, and what the real API says of it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.rollup.worlds import World, delivery, world
from tests.serve.conftest import open_site, settings_for

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable
    from pathlib import Path

    import httpx

    from tests.conftest import Database
    from tillstream.journal.contract import Delivery

NOW = datetime(2026, 10, 29, 12, tzinfo=UTC)
SHOP = "shop.myshopify.com"


class Asked(NamedTuple):
    """A signed-in browser, and the database behind it."""

    client: httpx.AsyncClient
    world: World

    async def ask(self, path: str, **query: str) -> dict[str, Any]:
        """What a call of analytics answers."""
        alone = {"compare": "none"} if path == "stats" else {}
        response = await self.client.get(f"/api/analytics/{path}", params={**alone, **query})
        assert response.status_code == 200, response.text
        return response.json()

    async def figures(self, first: str, last: str | None = None) -> dict[str, Any]:
        """The figures of a day, or of several."""
        return await self.ask("stats", **{"from": first, "to": last or first})

    async def hours(self, day: str) -> dict[str, int]:
        """The orders of each hour of a day that has any, by the hour's beginning."""
        answer = await self.ask("sales-over-time", interval="hour", **{"from": day, "to": day})
        return {point["start"]: point["orders"] for point in answer["points"] if point["orders"]}

    async def tell(self, batch: Iterable[Delivery]) -> None:
        """Apply more deliveries, as one batch."""
        outcome = await self.world.apply(list(batch), NOW)
        assert (outcome.parked, outcome.unrouted) == ([], [])


def told(topic: str, body: Any) -> Delivery:
    """A delivery of the shop."""
    return delivery(SHOP, topic, body)


@asynccontextmanager
async def asked(
    database: Database, folder: Path, timezone: str, currency: str, *batches: list[Delivery]
) -> AsyncGenerator[Asked]:
    """An account with one shop, of which these batches have been applied."""
    async with open_site(database, settings_for(folder)) as site, world(database) as here:
        site.clock.now = NOW
        answer = await site.register()
        await site.connect(answer["token"], SHOP, timezone=timezone, currency=currency)
        async with site.client(await site.login()) as client:
            found = Asked(client, here)
            for batch in batches:
                await found.tell(batch)
            yield found
