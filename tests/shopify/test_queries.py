"""The signature on queries; the first test's digest is of Shopify's own documentation.

https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillstream.shopify.queries import is_fresh, is_genuine_query, read_query, sign_query

if TYPE_CHECKING:
    from random import Random

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECRET = b"hush"

names = st.text(min_size=1, max_size=8).filter(
    lambda name: name not in {"hmac", "signature"} and "[" not in name and "]" not in name
)
parameter_sets = st.dictionaries(names, st.text(max_size=12), max_size=6).map(
    lambda fields: list(fields.items())
)


def test_an_example_of_shopifys_documentation() -> None:
    parameters = [
        ("code", "0907a61c0c8d55e99db179b68161bc00"),
        ("shop", "some-shop.myshopify.com"),
        ("timestamp", "1337178173"),
        ("signature", "6e39a2ea9e497af6cb806720da1f1bf3"),
        ("hmac", "4712bf92ffc2917d15a2f5a273e39f0116667419aa4b6ac0b3baaf26fa3c4d20"),
    ]
    assert is_genuine_query(parameters, [b"hush"])


@given(parameter_sets, st.randoms(use_true_random=False))
def test_what_was_signed_is_genuine_in_any_order_and_survives_the_query_string(
    parameters: list[tuple[str, str]], random: Random
) -> None:
    signed = [*parameters, ("hmac", sign_query(parameters, SECRET))]
    random.shuffle(signed)
    assert is_genuine_query(signed, [b"other", SECRET])
    assert is_genuine_query(read_query(urlencode(signed)), [SECRET])


@given(parameter_sets, parameter_sets)
def test_no_two_queries_share_a_signature(
    one: list[tuple[str, str]], other: list[tuple[str, str]]
) -> None:
    same = sorted(one) == sorted(other)
    assert (sign_query(one, SECRET) == sign_query(other, SECRET)) is same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([("a", "1&b=2")], [("a", "1"), ("b", "2")]),
        ([("a=b", "c")], [("a", "b=c")]),
        ([("a%3Db", "c")], [("a=b", "c")]),
        ([("a", "1%26b=2")], [("a", "1&b=2")]),
    ],
)
def test_delimiters_cannot_be_smuggled(
    one: list[tuple[str, str]], other: list[tuple[str, str]]
) -> None:
    assert sign_query(one, SECRET) != sign_query(other, SECRET)


@given(parameter_sets, names, st.text(max_size=5))
def test_an_added_parameter_is_noticed(
    parameters: list[tuple[str, str]], name: str, value: str
) -> None:
    signed = [*parameters, ("hmac", sign_query(parameters, SECRET))]
    assert not is_genuine_query([*signed, (name, value)], [SECRET])


def test_lists_are_signed_as_json() -> None:
    assert sign_query([("ids[]", "1"), ("ids[]", "2")], SECRET) == sign_query(
        [("ids", '["1", "2"]')], SECRET
    )


@pytest.mark.parametrize("secrets", [[], [b"other"]])
def test_without_the_secret_nothing_is_genuine(secrets: list[bytes]) -> None:
    signed = [
        ("shop", "a.myshopify.com"),
        ("hmac", sign_query([("shop", "a.myshopify.com")], SECRET)),
    ]
    assert is_genuine_query(signed, [SECRET])
    assert not is_genuine_query(signed, secrets)


def test_doubled_or_missing_or_upper_case_signatures_are_refused() -> None:
    digest = sign_query([("a", "1")], SECRET)
    assert not is_genuine_query([("a", "1")], [SECRET])
    assert not is_genuine_query([("a", "1"), ("hmac", "")], [SECRET])
    assert not is_genuine_query([("a", "1"), ("hmac", digest.upper())], [SECRET])
    assert not is_genuine_query([("a", "1"), ("hmac", digest), ("hmac", digest)], [SECRET])
    assert not is_genuine_query([("a", "1"), ("hmac", "\u0660" * 64)], [SECRET])


def test_a_parameter_told_twice_is_refused_though_signed() -> None:
    doubled = [("shop", "a.myshopify.com"), ("shop", "b.myshopify.com")]
    assert not is_genuine_query([*doubled, ("hmac", sign_query(doubled, SECRET))], [SECRET])
    mixed = [("ids[]", "1"), ("ids", "2")]
    assert not is_genuine_query([*mixed, ("hmac", sign_query(mixed, SECRET))], [SECRET])


def test_an_empty_secret_signs_nothing() -> None:
    with pytest.raises(ValueError, match="SHOPIFY_API_SECRET"):
        sign_query([], b"")


@given(st.text(max_size=300))
def test_reading_never_fails(raw: str) -> None:
    read_query(raw)


def test_absurd_queries_are_not_read() -> None:
    assert read_query("a=1&" * 100) == []
    assert read_query("a=" + "1" * 9000) == []
    assert read_query("a=&b=%C3%A9") == [("a", ""), ("b", "é")]


@pytest.mark.parametrize(
    ("ago", "fresh"),
    [
        (timedelta(0), True),
        (timedelta(days=1), True),
        (timedelta(days=1, seconds=1), False),
        (timedelta(seconds=-90), True),
        (timedelta(seconds=-91), False),
    ],
)
def test_a_timestamp_is_fresh_for_a_day(ago: timedelta, fresh: bool) -> None:
    assert is_fresh(str(int((NOW - ago).timestamp())), NOW) is fresh


@given(st.text(max_size=20))
def test_any_timestamp_can_be_judged(text: str) -> None:
    is_fresh(text, NOW)


@pytest.mark.parametrize("text", ["", " 1", "-1", "1e9", "99999999999", "1" * 30, "٣"])
def test_what_is_no_timestamp_is_not_fresh(text: str) -> None:
    assert not is_fresh(text, NOW)
