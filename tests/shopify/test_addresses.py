"""Where requests with secrets in them may go: to shop domains, or to this machine."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillstream.foundation.loopback import is_loopback
from tillstream.shopify.addresses import admin_address
from tillstream.shopify.domains import parse_shop_domain


def test_a_shop_is_at_its_own_domain_or_below_the_stand_in() -> None:
    assert admin_address("A-1.myshopify.com", None) == "https://a-1.myshopify.com"
    assert (
        admin_address("a-1.myshopify.com", "http://127.0.0.1:99/")
        == "http://127.0.0.1:99/a-1.myshopify.com"
    )


@pytest.mark.parametrize(
    "shop",
    [
        "",
        "evil.example",
        "a.myshopify.com.evil.example",
        "a.myshopify.com/",
        "a.myshopify.com@evil.example",
        "evil.example/a.myshopify.com",
        "evil.example#.myshopify.com",
        "a.myshopify.com:8080",
        "a.myshopify.com\n",
        "a.b.myshopify.com",
        "-a.myshopify.com",
        "http://a.myshopify.com",
        "\u212aelvin.myshopify.com",
        "a" * 250 + ".myshopify.com",
    ],
)
def test_nothing_but_a_shop_domain_becomes_a_host(shop: str) -> None:
    with pytest.raises(ValueError, match="nothing is sent"):
        admin_address(shop, None)


@given(st.text() | st.text(alphabet="aA1.-/@:#?\\ \n").map(lambda text: f"{text}.myshopify.com"))
def test_whatever_is_asked_for_the_host_is_a_shop(shop: str) -> None:
    try:
        address = admin_address(shop, None)
    except ValueError:
        return
    parts = urlsplit(address)
    assert parts.scheme == "https"
    assert parts.netloc == parts.hostname == parse_shop_domain(shop)
    assert parts.path == ""


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:1", "https://localhost", "http://[::1]:8099/", "http://127.9.9.9"]
)
def test_a_stand_in_is_on_this_machine(address: str) -> None:
    assert is_loopback(address)


@pytest.mark.parametrize(
    "address",
    [
        "http://example.com",
        "http://127.0.0.1.example.com",
        "http://127.0.0.1@example.com",
        "http://me@127.0.0.1",
        "http://10.0.0.1",
        "http://[::ffff:10.0.0.1]",
        "http://0.0.0.0",
        "http://127.0.0.1/path",
        "http://127.0.0.1?x",
        "http://127.0.0.1:0",
        "http://127.0.0.1:99999",
        "ftp://127.0.0.1",
        "127.0.0.1",
        "http://",
        "http://[",
        "",
    ],
)
def test_anything_else_is_no_stand_in(address: str) -> None:
    assert not is_loopback(address)
    with pytest.raises(ValueError, match="loopback"):
        admin_address("a.myshopify.com", address)
