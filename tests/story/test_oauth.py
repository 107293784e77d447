"""A store connected by OAuth, from the first click to the last: the whole program and a whole Shopify.

Both run in processes of their own. See installation.py for the rules; Shopify is pretended by
``tillstream simulate --admin``, which Shopify's own libraries are tested against too.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.standin.process import query_of
from tests.story.connecting import (
    SHOP,
    TOKEN_SECONDS,
    books,
    installed,
    quiet_shopify,
    subscribed,
    this_month,
    until,
)
from tests.story.tale import NO_FIGURES

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from tests.standin.process import PretendShopify
    from tests.story.installation import Installation


@pytest.fixture(scope="module")
def shopify(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PretendShopify]:
    """Shopify."""
    with quiet_shopify(tmp_path_factory.mktemp("shopify")) as shopify:
        yield shopify


@pytest.fixture(scope="module")
def installation(
    tmp_path_factory: pytest.TempPathFactory, shopify: PretendShopify
) -> Iterator[Installation]:
    """The program."""
    with installed(tmp_path_factory.mktemp("installation") / "data", shopify) as one:
        yield one


@pytest.fixture(scope="module")
def owner(installation: Installation) -> httpx.Client:
    """Whose store it is."""
    return installation.account("owner@oauth.example")


@pytest.fixture(scope="module")
def rival(installation: Installation) -> httpx.Client:
    """Who would like it to be."""
    return installation.account("rival@oauth.example")


def connect(client: httpx.Client, shopify: PretendShopify, **query: str) -> dict[str, str]:
    """To Shopify, agree there, and back; the query of the page that one ends up on."""
    begun = client.get("/api/auth/shopify", params={"shop": SHOP, **query})
    assert begun.status_code == 302, begun.text
    assert begun.headers["location"].startswith(shopify.address(SHOP))
    back = urlsplit(shopify.answer(begun.headers["location"]))
    landed = client.get(f"{back.path}?{back.query}")
    assert landed.status_code == 302, landed.text
    return dict(query_of(landed.headers["location"]))


def store(client: httpx.Client) -> dict[str, Any]:
    """The account's only store."""
    stores = client.get("/api/stores").json()["stores"]
    assert len(stores) == 1, stores
    return stores[0]


def given(shopify: PretendShopify, what: str) -> int:
    """How many tokens were given for a ``refresh_token``, say; or ``refused``."""
    return shopify.state()["tokens_given"].get(what, 0)


def test_a_store_is_connected_and_its_figures_arrive(
    installation: Installation, shopify: PretendShopify, owner: httpx.Client
) -> None:
    landed = connect(owner, shopify)
    assert landed == {"store": store(owner)["id"], "connected": "1"}
    connected = store(owner)
    assert connected["domain"] == SHOP
    assert (connected["status"], connected["connected_by"]) == ("connected", "oauth")
    assert connected["proved"]
    assert connected["missing_scopes"] == []
    until(lambda: "orders/updated" in subscribed(shopify))
    sold = shopify.control("sell", shop=SHOP, count=5)["orders"]
    until(lambda: shopify.state()["deliveries"]["waiting"] == 0)
    until(lambda: _orders(owner, connected["id"]) == len(sold))
    installation.settle()
    _assert_figures(shopify, owner, connected["id"])


def _orders(client: httpx.Client, store_id: str) -> int:
    return _stats(client, store_id)["orders"]


def _stats(client: httpx.Client, store_id: str) -> dict[str, Any]:
    first, last = this_month()
    query = {"from": str(first), "to": str(last), "store": store_id, "compare": "none"}
    answer = client.get("/api/analytics/stats", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def _assert_figures(shopify: PretendShopify, client: httpx.Client, store_id: str) -> None:
    true = books(shopify)
    said = _stats(client, store_id)
    figures = said.keys() - NO_FIGURES
    assert {name: said[name] for name in figures} == {name: true[name] for name in figures}
    assert true["orders"] > 0


def test_somebody_elses_browser_gets_nowhere(
    shopify: PretendShopify, owner: httpx.Client, rival: httpx.Client
) -> None:
    """The address with which Shopify sends the owner back is worth nothing to anybody else."""
    begun = owner.get("/api/auth/shopify", params={"shop": SHOP})
    back = urlsplit(shopify.answer(begun.headers["location"]))
    landed = rival.get(f"{back.path}?{back.query}")
    assert dict(query_of(landed.headers["location"]))["refused"] == "state"
    landed = owner.get(f"{back.path}?{back.query}")
    assert dict(query_of(landed.headers["location"]))["connected"] == "1"
    # And once it was used, to nobody at all.
    landed = owner.get(f"{back.path}?{back.query}")
    assert dict(query_of(landed.headers["location"]))["refused"] == "state"


def test_a_token_is_renewed_once_by_many_processes(
    installation: Installation, shopify: PretendShopify, owner: httpx.Client
) -> None:
    _wait_for_the_end(shopify)
    before, refused = given(shopify, "refresh_token"), given(shopify, "refused")
    with ThreadPoolExecutor(3) as processes:
        done = list(processes.map(_audit, [installation] * 3))
    assert done == [0, 0, 0]
    # One of the three did it; the steward, whose minute it may have been, is a fourth process.
    assert 1 <= given(shopify, "refresh_token") - before <= 2
    assert given(shopify, "refused") == refused
    assert store(owner)["status"] == "connected"


def test_a_lost_answer_locks_nobody_out(
    installation: Installation, shopify: PretendShopify, owner: httpx.Client
) -> None:
    """Shopify has made new tokens, and its answer never arrives: cut off, or behind a 502."""
    for kind in ("cut", "lost"):
        _wait_for_the_end(shopify)
        refused = given(shopify, "refused")
        shopify.control("faults", place="token", kind=kind)
        until(lambda: _audit(installation) == 0)
        assert shopify.state()["faults"] == []
        assert given(shopify, "refused") == refused
        assert store(owner)["status"] == "connected"


def _audit(installation: Installation) -> int:
    """Ask Shopify something from a process of its own: its exit status."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "tillstream.command.main"),
            *("store", "audit", "--domain", SHOP, "--json"),
        ],
        env=installation._environment,
        capture_output=True,
        timeout=60,
        check=False,
    ).returncode


def _wait_for_the_end(shopify: PretendShopify) -> None:
    """Wait until no token lasts a minute: then whoever needs one renews it first."""

    def over() -> bool:
        tokens = shopify.installations(SHOP)[0]["tokens"]
        ends = max(datetime.fromisoformat(token["expires_at"]) for token in tokens)
        return (ends - datetime.now(UTC)).total_seconds() < 60

    until(over, seconds=TOKEN_SECONDS)


def test_subscriptions_that_vanish_come_back(
    installation: Installation, shopify: PretendShopify
) -> None:
    wanted = subscribed(shopify)
    shopify.control("unsubscribe", shop=SHOP)
    assert subscribed(shopify) == set()
    assert _audit(installation) == 0
    assert subscribed(shopify) == wanted


def test_an_uninstallation_is_noticed(
    installation: Installation, shopify: PretendShopify, owner: httpx.Client
) -> None:
    shopify.control("uninstall", shop=SHOP)
    until(lambda: store(owner)["status"] == "uninstalled")
    assert store(owner)["erase_at"] is not None
    installation.settle()
    # What was sold is still there: erasing comes later.
    assert _orders(owner, store(owner)["id"]) == 5


def test_a_late_uninstallation_does_not_undo_a_new_installation(
    installation: Installation, shopify: PretendShopify, owner: httpx.Client
) -> None:
    assert connect(owner, shopify)["connected"] == "1"
    until(lambda: "orders/updated" in subscribed(shopify))
    shopify.control("hold", topics=["app/uninstalled"])
    shopify.control("uninstall", shop=SHOP)
    _next_second()
    assert connect(owner, shopify)["connected"] == "1"
    until(lambda: "orders/updated" in subscribed(shopify))
    assert shopify.control("release")["released"] == 1
    until(lambda: shopify.state()["deliveries"]["waiting"] == 0)
    sold = shopify.control("sell", shop=SHOP, count=2)["orders"]
    until(lambda: _orders(owner, store(owner)["id"]) == 5 + len(sold))
    installation.settle()
    assert store(owner)["status"] == "connected"
    _assert_figures(shopify, owner, store(owner)["id"])


def _next_second() -> None:
    """Shopify dates installations to the second."""
    begun = int(time.time())
    until(lambda: int(time.time()) > begun)


def test_a_second_account_does_not_get_the_store(
    shopify: PretendShopify, owner: httpx.Client, rival: httpx.Client
) -> None:
    refused = connect(rival, shopify)
    assert refused == {"refused": "taken", "shop": SHOP}
    assert rival.get("/api/stores").json()["stores"] == []
    assert store(owner)["status"] == "connected"


def test_a_store_is_handed_over_with_a_code(
    installation: Installation, shopify: PretendShopify, owner: httpx.Client, rival: httpx.Client
) -> None:
    asked = owner.post(f"/api/stores/{store(owner)['id']}/transfers")
    assert asked.status_code in {200, 201}, asked.text
    landed = connect(rival, shopify, transfer=asked.json()["code"])
    assert landed.get("connected") == "1", landed
    assert store(rival)["status"] == "connected"
    assert owner.get("/api/stores").json()["stores"] == []
    until(lambda: "orders/updated" in subscribed(shopify))
    shopify.control("sell", shop=SHOP)
    until(lambda: _orders(rival, store(rival)["id"]) == 1)
    installation.settle()
    # The code was for once.
    refused = connect(owner, shopify, transfer=asked.json()["code"])
    assert refused["refused"] == "taken"


def test_permissions_edited_away_are_told(shopify: PretendShopify, rival: httpx.Client) -> None:
    """Anybody can change the scopes in the address that leads to Shopify."""
    until(lambda: "app/scopes_update" in subscribed(shopify))
    shopify.control("scopes", shop=SHOP, scopes=["read_products"])
    begun = rival.get("/api/auth/shopify", params={"shop": SHOP}).headers["location"]
    narrowed = re.sub(r"scope=[^&]*", "scope=read_products", begun)
    back = urlsplit(shopify.answer(narrowed))
    landed = dict(query_of(rival.get(f"{back.path}?{back.query}").headers["location"]))
    assert landed["refused"] == "scopes"
    assert set(landed["missing"].split(",")) == {"read_customers", "read_orders"}
    assert connect(rival, shopify)["connected"] == "1"
    until(lambda: not store(rival)["missing_scopes"])


def test_fewer_permissions_are_told(shopify: PretendShopify, rival: httpx.Client) -> None:
    """A merchant takes a permission back: the store says which is missing."""
    until(lambda: "app/scopes_update" in subscribed(shopify))
    shopify.control("scopes", shop=SHOP, scopes=["read_products"])
    missing = until(lambda: store(rival)["missing_scopes"])
    assert set(missing) == {"read_customers", "read_orders"}
