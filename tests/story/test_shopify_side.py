"""What begins at Shopify: installing from there, rotating a secret, customers who ask to be forgotten.

The whole program and a whole (pretended) Shopify; see installation.py for the rules.
"""

from __future__ import annotations

import re
import subprocess
import sys
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.standin.process import query_of
from tests.story.connecting import (
    SHOP,
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

    from tests.standin.process import PretendShopify
    from tests.story.installation import Installation

KEY = "second"
CLIENT = "the-second-apps-client-id"
FIRST_SECRET = "shpss_the_first_secret_of_the_second_app"
NEXT_SECRET = "shpss_the_next_secret_of_the_second_app"


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
    return installation.account("owner@second.example")


def run(installation: Installation, *arguments: str, told: str = "") -> str:
    """What a command prints; ``told`` is its standard input."""
    done = subprocess.run(
        [sys.executable, "-m", "tillstream.command.main", *arguments],
        env=installation._environment,
        input=told,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def register(shopify: PretendShopify, installation: Installation, *secrets: str) -> None:
    """The second app, as its developer registers it: secrets newest first."""
    shopify.control(
        "apps",
        client_id=CLIENT,
        name="Second",
        secrets=secrets,
        app_url=f"{installation.url}/api/auth/install/{KEY}",
        redirect_uris=[f"{installation.url}/api/auth/callback/{KEY}"],
        webhook_url=f"{installation.url}/api/webhook/{KEY}",
    )


def stats(client: httpx.Client) -> dict[str, Any]:
    """The account's figures of this month."""
    first, last = this_month()
    query = {"from": str(first), "to": str(last), "compare": "none"}
    answer = client.get("/api/analytics/stats", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_an_app_of_its_own_is_installed_from_shopify(
    installation: Installation, shopify: PretendShopify, owner: httpx.Client
) -> None:
    """Shopify's own link leads, over signing in, to the store's being connected."""
    added = ("app", "add", KEY, "--client-id", CLIENT, "--secret-stdin")
    run(installation, *added, told=FIRST_SECRET + "\n")
    register(shopify, installation, FIRST_SECRET)
    page = httpx.get(f"{shopify.address(SHOP)}/admin").text
    entries = [unescape(found) for found in re.findall(r'href="([^"]*)">Install<', page)]
    entry = next(urlsplit(e) for e in entries if urlsplit(e).path.endswith(f"/install/{KEY}"))
    stranger = httpx.get(f"{installation.url}{entry.path}?{entry.query}")
    assert urlsplit(stranger.headers["location"]).path == "/sign-in"
    forged = owner.get(f"{entry.path}?{entry.query.replace(SHOP, 'a-' + SHOP)}")
    assert dict(query_of(forged.headers["location"]))["refused"] == "hmac"
    begun = owner.get(f"{entry.path}?{entry.query}")
    back = urlsplit(shopify.answer(begun.headers["location"]))
    assert back.path == f"/api/auth/callback/{KEY}"
    landed = owner.get(f"{back.path}?{back.query}")
    assert dict(query_of(landed.headers["location"]))["connected"] == "1"
    assert owner.get("/api/stores").json()["stores"][0]["app"] == KEY
    until(lambda: "orders/updated" in subscribed(shopify))
    uris = {s["uri"] for i in shopify.installations(SHOP) for s in i["subscriptions"]}
    assert uris == {f"{installation.url}/api/webhook/{KEY}"}
    shopify.control("sell", shop=SHOP, count=2)
    until(lambda: stats(owner)["orders"] == 2)


def test_a_secret_is_rotated_and_no_delivery_is_refused(
    installation: Installation, shopify: PretendShopify, owner: httpx.Client
) -> None:
    """As Shopify's manual has it: make a new one, tell the app, revoke the old one, retire it here."""
    before = shopify.state()["deliveries"]["failed_tries"]
    run(installation, "app", "secret", "add", KEY, told=NEXT_SECRET + "\n")
    register(shopify, installation, NEXT_SECRET, FIRST_SECRET)
    # Both are in force: Shopify goes on signing with the older one.
    shopify.control("sell", shop=SHOP)
    until(lambda: stats(owner)["orders"] == 3)
    register(shopify, installation, NEXT_SECRET)
    shopify.control("sell", shop=SHOP)
    until(lambda: stats(owner)["orders"] == 4)
    until(lambda: shopify.state()["deliveries"]["waiting"] == 0)
    assert shopify.state()["deliveries"]["failed_tries"] == before
    installation.settle()
    true, said = books(shopify), stats(owner)
    figures = said.keys() - NO_FIGURES
    assert {name: said[name] for name in figures} == {name: true[name] for name in figures}


def test_customers_are_given_their_data_and_forgotten(
    installation: Installation, shopify: PretendShopify, owner: httpx.Client
) -> None:
    """Shopify passes on what customers ask for; the owner sees it, and the figures stay."""
    sold = shopify.control("sell", shop=SHOP)["orders"][0]
    until(lambda: stats(owner)["orders"] == 5)
    installation.settle()
    before = stats(owner)
    customer = int(sold["customer"])
    shopify.control("demand", shop=SHOP, topic="customers/data_request", customer=customer)
    asked = until(lambda: _done(owner, "customers/data_request"))
    file = owner.get(f"/api/privacy/requests/{asked['id']}/file")
    assert file.status_code == 200, file.text
    assert sold["email"] in file.text
    assert sold["name"] in file.text
    assert sold["email"] in owner.get("/api/analytics/top-customers").text
    shopify.control("demand", shop=SHOP, topic="customers/redact", customer=customer)
    forgotten = until(lambda: _done(owner, "customers/redact"))
    assert owner.get(f"/api/privacy/requests/{forgotten['id']}/receipt").status_code == 200
    assert sold["email"] not in owner.get("/api/analytics/top-customers").text
    after = stats(owner)
    figures = after.keys() - NO_FIGURES
    assert {name: after[name] for name in figures} == {name: before[name] for name in figures}


def _done(client: httpx.Client, kind: str) -> dict[str, Any] | None:
    """The request of a kind, once it is done."""
    requests = client.get("/api/privacy/requests").json()["requests"]
    return next((one for one in requests if one["kind"] == kind and one["done_at"]), None)
