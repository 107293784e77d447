"""The Admin client against a real HTTP server on loopback. Only time is made up: waits are counted."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.shopify.pretend import Pretend, Reply, pretending
from tillstream.shopify.admin import (
    API_VERSION,
    AdminClient,
    AdminErrors,
    AdminProblem,
    AdminRefused,
    AdminThrottled,
    AdminUnavailable,
    ShopLocked,
)
from tillstream.shopify.pacing import LONGEST_WAIT, Bucket
from tillstream.shopify.wire import open_http

SHOP = "a.myshopify.com"
TOKEN = "shpat_planted_token"
READ = "query { shop { name } }"
WRITE = "# a comment first\nmutation M { x }"
FINE = Reply({"data": {"shop": {"name": "A"}}})


@dataclass
class Time:
    """Passes only when somebody waits."""

    now: datetime = datetime(2026, 11, 22, tzinfo=UTC)
    waits: list[float] = field(default_factory=list[float])

    def clock(self) -> datetime:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += timedelta(seconds=seconds)


async def ask(
    pretend: Pretend,
    document: str = READ,
    *,
    time: Time | None = None,
    tokens: list[str] | None = None,
    repeatable: bool | None = None,
    times: int = 1,
) -> dict[str, Any]:
    time = time or Time()
    left = list(tokens or [TOKEN])

    async def token() -> str:
        return left.pop(0) if len(left) > 1 else left[0]

    data: dict[str, Any] = {}
    async with open_http(pretend.address) as http:
        client = AdminClient(
            http, SHOP, token, stand_in=pretend.address, clock=time.clock, sleep=time.sleep
        )
        assert TOKEN not in repr(client)
        for _ in range(times):
            data = await client.query(document, {"a": 1}, repeatable=repeatable)
    return data


async def fails(kind: type[AdminProblem], *replies: Reply, document: str = READ) -> Any:
    async with pretending(*replies) as pretend:
        with pytest.raises(kind) as caught:
            await ask(pretend, document)
    assert TOKEN not in str(caught.value)
    assert SHOP in str(caught.value)
    return caught.value, len(pretend.asked)


async def test_a_query_is_asked_as_shopify_documents() -> None:
    async with pretending(FINE) as pretend:
        assert await ask(pretend) == {"shop": {"name": "A"}}
    asked = pretend.asked[0]
    assert asked.target == f"/{SHOP}/admin/api/{API_VERSION}/graphql.json"
    assert asked.headers["x-shopify-access-token"] == TOKEN
    assert asked.json() == {"query": READ, "variables": {"a": 1}}


@pytest.mark.parametrize(
    ("status", "kind"), [(401, "token"), (403, "forbidden"), (404, "unknown"), (430, "security")]
)
async def test_refusals_are_told_apart_and_not_repeated(status: int, kind: str) -> None:
    reply = Reply({"errors": f"[API] Invalid key {TOKEN}"}, status)
    problem, asked = await fails(AdminRefused, reply)
    assert problem.kind == kind
    assert "It says: [API] Invalid key [secret]" in str(problem)
    assert asked == 1


@pytest.mark.parametrize("status", [402, 423])
async def test_a_locked_shop_is_said_to_be_locked(status: int) -> None:
    _, asked = await fails(ShopLocked, Reply({"errors": {"base": ["locked"]}}, status))
    assert asked == 1


async def test_a_token_that_was_renewed_meanwhile_is_tried_once() -> None:
    async with pretending(Reply({}, 401), FINE) as pretend:
        assert await ask(pretend, tokens=["shpat_old", "shpat_new"]) == {"shop": {"name": "A"}}
    sent = [one.headers["x-shopify-access-token"] for one in pretend.asked]
    assert sent == ["shpat_old", "shpat_new"]
    async with pretending(Reply({}, 401)) as pretend:
        with pytest.raises(AdminRefused):
            await ask(pretend, tokens=["a", "b", "c", "d"])
    assert len(pretend.asked) == 2


@pytest.mark.parametrize("token", ["", "a b", "a\r\nX-Evil: 1", "é"])
async def test_a_token_that_cannot_be_one_is_not_sent(token: str) -> None:
    async with pretending(FINE) as pretend:
        with pytest.raises(AdminRefused, match="no usable access token"):
            await ask(pretend, tokens=[token])
    assert not pretend.asked


@pytest.mark.parametrize(
    "reply",
    [
        Reply({"errors": "down"}, 500),
        Reply({}, 502),
        Reply(raw=b"<html>back soon</html>", status=503),
        Reply(raw=b"<html>not JSON</html>"),
        Reply([1]),
        Reply({}),
        Reply({"data": None}),
        Reply(drop=True),
    ],
)
async def test_what_may_pass_is_tried_again_for_reads_and_told_at_once_for_writes(
    reply: Reply,
) -> None:
    async with pretending(reply, reply, FINE) as pretend:
        assert await ask(pretend) == {"shop": {"name": "A"}}
    assert len(pretend.asked) == 3
    async with pretending(reply, FINE) as pretend:
        assert await ask(pretend, WRITE, repeatable=True)
    _, asked = await fails(AdminUnavailable, reply, FINE, document=WRITE)
    assert asked == 1
    _, asked = await fails(AdminUnavailable, reply)
    assert asked == 6


async def test_nobody_there_is_tried_again_also_for_writes() -> None:
    async with pretending(FINE) as pretend:
        pass
    time = Time()
    with pytest.raises(AdminUnavailable, match="No connection"):
        await ask(pretend, WRITE, time=time)
    assert len(time.waits) == 5
    assert all(0.5 <= wait <= 8.0 for wait in time.waits)


async def test_a_redirect_is_not_followed() -> None:
    reply = Reply({}, 302, {"Location": "https://evil.example/"})
    _, asked = await fails(AdminUnavailable, reply)
    assert asked == 1


async def test_an_answer_without_end_is_cut_off() -> None:
    _, asked = await fails(AdminUnavailable, Reply(raw=b" " * (17 * 1024 * 1024)), document=WRITE)
    assert asked == 1


async def test_a_compressed_answer_is_read() -> None:
    raw = gzip.compress(json.dumps({"data": {"shop": {"name": "A"}}}).encode())
    async with pretending(Reply(raw=raw, headers={"Content-Encoding": "gzip"})) as pretend:
        assert await ask(pretend) == {"shop": {"name": "A"}}
    assert pretend.asked[0].headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("coding", "raw"),
    [
        ("gzip", gzip.compress(bytes(200_000_000), 1)),
        ("gzip", b"no gzip at all"),
        ("zstd", b"(\xb5/\xfd"),
        ("br", b"x"),
        ("gzip, gzip", b"x"),
    ],
)
async def test_an_answer_that_would_blow_up_is_not_unpacked(coding: str, raw: bytes) -> None:
    reply = Reply(raw=raw, headers={"Content-Encoding": coding})
    _, asked = await fails(AdminUnavailable, reply, document=WRITE)
    assert asked == 1


async def test_errors_beside_data_are_errors_and_the_data_is_there() -> None:
    error = {"message": "Access denied for email", "extensions": {"code": "ACCESS_DENIED"}}
    reply = Reply({"data": {"customer": {"email": None}}, "errors": [error]})
    problem, asked = await fails(AdminErrors, reply)
    assert problem.errors == [error]
    assert problem.data == {"customer": {"email": None}}
    assert problem.codes == {"ACCESS_DENIED"}
    assert "Access denied for email" in str(problem)
    assert asked == 1


@pytest.mark.parametrize("errors", ["a sentence", ["a sentence"], [{"message": 5}], {"a": ["b"]}])
async def test_errors_in_any_form_are_errors(errors: object) -> None:
    await fails(AdminErrors, Reply({"data": {}, "errors": errors}))


def cost(requested: float, available: float, rate: float = 100, size: float = 2000) -> Any:
    return {
        "cost": {
            "requestedQueryCost": requested,
            "actualQueryCost": requested,
            "throttleStatus": {
                "maximumAvailable": size,
                "currentlyAvailable": available,
                "restoreRate": rate,
            },
        }
    }


async def test_it_waits_until_the_points_are_there() -> None:
    costly = Reply({"data": {}, "extensions": cost(500, available=100)})
    async with pretending(costly) as pretend:
        time = Time()
        await ask(pretend, time=time, times=2)
    # The second needs 500 of which 100 are there: 400 at 100 a second.
    assert time.waits == pytest.approx([4.0])


async def test_throttled_in_a_200_is_waited_out_also_for_writes() -> None:
    error = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
    throttled = Reply({"errors": [error], "extensions": cost(600, available=350)})
    async with pretending(throttled, throttled, FINE) as pretend:
        time = Time()
        assert await ask(pretend, WRITE, time=time) == {"shop": {"name": "A"}}
    # Each time a second, and then what is missing of 600 after it: 150 points at 100 a second.
    assert time.waits == pytest.approx([1.0, 1.5, 1.0, 1.5])
    problem, asked = await fails(AdminThrottled, Reply({"errors": [error]}))
    assert isinstance(problem, AdminUnavailable)
    assert asked == 6


@pytest.mark.parametrize(
    ("header", "pause"), [("2.0", 2.0), ("0", 0.0), ("", 1.0), ("soon", 1.0), ("1e9", 1.0)]
)
async def test_a_429_says_how_long_to_wait(header: str, pause: float) -> None:
    async with pretending(Reply({}, 429, {"Retry-After": header}), FINE) as pretend:
        time = Time()
        await ask(pretend, WRITE, time=time)
    assert time.waits[0] == pause


async def test_the_version_that_answered_is_known() -> None:
    reply = Reply({"data": {}}, headers={"X-Shopify-API-Version": "2027-01"})
    async with pretending(reply) as pretend, open_http(pretend.address) as http:

        async def token() -> str:
            return TOKEN

        client = AdminClient(http, SHOP, token, stand_in=pretend.address)
        await client.query(READ)
    assert client.served_version == "2027-01"


def test_only_a_shop_domain_can_be_asked() -> None:
    with pytest.raises(ValueError, match="nothing is sent"):
        AdminClient(None, "evil.example", None)  # pyright: ignore[reportArgumentType]


START = datetime(2026, 11, 22, tzinfo=UTC)


@given(
    st.lists(st.tuples(st.floats(0, 5), st.floats(1, 1000)), max_size=30),
    st.floats(10, 2000),
    st.floats(1000, 20_000),
)
def test_whoever_waits_as_told_never_overdraws(
    steps: list[tuple[float, float]], rate: float, size: float
) -> None:
    bucket, now, truth = Bucket(), START, size
    bucket.learn(cost(1, size, rate, size)["cost"], now)
    for pause, points in steps:
        now += timedelta(seconds=pause)
        truth = min(size, truth + pause * rate)
        wait = bucket.take(points, now)
        now += timedelta(seconds=wait)
        truth = min(size, truth + wait * rate)
        truth -= points
        assert truth >= -1e-3 * size or wait == LONGEST_WAIT


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists))
def test_nonsense_about_cost_is_not_believed(nonsense: object) -> None:
    bucket = Bucket()
    for said in (nonsense, {"throttleStatus": nonsense}):
        bucket.learn(said, START)
    bucket.learn(
        {
            "throttleStatus": {
                "maximumAvailable": nonsense,
                "currentlyAvailable": 1,
                "restoreRate": 1,
            }
        },
        START,
    )
    assert 0 <= bucket.take(10, START) <= LONGEST_WAIT
