"""Fulfillments: ``fulfillments/create`` and ``/update``. Where a parcel goes is not mirrored.

https://shopify.dev/docs/api/admin-rest/latest/resources/fulfillment
"""

from __future__ import annotations

from typing import Final

import msgspec

from tillstream.mirror.change import Body, Change
from tillstream.mirror.join import Element, Fields, layer, merged, newest
from tillstream.mirror.reading import Readers, as_text, fields, filled, named
from tillstream.mirror.values import identifier, moment, optional_identifier


class Fulfillment(msgspec.Struct, frozen=True):
    """A merged fulfillment. Times in µs since the epoch."""

    id: int
    updated_at: int | None
    order_id: int | None = None
    status: str | None = None
    shipment_status: str | None = None
    location_id: int | None = None
    service: str | None = None
    name: str | None = None
    created_at: int | None = None


def read(body: Body) -> list[Change]:
    """``fulfillments/create`` and ``fulfillments/update``."""
    told = fields(body, _READERS)
    at = moment(body.get("updated_at"), "updated_at") or told.get("created_at") or 0
    element = Element(layers=layer(at, _rank(told), told))
    return [Change("fulfillment", identifier(body.get("id"), "id"), element)]


def view(fulfillment_id: int, element: Element) -> Fulfillment:
    """The merged fulfillment of an element."""
    return msgspec.convert(
        {
            **merged(element.layers),
            "id": fulfillment_id,
            "updated_at": newest(element.layers),
        },
        Fulfillment,
    )


def _rank(told: Fields) -> int:
    """How far a parcel has come, for bodies of one second."""
    return (
        _PROGRESS.get(told.get("status") or "", 0) * 1000
        + _JOURNEY.get(told.get("shipment_status") or "", 0) * 20
        + filled(told)
    )


_PROGRESS: Final = {"open": 1, "success": 2, "error": 3, "failure": 3, "cancelled": 4}
_JOURNEY: Final = {
    "label_printed": 1, "label_purchased": 1, "confirmed": 2, "in_transit": 3, "out_for_delivery": 4,
    "attempted_delivery": 5, "ready_for_pickup": 5, "failure": 6, "delivered": 7,
}  # fmt: skip

_READERS: Final[Readers] = {
    **named(optional_identifier, "order_id", "location_id"),
    **named(as_text, "status", "shipment_status", "service", "name"),
    **named(moment, "created_at"),
}
