"""What is around the calls: the description, the probes, the dashboard's files, the headers."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.serve.conftest import open_site, settings_for
from tillstream.foundation.database import open_pool
from tillstream.journal.contract import Status
from tillstream.serve.app import create_app
from tillstream.serve.openapi import document
from tillstream.serve.site import read_site

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Database
    from tests.serve.conftest import Site

DESCRIBED: dict[str, Any] = json.loads(document())
OPERATIONS = [
    (path, method, operation)
    for path, item in DESCRIBED["paths"].items()
    for method, operation in item.items()
]


def test_the_description_names_every_call_once() -> None:
    ids = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(ids) == len(set(ids))
    assert all(operation["tags"] for _, _, operation in OPERATIONS)
    assert {"/api/auth/register", "/api/analytics/stats", "/api/live"} <= set(DESCRIBED["paths"])


def test_the_description_knows_one_shape_of_error() -> None:
    assert "HTTPValidationError" not in json.dumps(DESCRIBED)
    for path, method, operation in OPERATIONS:
        for status, response in operation["responses"].items():
            if status.startswith(("4", "5")) and path != "/readyz":
                assert list(response["content"]) == ["application/problem+json"], (path, method)
    problem = DESCRIBED["components"]["schemas"]["Problem"]
    assert set(problem["required"]) == {"type", "title", "status", "detail"}


def test_all_references_of_the_description_lead_somewhere() -> None:
    references = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(DESCRIBED)))
    assert references
    assert references <= set(DESCRIBED["components"]["schemas"])


def test_calls_for_the_signed_in_say_so() -> None:
    schemes = DESCRIBED["components"]["securitySchemes"]
    assert schemes["accessToken"]["scheme"] == "bearer"
    for path, method, operation in OPERATIONS:
        if path.startswith(("/api/stores", "/api/analytics", "/api/live")):
            assert operation["security"] == [{"accessToken": []}], (path, method)


async def test_the_description_is_served(site: Site) -> None:
    async with site.client() as client:
        response = await client.get("/api/openapi.json")
    assert response.json() == DESCRIBED


async def test_probes_of_a_sound_process(site: Site) -> None:
    async with site.client() as client:
        assert (await client.get("/healthz")).json() == {"status": "ok"}
        ready = await client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json() == {"ready": True, "database": True, "migrations": True, "journal": True}


async def test_not_ready_before_the_migrations(site: Site) -> None:
    with site.owner() as owner:
        owner.execute("DELETE FROM public.tillstream_migrations WHERE number = 10")
    async with site.client() as client:
        response = await client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["database"] is True
    assert response.json()["migrations"] is False


async def test_not_ready_without_a_journal(site: Site) -> None:
    async def unreachable() -> Status:
        message = "no broker"
        raise ConnectionError(message)

    site.app.state.context = replace(site.app.state.context, journal_status=unreachable)
    async with site.client() as client:
        response = await client.get("/readyz")
        metrics = await client.get("/metrics")
    assert response.status_code == 503
    assert response.json()["journal"] is False
    assert "tillstream_journal_accepted" not in metrics.text


async def test_not_ready_without_a_database(database: Database, tmp_path: Path) -> None:
    nowhere = f"host={tmp_path} dbname=nothing"
    settings = settings_for(tmp_path)
    async with open_pool(nowhere, min_size=0) as pool:
        app = create_app(settings, pool, listen_url=nowhere)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://t.test") as client:
            assert (await client.get("/healthz")).status_code == 200
            response = await client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["ready"] is False


async def test_metrics_count_by_route_and_tell_of_the_journal(site: Site) -> None:
    async def status() -> Status:
        return Status(7, 4, 1, 1, 1, 2.5)

    site.app.state.context = replace(site.app.state.context, journal_status=status)
    async with site.client() as client:
        await client.get("/api/stores/1")
        await client.get("/api/stores/2")
        await client.request("BREW", "/healthz")
        response = await client.get("/metrics")
    lines = response.text.splitlines()
    counted = 'tillstream_http_requests_total{method="GET",route="/api/stores/{id}",status="401"} 2'
    assert counted in lines
    assert "tillstream_journal_accepted 7" in lines
    assert "tillstream_journal_oldest_waiting_seconds 2.5" in lines
    assert "tillstream_live_subscribers 0" in lines
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")


async def test_metrics_tell_for_how_long_a_deadline_has_been_over(site: Site) -> None:
    name = "tillstream_deadlines_overdue_seconds"
    async with site.client() as client:
        assert f"{name} 0.0" in (await client.get("/metrics")).text.splitlines()
        with site.owner() as owner:
            owner.execute(
                "INSERT INTO rollup.checkouts (tenant_id, store_id, token, stage, counted, started_at, "
                "last_active_at, deadline, value, recovered_value) "
                "SELECT 1, 1, n::text, 'open', true, t, t, t - n * interval '90 s', 0, 0 "
                "FROM (SELECT %s::timestamptz) AS now (t), generate_series(-1, 1) AS n",
                (site.clock.now,),
            )
        assert f"{name} 90.0" in (await client.get("/metrics")).text.splitlines()


def build(folder: Path) -> None:
    """A dashboard as its build leaves it."""
    (folder / "assets").mkdir()
    (folder / "index.html").write_text("<!doctype html><title>T</title>")
    (folder / "assets" / "app-1a2b.js").write_text("let a = 1;\n" * 500)
    (folder / "assets" / "font-3c.woff2").write_bytes(b"\0" * 2000)
    (folder / ".hidden").write_text("secret")


@pytest.fixture
async def built(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A site whose package holds a dashboard."""
    (tmp_path / "static").mkdir()
    build(tmp_path / "static")
    pages = read_site(tmp_path / "static")
    monkeypatch.setattr("tillstream.serve.site.packaged_site", lambda: pages)
    async with open_site(database, settings_for(tmp_path)) as opened:
        yield opened


async def test_the_dashboards_files(built: Site) -> None:
    async with built.client() as client:
        index = await client.get("/")
        deep = await client.get("/customers/42")
        asset = await client.get("/assets/app-1a2b.js", headers={"Accept-Encoding": "gzip"})
        plain = await client.get("/assets/app-1a2b.js", headers={"Accept-Encoding": "identity"})
        again = await client.get("/", headers={"If-None-Match": index.headers["etag"]})
        font = await client.get("/assets/font-3c.woff2")
        head = await client.head("/")
    assert index.text == deep.text == "<!doctype html><title>T</title>"
    assert index.headers["cache-control"] == "no-cache"
    assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert asset.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert asset.text == plain.text
    assert "content-encoding" not in font.headers
    assert again.status_code == 304
    assert head.status_code == 200


@pytest.mark.parametrize("path", ["/assets/app-old.js", "/api", "/api/x", "/assets/../.hidden"])
async def test_what_is_not_in_the_list_does_not_exist(built: Site, path: str) -> None:
    async with built.client() as client:
        response = await client.get(path)
        hidden = await client.get("/.hidden")
    assert response.status_code == 404 or "secret" not in response.text
    assert "secret" not in hidden.text


async def test_every_answer_has_the_security_headers(built: Site) -> None:
    async with built.client() as client:
        answers = [await client.get(path) for path in ("/", "/api/stores", "/healthz")]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
    assert answers[1].headers["cache-control"] == "no-store"


async def test_without_a_build_the_page_says_how_to_make_one(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tillstream.serve.site.packaged_site", dict)
    async with open_site(database, settings_for(tmp_path)) as site, site.client() as client:
        response = await client.get("/")
    assert response.status_code == 200
    assert "make web" in response.text


async def test_one_other_origin_may_call(database: Database, tmp_path: Path) -> None:
    settings = settings_for(tmp_path, frontend_url="https://dash.example.com")
    async with open_site(database, settings) as site, site.client() as client:
        asked = {"Access-Control-Request-Method": "GET", "Origin": "https://dash.example.com"}
        allowed = await client.options("/api/stores", headers=asked)
        refused = await client.options(
            "/api/stores", headers={**asked, "Origin": "https://evil.example.com"}
        )
    assert allowed.headers["access-control-allow-origin"] == "https://dash.example.com"
    assert "access-control-allow-origin" not in refused.headers


def test_compressed_files_are_the_same_files(tmp_path: Path) -> None:
    build(tmp_path)
    pages = read_site(tmp_path)
    assert set(pages) == {"index.html", "assets/app-1a2b.js", "assets/font-3c.woff2"}
    script = pages["assets/app-1a2b.js"]
    assert script.compressed is not None
    assert gzip.decompress(script.compressed) == script.body
    assert read_site(tmp_path / "nothing") == {}


async def test_a_fault_tells_nothing_of_our_insides(site: Site) -> None:
    with site.owner() as owner:
        owner.execute("DROP TABLE rollup.sums CASCADE")
    token = (await site.register())["token"]
    transport = httpx.ASGITransport(site.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://t.test") as client:
        headers = {"Authorization": f"Bearer {token}"}
        response = await client.get("/api/analytics/stats", headers=headers)
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert "rollup" not in response.text
