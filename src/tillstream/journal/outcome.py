"""What settling means for the books: who counts as applied, and what is held back. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec

from tillstream.journal.contract import Claim, Delivery, Parked, partition_of
from tillstream.journal.encoding import delivery_key, encode_deliveries, stored_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Kind: TypeAlias = Literal["parked", "unrouted"]

UNDECODABLE: Final = "undecodable_frame"
NOT_CONNECTED: Final = "not_connected"


class HeldDelivery(msgspec.Struct, frozen=True):
    """A delivery to hold back. ``deliveries`` counts it and its repeats."""

    kind: Kind
    key: bytes
    partition: int
    shop: str
    topic: str
    webhook_id: str
    tenant_id: int | None
    store_id: int | None
    reason: str
    detail: str
    stored: bytes
    deliveries: int

    def row(self) -> tuple[object, ...]:
        """Its fields in order."""
        return msgspec.structs.astuple(self)


class Outcome(msgspec.Struct, frozen=True):
    """The whole effect of settling claims."""

    applied: dict[int, int]
    """Deliveries to count as applied, by partition in ascending order (so that locks are taken in order)."""
    released: list[int]
    """Ids of held deliveries that are finished, or held anew under ``held``."""
    held: list[HeldDelivery]
    """One for each key, in the order of the keys."""


def outcome_of(
    claims: Sequence[Claim], parked: Iterable[Parked], unrouted: Iterable[Delivery], partitions: int
) -> Outcome:
    """Sort out ``claims`` of which ``parked`` and ``unrouted`` could not be applied."""
    weights = _weights(claims)
    found: dict[bytes, HeldDelivery] = {}
    seen: Counter[bytes] = Counter()
    for entry in _entries(claims, parked, unrouted, partitions):
        # A held delivery counts with all its repeats the first time it is met, then singly.
        weight = (
            weights.get(entry.key, entry.deliveries) if not seen[entry.key] else entry.deliveries
        )
        seen[entry.key] += weight
        found[entry.key] = entry
    held = [msgspec.structs.replace(found[key], deliveries=seen[key]) for key in sorted(found)]
    applied: Counter[int] = Counter()
    for claim in claims:
        applied[claim.partition] += claim.size
    for entry in held:
        applied[entry.partition] -= entry.deliveries
    released = [claim.held_id for claim in claims if claim.held_id is not None]
    return Outcome({p: applied[p] for p in sorted(applied) if applied[p]}, released, held)


def _weights(claims: Iterable[Claim]) -> dict[bytes, int]:
    return {
        delivery_key(claim.deliveries[0]): claim.size
        for claim in claims
        if claim.held_id is not None and len(claim.deliveries) == 1
    }


def _entries(
    claims: Iterable[Claim], parked: Iterable[Parked], unrouted: Iterable[Delivery], partitions: int
) -> Iterable[HeldDelivery]:
    for claim in claims:
        if claim.fault:
            yield _undecodable(claim)
    for item in parked:
        yield _held("parked", item, partitions)
    for delivery in unrouted:
        detail = f"{delivery.shop} is not connected. Its deliveries are applied once it is."
        yield _held("unrouted", Parked(delivery, NOT_CONNECTED, detail), partitions)


def _held(kind: Kind, item: Parked, partitions: int) -> HeldDelivery:
    delivery = item.delivery
    return HeldDelivery(
        kind,
        delivery_key(delivery),
        partition_of(delivery.shop, partitions),
        delivery.shop,
        delivery.topic,
        delivery.webhook_id,
        item.tenant_id,
        item.store_id,
        item.reason,
        item.detail,
        encode_deliveries([delivery]),
        1,
    )


def _undecodable(claim: Claim) -> HeldDelivery:
    origin = claim.frame_id.hex if claim.frame_id else f"held {claim.held_id}"
    return HeldDelivery(
        "parked",
        stored_key(claim.body or origin.encode()),
        claim.partition,
        "",
        "",
        "",
        None,
        None,
        UNDECODABLE,
        f"Frame {origin} cannot be read ({claim.fault}). Restore it from a backup, "
        "or have Shopify's data imported again.",
        claim.body,
        claim.size,
    )
