"""Reading stored deliveries back as a claim."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tillstream.journal.contract import Claim
from tillstream.journal.encoding import Undecodable, decode_deliveries

if TYPE_CHECKING:
    from uuid import UUID

    from tillstream.journal.contract import Delivery


def read_claim(
    partition: int,
    frame_id: UUID | None,
    held_id: int | None,
    attempt: int,
    size: int,
    stored: bytes | None,
) -> Claim:
    """A claim of stored deliveries; one that cannot be read says so and carries its bytes."""
    deliveries: list[Delivery] = []
    fault = ""
    try:
        deliveries = decode_deliveries(stored or b"")
    except Undecodable as error:
        fault = str(error)
    if frame_id is not None and not fault and len(deliveries) != size:
        fault = f"it holds {len(deliveries)} deliveries, but {size} were accepted"
        deliveries = []
    return Claim(partition, attempt, deliveries, frame_id, held_id, size, stored or b"", fault)
