"""Forgetting is part of the law: whatever comes before or after, in any order, the person is gone.

Real: readers, join, what remains of bodies. Asserted: equality to the byte of all that is not of a
person, between a mirror that was told to forget and one that was not, between any orders, and between
the deliveries and what remains of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.mirror.bodies import STORIES, Told
from tests.mirror.test_join import ELEMENTS
from tillstream.journal.contract import Delivery
from tillstream.mirror.join import Element, decode, encode, join, redact
from tillstream.mirror.redaction import (
    MARKER,
    checkout_mark,
    customer_mark,
    email_mark,
    marks_in_text,
    marks_of,
    order_mark,
    own_mark,
    person_marks,
    phone_mark,
)
from tillstream.mirror.remains import without
from tillstream.mirror.topics import read

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FORGETTING = ["order", "checkout", "customer"]
SEARCHED = ["tender_transaction", "fulfillment", "return", "draft_order", "dispute", "cart"]
MARKS = st.sets(
    st.sampled_from(
        [
            order_mark(1), customer_mark(7), customer_mark(8), customer_mark(9),
            email_mark("a"), email_mark("b"), checkout_mark("t1"),
        ]
    ),
    min_size=1,
)  # fmt: skip
Mirror = dict[tuple[str, Any], Element]


def delivery(topic: str, body: object) -> Delivery:
    text = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return Delivery(1, "", "s.myshopify.com", topic, "w", "", "", "2026-10", "sig", {}, text)


def told(state: Mirror, one: Delivery, marks: set[str]) -> None:
    """As the worker applies it: a change that names one of the marks forgets, and is a mark itself."""
    implied: set[str] = set()
    for change in read(one.topic, one.body):
        gone = not marks_of(change).isdisjoint(marks)
        implied |= {own_mark(change.resource, change.key)} if gone else set()
        element = redact(change.element) if gone else change.element
        key = (change.resource, change.key)
        state[key] = decode(encode(join(state.get(key, Element()), element)))
    if not implied <= marks:
        marks |= implied
        swept(state, marks)


def swept(state: Mirror, marks: set[str]) -> None:
    """As what is stored is gone through when marks come into force: customers first."""
    for kind in ("customer", "order", "checkout"):
        for (resource, key), element in state.items():
            own = own_mark(kind, key)
            if resource == kind and not {own, *element.people}.isdisjoint(marks):
                state[resource, key] = redact(element)
                marks.add(own)


def mirror_of(steps: Iterable[Told | set[str]]) -> dict[tuple[str, Any], str]:
    """All resources after deliveries and requests, in the order in which they come."""
    state: Mirror = {}
    marks: set[str] = set()
    for step in steps:
        if isinstance(step, set):
            marks |= step
            swept(state, marks)
        else:
            told(state, delivery(*step), marks)
    return {key: encode(element) for key, element in state.items()}


def public(mirror: Mapping[tuple[str, Any], str]) -> dict[tuple[str, Any], str]:
    """The same without what is of a person, and without saying that it was forgotten."""
    result: dict[tuple[str, Any], str] = {}
    for key, text in mirror.items():
        element = decode(text)
        result[key] = encode(Element(element.layers, element.parts, element.marks, element.deleted))
    return result


def _element(element: Element, personal: Element, people: set[str], gone: bool) -> Element:
    whole = join(element, Element(personal=personal.layers, people=sorted(people)))
    return redact(whole) if gone else whole


FORGOTTEN_OR_NOT = st.builds(
    _element, ELEMENTS, ELEMENTS, st.sets(st.sampled_from(["c7", "ex", "ey"])), st.booleans()
)


@given(FORGOTTEN_OR_NOT, FORGOTTEN_OR_NOT, FORGOTTEN_OR_NOT)
def test_the_laws_hold_for_elements_that_forget(a: Element, b: Element, c: Element) -> None:
    assert encode(join(a, b)) == encode(join(b, a))
    assert encode(join(join(a, b), c)) == encode(join(a, join(b, c)))
    assert encode(join(a, a)) == encode(a)
    assert encode(join(a, Element())) == encode(a)
    assert decode(encode(a)) == a
    assert encode(join(redact(a), b)) == encode(redact(join(a, b)))
    assert not redact(a).personal
    assert not redact(a).people


@pytest.mark.parametrize("resource", FORGETTING)
@given(data=st.data())
@settings(max_examples=80)
def test_forgetting_at_any_time_ends_in_the_same(resource: str, data: st.DataObject) -> None:
    story: list[Told] = data.draw(st.lists(STORIES[resource], min_size=1, max_size=5))
    marks = data.draw(MARKS)
    at_the_end = mirror_of([*story, marks])
    steps: list[Told | set[str]] = [*story, marks]
    assert mirror_of(data.draw(st.permutations(steps))) == at_the_end
    # What is not of a person is what it would have been.
    assert public(at_the_end) == public(mirror_of(story))


@pytest.mark.parametrize("resource", FORGETTING)
@given(data=st.data())
@settings(max_examples=80)
def test_what_remains_reads_as_the_forgotten_whole(resource: str, data: st.DataObject) -> None:
    topic, body = data.draw(STORIES[resource])
    marks = data.draw(MARKS)
    whole = delivery(topic, body)
    rest = without(whole, marks)
    forgotten: Mirror = {}
    told(forgotten, whole, set(marks))
    # Without any mark in force: what remains says itself what it forgets.
    again: Mirror = {}
    told(again, rest, set())
    assert again == forgotten
    assert without(rest, marks) == rest
    changes = read(topic, whole.body)
    if changes and all(marks_of(change).isdisjoint(marks) for change in changes):
        assert rest is whole


@pytest.mark.parametrize("resource", SEARCHED)
@given(data=st.data())
@settings(max_examples=40)
def test_bodies_that_are_searched_tell_the_same_without_the_person(
    resource: str, data: st.DataObject
) -> None:
    """Nothing of a person is mirrored of them, so that the element stays to the byte."""
    topic, body = data.draw(STORIES[resource])
    body = {**body, "note": "for a", "email": "a"}
    whole = delivery(topic, {**body, "about": "gid://shopify/Order/1"})
    rest = without(whole, {order_mark(1)})
    assert {"note", "email", "about"}.isdisjoint(msgspec.json.decode(rest.body))
    assert read(topic, rest.body) == read(topic, whole.body)
    assert without(rest, {order_mark(1)}) == rest
    assert without(whole, {order_mark(99)}) is whole


NAMES = ("Ada", "Lovelace", "ada@example.com", "+44 20 7946 0958", "12 St James", "Behind the gate")
PERSON: dict[str, Any] = {
    "id": 7, "email": "Ada@Example.com", "first_name": "Ada", "last_name": "Lovelace",
    "phone": "+44 20 7946 0958", "note": "Behind the gate", "created_at": "2026-01-01T00:00:00Z",
    "default_address": {"address1": "12 St James", "name": "Ada Lovelace"},
}  # fmt: skip
ORDER: dict[str, Any] = {
    "id": 1, "name": "#1001", "email": "ada@example.com", "contact_email": "ada@example.com",
    "customer": PERSON, "billing_address": {"address1": "12 St James", "first_name": "Ada"},
    "browser_ip": "203.0.113.9", "client_details": {"user_agent": "Ada's browser"},
    "landing_site": "/?utm=ada@example.com", "note": "Behind the gate", "currency": "EUR",
    "note_attributes": [{"name": "who", "value": "Ada"}], "updated_at": "2026-03-01T10:00:00Z",
    "processed_at": "2026-03-01T10:00:00Z", "order_status_url": "https://x/ada@example.com",
    "line_items": [{"id": 1, "quantity": 2, "price": "10.00",
                    "properties": [{"name": "Engraving", "value": "Ada"}]}],
    "refunds": [{"id": 5, "note": "Ada came by", "refund_line_items": []}],
    "payment_terms": {"holder": "Ada Lovelace"}, "total_price": "20.00",
}  # fmt: skip
CHECKOUT: dict[str, Any] = {
    "token": "t1", "email": "ada@example.com", "phone": None, "customer": None, "cart_token": "k",
    "abandoned_checkout_url": "https://x/recover?email=ada@example.com", "total_price": "5.00",
    "shipping_address": {"first_name": "Ada", "address1": "12 St James"}, "currency": "EUR",
    "created_at": "2026-03-01T10:00:00Z", "updated_at": "2026-03-01T10:05:00Z",
}  # fmt: skip


@pytest.mark.parametrize(
    ("topic", "body", "mark"),
    [
        ("orders/create", ORDER, customer_mark(7)),
        ("orders/updated", ORDER, email_mark("ADA@example.com")),
        ("checkouts/update", CHECKOUT, email_mark("ada@example.com")),
        ("customers/update", PERSON, customer_mark(7)),
        ("refunds/create", {"id": 5, "order_id": 1, "note": "Ada came by"}, order_mark(1)),
        ("carts/update", {"id": "k", "token": "k", "note": "for ada@example.com"}, email_mark("ada@example.com")),
        ("fulfillments/create", {"id": 3, "order_id": 1, "destination": {"first_name": "Ada"}}, order_mark(1)),
        ("fulfillments/update", {"id": 3, "order_id": 1, "email": "ada@example.com"}, email_mark("ada@example.com")),
        (
            "order_transactions/create",
            {"id": 3, "order_id": 1, "payment_details": {"credit_card_name": "Ada"}, "receipt": {"name": "Ada"}},
            order_mark(1),
        ),
        ("tender_transactions/create", {"id": 3, "order_id": 1, "payment_details": {"name": "Ada"}}, order_mark(1)),
        ("draft_orders/update", {"id": 3, "customer": PERSON, "email": "ada@example.com"}, customer_mark(7)),
        ("returns/decline", {"id": 3, "order": {"id": 1, "admin_graphql_api_id": "gid://shopify/Order/1"},
                             "decline": {"note": "Ada was told"}}, order_mark(1)),
        ("disputes/update", {"id": 3, "order_id": 1, "evidence": {"customer_name": "Ada"}}, order_mark(1)),
        ("customers/redact", {"customer": PERSON, "orders_to_redact": [1]}, customer_mark(7)),
        ("orders/create", {**ORDER, "total_price": "lots"}, order_mark(1)),
        ("orders/create", b"no json, but ada@example.com", email_mark("ada@example.com")),
    ],
)  # fmt: skip
def test_nothing_of_the_person_remains(topic: str, body: Any, mark: str) -> None:
    rest = without(delivery(topic, body), {mark}).body.decode().casefold()
    assert not [name for name in (*NAMES, "ada", "203.0.113.9") if name.casefold() in rest]


def test_an_order_is_forgotten_without_its_customer() -> None:
    rest = msgspec.json.decode(without(delivery("orders/create", ORDER), {order_mark(1)}).body)
    assert rest[MARKER]["resources"] == ["order"]
    # The customer, who was not named, keeps what the mirror has of them.
    assert rest["customer"]["first_name"] == "Ada"
    assert rest["customer"].keys() <= {
        "id", "email", "first_name", "last_name", "phone", "created_at", "updated_at",
    }  # fmt: skip
    assert "email" not in rest


def test_contact_details_are_known_to_have_been_known() -> None:
    rest = without(delivery("checkouts/update", CHECKOUT), {email_mark("ada@example.com")})
    (change,) = read(rest.topic, rest.body)
    (whole,) = read("checkouts/update", msgspec.json.encode(CHECKOUT))
    assert change.element.marks == whole.element.marks
    assert 1 in change.element.marks.values()


def test_marks_recognise_an_address_however_it_is_spelled() -> None:
    assert email_mark(" Ada@Example.COM ") == email_mark("ada@example.com")
    assert phone_mark("+44 20 7946-0958") == phone_mark("442079460958")
    assert phone_mark("12 34") is None
    assert person_marks({"id": "7", "email": None, "phone": ""}, [1, "2"]) == {"c7", "o1", "o2"}
    text = rb'{"customer":{"id":7},"x":"gid:\/\/shopify\/Order\/12","checkout_token":"t1?key=x"} Ada@Example.com,'
    assert marks_in_text(text) == {"c7", "o12", "t" + "t1", email_mark("ada@example.com")}


def test_a_body_of_one_endless_word_is_searched_in_no_time() -> None:
    assert marks_in_text(b"a" * 2_000_000 + b"@" * 2_000_000) == set()


def test_products_are_of_nobody() -> None:
    one = delivery("products/update", {"id": 7, "title": "ada@example.com"})
    assert without(one, {email_mark("ada@example.com"), customer_mark(7)}) is one
