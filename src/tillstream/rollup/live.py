"""What those who watch are told: a row for each store that a batch changed."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, LiteralString, TypeAlias

import msgspec
from psycopg.types.json import Json

from tillstream.foundation.money import format_money
from tillstream.foundation.statements import json_text, statement
from tillstream.mirror.rows import instant
from tillstream.rollup.entries import total_sales

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from tillstream.foundation.database import Connection
    from tillstream.mirror.merge import Merged, Store
    from tillstream.mirror.orders import Order
    from tillstream.rollup.book import Booked, Posted
    from tillstream.rollup.happenings import Amounts
    from tillstream.rollup.standing import Staged
    from tillstream.rollup.zones import Profile

Kind: TypeAlias = Literal[
    "order", "refund", "cancellation", "checkout_abandoned", "checkout_recovered"
]

FEED_LENGTH = 20
"""Happenings that one live row tells of at most: the newest."""

FEED_AGE = 24 * 3600 * 1_000_000
"""µs after which a happening is history and no longer news, so that an import tells of none."""

KEPT = 3600
"""Seconds for which live rows can be resumed from."""

_ANNOUNCE = statement("tillstream.rollup", "announce")
_FEEDS: LiteralString = """
SELECT id, data FROM rollup.live WHERE tenant_id = %s AND store_id = %s AND data->'feed'->0 IS NOT NULL
ORDER BY id
"""
_REWRITE: LiteralString = "UPDATE rollup.live SET data = %s WHERE tenant_id = %s AND id = %s"


class Happening(msgspec.Struct, frozen=True):
    """One line of the live feed."""

    kind: Kind
    id: str
    title: str
    customer: str | None
    amount: str
    currency: str
    at: datetime


class News(msgspec.Struct, frozen=True):
    """The data of one live row."""

    store: str
    at: datetime
    changed: list[str]
    feed: list[Happening]
    received_at: datetime | None


def news(
    merged: Merged,
    staged: Sequence[Staged],
    booked: Booked,
    profiles: Mapping[Store, Profile],
    received: Mapping[Store, int],
    now: int,
) -> dict[Store, News]:
    """What a batch amounts to for those who watch, by store. Pure.

    Args:
        merged: what it changed in the mirror.
        staged: the checkouts it moved.
        booked: the entries that went and came.
        profiles: currencies.
        received: the earliest arrival (µs) among a store's deliveries of this batch.
        now: µs since the epoch.
    """
    changed: defaultdict[Store, set[str]] = defaultdict(set)
    for one in (*booked.removed, *booked.added):
        changed[one.source.store].add("sales" if one.source.source == "order" else "checkouts")
    for names, changes in (
        (("sales", "customers"), merged.orders),
        (("checkouts",), merged.checkouts),
        (("customers",), merged.customers),
        (("products",), merged.products),
        (("shop",), merged.shops),
    ):
        for change in changes:
            changed[change.store].update(names)
    for one in staged:
        changed[one.store].add("checkouts")
    feed = _feed(merged, staged, booked, profiles, now)
    at = instant(now)
    assert at is not None  # noqa: S101 - `now` is a number
    return {
        store: News(
            store=str(store.store_id),
            at=at,
            changed=sorted(names),
            feed=sorted(feed[store], key=lambda item: item.at)[-FEED_LENGTH:],
            received_at=instant(received.get(store)),
        )
        for store, names in sorted(changed.items())
    }


async def announce(connection: Connection, told: Mapping[Store, News]) -> None:
    """Write the live rows and wake those who watch, at commit. The last step of a batch."""
    if not told:
        return
    rows = [
        {"tenant_id": store.tenant_id, "store_id": store.store_id, "data": data}
        for store, data in told.items()
    ]
    await connection.execute(_ANNOUNCE, (json_text(rows),))


async def expire_live(connection: Connection) -> None:
    """Forget the live rows, of whatever tenant, that nobody can resume from any more."""
    await connection.execute("SELECT rollup.expire_live(make_interval(secs => %s))", (KEPT,))


def _feed(
    merged: Merged,
    staged: Sequence[Staged],
    booked: Booked,
    profiles: Mapping[Store, Profile],
    now: int,
) -> defaultdict[Store, list[Happening]]:
    feed: defaultdict[Store, list[Happening]] = defaultdict(list)
    orders = {(change.store, str(change.after.id)): change.after for change in merged.orders}
    checkouts = {(one.store, one.token): one for one in staged}
    known = {(one.source, one.entry.entry): one for one in booked.removed}
    for one in booked.added:
        store = one.source.store
        before = known.get((one.source, one.entry.entry))
        if before is not None and not _recovered_now(before, one):
            continue
        order = orders.get((store, one.source.source_id))
        checkout = checkouts.get((store, one.source.source_id))
        if one.source.source == "order" and order is not None:
            happening = _of_order(one, order)
        elif one.entry.entry == "abandonment" and checkout is not None:
            happening = _of_checkout(checkout, profiles[store].currency)
        else:
            continue
        if happening is not None and _age(happening, now) <= FEED_AGE:
            feed[store].append(happening)
    return feed


def _age(happening: Happening, now: int) -> int:
    return now - int(happening.at.timestamp() * 1_000_000)


def _of_order(posted: Posted, order: Order) -> Happening | None:
    entry = posted.entry
    kind: Kind
    if entry.entry == "placement":
        kind, amount = "order", order.total_price
    elif entry.entry.startswith("refund:"):
        kind, amount = "refund", _given_back(entry.amounts)
    elif entry.entry == "cancellation":
        kind, amount = "cancellation", order.total_price
    else:
        return None
    currency = order.currency or ""
    return _happening(
        kind,
        f"{order.id}:{entry.entry}",
        order.name or f"#{order.id}",
        order.customer_name,
        amount,
        currency,
        entry.at,
    )


def _given_back(amounts: Amounts) -> int:
    """The money of a refund: of sales, of gift cards and tips, and beyond."""
    beside = amounts.get("gift_cards_sold", 0) + amounts.get("tips", 0)
    return amounts.get("refund_adjustments", 0) - total_sales(amounts) - beside


def _recovered_now(before: Posted, after: Posted) -> bool:
    """Whether an abandonment that was known already is one that was made good since."""
    return after.entry.amounts.get("recovered_checkouts", 0) > before.entry.amounts.get(
        "recovered_checkouts", 0
    )


def _of_checkout(staged: Staged, currency: str | None) -> Happening | None:
    checkout, stage = staged.checkout, staged.life
    if checkout is None:
        return None
    shown = checkout.currency or currency or ""
    who = checkout.customer_name
    if stage.stage == "recovered" and stage.completed_at is not None:
        amount, at = staged.recovered_value, stage.completed_at
        title = checkout.name or "Checkout"
        return _happening(
            "checkout_recovered", f"{checkout.token}:recovered", title, who, amount, shown, at
        )
    if stage.abandoned_at is not None:
        title, amount, at = checkout.name or "Checkout", checkout.total_price, stage.abandoned_at
        return _happening(
            "checkout_abandoned", f"{checkout.token}:abandoned", title, who, amount, shown, at
        )
    return None


def _happening(  # noqa: PLR0913, PLR0917 - the fields of a line
    kind: Kind, key: str, title: str, customer: str | None, amount: int, currency: str, at: int
) -> Happening:
    when: Any = instant(at)
    return Happening(kind, key, title, customer, format_money(amount, currency), currency, when)


async def forget_in_feed(connection: Connection, store: Store, keys: Collection[str]) -> int:
    """Take the names out of what the live rows still tell of these orders and checkouts; how many rows.

    ``keys`` are ids of orders and tokens of checkouts.
    """
    cursor = await connection.execute(_FEEDS, store)
    changed = 0
    for live_id, data in await cursor.fetchall():
        named = [item for item in data["feed"] if item["customer"] and _of(item["id"]) in keys]
        if not named:
            continue
        for item in named:
            item["customer"] = None
        changed += 1
        await connection.execute(_REWRITE, (Json(data), store.tenant_id, live_id))
    return changed


def _of(key: str) -> str:
    """The order or checkout of a happening."""
    return key.partition(":")[0]
