"""The life of a checkout: a table of drawn cases, then laws.

Pure code, called directly; nothing is doubled. Times are minutes after some instant, the window
is ten of them. In the drawings ``a`` is an activity, ``A`` one with contact details known, ``C``
the completion and ``|`` now; one character is one minute.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillstream.mirror.checkouts import Checkout
from tillstream.rollup.checkout_entries import checkout_entries
from tillstream.rollup.life import Life, life

MINUTE = 60_000_000
WINDOW = 10 * MINUTE
START = 1_772_000_000_000_000
STAGES = ("open", "converted", "abandoned", "recovered")


def checkout(
    activity: dict[int, bool],
    *,
    completed: int | None = None,
    deleted: bool = False,
    created: int | None = 0,
) -> Checkout:
    return Checkout(
        token="t",
        deleted=deleted,
        updated_at=None,
        activity=tuple(sorted((START + at * MINUTE, contact) for at, contact in activity.items())),
        created_at=None if created is None else START + created * MINUTE,
        completed_at=None if completed is None else START + completed * MINUTE,
        total_price=500_000,
    )


def at(drawing: str) -> Life:
    """The life of a drawing, in minutes."""
    known = {minute: mark == "A" for minute, mark in enumerate(drawing) if mark in "aA"}
    completed = drawing.find("C")
    now = drawing.find("|") if "|" in drawing else len(drawing)
    drawn = checkout(known, completed=None if completed < 0 else completed)
    return in_minutes(life(drawn, None, WINDOW, START + now * MINUTE))


def in_minutes(found: Life) -> Life:
    minutes = [
        None if value is None else (value - START) // MINUTE
        for value in (found.abandoned_at, found.completed_at, found.deadline)
    ]
    started, last = (
        (value - START) // MINUTE for value in (found.started_at, found.last_active_at)
    )
    return Life(found.stage, found.counted, started, last, *minutes)


@pytest.mark.parametrize(
    ("drawing", "stage", "abandoned_at", "deadline"),
    [
        ("A", "open", None, 10),
        ("A         |", "open", None, 10),  # exactly the window: not longer than it
        ("A          |", "abandoned", 10, None),
        ("A         A|", "open", None, 20),  # active again at the last moment
        ("A          A|", "abandoned", 10, None),  # back, but a minute late
        ("A          A                |", "abandoned", 10, None),  # and only the first time counts
        ("A    A     |", "open", None, 15),
        ("A    A          |", "abandoned", 15, None),
        ("A   C", "converted", None, None),
        ("A         C", "converted", None, None),  # at the end of the window: inside it
        ("A          C", "recovered", 10, None),
        ("A          A   C", "recovered", 10, None),
        ("A    A    A    A    C", "converted", None, None),
        ("A   C                    a    |", "converted", None, None),  # what comes after is nothing
        ("a", "open", None, None),  # nobody knows whose it is
        ("a                        |", "open", None, None),
        ("a              A  |", "open", None, 25),  # known only now: idle before does not count
        ("a              A          |", "abandoned", 25, None),
        ("A              a  |", "abandoned", 10, None),
        ("A  a          |", "abandoned", 13, None),  # contact stays known
        ("a   C                    A    |", "converted", None, None),
        ("C", "converted", None, None),
    ],
)  # fmt: skip
def test_drawn_lives(
    drawing: str, stage: str, abandoned_at: int | None, deadline: int | None
) -> None:
    found = at(drawing)
    assert (found.stage, found.abandoned_at, found.deadline) == (stage, abandoned_at, deadline)
    assert found.counted == ("A" in drawing)
    assert found.recovered_at == (drawing.find("C") if stage == "recovered" else None)


def test_the_earlier_of_completion_and_order_counts() -> None:
    drawn = checkout({0: True}, completed=12)
    assert life(drawn, None, WINDOW, START + 20 * MINUTE).stage == "recovered"
    assert life(drawn, START + 5 * MINUTE, WINDOW, START + 20 * MINUTE).stage == "converted"
    assert (
        life(checkout({0: True}), START + 11 * MINUTE, WINDOW, START + 20 * MINUTE).stage
        == "recovered"
    )


@pytest.mark.parametrize("change", [{"test": True}, {"deleted": True}])
def test_a_deleted_one_and_that_of_a_test_order_are_counted_nowhere(
    change: dict[str, bool],
) -> None:
    drawn = checkout({0: True}, deleted=change.get("deleted", False))
    found = life(drawn, None, WINDOW, START + 60 * MINUTE, test=change.get("test", False))
    assert not found.counted
    assert found.deadline is None
    assert checkout_entries(found, 1, 1, 9) == []


def test_it_starts_when_it_was_created_or_else_was_first_active() -> None:
    now = START + 60 * MINUTE
    assert life(checkout({3: True}, created=1), None, WINDOW, now).started_at == START + MINUTE
    assert (
        life(checkout({3: True}, created=None), None, WINDOW, now).started_at == START + 3 * MINUTE
    )


def test_the_window_is_exact_to_the_microsecond() -> None:
    drawn = checkout({0: True})
    assert life(drawn, None, WINDOW, START + WINDOW).stage == "open"
    assert life(drawn, None, WINDOW, START + WINDOW + 1).stage == "abandoned"
    assert life(drawn, START + WINDOW, WINDOW, START + WINDOW).stage == "converted"
    assert life(drawn, START + WINDOW + 1, WINDOW, START + WINDOW + 1).stage == "recovered"


def test_what_a_checkout_puts_into_the_ledger() -> None:
    def amounts(drawing: str) -> list[tuple[str, int, dict[str, int]]]:
        entries = checkout_entries(at(drawing), 500, 700, 9)
        return [(entry.entry, entry.at, entry.amounts) for entry in entries]

    assert amounts("A|") == [("checkout", 0, {"checkouts": 1})]
    assert amounts("A  C|") == [("checkout", 0, {"checkouts": 1, "converted_checkouts": 1})]
    assert amounts("A          |") == [
        ("checkout", 0, {"checkouts": 1}),
        ("abandonment", 10, {"abandoned_checkouts": 1, "abandoned_value": 500}),
    ]
    assert amounts("A               C|") == [
        ("checkout", 0, {"checkouts": 1}),
        (
            "abandonment",
            10,
            {"abandoned_checkouts": 1, "recovered_checkouts": 1, "recovered_sales": 700},
        ),
    ]
    assert amounts("a              |") == []


_activity = st.dictionaries(st.integers(0, 60), st.booleans(), max_size=6)
_completed = st.one_of(st.none(), st.integers(0, 80))
_windows = st.integers(1, 30).map(lambda minutes: minutes * MINUTE)


@given(_activity, _completed, _windows, st.integers(60, 200), st.integers(0, 100))
def test_time_alone_only_abandons(
    activity: dict[int, bool], completed: int | None, window: int, now: int, later: int
) -> None:
    """As now passes, an open one may become abandoned; nothing else moves, and nothing goes back."""
    drawn = checkout(activity, completed=completed)
    first = life(drawn, None, window, START + now * MINUTE)
    second = life(drawn, None, window, START + (now + later) * MINUTE)
    if first.stage == second.stage:
        assert first == second
    else:
        assert (first.stage, second.stage) == ("open", "abandoned")
        assert first.deadline in (second.abandoned_at, None)
    if first.abandoned_at is not None:
        assert second.abandoned_at == first.abandoned_at


@given(_activity, _completed, _windows, st.integers(60, 200))
def test_its_parts_agree(
    activity: dict[int, bool], completed: int | None, window: int, now: int
) -> None:
    drawn = checkout(activity, completed=completed)
    found = life(drawn, None, window, START + now * MINUTE)
    assert found.stage in STAGES
    assert (found.stage in ("abandoned", "recovered")) == (found.abandoned_at is not None)
    assert (found.stage in ("converted", "recovered")) == (completed is not None)
    assert (found.deadline is not None) == (found.stage == "open" and found.counted)
    assert found.counted == any(activity.values())
    if found.abandoned_at is not None and found.completed_at is not None:
        assert found.abandoned_at < found.completed_at
    if found.deadline is not None:
        before = life(drawn, None, window, found.deadline)
        after = life(drawn, None, window, found.deadline + 1)
        assert (before.stage, after.stage) == ("open", "abandoned")
        assert after.abandoned_at == found.deadline


@given(_activity, _completed, _windows, st.integers(60, 200))
def test_abandonment_against_a_plain_reading(
    activity: dict[int, bool], completed: int | None, window: int, now: int
) -> None:
    """The definition, minute by minute: idle for longer than the window, contact known, not completed."""
    end = now if completed is None else completed
    contact = min((minute for minute, known in activity.items() if known), default=None)
    expected = None
    if contact is not None:
        for minute in sorted(minute for minute in activity if contact <= minute <= end):
            limit = minute + window // MINUTE
            if end > limit and not any(
                minute < other <= limit for other in activity if other <= end
            ):
                expected = START + limit * MINUTE
                break
    found = life(checkout(activity, completed=completed), None, window, START + now * MINUTE)
    assert found.abandoned_at == expected
