"""Which order completed which checkout: by token, then by cart, the one last active before it.

Pure code, called directly; nothing is doubled. Whether the database finds the right candidates is
asked in ``test_checkouts.py``.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tillstream.mirror.checkouts import Checkout
from tillstream.mirror.merge import Store
from tillstream.rollup.linking import Candidate, link

STORE = Store(1, 1)
TOKENS = ["token", "other", "third"]


def checkout(
    token: str = "token", cart: str | None = "cart", *active: int, deleted: bool = False
) -> Checkout:
    activity = tuple((at, True) for at in sorted(active or (50,)))
    return Checkout(token, deleted=deleted, updated_at=None, activity=activity, cart_token=cart)


def order(key: int, token: str | None, cart: str | None, **more: Any) -> Candidate:
    told: dict[str, Any] = {
        "placed_at": 100,
        "test": False,
        "total_price": 1,
        "token_known": token == "token",
        **more,
    }
    return Candidate(STORE, key, token, cart, **told)


def linked(checkouts: list[Checkout], orders: list[Candidate]) -> dict[str, int]:
    return {token: one.order_id for token, one in link(checkouts, orders).items()}


def test_nothing_links_to_nothing() -> None:
    assert linked([checkout()], []) == {}
    assert linked([checkout("token", None)], [order(1, None, None)]) == {}
    assert linked([checkout("token", None)], [order(1, "other", "cart")]) == {}


def test_the_token_goes_before_the_cart_however_late() -> None:
    by_cart, by_token = (
        order(1, None, "cart", placed_at=100),
        order(2, "token", "elsewhere", placed_at=900),
    )
    assert linked([checkout()], [by_cart, by_token]) == {"token": 2}


def test_an_order_of_an_unknown_checkout_is_found_by_cart() -> None:
    assert linked([checkout()], [order(1, "never came", "cart")]) == {"token": 1}


def test_an_order_of_another_checkout_stays_there() -> None:
    assert linked([checkout()], [order(1, "other", "cart", token_known=True)]) == {"other": 1}


def test_the_earliest_wins_and_the_smaller_id_breaks_ties() -> None:
    orders = [
        order(3, "token", None),
        order(1, "token", None, placed_at=200),
        order(2, "token", None),
    ]
    assert linked([checkout()], orders) == {"token": 2}
    assert linked([checkout()], orders[::-1]) == {"token": 2}


def test_an_order_that_was_never_placed_completes_nothing() -> None:
    assert linked([checkout()], [order(1, "token", None, placed_at=None)]) == {}


def test_an_order_completes_the_one_checkout_of_its_cart_that_was_last_active_before_it() -> None:
    early, late = checkout("early", "cart", 10, 60), checkout("late", "cart", 20, 90)
    assert linked([early, late], [order(1, None, "cart")]) == {"late": 1}
    # What happens after the order says nothing of it.
    again = checkout("early", "cart", 10, 60, 130)
    assert linked([again, late], [order(1, None, "cart")]) == {"late": 1}
    assert linked([checkout("only", "cart", 130)], [order(1, None, "cart")]) == {}
    equal = [checkout("b", "cart", 90), checkout("a", "cart", 90)]
    assert linked(equal, [order(1, None, "cart")]) == {"a": 1}


def test_neither_one_claimed_by_token_nor_a_deleted_one_is_completed_by_cart() -> None:
    claimed, left = checkout("token", "cart", 90), checkout("other", "cart", 60)
    orders = [order(1, "token", "cart", placed_at=300), order(2, None, "cart")]
    assert linked([claimed, left], orders) == {"token": 1, "other": 2}
    deleted = checkout("token", "cart", 90, deleted=True)
    assert linked([deleted, left], [order(2, None, "cart")]) == {"other": 2}


def _checkout(token: str, cart: str | None, active: list[int], *, deleted: bool) -> Checkout:
    return checkout(token, cart, *active, deleted=deleted)


_checkouts = st.lists(
    st.builds(
        _checkout,
        st.sampled_from(TOKENS), st.sampled_from(["cart", "elsewhere", None]),
        st.lists(st.integers(0, 5), min_size=1, max_size=3), deleted=st.booleans(),
    ), max_size=3, unique_by=lambda one: one.token,
)  # fmt: skip
_orders = st.lists(
    st.builds(
        order, st.integers(1, 5), st.sampled_from([*TOKENS, None]), st.sampled_from(["cart", "elsewhere", None]),
        placed_at=st.one_of(st.none(), st.integers(1, 5)),
    ), max_size=5, unique_by=lambda one: one.order_id,
)  # fmt: skip


@given(_checkouts, _orders, st.randoms(use_true_random=False))
def test_the_order_in_which_they_come_does_not_matter(
    checkouts: list[Checkout], orders: list[Candidate], random: Any
) -> None:
    tokens = {one.token for one in checkouts}
    orders = [one._replace(token_known=one.checkout_token in tokens) for one in orders]
    found = link(checkouts, orders)
    random.shuffle(checkouts)
    random.shuffle(orders)
    assert link(checkouts, orders) == found
    # Each order completes one checkout at most, each checkout was completed by one at most.
    assert len({one.order_id for one in found.values()}) == len(found)
    for token, one in found.items():
        (completed,) = (other for other in checkouts if other.token == token)
        assert one.checkout_token == token or (
            one.checkout_token not in tokens
            and one.cart_token == completed.cart_token
            and not completed.deleted
            and min(at for at, _ in completed.activity) <= (one.placed_at or 0)
        )


@given(_checkouts, _orders)
def test_checkouts_of_other_carts_have_no_part_in_it(
    checkouts: list[Checkout], orders: list[Candidate]
) -> None:
    """So that a batch may look at some carts and leave out the others."""
    tokens = {one.token for one in checkouts}
    orders = [one._replace(token_known=one.checkout_token in tokens) for one in orders]
    mine = [one for one in checkouts if one.cart_token == "cart"]
    concerned = [
        one
        for one in orders
        if one.cart_token == "cart" or one.checkout_token in {other.token for other in mine}
    ]
    whole, part = link(checkouts, orders), link(mine, concerned)
    for one in mine:
        assert part.get(one.token) == whole.get(one.token)
