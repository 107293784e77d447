"""The time zone and currency of a store's figures, and re-dating the past when the zone changes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from tillstream.foundation.statements import statement
from tillstream.mirror.merge import Store
from tillstream.rollup.buckets import bucket
from tillstream.rollup.ledger_statements import RESUM
from tillstream.rollup.rhythm import FIRST, Pair, pairs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tillstream.foundation.database import Connection

_PACKAGE = "tillstream.rollup"
_LOAD = statement(_PACKAGE, "load_zones")
_SAVE = statement(_PACKAGE, "save_zone")
_REDATE = statement(_PACKAGE, "redate_ledger")
_ADD_RHYTHM = statement(_PACKAGE, "add_rhythm")
_SWEEP_RHYTHM = statement(_PACKAGE, "sweep_rhythm")
_CHUNK = 20_000


class Profile(NamedTuple):
    """What dates and labels a store's figures. ``window`` is in µs."""

    timezone: str
    currency: str | None
    window: int


class Configured(NamedTuple):
    """What the account says of a store; Shopify's word, where it has come, goes before it."""

    store: Store
    timezone: str | None
    currency: str | None
    window_seconds: int


class Settled(NamedTuple):
    """Profiles in force, and the stores whose window is another than their checkouts were judged by."""

    profiles: dict[Store, Profile]
    rejudged: list[Store]


async def settle_zones(connection: Connection, stores: Iterable[Configured]) -> Settled:
    """The profile of each store in force from now on; where its zone is new, the past is re-dated."""
    settled = Settled({}, [])
    for store, profile, before in await _compare(connection, stores):
        settled.profiles[store] = profile
        window_seconds = profile.window // 1_000_000
        if before == (profile.timezone, profile.currency, window_seconds):
            continue
        await connection.execute(
            _SAVE, (*store, profile.timezone, profile.currency, window_seconds)
        )
        dated_with, _, judged_by = before
        if dated_with not in {None, profile.timezone}:
            await redate(connection, store, profile.timezone)
        if judged_by not in {None, window_seconds}:
            settled.rejudged.append(store)
    return settled


async def read_profiles(
    connection: Connection, stores: Iterable[Configured]
) -> dict[Store, Profile]:
    """The profile that each store should have; nothing is written."""
    return {store: profile for store, profile, _ in await _compare(connection, stores)}


async def _compare(
    connection: Connection, stores: Iterable[Configured]
) -> list[tuple[Store, Profile, tuple[str | None, str | None, int | None]]]:
    """For each store the profile it should have, and what its figures were made with."""
    configured = {one.store: one for one in stores}
    keys = [store._asdict() for store in configured]
    cursor = await connection.execute(_LOAD, (msgspec.json.encode(keys).decode(),))
    result: list[tuple[Store, Profile, tuple[str | None, str | None, int | None]]] = []
    for tenant_id, store_id, told_zone, told_currency, *before in await cursor.fetchall():
        store = Store(tenant_id, store_id)
        account = configured[store]
        profile = Profile(
            told_zone or account.timezone or "UTC",
            told_currency or account.currency,
            account.window_seconds * 1_000_000,
        )
        zone, currency, window_seconds = before
        result.append((store, profile, (zone, currency, window_seconds)))
    return result


async def redate(connection: Connection, store: Store, timezone: str) -> None:
    """Put every entry of a store into the hours and days of another zone, and sum anew."""
    cursor = await connection.execute(
        "SELECT DISTINCT (extract(epoch FROM at) * 1000000)::bigint FROM rollup.ledger "
        "WHERE tenant_id = %s AND store_id = %s",
        store,
    )
    rows = [{"at": at, **bucket(at, timezone)._asdict()} for (at,) in await cursor.fetchall()]
    for start in range(0, len(rows), _CHUNK):
        await connection.execute(
            _REDATE, (msgspec.json.encode(rows[start : start + _CHUNK]).decode(), *store)
        )
    await connection.execute(
        "DELETE FROM rollup.sums WHERE tenant_id = %s AND store_id = %s", store
    )
    await connection.execute(RESUM, store)
    await _redate_rhythm(connection, store, timezone)


async def _redate_rhythm(connection: Connection, store: Store, timezone: str) -> None:
    cursor = await connection.execute(
        "SELECT moments FROM rollup.customers WHERE tenant_id = %s AND store_id = %s", store
    )
    counted: Counter[Pair] = Counter()
    for (moments,) in await cursor.fetchall():
        counted.update(pairs(moments, lambda at: bucket(at, timezone).day))
    await connection.execute(
        "DELETE FROM rollup.rhythm WHERE tenant_id = %s AND store_id = %s", store
    )
    await add_rhythm(connection, {(store, pair): orders for pair, orders in counted.items()})


async def add_rhythm(connection: Connection, differences: dict[tuple[Store, Pair], int]) -> None:
    """Add differences to ``rollup.rhythm``."""
    rows: list[dict[str, Any]] = [
        {
            **store._asdict(),
            "day": pair.day,
            "previous_day": "-infinity" if pair.previous_day == FIRST else pair.previous_day,
            "second": pair.second,
            "orders": orders,
        }
        for (store, pair), orders in sorted(differences.items())
        if orders
    ]
    if rows:
        await connection.execute(_ADD_RHYTHM, (msgspec.json.encode(rows).decode(),))
    lessened = [row for row in rows if row["orders"] < 0]
    if lessened:
        await connection.execute(_SWEEP_RHYTHM, (msgspec.json.encode(lessened).decode(),))
