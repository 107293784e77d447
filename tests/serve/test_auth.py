"""Signing up, in and out, and those who try to get in otherwise.

Real: the database, the hashing, the tokens. Doubled: only the clock.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from tests.serve.conftest import PASSWORD, open_site, settings_for

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.conftest import Database
    from tests.serve.conftest import Site

COOKIE = "tillstream_refresh"


def problem(response: httpx.Response) -> str:
    """The end of the problem's type, after checking that it has the one shape."""
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == response.status_code
    assert body["title"]
    assert body["detail"]
    prefix, _, slug = body["type"].rpartition(":")
    assert prefix == "urn:tillstream:problem"
    return slug


async def test_registering_signs_in(site: Site) -> None:
    answer = await site.register("Ada@Example.com")
    assert answer["user"]["email"] == "ada@example.com"
    assert answer["user"]["role"] == "owner"
    assert answer["tenant"]["name"] == "Ada"
    assert answer["expires_in"] == 900
    assert isinstance(answer["user"]["id"], str)
    async with site.client(answer["token"]) as client:
        me = await client.get("/api/auth/me")
    assert me.json() == {"tenant": answer["tenant"], "user": answer["user"]}


async def test_an_email_address_is_taken_once_whatever_its_case(site: Site) -> None:
    await site.register()
    async with site.client() as client:
        body = {"email": "ADA@example.com ", "password": PASSWORD}
        response = await client.post("/api/auth/register", json=body)
    assert response.status_code == 409
    assert problem(response) == "email-taken"


@pytest.mark.parametrize(
    ("password", "complaint"),
    [
        ("owl lamp", "too short"),
        ("ada@example.com", "e-mail address"),
        ("aaaaaaaaaaaa", "different"),
        ("Password123!", "guess"),
        ("qwertyuiop", "guess"),
        ("x" * 257, "too long"),
    ],
)
async def test_weak_passwords_are_refused_with_a_sentence(
    site: Site, password: str, complaint: str
) -> None:
    async with site.client() as client:
        body = {"email": "ada@example.com", "password": password}
        response = await client.post("/api/auth/register", json=body)
    assert response.status_code == 422
    assert problem(response) == "weak-password"
    assert complaint in response.json()["detail"]
    assert password not in response.text


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "ada@example.com"},
        {"email": 7, "password": PASSWORD},
        {"email": "no address", "password": PASSWORD},
        {"email": "ada@example.com", "password": PASSWORD, "name": "A\u0000da"},
        {"email": "a\u0000@example.com", "password": PASSWORD},
        [],
    ],
)
async def test_malformed_registrations_name_the_field(site: Site, body: Any) -> None:
    async with site.client() as client:
        response = await client.post("/api/auth/register", json=body)
    assert response.status_code == 422
    assert problem(response) == "validation"
    assert response.json()["errors"][0]["field"].startswith("body")
    assert PASSWORD not in response.text


async def test_a_body_that_is_no_json_is_a_problem(site: Site) -> None:
    async with site.client() as client:
        response = await client.post(
            "/api/auth/login", content=b"{", headers={"Content-Type": "application/json"}
        )
    assert response.status_code == 422
    assert problem(response) == "validation"


async def test_login_takes_the_right_password_only(site: Site) -> None:
    registered = await site.register()
    async with site.client() as client:
        right = await client.post(
            "/api/auth/login", json={"email": "ada@example.com", "password": PASSWORD}
        )
        wrong = await client.post(
            "/api/auth/login", json={"email": "ada@example.com", "password": PASSWORD + "!"}
        )
        unknown = await client.post(
            "/api/auth/login", json={"email": "eve@example.com", "password": PASSWORD}
        )
    assert right.status_code == 200
    assert right.json()["user"] == registered["user"]
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()
    assert problem(wrong) == "credentials-wrong"


async def test_the_refresh_cookie_is_for_one_path_and_no_script(site: Site) -> None:
    async with site.client() as client:
        body = {"email": "ada@example.com", "password": PASSWORD}
        response = await client.post("/api/auth/register", json=body)
    cookie = response.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/api/auth;" in cookie
    assert "Secure" not in cookie


async def test_behind_https_the_cookie_is_secure(database: Database, tmp_path: Path) -> None:
    settings = settings_for(tmp_path, host="https://till.example.com")
    async with open_site(database, settings) as site, site.client() as client:
        body = {"email": "ada@example.com", "password": PASSWORD}
        response = await client.post("/api/auth/register", json=body)
    assert "Secure" in response.headers["set-cookie"]
    assert "strict-transport-security" in response.headers


async def login(client: httpx.AsyncClient) -> str:
    body = {"email": "ada@example.com", "password": PASSWORD}
    response = await client.post("/api/auth/login", json=body)
    assert response.status_code == 200
    return response.cookies[COOKIE]


async def refresh(site: Site, cookie: str) -> httpx.Response:
    async with site.client() as client:
        return await client.post("/api/auth/refresh", headers={"Cookie": f"{COOKIE}={cookie}"})


async def test_refreshing_rotates_the_cookie(site: Site) -> None:
    await site.register()
    async with site.client() as client:
        first = await login(client)
    answer = await refresh(site, first)
    assert answer.status_code == 200
    assert answer.cookies[COOKIE] != first
    again = await refresh(site, answer.cookies[COOKIE])
    assert again.status_code == 200
    async with site.client(again.json()["token"]) as client:
        assert (await client.get("/api/auth/me")).status_code == 200


async def test_a_second_tab_a_moment_later_goes_on(site: Site) -> None:
    await site.register()
    async with site.client() as client:
        first = await login(client)
    one = await refresh(site, first)
    site.clock.forward(seconds=9)
    two = await refresh(site, first)
    assert one.status_code == two.status_code == 200
    for answer in (one, two):
        assert (await refresh(site, answer.cookies[COOKIE])).status_code == 200


async def test_reuse_of_an_old_cookie_ends_the_whole_sign_in(site: Site) -> None:
    await site.register()
    async with site.client() as client:
        first = await login(client)
    renewed = await refresh(site, first)
    site.clock.forward(seconds=11)
    stolen = await refresh(site, first)
    assert stolen.status_code == 401
    assert problem(stolen) == "unauthenticated"
    assert (await refresh(site, renewed.cookies[COOKIE])).status_code == 401
    async with site.client(renewed.json()["token"]) as client:
        assert (await client.get("/api/auth/me")).status_code == 401


async def test_an_unused_sign_in_ends_after_thirty_days(site: Site) -> None:
    await site.register()
    async with site.client() as client:
        cookie = await login(client)
    site.clock.forward(days=30)
    assert (await refresh(site, cookie)).status_code == 401


@pytest.mark.parametrize(
    "cookie", ["", "x", "1.", "1.x", "9" * 40 + "." + "A" * 43, "1." + "A" * 43]
)
async def test_made_up_cookies_are_worth_nothing(site: Site, cookie: str) -> None:
    await site.register()
    assert (await refresh(site, cookie)).status_code == 401


async def test_logout_ends_cookie_and_access_token_at_once(site: Site) -> None:
    await site.register()
    async with site.client() as client:
        cookie = await login(client)
    token = (await refresh(site, cookie)).json()["token"]
    other = await refresh(site, cookie)
    async with site.client() as client:
        answer = await client.post(
            "/api/auth/logout", headers={"Cookie": f"{COOKIE}={other.cookies[COOKIE]}"}
        )
    assert answer.status_code == 204
    assert 'tillstream_refresh=""' in answer.headers["set-cookie"]
    async with site.client(token) as client:
        assert (await client.get("/api/auth/me")).status_code == 401
    assert (await refresh(site, other.cookies[COOKIE])).status_code == 401


async def test_logout_with_the_access_token_alone(site: Site) -> None:
    token = (await site.register())["token"]
    async with site.client(token) as client:
        assert (await client.post("/api/auth/logout")).status_code == 204
        assert (await client.get("/api/auth/me")).status_code == 401


async def test_logout_leaves_other_sign_ins_alone(site: Site) -> None:
    token = (await site.register())["token"]
    async with site.client() as client:
        cookie = await login(client)
    async with site.client(token) as client:
        await client.post("/api/auth/logout")
    assert (await refresh(site, cookie)).status_code == 200


async def test_an_access_token_lasts_a_quarter_of_an_hour(site: Site) -> None:
    token = (await site.register())["token"]
    async with site.client(token) as client:
        site.clock.forward(minutes=14, seconds=59)
        assert (await client.get("/api/auth/me")).status_code == 200
        site.clock.forward(seconds=1)
        expired = await client.get("/api/auth/me")
    assert expired.status_code == 401
    assert "expired" in expired.json()["detail"]
    assert expired.headers["www-authenticate"].startswith("Bearer")


def forgeries(site: Site, token: str) -> dict[str, str]:
    claims = jwt.decode(token, options={"verify_signature": False})
    header, body, signature = token.split(".")
    none_header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    evil = base64.urlsafe_b64encode(json.dumps({**claims, "tid": "2"}).encode()).rstrip(b"=")
    secret = site.settings.jwt_secret
    return {
        "alg none": f"{none_header}.{body}.",
        "tampered": f"{header}.{evil.decode()}.{signature}",
        "another secret": jwt.encode(claims, "x" * 40, algorithm="HS256"),
        "another algorithm": jwt.encode(claims, secret, algorithm="HS512"),
        "another audience": jwt.encode({**claims, "aud": "x"}, secret, algorithm="HS256"),
        "another issuer": jwt.encode({**claims, "iss": "x"}, secret, algorithm="HS256"),
        "no session": jwt.encode(
            {k: v for k, v in claims.items() if k != "sid"}, secret, algorithm="HS256"
        ),
        "odd session": jwt.encode({**claims, "sid": "x"}, secret, algorithm="HS256"),
        "no text": "x",
        "empty": "",
    }


async def test_forged_tokens_let_nobody_in(site: Site) -> None:
    token = (await site.register())["token"]
    for name, forged in forgeries(site, token).items():
        async with site.client(forged) as client:
            response = await client.get("/api/auth/me")
        assert response.status_code == 401, name
        assert problem(response) == "unauthenticated"


async def test_without_a_token_there_is_nothing(site: Site) -> None:
    async with site.client() as client:
        for path in ("/api/auth/me", "/api/stores", "/api/analytics/stats", "/api/live"):
            response = await client.get(path)
            assert response.status_code == 401, path
            assert problem(response) == "unauthenticated"
