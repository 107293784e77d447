"""Which order completed which checkout. Pure.

Shopify took the checkout's id out of its bodies; what is left are the token and the cart.
https://shopify.dev/changelog (API version 2026-04: checkout ids are gone from webhooks)
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tillstream.mirror.checkouts import Checkout
    from tillstream.mirror.merge import Store


class Candidate(NamedTuple):
    """An order that may have completed a checkout. ``token_known``: some checkout has its token."""

    store: Store
    order_id: int
    checkout_token: str | None
    cart_token: str | None
    placed_at: int | None
    test: bool
    total_price: int
    token_known: bool


def link(checkouts: Sequence[Checkout], orders: Iterable[Candidate]) -> dict[str, Candidate]:
    """The order that completed each checkout, by the checkout's token.

    An order completes one checkout at most: the one with its token. Where no checkout has it, or
    the order names none, it completes the checkout that was last active before it among those of
    its cart that are not deleted and that no order names by token. Of several orders for one
    checkout the earliest completed it.

    Args:
        checkouts: of one store; with each of them all others of its cart.
        orders: of that store; all that have the token or the cart of one of the checkouts.
    """
    placed = [(one.placed_at, one.order_id, one) for one in orders if one.placed_at is not None]
    claimed = {one.checkout_token for _, _, one in placed}
    carts: defaultdict[str, list[Checkout]] = defaultdict(list)
    for checkout in checkouts:
        if checkout.cart_token and not checkout.deleted and checkout.token not in claimed:
            carts[checkout.cart_token].append(checkout)
    found: dict[str, Candidate] = {}
    for at, _, order in sorted(placed, key=lambda one: one[:2]):
        token = (
            order.checkout_token
            if order.token_known
            else _last_active(carts.get(order.cart_token or "", []), at)
        )
        if token is not None:
            found.setdefault(token, order)
    return found


def _last_active(checkouts: Iterable[Checkout], at: int) -> str | None:
    """The token of the checkout whose last activity up to ``at`` is the latest."""
    active = [
        (-max(before), one.token)
        for one in checkouts
        if (before := [when for when, _ in one.activity if when <= at])
    ]
    return min(active)[1] if active else None
