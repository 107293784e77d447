"""The journals under test, each with what surrounds it.

Real: PostgreSQL, RabbitMQ, their clients, roles and row-level security. Doubled: the clock alone.
A test may assert what the contract says, and nothing of how a journal does it.
"""

from __future__ import annotations

import pytest

from tests.journal.worlds import MemoryWorld, PostgresWorld, World


@pytest.fixture(params=["memory", "postgres"])
async def world(request: pytest.FixtureRequest):
    if request.param == "memory":
        made: World = MemoryWorld()
    else:
        made = PostgresWorld(request.getfixturevalue("database"))
    async with made:
        yield made
