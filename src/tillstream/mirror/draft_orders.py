"""Draft orders: ``draft_orders/*``. No sale before it is completed: then ``order_id`` is set.

https://shopify.dev/docs/api/admin-rest/latest/resources/draftorder
"""

from __future__ import annotations

from typing import Final

import msgspec

from tillstream.mirror.change import Body, Change
from tillstream.mirror.join import Element, Fields, layer, merged, newest
from tillstream.mirror.reading import (
    Readers,
    as_amount,
    as_customer_id,
    as_text,
    fields,
    filled,
    gone,
    named,
)
from tillstream.mirror.values import identifier, moment, optional_identifier


class DraftOrder(msgspec.Struct, frozen=True):
    """A merged draft order. Times in µs, ``total_price`` in ten-thousandths of ``currency``."""

    id: int
    deleted: bool
    updated_at: int | None
    order_id: int | None = None
    customer_id: int | None = None
    name: str | None = None
    status: str | None = None
    currency: str | None = None
    total_price: int | None = None
    created_at: int | None = None
    completed_at: int | None = None


def read(body: Body) -> list[Change]:
    """``draft_orders/create`` and ``draft_orders/update``."""
    told = fields(body, _READERS)
    at = moment(body.get("updated_at"), "updated_at") or told.get("created_at") or 0
    element = Element(layers=layer(at, _rank(told), told))
    return [Change("draft_order", identifier(body.get("id"), "id"), element)]


def read_delete(body: Body) -> list[Change]:
    """``draft_orders/delete``: of what else the body has, only the id counts."""
    return [gone("draft_order", body)]


def view(draft_order_id: int, element: Element) -> DraftOrder:
    """The merged draft order of an element."""
    return msgspec.convert(
        {
            **merged(element.layers),
            "id": draft_order_id,
            "deleted": element.deleted,
            "updated_at": newest(element.layers),
        },
        DraftOrder,
    )


def _rank(told: Fields) -> int:
    """How far a draft has come, for bodies of one second."""
    return (
        (told.get("completed_at") is not None or told.get("order_id") is not None) * 1000
        + (told.get("status") == "invoice_sent") * 100
        + filled(told)
    )


_READERS: Final[Readers] = {
    **named(optional_identifier, "order_id"),
    **named(as_customer_id, customer="customer_id"),
    **named(as_text, "name", "status", "currency"),
    **named(as_amount, "total_price"),
    **named(moment, "created_at", "completed_at"),
}
