"""Scopes and topics: what is covered by what."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillstream.shopify.scopes import format_scopes, missing_scopes, parse_scopes
from tillstream.shopify.topics import (
    COMPLIANCE_TOPICS,
    SCOPES,
    may_subscribe,
    topic_enum,
    topic_name,
)

scopes = st.sampled_from(
    ["read_orders", "write_orders", "read_products", "write_products", "unauthenticated_read_x"]
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", set[str]()),
        (" , ", set[str]()),
        ("read_orders", {"read_orders"}),
        ("read_orders, write_x\nread_orders", {"read_orders", "write_x"}),
    ],
)
def test_lists_are_read_however_they_are_spaced(text: str, expected: set[str]) -> None:
    assert parse_scopes(text) == expected


@given(st.sets(scopes))
def test_what_is_written_is_read_again(held: set[str]) -> None:
    assert parse_scopes(format_scopes(held)) == held


@given(st.sets(scopes), st.sets(scopes), st.sets(scopes))
def test_more_granted_never_misses_more(few: set[str], more: set[str], needed: set[str]) -> None:
    missing = missing_scopes(few | more, needed)
    assert missing <= missing_scopes(few, needed) <= needed
    assert not missing_scopes(needed, needed)


def test_writing_covers_reading_and_not_the_reverse() -> None:
    assert missing_scopes({"write_orders"}, {"read_orders"}) == frozenset()
    assert missing_scopes({"read_orders"}, {"write_orders"}) == {"write_orders"}
    assert missing_scopes({"unauthenticated_write_x"}, {"unauthenticated_read_x"}) == frozenset()
    assert missing_scopes({"write_orders"}, {"read_all_orders"}) == {"read_all_orders"}


@pytest.mark.parametrize("topic", [*SCOPES, *COMPLIANCE_TOPICS])
def test_each_topic_is_found_again_by_its_enum(topic: str) -> None:
    assert topic_name(topic_enum(topic)) == topic


def test_enums_are_shopifys() -> None:
    assert topic_enum("orders/create") == "ORDERS_CREATE"
    assert topic_enum("app/scopes_update") == "APP_SCOPES_UPDATE"
    assert topic_enum("customer.tags_added") == "CUSTOMER_TAGS_ADDED"
    assert topic_name("PRODUCT_FEEDS_FULL_SYNC") is None


@pytest.mark.parametrize(
    ("topic", "granted", "may"),
    [
        ("orders/create", {"read_orders"}, True),
        ("orders/create", {"write_orders"}, True),
        ("orders/create", {"read_marketplace_orders"}, True),
        ("orders/create", {"read_customers"}, False),
        ("checkouts/create", {"read_checkouts"}, False),
        ("app/uninstalled", set[str](), True),
        ("shop/redact", {"read_orders"}, False),
        ("no/such", {"read_orders"}, False),
    ],
)
def test_what_a_topic_needs(topic: str, granted: set[str], may: bool) -> None:
    assert may_subscribe(topic, granted) is may
