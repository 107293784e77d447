"""Tokens that are renewed: by one at a time across processes, without losing a store.

Real: PostgreSQL, a small Shopify over HTTP with the rules of its refresh tokens, and for the race two
processes of their own.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.serve.conftest import settings_for
from tests.shops.pretend_shopify import PretendShopify, Shop, pretend_shopify
from tillstream.foundation.database import open_pool
from tillstream.shopify.grants import GrantRefused
from tillstream.shopify.wire import open_http
from tillstream.shops.renewal import (
    Renewal,
    StoreKey,
    TokenLost,
    TokenUnavailable,
    is_good,
    is_lost,
    pause_after,
)
from tillstream.shops.sealing import Keyring, store_place

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from tests.conftest import Database
    from tillstream.foundation.settings import Settings

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SHOP = "ada-teas.myshopify.com"


@dataclass
class Scene:
    """A store with a token that has a minute left, and who renews it."""

    database: Database
    settings: Settings
    shopify: PretendShopify
    renewal: Renewal
    shop: Shop
    key: StoreKey
    now: list[datetime] = field(default_factory=lambda: [NOW])

    def row(self, columns: LiteralString) -> Any:
        with psycopg.connect(self.database.admin_url) as owner:
            return owner.execute("SELECT " + columns + " FROM shops.stores").fetchone()

    def forward(self, **span: float) -> None:
        self.now[0] += timedelta(**span)


def plant(
    database: Database, shopify: PretendShopify, keyring: Keyring, *, expiring: bool = True
) -> StoreKey:
    """A connected store whose token ends in half a minute."""
    shop = shopify.shop(SHOP, expiring=expiring)
    shop.access, shop.refresh = {"shpat_0"}, {"shprt_0"}
    with psycopg.connect(database.admin_url, autocommit=True) as owner:
        owner.execute("INSERT INTO shops.tenants (name) VALUES ('Ada')")
        owner.execute("INSERT INTO shops.stores (tenant_id, domain) VALUES (1, %s)", (SHOP,))
        owner.execute(
            "UPDATE shops.stores SET connected_by = 'oauth', proved_at = %(now)s, "
            "access_token_sealed = %(access)s, refresh_token_sealed = %(refresh)s, "
            "access_token_expires_at = %(end)s, token_refreshed_at = %(now)s",
            {
                "now": NOW,
                "access": keyring.seal(b"shpat_0", store_place(1, "access_token")),
                "refresh": keyring.seal(b"shprt_0", store_place(1, "refresh_token"))
                if expiring
                else None,
                "end": NOW + timedelta(seconds=30) if expiring else None,
            },
        )
    return StoreKey(1, 1)


@asynccontextmanager
async def opened(
    database: Database, folder: Path, *, expiring: bool = True
) -> AsyncGenerator[Scene]:
    async with pretend_shopify() as shopify:
        settings = settings_for(
            folder, shopify_api_key=shopify.client_id, shopify_address=shopify.address
        )
        keyring = Keyring.from_settings(settings)
        key = plant(database, shopify, keyring, expiring=expiring)
        now = [NOW]
        async with open_pool(database.worker_url) as pool, open_http(shopify.address) as http:
            renewal = Renewal(pool, http, keyring, settings, lambda: now[0])
            yield Scene(database, settings, shopify, renewal, shopify.shops[SHOP], key, now)


@pytest.fixture
async def scene(database: Database, tmp_path: Path) -> AsyncGenerator[Scene]:
    async with opened(database, tmp_path) as made:
        yield made


async def test_a_token_that_ends_soon_is_renewed_once_however_many_ask(scene: Scene) -> None:
    tokens = await asyncio.gather(*(scene.renewal.access_token(scene.key) for _ in range(6)))
    assert len(set(tokens)) == 1
    assert tokens[0] in scene.shop.access - {"shpat_0"}
    assert scene.shop.refreshed == 1
    assert await scene.renewal.access_token(scene.key) == tokens[0]
    assert scene.row("access_token_expires_at, token_refreshed_at") == (
        NOW + timedelta(hours=1),
        NOW,
    )


async def test_two_processes_renew_a_token_once(scene: Scene) -> None:
    told = json.dumps(
        {
            "url": scene.database.worker_url,
            "stand_in": scene.shopify.address,
            "id": scene.shopify.client_id,
        }
    )
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.shops.renewing",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(2)
    ]
    async with asyncio.timeout(60):
        for process in processes:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(told.encode() + b"\n")
            assert await process.stdout.readline() == b"ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write(b"go\n")
        said = [await process.communicate() for process in processes]
    tokens = {line for out, _ in said for line in out.decode().split()}
    assert len(tokens) == 1
    assert tokens <= scene.shop.access
    assert scene.shop.refreshed == 1


async def test_an_answer_that_is_lost_is_asked_for_again_with_the_same_token(scene: Scene) -> None:
    scene.shop.lose_answers = 1
    token = await scene.renewal.access_token(scene.key)
    assert scene.shop.refreshed == 2
    assert token in scene.shop.access
    assert scene.row("token_problem, token_failures") == (None, 0)


async def test_answers_that_stay_lost_postpone_and_lock_nobody_out(scene: Scene) -> None:
    scene.shop.lose_answers = 4
    # It lasts half a minute still: whoever asks gets it as long as that.
    assert await scene.renewal.access_token(scene.key) == "shpat_0"
    assert scene.row("token_failures, token_retry_at") == (1, NOW + pause_after(0))
    asked = len(scene.shopify.asked)
    assert await scene.renewal.access_token(scene.key) == "shpat_0"
    assert len(scene.shopify.asked) == asked, "not before its time"
    scene.forward(seconds=40)
    with pytest.raises(TokenUnavailable):
        await scene.renewal.access_token(scene.key)
    scene.forward(hours=1)
    assert await scene.renewal.access_token(scene.key) in scene.shop.access - {"shpat_0"}
    assert scene.row("token_failures, token_problem, token_retry_at") == (0, None, None)


async def test_a_permission_that_ended_is_said_once_and_not_asked_for_again(scene: Scene) -> None:
    scene.shopify.uninstall(SHOP)
    with pytest.raises(TokenLost):
        await scene.renewal.access_token(scene.key)
    asked = len(scene.shopify.asked)
    for _ in range(3):
        with pytest.raises(TokenLost):
            await scene.renewal.access_token(scene.key)
    assert len(scene.shopify.asked) == asked
    assert scene.row("token_problem") == ("grant",)
    with psycopg.connect(scene.database.admin_url) as owner:
        lines = owner.execute("SELECT action, detail FROM shops.audit").fetchall()
    assert lines == [("store.token_lost", {"problem": "grant"})]


async def test_a_wrong_client_secret_is_no_stores_fault(scene: Scene) -> None:
    scene.shopify.secrets = ("another",)
    scene.forward(minutes=5)
    with pytest.raises(TokenUnavailable):
        await scene.renewal.access_token(scene.key)
    assert scene.row("token_problem, token_failures") == (None, 1)
    scene.shopify.secrets = ("shpss_of_the_tests",)
    scene.forward(minutes=5)
    assert await scene.renewal.access_token(scene.key) in scene.shop.access


async def test_each_secret_of_an_app_is_tried(scene: Scene) -> None:
    settings = replace(scene.settings, shopify_api_secrets=(b"shpss_newer", b"shpss_of_the_tests"))
    renewal = replace(scene.renewal, settings=settings)
    assert await renewal.access_token(scene.key) in scene.shop.access - {"shpat_0"}


async def test_a_store_that_was_connected_anew_meanwhile_keeps_its_new_tokens(scene: Scene) -> None:
    keyring = scene.renewal.keyring
    before = scene.shopify.answer

    def connecting_meanwhile(path: str, headers: dict[str, str], body: dict[str, Any]) -> Any:
        answer = before(path, headers, body)
        with psycopg.connect(scene.database.admin_url) as owner:
            owner.execute(
                "UPDATE shops.stores SET access_token_sealed = %s, refresh_token_sealed = %s, "
                "access_token_expires_at = %s",
                (
                    keyring.seal(b"shpat_anew", store_place(1, "access_token")),
                    keyring.seal(b"shprt_anew", store_place(1, "refresh_token")),
                    NOW + timedelta(hours=1),
                ),
            )
        return answer

    scene.shopify.answer = connecting_meanwhile
    assert await scene.renewal.access_token(scene.key) == "shpat_anew"
    assert scene.shop.refreshed == 1


async def test_a_token_without_an_end_is_left_alone(database: Database, tmp_path: Path) -> None:
    async with opened(database, tmp_path, expiring=False) as scene:
        scene.forward(days=400)
        assert await scene.renewal.access_token(scene.key) == "shpat_0"
        assert scene.shopify.asked == []
        with pytest.raises(TokenLost):
            await scene.renewal.access_token(scene.key, refused="shpat_0")


async def test_a_refused_token_is_renewed_before_its_time(scene: Scene) -> None:
    first = await scene.renewal.access_token(scene.key)
    second = await scene.renewal.access_token(scene.key, refused=first)
    assert second != first
    # Whoever comes later with the same refusal gets what is there already.
    assert await scene.renewal.access_token(scene.key, refused=first) == second
    assert scene.shop.refreshed == 2


@pytest.mark.parametrize("column", ["removed_at", "uninstalled_at"])
async def test_a_store_that_is_gone_has_no_token(scene: Scene, column: LiteralString) -> None:
    with psycopg.connect(scene.database.admin_url) as owner:
        owner.execute(
            "UPDATE shops.stores SET access_token_sealed = NULL, refresh_token_sealed = NULL, "
            + column
            + " = now()"
        )
    with pytest.raises(TokenLost):
        await scene.renewal.access_token(scene.key)


@given(st.integers(0, 10_000))
def test_pauses_grow_and_end(failures: int) -> None:
    pause = pause_after(failures)
    assert timedelta(seconds=15) <= pause <= timedelta(hours=1)
    assert pause <= pause_after(failures + 1)


@given(st.integers(-7200, 7200), st.integers(0, 7200))
def test_a_token_is_good_while_it_outlasts_the_margin(left: int, margin: int) -> None:
    end = NOW + timedelta(seconds=left)
    assert is_good(end, NOW, timedelta(seconds=margin)) == (left > margin)
    assert is_good(None, NOW, timedelta(seconds=margin))


@pytest.mark.parametrize(
    ("reason", "lasting", "lost"),
    [
        ("grant", True, True),
        ("shop", True, True),
        ("client", True, False),
        ("throttled", False, False),
        ("unavailable", False, False),
        ("unexpected", False, False),
    ],
)
def test_what_only_a_person_can_mend(reason: str, lasting: bool, lost: bool) -> None:
    assert is_lost(GrantRefused(reason, "said", lasting=lasting)) is lost
