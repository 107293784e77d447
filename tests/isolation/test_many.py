"""Five hundred tenants at once in one installation, each with a store that sells.

Real: ``tillstream up``, deliveries over HTTP as the simulator tells them, the API. Accounts and sign-ins are
put into the database, since hashing five hundred passwords would only test argon2. Asserted: every
tenant's figures are the simulator's books, and each sees its own store and no other. Printed, not asserted:
how memory and the time of a request are with few and with many.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

import httpx
import psycopg

from tests.isolation.test_fuzz import resident_kib, web_process
from tests.isolation.told import tell
from tests.story.installation import Installation, descendants
from tests.story.tale import wrong_figures
from tillstream.command.installation import postgres_folder
from tillstream.foundation.embedded.server import find_running
from tillstream.foundation.settings import load_settings
from tillstream.shops.tokens import TokenMint
from tillstream.simulator.delivery import Manner, Schedule, deliver
from tillstream.simulator.lane import Address
from tillstream.simulator.places import place_for
from tillstream.simulator.plan import plain_shop
from tillstream.simulator.story import Story
from tillstream.simulator.webhook import ALL_TOPICS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pytest

TENANTS = 500
FEW = 25
END = datetime(2026, 11, 9, tzinfo=UTC)
FIRST, LAST = date(2026, 11, 6), date(2026, 11, 9)
PLACES = (
    ("USD", "America/New_York"),
    ("EUR", "Europe/Berlin"),
    ("JPY", "Asia/Tokyo"),
    ("GBP", "Europe/London"),
)
UNLIMITED = {"TILLSTREAM_RATE": "0", "TILLSTREAM_ACCOUNT_RATE": "0", "TILLSTREAM_LOG": "error"}


class Account(NamedTuple):
    """A tenant with a token and a store."""

    domain: str
    tenant_id: int
    store_id: int
    token: str


TOPICS = frozenset(one for one in ALL_TOPICS if not one.startswith("inventory_"))
"""Without what each variant of five hundred catalogues has in stock."""


def domain_of(number: int) -> str:
    return f"many-{number:03}.myshopify.com"


def tale_of(numbers: Sequence[int]) -> Story:
    """Ten hours of each shop."""
    shops = [
        replace(plain_shop(domain_of(n), currency, zone, place_for(currency)), orders_per_day=8.0)
        for n in numbers
        for currency, zone in [PLACES[n % len(PLACES)]]
    ]
    return Story("many", shops, END - timedelta(hours=10), END, topics=TOPICS)


def make_accounts(installation: Installation) -> list[Account]:
    """Tenants, owners, live sign-ins and stores, with tokens as the server would issue them."""
    secrets = json.loads((installation.folder / "secrets.json").read_text())
    mint = TokenMint(secrets["JWT_SECRET"], installation.url)
    settings = load_settings({"TILLSTREAM_DATA": str(installation.folder)}, generate=True)
    url = find_running(postgres_folder(settings))
    assert url is not None
    now = datetime.now(UTC)
    made: list[Account] = []
    with psycopg.connect(url) as owner:
        for number in range(TENANTS):
            row = owner.execute(
                "SELECT user_id, tenant_id FROM shops.create_account(%s, '', 't', '$argon2id$nobody')",
                (f"many{number}@example.com",),
            ).fetchone()
            assert row is not None
            user, tenant = row
            family = uuid4()
            owner.execute(
                "INSERT INTO shops.sessions (tenant_id, user_id, family, token_hash, created_at, expires_at) "
                "VALUES (%s, %s, %s, %s, %s, %s)",
                (tenant, user, family, os.urandom(32), now, now + timedelta(days=1)),
            )
            store = owner.execute(
                "INSERT INTO shops.stores (tenant_id, domain) VALUES (%s, %s) RETURNING id",
                (tenant, domain_of(number)),
            ).fetchone()
            assert store is not None
            token = mint.issue(user_id=user, tenant_id=tenant, role="owner", family=family, now=now)
            made.append(Account(domain_of(number), tenant, store[0], token))
    return made


async def ask_all(
    installation: Installation, accounts: Sequence[Account]
) -> tuple[list[dict[str, object]], list[float]]:
    """The stats of each, sixteen at a time; and how long each answer took, in ms."""
    gate = asyncio.Semaphore(16)
    times: list[float] = []

    async with httpx.AsyncClient(base_url=installation.url, timeout=30) as client:

        async def ask(account: Account) -> dict[str, object]:
            async with gate:
                began = time.perf_counter()
                answer = await client.get(
                    "/api/analytics/stats",
                    params={"from": str(FIRST), "to": str(LAST)},
                    headers={"Authorization": f"Bearer {account.token}"},
                )
                times.append((time.perf_counter() - began) * 1000)
            assert answer.status_code == 200, answer.text
            return answer.json()

        return list(await asyncio.gather(*(ask(one) for one in accounts))), times


async def test_five_hundred_tenants_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    installation = Installation(tmp_path / "data", UNLIMITED)
    installation.start()
    try:
        await _sell(installation, capsys)
    finally:
        installation.stop()


async def _sell(installation: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    accounts = make_accounts(installation)
    assert installation._process is not None
    told: list[str] = []
    stories = [tale_of(range(FEW)), tale_of(range(FEW, TENANTS))]
    delivered = 0
    for story, active in zip(stories, (FEW, TENANTS), strict=True):
        report = await deliver(
            Schedule(story, "one", repeat=0.05, shuffle_window=timedelta(minutes=20)),
            Address.of(installation.url + "/api/webhook"),
            installation.secret,
            Manner(connections=32, persist=True),
        )
        delivered += report.accepted
        await asyncio.to_thread(installation.settle)
        # Each active tenant asks as often, whether there are few of them or many.
        asking = (accounts[:active] * (TENANTS // active))[:TENANTS]
        _, times = await ask_all(installation, asking)
        web = resident_kib(web_process(installation)) // 1024
        below = descendants(installation._process.pid)
        everything = sum(_proportional_kib(pid) for pid in below) // 1024
        told.append(
            f"{active} tenants: {statistics.median(times):.1f} ms median a request (16 at a time), "
            f"web {web} MiB, all processes {everything} MiB"
        )
    said, _ = await ask_all(installation, accounts)
    orders = 0
    for number, (account, stats) in enumerate(zip(accounts, said, strict=True)):
        books = stories[0 if number < FEW else 1].books
        true = books.stats(account.domain, FIRST, LAST, datetime.now(UTC))
        wrong = wrong_figures(stats, true)
        assert not wrong, (account.domain, wrong)
        orders += int(str(true["orders"]))
    with closing(httpx.Client(base_url=installation.url, timeout=30)) as client:
        for account in accounts[::25]:
            client.headers["authorization"] = f"Bearer {account.token}"
            stores = client.get("/api/stores").json()["stores"]
            assert [one["domain"] for one in stores] == [account.domain]
            other = accounts[(accounts.index(account) + 1) % TENANTS]
            assert client.get(f"/api/stores/{other.store_id}").status_code == 404
            answer = client.get("/api/analytics/stats", params={"store": str(other.store_id)})
            assert answer.status_code == 404
    tell(
        capsys,
        f"{TENANTS} tenants, {delivered} deliveries, {orders} orders, as in the books",
        *told,
    )
    assert orders > TENANTS / 2


def _proportional_kib(pid: int) -> int:
    """What a process holds in memory, shared pages divided among those who share them."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as lines:  # noqa: PTH123 - a line of /proc
            return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return 0
