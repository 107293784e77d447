"""Checkouts and the orders that complete them: finding each other, and standing in their stage."""

from __future__ import annotations

from collections import defaultdict
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from tillstream.foundation.statements import json_text, statement
from tillstream.mirror import checkouts as mirrored
from tillstream.mirror.join import decode
from tillstream.mirror.merge import Store
from tillstream.rollup.book import Source
from tillstream.rollup.company import Move, Spans, among_shoppers
from tillstream.rollup.life import life
from tillstream.rollup.linking import Candidate, link
from tillstream.rollup.merging import affected_customers, newly_merged, resolve
from tillstream.rollup.standing import Staged, row_of, stored

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence

    from tillstream.foundation.database import Connection
    from tillstream.mirror.checkouts import Checkout
    from tillstream.mirror.merge import Merged
    from tillstream.rollup.company import Shopper
    from tillstream.rollup.entries import Entry
    from tillstream.rollup.shopper import Placement
    from tillstream.rollup.zones import Profile

_PACKAGE = "tillstream.rollup"
_AFFECTED = statement(_PACKAGE, "affected_checkouts")
_CANDIDATES = statement(_PACKAGE, "candidate_orders")
_OF_CUSTOMERS = statement(_PACKAGE, "checkouts_of_customers")
_WRITE = statement(_PACKAGE, "write_checkouts")

_CHUNK: Final = 2_000
"""Checkouts of a whole store that are gone through at once."""


class Reference(NamedTuple):
    """A token of a store, of a checkout or of a cart."""

    store: Store
    token: str


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
    for change in merged.checkouts:
        if change.before is not None and change.before.cart_token:
            carts.add(Reference(change.store, change.before.cart_token))
    return tokens, carts


async def reassigned(connection: Connection, merged: Merged) -> list[Reference]:
    """The checkouts that are another customer's since a batch told that customers were merged."""
    affected = await affected_customers(connection, newly_merged(merged.customers))
    if not affected:
        return []
    cursor = await connection.execute(_OF_CUSTOMERS, (json_text(sorted(affected)),))
    return [
        Reference(Store(tenant_id, store_id), token)
        for tenant_id, store_id, token in await cursor.fetchall()
    ]


async def known_tokens(connection: Connection, store: Store) -> AsyncIterator[list[Reference]]:
    """All checkouts of a store, some at a time."""
    after = ""
    while True:
        cursor = await connection.execute(
            "SELECT token FROM mirror.checkouts WHERE tenant_id = %s AND store_id = %s AND token > %s "
            "ORDER BY token LIMIT %s",
            (*store, after, _CHUNK),
        )
        rows = await cursor.fetchall()
        if not rows:
            return
        after = rows[-1][0]
        yield [Reference(store, token) for (token,) in rows]


async def stage(  # noqa: PLR0913 - what moves checkouts, each kind apart
    connection: Connection,
    tokens: Iterable[Reference],
    carts: Iterable[Reference],
    profiles: Mapping[Store, Profile],
    now: int,
    *,
    bought: Spans | None = None,
    anew: Collection[Store] = (),
) -> list[Staged]:
    """Work out where checkouts stand at ``now`` (µs), and write down what is different.

    Args:
        connection: in a transaction that holds the stores' locks; the orders are booked.
        tokens: of checkouts that may have moved.
        carts: of carts whose checkouts may have moved.
        profiles: of every store concerned.
        now: µs since the epoch.
        bought: when customers' orders changed.
        anew: stores whose checkouts are judged by other settings than before.

    Returns:
        The checkouts that stand differently from before.
    """
    found = await _found(connection, tokens, carts, profiles, now)
    moved = [
        one
        for one in found
        if one.before is None or one.after.store in anew or one.before.alone != one.after.alone
    ]
    spans = Spans(bought or {})
    for one in moved:
        spans.reach(one.before)
        spans.reach(one.after)
    checkouts = {(one.after.store, one.after.token): one.after.checkout for one in found}
    changed = [
        one.after._replace(checkout=checkouts.get((one.after.store, one.after.token)))
        for one in await among_shoppers(connection, moved, spans, profiles)
        if one.before is None or one.before != one.after._replace(checkout=None)
    ]
    if changed:
        await connection.execute(_WRITE, (json_text([row_of(one) for one in changed]),))
    return changed


async def derive(
    connection: Connection,
    tokens: Iterable[Reference],
    carts: Iterable[Reference],
    profiles: Mapping[Store, Profile],
    now: int,
    *,
    placed: Mapping[Shopper, Sequence[Placement]] = MappingProxyType({}),
) -> list[Staged]:
    """Where the checkouts concerned should stand at ``now`` (µs), by the mirror; nothing is written.

    The shopper's other checkouts, and orders, are taken as they are stored, but for the orders of those
    customers whom ``placed`` names.
    """
    found = await _found(connection, tokens, carts, profiles, now)
    spans = Spans()
    for one in found:
        spans.reach(one.after)
    concerned = {(one.after.store, one.after.token) for one in found}
    return [
        one.after
        for one in await among_shoppers(connection, found, spans, profiles, placed)
        if (one.after.store, one.after.token) in concerned
    ]


def contributions(staged: Iterable[Staged]) -> dict[Source, list[Entry]]:
    """What the checkouts put into the ledger."""
    return {Source(one.store, "checkout", one.token): one.entries for one in staged}


async def _found(
    connection: Connection,
    tokens: Iterable[Reference],
    carts: Iterable[Reference],
    profiles: Mapping[Store, Profile],
    now: int,
) -> list[Move]:
    """The checkouts concerned: as they stand stored, and by themselves as they stand at ``now``."""
    keys = (json_text(sorted(set(tokens))), json_text(sorted(set(carts))))
    if keys == ("[]", "[]"):
        return []
    cursor = await connection.execute(_AFFECTED, keys)
    rows = [
        (
            Store(tenant_id, store_id),
            mirrored.view(token, decode(state)),
            None if row is None else stored(row),
        )
        for tenant_id, store_id, token, state, row in await cursor.fetchall()
    ]
    links = await _links(connection, [(store, checkout) for store, checkout, _ in rows])
    customers = await resolve(
        connection,
        {
            (store, checkout.customer_id)
            for store, checkout, _ in rows
            if checkout.customer_id is not None
        },
    )
    return [
        Move(
            before,
            _by_itself(
                store, checkout, links.get((store, checkout.token)), profiles[store], now
            )._replace(customer_id=customers.get((store, checkout.customer_id or 0))),
        )
        for store, checkout, before in rows
    ]


async def _links(
    connection: Connection, found: Sequence[tuple[Store, Checkout]]
) -> dict[tuple[Store, str], Candidate]:
    """By checkout, the order that completed it."""
    rows = [
        {**store.columns, "token": checkout.token, "cart_token": checkout.cart_token}
        for store, checkout in found
    ]
    if not rows:
        return {}
    orders: defaultdict[Store, list[Candidate]] = defaultdict(list)
    cursor = await connection.execute(_CANDIDATES, (json_text(rows),))
    for tenant_id, store_id, *rest in await cursor.fetchall():
        store = Store(tenant_id, store_id)
        orders[store].append(Candidate(store, *rest))
    checkouts: defaultdict[Store, list[Checkout]] = defaultdict(list)
    for store, checkout in found:
        checkouts[store].append(checkout)
    return {
        (store, token): order
        for store, candidates in orders.items()
        for token, order in link(checkouts[store], candidates).items()
    }


def _by_itself(
    store: Store, checkout: Checkout, order: Candidate | None, profile: Profile, now: int
) -> Staged:
    ordered_at, test, order_id = (
        (None, False, None) if order is None else (order.placed_at, order.test, order.order_id)
    )
    found = life(checkout, ordered_at, profile.window, now, test=test)
    paid = checkout.total_price if order is None else order.total_price
    return Staged(
        store,
        checkout.token,
        None,
        found,
        checkout.total_price,
        order_id,
        paid if found.stage == "recovered" else 0,
        checkout=checkout,
    )
