"""Disputes of Shopify Payments: ``disputes/create`` and ``/update``.

https://shopify.dev/docs/api/admin-rest/latest/resources/dispute
"""

from __future__ import annotations

from typing import Final

import msgspec

from tillstream.mirror.change import Body, Change
from tillstream.mirror.join import Element, Fields, layer, merged
from tillstream.mirror.reading import Readers, as_amount, as_text, fields, filled, named
from tillstream.mirror.values import identifier, moment, optional_identifier


class Dispute(msgspec.Struct, frozen=True):
    """A merged dispute. Times in µs, ``amount`` in ten-thousandths of ``currency``."""

    id: int
    order_id: int | None = None
    type: str | None = None
    amount: int | None = None
    currency: str | None = None
    reason: str | None = None
    status: str | None = None
    initiated_at: int | None = None
    finalized_on: int | None = None


def read(body: Body) -> list[Change]:
    """``disputes/create`` and ``disputes/update``."""
    told = fields(body, _READERS)
    element = Element(layers=layer(_latest(body, told), _rank(told), told))
    return [Change("dispute", identifier(body.get("id"), "id"), element)]


def view(dispute_id: int, element: Element) -> Dispute:
    """The merged dispute of an element."""
    return msgspec.convert({**merged(element.layers), "id": dispute_id}, Dispute)


def _latest(body: Body, told: Fields) -> int:
    """When the last thing happened that a body tells of: there is no ``updated_at``."""
    sent = moment(body.get("evidence_sent_on"), "evidence_sent_on")
    return told.get("finalized_on") or sent or told.get("initiated_at") or 0


def _rank(told: Fields) -> int:
    """How far a dispute has come: an inquiry may become a chargeback, never the other way."""
    return (
        (told.get("type") == "chargeback") * 1000
        + _PROGRESS.get(told.get("status") or "", 0) * 100
        + filled(told)
    )


_PROGRESS: Final = {
    "under_review": 1, "charge_refunded": 2, "accepted": 2, "prevented": 2, "lost": 3, "won": 3,
}  # fmt: skip

_READERS: Final[Readers] = {
    **named(optional_identifier, "order_id"),
    **named(as_text, "type", "currency", "reason", "status"),
    **named(as_amount, "amount"),
    **named(moment, "initiated_at", "finalized_on"),
}
