"""Which order completed a checkout: by token, then by cart, the earliest.

Pure code, called directly; nothing is doubled. Whether the database finds the right candidates is
asked in ``test_apply.py``.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tillstream.mirror.checkouts import Checkout
from tillstream.mirror.merge import Store
from tillstream.rollup.checkouts import Candidate, link

STORE = Store(1, 1)


def checkout(cart_token: str | None = "cart") -> Checkout:
    return Checkout("token", deleted=False, updated_at=None, activity=(), cart_token=cart_token)


def order(key: int, token: str | None, cart: str | None, **more: Any) -> Candidate:
    told: dict[str, Any] = {
        "placed_at": 100,
        "test": False,
        "total_price": 1,
        "token_known": token == "token",
        **more,
    }
    return Candidate(STORE, key, token, cart, **told)


def test_nothing_links_to_nothing() -> None:
    assert link(checkout(), []) is None
    assert link(checkout(None), [order(1, None, None)]) is None
    assert link(checkout(None), [order(1, "other", "cart")]) is None


def test_the_token_goes_before_the_cart_however_late() -> None:
    by_cart, by_token = (
        order(1, None, "cart", placed_at=1),
        order(2, "token", "elsewhere", placed_at=9),
    )
    assert link(checkout(), [by_cart, by_token]) == by_token


def test_an_order_of_an_unknown_checkout_is_found_by_cart() -> None:
    found = order(1, "never came", "cart")
    assert link(checkout(), [found]) == found


def test_an_order_of_another_checkout_stays_there() -> None:
    assert link(checkout(), [order(1, "other", "cart", token_known=True)]) is None


def test_the_earliest_wins_and_the_smaller_id_breaks_ties() -> None:
    orders = [
        order(3, "token", None),
        order(1, "token", None, placed_at=200),
        order(2, "token", None),
    ]
    assert link(checkout(), orders) == orders[2]
    assert link(checkout(), orders[::-1]) == orders[2]


def test_an_order_that_was_never_placed_completes_nothing() -> None:
    assert link(checkout(), [order(1, "token", None, placed_at=None)]) is None


_orders = st.builds(
    order, st.integers(1, 5), st.sampled_from(["token", "other", None]), st.sampled_from(["cart", "elsewhere", None]),
    placed_at=st.one_of(st.none(), st.integers(1, 3)), token_known=st.booleans(),
)  # fmt: skip


@given(
    st.lists(_orders, max_size=6, unique_by=lambda one: one.order_id),
    st.randoms(use_true_random=False),
)
def test_the_order_of_candidates_does_not_matter(orders: list[Candidate], random: Any) -> None:
    shuffled = orders[:]
    random.shuffle(shuffled)
    found = link(checkout(), orders)
    assert link(checkout(), shuffled) == found
    if found is not None:
        assert found.checkout_token == "token" or (
            found.cart_token == "cart" and not found.token_known
        )
