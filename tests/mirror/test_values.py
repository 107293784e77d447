"""Reading single values and whole bodies: a value, or a sentence that names the field.

Bodies are arbitrary JSON, near misses of real ones, and the nastiest things known. Nothing is
doubled. Asserted: nothing but ``Malformed`` ever escapes, and whatever is read can be encoded,
viewed and written down.
"""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.mirror.bodies import STORIES
from tillstream.mirror import orders, values
from tillstream.mirror.join import decode, encode
from tillstream.mirror.merge import MIRRORED
from tillstream.mirror.topics import READERS, read
from tillstream.mirror.topics import decode as decode_body
from tillstream.mirror.values import Malformed
from tillstream.rollup.entries import order_entries

if TYPE_CHECKING:
    from collections.abc import Callable

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NASTY: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**63 - 1, 2**63, 2**64, 10**300, -(2**63), 0.0, -0.0, 1.5, 1e308, 5e-324,
    float("inf"), float("-inf"), float("nan"), "", " ", "0", "-1", "--1", "1", "1.5", "1e5", "1e9999999999999999999",
    "NaN", "Infinity", "sNaN123", "\x00", "1\x00", "\ud800", "\u0663", "\xb2", "\uff19", "x" * 5000, "9" * 5000,
    "-" * 9,
    "gid://shopify/Order/1", "gid://shopify/Order/", "gid://shopify/Order/1?x=1", "gid://shopify/Order/" + "9" * 40,
    "gid://shopify/Order/1\n", "2026-03-01", "2026-03-01T10:00:00", "2026-03-01T10:00:00Z", "2026-03-01T25:00:00Z",
    "2026-02-30T00:00:00Z", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
    "2026-03-01T10:00:00+99:00", "2026-03-01 10:00:00 -0500", "2026-03-01 10:00:00 UTC", "now", "1709287200",
    [], [[]], [None], [1], ["a"], [{}], {}, {"a": {}}, {"shop_money": None}, {"shop_money": {"amount": []}},
    {"shop_money": {"amount": {}}}, {"shop_money": {"amount": True}}, {"shop_money": {"amount": "x"}},
]  # fmt: skip
NAMED: list[Callable[[Any, str], object]] = [
    values.identifier, values.optional_identifier, values.money, values.moment, values.count, values.rate,
    values.objects, lambda value, field: values.set_money(value, None, field),
    lambda value, field: values.set_money(None, value, field),
]  # fmt: skip
UNNAMED: list[Callable[[Any], object]] = [values.text, values.token, values.flag, values.mapping]
ANYTHING = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=20),
        st.sampled_from(NASTY),
    ),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


def shown(value: object) -> str:
    """A short name for a case, different for each."""
    text = ascii(value)
    return text if len(text) < 60 else f"{text[:30]}({len(text)})"


def refusal_of(attempt: Callable[[], object]) -> Malformed | None:
    """Why it cannot be read, or None where it can; whatever else is raised is a fault."""
    try:
        attempt()
    except Malformed as error:
        return error
    return None


def assert_value_or_sentence(reader: Callable[[Any, str], object], value: Any) -> None:
    error = refusal_of(lambda: reader(value, "the_field"))
    if error is not None:
        assert "`the_field" in error.detail
        assert error.detail.endswith(".")
        assert len(error.detail) < 250
        assert error.reason.replace("_", "").isalpha()


@pytest.mark.parametrize("reader", [pytest.param(r, id=str(n)) for n, r in enumerate(NAMED)])
def test_every_nasty_value_is_read_or_named(reader: Callable[[Any, str], object]) -> None:
    for value in NASTY:
        assert_value_or_sentence(reader, value)


@given(ANYTHING, st.sampled_from(NAMED))
@settings(max_examples=300)
def test_any_value_is_read_or_named(value: Any, reader: Callable[[Any, str], object]) -> None:
    assert_value_or_sentence(reader, value)


@given(ANYTHING, st.sampled_from(UNNAMED))
def test_any_value_is_a_word_or_none(value: Any, reader: Callable[[Any], object]) -> None:
    error = refusal_of(lambda: reader(value))
    if error is not None:
        assert reader is values.token
        assert "characters" in error.detail
    else:
        found = reader(value)
        assert not (isinstance(found, str) and ("\x00" in found or not found))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, 1), ("1", 1), ("00012", 12), ("gid://shopify/Order/12", 12), ("gid://shopify/Order/12?key=a", 12),
        (2**63 - 1, 2**63 - 1), (str(2**63 - 1), 2**63 - 1), (None, None), ("", None), (1.0, 1),
        (float(2**53 - 1), 2**53 - 1),
    ],
    ids=shown,
)  # fmt: skip
def test_ids(value: Any, expected: int | None) -> None:
    assert values.optional_identifier(value, "id") == expected


@pytest.mark.parametrize(
    "value",
    [
        0, -1, True, False, 2**63, str(2**63), "9" * 40, 1.5, float(2**53), -1.0, "1.0", "-1", " 1", "\u0661", "\xb2",
        [], {}, "gid://shopify/Order/",
    ],
    ids=shown,
)  # fmt: skip
def test_what_is_no_id(value: Any) -> None:
    with pytest.raises(Malformed, match="`id`"):
        values.optional_identifier(value, "id")


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-03-01T10:00:00-05:00", "2026-03-01T15:00:00+00:00"),
        ("2026-03-01T10:00:00Z", "2026-03-01T10:00:00+00:00"),
        ("2026-03-01T10:00:00", "2026-03-01T10:00:00+00:00"),
        ("2026-03-01", "2026-03-01T00:00:00+00:00"),
        ("2026-03-01T10:00:00.123456+05:45", "2026-03-01T04:15:00.123456+00:00"),
        ("2026-03-01 10:00:00 -0500", "2026-03-01T15:00:00+00:00"),
        ("2026-03-01 10:00:00 UTC", "2026-03-01T10:00:00+00:00"),
        ("2026/03/01 10:00:00 +0100", "2026-03-01T09:00:00+00:00"),
        (" 2026-03-01T10:00:00Z\n", "2026-03-01T10:00:00+00:00"),
        ("1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999+00:00"),
    ],
)
def test_times(text: str, utc: str) -> None:
    assert values.moment(text, "at") == (datetime.fromisoformat(utc) - EPOCH) // timedelta(
        microseconds=1
    )


@given(
    st.datetimes(datetime(1900, 1, 2), datetime(2199, 12, 30)),  # noqa: DTZ001 - the offset is drawn beside it
    st.integers(-14 * 60, 14 * 60),
)
def test_a_time_is_exact_and_comes_back(wall: datetime, minutes: int) -> None:
    offset = timedelta(minutes=minutes)
    text = (
        wall.isoformat()
        + ("-" if minutes < 0 else "+")
        + f"{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    )
    at = values.moment(text, "at")
    assert values.instant(at) == wall.replace(tzinfo=UTC) - offset


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1899-12-31T23:59:59Z",
        "2200-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "2026-13-01T00:00:00Z", "10:00", "March 1st", "\x00", "\ud800",
    ],
    ids=shown,
)  # fmt: skip
def test_what_is_no_time_of_a_shop(text: str) -> None:
    with pytest.raises(Malformed, match="`at`"):
        values.moment(text, "at")


@given(st.decimals(0, 99, allow_nan=False, places=8))
def test_rates_are_exact(rate: Decimal) -> None:
    assert Decimal(values.rate(str(rate), "rate")).scaleb(-8) == rate


@pytest.mark.parametrize(
    "rate", [-1, "-1.0", -0.5, 100, "1e2", "NaN", "inf", "sNaN", "ten", True, [], {}], ids=shown
)
def test_what_is_no_rate(rate: Any) -> None:
    with pytest.raises(Malformed, match="`rate`"):
        values.rate(rate, "rate")


def test_a_token_fits_into_an_index() -> None:
    assert values.token("a" * 255 + "?key=" + "b" * 9000) == "a" * 255
    with pytest.raises(Malformed):
        values.token("a" * 256)


# Whole bodies.


def places_in(value: Any) -> list[Any]:
    """The names in an object or the positions in an array; none in anything else."""
    if isinstance(value, (dict, list)):
        return (
            [*cast("dict[str, Any]", value)]
            if isinstance(value, dict)
            else [*range(len(cast("list[Any]", value)))]
        )
    return []


def assert_readable(topic: str, body: bytes) -> None:
    """Only ``Malformed`` escapes; what is read can be kept, viewed, projected and booked."""
    error = refusal_of(lambda: read(topic, body))
    if error is not None:
        assert error.reason
        assert error.detail.endswith(".")
        return
    changes = read(topic, body)
    for _, _, element in changes:
        assert decode(encode(element)) == element
        encode(element).encode()
    for resource, key, element in changes:
        mirrored = MIRRORED[resource]
        assert isinstance(key, str if resource in {"checkout", "cart", "inventory_level"} else int)
        assert list(mirrored.key_columns(key)) == list(mirrored.key)
        view = mirrored.view(key, element)
        _ = mirrored.row(view), [child.rows(view) for child in mirrored.children]
        if resource == "order":
            order_entries(view)


FIELD_NAMES = sorted(
    {
        "id", "order_id", "token", "order_edit", "line_items", "additions", "removals", "delta", "refunds", "customer",
        "tax_lines", "rate", "price", "price_set", "shop_money", "amount", "shipping_lines", "discount_codes", "code",
        "discount_allocations", "refund_line_items", "line_item_id", "subtotal", "total_tax", "order_adjustments",
        "kind", "variants", "updated_at", "created_at", "processed_at", "quantity", "iana_timezone", "email", "note",
        "total_duties_set", "refund_shipping_lines", "original_total_duties_set", "cart_token", "committed_at",
        "transactions", "status", "shipment_status", "order", "admin_graphql_api_id", "line_price", "line_price_set",
        "currency_code", "total_price", "completed_at", "finalized_on", "evidence_sent_on", "initiated_at",
    }
)  # fmt: skip
_json = st.recursive(
    st.sampled_from([value for value in NASTY if not (isinstance(value, str) and "\ud800" in value)])
    | st.integers(1, 3) | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELD_NAMES), inner, max_size=6),
    max_leaves=25,
)  # fmt: skip
BODIES = st.dictionaries(st.sampled_from(FIELD_NAMES), _json, max_size=12).flatmap(
    lambda body: st.sampled_from(
        [
            body,
            {"id": 1, "order_id": 1, "token": "t", **body},
            {"order_edit": {"id": 1, "order_id": 1, **body}},
        ]
    )
)


@given(BODIES, st.sampled_from(sorted(READERS)))
@settings(max_examples=150)
def test_no_body_of_known_words_breaks_reading(body: dict[str, Any], topic: str) -> None:
    assert_readable(topic, json.dumps(body, ensure_ascii=False).encode())


@given(st.data(), st.sampled_from(sorted(STORIES)))
@settings(max_examples=300)
def test_no_real_body_with_one_nasty_value_breaks_reading(
    data: st.DataObject, resource: str
) -> None:
    topic, drawn = data.draw(STORIES[resource])
    body = deepcopy(drawn)
    spot: Any = body
    name = data.draw(st.sampled_from(places_in(body) or ["id"]))
    while name in places_in(spot) and places_in(spot[name]):
        if data.draw(st.booleans()):
            break
        spot = spot[name]
        name = data.draw(st.sampled_from(places_in(spot)))
    spot[name] = data.draw(st.sampled_from(NASTY))
    try:
        text = json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        text = json.dumps(body).encode()
    assert_readable(topic, text)


@given(st.binary(max_size=60), st.sampled_from(sorted(READERS)))
def test_no_bytes_break_reading(body: bytes, topic: str) -> None:
    assert_readable(topic, body)


@pytest.mark.parametrize("topic", sorted(READERS))
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not_json"),
        (b"   ", "not_json"),
        (b"{", "not_json"),
        (b"not json", "not_json"),
        (b"{'id': 1}", "not_json"),
        (b'{"id": 1}trailing', "not_json"),
        (b'{"name": "\xff\xfe"}', "not_json"),
        (b'{"name": "\\ud800"}', "not_json"),
        (b'{"a": NaN}', "not_json"),
        (b'{"a": 1e999}', "not_json"),
        (b"9" * 5000, "not_json"),
        (b"\xef\xbb\xbf{}", "not_json"),
        (b"[]", "not_an_object"),
        (b"null", "not_an_object"),
        (b"1", "not_an_object"),
        (b'"jane@example.com"', "not_an_object"),
        (b"[" * 10_000 + b"]" * 10_000, "nested_too_deep"),
        (b'{"line_items":' * 10_000 + b"1" + b"}" * 10_000, "nested_too_deep"),
        (b"[" * 200_000, "nested_too_deep"),
    ],
    ids=shown,
)  # fmt: skip
def test_what_is_no_body_is_said_so(topic: str, body: bytes, reason: str) -> None:
    with pytest.raises(Malformed) as caught:
        read(topic, body)
    assert caught.value.reason == reason
    assert "jane" not in caught.value.detail


def test_of_two_equal_names_the_last_counts() -> None:
    assert decode_body(b'{"id": 1, "id": 2}') == {"id": 2}


@pytest.mark.parametrize("topic", sorted(set(READERS) - {"shop/update", "checkouts/delete"}))
def test_a_body_that_names_nothing_is_refused(topic: str) -> None:
    with pytest.raises(Malformed, match="is missing"):
        read(topic, b"{}")


def test_topics_that_are_not_mirrored_are_not_even_parsed() -> None:
    assert read("gift_cards/update", b"not json") == []
    assert read("Orders/Create", b"not json") == []


def test_amounts_may_add_up_to_more_than_a_column_holds() -> None:
    """Reading is exact, whatever comes; it is the database that refuses such an order."""
    share = {"amount": "1000000000000"}
    body = {"id": 1, "line_items": [{"id": 1, "discount_allocations": [share] * 2000}]}
    (change,) = read("orders/create", msgspec.json.encode(body))
    assert orders.view(1, decode(encode(change.element))).lines[0].discount == 2000 * 10**16


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("line_items", {"a": 1}), ("line_items", "none"), ("line_items", [1]), ("line_items", [{"id": "x"}]),
        ("line_items", [{"quantity": 1.5}]), ("line_items", [{"price": "free"}]), ("updated_at", 1_700_000_000),
        ("processed_at", "yesterday"), ("total_price", "ten"), ("refunds", [{"created_at": "2026-01-01"}]),
        ("line_items", [{"tax_lines": [{"rate": -1}]}]), ("shipping_lines", [{"tax_lines": 5}]),
        ("customer", {"id": "x"}),
        ("discount_codes", ["TEN"]),
    ],
    ids=shown,
)  # fmt: skip
def test_the_sentence_leads_to_the_field(field: str, value: Any) -> None:
    with pytest.raises(Malformed) as caught:
        read("orders/updated", msgspec.json.encode({"id": 1, field: value}))
    assert field in caught.value.detail


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("line_items", {}), ("line_items", None), ("line_items", ""), ("customer", []), ("customer", {}),
        ("customer", None), ("refunds", {}), ("total_price", None), ("total_price", ""), ("updated_at", ""),
    ],
    ids=shown,
)  # fmt: skip
def test_the_shapes_that_senders_use_for_nothing_are_nothing(field: str, value: Any) -> None:
    changes = read("orders/updated", msgspec.json.encode({"id": 1, field: value}))
    assert [change.resource for change in changes] == ["order"]
