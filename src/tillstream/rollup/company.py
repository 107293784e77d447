"""The company a checkout is in: the other checkouts and the orders of its shopper near in time."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from tillstream.foundation.statements import json_text, statement
from tillstream.mirror.merge import Store
from tillstream.mirror.values import instant
from tillstream.rollup.shopper import Placement, infer, twins
from tillstream.rollup.standing import Inferred, Staged, stored

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tillstream.foundation.database import Connection
    from tillstream.mirror.merge import Merged
    from tillstream.rollup.book import Booked
    from tillstream.rollup.life import Life
    from tillstream.rollup.zones import Profile

_PACKAGE = "tillstream.rollup"
_NEAR = statement(_PACKAGE, "near_checkouts")
_MOMENTS = statement(_PACKAGE, "load_moments")
_TOTALS = statement(_PACKAGE, "load_order_totals")
_INFERRED = statement(_PACKAGE, "inferred_checkouts")


class Shopper(NamedTuple):
    """A customer of a store."""

    store: Store
    customer_id: int


class Span(NamedTuple):
    """From one instant to another, both in µs."""

    since: int
    until: int


class Move(NamedTuple):
    """A checkout as it stood, None where it is new, and as it stands."""

    before: Staged | None
    after: Staged


class Spans(dict[Shopper, Span]):
    """From when to when something changed that may bear on a shopper's checkouts."""

    def widen(self, shopper: Shopper, at: int) -> None:
        """Let the span of a shopper reach an instant (µs)."""
        known = self.get(shopper, Span(at, at))
        self[shopper] = Span(min(known.since, at), max(known.until, at))

    def reach(self, one: Staged | None) -> None:
        """Let the span of a checkout's shopper reach over the checkout."""
        if one is not None and one.customer_id is not None and one.life.active_from is not None:
            shopper = Shopper(one.store, one.customer_id)
            self.widen(shopper, one.life.active_from)
            self.widen(shopper, one.life.last_active_at)


async def bought(connection: Connection, merged: Merged, booked: Booked) -> Spans:
    """When orders of customers came, went, moved, or came to another total."""
    spans = Spans()
    for one in (*booked.removed, *booked.added):
        entry = one.entry
        if entry.entry == "placement" and entry.customer_id is not None:
            spans.widen(Shopper(one.source.store, entry.customer_id), entry.at)
    keys = [
        {**change.store.columns, "id": change.after.id}
        for change in merged.orders
        if change.before is not None and change.before.total_price != change.after.total_price
    ]
    if keys:
        cursor = await connection.execute(_INFERRED, (json_text(keys),))
        for tenant_id, store_id, customer_id, at in await cursor.fetchall():
            spans.widen(Shopper(Store(tenant_id, store_id), customer_id), at)
    return spans


async def among_shoppers(
    connection: Connection,
    moved: Sequence[Move],
    spans: Spans,
    profiles: Mapping[Store, Profile],
    placed: Mapping[Shopper, Sequence[Placement]] = MappingProxyType({}),
) -> list[Move]:
    """What the checkouts that moved, and those near them, are to stand like.

    Args:
        connection: in a transaction that holds the stores' locks; the orders are booked.
        moved: as they stand by themselves.
        spans: of all that changed, for every shopper concerned.
        profiles: of every store concerned.
        placed: the orders of those customers whose orders are not the booked ones.
    """
    circles = await _circles(connection, moved, spans, profiles)
    judged = {
        shopper: twins(circle.lives, profiles[shopper.store].window)
        for shopper, circle in circles.items()
    }
    inferred = await _inferred(connection, circles, judged, profiles, placed)
    return [one for one in moved if one.after.customer_id is None] + [
        Move(
            before,
            one._replace(
                twin_of=judged[shopper].get(token), inferred=inferred.get((shopper, token))
            ),
        )
        for shopper, circle in circles.items()
        for token, (before, one) in circle.inner.items()
    ]


class _Circle(NamedTuple):
    """Checkouts of one shopper near in time, by token: those that can be judged, and others."""

    inner: dict[str, Move]
    outer: dict[str, Staged]

    @property
    def lives(self) -> dict[str, Life]:
        lives = {token: one.life for token, one in self.outer.items()}
        return lives | {token: one.after.life for token, one in self.inner.items()}

    def abandoned(self, judged: Mapping[str, str]) -> dict[str, Life]:
        """Those that are counted and abandoned. Further out, the standing is the stored one."""
        lives = {token: one.life for token, one in self.outer.items() if one.twin_of is None}
        lives |= {token: one.after.life for token, one in self.inner.items() if token not in judged}
        return {
            token: one for token, one in lives.items() if one.counted and one.stage == "abandoned"
        }


async def _circles(
    connection: Connection,
    moved: Sequence[Move],
    spans: Spans,
    profiles: Mapping[Store, Profile],
) -> dict[Shopper, _Circle]:
    circles = {shopper: _Circle({}, {}) for shopper in spans}
    fresh = {(one.after.store, one.after.token) for one in moved}
    for one in moved:
        if one.after.customer_id is not None:
            shopper = Shopper(one.after.store, one.after.customer_id)
            circles.setdefault(shopper, _Circle({}, {})).inner[one.after.token] = one
    if not spans:
        return circles
    asked = [_asked(shopper, span, profiles[shopper.store]) for shopper, span in spans.items()]
    cursor = await connection.execute(_NEAR, (json_text(asked),))
    for row, inner in await cursor.fetchall():
        near = stored(row)
        if near.customer_id is None or (near.store, near.token) in fresh:
            continue
        circle = circles[Shopper(near.store, near.customer_id)]
        if inner:
            circle.inner[near.token] = Move(near, near)
        else:
            circle.outer[near.token] = near
    return circles


def _asked(shopper: Shopper, span: Span, profile: Profile) -> dict[str, object]:
    # A run may reach a window past the last activity, and an abandonment is a window after it.
    margin = profile.inference + 2 * profile.window
    return {
        **shopper.store.columns,
        "customer_id": shopper.customer_id,
        "since": instant(span.since),
        "until": instant(span.until),
        "margin": f"{margin // 1_000_000 + 1} seconds",
    }


async def _inferred(
    connection: Connection,
    circles: Mapping[Shopper, _Circle],
    judged: Mapping[Shopper, Mapping[str, str]],
    profiles: Mapping[Store, Profile],
    placed: Mapping[Shopper, Sequence[Placement]],
) -> dict[tuple[Shopper, str], Inferred]:
    """Which of the checkouts that can be judged another order of their shopper made good."""
    abandoned = {
        shopper: lives
        for shopper, circle in circles.items()
        if (lives := circle.abandoned(judged[shopper]))
    }
    if not abandoned:
        return {}
    moments = {**await _moments(connection, abandoned), **placed}
    found = {
        (shopper, token): placement
        for shopper, lives in abandoned.items()
        for token, placement in infer(
            lives, moments.get(shopper, []), profiles[shopper.store].inference
        ).items()
        if token in circles[shopper].inner
    }
    totals = await _totals(connection, found)
    return {
        key: Inferred(one.order_id, one.at, total)
        for key, one in found.items()
        # An order that is booked and not there is a fault, which a rebuild puts right.
        if (total := totals.get((key[0].store, one.order_id))) is not None
    }


async def _moments(
    connection: Connection, shoppers: Iterable[Shopper]
) -> dict[Shopper, list[Placement]]:
    """All orders of these customers, as they are booked."""
    keys = [{**one.store.columns, "customer_id": one.customer_id} for one in shoppers]
    cursor = await connection.execute(_MOMENTS, (json_text(keys),))
    return {
        Shopper(Store(tenant_id, store_id), customer_id): [Placement(*one) for one in moments]
        for tenant_id, store_id, customer_id, moments in await cursor.fetchall()
    }


async def _totals(
    connection: Connection, found: Mapping[tuple[Shopper, str], Placement]
) -> dict[tuple[Store, int], int]:
    """What these orders come to, in ten-thousandths."""
    if not found:
        return {}
    keys = [{**shopper.store.columns, "id": one.order_id} for (shopper, _), one in found.items()]
    cursor = await connection.execute(_TOTALS, (json_text(keys),))
    return {
        (Store(tenant_id, store_id), key): total
        for tenant_id, store_id, key, total in await cursor.fetchall()
    }
