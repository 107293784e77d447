"""Checkouts and the orders that complete them: finding each other, and standing in their stage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from tillstream.foundation.statements import statement
from tillstream.mirror import checkouts as mirrored
from tillstream.mirror.join import decode
from tillstream.mirror.merge import Store
from tillstream.mirror.rows import instant
from tillstream.rollup.book import Source
from tillstream.rollup.checkout_entries import checkout_entries
from tillstream.rollup.life import Life, life

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tillstream.foundation.database import Connection
    from tillstream.mirror.checkouts import Checkout
    from tillstream.mirror.merge import Merged
    from tillstream.rollup.entries import Entry
    from tillstream.rollup.zones import Profile

_PACKAGE = "tillstream.rollup"
_AFFECTED = statement(_PACKAGE, "affected_checkouts")
_CANDIDATES = statement(_PACKAGE, "candidate_orders")
_WRITE = statement(_PACKAGE, "write_checkouts")


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


class Staged(NamedTuple):
    """A checkout in its stage, with the order that completed it."""

    store: Store
    checkout: Checkout
    order: Candidate | None
    life: Life

    @property
    def recovered_value(self) -> int:
        """What the shopper paid in the end, in ten-thousandths."""
        return self.checkout.total_price if self.order is None else self.order.total_price


class Reference(NamedTuple):
    """A token of a store, of a checkout or of a cart."""

    store: Store
    token: str


def link(checkout: Checkout, candidates: Iterable[Candidate]) -> Candidate | None:
    """The order that completed a checkout: the earliest with its token, else with its cart. Pure.

    An order whose own checkout is known belongs to that one, whatever cart both came from.
    """
    placed = [one for one in candidates if one.placed_at is not None]
    by_token = [one for one in placed if one.checkout_token == checkout.token]
    by_cart = [
        one
        for one in placed
        if checkout.cart_token is not None
        and one.cart_token == checkout.cart_token
        and not one.token_known
    ]
    return min(by_token or by_cart, key=lambda one: (one.placed_at, one.order_id), default=None)


def touched(merged: Merged) -> tuple[set[Reference], set[Reference]]:
    """The checkout tokens and the cart tokens by which a batch may have moved a checkout."""
    tokens = {Reference(change.store, change.after.token) for change in merged.checkouts}
    carts: set[Reference] = set()
    for change in merged.orders:
        for order in (change.before, change.after):
            if order is not None and order.checkout_token:
                tokens.add(Reference(change.store, order.checkout_token))
            if order is not None and order.cart_token:
                carts.add(Reference(change.store, order.cart_token))
    return tokens, carts


async def known_tokens(connection: Connection, store: Store) -> list[Reference]:
    """All checkouts of a store."""
    cursor = await connection.execute(
        "SELECT token FROM mirror.checkouts WHERE tenant_id = %s AND store_id = %s", store
    )
    return [Reference(store, token) for (token,) in await cursor.fetchall()]


async def stage(
    connection: Connection,
    tokens: Iterable[Reference],
    carts: Iterable[Reference],
    profiles: Mapping[Store, Profile],
    now: int,
) -> list[Staged]:
    """Work out where the checkouts concerned stand at ``now`` (µs), and write it down."""
    staged = await derive(connection, tokens, carts, profiles, now)
    await _write(connection, staged)
    return staged


async def derive(
    connection: Connection,
    tokens: Iterable[Reference],
    carts: Iterable[Reference],
    profiles: Mapping[Store, Profile],
    now: int,
) -> list[Staged]:
    """Where the checkouts concerned stand at ``now`` (µs), by the mirror."""
    keys = (_json(sorted(set(tokens))), _json(sorted(set(carts))))
    if keys == ("[]", "[]"):
        return []
    found = [
        (Store(tenant_id, store_id), mirrored.view(token, decode(state)))
        for tenant_id, store_id, token, state in await (
            await connection.execute(_AFFECTED, keys)
        ).fetchall()
    ]
    candidates = await _candidates(connection, found)
    return [
        _staged(
            store,
            checkout,
            link(checkout, candidates.get((store, checkout.token), [])),
            profiles,
            now,
        )
        for store, checkout in found
    ]


def contributions(staged: Iterable[Staged]) -> dict[Source, list[Entry]]:
    """What the checkouts put into the ledger."""
    return {
        Source(one.store, "checkout", one.checkout.token): checkout_entries(
            one.life, one.checkout.total_price, one.recovered_value, one.checkout.customer_id
        )
        for one in staged
    }


def _staged(
    store: Store,
    checkout: Checkout,
    order: Candidate | None,
    profiles: Mapping[Store, Profile],
    now: int,
) -> Staged:
    ordered_at = None if order is None else order.placed_at
    test = order is not None and order.test
    return Staged(
        store, checkout, order, life(checkout, ordered_at, profiles[store].window, now, test=test)
    )


async def _candidates(
    connection: Connection, found: Sequence[tuple[Store, Checkout]]
) -> dict[tuple[Store, str], list[Candidate]]:
    """For each checkout, the orders that share its token or its cart."""
    rows = [
        {**store._asdict(), "token": checkout.token, "cart_token": checkout.cart_token}
        for store, checkout in found
    ]
    if not rows:
        return {}
    cursor = await connection.execute(_CANDIDATES, (_json(rows),))
    result: dict[tuple[Store, str], list[Candidate]] = {}
    for tenant_id, store_id, token, *rest in await cursor.fetchall():
        store = Store(tenant_id, store_id)
        result.setdefault((store, token), []).append(Candidate(store, *rest))
    return result


async def _write(connection: Connection, staged: Sequence[Staged]) -> None:
    rows: list[dict[str, Any]] = [
        {
            **one.store._asdict(),
            "token": one.checkout.token,
            "stage": one.life.stage,
            "counted": one.life.counted,
            "started_at": instant(one.life.started_at),
            "last_active_at": instant(one.life.last_active_at),
            "abandoned_at": instant(one.life.abandoned_at),
            "recovered_at": instant(one.life.recovered_at),
            "completed_at": instant(one.life.completed_at),
            "deadline": instant(one.life.deadline),
            "value": one.checkout.total_price,
            "order_id": None if one.order is None else one.order.order_id,
            "recovered_value": one.recovered_value if one.life.stage == "recovered" else 0,
        }
        for one in staged
    ]
    if rows:
        await connection.execute(_WRITE, (_json(rows),))


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
