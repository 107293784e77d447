"""The time zone and currency of a store's figures, and re-dating the past when the zone changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tillstream.foundation.statements import json_text, statement
from tillstream.mirror.merge import Store
from tillstream.rollup.buckets import bucket
from tillstream.rollup.resum import resum

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tillstream.foundation.database import Connection

_PACKAGE = "tillstream.rollup"
_LOAD = statement(_PACKAGE, "load_zones")
_SAVE = statement(_PACKAGE, "save_zone")
_REDATE = statement(_PACKAGE, "redate_ledger")
_CHUNK = 20_000


class Profile(NamedTuple):
    """What dates and labels a store's figures, and judges its checkouts.

    ``window`` is the idle time in µs after which a checkout counts as abandoned, ``inference`` the
    longest time in µs from there to an order that it may have led to.
    """

    timezone: str
    currency: str | None
    window: int
    inference: int = 7 * 24 * 3600 * 1_000_000


class _Made(NamedTuple):
    """What a store's figures were made with; nothing where there are none yet."""

    timezone: str | None
    currency: str | None
    window_seconds: int | None
    inference_seconds: int | None

    @staticmethod
    def by(profile: Profile) -> _Made:
        """What figures are made with from now on."""
        window, inference = (span // 1_000_000 for span in (profile.window, profile.inference))
        return _Made(profile.timezone, profile.currency, window, inference)


class Configured(NamedTuple):
    """What the account says of a store; Shopify's word, where it has come, goes before it."""

    store: Store
    timezone: str | None
    currency: str | None
    window_seconds: int
    since: int = 0
    """What was received before (µs since the epoch) was for an account that had the shop then."""


class Settled(NamedTuple):
    """Profiles in force, and the stores whose checkouts were judged by another window than is set."""

    profiles: dict[Store, Profile]
    rejudged: list[Store]


async def settle_zones(connection: Connection, stores: Iterable[Configured]) -> Settled:
    """The profile of each store in force from now on; where its zone is new, the past is re-dated."""
    settled = Settled({}, [])
    for store, profile, before in await _compare(connection, stores):
        settled.profiles[store] = profile
        made = _Made.by(profile)
        if before == made:
            continue
        await connection.execute(_SAVE, (*store, *made))
        if before.timezone not in {None, made.timezone}:
            await redate(connection, store, profile.timezone)
        if before.window_seconds is not None and before[2:] != made[2:]:
            settled.rejudged.append(store)
    return settled


async def read_profiles(
    connection: Connection, stores: Iterable[Configured]
) -> dict[Store, Profile]:
    """The profile that each store should have; nothing is written."""
    return {store: profile for store, profile, _ in await _compare(connection, stores)}


async def _compare(
    connection: Connection, stores: Iterable[Configured]
) -> list[tuple[Store, Profile, _Made]]:
    """For each store the profile it should have, and what its figures were made with."""
    configured = {one.store: one for one in stores}
    keys = [store._asdict() for store in configured]
    cursor = await connection.execute(_LOAD, (json_text(keys),))
    result: list[tuple[Store, Profile, _Made]] = []
    for tenant_id, store_id, zone, currency, inference, *before in await cursor.fetchall():
        store = Store(tenant_id, store_id)
        account = configured[store]
        profile = Profile(
            zone or account.timezone or "UTC",
            currency or account.currency,
            int(account.window_seconds * 1_000_000),
            inference * 1_000_000,
        )
        result.append((store, profile, _Made(*before)))
    return result


async def redate(connection: Connection, store: Store, timezone: str) -> None:
    """Put every entry of a store into the hours and days of another zone, and sum anew."""
    # All of a store is no matter of keys: not where the worker's session is set to go by them either.
    await connection.execute("SET LOCAL enable_hashjoin = on")
    cursor = await connection.execute(
        "SELECT DISTINCT (extract(epoch FROM at) * 1000000)::bigint FROM rollup.ledger "
        "WHERE tenant_id = %s AND store_id = %s",
        store,
    )
    rows = [{"at": at, **bucket(at, timezone)._asdict()} for (at,) in await cursor.fetchall()]
    for start in range(0, len(rows), _CHUNK):
        await connection.execute(_REDATE, (json_text(rows[start : start + _CHUNK]), *store))
    await resum(connection, store, timezone)
