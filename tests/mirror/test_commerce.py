"""What surrounds orders: transactions, tender, fulfillments, returns, draft orders, disputes and carts.

Read by the real readers and joined by the real join, in every order; and once through the worker's
whole way, into the tables of a real database. Nothing is doubled. That no order, repeat or grouping
matters for any of them is in test_join.py; here is what each of them means.
"""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any, LiteralString

import msgspec
import pytest
from psycopg import sql

from tests.rollup.worlds import delivery, world
from tillstream.mirror.join import Element, join_all
from tillstream.mirror.merge import MIRRORED
from tillstream.mirror.topics import read
from tillstream.mirror.values import Malformed, instant

if TYPE_CHECKING:
    from tests.conftest import Database
    from tillstream.mirror.change import Resource

Told = tuple[str, dict[str, Any]]


def rows_of(*deliveries: Told, of: Resource, triggered: tuple[str, ...] = ()) -> list[Any]:
    """The views of all resources of a kind after these deliveries, in whatever order: it must not matter."""
    times = dict(enumerate(triggered))
    elements: list[list[tuple[int | str, Element]]] = [
        [
            (change.key, change.element)
            for change in read(topic, msgspec.json.encode(body), times.get(position, ""))
            if change.resource == of
        ]
        for position, (topic, body) in enumerate(deliveries)
    ]
    found: list[list[Any]] = []
    for shuffled in permutations(elements):
        known: dict[int | str, Element] = {}
        for told in shuffled:
            for key, element in told:
                known[key] = join_all([known.get(key, Element()), element])
        found.append([MIRRORED[of].view(key, known[key]) for key in sorted(known)])
    assert all(views == found[0] for views in found)
    return found[0]


def at(view: Any, field: str) -> str | None:
    """A time of a view, to be read."""
    found = instant(getattr(view, field))
    return None if found is None else found.isoformat()


SALE: dict[str, Any] = {
    "id": 901, "order_id": 1, "parent_id": None, "kind": "sale", "status": "pending", "amount": "403.00",
    "currency": "USD", "gateway": "visa", "test": False, "created_at": "2026-03-01T10:00:00-05:00",
    "processed_at": None, "receipt": {"name": "Ada"}, "payment_details": {"credit_card_name": "Ada"},
}  # fmt: skip


class TestTransactions:
    """``order_transactions/create``, and refunds."""

    def test_it_is_read_without_card_and_receipt(self) -> None:
        (one,) = rows_of(("order_transactions/create", SALE), of="transaction")
        assert (one.id, one.order_id, one.kind, one.amount, one.currency) == (
            901,
            1,
            "sale",
            4_030_000,
            "USD",
        )
        assert one.gateway == "visa"
        assert at(one, "created_at") == "2026-03-01T15:00:00+00:00"
        (change,) = read("order_transactions/create", msgspec.json.encode(SALE))
        assert b"Ada" not in msgspec.json.encode(change.element)

    def test_what_was_pending_is_decided_once(self) -> None:
        """All three carry the same times: how far they are says which is the later."""
        later = {**SALE, "status": "success"}
        failed = {**SALE, "status": "failure"}
        told = [("order_transactions/create", body) for body in (SALE, later, failed)]
        assert [one.status for one in rows_of(*told, of="transaction")] == ["success"]

    def test_a_refund_lists_its_own_without_a_currency_that_was_told(self) -> None:
        inside = {**SALE, "kind": "refund", "status": "success"}
        bare = {name: value for name, value in inside.items() if name != "order_id"}
        refund = {"id": 5, "order_id": 1, "transactions": [{**bare, "currency": None}]}
        (one,) = rows_of(
            ("refunds/create", refund),
            ("orders/updated", {"id": 1, "refunds": [refund]}),
            ("order_transactions/create", inside),
            of="transaction",
        )
        assert (one.order_id, one.kind, one.currency) == (1, "refund", "USD")

    def test_one_of_a_refund_without_an_id_is_none(self) -> None:
        refund = {"id": 5, "order_id": 1, "transactions": [{"id": None, "kind": "refund"}]}
        assert rows_of(("refunds/create", refund), of="transaction") == []

    def test_an_id_alone_is_a_row_of_its_own(self) -> None:
        (one,) = rows_of(("order_transactions/create", {"id": 901}), of="transaction")
        assert (one.amount, one.test, one.status) == (None, False, None)


TENDER: dict[str, Any] = {
    "id": 77, "order_id": 1, "amount": "-36.99", "currency": "CAD", "test": False,
    "processed_at": "2026-03-02T09:00:00Z", "remote_reference": "1001", "payment_method": "credit_card",
    "payment_details": {"credit_card_number": "•••• 4242"},
}  # fmt: skip


class TestTenderTransactions:
    """``tender_transactions/create``."""

    def test_money_given_back_is_negative(self) -> None:
        (one,) = rows_of(("tender_transactions/create", TENDER), of="tender_transaction")
        assert (one.amount, one.currency, one.payment_method) == (-369_900, "CAD", "credit_card")

    def test_a_leaner_body_wipes_nothing(self) -> None:
        lean = {
            "id": 77,
            "amount": "-36.99",
            "processed_at": None,
            "updated_at": "2026-04-01T00:00:00Z",
        }
        (one,) = rows_of(
            ("tender_transactions/create", TENDER),
            ("tender_transactions/create", lean),
            ("tender_transactions/create", {"id": 77}),
            of="tender_transaction",
        )
        assert at(one, "processed_at") == "2026-03-02T09:00:00+00:00"
        assert one.order_id == 1


PARCEL: dict[str, Any] = {
    "id": 31, "order_id": 1, "status": "pending", "created_at": "2026-03-01T10:00:00Z",
    "updated_at": "2026-03-01T10:00:00Z", "service": "manual", "shipment_status": None, "location_id": 4,
    "name": "#1001.1", "email": "ada@example.com", "destination": {"first_name": "Ada", "address1": "12 St James"},
}  # fmt: skip


class TestFulfillments:
    """``fulfillments/create`` and ``/update``."""

    def test_the_newest_word_counts_whenever_it_comes(self) -> None:
        sent = {**PARCEL, "status": "success", "updated_at": "2026-03-01T12:00:00Z"}
        there = {**sent, "shipment_status": "delivered", "updated_at": "2026-03-04T08:00:00Z"}
        (one,) = rows_of(
            ("fulfillments/create", PARCEL),
            ("fulfillments/update", sent),
            ("fulfillments/update", there),
            ("fulfillments/update", {"id": 31}),
            of="fulfillment",
        )
        assert (one.status, one.shipment_status, one.location_id) == ("success", "delivered", 4)
        assert at(one, "updated_at") == "2026-03-04T08:00:00+00:00"
        assert at(one, "created_at") == "2026-03-01T10:00:00+00:00"

    def test_of_one_second_the_further_one_counts(self) -> None:
        told = [
            ("fulfillments/update", {**PARCEL, "status": "success", "shipment_status": status})
            for status in ("in_transit", "delivered", None)
        ]
        (one,) = rows_of(*told, ("fulfillments/update", PARCEL), of="fulfillment")
        assert one.shipment_status == "delivered"

    def test_where_it_goes_is_not_kept(self) -> None:
        (change,) = read("fulfillments/create", msgspec.json.encode(PARCEL))
        assert b"Ada" not in msgspec.json.encode(change.element)
        assert b"ada@" not in msgspec.json.encode(change.element)


REQUESTED: dict[str, Any] = {
    "id": 41, "admin_graphql_api_id": "gid://shopify/Return/41", "status": "requested", "name": None,
    "order": {"id": 1, "admin_graphql_api_id": "gid://shopify/Order/1"}, "return_line_items": [],
}  # fmt: skip
CLOSED: dict[str, Any] = {"id": 41, "order_id": 1, "status": "closed"}
REOPENED: dict[str, Any] = {"id": 41, "order_id": 1, "status": "open"}


class TestReturns:
    """``returns/*``."""

    def test_without_any_time_the_further_one_counts(self) -> None:
        (one,) = rows_of(
            ("returns/request", REQUESTED),
            ("returns/approve", {**REQUESTED, "status": "open", "name": "#1001-R1"}),
            ("returns/close", CLOSED),
            ("returns/update", {"admin_graphql_api_id": "gid://shopify/Return/41"}),
            of="return",
        )
        assert (one.id, one.order_id, one.status, one.name) == (41, 1, "closed", "#1001-R1")

    def test_what_is_reopened_is_open(self) -> None:
        (one,) = rows_of(("returns/close", CLOSED), ("returns/reopen", REOPENED), of="return")
        assert one.status == "open"

    def test_the_times_of_the_triggers_tell_a_second_closing_from_the_first(self) -> None:
        triggered = ("2026-03-01T10:00:00Z", "2026-03-02T10:00:00Z", "2026-03-03T10:00:00Z")
        told = [("returns/close", CLOSED), ("returns/reopen", REOPENED), ("returns/close", CLOSED)]
        (one,) = rows_of(*told, of="return", triggered=triggered)
        assert (one.status, at(one, "updated_at")) == ("closed", "2026-03-03T10:00:00+00:00")

    def test_one_that_only_names_itself_by_gid_is_a_row(self) -> None:
        told: dict[str, Any] = {
            "admin_graphql_api_id": "gid://shopify/Return/41",
            "return_line_items": {"removals": []},
        }
        (one,) = rows_of(("returns/update", told), of="return")
        assert (one.id, one.status) == (41, None)

    def test_a_declined_one_names_no_order(self) -> None:
        declined = {"id": 41, "status": "declined", "decline": {"note": "Ada was told"}}
        (one,) = rows_of(("returns/decline", declined), ("returns/request", REQUESTED), of="return")
        assert (one.order_id, one.status) == (1, "declined")


DRAFT: dict[str, Any] = {
    "id": 51, "order_id": None, "status": "open", "name": "#D12", "currency": "USD", "total_price": "445.00",
    "created_at": "2026-03-01T10:00:00Z", "updated_at": "2026-03-01T10:00:00Z", "completed_at": None,
    "customer": {"id": 7, "first_name": "Ada"}, "email": "ada@example.com", "note": "Behind the gate",
}  # fmt: skip


class TestDraftOrders:
    """``draft_orders/*``."""

    def test_completed_it_names_its_order(self) -> None:
        done = {
            **DRAFT,
            "status": "completed",
            "order_id": 1,
            "completed_at": "2026-03-01T10:00:00Z",
        }
        (one,) = rows_of(
            ("draft_orders/create", DRAFT), ("draft_orders/update", done), of="draft_order"
        )
        assert (one.order_id, one.customer_id, one.status, one.total_price) == (
            1,
            7,
            "completed",
            4_450_000,
        )

    def test_deleted_it_stays_deleted(self) -> None:
        late = {**DRAFT, "status": "invoice_sent", "updated_at": "2026-03-09T10:00:00Z"}
        gone = {"id": 51, "payment_terms": {"id": 8}}
        (one,) = rows_of(
            ("draft_orders/create", DRAFT),
            ("draft_orders/delete", gone),
            ("draft_orders/update", late),
            of="draft_order",
        )
        assert (one.deleted, one.status) == (True, "invoice_sent")

    def test_nobody_is_copied(self) -> None:
        changes = read("draft_orders/create", msgspec.json.encode(DRAFT))
        assert [change.resource for change in changes] == ["draft_order"]
        assert b"Ada" not in msgspec.json.encode(changes[0].element)


DISPUTE: dict[str, Any] = {
    "id": 61, "order_id": 1, "type": "inquiry", "amount": "11.50", "currency": "CAD", "reason": "fraudulent",
    "status": "needs_response", "initiated_at": "2026-03-01T10:00:00Z", "evidence_sent_on": None,
    "finalized_on": None,
}  # fmt: skip


class TestDisputes:
    """``disputes/create`` and ``/update``."""

    def test_it_goes_on_from_asking_to_a_decision(self) -> None:
        charged = {**DISPUTE, "type": "chargeback"}
        sent = {**charged, "status": "under_review", "evidence_sent_on": "2026-03-05T10:00:00Z"}
        won = {**sent, "status": "won", "finalized_on": "2026-04-01"}
        (one,) = rows_of(
            ("disputes/create", DISPUTE),
            ("disputes/update", charged),
            ("disputes/update", sent),
            ("disputes/update", won),
            of="dispute",
        )
        assert (one.type, one.status, one.amount) == ("chargeback", "won", 115_000)
        assert at(one, "finalized_on") == "2026-04-01T00:00:00+00:00"

    def test_one_of_no_order_is_one_all_the_same(self) -> None:
        (one,) = rows_of(("disputes/create", {**DISPUTE, "order_id": None}), of="dispute")
        assert (one.order_id, one.status) == (None, "needs_response")


LINE: dict[str, Any] = {
    "id": 1, "quantity": 3, "price": "19.99", "line_price": "59.97",
    "line_price_set": {"shop_money": {"amount": "55.00", "currency_code": "EUR"}},
    "properties": {"Engraving": "Ada"},
}  # fmt: skip
CART: dict[str, Any] = {
    "id": "c1", "token": "c1?key=secret", "note": "for Ada", "created_at": "2026-03-01T10:00:00.000Z",
    "updated_at": "2026-03-01T10:00:00.000Z", "line_items": [LINE, {"quantity": "2", "price": "1.50"}],
}  # fmt: skip


class TestCarts:
    """``carts/create`` and ``/update``."""

    def test_it_is_summed_up(self) -> None:
        (one,) = rows_of(("carts/create", CART), of="cart")
        assert (one.token, one.items, one.units, one.value, one.currency) == (
            "c1",
            2,
            5,
            580_000,
            "EUR",
        )

    def test_emptied_it_is_worth_nothing_in_the_currency_it_had(self) -> None:
        empty: dict[str, Any] = {
            "id": "c1",
            "line_items": [],
            "updated_at": "2026-03-01T11:00:00.000Z",
        }
        (one,) = rows_of(
            ("carts/create", CART),
            ("carts/update", empty),
            ("carts/update", {"token": "c1"}),
            of="cart",
        )
        assert (one.items, one.units, one.value, one.currency) == (0, 0, 0, "EUR")
        assert at(one, "created_at") == "2026-03-01T10:00:00+00:00"

    def test_an_amount_of_no_currency_yet_names_none(self) -> None:
        line = {
            "quantity": 1,
            "line_price_set": {"shop_money": {"amount": "1.0", "currency_code": "XXX"}},
        }
        (one,) = rows_of(("carts/create", {"token": "c1", "line_items": [line]}), of="cart")
        assert (one.value, one.currency) == (10_000, None)

    def test_nothing_of_the_shopper_is_kept(self) -> None:
        (change,) = read("carts/create", msgspec.json.encode(CART))
        assert b"Ada" not in msgspec.json.encode(change.element)


UNREADABLE: list[tuple[str, dict[str, Any], str]] = [
    ("order_transactions/create", {**SALE, "amount": "lots"}, "amount"),
    ("order_transactions/create", {**SALE, "parent_id": "x"}, "parent_id"),
    ("order_transactions/create", {"amount": "1.00"}, "id"),
    ("refunds/create", {"id": 5, "order_id": 1, "transactions": [{"id": 1, "amount": []}]}, "amount"),
    ("orders/updated", {"id": 1, "refunds": [{"id": 5, "transactions": "many"}]}, "transactions"),
    ("tender_transactions/create", {**TENDER, "processed_at": "soon"}, "processed_at"),
    ("tender_transactions/create", {**TENDER, "id": None}, "id"),
    ("fulfillments/update", {**PARCEL, "location_id": "here"}, "location_id"),
    ("fulfillments/update", {"order_id": 1}, "id"),
    ("returns/request", {**REQUESTED, "order": {"id": "first"}}, "order.id"),
    ("returns/update", {"return_line_items": {}}, "id"),
    ("draft_orders/update", {**DRAFT, "customer": {"id": "Ada"}}, "customer.id"),
    ("draft_orders/delete", {}, "id"),
    ("disputes/update", {**DISPUTE, "evidence_sent_on": 5}, "evidence_sent_on"),
    ("carts/update", {**CART, "line_items": "many"}, "line_items"),
    ("carts/update", {**CART, "line_items": [{"quantity": 1.5}]}, "quantity"),
    ("carts/update", {"note": "nobody's"}, "token"),
]  # fmt: skip


@pytest.mark.parametrize(("topic", "body", "field"), UNREADABLE)
def test_what_cannot_be_read_is_said_in_a_sentence(topic: str, body: Any, field: str) -> None:
    with pytest.raises(Malformed) as caught:
        read(topic, msgspec.json.encode(body))
    assert f"`{field}" in caught.value.detail or f".{field}" in caught.value.detail
    assert caught.value.detail.endswith(".")


STORY: list[Told] = [
    ("order_transactions/create", SALE),
    ("order_transactions/create", {**SALE, "status": "success"}),
    ("tender_transactions/create", TENDER),
    ("fulfillments/create", PARCEL),
    ("fulfillments/update", {**PARCEL, "status": "success", "updated_at": "2026-03-01T12:00:00Z"}),
    ("returns/request", REQUESTED),
    ("returns/close", CLOSED),
    ("draft_orders/create", DRAFT),
    ("draft_orders/delete", {"id": 51}),
    ("disputes/create", DISPUTE),
    ("disputes/update", {**DISPUTE, "status": "lost", "finalized_on": "2026-04-01T00:00:00Z"}),
    ("carts/create", CART),
    ("carts/update", {**CART, "line_items": [], "updated_at": "2026-03-01T11:00:00Z"}),
]
TABLES: dict[str, LiteralString] = {
    "transactions": "id, order_id, status, amount, test",
    "tender_transactions": "id, amount, payment_method",
    "fulfillments": "id, status, location_id, name",
    "returns": "id, order_id, status",
    "draft_orders": "id, customer_id, total_price, deleted",
    "disputes": "id, status, amount",
    "carts": "token, items, units, value, currency",
}


async def test_they_are_written_the_same_in_any_order_and_grouping(database: Database) -> None:
    """At once, one by one backwards, and all of it twice: one state, and the rows one can read."""
    async with world(database) as here:
        states: set[str] = set()
        for way in (
            [STORY],
            [[one] for one in reversed(STORY)],
            [STORY[::2], STORY[1::2], STORY],
        ):
            domain, store = here.store(here.tenant())
            for batch in way:
                outcome = await here.apply([delivery(domain, *one) for one in batch])
                assert not outcome.parked
            states.add(await here.state(store))
            found = {
                table: here.ask(
                    sql.SQL("SELECT {} FROM {} WHERE store_id = %s").format(
                        sql.SQL(columns), sql.Identifier("mirror", table)
                    ),
                    store.store_id,
                )
                for table, columns in TABLES.items()
            }
            assert found == {
                "transactions": [(901, 1, "success", 4_030_000, False)],
                "tender_transactions": [(77, -369_900, "credit_card")],
                "fulfillments": [(31, "success", 4, "#1001.1")],
                "returns": [(41, 1, "closed")],
                "draft_orders": [(51, 7, 4_450_000, True)],
                "disputes": [(61, "lost", 115_000)],
                "carts": [("c1", 0, 0, 0, "EUR")],
            }
            assert not (await here.verify(store)).differences
        assert len(states) == 1
