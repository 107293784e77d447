"""Analytics: what the dashboard's questions take over HTTP in a small and in a large store."""

from __future__ import annotations

import asyncio
import http.client
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tillstream.command.bench import population
from tillstream.command.bench.figures import Figure, Section, figure, percentile
from tillstream.command.bench.stand import BenchFailed, standing
from tillstream.foundation.clock import utc_now
from tillstream.foundation.database import connect, open_pool
from tillstream.shops.sealing import Keyring
from tillstream.shops.stores import StoreDetails, add_store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tillstream.command.bench.stand import Bench, Stand

NAME: Final = "analytics"
TITLE: Final = "Analytics: the dashboard's questions in a small and a large store"

QUESTIONS: Final[Mapping[str, str]] = {
    "stats": "/api/analytics/stats",
    "sales_over_time": "/api/analytics/sales-over-time",
    "top_customers": "/api/analytics/top-customers",
    "checkouts": "/api/analytics/checkouts",
}
"""As the dashboard first asks them: the last 30 days, by day."""

_WARM_UP: Final = 10


@dataclass(frozen=True)
class Shop:
    """One of the two stores: how many orders it has, and who may ask."""

    orders: int
    token: str


async def measure(bench: Bench) -> Section:
    """Rounds in which the two stores are asked in turn."""
    small, large = bench.effort.small_orders, bench.effort.large_orders
    async with standing(bench, stores=False) as stand:
        for email, orders in zip(stand.emails, (small, large), strict=False):
            began = time.perf_counter()
            await _populate(stand, email, orders)
            bench.note(f"{orders:,} orders written in {time.perf_counter() - began:.0f} s")
        async with stand.role("web"):
            shops = [
                Shop(orders, await stand.token(email))
                for email, orders in zip(stand.emails, (small, large), strict=False)
            ]
            questions = {**QUESTIONS, **_long_questions()}
            figures: list[Figure] = []
            for name, path in questions.items():
                rounds = [
                    await asyncio.to_thread(_ask, stand, path, shops, bench.effort.calls)
                    for _ in range(bench.effort.rounds)
                ]
                figures += _figures(name, shops, rounds, promised=name in QUESTIONS)
                bench.note(f"{name}: p99 {figures[-2].median:g} ms at {large:,} orders")
    return Section(
        NAME,
        TITLE,
        figures,
        [
            f"{bench.effort.calls} calls of each store in a round, one at a time and in turn, over a kept connection.",
            "The last 30 days, as the dashboard asks first; `_year` is twelve months (not promised).",
            "Rows of both stores were written by SQL, not taken in through webhooks: a million would take too long.",
            "They are a year of hours, pairs of days, customers, checkouts and placements, and agree with each other.",
        ],
    )  # fmt: skip


def _long_questions() -> dict[str, str]:
    today = utc_now().date()
    # 29 February has no year before it.
    since = today.replace(year=today.year - 1, day=min(today.day, 28))
    return {
        f"{name}_year": f"{QUESTIONS[name]}?from={since}&to={today}"
        for name in ("stats", "sales_over_time")
    }


async def _populate(stand: Stand, email: str, orders: int) -> None:
    domain = f"bench-{orders}.myshopify.com"
    details = StoreDetails(timezone=population.ZONE, currency=population.CURRENCY)
    async with open_pool(stand.database.api_url) as pool:
        await add_store(pool, Keyring.from_settings(stand.settings), email, domain, details)
    async with await connect(stand.database.admin_url) as connection:
        await population.populate(connection, domain, orders, utc_now())
        await population.settle(connection)


def _ask(stand: Stand, path: str, shops: list[Shop], calls: int) -> list[list[float]]:
    """Milliseconds of each call, by shop."""
    connection = http.client.HTTPConnection(stand.settings.bind, stand.settings.port, timeout=60)
    took: list[list[float]] = [[] for _ in shops]
    try:
        for turn in range(_WARM_UP + calls):
            for shop, times in zip(shops, took, strict=True):
                began = time.perf_counter()
                _call(connection, path, shop.token)
                if turn >= _WARM_UP:
                    times.append((time.perf_counter() - began) * 1000)
    finally:
        connection.close()
    return took


def _call(connection: http.client.HTTPConnection, path: str, token: str) -> None:
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    response = connection.getresponse()
    body = response.read()
    if response.status != http.client.OK:
        message = f"{path} answered {response.status}: {body[:200]!r}"
        raise BenchFailed(message)


def _figures(
    name: str, shops: list[Shop], rounds: list[list[list[float]]], *, promised: bool
) -> list[Figure]:
    found: list[Figure] = []
    for size, shop, place in zip(("small", "large"), shops, (0, 1), strict=True):
        for label, share in (("p50", 0.5), ("p99", 0.99)):
            found.append(
                figure(
                    f"{name}_{size}_{label}_ms",
                    f"{name}, {shop.orders:,} orders, {label}",
                    "ms",
                    [percentile(one[place], share) for one in rounds],
                    at_most=20 if promised and label == "p99" else None,
                )
            )
    # Of medians: the slowest of a hundred calls says more about the neighbours than about size.
    ratios = [percentile(one[1], 0.5) / percentile(one[0], 0.5) for one in rounds]
    promise = 2 if promised else None
    return [
        *found,
        figure(f"{name}_ratio", f"{name}, large ÷ small, p50", "", ratios, at_most=promise),
    ]
