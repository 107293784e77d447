"""The story that the tests tell, and its comparison with the simulator's books."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import sql

from tillstream.command.installation import postgres_folder
from tillstream.foundation.embedded.server import find_running
from tillstream.foundation.settings import load_settings
from tillstream.simulator.delivery import Manner, Schedule, deliver
from tillstream.simulator.lane import Address
from tillstream.simulator.places import place_for
from tillstream.simulator.plan import plain_shop
from tillstream.simulator.story import Story

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date

    import httpx

    from tests.story.installation import Installation
    from tillstream.simulator.books import Books
    from tillstream.simulator.delivery import DeliveryReport
    from tillstream.simulator.webhook import Webhook

# Over, so that every deadline has passed and the state does not depend on when it is looked at.
# The autumn has a day of 25 hours in Berlin (25 October) and in New York (1 November).
END: Final = datetime(2026, 11, 9, tzinfo=UTC)
DAYS: Final = 26

SHOPS: Final = (
    ("harbor-goods.myshopify.com", "USD", "America/New_York", False),
    ("alte-muehle.myshopify.com", "EUR", "Europe/Berlin", True),
    ("hoshi-market.myshopify.com", "JPY", "Asia/Tokyo", False),
)

STATS: Final = (
    "total_sales", "gross_sales", "discounts", "sales_reversals", "net_sales", "shipping", "taxes", "duties",
    "additional_fees", "orders", "average_order_value", "customers", "new_customers", "returning_customers",
    "returning_customer_rate", "checkouts", "abandoned_checkouts", "recovered_checkouts",
    "recovered_checkout_rate", "recovered_sales", "abandoned_value",
)  # fmt: skip
"""Every figure of ``stats``."""

KEYS: Final = {
    "orders": ("id",),
    "order_lines": ("order_id", "id"),
    "refunds": ("order_id", "id"),
    "customers": ("id",),
    "products": ("id",),
    "variants": ("product_id", "id"),
    "checkouts": ("token",),
}


def tale(days: int = DAYS) -> Story:
    """Three shops until ``END``: in 26 days more than 45,000 webhooks, and the repeats on top."""
    shops = [
        replace(
            plain_shop(domain, currency, zone, place_for(currency), taxes_included=included),
            orders_per_day=45.0,
        )
        for domain, currency, zone, included in SHOPS
    ]
    return Story("a long autumn", shops, END - timedelta(days=days), END)


def shuffled(story: Iterable[Webhook], seed: str) -> Schedule:
    """10 % repeated, all shuffled across twenty minutes, some late by up to a day."""
    return Schedule(
        story,
        seed,
        repeat=0.1,
        shuffle_window=timedelta(minutes=20),
        late=0.02,
        latest=timedelta(hours=24),
    )


async def tell(
    installation: Installation,
    schedule: Schedule,
    progress: Callable[[DeliveryReport], None] | None = None,
) -> DeliveryReport:
    """Deliver everything, however often the other side goes away in between."""
    return await deliver(
        schedule,
        Address.of(installation.url + "/api/webhook"),
        installation.secret,
        Manner(connections=48, persist=True),
        progress,
    )


def connect_shops(client: httpx.Client) -> dict[str, str]:
    """Connect the story's shops, telling neither zone nor currency; ids by domain.

    Both have to be learned from the shops' own ``shop/update``, whenever it comes.
    """
    ids: dict[str, str] = {}
    for domain, *_ in SHOPS:
        answer = client.post("/api/stores", json={"domain": domain})
        assert answer.status_code == 201, answer.text
        ids[domain] = answer.json()["id"]
    return ids


def assert_figures_match(
    client: httpx.Client, ids: dict[str, str], books: Books, told: int = DAYS
) -> int:
    """Every figure of every day told, of every shop, and of ranges; how many were compared."""
    compared = 0
    first, last = END.date() - timedelta(days=told + 1), END.date() + timedelta(days=1)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    ranges: list[tuple[date, date]] = [(day, day) for day in days]
    ranges += [(first, last), (days[3], days[9]), (days[8], days[-3])]
    for domain, *_ in SHOPS:
        for begin, end in ranges:
            answer = client.get(
                "/api/analytics/stats",
                params={
                    "from": str(begin),
                    "to": str(end),
                    "store": ids[domain],
                    "compare": "none",
                },
            )
            assert answer.status_code == 200, answer.text
            said, true = answer.json(), books.stats(domain, begin, end, datetime.now(UTC))
            wrong = {
                name: (said[name], true[name])
                for name in STATS
                if not _same(said[name], true[name])
            }
            assert not wrong, (domain, begin, end, wrong)
            compared += len(STATS)
    return compared


def assert_rows_match(installation: Installation, books: Books) -> int:
    """Every row of every mirrored resource; how many were compared."""
    settings = load_settings({"TILLSTREAM_DATA": str(installation.folder)}, generate=True)
    url = find_running(postgres_folder(settings))
    assert url is not None
    compared = 0
    with psycopg.connect(url, autocommit=True, options="-c timezone=UTC") as connection:
        for domain, *_ in SHOPS:
            for kind, key in KEYS.items():
                true = {tuple(row[name] for name in key): row for row in books.rows(domain, kind)}  # pyright: ignore[reportArgumentType]
                held = _rows(connection, domain, kind, key)
                assert held.keys() == true.keys(), (
                    domain,
                    kind,
                    list(held.keys() ^ true.keys())[:5],
                )
                for row_key, row in true.items():
                    wrong = {
                        n: (held[row_key][n], v) for n, v in row.items() if held[row_key][n] != v
                    }
                    assert not wrong, (domain, kind, row_key, wrong)
                compared += len(true)
    return compared


def _rows(
    connection: psycopg.Connection[tuple[Any, ...]], domain: str, kind: str, key: tuple[str, ...]
) -> dict[tuple[Any, ...], dict[str, Any]]:
    table = sql.Identifier("mirror", kind)
    cursor = connection.execute(
        sql.SQL(
            "SELECT m.* FROM {} AS m JOIN shops.stores AS s ON s.tenant_id = m.tenant_id AND s.id = m.store_id "
            "WHERE s.domain = %s"
        ).format(table),
        (domain,),
    )
    assert cursor.description is not None
    names = [column.name for column in cursor.description]
    rows = (dict(zip(names, row, strict=True)) for row in cursor)
    return {tuple(row[name] for name in key): row for row in rows}


def _same(said: object, true: object) -> bool:
    if isinstance(true, float) and isinstance(said, (int, float)):
        return abs(said - true) < 1e-6
    return said == true
