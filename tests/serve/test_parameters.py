"""What a call does not know of its query it refuses, and what it knows it takes once.

Calls and their parameters are taken from the API's own description, so that new ones are tested, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.serve.test_auth import problem
from tillstream.serve.app import bare_app

if TYPE_CHECKING:
    from tests.serve.conftest import Site

CALLS: dict[str, dict[str, Any]] = {
    path.replace("{order_id}", "1"): {
        one["name"]: one.get("example", (one["schema"].get("examples") or [None])[0])
        for one in told["get"].get("parameters", [])
        if one["in"] == "query"
    }
    for path, told in bare_app().openapi()["paths"].items()
    if path.startswith(("/api/analytics/", "/api/orders/")) or path == "/api/audit"
}


@pytest.fixture
async def token(site: Site) -> str:
    token = (await site.register())["token"]
    await site.connect(token, "a.myshopify.com", timezone="UTC", currency="EUR")
    return token


async def test_unknown_and_repeated_parameters_are_refused_everywhere(
    site: Site, token: str
) -> None:
    assert len(CALLS) > 15
    async with site.client(token) as client:
        for path, known in CALLS.items():
            forms = ("", ".csv", ".parquet") if path.startswith("/api/analytics/") else ("",)
            for form in forms:
                answer = await client.get(f"{path}{form}?contry=US")
                assert answer.status_code == 422, (path, form, answer.text)
                assert problem(answer) == "validation"
                [fault] = answer.json()["errors"]
                assert fault["field"] == "query.contry"
                assert all(name in fault["detail"] for name in known), fault
            for name in known:
                # The same twice is refused as well: which of two was meant nobody knows.
                answer = await client.get(f"{path}?{name}=1&{name}=1")
                assert answer.status_code == 422, (path, name, answer.text)
                faults = {one["field"]: one["detail"] for one in answer.json()["errors"]}
                assert "once" in faults[f"query.{name}"], (path, name)


async def test_all_faults_are_named(site: Site, token: str) -> None:
    async with site.client(token) as client:
        answer = await client.get("/api/analytics/stats?a=1&store=1&b&store=2&" + "c" * 500 + "=1")
    assert answer.status_code == 422
    fields = [one["field"] for one in answer.json()["errors"]]
    assert fields == ["query.a", "query.b", "query." + "c" * 60, "query.store"]
    assert answer.json()["detail"].startswith("query.a: There is no such parameter. Known here: ch")


async def test_a_filter_that_figures_are_not_known_by_is_refused_as_such(
    site: Site, token: str
) -> None:
    async with site.client(token) as client:
        answer = await client.get("/api/analytics/products?channel=web")
        assert answer.status_code == 422
        assert "not known by it" in answer.json()["detail"]
        answer = await client.get("/api/analytics/measures?from=2026-03-01")
        assert answer.json()["errors"][0]["detail"].endswith("This call takes none.")


async def test_what_is_known_is_taken(site: Site, token: str) -> None:
    sent = {"store", "from", "to", "limit", "channel", "country", "compare", "twins"}
    store = (await stores(site, token))[0]["id"]
    async with site.client(token) as client:
        for path, known in CALLS.items():
            if path.startswith("/api/orders/"):
                continue
            query = {
                name: value for name, value in known.items() if name in sent and value is not None
            }
            query.update({"by": "channel"} if "by" in known else {})
            query.update({"measure": "orders"} if "measure" in known else {})
            query.update({"store": store} if "store" in known else {})
            answer = await client.get(path, params=query)
            assert answer.status_code == 200, (path, answer.text)


async def test_who_is_not_signed_in_is_told_that_first(site: Site) -> None:
    async with site.client() as client:
        for path in CALLS:
            answer = await client.get(f"{path}?contry=US")
            assert answer.status_code == 401, path


async def stores(site: Site, token: str) -> list[dict[str, Any]]:
    async with site.client(token) as client:
        return (await client.get("/api/stores")).json()["stores"]
