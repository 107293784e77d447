"""The parts of the journal that only decide or translate, by their properties."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.journal.worlds import delivery
from tillstream.journal.backoff import Backoff
from tillstream.journal.contract import (
    Claim,
    Delivery,
    Parked,
    first_id_at,
    partition_of,
    time_ordered_id,
)
from tillstream.journal.encoding import (
    Undecodable,
    decode_deliveries,
    delivery_key,
    encode_deliveries,
)
from tillstream.journal.fairness import fair_shares
from tillstream.journal.outcome import outcome_of

texts = st.text(st.characters(codec="utf-8"), max_size=30)
deliveries = st.builds(
    Delivery,
    received_at=st.integers(0, 2**53),
    app=texts,
    shop=texts,
    topic=texts,
    webhook_id=texts,
    event_id=texts,
    triggered_at=texts,
    api_version=texts,
    signature=texts,
    headers=st.dictionaries(texts, texts, max_size=3),
    body=st.binary(max_size=200),
)
moments = st.integers(0, 2**45)
KNOWN_PARTITIONS = [0, 8, 1, 9, 3, 11]


@given(st.lists(deliveries, max_size=5))
def test_what_was_encoded_decodes_to_itself(content: list[Delivery]) -> None:
    assert decode_deliveries(encode_deliveries(content)) == content


@given(st.binary(max_size=100))
def test_what_was_never_encoded_is_undecodable(noise: bytes) -> None:
    with pytest.raises(Undecodable):
        decode_deliveries(noise)


@given(st.lists(deliveries, min_size=1, max_size=3), st.data())
def test_damage_is_noticed(content: list[Delivery], data: st.DataObject) -> None:
    stored = bytearray(encode_deliveries(content))
    at = data.draw(st.integers(0, len(stored) - 1))
    stored[at] ^= data.draw(st.integers(1, 255))
    # A flipped bit in what the format ignores does no harm; anything else is noticed.
    with contextlib.suppress(Undecodable):
        assert decode_deliveries(bytes(stored)) == content


@given(deliveries, st.integers(0, 2**53))
def test_a_repeat_has_the_key_of_the_first(first: Delivery, later: int) -> None:
    repeat = Delivery(
        later,
        first.app,
        first.shop,
        first.topic,
        first.webhook_id,
        "x",
        "y",
        "z",
        "s",
        {},
        first.body,
    )
    assert delivery_key(repeat) == delivery_key(first)


@given(texts, st.integers(1, 256))
def test_partitions_are_stable_and_in_range(shop: str, partitions: int) -> None:
    assert 0 <= partition_of(shop, partitions) < partitions
    assert partition_of(shop, partitions) == partition_of(shop, partitions)


def test_partitions_of_known_shops_never_change() -> None:
    """Stored data depends on these."""
    shops = [f"shop-{n}.myshopify.com" for n in range(6)]
    assert [partition_of(shop, 16) for shop in shops] == KNOWN_PARTITIONS


def test_stores_spread_evenly() -> None:
    counts = [0] * 16
    for n in range(16_000):
        counts[partition_of(f"store-{n}.myshopify.com", 16)] += 1
    assert min(counts) > 800
    assert max(counts) < 1200


@given(moments, moments, st.binary(min_size=8, max_size=8), st.binary(min_size=8, max_size=8))
def test_ids_sort_by_time(one: int, other: int, first: bytes, second: bytes) -> None:
    early, late = sorted((one, other))
    if late - early >= 1:
        assert time_ordered_id(early, first) < time_ordered_id(late, second)
    assert time_ordered_id(one, first).version == 7


@given(st.integers(0, 2**40), st.binary(min_size=8, max_size=8))
def test_the_first_id_of_a_moment_parts_before_from_after(ms: int, randomness: bytes) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
    assert time_ordered_id(ms * 1000, randomness) >= first_id_at(moment)
    if ms:
        assert time_ordered_id(ms * 1000 - 1, randomness) < first_id_at(moment)


@given(st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_delays_stay_between_half_and_whole_of_the_doubling(attempt: int, luck: float) -> None:
    longest = min(60.0, 0.5 * 2 ** min(attempt, 100))
    delay = Backoff(base=0.5, cap=60, randomness=lambda: luck).delay(attempt)
    assert longest / 2 <= delay <= longest


@given(st.lists(st.lists(st.integers(1, 50), max_size=8), max_size=8), st.integers(1, 100))
def test_shares_are_prefixes_within_the_limit(queues: list[list[int]], most: int) -> None:
    shares = fair_shares(queues, most, lambda size: size)
    assert all(queue[: len(share)] == share for queue, share in zip(queues, shares, strict=True))
    taken = [size for share in shares for size in share]
    assert sum(taken) <= most or len(taken) == 1
    assert bool(taken) == any(queues)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=6), st.data())
def test_every_delivery_is_applied_or_held(sizes: list[int], data: st.DataObject) -> None:
    claims: list[Claim] = []
    parked: list[Parked] = []
    unrouted: list[Delivery] = []
    for number, size in enumerate(sizes):
        content = [delivery(f"{data.draw(st.integers(0, 3))}.myshopify.com") for _ in range(size)]
        held_id = number + 1 if size == 1 and data.draw(st.booleans()) else None
        weight = data.draw(st.integers(1, 5)) if held_id else max(size, 1)
        fault = "" if size else "damaged"
        stored = encode_deliveries(content) + bytes([number])
        claims.append(Claim(number, 0, content, None, held_id, weight, stored, fault))
        for each in content:
            fate = data.draw(st.sampled_from(["applied", "parked", "unrouted"]))
            if fate == "parked":
                parked.append(Parked(each, "x", "X."))
            elif fate == "unrouted":
                unrouted.append(each)
    outcome = outcome_of(claims, parked, unrouted, 16)
    held = sum(entry.deliveries for entry in outcome.held)
    assert sum(outcome.applied.values()) + held == sum(claim.size for claim in claims)
    assert outcome.released == [c.held_id for c in claims if c.held_id is not None]
    assert len({entry.key for entry in outcome.held}) == len(outcome.held)
