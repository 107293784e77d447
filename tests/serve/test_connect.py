"""Connecting a store by OAuth.

Real: the API on a real database, and Shopify's side as a small HTTP server on loopback. The merchant's
approval is made up here: a callback with a code that this Shopify knows, signed with the app's secret.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import psycopg
import pytest
from argon2 import PasswordHasher

from tests.serve.conftest import Site, open_site, settings_for
from tests.shops.pretend_shopify import PretendShopify, pretend_shopify
from tillstream.foundation.database import connect
from tillstream.shopify.queries import sign_query
from tillstream.shops.apps import add_app, add_secret
from tillstream.shops.passwords import PasswordVault
from tillstream.shops.sealing import Keyring, store_place

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from pathlib import Path

    import httpx

    from tests.conftest import Database

SHOP = "ada-teas.myshopify.com"
SECRET = b"shpss_of_the_tests"
CLIENT_ID = "client-of-the-tests"


class Stage:
    """The site, Shopify, and the people of a test."""

    def __init__(self, site: Site, shopify: PretendShopify) -> None:
        self.site = site
        self.shopify = shopify

    @asynccontextmanager
    async def browser(self, email: str = "ada@example.com") -> AsyncGenerator[httpx.AsyncClient]:
        """A signed-in browser with its cookies."""
        async with self.site.client() as client:
            body = {"email": email, "password": "brass lamp and seven owls", "name": "Ada"}
            answer = await client.post("/api/auth/register", json=body)
            if answer.status_code != 201:
                answer = await client.post("/api/auth/login", json=body)
            assert answer.status_code in {200, 201}, answer.text
            client.headers["Authorization"] = f"Bearer {answer.json()['token']}"
            yield client

    def back(self, state: str, shop: str = SHOP, secret: bytes = SECRET, **changes: str) -> str:
        """The query with which Shopify sends the browser back, signed; the merchant has approved."""
        told = {
            "code": self.shopify.approve(shop),
            "host": "YWRtaW4uc2hvcGlmeS5jb20",
            "shop": shop,
            "state": state,
            "timestamp": str(int(self.site.clock.now.timestamp())),
            **changes,
        }
        return urlencode({**told, "hmac": sign_query(list(told.items()), secret)})

    async def begin(self, client: httpx.AsyncClient, shop: str = SHOP, **query: str) -> str:
        """Set out; the state that goes through Shopify."""
        answer = await client.get("/api/auth/shopify", params={"shop": shop, **query})
        assert answer.status_code == 302, answer.text
        return parse_qs(urlsplit(answer.headers["location"]).query)["state"][0]

    async def connect(
        self, client: httpx.AsyncClient, shop: str = SHOP, **query: str
    ) -> httpx.Response:
        """There and back."""
        state = await self.begin(client, shop, **query)
        return await client.get(f"/api/auth/callback?{self.back(state, shop)}")

    async def store(self, client: httpx.AsyncClient) -> dict[str, Any]:
        """The account's only store."""
        stores = (await client.get("/api/stores")).json()["stores"]
        assert len(stores) == 1
        return stores[0]

    def exchanges(self) -> int:
        """How often Shopify was asked for a token."""
        return sum(path.endswith("access_token") for path, _ in self.shopify.asked)


@pytest.fixture
async def stage(database: Database, tmp_path: Path) -> AsyncGenerator[Stage]:
    async with pretend_shopify() as shopify:
        settings = settings_for(
            tmp_path,
            shopify_api_key=CLIENT_ID,
            shopify_address=shopify.address,
            host="http://tillstream.test",
        )
        async with open_site(database, settings) as site:
            # Real hashes, of which nobody has to prove here that they are slow.
            quick = PasswordVault(hasher=PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
            site.app.state.context = replace(site.app.state.context, vault=quick)
            yield Stage(site, shopify)
            await site.app.state.shopify.aclose()


def refused(answer: httpx.Response) -> str:
    """The code of a turn-away."""
    assert answer.status_code == 302, answer.text
    parts = urlsplit(answer.headers["location"])
    assert (parts.netloc, parts.path) == ("", "/stores")
    return parse_qs(parts.query)["refused"][0]


async def test_a_store_is_connected_by_oauth(stage: Stage) -> None:
    async with stage.browser() as client:
        out = await client.get("/api/auth/shopify", params={"shop": SHOP})
        there = urlsplit(out.headers["location"])
        asked = parse_qs(there.query)
        assert there.path == f"/{SHOP}/admin/oauth/authorize"
        assert asked["client_id"] == [CLIENT_ID]
        assert asked["redirect_uri"] == ["http://tillstream.test/api/auth/callback"]
        assert asked["scope"] == ["read_orders,read_customers,read_products"]
        home = await client.get(f"/api/auth/callback?{stage.back(asked['state'][0])}")
        store = await stage.store(client)
    assert home.headers["location"] == f"/?store={store['id']}&connected=1"
    assert (store["connected_by"], store["proved"], store["status"]) == ("oauth", True, "connected")
    assert store["granted_scopes"] == ["read_customers", "read_orders", "read_products"]
    assert store["missing_scopes"] == store["warnings"] == []
    assert store["has_access_token"] is True


async def test_tokens_are_sealed_for_their_store_and_the_api_cannot_read_them(stage: Stage) -> None:
    async with stage.browser() as client:
        await stage.connect(client)
        store_id = int((await stage.store(client))["id"])
    with stage.site.owner() as owner:
        row = owner.execute(
            "SELECT access_token_sealed, refresh_token_sealed, access_token_expires_at FROM shops.stores"
        ).fetchone()
    assert row is not None
    keyring = Keyring.from_settings(stage.site.settings)
    access = keyring.open(row[0], store_place(store_id, "access_token")).decode()
    refresh = keyring.open(row[1], store_place(store_id, "refresh_token")).decode()
    assert access in stage.shopify.shops[SHOP].access
    assert refresh in stage.shopify.shops[SHOP].refresh
    assert (row[2] - stage.site.clock.now).total_seconds() == 3600


async def test_who_is_not_signed_in_signs_in_first_and_goes_on(stage: Stage) -> None:
    async with stage.site.client() as client:
        page = await client.get("/api/auth/shopify", params={"shop": SHOP, "transfer": "tt_x"})
        data = await client.get(
            "/api/auth/shopify", params={"shop": SHOP}, headers={"Accept": "application/json"}
        )
    there = urlsplit(page.headers["location"])
    assert there.path == "/sign-in"
    assert parse_qs(there.query)["next"] == [f"/api/auth/shopify?shop={SHOP}&transfer=tt_x"]
    assert data.status_code == 401
    assert data.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "shop",
    [
        "example.com",
        "evil.example/?x=ada-teas.myshopify.com",
        "ada-teas.myshopify.com.evil.example",
        "ada-teas.myshopify.com@evil.example",
        "https://ada-teas.myshopify.com",
        "ada-teas.myshopify.com\n",
        "ada_teas.myshopify.com",
        "",
    ],
)
async def test_only_shop_domains_are_gone_to(stage: Stage, shop: str) -> None:
    async with stage.browser() as client:
        answer = await client.get("/api/auth/shopify", params={"shop": shop})
    if shop.strip() == SHOP:
        assert urlsplit(answer.headers["location"]).path.startswith(f"/{SHOP}/")
    else:
        assert refused(answer) == "shop"
        assert "evil" not in answer.headers["location"]


async def test_a_state_works_once(stage: Stage) -> None:
    async with stage.browser() as client:
        query = stage.back(await stage.begin(client))
        cookies = dict(client.cookies)
        first = await client.get(f"/api/auth/callback?{query}")
        for name, value in cookies.items():
            client.cookies.set(name, value)
        again = await client.get(f"/api/auth/callback?{query}")
    assert "connected=1" in first.headers["location"]
    assert refused(again) == "state"
    assert stage.exchanges() == 1


async def test_a_state_works_once_also_for_two_at_the_same_moment(stage: Stage) -> None:
    async with stage.browser() as client:
        query = stage.back(await stage.begin(client))
        answers = await asyncio.gather(
            *(client.get(f"/api/auth/callback?{query}") for _ in range(4))
        )
    there = [answer.headers["location"] for answer in answers]
    assert sum("connected=1" in one for one in there) == 1
    assert sum("refused=state" in one for one in there) == 3
    assert stage.exchanges() == 1


async def test_tabs_that_connect_several_shops_do_not_clash(stage: Stage) -> None:
    other = "ada-cups.myshopify.com"
    async with stage.browser() as client:
        one, two = await stage.begin(client), await stage.begin(client, other)
        first = await client.get(f"/api/auth/callback?{stage.back(one)}")
        second = await client.get(f"/api/auth/callback?{stage.back(two, other)}")
    assert "connected=1" in first.headers["location"]
    assert "connected=1" in second.headers["location"]


def another_seal(value: str) -> str:
    return value[:-1] + ("0" if value[-1] != "0" else "1")


def another_tenant(value: str) -> str:
    return f"2{value[1:]}"


def no_seal(value: str) -> str:
    return value.rpartition(".")[0]


def more_parts(value: str) -> str:
    return f"..{value}"


def nothing(_: str) -> str:
    return ""


@pytest.mark.parametrize("change", [another_seal, another_tenant, no_seal, more_parts, nothing])
async def test_an_altered_state_cookie_is_none(stage: Stage, change: Callable[[str], str]) -> None:
    async with stage.browser() as client:
        state = await stage.begin(client)
        for cookie in client.cookies.jar:
            if cookie.name.startswith("tillstream_state"):
                assert cookie.path == "/api/auth/callback"
                cookie.value = change(cookie.value or "")
        answer = await client.get(f"/api/auth/callback?{stage.back(state)}")
    assert refused(answer) == "state"


async def test_a_named_app_has_its_own_addresses_id_and_scopes(stage: Stage) -> None:
    stage.shopify.client_id, stage.shopify.secrets = "eu-app", ("shpss_of_eu",)
    async with await connect(stage.site.database.admin_url) as owner:
        keyring = Keyring.from_settings(stage.site.settings)
        now = stage.site.clock.now
        await add_app(owner, "eu", client_id="eu-app", scopes="read_orders,read_reports", now=now)
        await add_secret(owner, keyring, "eu", "shpss_of_eu", now=now)
    stage.shopify.shop(SHOP, scopes="read_orders,read_reports")
    async with stage.browser() as client:
        out = await client.get("/api/auth/shopify", params={"shop": SHOP, "app": "eu"})
        asked = parse_qs(urlsplit(out.headers["location"]).query)
        assert asked["client_id"] == ["eu-app"]
        assert asked["scope"] == ["read_orders,read_reports"]
        assert asked["redirect_uri"] == ["http://tillstream.test/api/auth/callback/eu"]
        state = asked["state"][0]
        query = stage.back(state, secret=b"shpss_of_eu")
        # At the address of another app it is nobody's.
        assert refused(await client.get(f"/api/auth/callback?{query}")) == "state"
        query = stage.back(state, secret=b"shpss_of_eu")
        home = await client.get(f"/api/auth/callback/eu?{query}")
        store = await stage.store(client)
    assert "connected=1" in home.headers["location"]
    assert (store["app"], store["missing_scopes"]) == ("eu", [])


async def test_while_secrets_are_rotated_either_will_do(stage: Stage, database: Database) -> None:
    settings = replace(
        stage.site.settings, shopify_api_secrets=(b"shpss_newer", b"shpss_of_the_tests")
    )
    async with open_site(database, settings) as site:
        later = Stage(site, stage.shopify)
        async with later.browser() as client:
            # Shopify signs with the old one and knows the new one not yet.
            home = await later.connect(client)
            assert "connected=1" in home.headers["location"]
            stage.shopify.secrets = ("shpss_newer",)
            state = await later.begin(client)
            query = later.back(state, secret=b"shpss_newer")
            home = await client.get(f"/api/auth/callback?{query}")
        await site.app.state.shopify.aclose()
    assert "connected=1" in home.headers["location"]


async def test_no_secret_is_in_what_anybody_is_shown(stage: Stage) -> None:
    async with stage.browser() as client:
        answers = [await stage.connect(client), await client.get("/api/stores")]
        answers.append(await client.get("/api/audit"))
        stage.shopify.secrets = ("another",)
        answers.append(await stage.connect(client))
    told = "".join(answer.text + str(answer.headers) for answer in answers)
    shop = stage.shopify.shops[SHOP]
    for secret in (*shop.access, *shop.refresh, "shpss_of_the_tests", "code-"):
        assert secret not in told
    assert refused(answers[-1]) == "exchange"


async def test_a_state_belongs_to_the_browser_that_set_out(stage: Stage) -> None:
    async with stage.browser() as one, stage.browser() as other:
        state = await stage.begin(one)
        await stage.begin(other)
        # The same person in another browser, who even set out for the same shop.
        lured = await other.get(f"/api/auth/callback?{stage.back(state)}")
        async with stage.site.client() as nobody:
            bare = await nobody.get(f"/api/auth/callback?{stage.back(state)}")
        back = await one.get(f"/api/auth/callback?{stage.back(state)}")
    assert refused(lured) == refused(bare) == "state"
    assert "connected=1" in back.headers["location"]
    assert stage.exchanges() == 1


async def test_a_state_belongs_to_the_person_who_set_out(stage: Stage) -> None:
    async with stage.browser() as ada, stage.browser("bob@example.com") as bob:
        state = await stage.begin(ada)
        # Bob signs in to the browser in which Ada set out.
        for cookie in bob.cookies.jar:
            if cookie.name == "tillstream_refresh":
                ada.cookies.jar.set_cookie(cookie)
        answer = await ada.get(f"/api/auth/callback?{stage.back(state)}")
    assert refused(answer) == "state"
    assert stage.exchanges() == 0


async def test_a_state_expires(stage: Stage) -> None:
    async with stage.browser() as client:
        state = await stage.begin(client)
        stage.site.clock.forward(minutes=10, seconds=1)
        answer = await client.get(f"/api/auth/callback?{stage.back(state)}")
    assert refused(answer) == "state"


async def test_what_shopify_did_not_sign_is_refused_and_the_genuine_answer_still_counts(
    stage: Stage,
) -> None:
    async with stage.browser() as client:
        state = await stage.begin(client)
        query = stage.back(state)
        forged = await client.get(f"/api/auth/callback?{query.replace('code=', 'code=x')}")
        other = await client.get(f"/api/auth/callback?{stage.back(state, secret=b'another')}")
        bare = await client.get(f"/api/auth/callback?{query.partition('&hmac=')[0]}")
        doubled = await client.get(f"/api/auth/callback?{query}&code=y")
        assert stage.exchanges() == 0
        genuine = await client.get(f"/api/auth/callback?{stage.back(state)}")
    assert [refused(a) for a in (forged, other, bare, doubled)] == ["hmac"] * 4
    assert "connected=1" in genuine.headers["location"]


async def test_an_old_answer_is_refused(stage: Stage) -> None:
    async with stage.browser() as client:
        state = await stage.begin(client)
        old = str(int(stage.site.clock.now.timestamp()) - 2 * 86_400)
        answer = await client.get(f"/api/auth/callback?{stage.back(state, timestamp=old)}")
    assert refused(answer) == "stale"


async def test_the_answer_for_one_shop_is_not_taken_for_another(stage: Stage) -> None:
    async with stage.browser() as client:
        state = await stage.begin(client, "bob-books.myshopify.com")
        await stage.begin(client)
        answer = await client.get(f"/api/auth/callback?{stage.back(state)}")
    assert refused(answer) == "state"


async def test_a_merchant_may_say_no(stage: Stage) -> None:
    async with stage.browser() as client:
        state = await stage.begin(client)
        told = urlencode({"error": "access_denied", "shop": SHOP, "state": state})
        answer = await client.get(f"/api/auth/callback?{told}")
    assert refused(answer) == "denied"


async def test_a_code_that_shopify_does_not_know_connects_nothing(stage: Stage) -> None:
    async with stage.browser() as client:
        state = await stage.begin(client)
        answer = await client.get(f"/api/auth/callback?{stage.back(state, code='forged')}")
        assert refused(answer) == "exchange"
        assert (await client.get("/api/stores")).json() == {"stores": []}


async def test_too_few_scopes_are_said_plainly(stage: Stage) -> None:
    stage.shopify.shop(SHOP, scopes="write_orders")
    async with stage.browser() as client:
        page = await stage.connect(client)
        state = await stage.begin(client)
        data = await client.get(
            f"/api/auth/callback?{stage.back(state)}", headers={"Accept": "application/json"}
        )
        assert (await client.get("/api/stores")).json() == {"stores": []}
    # write_orders covers read_orders.
    assert parse_qs(urlsplit(page.headers["location"]).query) == {
        "refused": ["scopes"],
        "shop": [SHOP],
        "missing": ["read_customers,read_products"],
    }
    assert data.status_code == 403
    assert data.json()["missing"] == ["read_customers", "read_products"]


async def test_a_connected_store_keeps_a_narrower_grant_because_the_old_one_has_ended(
    stage: Stage,
) -> None:
    async with stage.browser() as client:
        await stage.connect(client)
        stage.shopify.shops[SHOP].scopes = "read_orders"
        again = await stage.connect(client)
        store = await stage.store(client)
    assert refused(again) == "scopes"
    assert store["missing_scopes"] == ["read_customers", "read_products"]
    assert [one["code"] for one in store["warnings"]] == ["scopes_missing"]


async def test_only_owners_connect(stage: Stage) -> None:
    async with stage.browser() as client:
        state = await stage.begin(client)
        with stage.site.owner() as owner:
            owner.execute("UPDATE shops.memberships SET role = 'analyst'")
        out = await client.get("/api/auth/shopify", params={"shop": SHOP})
        back = await client.get(f"/api/auth/callback?{stage.back(state)}")
        data = await client.get(
            "/api/auth/shopify", params={"shop": SHOP}, headers={"Accept": "application/json"}
        )
    assert refused(out) == refused(back) == "forbidden"
    assert data.status_code == 403
    assert stage.exchanges() == 0


async def test_the_refresh_cookie_is_not_used_up(stage: Stage) -> None:
    async with stage.browser() as client:
        await stage.connect(client)
        stage.site.clock.forward(minutes=1)
        assert (await client.post("/api/auth/refresh")).status_code == 200


async def test_shopifys_own_link_begins_the_same_way(stage: Stage) -> None:
    told = {"shop": SHOP, "timestamp": str(int(stage.site.clock.now.timestamp()))}
    signed = urlencode({**told, "hmac": sign_query(list(told.items()), SECRET)})
    forged = urlencode({**told, "hmac": "0" * 64})
    async with stage.browser() as client, stage.site.client() as stranger:
        out = await client.get(f"/api/auth/install?{signed}")
        unknown = await client.get(f"/api/auth/install/nosuch?{signed}")
        assert refused(await client.get(f"/api/auth/install?{forged}")) == "hmac"
        first = await stranger.get(f"/api/auth/install?{signed}")
        stage.site.clock.forward(days=2)
        assert refused(await client.get(f"/api/auth/install?{signed}")) == "stale"
    assert urlsplit(out.headers["location"]).path == f"/{SHOP}/admin/oauth/authorize"
    assert refused(unknown) == "app"
    assert parse_qs(urlsplit(first.headers["location"]).query)["next"] == [
        f"/api/auth/shopify?shop={SHOP}"
    ]


async def test_a_store_is_connected_by_its_own_custom_app(stage: Stage) -> None:
    stage.shopify.client_id, stage.shopify.secrets = "own-app", ("shpss_own",)
    async with stage.browser() as client:
        body = {"domain": SHOP, "api_key": "own-app", "api_secret": "shpss_own"}
        made = await client.post("/api/stores", json=body)
        assert made.json()["api_key"] == "own-app"
        assert (made.json()["connected_by"], made.json()["proved"]) == ("secret", False)
        state = await stage.begin(client)
        # Signed by the installation's app instead of by the store's own.
        assert refused(await client.get(f"/api/auth/callback?{stage.back(state)}")) == "hmac"
        query = stage.back(state, secret=b"shpss_own")
        home = await client.get(f"/api/auth/callback?{query}")
        store = await stage.store(client)
    assert home.headers["location"] == f"/?store={made.json()['id']}&connected=1"
    assert (store["connected_by"], store["proved"], store["api_key"]) == ("oauth", True, "own-app")


async def test_a_proof_wins_over_a_claim(stage: Stage) -> None:
    async with stage.browser("eve@example.com") as eve, stage.browser() as ada:
        claim = await eve.post("/api/stores", json={"domain": SHOP, "api_secret": "guess"})
        assert claim.status_code == 201
        home = await stage.connect(ada)
        assert "connected=1" in home.headers["location"]
        assert (await eve.get("/api/stores")).json() == {"stores": []}
        log = (await eve.get("/api/audit")).json()["events"]
        again = await eve.post("/api/stores", json={"domain": SHOP})
    assert ("store.lost", SHOP, {"how": "won"}) in [
        (line["action"], line["subject"], line["detail"]) for line in log
    ]
    assert again.status_code == 409


async def test_a_proved_store_is_not_taken_without_leave(stage: Stage) -> None:
    async with stage.browser() as ada, stage.browser("bob@example.com") as bob:
        await stage.connect(ada)
        asked = stage.exchanges()
        refresh = set(stage.shopify.shops[SHOP].refresh)
        assert refused(await stage.connect(bob)) == "taken"
        # Nothing was exchanged for it: that would have ended Ada's refresh token.
        assert stage.exchanges() == asked
        assert stage.shopify.shops[SHOP].refresh == refresh
        assert refused(await stage.connect(bob, transfer="tt_guess")) == "taken"
        store = await stage.store(ada)
        offer = await ada.post(f"/api/stores/{store['id']}/transfers")
        code = offer.json()["code"]
        home = await stage.connect(bob, transfer=code)
        assert "connected=1" in home.headers["location"]
        assert (await ada.get("/api/stores")).json() == {"stores": []}
        # The code is used up: Ada cannot be robbed of it back by the same one.
        assert refused(await stage.connect(ada, transfer=code)) == "taken"
    assert offer.status_code == 201


async def test_a_transfer_code_is_of_its_store_and_expires(stage: Stage) -> None:
    other = "bob-books.myshopify.com"
    async with stage.browser() as ada, stage.browser("bob@example.com") as bob:
        await stage.connect(ada)
        store = await stage.store(ada)
        await stage.connect(ada, other)
        first = (await ada.post(f"/api/stores/{store['id']}/transfers")).json()["code"]
        code = (await ada.post(f"/api/stores/{store['id']}/transfers")).json()["code"]
        assert refused(await stage.connect(bob, other, transfer=code)) == "taken"
        assert refused(await stage.connect(bob, transfer=first)) == "taken"
        stage.site.clock.forward(days=3, seconds=1)
        async with stage.browser("bob@example.com") as later:
            assert refused(await stage.connect(later, transfer=code)) == "taken"
        foreign = await bob.post(
            f"/api/stores/{store['id']}/transfers",
            headers={"Authorization": f"Bearer {await stage.site.login('bob@example.com')}"},
        )
    assert foreign.status_code == 404


async def test_an_uninstalled_store_is_no_claim_and_comes_back_by_connecting(stage: Stage) -> None:
    async with stage.browser() as ada, stage.browser("bob@example.com") as bob:
        await stage.connect(ada)
        end_installation(stage)
        store = await stage.store(ada)
        assert store["status"] == "uninstalled"
        assert [one["code"] for one in store["warnings"]] == ["uninstalled"]
        assert "connected=1" in (await stage.connect(ada)).headers["location"]
        store = await stage.store(ada)
        assert (store["status"], store["erase_at"], store["uninstalled_at"]) == (
            "connected",
            None,
            None,
        )
        end_installation(stage)
        assert "connected=1" in (await stage.connect(bob)).headers["location"]


def end_installation(stage: Stage) -> None:
    with stage.site.owner() as owner:
        owner.execute(
            "UPDATE shops.stores SET uninstalled_at = %(now)s, access_token_sealed = NULL, "
            "refresh_token_sealed = NULL, erase_at = %(now)s WHERE removed_at IS NULL",
            {"now": stage.site.clock.now},
        )


async def test_an_app_without_id_is_said_plainly(database: Database, tmp_path: Path) -> None:
    async with pretend_shopify() as shopify:
        settings = settings_for(tmp_path, shopify_address=shopify.address)
        async with open_site(database, settings) as site:
            stage = Stage(site, shopify)
            async with stage.browser() as client:
                plain = await client.get("/api/auth/shopify", params={"shop": SHOP})
                odd = await client.get("/api/auth/shopify", params={"shop": SHOP, "app": "N\x00"})
            await site.app.state.shopify.aclose()
    assert refused(plain) == refused(odd) == "app"


async def test_the_database_takes_nothing_over_without_a_used_grant(stage: Stage) -> None:
    async with stage.browser() as client:
        await stage.begin(client)
    with psycopg.connect(stage.site.database.api_url) as connection:
        connection.execute("SELECT set_config('tillstream.tenant', '1', true)")
        row = connection.execute("SELECT state_hash FROM shops.grants_pending").fetchone()
        assert row is not None
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="No grant was used up"):
            connection.execute("SELECT shops.take_over(%s, now())", (row[0],))
