"""Applying a batch: the whole way of deliveries from the journal to the figures, step by step."""

from __future__ import annotations

from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from tillstream.foundation.database import set_tenants
from tillstream.journal.contract import Delivery, Parked
from tillstream.mirror.forgetting import in_force, put_in_force
from tillstream.mirror.history import write_history
from tillstream.mirror.merge import Merged, Store, merge
from tillstream.mirror.record import Arrived, delivery_key, record
from tillstream.mirror.redaction import marks_in_text
from tillstream.mirror.remains import without
from tillstream.mirror.rows import instant
from tillstream.mirror.topics import read
from tillstream.mirror.values import EPOCH, Malformed
from tillstream.rollup import live
from tillstream.rollup.book import Booked, book
from tillstream.rollup.checkouts import (
    Reference,
    contributions,
    known_tokens,
    reassigned,
    stage,
    touched,
)
from tillstream.rollup.company import bought
from tillstream.rollup.ownership import order_contributions
from tillstream.rollup.prospects import follow_prospects
from tillstream.rollup.stock import follow_stock
from tillstream.rollup.zones import Configured, Profile, read_profiles, settle_zones

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from tillstream.foundation.database import Connection
    from tillstream.rollup.standing import Staged

_ROUTE = (
    "SELECT domain, tenant_id, store_id, timezone, currency, window_seconds, coalesce(since, 0) "
    "FROM shops.route(%s)"
)

# Two workers never meet in one store: neither by a partition that changed hands nor by a deadline.
_LOCK = "SELECT pg_advisory_xact_lock(7211836, k) FROM unnest(%s::int[]) AS k"
# The same, but of the stores that are closed (see close_store) it says so and does not wait. A store whose lock
# is free takes no second look, and no second lock: there are only so many in a server.
_LOCK_OPEN = """
WITH keys AS MATERIALIZED (SELECT k FROM unnest(%s::int[]) AS k)
SELECT k FROM keys
WHERE CASE
  WHEN pg_try_advisory_xact_lock(7211836, k) THEN false
  WHEN EXISTS (
    SELECT FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database
    WHERE d.datname = current_database() AND l.locktype = 'advisory' AND l.classid = 7211844
      AND l.objid = k::bigint::oid AND l.granted)
  THEN true
  ELSE pg_advisory_xact_lock(7211836, k) IS NULL END
"""
_CLOSE = "SELECT pg_advisory_xact_lock(7211844, %s)"
_TRY_LOCK = "SELECT k, pg_try_advisory_xact_lock(7211836, k) FROM unnest(%s::int[]) AS k"
_DUE = "SELECT tenant_id, store_id, token FROM rollup.due_checkouts(%s, %s, %s)"
_OVERDUE = """
SELECT token FROM rollup.checkouts WHERE tenant_id = %s AND store_id = %s AND deadline < %s AND token > %s
ORDER BY token LIMIT %s
"""
_AT_ONCE = 500
_NOTHING = Merged([], [], [], [], [])


_SIGNED_FOR_ANOTHER = (
    "It was signed with the secret of an account that had connected the shop before, not with that of "
    "the app or of the account that has it now."
)

RECEIVED_FOR_ANOTHER: Final = "received_for_another"
"""Why a delivery is parked that had waited while its shop went to another account."""
_RECEIVED_FOR_ANOTHER = (
    "It was received for the account that had connected the shop before, which gave the shop up before it "
    "was applied. The account that has the shop now is not told of it, released or not."
)


class Outcome(NamedTuple):
    """What became of a batch, for the journal to settle."""

    parked: list[Parked]
    unrouted: list[Delivery]
    applied: int
    """Deliveries that were applied, without repeats."""
    fresh: Sequence[Delivery] = ()
    """Those deliveries."""
    forgotten: Mapping[str, frozenset[str]] = MappingProxyType({})
    """By shop, the marks in force that deliveries named: what is kept of these is to forget them."""
    closed: bool = False
    """Whether some were left aside, because their store was closed: they have to come again."""


async def apply(connection: Connection, deliveries: Sequence[Delivery], now: int) -> Outcome:
    """Apply deliveries inside the caller's transaction.

    Those of a store that is closed for a rebuild are left aside, so that no other store waits for it.

    Args:
        connection: of the worker role, in a transaction.
        deliveries: in any order, with any repeats.
        now: µs since the epoch.
    """
    shops = {delivery.shop for delivery in deliveries}
    before = await _route(connection, shops)
    if not before:
        return Outcome([], list(deliveries), 0)
    await set_tenants(connection, sorted({one.store.tenant_id for one in before.values()}))
    closed = await _lock_open(connection, list(before.values()))
    # While it was waited for, a store may have been given another zone, or to another account.
    routes = await _route(connection, shops)
    closed |= {
        one.store
        for shop, one in routes.items()
        if shop not in before or before[shop].store != one.store
    }
    unrouted = [delivery for delivery in deliveries if delivery.shop not in routes]
    routed = [
        delivery
        for delivery in deliveries
        if delivery.shop in routes and routes[delivery.shop].store not in closed
    ]
    if not routed:
        return Outcome([], unrouted, 0, closed=bool(closed))
    stores = [routes[shop] for shop in {delivery.shop for delivery in routed}]
    arrived, parked = _read_all(routed, routes)
    fresh, forgotten, implied = await record(connection, arrived)
    merged = await merge(
        connection, ((one.store, change) for one in fresh for change in one.changes)
    )
    await write_history(connection, fresh, merged.known)
    await _follow(connection, merged, stores, _received(fresh), now)
    for store, marks in implied.items():
        await put_in_force(connection, store, marks, EPOCH + timedelta(microseconds=now))
    parked, held = await _without_people(connection, parked)
    return Outcome(
        parked,
        unrouted,
        len(fresh),
        [one.delivery for one in fresh],
        _by_shop(routes, forgotten, held),
        closed=bool(closed),
    )


async def _lock_open(connection: Connection, stores: Sequence[Configured]) -> set[Store]:
    """Have these stores to oneself until the end of the transaction; those that are closed, not."""
    cursor = await connection.execute(_LOCK_OPEN, (_lock_keys(one.store for one in stores),))
    closed = {key for (key,) in await cursor.fetchall()}
    return {one.store for one in stores if _lock_key(one.store) in closed}


def _by_shop(
    routes: Mapping[str, Configured], *told: Mapping[Store, frozenset[str]]
) -> dict[str, frozenset[str]]:
    found = {
        shop: frozenset[str]().union(*(one.get(configured.store, ()) for one in told))
        for shop, configured in routes.items()
    }
    return {shop: marks for shop, marks in found.items() if marks}


async def _without_people(
    connection: Connection, parked: list[Parked]
) -> tuple[list[Parked], dict[Store, frozenset[str]]]:
    """What cannot be read is held for long: not with people who are to be forgotten."""
    named: dict[Store, set[str]] = {}
    for one in parked:
        if one.tenant_id is not None and one.store_id is not None:
            store = Store(one.tenant_id, one.store_id)
            named.setdefault(store, set()).update(marks_in_text(one.delivery.body))
    found = {
        store: frozenset(await in_force(connection, store, marks))
        for store, marks in named.items()
        if marks
    }
    return [
        msgspec.structs.replace(
            one,
            delivery=without(
                one.delivery, found.get(Store(one.tenant_id or 0, one.store_id or 0), ())
            ),
        )
        for one in parked
    ], found


async def pass_deadlines(
    connection: Connection,
    now: int,
    most: int = _AT_ONCE,
    *,
    aside: Collection[Store] = (),
    refused: Callable[[Store, Exception], None] | None = None,
) -> int:
    """Abandon the checkouts whose window has run out; returns how many were looked at.

    A deadline is an event too: figures and boards turn without any webhook.

    Args:
        connection: of the worker role, in a transaction.
        now: µs since the epoch.
        most: how many at a time.
        aside: stores whose deadlines are left for later.
        refused: told of each store that cannot follow, and why; it stays as it was, and the others
            follow. What this raises is raised. Without it, so is whatever the first of them does.
    """
    due = await _due(connection, now, most, aside)
    if not due:
        return 0
    await set_tenants(connection, sorted({one.store.tenant_id for one in due}))
    stores = await _configured(connection, {one.store for one in due})
    await _follow_each(connection, stores, now, due, refused)
    return len(due)


async def _due(
    connection: Connection, now: int, most: int, aside: Collection[Store]
) -> list[Reference]:
    """What is overdue in stores that nobody is in, and now only we are; some of it at a time."""
    busy = set(aside)
    while True:
        passed_over = [store.store_id for store in busy]
        cursor = await connection.execute(_DUE, (instant(now), most, passed_over))
        due = [
            Reference(Store(tenant, store), token)
            for tenant, store, token in await cursor.fetchall()
        ]
        keys = _lock_keys(one.store for one in due)
        locked = dict(await (await connection.execute(_TRY_LOCK, (keys,))).fetchall())
        ours = [one for one in due if locked[_lock_key(one.store)]]
        if ours or not due:
            return ours
        # Stores that somebody is in for long must not keep those behind them waiting.
        busy |= {one.store for one in due}


async def follow_settings(
    connection: Connection,
    now: int,
    *,
    aside: Collection[Store] = (),
    refused: Callable[[Store, Exception], None] | None = None,
) -> int:
    """Bring stores in line whose zone, currency or window was changed; returns how many.

    Deliveries do so for their own store. This is for a change that no delivery follows. ``aside`` and
    ``refused`` are those of ``pass_deadlines``.
    """
    cursor = await connection.execute("SELECT tenant_id, store_id FROM rollup.stale_stores()")
    stale = {Store(tenant_id, store_id) for tenant_id, store_id in await cursor.fetchall()}
    stale -= set(aside)
    if not stale:
        return 0
    keys = _lock_keys(stale)
    locked = dict(await (await connection.execute(_TRY_LOCK, (keys,))).fetchall())
    stale = {store for store in stale if locked[_lock_key(store)]}
    await set_tenants(connection, sorted({store.tenant_id for store in stale}))
    await _follow_each(connection, await _configured(connection, stale), now, (), refused)
    return len(stale)


async def _follow_each(
    connection: Connection,
    stores: Sequence[Configured],
    now: int,
    due: Sequence[Reference],
    refused: Callable[[Store, Exception], None] | None,
) -> None:
    """Let stores follow without deliveries: all at once, or each by itself if one of them cannot."""
    try:
        async with connection.transaction():
            await _follow(connection, _NOTHING, stores, {}, now, due=due)
    except Exception:
        if refused is None:
            raise
    else:
        return
    for configured in stores:
        own = [one for one in due if one.store == configured.store]
        try:
            async with connection.transaction():
                await _follow(connection, _NOTHING, [configured], {}, now, due=own)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this store's alone
            refused(configured.store, error)


async def catch_up(connection: Connection, store: Store, clock: Callable[[], int]) -> None:
    """Bring a store wholly up to the present, waiting for whoever works in it.

    What ``pass_deadlines`` and ``follow_settings`` do a portion at a time, for the stores that nobody
    else is in. In transactions of its own: the connection is in autocommit mode.
    """
    async with connection.transaction():
        await lock_store(connection, store)
        await follow_settings(connection, clock())
    tokens = [""]
    while tokens:
        async with connection.transaction():
            await set_tenants(connection, [store.tenant_id])
            await lock_store(connection, store)
            now = clock()
            tokens = await overdue(connection, store, now, after=tokens[-1])
            stores = await _configured(connection, {store})
            due = [Reference(store, token) for token in tokens]
            if due:
                await _follow(connection, _NOTHING, stores, {}, now, due=due)


async def overdue(
    connection: Connection, store: Store, now: int, *, after: str = "", most: int = _AT_ONCE
) -> list[str]:
    """The tokens, in their order, of checkouts whose window has run out and that still stand as before.

    So that one page of them follows another: those ``after`` a token.
    """
    cursor = await connection.execute(_OVERDUE, (*store, instant(now), after, most))
    return [token for (token,) in await cursor.fetchall()]


async def lock_store(connection: Connection, store: Store) -> None:
    """Keep every worker out of a store until the end of the transaction."""
    await connection.execute(_LOCK, ([_lock_key(store)],))


async def close_store(connection: Connection, store: Store) -> None:
    """As ``lock_store``, for long: workers leave the store's deliveries aside and go on with others'."""
    await connection.execute(_CLOSE, (_lock_key(store),))
    await lock_store(connection, store)


async def profile_of(connection: Connection, store: Store) -> Profile:
    """What dates and labels a store's figures at present."""
    return (await read_profiles(connection, await _configured(connection, {store})))[store]


async def _follow(
    connection: Connection,
    merged: Merged,
    stores: Sequence[Configured],
    received: dict[Store, int],
    now: int,
    due: Sequence[Reference] = (),
) -> None:
    """Let ledger, sums, checkouts and watchers follow what the mirror became."""
    profiles, rejudged = await settle_zones(connection, stores)
    tokens, carts = touched(merged)
    anew = [one for store in rejudged for one in await _rejudge(connection, store, profiles, now)]
    tokens.update(await reassigned(connection, merged))
    # Orders first: what a shopper bought may make an abandoned checkout good.
    sold = await book(connection, await order_contributions(connection, merged), profiles)
    staged = await stage(
        connection,
        [*tokens, *due],
        carts,
        profiles,
        now,
        bought=await bought(connection, merged, sold),
    )
    await follow_prospects(connection, merged, sold)
    await follow_stock(connection, merged)
    stood = await book(connection, contributions(staged), profiles)
    booked = Booked([*sold.removed, *stood.removed], [*sold.added, *stood.added])
    staged.extend(anew)
    await live.announce(connection, live.news(merged, staged, booked, profiles, received, now))


async def _rejudge(
    connection: Connection, store: Store, profiles: Mapping[Store, Profile], now: int
) -> list[Staged]:
    """Judge a store's checkouts by its new windows; returns one that stands differently, if any does.

    Nobody wants to be told of each: that something changed is news enough.
    """
    changed: list[Staged] = []
    async for tokens in known_tokens(connection, store):
        staged = await stage(connection, tokens, [], profiles, now, anew=[store])
        await book(connection, contributions(staged), profiles)
        changed = changed or staged[:1]
    return changed


def _read_all(
    routed: Iterable[Delivery], routes: dict[str, Configured]
) -> tuple[list[Arrived], list[Parked]]:
    """What each delivery says; the hopeless ones apart, with the reason."""
    arrived: list[Arrived] = []
    parked: list[Parked] = []
    seen: set[object] = set()
    for delivery in routed:
        route = routes[delivery.shop]
        store = route.store
        if delivery.received_at < route.since:
            parked.append(Parked(delivery, RECEIVED_FOR_ANOTHER, _RECEIVED_FOR_ANOTHER))
            continue
        if not delivery.speaks_for(store.store_id):
            parked.append(Parked(delivery, "signed_for_another", _SIGNED_FOR_ANOTHER))
            continue
        key = delivery_key(delivery)
        if (store, key) in seen:
            continue
        seen.add((store, key))
        try:
            arrived.append(
                Arrived(
                    store, delivery, key, read(delivery.topic, delivery.body, delivery.triggered_at)
                )
            )
        except Malformed as error:
            parked.append(
                Parked(delivery, error.reason, error.detail, store.tenant_id, store.store_id)
            )
    return arrived, parked


def _received(fresh: Iterable[Arrived]) -> dict[Store, int]:
    received: dict[Store, int] = {}
    for one in fresh:
        at = one.delivery.received_at
        received[one.store] = min(received.get(one.store, at), at)
    return received


async def _route(connection: Connection, shops: set[str]) -> dict[str, Configured]:
    cursor = await connection.execute(_ROUTE, (sorted(shops),))
    return {
        domain: Configured(Store(tenant_id, store_id), timezone, currency, window, since)
        for domain, tenant_id, store_id, timezone, currency, window, since in await cursor.fetchall()
    }


async def _configured(connection: Connection, stores: set[Store]) -> list[Configured]:
    cursor = await connection.execute(
        "SELECT tenant_id, id, timezone, currency, extract(epoch FROM abandonment_window)::int "
        "FROM shops.stores WHERE tenant_id = ANY (%s) AND id = ANY (%s) ORDER BY tenant_id, id",
        (sorted({s.tenant_id for s in stores}), sorted({s.store_id for s in stores})),
    )
    return [
        Configured(Store(tenant_id, store_id), timezone, currency, window)
        for tenant_id, store_id, timezone, currency, window in await cursor.fetchall()
        if Store(tenant_id, store_id) in stores
    ]


def _lock_keys(stores: Iterable[Store]) -> list[int]:
    """In ascending order, so that two batches never wait for each other."""
    return sorted({_lock_key(store) for store in stores})


def _lock_key(store: Store) -> int:
    return store.store_id % 2**31
