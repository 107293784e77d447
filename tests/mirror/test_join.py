"""The law of the mirror: whatever the order, the repeats and the grouping, one and the same element.

Elements are drawn freely; examples that a person can follow are read by the real readers. Nothing is
doubled. Asserted are the laws themselves, on the encoded text: equal to the byte. That the readers of
all resources keep them is tried in test_law.py.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tillstream.mirror import checkouts, orders
from tillstream.mirror.join import Element, decode, encode, join, join_all, layer, merged, newest
from tillstream.mirror.topics import read

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.mirror.bodies import Told

_fields = st.dictionaries(
    st.sampled_from("abcd"),
    st.one_of(st.none(), st.integers(0, 2), st.text("xy", max_size=1)),
    max_size=4,
)
_layers = st.builds(layer, st.integers(0, 2), st.integers(0, 2), _fields)
_single = st.builds(
    Element,
    layers=_layers,
    parts=st.dictionaries(
        st.sampled_from(["refunds", "edits"]),
        st.dictionaries(st.sampled_from("123"), _layers, max_size=2),
        max_size=2,
    ),
    marks=st.dictionaries(st.sampled_from(["10", "20", "9"]), st.integers(0, 1), max_size=3),
    deleted=st.booleans(),
)
ELEMENTS = st.lists(_single, max_size=4).map(join_all)


def element_of(topic: str, body: object) -> dict[tuple[str, Any], Element]:
    """What a delivery tells, by resource and key."""
    found: dict[tuple[str, Any], Element] = {}
    for change in read(topic, msgspec.json.encode(body)):
        key = (change.resource, change.key)
        found[key] = join(found.get(key, Element()), change.element)
    return found


def mirror_of(deliveries: Iterable[Told]) -> dict[tuple[str, Any], str]:
    """All resources as they stand after these deliveries, encoded."""
    state: defaultdict[tuple[str, Any], Element] = defaultdict(Element)
    for topic, body in deliveries:
        for key, element in element_of(topic, body).items():
            # Through the text, as the database keeps it between batches.
            state[key] = decode(encode(join(state[key], element)))
    return {key: encode(element) for key, element in state.items()}


@given(ELEMENTS, ELEMENTS)
def test_join_is_commutative(a: Element, b: Element) -> None:
    assert encode(join(a, b)) == encode(join(b, a))


@given(ELEMENTS, ELEMENTS, ELEMENTS)
def test_join_is_associative(a: Element, b: Element, c: Element) -> None:
    assert encode(join(join(a, b), c)) == encode(join(a, join(b, c)))


@given(ELEMENTS, ELEMENTS)
def test_join_is_idempotent_and_absorbs(a: Element, b: Element) -> None:
    assert encode(join(a, a)) == encode(a)
    both = join(a, b)
    assert encode(join(both, a)) == encode(both)
    assert encode(join(b, both)) == encode(both)


@given(ELEMENTS)
def test_nothing_is_neutral(a: Element) -> None:
    assert encode(join(a, Element())) == encode(a) == encode(join(Element(), a))
    assert encode(join_all([])) == encode(Element())


@given(ELEMENTS)
def test_the_text_is_canonical_and_comes_back(a: Element) -> None:
    assert decode(encode(a)) == a
    assert encode(decode(encode(a))) == encode(a)
    shuffled = Element(
        a.layers,
        {kind: dict(reversed(part.items())) for kind, part in reversed(a.parts.items())},
        dict(reversed(a.marks.items())),
        a.deleted,
    )
    assert encode(shuffled) == encode(a)


@given(ELEMENTS, ELEMENTS)
def test_joining_changes_neither_side(a: Element, b: Element) -> None:
    before = encode(a), encode(b)
    join(a, b)
    assert (encode(a), encode(b)) == before


@given(ELEMENTS, ELEMENTS)
def test_a_newer_layer_covers_field_by_field(a: Element, b: Element) -> None:
    """Against a naive reading: each field from the layer with the greatest stamp that has it."""
    best: dict[str, tuple[tuple[int, int, str], object]] = {}
    for one in (*a.layers, *b.layers):
        for name, value in one.fields.items():
            if name not in best or one.stamp > best[name][0]:
                best[name] = one.stamp, value
    both = join(a, b)
    assert merged(both.layers) == {name: value for name, (_, value) in best.items()}
    stamps = [one.stamp for one in both.layers]
    assert stamps == sorted(stamps, reverse=True)
    assert newest(both.layers) == (max((at for at, _, _ in stamps), default=0) or None)


@given(ELEMENTS, ELEMENTS)
def test_a_tombstone_never_revives(a: Element, b: Element) -> None:
    assert join(a, b).deleted == (a.deleted or b.deleted)


# Examples that a person can follow. Times: 10:00 and 10:01.
EARLY, LATE = "2026-03-01T10:00:00Z", "2026-03-01T10:01:00Z"


def order_after(*deliveries: Told) -> orders.Order:
    texts = mirror_of(deliveries)
    assert mirror_of(deliveries[::-1]) == texts
    return orders.view(1, decode(texts["order", 1]))


def test_an_update_may_come_before_its_create() -> None:
    order = order_after(
        ("orders/updated", {"id": 1, "updated_at": LATE, "email": "new@example.com"}),
        ("orders/create", {"id": 1, "updated_at": EARLY, "email": "old@example.com", "name": "#1"}),
    )
    assert (order.email, order.name) == ("new@example.com", "#1")


def test_a_redacted_field_stays_redacted_when_the_past_arrives() -> None:
    order = order_after(
        ("orders/updated", {"id": 1, "updated_at": LATE, "email": None, "phone": ""}),
        ("orders/create", {"id": 1, "updated_at": EARLY, "email": "e@example.com", "phone": "+1"}),
    )
    assert (order.email, order.phone) == (None, None)


def test_a_late_update_does_not_revive_a_deleted_order() -> None:
    order = order_after(
        ("orders/delete", {"id": 1}),
        ("orders/updated", {"id": 1, "updated_at": LATE, "name": "#1"}),
    )
    assert order.deleted
    assert order.name == "#1"


def test_a_body_with_only_an_id_tells_nothing_and_wipes_nothing() -> None:
    order = order_after(
        ("orders/create", {"id": 1, "updated_at": EARLY, "name": "#1"}),
        ("orders/updated", {"id": 1}),
    )
    assert (order.name, order.known) == ("#1", True)
    assert not order_after(("orders/updated", {"id": 1})).known


def test_a_refund_is_the_same_by_either_route() -> None:
    refund = {
        "id": 5, "created_at": LATE, "processed_at": LATE, "note": "torn",
        "refund_line_items": [{"line_item_id": 2, "quantity": 1, "subtotal": "3.00", "total_tax": "0.30"}],
        "order_adjustments": [{"kind": "shipping_refund", "amount": "-4.00", "tax_amount": "-0.40"}],
    }  # fmt: skip
    create = ("orders/create", {"id": 1, "updated_at": EARLY, "name": "#1"})
    alone = order_after(create, ("refunds/create", {**refund, "order_id": 1}))
    inside = order_after(
        create, ("orders/updated", {"id": 1, "updated_at": LATE, "refunds": [refund]})
    )
    both = order_after(
        ("refunds/create", {**refund, "order_id": 1}),
        ("orders/updated", {"id": 1, "updated_at": LATE, "refunds": [refund]}),
    )
    assert alone.refunds == inside.refunds == both.refunds
    assert alone.refunds[5].shipping == 40_000
    # An older copy of the order, from before the refund, does not take it away.
    assert order_after(
        *[create, ("orders/updated", {"id": 1, "updated_at": LATE, "refunds": [refund]})]
    ).refunds


def test_of_two_bodies_of_one_second_the_one_further_on_counts() -> None:
    base = {"id": 1, "updated_at": EARLY}
    order = order_after(
        ("orders/create", {**base, "financial_status": "pending", "cancelled_at": None}),
        ("orders/paid", {**base, "financial_status": "paid", "cancelled_at": None}),
    )
    assert order.financial_status == "paid"
    order = order_after(
        ("orders/paid", {**base, "financial_status": "paid", "cancelled_at": None}),
        ("orders/cancelled", {**base, "financial_status": "pending", "cancelled_at": EARLY}),
    )
    assert order.cancelled_at is not None


def test_edits_accumulate() -> None:
    def edit(number: int, at: str, added: int) -> Told:
        lines = {"additions": [{"id": 3, "delta": added}], "removals": []}
        told = {"id": number, "order_id": 1, "committed_at": at, "line_items": lines}
        return "orders/edited", {"order_edit": told}

    order = order_after(edit(8, EARLY, 1), edit(9, LATE, 2), edit(8, EARLY, 1))
    assert {key: one.additions for key, one in order.edits.items()} == {"8": {3: 1}, "9": {3: 2}}


def test_contact_details_of_a_checkout_stay_known_after_redaction() -> None:
    deliveries: list[Told] = [
        (
            "checkouts/create",
            {"token": "t", "created_at": EARLY, "updated_at": EARLY, "email": "e@example.com"},
        ),
        (
            "checkouts/update",
            {"token": "t", "created_at": EARLY, "updated_at": LATE, "email": None},
        ),
    ]
    texts = mirror_of(deliveries)
    assert mirror_of(deliveries[::-1]) == texts
    checkout = checkouts.view("t", decode(texts["checkout", "t"]))
    assert checkout.email is None
    assert [contact for _, contact in checkout.activity] == [True, False]


def test_a_checkout_without_updated_at_was_active_when_it_was_created() -> None:
    texts = mirror_of(
        [("checkouts/create", {"token": "t", "created_at": EARLY, "email": "e@example.com"})]
    )
    checkout = checkouts.view("t", decode(texts["checkout", "t"]))
    assert checkout.activity == ((checkout.created_at, True),)
