"""Signing up, in and out, and those who try to get in otherwise.

Real: the database, the hashing, the tokens, the mail server. Doubled: only the clock.
"""

from __future__ import annotations

import asyncio
import base64
import json
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from tests.serve.company import audit, call, join, problem
from tests.serve.conftest import PASSWORD, open_site, settings_for
from tests.serve.letters import mailroom
from tillstream.foundation.mail_server import MailServer
from tillstream.shops.accounts import find_person
from tillstream.shops.recovery import LinkSigner

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    import httpx

    from tests.conftest import Database
    from tests.serve.conftest import Site
    from tests.serve.letters import Mailroom

COOKIE = "tillstream_refresh"


async def test_registering_signs_in(site: Site) -> None:
    answer = await site.register("Ada@Example.com")
    assert answer["user"]["email"] == "ada@example.com"
    assert answer["user"]["role"] == "owner"
    assert answer["tenant"]["name"] == "Ada"
    assert answer["expires_in"] == 900
    assert isinstance(answer["user"]["id"], str)
    async with site.client(answer["token"]) as client:
        me = await client.get("/api/auth/me")
    assert answer["tenants"] == [{**answer["tenant"], "role": "owner"}]
    assert me.json() == {key: answer[key] for key in ("tenant", "user", "tenants")}


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


# -- several accounts ------------------------------------------------------------------------------


@asynccontextmanager
async def browser_of(
    site: Site, email: str = "ada@example.com"
) -> AsyncGenerator[httpx.AsyncClient]:
    """A browser that is signed in, with its cookie and its access token."""
    async with site.client() as browser:
        response = await browser.post(
            "/api/auth/login", json={"email": email, "password": PASSWORD}
        )
        assert response.status_code == 200, response.text
        browser.headers["Authorization"] = f"Bearer {response.json()['token']}"
        yield browser


async def two_tenants(site: Site) -> tuple[dict[str, Any], dict[str, Any]]:
    """Ada's tenant, and Bob, who has his own and is a viewer of Ada's."""
    ada = await site.register()
    bob = await site.register("bob@example.com")
    site.clock.forward(seconds=1)
    await join(site, ada["token"], "bob@example.com")
    return ada, bob


async def test_switching_goes_to_another_account_in_a_sign_in_of_its_own(site: Site) -> None:
    ada, bob = await two_tenants(site)
    async with browser_of(site, "bob@example.com") as browser:
        there = (await browser.get("/api/auth/me")).json()
        # Where he was last: he joined Ada's after he had made his own.
        assert there["tenant"] == ada["tenant"]
        before = browser.cookies[COOKIE]
        site.clock.forward(seconds=1)
        answer = await browser.post("/api/auth/switch", json={"tenant": bob["tenant"]["id"]})
        assert answer.status_code == 200
        assert answer.json()["tenant"] == bob["tenant"]
        assert answer.json()["user"]["role"] == "owner"
        assert answer.json()["tenants"] == there["tenants"]
        # The old sign-in is over, whole.
        assert (await browser.get("/api/auth/me")).status_code == 401
        assert (await refresh(site, before)).status_code == 401
        renewed = await browser.post("/api/auth/refresh")
        assert renewed.json()["tenant"] == bob["tenant"]
    token = await site.login("bob@example.com")
    assert (await call(site, token, "GET", "/api/auth/me")).json()["tenant"] == bob["tenant"]


async def test_an_access_token_alone_does_not_switch(site: Site) -> None:
    _, bob = await two_tenants(site)
    token = await site.login("bob@example.com")
    answer = await call(site, token, "POST", "/api/auth/switch", {"tenant": bob["tenant"]["id"]})
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


async def test_the_cookie_of_another_sign_in_does_not_switch(site: Site) -> None:
    _, bob = await two_tenants(site)
    async with (
        browser_of(site, "bob@example.com") as one,
        browser_of(site, "bob@example.com") as two,
    ):
        one.cookies = two.cookies
        answer = await one.post("/api/auth/switch", json={"tenant": bob["tenant"]["id"]})
        assert answer.status_code == 401


async def test_nobody_switches_to_where_they_are_no_member(site: Site) -> None:
    await site.register("eve@example.com")
    await two_tenants(site)
    async with browser_of(site, "eve@example.com") as browser:
        for tenant in ("2", "999", "x", "", "9" * 30):
            answer = await browser.post("/api/auth/switch", json={"tenant": tenant})
            assert answer.status_code == 404, tenant
        assert (await browser.get("/api/auth/me")).status_code == 200


# -- passwords -------------------------------------------------------------------------------------

OTHER = "nine violet kettles sing"


async def test_changing_the_password_ends_all_other_sign_ins(site: Site) -> None:
    _, bob = await two_tenants(site)
    own = await site.login("bob@example.com")
    async with browser_of(site, "bob@example.com") as elsewhere:
        switched = await elsewhere.post("/api/auth/switch", json={"tenant": bob["tenant"]["id"]})
        there = switched.json()["token"]
        body = {"current": PASSWORD, "new": OTHER}
        assert (await call(site, own, "POST", "/api/auth/password", body)).status_code == 204
        assert (await call(site, own, "GET", "/api/auth/me")).status_code == 200
        assert (await call(site, there, "GET", "/api/auth/me")).status_code == 401
        assert (await elsewhere.post("/api/auth/refresh")).status_code == 401
    async with site.client() as client:
        for password, status in ((PASSWORD, 401), (OTHER, 200)):
            body = {"email": "bob@example.com", "password": password}
            assert (await client.post("/api/auth/login", json=body)).status_code == status


async def test_changing_takes_the_present_password_and_a_good_new_one(site: Site) -> None:
    token = (await site.register())["token"]
    wrong = await call(site, token, "POST", "/api/auth/password", {"current": OTHER, "new": OTHER})
    # Not 401: the sign-in is good, and clients would renew it and try again.
    assert wrong.status_code == 403
    assert problem(wrong) == "password-wrong"
    assert wrong.json()["errors"][0]["field"] == "body.current"
    weak = await call(
        site, token, "POST", "/api/auth/password", {"current": PASSWORD, "new": "short"}
    )
    assert problem(weak) == "weak-password"
    assert weak.json()["errors"][0]["field"] == "body.new"
    assert (await audit(site, token))[0]["action"] == "password.refused"
    assert await site.login()


async def test_of_two_changes_at_once_one_counts(site: Site) -> None:
    await site.register()
    tokens = [await site.login() for _ in range(3)]
    answers = await asyncio.gather(
        *(
            call(
                site,
                token,
                "POST",
                "/api/auth/password",
                {"current": PASSWORD, "new": OTHER + str(n)},
            )
            for n, token in enumerate(tokens)
        )
    )
    assert [answer.status_code for answer in answers].count(204) == 1


@asynccontextmanager
async def with_mail(database: Database, folder: Path) -> AsyncGenerator[tuple[Site, Mailroom]]:
    async with mailroom() as room:
        server = MailServer.parse(room.url, "till@example.com")
        async with open_site(database, settings_for(folder, mail_server=server)) as site:
            yield site, room


async def forget(site: Site, email: str) -> httpx.Response:
    answer = await call(site, "", "POST", "/api/auth/password/forgot", {"email": email})
    await site.app.state.context.afterwards.settle()
    return answer


async def choose(site: Site, token: str, password: str = OTHER) -> httpx.Response:
    body = {"token": token, "password": password}
    return await call(site, "", "POST", "/api/auth/password/reset", body)


async def test_a_forgotten_password_is_replaced_by_a_link(
    database: Database, tmp_path: Path
) -> None:
    async with with_mail(database, tmp_path) as (site, room):
        before = (await site.register())["token"]
        assert (await forget(site, "ADA@example.com")).status_code == 202
        assert room.taken[0][0] == ["ada@example.com"]
        assert "/reset#token=" in room.taken[0][1].get_content()
        token = room.token()
        weak = await choose(site, token, "short")
        assert problem(weak) == "weak-password"
        assert (await choose(site, token)).status_code == 204
        assert (await call(site, before, "GET", "/api/auth/me")).status_code == 401
        again = await choose(site, token, PASSWORD)
        assert again.status_code == 404
        assert problem(again) == "link-invalid"
        async with site.client() as client:
            body = {"email": "ada@example.com", "password": OTHER}
            signed_in = await client.post("/api/auth/login", json=body)
        actions = [line["action"] for line in await audit(site, signed_in.json()["token"])]
        assert actions == [
            "session.signed_in",
            "password.reset",
            "password.link_asked",
            "account.registered",
        ]


async def test_asking_for_a_link_tells_nobody_who_has_an_account(
    database: Database, tmp_path: Path
) -> None:
    async with with_mail(database, tmp_path) as (site, room):
        await site.register()
        known = await forget(site, "ada@example.com")
        assert len(room.taken) == 1
        for email in ("eve@example.com", "no address", "ada@example.com\r\nBcc: eve@example.com"):
            unknown = await forget(site, email)
            assert unknown.status_code == known.status_code == 202
            assert unknown.content == known.content
            assert unknown.headers == known.headers
        assert len(room.taken) == 1


async def test_a_link_ends_with_time_with_a_changed_password_and_at_one_use(site: Site) -> None:
    ada = await site.register()
    context = site.app.state.context
    async with context.pool.connection() as connection:
        person = await find_person(connection, "ada@example.com")
    assert person is not None
    old = context.links.issue(person, site.clock.now)
    site.clock.forward(hours=1)
    assert (await choose(site, old)).status_code == 404
    ada["token"] = await site.login()
    both = [context.links.issue(person, site.clock.now) for _ in range(2)]
    answers = await asyncio.gather(
        *(choose(site, link, OTHER + str(n)) for n, link in enumerate(both))
    )
    assert sorted(answer.status_code for answer in answers) == [204, 404]


async def test_made_up_links_change_nothing(site: Site) -> None:
    await site.register()
    await site.register("eve@example.com")
    context = site.app.state.context
    async with context.pool.connection() as connection:
        ada = await find_person(connection, "ada@example.com")
        eve = await find_person(connection, "eve@example.com")
    assert ada is not None
    assert eve is not None
    hers, expiry, signature = context.links.issue(eve, site.clock.now).split(".")
    adas = context.links.issue(ada, site.clock.now).split(".")[0]
    stranger = LinkSigner.of("another secret of the same length, or so it is hoped")
    for token in (
        "",
        "x",
        f"{adas}.{expiry}.{signature}",
        f"{hers}.{int(expiry) + 1}.{signature}",
        f"{hers}.{expiry}.{'A' * 43}",
        f"{hers}.{'9' * 11}.{signature}",
        stranger.issue(ada, site.clock.now),
    ):
        answer = await choose(site, token)
        assert answer.status_code == 404, token
        assert problem(answer) == "link-invalid"
    assert await site.login()


async def test_without_a_mail_server_the_log_has_the_link(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    await site.register()
    await forget(site, "ada@example.com")
    printed = [record for record in caplog.records if record.message == "mail.printed"]
    link = str(vars(printed[0])["link"])
    assert (await choose(site, link.partition("#token=")[2])).status_code == 204


# -- sign-ins --------------------------------------------------------------------------------------


async def test_sign_ins_are_listed_and_ended(site: Site) -> None:
    await site.register()
    async with site.client() as phone:
        phone.headers["User-Agent"] = "Phone\t1 " + "x" * 400
        body = {"email": "ada@example.com", "password": PASSWORD}
        token = (await phone.post("/api/auth/login", json=body)).json()["token"]
        site.clock.forward(minutes=10)
        await phone.post("/api/auth/refresh")
        site.clock.forward(minutes=1)
        own = await site.login()
        listed = (await call(site, own, "GET", "/api/auth/sessions")).json()["sessions"]
        assert [one["current"] for one in listed] == [True, False, False]
        phones = listed[1]
        assert phones["created_at"] == "2026-03-15T12:00:00Z"
        assert phones["last_used_at"] == "2026-03-15T12:10:00Z"
        assert phones["address"] == "127.0.0.1"
        assert phones["agent"].startswith("Phone1 xxx")
        assert len(phones["agent"]) == 300
        path = f"/api/auth/sessions/{phones['id']}"
        assert (await call(site, own, "DELETE", path)).status_code == 204
        assert (await call(site, own, "DELETE", path)).status_code == 404
        assert (await call(site, token, "GET", "/api/auth/me")).status_code == 401
        assert (await phone.post("/api/auth/refresh")).status_code == 401
    assert (await call(site, own, "DELETE", "/api/auth/sessions/x")).status_code == 404


async def test_a_person_sees_their_sign_ins_to_all_accounts_and_nobody_elses(site: Site) -> None:
    ada, _ = await two_tenants(site)
    token = await site.login("bob@example.com")
    listed = (await call(site, token, "GET", "/api/auth/sessions")).json()["sessions"]
    assert {one["tenant"] for one in listed} == {"Ada"}
    assert len(listed) == 3
    hers = (await call(site, ada["token"], "GET", "/api/auth/sessions")).json()["sessions"]
    assert len(hers) == 1
    path = f"/api/auth/sessions/{hers[0]['id']}"
    assert (await call(site, token, "DELETE", path)).status_code == 404
    assert (await call(site, ada["token"], "GET", "/api/auth/me")).status_code == 200


async def test_refused_sign_ins_are_told_to_the_owners_concerned(site: Site) -> None:
    ada, bob = await two_tenants(site)
    async with site.client() as client:
        for email in ("bob@example.com", "nobody@example.com"):
            body = {"email": email, "password": OTHER}
            assert (await client.post("/api/auth/login", json=body)).status_code == 401
    for owner in (ada, bob):
        refused = [
            line
            for line in await audit(site, owner["token"])
            if line["action"] == "session.refused"
        ]
        assert [line["actor"] for line in refused] == ["bob@example.com"]


async def test_where_registration_is_closed_people_come_by_invitation(
    database: Database, tmp_path: Path
) -> None:
    async with open_site(database, settings_for(tmp_path)) as site:
        ada = await site.register()
    settings = settings_for(tmp_path, registration_open=False)
    async with open_site(database, settings) as site:
        async with site.client() as client:
            body = {"email": "bob@example.com", "password": PASSWORD}
            refused = await client.post("/api/auth/register", json=body)
        assert refused.status_code == 403
        assert problem(refused) == "forbidden"
        assert (await join(site, ada["token"], "bob@example.com"))["user"]["role"] == "viewer"


async def test_a_trusted_proxy_tells_whose_sign_in_it_is(
    database: Database, tmp_path: Path
) -> None:
    headers = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7"}
    for trusted, address in (((), "127.0.0.1"), ((ip_network("127.0.0.0/8"),), "198.51.100.7")):
        settings = settings_for(tmp_path, trusted_proxies=trusted)
        async with open_site(database, settings) as site, site.client() as client:
            body = {"email": f"{address}@example.com", "password": PASSWORD}
            made = await client.post("/api/auth/register", json=body, headers=headers)
            lines = await audit(site, made.json()["token"])
            assert lines[0]["address"] == address
