"""Code exchange and refresh, against a real HTTP server on loopback."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.shopify.pretend import Pretend, Reply, pretending
from tillstream.shopify.grants import (
    Grant,
    GrantRefused,
    authorization_address,
    exchange_code,
    refresh_grant,
)
from tillstream.shopify.wire import open_http

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SHOP = "a.myshopify.com"
SECRET = "shpss_planted_secret"
CODE = "planted_code"
REFRESH = "shprt_planted_refresh"

WHOLE = {
    "access_token": "shpat_new",
    "scope": "read_orders,write_products",
    "expires_in": 3600,
    "refresh_token": "shprt_new",
    "refresh_token_expires_in": 7_776_000,
}


async def exchange(pretend: Pretend) -> Grant:
    async with open_http(pretend.address) as http:
        return await exchange_code(
            http, SHOP, "client", SECRET, CODE, now=NOW, stand_in=pretend.address
        )


async def refresh(pretend: Pretend) -> Grant:
    async with open_http(pretend.address) as http:
        return await refresh_grant(
            http, SHOP, "client", SECRET, REFRESH, now=NOW, stand_in=pretend.address
        )


def test_the_browser_is_sent_to_the_shop_with_everything_escaped() -> None:
    address = authorization_address(
        SHOP, "client&x=1", "read_orders,read_x", "https://till.example/cb?a=b", "st&te"
    )
    parts = urlsplit(address)
    assert (parts.scheme, parts.netloc, parts.path) == ("https", SHOP, "/admin/oauth/authorize")
    assert parse_qs(parts.query, strict_parsing=True) == {
        "client_id": ["client&x=1"],
        "scope": ["read_orders,read_x"],
        "redirect_uri": ["https://till.example/cb?a=b"],
        "state": ["st&te"],
    }
    with pytest.raises(ValueError, match="nothing is sent"):
        authorization_address("evil.example", "c", "s", "r", "x")


async def test_a_code_becomes_an_expiring_grant() -> None:
    async with pretending(Reply(WHOLE)) as pretend:
        grant = await exchange(pretend)
    assert grant == Grant(
        access_token="shpat_new",
        scopes="read_orders,write_products",
        expires_at=NOW + timedelta(hours=1),
        refresh_token="shprt_new",
        refresh_expires_at=NOW + timedelta(days=90),
    )
    assert pretend.asked[0].target == f"/{SHOP}/admin/oauth/access_token"
    assert pretend.asked[0].json() == {
        "client_id": "client",
        "client_secret": SECRET,
        "code": CODE,
        "expiring": "1",
    }


async def test_a_refresh_sends_the_old_refresh_token() -> None:
    async with pretending(Reply(WHOLE)) as pretend:
        assert (await refresh(pretend)).refresh_token == "shprt_new"
    assert pretend.asked[0].json() == {
        "client_id": "client",
        "client_secret": SECRET,
        "grant_type": "refresh_token",
        "refresh_token": REFRESH,
    }


async def test_a_token_that_does_not_expire_is_taken_as_well() -> None:
    async with pretending(Reply({"access_token": "shpat_old", "scope": ""})) as pretend:
        assert await exchange(pretend) == Grant("shpat_old", "")


def test_a_grant_does_not_show_its_tokens() -> None:
    shown = repr(Grant("shpat_x", "read_orders", NOW, "shprt_x", NOW))
    assert "read_orders" in shown
    assert "shpat_x" not in shown
    assert "shprt_x" not in shown


ECHO = {"error": "invalid_request", "error_description": f"No: {SECRET} {REFRESH}\r\nX"}


@pytest.mark.parametrize(
    ("reply", "reason", "lasting"),
    [
        (Reply(ECHO, 400), "grant", True),
        (Reply({"error": "invalid_client"}, 400), "client", True),
        (Reply(ECHO, 401), "client", True),
        (Reply(ECHO, 402), "locked", False),
        (Reply(ECHO, 403), "client", True),
        (Reply(ECHO, 404), "shop", True),
        (Reply(ECHO, 423), "locked", False),
        (Reply(ECHO, 429), "throttled", False),
        (Reply(ECHO, 500), "unavailable", False),
        (Reply(ECHO, 503), "unavailable", False),
        (Reply(ECHO, 302, {"Location": "https://evil.example/"}), "unexpected", False),
        (Reply(raw=b"<html>" + SECRET.encode(), status=400), "grant", True),
        (Reply(raw=b"\xff{", status=200), "unexpected", False),
        (Reply([WHOLE]), "unexpected", False),
        (Reply({}), "unexpected", False),
        (Reply({**WHOLE, "access_token": 5}), "unexpected", False),
        (Reply({**WHOLE, "access_token": "a\r\nX-Evil: 1"}), "unexpected", False),
        (Reply({**WHOLE, "access_token": ""}), "unexpected", False),
        (Reply({**WHOLE, "scope": None}), "unexpected", False),
        (Reply({**WHOLE, "expires_in": "3600"}), "unexpected", False),
        (Reply({**WHOLE, "expires_in": True}), "unexpected", False),
        (Reply({**WHOLE, "expires_in": 10**30}), "unexpected", False),
        (Reply({**WHOLE, "associated_user": {"id": 1}}), "unexpected", False),
        (Reply(raw=b" " * 100_000), "unavailable", False),
        (Reply(raw=b"[" * 60_000), "unexpected", False),
        (Reply(drop=True), "unavailable", False),
    ],
)
async def test_each_refusal_says_what_to_do_and_quotes_no_secret(
    reply: Reply, reason: str, lasting: bool
) -> None:
    for call in (exchange, refresh):
        async with pretending(reply) as pretend:
            with pytest.raises(GrantRefused) as caught:
                await call(pretend)
        assert (caught.value.reason, caught.value.lasting) == (reason, lasting)
        assert len(pretend.asked) == 1
        told = str(caught.value)
        assert told == "".join(char for char in told if char.isprintable())
        assert re.search(f"{SECRET}|{CODE}|{REFRESH}|127.0.0.1", told + repr(caught.value)) is None


async def test_the_code_is_not_quoted_either() -> None:
    reply = Reply({"error": "invalid_request", "error_description": f"code {CODE} is used"}, 400)
    async with pretending(reply) as pretend:
        with pytest.raises(GrantRefused, match=r"It says: code \[secret\] is used"):
            await exchange(pretend)


async def test_nobody_there_is_no_lasting_refusal() -> None:
    async with pretending(Reply(WHOLE)) as pretend:
        pass
    with pytest.raises(GrantRefused) as caught:
        await exchange(pretend)
    assert (caught.value.reason, caught.value.lasting) == ("unavailable", False)


async def test_the_secret_goes_to_no_other_host(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_args: object, **_more: object) -> Any:
        pytest.fail("a request was made")

    async with open_http() as http:
        monkeypatch.setattr(http, "send", never)
        for shop in ("evil.example", "a.myshopify.com.evil.example", ""):
            with pytest.raises(ValueError, match="nothing is sent"):
                await exchange_code(http, shop, "client", SECRET, CODE, now=NOW)
