"""Customers in the pieces they come in, by examples that a person can follow.

Real readers and join. Each example is told in every order; all of them have to end alike.
"""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tillstream.mirror.customers import Customer, view
from tillstream.mirror.join import Element, encode, join
from tillstream.mirror.redaction import customer_mark, marks_of
from tillstream.mirror.topics import read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.mirror.bodies import Body, Told

NINE, TEN, ELEVEN = (f"2026-03-01T{hour:02}:00:00Z" for hour in (9, 10, 11))


def customer_after(*deliveries: Told, key: int = 7) -> Customer:
    """The customer, whatever the order."""
    found: set[str] = set()
    element = Element()
    for order in permutations(deliveries):
        element = _element(order, key)
        found.add(encode(element))
    assert len(found) == 1
    return view(key, element)


def _element(deliveries: Sequence[Told], key: int) -> Element:
    element = Element()
    for topic, body in deliveries:
        for change in read(topic, msgspec.json.encode(body)):
            if (change.resource, change.key) == ("customer", key):
                element = join(element, change.element)
    return element


def tagged(at: str, *tags: str, key: int = 7) -> Told:
    return "customer.tags_added", _tags(at, tags, key)


def untagged(at: str, *tags: str, key: int = 7) -> Told:
    return "customer.tags_removed", _tags(at, tags, key)


def _tags(at: str, tags: Sequence[str], key: int) -> Body:
    return {"customerId": f"gid://shopify/Customer/{key}", "tags": list(tags), "occurredAt": at}


@pytest.mark.parametrize(
    ("told", "tags"),
    [
        pytest.param([tagged(NINE, "vip", "new")], ["new", "vip"], id="added"),
        pytest.param([tagged(NINE, "vip", "new"), untagged(TEN, "new")], ["vip"], id="then-removed"),
        pytest.param([untagged(NINE, "new"), tagged(TEN, "new")], ["new"], id="and-added-again"),
        pytest.param([untagged(TEN, "VIP"), tagged(NINE, "vip")], [], id="case-does-not-matter"),
        pytest.param([tagged(NINE, "vip"), tagged(TEN, "VIP")], ["VIP"], id="the-later-spelling"),
        pytest.param([untagged(NINE, "vip"), tagged(NINE, "vip")], ["vip"], id="at-once"),
        pytest.param(
            [("customers/update", {"id": 7, "updated_at": TEN, "tags": "old, vip"}), untagged(ELEVEN, "old")],
            ["vip"],
            id="a-list-and-what-came-after-it",
        ),
        pytest.param(
            [("customers/update", {"id": 7, "updated_at": TEN, "tags": "vip"}), tagged(NINE, "gone")],
            ["vip"],
            id="a-list-knew-of-what-came-before-it",
        ),
        pytest.param(
            [
                ("customers/update", {"id": 7, "updated_at": TEN, "tags": "vip"}),
                ("customers/update", {"id": 7, "updated_at": ELEVEN, "first_name": "Ada"}),
            ],
            ["vip"],
            id="a-body-without-tags-takes-none-away",
        ),
        pytest.param(
            [tagged(NINE, "vip"), ("customers/update", {"id": 7, "updated_at": TEN, "tags": ""})],
            [],
            id="an-empty-list-takes-all-away",
        ),
    ],
)  # fmt: skip
def test_of_two_words_on_a_tag_the_later_counts(told: list[Told], tags: list[str]) -> None:
    assert customer_after(*told).tags == tags


def test_tags_may_come_as_objects_and_as_one_string() -> None:
    topic, body = tagged(NINE)
    assert customer_after((topic, {**body, "tags": [{"tag": "b"}, {"tag": "a"}]})).tags == [
        "a",
        "b",
    ]
    assert customer_after((topic, {**body, "tags": "b, a"})).tags == ["a", "b"]


def test_consent_has_its_own_time() -> None:
    """The body of 11:00 still tells of the consent of 9:00; that of 10:00 is the newer word."""

    def consent(state: str, at: str | None) -> Body:
        return {"state": state, "opt_in_level": "single_opt_in", "consent_updated_at": at}

    told = (
        (
            "customers_email_marketing_consent/update",
            {"customer_id": 7, "email_marketing_consent": consent("UNSUBSCRIBED", TEN)},
        ),
        (
            "customers/update",
            {
                "id": 7,
                "updated_at": ELEVEN,
                "email": "ada@example.com",
                "email_marketing_consent": consent("subscribed", NINE),
                "sms_marketing_consent": consent("not_subscribed", None),
            },
        ),
        (
            "customers_marketing_consent/update",
            {"id": 7, "phone": None, "sms_marketing_consent": consent("subscribed", TEN)},
        ),
        ("customers_marketing_consent/update", {"id": 7, "sms_marketing_consent": {"state": None}}),
    )
    customer = customer_after(*told)
    assert (customer.email_consent, customer.sms_consent) == ("unsubscribed", "subscribed")
    assert customer.email_consent_at == customer.sms_consent_at
    assert customer.email == "ada@example.com"


def test_the_purchasing_summary_is_shopifys_own_word() -> None:
    def summary(count: int, spent: str, at: str) -> Told:
        return (
            "customers/purchasing_summary",
            {
                "customerId": "gid://shopify/Customer/7",
                "numberOfOrders": count,
                "amountSpent": {"amount": spent, "currencyCode": "EUR"},
                "lastOrderId": "gid://shopify/Order/1",
                "occurredAt": at,
            },
        )

    customer = customer_after(
        summary(2, "30.00", TEN),
        summary(1, "10.00", NINE),
        ("customers/update", {"id": 7, "updated_at": ELEVEN, "state": "enabled"}),
    )
    assert (customer.orders_count_told, customer.amount_spent_told) == (2, 300_000)
    assert (customer.currency, customer.account_state) == ("EUR", "enabled")
    older = {
        "id": 7,
        "updated_at": ELEVEN,
        "orders_count": 3,
        "total_spent": "44.00",
        "tags": "vip",
    }
    customer = customer_after(summary(2, "30.00", TEN), ("customers/update", older))
    assert (customer.orders_count_told, customer.amount_spent_told) == (3, 440_000)


def merge(lost: int, kept: int, **more: Any) -> Told:
    return "customers/merge", {
        "admin_graphql_api_customer_deleted_id": f"gid://shopify/Customer/{lost}",
        "admin_graphql_api_customer_kept_id": f"gid://shopify/Customer/{kept}",
        **more,
    }


def test_a_customer_may_be_merged_before_it_was_ever_told() -> None:
    alone = customer_after(merge(7, 8))
    assert (alone.deleted, alone.merged_into, alone.updated_at) == (True, 8, None)
    late = customer_after(
        merge(7, 8, status="completed"),
        ("customers/update", {"id": 7, "updated_at": TEN, "email": "old@example.com"}),
        ("customers/delete", {"id": 7}),
    )
    assert (late.merged_into, late.deleted, late.email) == (8, True, "old@example.com")


@pytest.mark.parametrize("status", ["failed", "FAILED", "in_progress", "requested"])
def test_a_merge_that_did_not_happen_is_none(status: str) -> None:
    topic, body = merge(7, 8, status=status)
    assert read(topic, msgspec.json.encode(body)) == []


def test_who_is_forgotten_is_forgotten_under_the_id_that_was_merged_away_as_well() -> None:
    topic, body = merge(7, 8)
    (change,) = read(topic, msgspec.json.encode(body))
    assert marks_of(change) == {customer_mark(7), customer_mark(8)}
