"""The edge: how much, how often, from where and how long.

Rules and buckets are tried alone with drawn cases. The middleware is tried around the real API, and
around small ASGI applications where the point is what becomes of a call; its clock is then made up.
Slow bodies and large headers go over a real connection.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from granian.constants import Interfaces
from granian.server.embed import Server
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import JSONResponse

from tests.serve.conftest import PASSWORD, open_site, settings_for
from tillstream.serve.addresses import UNKNOWN, client_address, network_of, untrusted_proxy
from tillstream.serve.edge import Rules
from tillstream.serve.limits import Limits
from tillstream.serve.origins import is_foreign, origin_of
from tillstream.serve.pace import Buckets, Patience, Recent, Strikes
from tillstream.serve.rsgi_bridge import AsgiOverRsgi

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.types import ASGIApp, Receive, Scope, Send

    from tests.conftest import Database

SOURCE = Path(__file__).parents[2] / "src" / "tillstream"

# -- addresses -------------------------------------------------------------------------------------

PROXIES = [ip_network("10.0.0.0/8"), ip_network("::1")]


def scope_of(peer: str | None, *forwarded: str) -> dict[str, Any]:
    return {
        "client": None if peer is None else (peer, 1234),
        "headers": [(b"x-forwarded-for", line.encode("latin-1")) for line in forwarded],
    }


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["198.51.100.7"], "192.0.2.1"),
        ("10.1.1.1", ["198.51.100.7"], "198.51.100.7"),
        ("::1", ["198.51.100.7"], "198.51.100.7"),
        ("::ffff:10.1.1.1", ["198.51.100.7"], "198.51.100.7"),
        ("10.1.1.1", ["6.6.6.6, 198.51.100.7"], "198.51.100.7"),
        ("10.1.1.1", ["6.6.6.6", "198.51.100.7"], "198.51.100.7"),
        ("10.1.1.1", ["6.6.6.6, 198.51.100.7, 10.2.2.2"], "198.51.100.7"),
        ("10.1.1.1", ["10.3.3.3, 10.2.2.2"], "10.3.3.3"),
        ("10.1.1.1", ["nonsense"], "10.1.1.1"),
        ("10.1.1.1", ["6.6.6.6, nonsense, 10.2.2.2"], "10.2.2.2"),
        ("10.1.1.1", ["198.51.100.7:4711"], "198.51.100.7"),
        ("10.1.1.1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("10.1.1.1", ["2001:DB8:0::1"], "2001:db8::1"),
        ("10.1.1.1", [""], "10.1.1.1"),
        ("10.1.1.1", [], "10.1.1.1"),
        ("unix", ["198.51.100.7"], UNKNOWN),
        (None, ["198.51.100.7"], UNKNOWN),
    ],
)
def test_only_what_trusted_proxies_wrote_is_believed(
    peer: str | None, forwarded: list[str], expected: str
) -> None:
    assert client_address(scope_of(peer, *forwarded), PROXIES) == expected


@given(st.lists(st.ip_addresses().map(str), max_size=5), st.text(alphabet="0123456789.:, x"))
def test_what_a_client_claims_never_changes_whose_call_it_is(lies: list[str], junk: str) -> None:
    """Its own proxy appends the true address, and the client wrote whatever stands before."""
    claimed = ", ".join([*lies, junk])
    told = client_address(scope_of("10.0.0.1", f"{claimed}, 198.51.100.7"), PROXIES)
    assert told == "198.51.100.7"


@pytest.mark.parametrize(
    ("peer", "forwarded", "told"),
    [
        ("172.17.0.1", ["198.51.100.7"], "172.17.0.1"),
        ("172.17.0.1", [], None),
        ("10.1.1.1", ["198.51.100.7"], None),
        ("8.8.8.8", ["198.51.100.7"], None),
        (None, ["198.51.100.7"], None),
    ],
)
def test_a_proxy_that_nobody_named_is_noticed(
    peer: str | None, forwarded: list[str], told: str | None
) -> None:
    assert untrusted_proxy(scope_of(peer, *forwarded), PROXIES) == told


async def test_it_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    async with World().client("172.17.0.1") as client:
        for _ in range(3):
            await client.get("/", headers={"X-Forwarded-For": "198.51.100.7"})
    assert [record.message for record in caplog.records] == ["proxy_not_trusted"]


def test_a_whole_subscriber_counts_as_one() -> None:
    assert network_of("198.51.100.7") == "198.51.100.7"
    assert network_of("2001:db8:1:2:3::4") == network_of("2001:db8:1:2::") == "2001:db8:1:2::/64"
    assert network_of(UNKNOWN) == UNKNOWN


# -- other sites' pages ----------------------------------------------------------------------------

OWN = {"https://till.example", "https://shop.example"}


@pytest.mark.parametrize(
    ("headers", "foreign"),
    [
        ({}, False),
        ({"sec-fetch-site": "same-origin"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"sec-fetch-site": "same-site"}, True),
        ({"sec-fetch-site": "cross-site"}, True),
        ({"sec-fetch-site": "cross-site", "origin": "https://shop.example"}, False),
        ({"origin": "https://till.example"}, False),
        ({"origin": "http://till.example"}, True),
        ({"origin": "https://evil.example"}, True),
        ({"origin": "null"}, True),
        ({"origin": "https://evil.example", "host": "till.example"}, True),
        ({"origin": "http://127.0.0.1:8080", "host": "127.0.0.1:8080"}, False),
        ({"origin": "http://127.0.0.1:8081", "host": "127.0.0.1:8080"}, True),
        ({"origin": "null", "host": ""}, True),
    ],
)
def test_a_page_of_another_site_changes_nothing(headers: dict[str, str], foreign: bool) -> None:
    assert is_foreign("POST", headers, OWN) is foreign
    assert is_foreign("DELETE", headers, OWN) is foreign
    assert not is_foreign("GET", headers, OWN)


def test_origins_are_spelled_as_browsers_do() -> None:
    assert origin_of("https://Till.Example:443/path") == "https://till.example"
    assert origin_of("http://127.0.0.1:8080") == "http://127.0.0.1:8080"
    assert origin_of("http://[::1]:8080/") == "http://[::1]:8080"


# -- pace ------------------------------------------------------------------------------------------


@given(
    st.floats(0.5, 100),
    st.integers(1, 50),
    st.lists(st.floats(0, 3), min_size=1, max_size=100),
)
def test_no_span_of_time_sees_more_than_the_burst_and_the_rate(
    rate: float, burst: int, pauses: list[float]
) -> None:
    buckets, now = Buckets(rate, burst), 0.0
    taken: list[float] = []
    for pause in pauses:
        now += pause
        wait = buckets.take("key", now)
        if wait == 0:
            taken.append(now)
        else:
            # Rounding gives away a millionth of a token: at this rate, 2 µs at most.
            assert wait < 1e-5 or buckets.take("key", now + wait - 1e-5) > 0
    for first, begin in enumerate(taken):
        for last in range(first, len(taken)):
            count = last - first + 1
            assert count <= burst + rate * (taken[last] - begin) + 1e-5


def test_buckets_are_one_for_each_and_fill_again() -> None:
    buckets = Buckets(2, 3)
    assert [buckets.take("a", 0) for _ in range(3)] == [0, 0, 0]
    assert buckets.take("a", 0) == pytest.approx(0.5)
    assert buckets.take("b", 0) == 0
    assert buckets.take("a", 0.5) == 0
    assert buckets.take("a", 0.5) > 0
    assert all(Buckets(0, 0).take("a", 0) == 0 for _ in range(100))


@given(st.lists(st.integers(0, 30), max_size=200))
def test_memory_is_bounded_and_keeps_the_latest(keys: list[int]) -> None:
    recent = Recent[int, int](5)
    for time, key in enumerate(keys):
        recent.put(key, time)
    latest = list(dict.fromkeys(reversed(keys)))[:5]
    assert len(recent) == len(latest)
    assert all(recent.get(key) is not None for key in latest)


def test_each_wrong_attempt_waits_longer_and_time_forgives() -> None:
    strikes = Strikes(Patience(free=3, longest=60, forgiven_after=100))
    waits: list[float] = []
    now = 0.0
    for _ in range(12):
        wait = strikes.wait("key", now)
        waits.append(round(wait, 6))
        now += wait
        strikes.strike("key", now)
    # What is forgiven in the long waits makes the later ones grow a little slower than doubling.
    assert waits[:6] == pytest.approx([0, 0, 0, 0, 1, 2], rel=0.05)
    assert waits == sorted(waits)
    assert waits[-1] == 60
    assert strikes.wait("other", now) == 0
    assert strikes.wait("key", now + 60) == 0


@given(st.lists(st.booleans(), max_size=30))
def test_attempts_that_are_taken_back_leave_no_trace(outcomes: list[bool]) -> None:
    strikes, wrong = Strikes(Patience(5, 60, 1e9)), 0
    for is_wrong in outcomes:
        strikes.strike("key", 0.0)
        if is_wrong:
            wrong += 1
        else:
            strikes.take_back("key", 0.0)
    assert strikes.wait("key", 0.0) == (0 if wrong <= 5 else min(60, 2.0 ** (wrong - 6)))


# -- the middleware --------------------------------------------------------------------------------

RULES = Rules(rate=5, account_rate=2, sign_in_attempts=3, registrations=4)


@dataclass
class World:
    """An application behind limits: it answers what ``status`` says, and keeps what it was sent."""

    rules: Rules = RULES
    status: int = 200
    now: float = 1000.0
    bodies: list[bytes] = field(default_factory=list[bytes])
    gate: asyncio.Event | None = None
    answer_time: float = 60.0

    def app(self) -> ASGIApp:
        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            message = await receive()
            self.bodies.append(message["body"])
            if self.gate is not None:
                await self.gate.wait()
            await JSONResponse({}, self.status)(scope, receive, send)

        return Limits(
            answer,
            self.rules,
            account_of=lambda token: token if token.startswith("good") else None,
            ticks=lambda: self.now,
            answer_time=self.answer_time,
        )

    @asynccontextmanager
    async def client(self, address: str = "192.0.2.1") -> AsyncGenerator[httpx.AsyncClient]:
        if not hasattr(self, "_app"):
            self._app = self.app()
        transport = httpx.ASGITransport(self._app, client=(address, 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://till.test") as client:
            yield client

    async def login(
        self, email: str = "ada@example.com", address: str = "192.0.2.1"
    ) -> httpx.Response:
        async with self.client(address) as client:
            return await client.post("/api/auth/login", json={"email": email, "password": "x"})


def is_told_to_wait(response: httpx.Response) -> int:
    """The seconds of a 429 that is as it should be."""
    assert response.status_code == 429, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["type"] == "urn:tillstream:problem:too-many-requests"
    seconds = int(response.headers["retry-after"])
    assert f"Try again in {seconds} s." in problem["detail"]
    return seconds


async def test_an_address_has_a_burst_and_then_a_rate() -> None:
    world = World()
    async with world.client() as client, world.client("192.0.2.2") as neighbour:
        statuses = [(await client.get("/api/stores")).status_code for _ in range(51)]
        assert statuses == [200] * 50 + [429]
        assert is_told_to_wait(await client.get("/")) == 1
        assert (await neighbour.get("/")).status_code == 200
        assert (await client.get("/healthz")).status_code == 200
        world.now += 0.2
        assert (await client.get("/")).status_code == 200
        assert (await client.get("/")).status_code == 429


async def test_an_account_has_its_own_limit_wherever_it_calls_from() -> None:
    world = World(rules=replace(RULES, rate=0))
    headers = {"Authorization": "Bearer good"}
    statuses: list[int] = []
    for number in range(21):
        async with world.client(f"192.0.2.{number}") as client:
            statuses.append((await client.get("/api/stores", headers=headers)).status_code)
    assert statuses == [200] * 20 + [429]
    async with world.client() as client:
        for token in ("good other", "forged"):
            answer = await client.get("/api/stores", headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == 200


async def test_wrong_passwords_make_an_account_wait_from_that_address() -> None:
    world = World(status=401)
    for _ in range(4):
        assert (await world.login()).status_code == 401
    assert is_told_to_wait(await world.login(" ADA@example.com ")) == 1
    assert (await world.login("eve@example.com")).status_code == 401
    assert (await world.login(address="192.0.2.9")).status_code == 401
    world.now += 1
    assert (await world.login()).status_code == 401
    assert is_told_to_wait(await world.login()) == 2
    # Refused attempts reach nothing, and do not make the wait longer.
    assert is_told_to_wait(await world.login()) == 2
    world.now += 2
    world.status = 200
    assert (await world.login()).status_code == 200
    world.status = 401
    for _ in range(4):
        assert (await world.login()).status_code == 401
    assert (await world.login()).status_code == 429


async def test_many_at_once_are_no_way_around() -> None:
    world = World(status=401, gate=asyncio.Event())
    attempts = [asyncio.create_task(world.login()) for _ in range(40)]
    # Each has either been refused or waits inside, at the gate.
    while len(world.bodies) + sum(task.done() for task in attempts) < 40:  # noqa: ASYNC110
        await asyncio.sleep(0)
    assert world.gate is not None
    world.gate.set()
    statuses = [answer.status_code for answer in await asyncio.gather(*attempts)]
    assert statuses.count(401) == 4
    assert statuses.count(429) == 36


async def test_an_account_guessed_from_everywhere_waits_but_not_where_its_owner_is_known() -> None:
    world = World()
    home = "198.51.100.1"
    assert (await world.login(address=home)).status_code == 200
    world.status = 401
    attempts = [await world.login(address=f"203.0.113.{number}") for number in range(17)]
    assert [one.status_code for one in attempts] == [401] * 16 + [429]
    assert (await world.login("other@example.com", "203.0.113.200")).status_code == 401
    world.status = 200
    assert (await world.login(address=home)).status_code == 200


async def test_an_address_that_guesses_for_many_accounts_waits() -> None:
    world = World(status=401, rules=replace(RULES, rate=0))
    attempts = [await world.login(f"user{number}@example.com") for number in range(32)]
    assert [one.status_code for one in attempts] == [401] * 31 + [429]
    assert (await world.login(address="198.51.100.1")).status_code == 401


@pytest.mark.parametrize("status", [200, 422, 500])
async def test_what_is_no_wrong_password_does_not_count(status: int) -> None:
    world = World(status=status, rules=replace(RULES, rate=0))
    assert {(await world.login()).status_code for _ in range(60)} == {status}


async def test_the_body_arrives_as_it_was_sent_and_may_be_anything() -> None:
    world = World(status=422, rules=replace(RULES, rate=0))
    bodies = [b"", b"{", b"[" * 10_000, b'{"email": 5}', b"[]", b'{"email": "\\ud800"}', b"\xff"]
    async with world.client() as client:
        for body in bodies:
            assert (await client.post("/api/auth/login", content=body)).status_code == 422
        large = await client.post("/api/auth/login", content=b" " * 20_000)
    assert world.bodies == bodies
    assert large.status_code == 413


async def test_links_tokens_cannot_be_guessed_on_either() -> None:
    world = World(status=404, rules=replace(RULES, rate=0))
    async with world.client() as client:
        statuses = [
            (await client.post("/api/invitations/lookup", json={"token": str(n)})).status_code
            for n in range(32)
        ]
    assert statuses == [404] * 31 + [429]


async def test_the_present_password_cannot_be_guessed_with_a_stolen_token() -> None:
    world = World(status=403, rules=replace(RULES, account_rate=0))
    headers = {"Authorization": "Bearer good"}
    async with world.client() as client:
        body = {"current": "x", "new": "y"}
        statuses = [
            (await client.post("/api/auth/password", json=body, headers=headers)).status_code
            for _ in range(5)
        ]
    assert statuses == [403] * 4 + [429]


async def test_accounts_and_letters_are_made_at_a_measured_pace() -> None:
    world = World(rules=replace(RULES, rate=0))
    async with world.client() as client:
        made = [(await client.post("/api/auth/register", json={})).status_code for _ in range(5)]
        assert made == [200] * 4 + [429]
        letter = {"email": "ada@example.com"}
        asked = [await client.post("/api/auth/password/forgot", json=letter) for _ in range(4)]
        assert [one.status_code for one in asked] == [200] * 3 + [429]
        assert is_told_to_wait(asked[-1]) == 600
        other = await client.post("/api/auth/password/forgot", json={"email": "b@example.com"})
        assert other.status_code == 200


async def test_no_limits_at_all_may_be_chosen() -> None:
    world = World(status=401, rules=Rules(0, 0, 0, 0))
    assert {(await world.login()).status_code for _ in range(200)} == {401}


async def test_one_address_cannot_fill_the_queue_for_passwords() -> None:
    world = World(rules=Rules(0, 0, 0, 0), gate=asyncio.Event())

    async def register(address: str) -> int:
        async with world.client(address) as client:
            return (await client.post("/api/auth/register", json={})).status_code

    many = [asyncio.create_task(register("192.0.2.1")) for _ in range(130)]
    while len(world.bodies) + sum(task.done() for task in many) < 130:  # noqa: ASYNC110
        await asyncio.sleep(0)
    others = [asyncio.create_task(register("192.0.2.2")) for _ in range(128)]
    while len(world.bodies) < 256:  # noqa: ASYNC110
        await asyncio.sleep(0)
    assert await register("192.0.2.3") == 503
    assert world.gate is not None
    world.gate.set()
    assert sorted(await asyncio.gather(*many)) == [200] * 128 + [503] * 2
    assert set(await asyncio.gather(*others)) == {200}
    assert await register("192.0.2.1") == 200


async def test_an_account_has_so_many_streams_open_and_no_more() -> None:
    world = World(rules=Rules(0, 0, 0, 0), gate=asyncio.Event())
    good = {"Authorization": "Bearer good"}
    async with world.client() as client:
        streams = [asyncio.create_task(client.get("/api/live", headers=good)) for _ in range(50)]
        while len(world.bodies) < 50:  # noqa: ASYNC110 - each waits inside, at the gate
            await asyncio.sleep(0)
        assert (await client.get("/api/live", headers=good)).status_code == 429
        assert world.gate is not None
        world.gate.set()
        assert {stream.status_code for stream in await asyncio.gather(*streams)} == {200}
        assert (await client.get("/api/live", headers=good)).status_code == 200


async def test_an_answer_that_does_not_begin_is_given_up() -> None:
    world = World(gate=asyncio.Event(), answer_time=0.05)
    async with world.client() as client:
        response = await client.get("/api/stores")
    assert response.status_code == 503
    assert response.json()["type"] == "urn:tillstream:problem:unavailable"
    assert response.headers["retry-after"] == "1"


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/?" + "a" * 9000, {}, 414),
        ("/", {"X-Long": "a" * 40_000}, 431),
        ("/", {f"X-{number}": "a" for number in range(101)}, 431),
    ],
)
async def test_what_is_sent_with_a_call_has_a_size(
    path: str, headers: dict[str, str], status: int
) -> None:
    async with World().client() as client:
        response = await client.get(path, headers=headers)
    assert response.status_code == status
    assert response.json()["status"] == status


# -- around the real API ---------------------------------------------------------------------------


async def test_another_sites_page_can_neither_renew_nor_end_a_sign_in(
    database: Database, tmp_path: Path
) -> None:
    settings = settings_for(tmp_path, frontend_url="https://shop.example")
    async with open_site(database, settings) as site, site.client() as browser:
        body = {"email": "ada@example.com", "password": PASSWORD}
        assert (await browser.post("/api/auth/register", json=body)).status_code == 201
        for path in ("refresh", "logout", "login", "switch"):
            for evil in (
                {"Origin": "https://evil.example"},
                {"Origin": "null"},
                {"Sec-Fetch-Site": "cross-site"},
                {"Sec-Fetch-Site": "same-site", "Origin": "https://x.shop.example"},
            ):
                answer = await browser.post(f"/api/auth/{path}", headers=evil, json=body)
                assert answer.status_code == 403, (path, evil)
                assert answer.json()["type"] == "urn:tillstream:problem:forbidden"
                assert "set-cookie" not in answer.headers
                assert "access-control-allow-origin" not in answer.headers
        for own in (
            {"Sec-Fetch-Site": "same-origin"},
            {"Origin": "http://tillstream.test"},
            {"Origin": "https://shop.example", "Sec-Fetch-Site": "cross-site"},
        ):
            answer = await browser.post("/api/auth/refresh", headers=own)
            assert answer.status_code == 200, own
        assert answer.headers["access-control-allow-origin"] == "https://shop.example"
        assert answer.headers["access-control-allow-credentials"] == "true"


async def test_refusals_wear_the_same_headers_as_answers(
    database: Database, tmp_path: Path
) -> None:
    settings = settings_for(tmp_path, frontend_url="https://shop.example", rate=1)
    async with open_site(database, settings) as site, site.client() as client:
        answers = [
            await client.get("/api/stores", headers={"Origin": "https://shop.example"})
            for _ in range(11)
        ]
        assert [one.status_code for one in answers] == [401] * 10 + [429]
        for header in (
            "content-security-policy",
            "x-content-type-options",
            "cross-origin-resource-policy",
            "access-control-allow-origin",
            "cache-control",
        ):
            assert answers[0].headers[header] == answers[-1].headers[header]
        policy = answers[0].headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "*" not in policy
        lines = (await client.get("/readyz")).status_code
        assert lines != 429


async def test_guessing_at_the_real_sign_in(database: Database, tmp_path: Path) -> None:
    settings = settings_for(tmp_path, sign_in_attempts=2)
    async with open_site(database, settings) as site, site.client() as client:
        token = (await site.register())["token"]
        wrong = {"email": "ada@example.com", "password": "not the password at all"}
        statuses = [
            (await client.post("/api/auth/login", json=wrong)).status_code for _ in range(4)
        ]
        assert statuses == [401, 401, 401, 429]
        headers = {"Authorization": f"Bearer {token}"}
        body = {"current": "not the password at all", "new": "a better password than that"}
        statuses = [
            (await client.post("/api/auth/password", json=body, headers=headers)).status_code
            for _ in range(4)
        ]
        assert statuses == [403, 403, 403, 429]
        # The right one waits as well: a guess is not confirmed by being let in at once.
        right = {"email": "ada@example.com", "password": PASSWORD}
        assert is_told_to_wait(await client.post("/api/auth/login", json=right)) <= 1


# -- over the wire ---------------------------------------------------------------------------------


@asynccontextmanager
async def serving(app: ASGIApp, **limits: Any) -> AsyncGenerator[int]:
    listening = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
    port = int(listening.sockets[0].getsockname()[1])
    listening.close()
    await listening.wait_closed()
    server = Server(
        AsgiOverRsgi(app, **limits),
        port=port,
        interface=Interfaces.RSGI,
        log_enabled=False,
    )
    running = asyncio.create_task(server.serve())
    try:
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            except OSError:
                await asyncio.sleep(0.01)
        yield port
    finally:
        server.stop()
        await running


async def test_a_body_that_does_not_arrive_is_given_up() -> None:
    world = World()
    async with serving(world.app(), body_time=0.1) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = "POST /api/stores HTTP/1.1\r\nHost: till.test\r\nContent-Length: 10\r\n\r\n"
        writer.write(head.encode() + b"slow")
        await writer.drain()
        answer = (await asyncio.wait_for(reader.read(4096), 10)).decode()
        writer.close()
        await writer.wait_closed()
    assert answer.startswith("HTTP/1.1 408")
    assert json.loads(answer.partition("\r\n\r\n")[2])["status"] == 408
    assert not world.bodies


# -- where we call ---------------------------------------------------------------------------------

# Files that may open connections to the outside, and where to.
_CALLERS = {
    "shopify/wire.py": "a shop domain, or a stand-in on loopback (shopify/addresses.py)",
    "shops/mail.py": "the mail server of the settings",
}
# They talk to their own installation, or to the pretend one.
_AT_HOME = ("command/", "simulator/", "journal/", "foundation/")


def test_no_other_code_reaches_out() -> None:
    """A new place that does has to say here where its addresses come from."""
    tells = ("httpx.AsyncClient(", "httpx.Client(", "httpx.get(", "httpx.post(", "urlopen(")
    tells += (
        "open_connection(",
        "create_connection(",
        "smtplib.SMTP",
        "import requests",
        "aiohttp",
    )
    found = {
        str(file.relative_to(SOURCE))
        for file in SOURCE.rglob("*.py")
        if any(tell in file.read_text() for tell in tells)
    }
    assert {name for name in found if not name.startswith(_AT_HOME)} == set(_CALLERS)
