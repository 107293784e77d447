"""How soon orders were sent, asked of two stores in Berlin whose orders went through the real worker.

All on March 2nd 2026 but the last, in hours from being placed until the first parcel:
  a.myshopify.com  0.2   10   24   -       a test order after 1
  b.myshopify.com  0.1   10   25   96      and on March 3rd one after 72
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.rollup.asked import NOW, Asked
from tests.rollup.drawn import line, order
from tests.rollup.worlds import delivery, world
from tests.serve.conftest import open_site, settings_for

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from tests.conftest import Database
    from tillstream.journal.contract import Delivery

A, B = "a.myshopify.com", "b.myshopify.com"
SECOND, THIRD = "2026-03-02T10:00:00+01:00", "2026-03-03T10:00:00+01:00"


def placed(key: int, at: str, hours: float | None, *, test: bool = False) -> dict[str, Any]:
    """An order that was sent so many hours after it was placed."""
    sent = datetime.fromisoformat(at) + timedelta(hours=hours or 0)
    parcels = [{"id": key, "status": "success", "created_at": sent.isoformat()}]
    return order(
        line(key, "10.00"), id=key, processed_at=at, created_at=at, updated_at="2026-03-10T00:00:00Z", test=test,
        fulfillments=[] if hours is None else parcels,
    )  # fmt: skip


@pytest.fixture
async def shop(database: Database, tmp_path: Path) -> AsyncGenerator[Asked]:
    async with open_site(database, settings_for(tmp_path)) as site, world(database) as here:
        site.clock.now = NOW
        answer = await site.register()
        for domain in (A, B):
            await site.connect(answer["token"], domain, timezone="Europe/Berlin", currency="EUR")
        async with site.client(await site.login()) as client:
            found = Asked(client, here)
            await found.tell(deliveries())
            yield found


def deliveries() -> list[Delivery]:
    told = {
        A: [placed(n, SECOND, hours) for n, hours in enumerate((0.2, 10, 24, None), 1)]
        + [placed(9, SECOND, 1, test=True)],
        B: [placed(n, SECOND, hours) for n, hours in enumerate((0.1, 10, 25, 96), 1)]
        + [placed(9, THIRD, 72)],
    }
    return [
        delivery(domain, "orders/create", body)
        for domain, bodies in told.items()
        for body in bodies
    ]


async def test_two_stores_by_hand(shop: Asked) -> None:
    answer = await shop.ask("fulfillment-times", **{"from": "2026-03-01", "to": "2026-03-03"})
    # Steps of the eight: 15 min (2), 10 h (2), 24 h, 25 h, 72 h, 96 h. The fourth ends its step of 10
    # hours. Nine tenths of eight are 7.2: a fifth of the way through the hour that ends with the 96th.
    assert [answer[name] for name in ("orders", "fulfilled")] == [9, 8]
    assert (answer["median_hours"], answer["p90_hours"]) == (10, 95.2)
    assert [answer[f"within_{n}_hours"] for n in (24, 48, 72)] == [5 / 8, 6 / 8, 7 / 8]
    first, second, third = answer["days"]
    assert (first["orders"], first["fulfilled"], first["median_hours"]) == (0, 0, None)
    # Seven of that day. Half of them are 3.5: three quarters of the way through the two of 10 hours,
    # which were sent within the quarter of an hour that ends then. 6.3 is in the hour of the 96th.
    assert (second["orders"], second["fulfilled"]) == (8, 7)
    assert second["median_hours"] == pytest.approx(9.75 + 0.25 * 0.75, abs=0.005)
    assert second["p90_hours"] == pytest.approx(95.3, abs=0.005)
    assert second["within_24_hours"] == pytest.approx(5 / 7)
    assert (third["orders"], third["fulfilled"], third["within_72_hours"]) == (1, 1, 1)
    assert third["within_48_hours"] == 0


async def test_one_store_and_some_days(shop: Asked) -> None:
    stores = (await shop.client.get("/api/stores")).json()["stores"]
    only = next(one["id"] for one in stores if one["domain"] == A)
    span = {"from": "2026-03-02", "to": "2026-03-02"}
    answer = await shop.ask("fulfillment-times", store=only, **span)
    assert (answer["orders"], answer["fulfilled"], answer["within_24_hours"]) == (4, 3, 1)
    (day,) = answer["days"]
    assert day == {"day": "2026-03-02"} | {name: answer[name] for name in day if name != "day"}
    later = await shop.ask("fulfillment-times", **{"from": "2026-03-03", "to": "2026-03-09"})
    assert (later["orders"], later["fulfilled"], later["within_24_hours"]) == (1, 1, 0)
    never = await shop.ask("fulfillment-times", **{"from": "2026-03-04", "to": "2026-03-09"})
    assert (never["orders"], never["fulfilled"], never["p90_hours"]) == (0, 0, None)
