"""Analytics: what the dashboard's questions take over HTTP, in stores of three sizes."""

from __future__ import annotations

import asyncio
import http.client
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tillstream.command.bench import population
from tillstream.command.bench.figures import Figure, Grid, Section, figure, percentile
from tillstream.command.bench.questions import questions
from tillstream.command.bench.stand import PASSWORD, BenchFailed, standing
from tillstream.foundation.clock import utc_now
from tillstream.foundation.database import connect, open_pool
from tillstream.shops.accounts import add_account
from tillstream.shops.sealing import Keyring
from tillstream.shops.stores import StoreDetails, add_store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tillstream.command.bench.questions import Question
    from tillstream.command.bench.stand import Bench, Stand

NAME: Final = "analytics"
TITLE: Final = "Analytics: every call of a panel, in ms, by orders in the store"

_SIZES: Final = ("small", "middle", "large")
_WARM_UP: Final = 5
_ENOUGH: Final = 40
"""Calls of a round whose warm-up took so long that more would only cost time."""
_SLOW_MS: Final = 100.0


@dataclass(frozen=True)
class Shop:
    """A store that is asked: how many orders it has, and who may ask."""

    orders: int
    token: str


@dataclass(frozen=True)
class Answered:
    """What a question took: for each size, the p50 and the p99 of each round, in ms."""

    question: Question
    p50: list[list[float]]
    p99: list[list[float]]


async def measure(bench: Bench) -> Section:
    """Rounds in which the stores are asked in turn."""
    effort = bench.effort
    sizes = (effort.small_orders, effort.middle_orders, effort.large_orders)
    async with standing(bench, stores=False) as stand:
        emails = await _populate(bench, stand, sizes)
        async with stand.role("web"):
            answered = [
                await _rounds(bench, stand, one, await _shops(stand, emails, sizes))
                for one in questions(utc_now().date())
            ]
    return Section(
        NAME,
        TITLE,
        [made for one in answered for made in _figures(one, sizes)],
        [
            f"{effort.calls} calls of each store in a round, one at a time and in turn, over a kept connection.",
            "The last 30 days, as the dashboard asks first, unless it says a year.",
            "Growth is of the medians: the largest store's by the smallest one's. Promised is the p99 in every store.",
            "The stores were filled by the product's own functions, not through webhooks; verify finds nothing wrong.",
        ],
        grids=[_grid(answered, sizes)],
        tabled=True,
    )  # fmt: skip


async def _populate(bench: Bench, stand: Stand, sizes: Sequence[int]) -> list[str]:
    """A store of each size, each in an account of its own."""
    keyring = Keyring.from_settings(stand.settings)
    emails: list[str] = []
    for name, orders in zip(_SIZES, sizes, strict=True):
        began = time.perf_counter()
        email, domain = f"{name}@bench.test", f"bench-{name}.myshopify.com"
        async with open_pool(stand.database.api_url) as pool:
            await add_account(pool, email, PASSWORD, email)
            await add_store(pool, keyring, email, domain, StoreDetails())
        async with await connect(stand.database.admin_url) as connection:
            await population.populate(connection, domain, orders, utc_now(), bench.note)
        emails.append(email)
        bench.note(f"{orders:,} orders written in {time.perf_counter() - began:.0f} s")
    async with await connect(stand.database.admin_url) as connection:
        await population.settle(connection)
    return emails


async def _shops(stand: Stand, emails: Sequence[str], sizes: Sequence[int]) -> list[Shop]:
    """The stores with new tokens: asking everything takes longer than a token is good for."""
    return [
        Shop(orders, await stand.token(email)) for email, orders in zip(emails, sizes, strict=True)
    ]


async def _rounds(
    bench: Bench, stand: Stand, question: Question, shops: Sequence[Shop]
) -> Answered:
    rounds = [
        await asyncio.to_thread(_ask, stand, question.path, shops, bench.effort.calls)
        for _ in range(bench.effort.question_rounds)
    ]
    p50, p99 = (
        [[percentile(one[place], share) for one in rounds] for place in range(len(shops))]
        for share in (0.5, 0.99)
    )
    bench.note(f"{question.name}: p99 {max(p99[-1]):.3g} ms at {shops[-1].orders:,} orders")
    return Answered(question, p50, p99)


def _ask(stand: Stand, path: str, shops: Sequence[Shop], calls: int) -> list[list[float]]:
    """Milliseconds of each call, by shop."""
    connection = http.client.HTTPConnection(stand.settings.bind, stand.settings.port, timeout=60)
    took: list[list[float]] = [[] for _ in shops]
    try:
        slowest = 0.0
        for _ in range(min(_WARM_UP, calls)):
            slowest = max(_call(connection, path, shop.token) for shop in shops)
        for _ in range(min(calls, _ENOUGH) if slowest > _SLOW_MS else calls):
            for shop, times in zip(shops, took, strict=True):
                times.append(_call(connection, path, shop.token))
    finally:
        connection.close()
    return took


def _call(connection: http.client.HTTPConnection, path: str, token: str) -> float:
    """How long one call took, in ms."""
    began = time.perf_counter()
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    response = connection.getresponse()
    body = response.read()
    took = (time.perf_counter() - began) * 1000
    if response.status != http.client.OK:
        message = f"{path} answered {response.status}: {body[:200]!r}"
        raise BenchFailed(message)
    return took


def _figures(answered: Answered, sizes: Sequence[int]) -> list[Figure]:
    question = answered.question
    found: list[Figure] = []
    for place, (size, orders) in enumerate(zip(_SIZES, sizes, strict=True)):
        for label, rounds in (("p50", answered.p50), ("p99", answered.p99)):
            found.append(
                figure(
                    f"{question.key}_{size}_{label}_ms",
                    f"{question.name}, {orders:,} orders, {label}",
                    "ms",
                    rounds[place],
                    at_most=question.promised if label == "p99" else None,
                )
            )
    ratios = [large / small for small, large in zip(answered.p50[0], answered.p50[-1], strict=True)]
    label = f"{question.name}, largest ÷ smallest, p50"
    return [*found, figure(f"{question.key}_growth", label, "", ratios)]


def _grid(answered: Sequence[Answered], sizes: Sequence[int]) -> Grid:
    columns = ["", *(f"{_short(orders)} {share}" for orders in sizes for share in ("p50", "p99"))]
    return Grid(TITLE, [*columns, "growth", "promised"], [_row(one) for one in answered])


def _short(orders: int) -> str:
    """``1M``, ``10k``, ``300``."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if orders % size == 0:
            return f"{orders // size}{letter}"
    return str(orders)


def _row(answered: Answered) -> list[str]:
    made = _figures(answered, (0,) * len(_SIZES))
    *times, growth = [f"{one.median:.3g}" for one in made]
    promised = answered.question.promised
    kept = all(one.met is not False for one in made)
    told = "" if promised is None else f"≤ {promised:g}  {'kept' if kept else 'MISSED'}"
    return [answered.question.name, *times, growth, told]
