"""API keys: what they may, for how long, and what is left of them when they are seen by others.

Real: the database, the server of the event stream. Doubled: only the clock.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from typing import TYPE_CHECKING, Any

import psycopg
from hypothesis import given
from hypothesis import strategies as st

from tests.serve.company import audit, call, join, problem
from tests.serve.test_live import Running, running, write
from tillstream.shops.api_keys import PresentedKey

if TYPE_CHECKING:
    from tests.serve.conftest import Site

__all__ = ["running"]  # the fixture


async def make(
    site: Site, owner: str, *scopes: str, days: int = 30, name: str = "machine"
) -> dict[str, Any]:
    body = {"name": name, "scopes": list(scopes), "expires_in_days": days}
    response = await call(site, owner, "POST", "/api/keys", body)
    assert response.status_code == 201, response.text
    return response.json()


async def test_a_key_is_shown_once(site: Site) -> None:
    ada = await site.register()
    made = await make(site, ada["token"], "live", "analytics", "live")
    assert re.fullmatch(r"ts_1_[A-Za-z0-9_-]{43}", made["key"])
    assert made["key"].startswith(made["prefix"])
    assert len(made["prefix"]) < 12
    assert made["scopes"] == ["analytics", "live"]
    listed = (await call(site, ada["token"], "GET", "/api/keys")).json()["keys"]
    assert listed == [{name: value for name, value in made.items() if name != "key"}]
    with site.owner() as connection:
        row = connection.execute("SELECT * FROM shops.api_keys").fetchone()
    assert made["key"] not in str(row)
    assert made["key"].rpartition("_")[2] not in str(row)
    assert made["key"] not in str(await audit(site, ada["token"]))


async def test_a_key_opens_what_its_scopes_name_and_nothing_else(site: Site) -> None:
    ada = await site.register()
    paths = {"/api/analytics/stats": "analytics", "/api/stores": "stores"}
    for scope in ("analytics", "live", "stores", "exports"):
        key = (await make(site, ada["token"], scope))["key"]
        for path, needed in paths.items():
            answer = await call(site, key, "GET", path)
            assert answer.status_code == (200 if scope == needed else 403), (scope, path)
            if scope != needed:
                assert problem(answer) == "forbidden"
                assert needed in answer.json()["detail"]


async def test_a_key_never_reaches_people_keys_or_itself(site: Site) -> None:
    ada = await site.register()
    key = (await make(site, ada["token"], "analytics", "live", "stores", "exports"))["key"]
    calls: list[tuple[str, str, Any]] = [
        ("GET", "/api/auth/me", None),
        ("GET", "/api/auth/sessions", None),
        ("DELETE", "/api/auth/sessions/00000000-0000-4000-8000-000000000000", None),
        ("POST", "/api/auth/switch", {"tenant": ada["tenant"]["id"]}),
        ("POST", "/api/auth/password", {"current": "x", "new": "y"}),
        ("GET", "/api/tenant", None),
        ("PATCH", "/api/tenant", {"name": "Mine"}),
        ("GET", "/api/members", None),
        ("PATCH", f"/api/members/{ada['user']['id']}", {"role": "viewer"}),
        ("DELETE", f"/api/members/{ada['user']['id']}", None),
        ("GET", "/api/invitations", None),
        ("POST", "/api/invitations", {"email": "x@example.com", "role": "owner"}),
        ("DELETE", "/api/invitations/1", None),
        ("GET", "/api/keys", None),
        ("POST", "/api/keys", {"name": "k", "scopes": ["live"], "expires_in_days": 1}),
        ("DELETE", "/api/keys/1", None),
        ("GET", "/api/audit", None),
    ]
    for method, path, body in calls:
        answer = await call(site, key, method, path, body)
        assert answer.status_code == 403, (method, path)
        assert problem(answer) == "forbidden"


# Those with a scope; the rest of /api/auth is by cookie, or listed above.
OPEN = (
    "/api/analytics", "/api/orders", "/api/stores", "/api/live", "/api/auth", "/api/privacy",
)  # fmt: skip


async def test_calls_are_closed_to_keys_until_they_say_otherwise(site: Site) -> None:
    # Every reading call of the description, those that are yet to be thought of included.
    ada = await site.register()
    key = (await make(site, ada["token"], "analytics", "live", "stores", "exports"))["key"]
    async with site.client(key) as client:
        document = (await client.get("/api/openapi.json")).json()
        for path, operations in document["paths"].items():
            if path.startswith(OPEN):
                continue
            if "get" not in operations or "security" not in operations["get"]:
                continue
            answer = await client.get(re.sub(r"\{\w+\}", "1", path))
            assert answer.status_code == 403, path


async def test_a_key_ends_with_its_time(site: Site) -> None:
    ada = await site.register()
    key = (await make(site, ada["token"], "analytics", days=1))["key"]
    site.clock.forward(hours=23, minutes=59)
    assert (await call(site, key, "GET", "/api/analytics/stats")).status_code == 200
    site.clock.forward(minutes=1)
    ended = await call(site, key, "GET", "/api/analytics/stats")
    assert ended.status_code == 401
    assert problem(ended) == "unauthenticated"


async def test_a_revoked_key_is_worth_nothing_at_once(site: Site) -> None:
    ada = await site.register()
    made = await make(site, ada["token"], "analytics")
    path = f"/api/keys/{made['id']}"
    assert (await call(site, ada["token"], "DELETE", path)).status_code == 204
    assert (await call(site, made["key"], "GET", "/api/analytics/stats")).status_code == 401
    assert (await call(site, ada["token"], "DELETE", path)).status_code == 404
    assert (await call(site, ada["token"], "GET", "/api/keys")).json() == {"keys": []}
    actions = [(line["action"], line["subject"]) for line in await audit(site, ada["token"])]
    assert actions[:2] == [("key.revoked", "machine"), ("key.made", "machine")]


async def test_the_use_of_a_key_is_written_down_once_a_minute(site: Site) -> None:
    ada = await site.register()
    key = (await make(site, ada["token"], "analytics"))["key"]

    async def used() -> str | None:
        assert (await call(site, key, "GET", "/api/analytics/stats")).status_code == 200
        return (await call(site, owner, "GET", "/api/keys")).json()["keys"][0]["last_used_at"]

    owner = ada["token"]
    assert await used() == "2026-03-15T12:00:00Z"
    site.clock.forward(seconds=59)
    assert await used() == "2026-03-15T12:00:00Z"
    site.clock.forward(seconds=1)
    assert await used() == "2026-03-15T12:01:00Z"


async def test_calls_with_one_key_do_not_wait_for_each_other(site: Site) -> None:
    ada = await site.register()
    made = await make(site, ada["token"], "analytics")
    digest = hashlib.sha256(b"?").digest()
    with site.owner() as owner:
        digest = owner.execute("SELECT token_hash FROM shops.api_keys").fetchall()[0][0]
    with psycopg.connect(site.database.api_url) as slow:
        slow.execute("SELECT set_config('tillstream.tenant', '1', true)")
        entered = slow.execute("SELECT id FROM shops.use_key(%s, %s)", (digest, site.clock.now))
        assert entered.fetchall() == [(int(made["id"]),)]
        # The first has written the use down and has not committed yet.
        async with asyncio.timeout(5):
            answer = await call(site, made["key"], "GET", "/api/analytics/stats")
    assert answer.status_code == 200


async def test_a_key_is_of_its_tenant_alone(site: Site) -> None:
    ada = await site.register()
    eve = await site.register("eve@example.com")
    made = await make(site, ada["token"], "analytics", "stores")
    await site.connect(eve["token"], "eve.myshopify.com")
    assert (await call(site, made["key"], "GET", "/api/stores")).json() == {"stores": []}
    swapped = made["key"].replace("ts_1_", "ts_2_")
    assert (await call(site, swapped, "GET", "/api/stores")).status_code == 401
    path = f"/api/keys/{made['id']}"
    assert (await call(site, eve["token"], "DELETE", path)).status_code == 404
    assert (await call(site, made["key"], "GET", "/api/stores")).status_code == 200


MADE_UP = [
    "ts_",
    "ts_1_",
    "ts_0_" + "A" * 43,
    "ts_1_" + "A" * 43,
    "ts_1_" + "A" * 44,
    "ts_x_" + "A" * 43,
    "ts_" + "9" * 19 + "_" + "A" * 43,
    "ts_1_" + "A" * 42 + "=",
    "TS_1_" + "A" * 43,
]


async def test_made_up_keys_let_nobody_in(site: Site) -> None:
    await site.register()
    for key in MADE_UP:
        for path in ("/api/analytics/stats", "/api/live", "/api/auth/me", "/api/stores"):
            answer = await call(site, key, "GET", path)
            assert answer.status_code == 401, key
            assert problem(answer) == "unauthenticated"


@given(st.text(max_size=80) | st.from_regex(r"ts_[0-9]{1,20}_[A-Za-z0-9_-]{40,45}"))
def test_any_text_is_a_key_or_none(text: str) -> None:
    presented = PresentedKey.parse(text)
    assert presented is None or (0 < presented.tenant_id < 2**63 and len(presented.digest) == 32)


WRONG_WISHES: list[Any] = [
    {"name": "", "scopes": ["live"], "expires_in_days": 1},
    {"name": "k", "scopes": [], "expires_in_days": 1},
    {"name": "k", "scopes": ["admin"], "expires_in_days": 1},
    {"name": "k", "scopes": ["live"], "expires_in_days": 0},
    {"name": "k", "scopes": ["live"], "expires_in_days": 367},
    {"name": "k", "scopes": ["live"]},
    {"name": "k\nx", "scopes": ["live"], "expires_in_days": 1},
]


async def test_keys_without_an_end_or_a_scope_are_not_made(site: Site) -> None:
    ada = await site.register()
    for wish in WRONG_WISHES:
        answer = await call(site, ada["token"], "POST", "/api/keys", wish)
        assert answer.status_code == 422, wish
        assert problem(answer) == "validation"


# -- event streams ---------------------------------------------------------------------------------


async def test_a_key_watches_and_is_let_go_when_it_is_revoked(running: Running) -> None:
    site = running.site
    ada = await site.register()
    made = await make(site, ada["token"], "live")
    other = await make(site, ada["token"], "live")
    async with running.stream(made["key"]) as stream, running.stream(other["key"]) as kept:
        for reader in (stream, kept):
            assert await reader.next() == {"id": "0", "event": "hello", "data": {"id": "0"}}
        write(site, ada["tenant"]["id"], 1)
        for reader in (stream, kept):
            assert (await reader.next() or {})["event"] == "change"
        await call(site, ada["token"], "DELETE", f"/api/keys/{made['id']}")
        assert await stream.next() == {"event": "end", "data": {"reason": "revoked"}}
        assert await stream.next() is None
        write(site, ada["tenant"]["id"], 2)
        assert (await kept.next() or {})["event"] == "change"


async def test_a_stream_takes_the_scope(running: Running) -> None:
    ada = await running.site.register()
    key = (await make(running.site, ada["token"], "analytics", "stores", "exports"))["key"]
    assert (await call(running.site, key, "GET", "/api/live")).status_code == 403


async def test_the_streams_of_a_removed_member_end(running: Running) -> None:
    site = running.site
    ada = await site.register()
    bob = await join(site, ada["token"], "bob@example.com")
    async with running.stream(bob["token"]) as stream, running.stream(ada["token"]) as kept:
        await stream.next()
        await kept.next()
        path = f"/api/members/{bob['user']['id']}"
        assert (await call(site, ada["token"], "DELETE", path)).status_code == 204
        assert await stream.next() == {"event": "end", "data": {"reason": "revoked"}}
        write(site, ada["tenant"]["id"], 1)
        assert (await kept.next() or {})["event"] == "change"


async def test_the_streams_of_ended_sign_ins_end(running: Running) -> None:
    site = running.site
    await site.register()
    own, other = await site.login(), await site.login()
    async with running.stream(other) as stream:
        await stream.next()
        listed = (await call(site, other, "GET", "/api/auth/sessions")).json()["sessions"]
        current = next(one["id"] for one in listed if one["current"])
        await call(site, own, "DELETE", f"/api/auth/sessions/{current}")
        assert await stream.next() == {"event": "end", "data": {"reason": "revoked"}}
