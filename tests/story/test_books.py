"""The whole program against the simulator's books, while it is killed and its broker with it.

Promises 1 to 3: nothing acknowledged is lost, order and repeats do not matter, and the figures are right
to the cent. 50,000 deliveries and more of five shops, 10 % repeated, shuffled, some a day late; twice
in the middle everything is killed with SIGKILL and started again. On RabbitMQ a third of it is told, because
only the journal is another. See installation.py for the rules.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.story.installation import Installation
from tests.story.tale import (
    SHOPS,
    Asked,
    assert_breakdowns_match,
    assert_cohorts_match,
    assert_figures_match,
    assert_rows_match,
    connect_shops,
    shuffled,
    tale,
    tell,
)
from tillstream.journal.private_broker import PrivateBroker, find_server

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tillstream.simulator.delivery import DeliveryReport


class Extent(NamedTuple):
    """How much of the story is told: its last days, and what that comes to at least."""

    days: int
    deliveries: int
    figures: int
    values: int
    rows: int


ALL = Extent(26, 50_000, 5_000, 800, 20_000)
PART = Extent(9, 17_000, 2_500, 900, 12_000)


async def test_killed_twice_on_postgresql(tmp_path: Path) -> None:
    """Everything is killed twice, PostgreSQL included."""
    installation = Installation(tmp_path / "data")
    installation.start()
    try:

        def die_and_return() -> None:
            installation.kill()
            installation.start()

        await _tell_through(installation, ALL, [die_and_return, die_and_return])
    finally:
        installation.stop()


async def test_broker_killed_on_rabbitmq(tmp_path: Path) -> None:
    """The broker is killed in the middle and comes back; later, so are we."""
    if find_server() is None:
        pytest.skip("rabbitmq-server is not installed: the RabbitMQ journal is not tested")
    broker = PrivateBroker(tmp_path / "broker")
    await asyncio.to_thread(broker.start)
    installation = Installation(tmp_path / "data", {"RABBITMQ_URL": broker.url})
    installation.start()
    try:

        def broker_dies_and_returns() -> None:
            broker.kill()
            broker.start()

        def die_and_return() -> None:
            installation.kill()
            installation.start()

        await _tell_through(installation, PART, [broker_dies_and_returns, die_and_return])
    finally:
        installation.stop()
        await asyncio.to_thread(broker.stop)


async def _tell_through(
    installation: Installation, extent: Extent, disasters: list[Callable[[], None]]
) -> None:
    """Tell the story, with the disasters spread evenly over it, and compare all with the books."""
    email = "owner@books.example"
    ids = connect_shops(installation.account(email))
    story = tale(extent.days)
    apart = extent.deliveries // (len(disasters) + 1)
    pending = [(apart * (n + 1), strike) for n, strike in enumerate(disasters)]
    striking: list[asyncio.Task[None]] = []

    def watch(report: DeliveryReport) -> None:
        if pending and report.accepted >= pending[0][0]:
            _, strike = pending.pop(0)
            striking.append(asyncio.create_task(asyncio.to_thread(strike)))

    report = await tell(installation, shuffled(story, "one"), watch)
    await asyncio.gather(*striking)
    assert not pending, "the story ended before every disaster"
    assert report.accepted >= extent.deliveries
    assert report.retried > 0, "nobody noticed the disasters"
    status = await asyncio.to_thread(installation.settle)
    if status["parked"] or status["unrouted"]:
        pytest.fail(str(await asyncio.to_thread(installation.cli, "journal", "parked")))
    assert status["applied"] >= report.accepted
    asked = Asked(installation.sign_in(email), ids, story.books, extent.days)
    assert assert_figures_match(asked) > extent.figures
    assert assert_breakdowns_match(asked) > extent.values
    assert assert_cohorts_match(asked) >= len(SHOPS)
    assert assert_rows_match(installation, story.books) > extent.rows
    verified = await asyncio.to_thread(installation.cli, "verify")
    assert verified["ok"], verified
