"""The journals under test, each with what surrounds it.

Real: PostgreSQL, RabbitMQ, their clients, roles and row-level security. Doubled: the clock alone.
A test may assert what the contract says, and nothing of how a journal does it.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from tests.journal.worlds import MemoryWorld, PostgresWorld, RabbitWorld, World
from tillstream.journal.private_broker import BrokerMissing, PrivateBroker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateBroker]:
    """A RabbitMQ node for the whole session."""
    try:
        node = PrivateBroker(tmp_path_factory.mktemp("broker"))
    except BrokerMissing as missing:
        pytest.skip(str(missing))
    node.start()
    yield node
    node.stop()


@pytest.fixture(params=["memory", "postgres", "rabbitmq"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    made: World
    if request.param == "memory":
        made = MemoryWorld()
    elif request.param == "postgres":
        made = PostgresWorld(request.getfixturevalue("database"))
    else:
        made = RabbitWorld(request.getfixturevalue("database"), request.getfixturevalue("broker"))
    async with made:
        yield made


@pytest.fixture
def unused_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
