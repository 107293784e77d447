"""What a delivery changed is what differs between the merged order before it and after it.

Elements are drawn freely, as for the law of the mirror, and bodies are read by the real readers.
Nothing is doubled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tests.mirror.test_join import ELEMENTS
from tests.rollup.drawn import line, order, refund, refunded
from tillstream.journal.contract import Delivery
from tillstream.mirror.history import Trace, history_of, order_of
from tillstream.mirror.join import Element, join, latest, merged
from tillstream.mirror.merge import Store
from tillstream.mirror.record import Arrived
from tillstream.mirror.topics import read

if TYPE_CHECKING:
    from tillstream.mirror.change import Resource
    from tillstream.mirror.join import Fields, Layers

STORE = Store(1, 2)
ABSENT: tuple[object, ...] = (None, False, 0, "", [], {})


def told(element: Element) -> dict[str, Any]:
    """An element as it is read: what has no value is as if it had not been told."""

    def present(layers: Layers) -> Fields:
        return {name: value for name, value in merged(layers).items() if value not in ABSENT}

    return {
        **present(element.layers),
        **{
            kind: {key: present(layers) for key, layers in parts.items()}
            for kind, parts in element.parts.items()
            if parts
        },
        **element.marks,
        "deleted": element.deleted,
        "updated_at": latest(element) or 0,
    }


@given(st.lists(ELEMENTS, max_size=5), ELEMENTS)
def test_what_changed_is_what_differs(before: list[Element], element: Element) -> None:
    trace = Trace(None)
    known = Element()
    for one in before:
        trace.follow(one)
        known = join(known, one)
    earlier, later = told(known), told(join(known, element))
    differing = {
        name for name in earlier.keys() | later.keys() if earlier.get(name) != later.get(name)
    }
    # A part that told nothing and is told of for the first time is there from then on.
    assert trace.follow(element) == differing


@given(st.lists(ELEMENTS, max_size=4))
def test_what_is_known_changes_nothing(elements: list[Element]) -> None:
    trace = Trace(None)
    for one in elements:
        trace.follow(one)
    assert [trace.follow(one) for one in elements] == [set()] * len(elements)


def arrived(number: int, topic: str, body: object) -> Arrived:
    text = msgspec.json.encode(body)
    delivery = Delivery(0, "", "a.myshopify.com", topic, str(number), "", "", "", "", {}, text)
    return Arrived(STORE, delivery, UUID(int=number), read(topic, text))


def test_a_batch_tells_what_each_of_its_deliveries_changed() -> None:
    first = order(line(1, "10.00", 2), financial_status="pending")
    paid = {**first, "financial_status": "paid", "updated_at": "2026-03-01T11:00:00Z"}
    batch = [
        arrived(1, "orders/create", first),
        arrived(2, "orders/paid", paid),
        arrived(3, "orders/updated", paid),  # the same again, under another id
        arrived(4, "orders/create", first),  # late
        arrived(5, "refunds/create", refund(refunded(1, 1, "10.00"))),
        arrived(6, "customers/update", {"id": 9, "updated_at": "2026-03-01T11:00:00Z"}),
        arrived(7, "orders/delete", {"id": 1}),
    ]
    rows = {row["key"].int: row["changed"] for row in history_of(batch, {})}
    assert {"name", "lines", "customer_id", "financial_status", "updated_at"} <= set(rows.pop(1))
    assert rows == {
        2: ["financial_status", "updated_at"],
        3: [],
        4: [],
        5: ["refunds"],
        7: ["deleted"],
    }


def test_what_was_known_before_the_batch_is_not_told_again() -> None:
    first = order(line(1, "10.00"), financial_status="pending")
    known: dict[Resource, dict[tuple[Store, int | str], Element]] = {
        "order": {(STORE, 1): arrived(1, "orders/create", first).changes[0].element}
    }
    assert [row["changed"] for row in history_of([arrived(2, "orders/create", first)], known)] == [
        []
    ]


def test_whose_person_is_forgotten_is_told_no_more() -> None:
    body = order(line(1, "10.00"), email="a@example.com")
    element = arrived(1, "orders/create", body).changes[0].element
    trace = Trace(None)
    trace.follow(Element(redacted=True))
    assert "email" not in trace.follow(element)


def test_what_names_an_order_belongs_to_its_history() -> None:
    change = arrived(1, "orders/create", order()).changes[0]
    about = change._replace(resource="fulfillment", key=5)
    assert order_of(change) == 1
    assert order_of(about) is None
    (layer,) = change.element.layers
    naming = Element(layers=[msgspec.structs.replace(layer, fields={"order_id": 8, "status": "x"})])
    assert order_of(about._replace(element=naming)) == 8
