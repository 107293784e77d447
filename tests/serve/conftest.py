"""A real API on a real database, called over ASGI; the clock is the test's."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest
from argon2 import PasswordHasher

from tillstream.foundation.database import Pool, open_pool
from tillstream.foundation.settings import Settings, load_settings
from tillstream.serve.app import create_app
from tillstream.shops.passwords import PasswordVault

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from fastapi import FastAPI

    from tests.conftest import Database

PASSWORD = "brass lamp and seven owls"
# Real argon2id, at the least cost that it takes: the tests make hundreds of hashes.
CHEAP = PasswordVault(hasher=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
NOW = datetime(2026, 3, 15, 12, 0, tzinfo=UTC)


@dataclass
class Watch:
    """A clock that is set."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class Site:
    """An API process: its application, its clock, and the database's owner."""

    app: FastAPI
    pool: Pool
    database: Database
    settings: Settings
    clock: Watch = field(default_factory=Watch)

    def client(self, token: str | None = None) -> httpx.AsyncClient:
        """A browser of its own, signed in with ``token`` if there is one."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app),
            base_url="http://tillstream.test",
            headers=headers,
        )

    async def register(self, email: str = "ada@example.com") -> dict[str, Any]:
        """A new account; the answer to registering."""
        async with self.client() as client:
            body = {"email": email, "password": PASSWORD, "name": "Ada"}
            response = await client.post("/api/auth/register", json=body)
        assert response.status_code == 201, response.text
        return response.json()

    async def login(self, email: str = "ada@example.com") -> str:
        """A fresh access token of an account."""
        async with self.client() as client:
            body = {"email": email, "password": PASSWORD}
            response = await client.post("/api/auth/login", json=body)
        assert response.status_code == 200, response.text
        return response.json()["token"]

    async def connect(self, token: str, domain: str, **details: Any) -> int:
        """Connect a store; its id."""
        async with self.client(token) as client:
            response = await client.post("/api/stores", json={"domain": domain, **details})
        assert response.status_code == 201, response.text
        return int(response.json()["id"])

    def owner(self) -> psycopg.Connection[Any]:
        """A superuser's connection, to put rows where a worker would."""
        return psycopg.connect(self.database.admin_url, autocommit=True)


def settings_for(folder: Path, **changes: Any) -> Settings:
    environment = {
        "JWT_SECRET": "a secret of the tests, as long as the longest digest would want it to be",
        "TILLSTREAM_KEY": "07" * 32,
        "SHOPIFY_API_SECRET": "shpss_of_the_tests",
        "TILLSTREAM_DATA": str(folder),
    }
    return replace(load_settings(environment, generate=False), **changes)


@asynccontextmanager
async def open_site(database: Database, settings: Settings) -> AsyncGenerator[Site]:
    async with open_pool(database.api_url) as pool:
        clock = Watch()
        app = create_app(settings, pool, listen_url=database.api_url, clock=clock)
        app.state.context = replace(app.state.context, vault=CHEAP)
        yield Site(app, pool, database, settings, clock)


@pytest.fixture
async def site(database: Database, tmp_path: Path) -> AsyncGenerator[Site]:
    async with open_site(database, settings_for(tmp_path)) as opened:
        yield opened
