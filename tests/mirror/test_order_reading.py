"""What is read of an order beside its amounts: where it goes, where it came from, what edits left.

Bodies are read by the real readers. Drawn texts hold the readers to one law: what is kept of a body
whose person was forgotten reads to the same as the body did.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.rollup.drawn import PLACED, REFUNDED, bag, merged, order, refund, shipping
from tillstream.journal.contract import Delivery
from tillstream.mirror.attribution import host_of, path_of
from tillstream.mirror.orders import Shipping
from tillstream.mirror.remains import without
from tillstream.mirror.topics import read
from tillstream.mirror.values import moment


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://www.Google.com/search?q=shoes", "google.com"),
        ("android-app://com.google.android.gm/", "com.google.android.gm"),
        ("http://user:secret@shop.example:8080/x", "shop.example"),
        ("https://www.www.example", "example"),
        ("", None),
        (None, None),
        ("somewhere", None),
        ({}, None),
    ],
)
def test_the_host_of_a_referring_page(address: Any, host: str | None) -> None:
    assert host_of(address) == host


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("/products/tea?email=ada@example.com", "/products/tea"),
        ("/?gclid=1", "/"),
        ("https://shop.example/a/b#c", "/a/b"),
        ("https://shop.example", "/"),
        ("https://shop.example?x=1", "/"),
        ("", None),
        (None, None),
        ("/" + "x" * 400, "/" + "x" * 254),
    ],
)
def test_the_path_of_a_landing_page(address: Any, path: str | None) -> None:
    assert path_of(address) == path


_PIECES = st.lists(
    st.sampled_from(
        ["http", "://", "www.", "a", "/", "?", "#", "@", ":80", ".", "İ", " ", "x" * 90]
    ),
    max_size=10,
).map("".join)


@given(_PIECES | st.text(max_size=20))
@example("https://www.www.www./")
@example("https://x:80http://y/z")
def test_what_is_kept_of_an_address_reads_to_the_same(address: str) -> None:
    host, path = host_of(address), path_of(address)
    assert path_of(path) == path
    assert host is None or host_of(f"https://{host}") == host
    assert "?" not in (path or "")


@given(_PIECES, _PIECES, st.sampled_from(["DE", "de", "Germany", None]))
def test_what_remains_of_a_body_has_the_same_facets(
    referring: str, landing: str, country: str | None
) -> None:
    body = order(
        email="ada@example.com", referring_site=referring, landing_site=landing,
        shipping_address={"country_code": country, "city": "Berlin", "address1": "Torstraße 1"},
        total_price_set=bag("1.00"), fulfillments=[{"status": "success", "created_at": PLACED, "name": "Ada"}],
        returns=[{"id": 8, "name": "Ada's", "exchange_line_items": [{"id": 1, "line_item": {"id": 2, "name": "x"}}]}],
        shipping_lines=[{**shipping("5.00"), "id": 9, "is_removed": True, "phone": "1"}],
    )  # fmt: skip
    whole = msgspec.json.encode(body)
    delivery = Delivery(0, "", "s", "orders/create", "w", "", "", "", "", {}, whole)
    rest = without(delivery, ["c9"]).body
    assert rest != whole
    assert "Ada" not in rest.decode()
    assert "Torstra" not in rest.decode()
    (told, *_), (kept, *_) = read("orders/create", whole), read("orders/create", rest)
    assert kept.element.layers == told.element.layers


def test_a_place_needs_codes() -> None:
    assert merged(order(shipping_address={"country": "Germany"})).country is None
    assert merged(order(shipping_address={"country_code": "example string"})).country is None
    found = merged(order(shipping_address=[], billing_address={"country_code": "CH"}))
    assert (found.country, found.region) == ("CH", None)


def test_the_first_parcel_that_was_sent() -> None:
    parcels = [
        {"status": "cancelled", "created_at": PLACED},
        {"status": "success", "created_at": "2026-03-05T00:00:00Z"},
        {"status": "success", "created_at": REFUNDED},
    ]
    assert merged(order(fulfillments=parcels)).fulfilled_at == moment(REFUNDED, "")
    assert merged(order(fulfillments=[])).fulfilled_at is None


def test_what_is_left_of_shipping() -> None:
    lines = [
        {**shipping("5.00"), "id": 1, "is_removed": True},
        {**shipping("5.00"), "id": 2, "current_discounted_price_set": bag("2.00")},
        {**shipping("5.00"), "id": 3},
    ]
    assert [one.current_price for one in merged(order(shipping_lines=lines)).shipping] == [
        0,
        20_000,
        None,
    ]
    assert merged(order(shipping_lines=[shipping("5.00")])).shipping == [Shipping(price=50_000)]


def test_what_the_buyer_saw_is_kept_beside() -> None:
    found = merged(order(total_price="10.00", total_price_set=bag("10.00")))
    assert (found.total_price, found.total_price_presentment) == (100_000, 7_777_700)


def test_money_beyond_goods_and_the_return_it_belongs_to() -> None:
    adjustments = [
        {
            "kind": "refund_discrepancy",
            "amount_set": bag("-2.00"),
            "tax_amount_set": bag("-0.50"),
        },
        {"kind": "pending_refund_discrepancy", "amount": "1.00"},
        {"kind": "shipping_refund", "amount_set": bag("-5.00")},
    ]
    told = {**refund(order_adjustments=adjustments), "return": {"id": 8}}
    found = merged(order(), told).refunds[5]
    # 2.00 + 0.50 given back, 1.00 kept so far
    assert (found.adjustment, found.shipping, found.return_id) == (15_000, 50_000, 8)
    assert merged(order(), {**told, "return": None}).refunds[5].return_id is None


@pytest.mark.parametrize("number", range(8))
def test_of_two_bodies_of_one_second_the_one_with_a_parcel_is_later(number: int) -> None:
    # Digital goods are ordered, paid and sent in one second. Which digest is the greater is a matter of chance.
    before = order(name=f"#{number}", fulfillments=[], financial_status="paid")
    after = {**before, "fulfillments": [{"status": "success", "created_at": PLACED}]}
    for told in ((before, after), (after, before)):
        assert merged(*told).fulfilled_at == moment(PLACED, "")
