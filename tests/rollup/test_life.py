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
from tillstream.rollup.checkout_entries import Worth, checkout_entries
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
    def minutes(value: int | None) -> int | None:
        return None if value is None else (value - START) // MINUTE

    return found._replace(
        started_at=(found.started_at - START) // MINUTE,
        last_active_at=(found.last_active_at - START) // MINUTE,
        abandonments=tuple((at - START) // MINUTE for at in found.abandonments),
        completed_at=minutes(found.completed_at),
        deadline=minutes(found.deadline),
        active_from=minutes(found.active_from),
        active_until=minutes(found.active_until),
    )


@pytest.mark.parametrize(
    ("drawing", "stage", "abandonments", "deadline", "run"),
    [
        ("A", "open", [], 10, (0, 0)),
        ("A         |", "open", [], 10, (0, 0)),  # exactly the window: not longer than it
        ("A          |", "abandoned", [10], None, (0, 0)),
        ("A         A|", "open", [], 20, (0, 10)),  # active again at the last moment
        ("A          A|", "abandoned", [10], 21, (0, 0)),  # back, but a minute late
        ("A          A                |", "abandoned", [10, 21], None, (0, 0)),  # and left again
        ("A          A        a       a           A |", "abandoned", [10, 38], 50, (0, 0)),
        ("A    A     |", "open", [], 15, (0, 5)),
        ("A    A          |", "abandoned", [15], None, (0, 5)),
        ("A   C", "converted", [], None, (0, 4)),
        ("A         C", "converted", [], None, (0, 10)),  # at the end of the window: inside it
        ("A          C", "recovered", [10], None, (0, 0)),
        ("A          A   C", "recovered", [10], None, (0, 0)),
        ("A          A           C", "recovered", [10, 21], None, (0, 0)),
        ("A    A    A    A    C", "converted", [], None, (0, 20)),
        ("A   C                    a    |", "converted", [], None, (0, 4)),  # later is nothing
        ("a", "open", [], None, (None, None)),  # nobody knows whose it is
        ("a                        |", "open", [], None, (None, None)),
        ("a              A  |", "open", [], 25, (15, 15)),  # known only now: idle before is nothing
        ("a              A          |", "abandoned", [25], None, (15, 15)),
        ("A              a  |", "abandoned", [10], 25, (0, 0)),
        ("A  a          |", "abandoned", [13], None, (0, 3)),  # contact stays known
        ("a   C                    A    |", "converted", [], None, (4, 4)),
        ("C", "converted", [], None, (0, 0)),
    ],
)  # fmt: skip
def test_drawn_lives(
    drawing: str,
    stage: str,
    abandonments: list[int],
    deadline: int | None,
    run: tuple[int | None, int | None],
) -> None:
    found = at(drawing)
    assert (found.stage, [*found.abandonments], found.deadline) == (stage, abandonments, deadline)
    assert (found.active_from, found.active_until) == run
    assert found.abandoned_at == (abandonments[0] if abandonments else None)
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
    def amounts(drawing: str, inferred: int | None = None) -> list[tuple[str, int, dict[str, int]]]:
        entries = checkout_entries(at(drawing), Worth(500, 700, inferred), 9)
        return [(entry.entry, entry.at, entry.amounts) for entry in entries]

    started = ("checkout", 0, {"checkouts": 1})
    left = {"abandoned_checkouts": 1, "abandonments": 1}
    assert amounts("A|") == [started]
    assert amounts("A  C|") == [("checkout", 0, {"checkouts": 1, "converted_checkouts": 1})]
    assert amounts("A          |") == [
        started,
        ("abandonment", 10, {**left, "abandoned_value": 500}),
    ]
    # However often it is left, it is one abandoned checkout, on the day of the first time.
    assert amounts("A          A           A           |") == [
        started,
        ("abandonment", 10, {**left, "abandoned_value": 500}),
        ("abandonment:2", 21, {"abandonments": 1}),
        ("abandonment:3", 33, {"abandonments": 1}),
    ]
    assert amounts("A          A           C|") == [
        started,
        ("abandonment", 10, {**left, "recovered_checkouts": 1, "recovered_sales": 700}),
        ("abandonment:2", 21, {"abandonments": 1}),
    ]
    # What was probably bought after all stays lost in the account of this checkout.
    assert amounts("A          |", inferred=800) == [
        started,
        (
            "abandonment",
            10,
            {
                **left,
                "abandoned_value": 500,
                "inferred_recoveries": 1,
                "inferred_recovered_sales": 800,
            },
        ),
    ]


_activity = st.dictionaries(st.integers(0, 60), st.booleans(), max_size=6)
_completed = st.one_of(st.none(), st.integers(0, 80))
_windows = st.integers(1, 30).map(lambda minutes: minutes * MINUTE)


@given(_activity, _completed, _windows, st.integers(60, 200), st.integers(0, 100))
def test_time_alone_only_abandons(
    activity: dict[int, bool], completed: int | None, window: int, now: int, later: int
) -> None:
    """As now passes a window may run out, at its deadline; nothing else moves or goes back."""
    drawn = checkout(activity, completed=completed)
    first = life(drawn, None, window, START + now * MINUTE)
    second = life(drawn, None, window, START + (now + later) * MINUTE)
    if first.abandonments == second.abandonments:
        assert first == second
    else:
        assert second.abandonments == (*first.abandonments, first.deadline)
        assert (second.stage, second.deadline) == ("abandoned", None)
        same = dict.fromkeys(("stage", "abandonments", "deadline"), None)
        assert first._replace(**same) == second._replace(**same)


@given(_activity, _completed, _windows, st.integers(60, 200))
def test_its_parts_agree(
    activity: dict[int, bool], completed: int | None, window: int, now: int
) -> None:
    drawn = checkout(activity, completed=completed)
    found = life(drawn, None, window, START + now * MINUTE)
    assert found.stage in STAGES
    assert (found.stage in ("abandoned", "recovered")) == (found.abandoned_at is not None)
    assert (found.stage in ("converted", "recovered")) == (completed is not None)
    assert found.counted == any(activity.values())
    assert sorted(set(found.abandonments)) == [*found.abandonments]
    if found.abandonments and found.completed_at is not None:
        assert found.abandonments[-1] < found.completed_at
    if found.stage == "open":
        assert (found.deadline is not None) == found.counted
    if found.deadline is not None:
        before = life(drawn, None, window, found.deadline)
        after = life(drawn, None, window, found.deadline + 1)
        assert before.abandonments == found.abandonments
        assert after.abandonments == (*found.abandonments, found.deadline)


@given(_activity, _completed, _windows, st.integers(60, 200))
def test_abandonments_against_a_plain_reading(
    activity: dict[int, bool], completed: int | None, window: int, now: int
) -> None:
    """The definition, minute by minute: idle for longer than the window, contact known, not completed."""
    end = now if completed is None else completed
    contact = min((minute for minute, known in activity.items() if known), default=None)
    expected: list[int] = []
    if contact is not None:
        for minute in sorted(minute for minute in activity if contact <= minute <= end):
            limit = minute + window // MINUTE
            if end > limit and not any(
                minute < other <= limit for other in activity if other <= end
            ):
                expected.append(START + limit * MINUTE)
    found = life(checkout(activity, completed=completed), None, window, START + now * MINUTE)
    assert [*found.abandonments] == expected


@given(_activity, _completed, _windows, st.integers(60, 200))
def test_a_run_ends_a_window_before_the_first_abandonment(
    activity: dict[int, bool], completed: int | None, window: int, now: int
) -> None:
    found = life(checkout(activity, completed=completed), None, window, START + now * MINUTE)
    contact = min((at for at, known in activity.items() if known), default=None)
    if contact is None:
        assert (found.active_from is None) == (completed is None)
    elif found.abandoned_at is not None:
        run = (START + contact * MINUTE, found.abandoned_at - window)
        assert (found.active_from, found.active_until) == run
    elif completed is not None:
        assert found.active_until == START + completed * MINUTE
    else:
        assert (found.active_from, found.active_until) == (
            START + contact * MINUTE,
            found.last_active_at,
        )
