"""The time zone and currency of a store's figures, and re-dating the past when the zone changes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from tillstream.foundation.statements import statement
from tillstream.mirror.merge import Store
from tillstream.rollup.buckets import bucket
from tillstream.rollup.rhythm import FIRST, Pair, pairs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tillstream.foundation.database import Connection

_PACKAGE = "tillstream.rollup"
_LOAD = statement(_PACKAGE, "load_zones")
_SAVE = statement(_PACKAGE, "save_zone")
_REDATE = statement(_PACKAGE, "redate_ledger")
_RESUM = statement(_PACKAGE, "resum")
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


async def settle_zones(
    connection: Connection, stores: Iterable[Configured]
) -> dict[Store, Profile]:
    """The profile of each store in force from now on; where its zone is new, the past is re-dated."""
    configured = {one.store: one for one in stores}
    keys = [store._asdict() for store in configured]
    cursor = await connection.execute(_LOAD, (msgspec.json.encode(keys).decode(),))
    profiles: dict[Store, Profile] = {}
    for tenant_id, store_id, told_zone, told_currency, zone, currency in await cursor.fetchall():
        store = Store(tenant_id, store_id)
        account = configured[store]
        profile = Profile(
            told_zone or account.timezone or "UTC",
            told_currency or account.currency,
            account.window_seconds * 1_000_000,
        )
        profiles[store] = profile
        if (profile.timezone, profile.currency) != (zone, currency):
            await connection.execute(_SAVE, (*store, profile.timezone, profile.currency))
            if zone is not None and zone != profile.timezone:
                await redate(connection, store, profile.timezone)
    return profiles


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
    await connection.execute(_RESUM, store)
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
