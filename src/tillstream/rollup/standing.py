"""A checkout as it stands in the figures, and as a row of ``rollup.checkouts``. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tillstream.mirror.merge import Store
from tillstream.mirror.values import EPOCH, microseconds
from tillstream.rollup.checkout_entries import Worth, checkout_entries
from tillstream.rollup.life import Life, Stage

if TYPE_CHECKING:
    from tillstream.mirror.checkouts import Checkout
    from tillstream.rollup.entries import Entry


class Inferred(NamedTuple):
    """The order by which the shopper of an abandoned checkout probably bought after all.

    ``at`` in µs, ``total`` of the order in ten-thousandths.
    """

    order_id: int
    at: int
    total: int


class Staged(NamedTuple):
    """A checkout in its stage, with what orders and the shopper's other checkouts make of it.

    Money in ten-thousandths. ``checkout`` is None where it moved only because another one did.
    """

    store: Store
    token: str
    customer_id: int | None
    life: Life
    value: int
    order_id: int | None
    recovered_value: int
    """What the shopper paid in the end; 0 where it was not recovered."""
    twin_of: str | None = None
    inferred: Inferred | None = None
    checkout: Checkout | None = None

    @property
    def counted(self) -> bool:
        """Whether figures know of it."""
        return self.life.counted and self.twin_of is None

    @property
    def alone(self) -> Staged:
        """What does not depend on the shopper's other checkouts and orders."""
        return self._replace(twin_of=None, inferred=None, checkout=None)

    @property
    def entries(self) -> list[Entry]:
        """What it puts into the ledger."""
        if not self.counted:
            return []
        inferred = None if self.inferred is None else self.inferred.total
        worth = Worth(self.value, self.recovered_value, inferred)
        return checkout_entries(self.life, worth, self.customer_id)


class Row(msgspec.Struct, frozen=True):
    """A row of ``rollup.checkouts``: its columns, by their names."""

    tenant_id: int
    store_id: int
    token: str
    customer_id: int | None
    stage: Stage
    counted: bool
    started_at: datetime
    last_active_at: datetime
    abandoned_at: datetime | None
    abandonment_times: tuple[datetime, ...]
    recovered_at: datetime | None
    completed_at: datetime | None
    deadline: datetime | None
    active_from: datetime | None
    active_until: datetime | None
    value: int
    order_id: int | None
    recovered_value: int
    twin_of: str | None
    inferred_order_id: int | None
    inferred_at: datetime | None
    inferred_value: int | None


def row_of(one: Staged) -> Row:
    """The row in which a checkout's standing is kept."""
    stands, inferred = one.life, one.inferred
    return Row(
        tenant_id=one.store.tenant_id,
        store_id=one.store.store_id,
        token=one.token,
        customer_id=one.customer_id,
        stage=stands.stage,
        counted=one.counted,
        started_at=_instant(stands.started_at),
        last_active_at=_instant(stands.last_active_at),
        abandoned_at=_perhaps(stands.abandoned_at),
        abandonment_times=tuple(_instant(at) for at in stands.abandonments),
        recovered_at=_perhaps(stands.recovered_at),
        completed_at=_perhaps(stands.completed_at),
        deadline=_perhaps(stands.deadline),
        active_from=_perhaps(stands.active_from),
        active_until=_perhaps(stands.active_until),
        value=one.value,
        order_id=one.order_id,
        recovered_value=one.recovered_value,
        twin_of=one.twin_of,
        inferred_order_id=None if inferred is None else inferred.order_id,
        inferred_at=None if inferred is None else _instant(inferred.at),
        inferred_value=None if inferred is None else inferred.total,
    )


def stored(text: str) -> Staged:
    """The standing that a row of ``rollup.checkouts``, as JSON, says: the inverse of :func:`row_of`."""
    row = msgspec.json.decode(text, type=Row)
    inferred = (
        None
        if row.inferred_order_id is None or row.inferred_at is None or row.inferred_value is None
        else Inferred(row.inferred_order_id, microseconds(row.inferred_at), row.inferred_value)
    )
    return Staged(
        Store(row.tenant_id, row.store_id),
        row.token,
        row.customer_id,
        Life(
            row.stage,
            # Only one that would be counted by itself is anybody's twin.
            row.counted or row.twin_of is not None,
            microseconds(row.started_at),
            microseconds(row.last_active_at),
            tuple(microseconds(at) for at in row.abandonment_times),
            _since(row.completed_at),
            _since(row.deadline),
            _since(row.active_from),
            _since(row.active_until),
        ),
        row.value,
        row.order_id,
        row.recovered_value,
        row.twin_of,
        inferred,
    )


def _instant(at: int) -> datetime:
    return EPOCH + timedelta(microseconds=at)


def _perhaps(at: int | None) -> datetime | None:
    return None if at is None else _instant(at)


def _since(moment: datetime | None) -> int | None:
    return None if moment is None else microseconds(moment)
