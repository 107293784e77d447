"""Searching, paging, and what it costs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from graphql import GraphQLError
from hypothesis import given
from hypothesis import strategies as st

from tests.simulator.admin_world import NOW
from tillstream.simulator.admin.bucket import Bucket
from tillstream.simulator.admin.connections import Listing, Page, connect, connect_all
from tillstream.simulator.admin.search import SearchInvalid, parse_search

FIELDS = {
    "id": 7,
    "name": "#1001",
    "status": "open",
    "email": "ada@example.com",
    "note": None,
    "test": False,
    "total": Decimal("12.50"),
    "updated_at": datetime(2026, 11, 20, 9, 30, tzinfo=UTC),
}
KNOWN = frozenset(FIELDS)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "*",
        "id:7",
        "id:gid://shopify/Order/7",
        "status:open",
        "status:OPEN",
        "status:o*",
        "status:closed OR status:open",
        "NOT status:closed",
        "-status:closed",
        "(status:closed OR id:7) AND test:false",
        "status:closed OR (id:7 test:false)",
        "updated_at:>=2026-11-20",
        "updated_at:>='2026-11-20T09:30:00Z'",
        'updated_at:<"2026-11-20T04:30:01-05:00"',
        "updated_at:2026-11-20",
        "updated_at:>2026-11-19 updated_at:<2026-11-21",
        "total:>12 total:<=12.50",
        "email:*",
        'email:"ada@example.com"',
        "example.com",
        "flavour:vanilla",
        "NOT flavour:vanilla",
    ],
)
def test_found(query: str) -> None:
    assert parse_search(query, KNOWN)(FIELDS)


@pytest.mark.parametrize(
    "query",
    [
        "id:8",
        "status:closed",
        "status:open id:8",
        "NOT status:open",
        "-id:7",
        "status:closed OR id:8",
        "(status:closed OR id:7) test:true",
        "updated_at:>2026-11-20T09:30:00Z",
        "updated_at:2026-11-21",
        "updated_at:someday",
        "note:*",
        "note:anything",
        "total:>12.50",
        "somebody",
        # A canary: what nothing can be.
        "id:-1",
    ],
)
def test_not_found(query: str) -> None:
    assert not parse_search(query, KNOWN)(FIELDS)


@pytest.mark.parametrize("query", ["(id:7", "id:7)", "((id:7)", "()) id:7"])
def test_brackets_have_to_match(query: str) -> None:
    with pytest.raises(SearchInvalid):
        parse_search(query, KNOWN)


@given(st.text("()\"'\\:<>=*- ORANDTidstu7", max_size=40))
def test_any_text_is_a_search_or_none(query: str) -> None:
    try:
        found = parse_search(query, KNOWN)(FIELDS)
    except SearchInvalid:
        return
    assert found in (True, False)


# -- pages ---------------------------------------------------------------------------------------


def listing(values: list[int]) -> Listing[tuple[int, int]]:
    """Things by an instant, several of which may be the same."""
    return Listing(
        list(enumerate(values)),
        lambda pair: (NOW + timedelta(seconds=pair[1]), pair[0]),
        lambda pair: {"id": pair[0]},
    )


def _ids(connection: dict[str, Any]) -> list[int]:
    assert connection["nodes"] == [edge["node"] for edge in connection["edges"]]
    return [node["id"] for node in connection["nodes"]]


VALUES = st.lists(st.integers(0, 5), max_size=23)


@given(VALUES, st.integers(1, 7), st.booleans())
def test_pages_forward_make_the_whole(values: list[int], size: int, reverse: bool) -> None:
    whole = _ids(connect_all(listing(values)))
    if reverse:
        whole.reverse()
    seen: list[int] = []
    after: str | None = None
    while True:
        page = connect(listing(values), Page(first=size, after=after, reverse=reverse))
        seen += _ids(page)
        assert page["pageInfo"]["hasPreviousPage"] == (after is not None)
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert seen == whole


@given(VALUES, st.integers(1, 7))
def test_pages_backward_make_the_whole(values: list[int], size: int) -> None:
    seen: list[int] = []
    before: str | None = None
    while True:
        page = connect(listing(values), Page(last=size, before=before))
        seen = _ids(page) + seen
        if not page["pageInfo"]["hasPreviousPage"]:
            break
        before = page["pageInfo"]["startCursor"]
    assert seen == _ids(connect_all(listing(values)))


def test_a_cursor_names_what_was_seen_while_the_list_grows() -> None:
    first = connect(listing([1, 2, 3, 4]), Page(first=2))
    assert _ids(first) == [0, 1]
    # Another comes before what was seen, and what was seen goes away.
    grown = Listing(
        [(0, 1), (2, 3), (3, 4), (9, 0)],
        lambda pair: (NOW + timedelta(seconds=pair[1]), pair[0]),
        lambda pair: {"id": pair[0]},
    )
    after = first["pageInfo"]["endCursor"]
    assert _ids(connect(grown, Page(first=5, after=after))) == [2, 3]


@pytest.mark.parametrize("cursor", ["", "nonsense", "e30=", "eyJsYXN0X2lkIjoxfQ=="])
def test_a_cursor_that_is_none_is_refused(cursor: str) -> None:
    with pytest.raises(GraphQLError):
        connect(listing([1]), Page(first=1, after=cursor))


@pytest.mark.parametrize(
    "arguments", [{}, {"first": 1, "last": 1}, {"first": 251}, {"first": -1}, {"last": 300}]
)
def test_a_page_has_a_size(arguments: dict[str, int]) -> None:
    with pytest.raises(GraphQLError):
        Page.of(arguments)


# -- points --------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 30_000), st.integers(0, 1_500)), max_size=40))
def test_a_bucket_never_gives_more_than_flows_in(takes: list[tuple[int, int]]) -> None:
    bucket, now, taken = Bucket.for_plan("standard", NOW), NOW, 0
    for milliseconds, points in takes:
        now += timedelta(milliseconds=milliseconds)
        if bucket.take(points, now):
            taken += points
        status = bucket.status(now)
        assert 0 <= status["currentlyAvailable"] <= status["maximumAvailable"] == 2_000
        assert taken <= 2_000 + 100 * (now - NOW).total_seconds() + 1e-6


def test_what_was_not_used_is_given_back() -> None:
    bucket = Bucket.for_plan("standard", NOW)
    assert bucket.take(2_000, NOW)
    assert not bucket.take(1, NOW)
    bucket.give_back(1_500, NOW)
    assert bucket.take(1_500, NOW)
    assert not bucket.take(101, NOW + timedelta(seconds=1))
    assert bucket.take(100, NOW + timedelta(seconds=1))
