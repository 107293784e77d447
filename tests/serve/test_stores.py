"""Connecting and removing stores, and the wall between tenants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.serve.test_auth import problem
from tillstream.shops.sealing import Keyring, store_place

if TYPE_CHECKING:
    from tests.serve.conftest import Site


async def test_a_store_is_connected_and_listed_without_its_secrets(site: Site) -> None:
    token = (await site.register())["token"]
    body = {
        "domain": "Ada-Teas.myshopify.com",
        "api_secret": "shpss_very_secret",
        "timezone": "Europe/Berlin",
        "currency": "eur",
    }
    async with site.client(token) as client:
        made = await client.post("/api/stores", json=body)
        listed = await client.get("/api/stores")
        one = await client.get(made.headers["location"])
    assert made.status_code == 201
    store = made.json()
    assert store["domain"] == "ada-teas.myshopify.com"
    assert store["currency"] == "EUR"
    assert store["abandonment_window_minutes"] == 10
    assert (store["has_api_secret"], store["has_access_token"]) == (True, False)
    assert listed.json() == {"stores": [store]}
    assert one.json() == store
    assert "very_secret" not in made.text + listed.text


async def test_secrets_are_sealed_for_their_store(site: Site) -> None:
    token = (await site.register())["token"]
    store = await site.connect(token, "a.myshopify.com", api_secret="s1", access_token="t1")
    with site.owner() as owner:
        row = owner.execute(
            "SELECT api_secret_sealed, access_token_sealed FROM shops.stores"
        ).fetchone()
    assert row is not None
    keyring = Keyring.from_settings(site.settings)
    assert keyring.open(row[0], store_place(store, "api_secret")) == b"s1"
    assert keyring.open(row[1], store_place(store, "access_token")) == b"t1"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"domain": "example.com"}, "body.domain"),
        ({"domain": "https://a.myshopify.com"}, "body.domain"),
        ({"domain": "a.myshopify.com.evil.example"}, "body.domain"),
        ({"domain": "a.myshopify.com", "timezone": "Mars/Olympus"}, "body.timezone"),
        ({"domain": "a.myshopify.com", "timezone": "../../etc/passwd"}, "body.timezone"),
        ({"domain": "a.myshopify.com", "currency": "EURO"}, "body.currency"),
        ({"domain": "a.myshopify.com", "api_secret": ""}, "body.api_secret"),
        (
            {"domain": "a.myshopify.com", "abandonment_window_minutes": 0},
            "body.abandonment_window_minutes",
        ),
        ({}, "body.domain"),
    ],
)
async def test_what_cannot_be_right_names_its_field(site: Site, body: Any, field: str) -> None:
    token = (await site.register())["token"]
    async with site.client(token) as client:
        response = await client.post("/api/stores", json=body)
        assert (await client.get("/api/stores")).json() == {"stores": []}
    assert response.status_code == 422
    assert problem(response) == "validation"
    assert [fault["field"] for fault in response.json()["errors"]] == [field]


async def test_a_shop_is_connected_by_one_tenant_at_a_time(site: Site) -> None:
    ada = (await site.register())["token"]
    bob = (await site.register("bob@example.com"))["token"]
    store = await site.connect(ada, "a.myshopify.com")
    async with site.client(ada) as of_ada, site.client(bob) as of_bob:
        taken = await of_bob.post("/api/stores", json={"domain": "a.myshopify.com"})
        again = await of_ada.post("/api/stores", json={"domain": "a.myshopify.com"})
        assert (taken.status_code, again.status_code) == (409, 409)
        assert problem(taken) == problem(again) == "store-connected"
        assert "another account" in taken.json()["detail"]
        assert "ada" not in taken.text
        assert (await of_ada.delete(f"/api/stores/{store}")).status_code == 204
        assert (
            await of_bob.post("/api/stores", json={"domain": "a.myshopify.com"})
        ).status_code == 201
        back = await of_ada.post("/api/stores", json={"domain": "a.myshopify.com"})
        assert back.status_code == 409


async def test_a_removed_store_keeps_its_id_and_loses_its_secrets(site: Site) -> None:
    token = (await site.register())["token"]
    store = await site.connect(token, "a.myshopify.com", api_secret="s", timezone="Asia/Tokyo")
    async with site.client(token) as client:
        assert (await client.delete(f"/api/stores/{store}")).status_code == 204
        assert (await client.delete(f"/api/stores/{store}")).status_code == 404
        assert (await client.get(f"/api/stores/{store}")).status_code == 404
        assert (await client.get("/api/stores")).json() == {"stores": []}
        back = await client.post("/api/stores", json={"domain": "a.myshopify.com"})
    assert back.json()["id"] == str(store)
    assert back.json()["timezone"] == "Asia/Tokyo"
    assert back.json()["has_api_secret"] is False


async def test_changing_a_store_leaves_the_rest(site: Site) -> None:
    token = (await site.register())["token"]
    store = await site.connect(token, "a.myshopify.com", currency="EUR")
    async with site.client(token) as client:
        changed = await client.patch(
            f"/api/stores/{store}", json={"name": "Teas", "abandonment_window_minutes": 30}
        )
        secret = await client.patch(f"/api/stores/{store}", json={"access_token": "t"})
        wrong = await client.patch(f"/api/stores/{store}", json={"timezone": "x"})
    assert changed.json()["name"] == "Teas"
    assert changed.json()["abandonment_window_minutes"] == 30
    assert changed.json()["currency"] == "EUR"
    assert secret.json()["has_access_token"] is True
    assert secret.json()["name"] == "Teas"
    assert wrong.status_code == 422


async def test_another_tenants_store_does_not_exist(site: Site) -> None:
    ada = (await site.register())["token"]
    bob = (await site.register("bob@example.com"))["token"]
    store = await site.connect(ada, "a.myshopify.com")
    async with site.client(bob) as client:
        answers = [
            await client.get(f"/api/stores/{store}"),
            await client.patch(f"/api/stores/{store}", json={"name": "mine"}),
            await client.delete(f"/api/stores/{store}"),
            await client.get(f"/api/analytics/stats?store={store}"),
            await client.get("/api/analytics/stats?store=x"),
            await client.get("/api/stores/x"),
            await client.get("/api/stores/99999999999999999999"),
        ]
    for answer in answers:
        assert answer.status_code == 404
        assert problem(answer) == "not-found"
    async with site.client(ada) as client:
        assert (await client.get(f"/api/stores/{store}")).json()["name"] == ""


async def test_only_owners_change_stores(site: Site) -> None:
    token = (await site.register())["token"]
    store = await site.connect(token, "a.myshopify.com")
    with site.owner() as owner:
        owner.execute("UPDATE shops.memberships SET role = 'viewer'")
    async with site.client(token) as client:
        answers = [
            await client.post("/api/stores", json={"domain": "b.myshopify.com"}),
            await client.patch(f"/api/stores/{store}", json={"name": "x"}),
            await client.delete(f"/api/stores/{store}"),
        ]
        assert (await client.get("/api/stores")).status_code == 200
    for answer in answers:
        assert answer.status_code == 403
        assert problem(answer) == "forbidden"


async def test_unknown_addresses_and_methods_are_problems(site: Site) -> None:
    async with site.client() as client:
        assert problem(await client.get("/api/nothing")) == "not-found"
        assert problem(await client.delete("/api/stores")) == "method-not-allowed"
        assert problem(await client.get("/assets/gone.js")) == "not-found"
