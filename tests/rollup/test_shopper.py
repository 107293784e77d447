"""Twins, and recoveries that are inferred: what the checkouts of one shopper say of each other.

Pure code, called directly; nothing is doubled. Times are minutes, the window is ten of them and an
order is believed to make good what was abandoned within a hundred. A life is drawn as the minutes
of its activity, and its completion.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tillstream.mirror.checkouts import Checkout
from tillstream.rollup.life import Life, life
from tillstream.rollup.shopper import Placement, infer, twins

WINDOW, WITHIN, NOW = 10, 100, 500


def drawn(*active: int, completed: int | None = None, deleted: bool = False) -> Life:
    """The life, at minute 500, of a checkout whose shopper is known."""
    activity = tuple((at, True) for at in sorted(active))
    told = Checkout(
        "t", deleted=deleted, updated_at=None, activity=activity, completed_at=completed
    )
    return life(told, None, WINDOW, NOW)


def test_of_two_at_the_same_time_the_completed_one_stands_for_both() -> None:
    assert twins({"phone": drawn(0, 5), "laptop": drawn(2, completed=4)}, WINDOW) == {
        "phone": "laptop"
    }


def test_of_two_that_were_both_left_the_last_active_one_counts() -> None:
    assert twins({"phone": drawn(0, 5), "laptop": drawn(2, 7)}, WINDOW) == {"phone": "laptop"}
    assert twins({"phone": drawn(0, 5), "laptop": drawn(2, 5)}, WINDOW) == {"phone": "laptop"}


def test_two_purchases_are_two() -> None:
    assert twins({"a": drawn(0, completed=3), "b": drawn(2, completed=4)}, WINDOW) == {}


def test_one_after_the_other_are_no_twins() -> None:
    assert twins({"a": drawn(0, 5), "b": drawn(16)}, WINDOW) == {}
    assert twins({"a": drawn(0, 5), "b": drawn(15)}, WINDOW) == {"a": "b"}
    # Coming back to one that was abandoned makes it nobody's twin: the abandonment is history.
    assert twins({"a": drawn(0, 40), "b": drawn(41, completed=45)}, WINDOW) == {}


def test_it_holds_between_two_and_not_along_a_chain() -> None:
    chain = {"a": drawn(0, completed=1), "b": drawn(9), "c": drawn(19)}
    assert twins(chain, WINDOW) == {"b": "a"}


def test_what_is_not_counted_is_nobodys_twin() -> None:
    assert twins({"a": drawn(0), "b": drawn(1, deleted=True)}, WINDOW) == {}


def test_an_order_infers_the_checkout_that_was_abandoned_last_before_it() -> None:
    lives = {"old": drawn(0), "new": drawn(50)}  # abandoned at 10 and at 60
    first, second = Placement(100, 1), Placement(105, 2)
    assert infer(lives, [first], WITHIN) == {"new": first}
    # Each order speaks for one checkout; that another speaks for it already changes nothing.
    assert infer(lives, [second, first], WITHIN) == {"new": first}
    assert infer(lives, [Placement(55, 3), first], WITHIN) == {"old": Placement(55, 3), "new": first}  # fmt: skip


def test_it_is_inferred_within_the_window_and_after_the_abandonment() -> None:
    lives = {"a": drawn(0)}
    assert infer(lives, [Placement(10, 1)], WITHIN) == {}
    assert infer(lives, [Placement(11, 1)], WITHIN) == {"a": Placement(11, 1)}
    assert infer(lives, [Placement(110, 1)], WITHIN) == {"a": Placement(110, 1)}
    assert infer(lives, [Placement(111, 1)], WITHIN) == {}
    # Each time it was abandoned counts.
    assert infer({"a": drawn(0, 200)}, [Placement(111, 1), Placement(215, 2)], WITHIN) == {
        "a": Placement(215, 2)
    }


def test_nothing_is_inferred_of_one_that_was_completed_itself_or_is_open() -> None:
    lives = {
        "recovered": drawn(0, completed=50),
        "open": drawn(495),
        "gone": drawn(0, deleted=True),
    }
    assert infer(lives, [Placement(60, 1), Placement(499, 2)], WITHIN) == {}


def _life(active: list[int], completed: int | None, *, deleted: bool) -> Life:
    return drawn(*active, completed=completed, deleted=deleted)


_lives = st.dictionaries(
    st.sampled_from("abcd"),
    st.builds(
        _life,
        st.lists(st.integers(0, 60), min_size=1, max_size=3),
        st.one_of(st.none(), st.integers(0, 80)),
        deleted=st.integers(0, 9).map(lambda n: n == 0),
    ), max_size=4,
)  # fmt: skip
_placements = st.lists(
    st.builds(Placement, st.integers(0, 220), st.integers(1, 9)),
    max_size=5, unique_by=lambda one: one.order_id,
)  # fmt: skip


def run_of(one: Life) -> range:
    assert one.active_from is not None
    assert one.active_until is not None
    return range(one.active_from, one.active_until + 1)


@given(_lives)
def test_twins_against_a_plain_reading(lives: dict[str, Life]) -> None:
    """Two by two: near each other in any minute, and which of them stands for the other."""
    expected: dict[str, set[str]] = {}
    counted = {token: one for token, one in lives.items() if one.counted}
    for token, one in counted.items():
        for other, another in counted.items():
            near = any(abs(a - b) <= WINDOW for a in run_of(one) for b in run_of(another))
            if other == token or not near or one.completed_at is not None:
                continue
            if another.completed_at is not None or (another.last_active_at, token) > (
                one.last_active_at,
                other,
            ):
                expected.setdefault(token, set()).add(other)
    found = twins(lives, WINDOW)
    assert found.keys() == expected.keys()
    for token, other in found.items():
        assert other in expected[token]


@given(_lives)
def test_whoever_has_twins_is_counted_once_at_least(lives: dict[str, Life]) -> None:
    found = twins(lives, WINDOW)
    counted = {token for token, one in lives.items() if one.counted}
    assert not counted or counted - found.keys()
    assert all(lives[token].completed_at is None for token in found)


@given(_lives, _placements, st.randoms(use_true_random=False))
def test_the_order_in_which_they_come_does_not_matter(
    lives: dict[str, Life], placements: list[Placement], random: Any
) -> None:
    tokens = list(lives)
    random.shuffle(tokens)
    shuffled = {token: lives[token] for token in tokens}
    assert twins(shuffled, WINDOW) == twins(lives, WINDOW)
    found = infer(lives, placements, WITHIN)
    random.shuffle(placements)
    assert infer(shuffled, placements, WITHIN) == found
    assert len(set(found.values())) == len(found)
    for token, placement in found.items():
        assert lives[token].stage == "abandoned"
        assert lives[token].counted
        assert any(0 < placement.at - at <= WITHIN for at in lives[token].abandonments)


@given(_lives, _placements)
def test_inference_against_a_plain_reading(
    lives: dict[str, Life], placements: list[Placement]
) -> None:
    expected: dict[str, Placement] = {}
    for placement in sorted(placements):
        before = [
            (at, token)
            for token, one in lives.items()
            if one.counted and one.stage == "abandoned"
            for at in one.abandonments
            if at < placement.at
        ]
        last = max((at for at, _ in before), default=None)
        if last is not None and placement.at <= last + WITHIN:
            expected.setdefault(min(token for at, token in before if at == last), placement)
    assert infer(lives, placements, WITHIN) == expected
