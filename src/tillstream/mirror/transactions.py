"""Order transactions: ``order_transactions/create``, and those that travel inside refunds.

Of how somebody paid only the gateway is mirrored: no card, no receipt.
https://shopify.dev/docs/api/admin-rest/latest/resources/transaction
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from tillstream.mirror.change import Body, Change
from tillstream.mirror.join import Element, Fields, layer, merged
from tillstream.mirror.reading import (
    Readers,
    as_amount,
    as_flag,
    as_text,
    fields,
    filled,
    named,
    present,
)
from tillstream.mirror.values import identifier, mapping, moment, objects, optional_identifier


class Transaction(msgspec.Struct, frozen=True):
    """A merged transaction. Times in µs, ``amount`` in ten-thousandths of ``currency``.

    The currency is the transaction's own, which need not be the shop's.
    """

    id: int
    order_id: int | None = None
    parent_id: int | None = None
    kind: str | None = None
    status: str | None = None
    amount: int | None = None
    currency: str | None = None
    gateway: str | None = None
    test: bool = False
    created_at: int | None = None
    processed_at: int | None = None


def read(body: Body) -> list[Change]:
    """``order_transactions/create``, which also comes when a status changes."""
    return [_change(body, {})]


def read_of_refund(refund: Body) -> list[Change]:
    """The transactions inside a refund; one without an id is a promise, and not read."""
    listed = refund.get("transactions")
    if not listed:
        return []
    order_id = optional_identifier(refund.get("order_id"), "order_id")
    beside: Fields = {} if order_id is None else {"order_id": order_id}
    return [
        _change(one, beside)
        for one in objects(listed, "transactions")
        if one.get("id") not in (None, "", 0)
    ]


def read_of_order(body: Body) -> list[Change]:
    """The transactions inside the refunds of an order."""
    told: Any = body.get("refunds")
    if not told:
        return []
    return [change for one in objects(told, "refunds") for change in read_of_refund(mapping(one))]


def view(transaction_id: int, element: Element) -> Transaction:
    """The merged transaction of an element."""
    return msgspec.convert({**merged(element.layers), "id": transaction_id}, Transaction)


def _change(body: Body, beside: Fields) -> Change:
    # Inside a refund the currency is null where the transaction's own delivery names it: none of
    # these facts is ever taken back, so null tells nothing.
    told = {**beside, **present(fields(body, _READERS))}
    at = told.get("processed_at") or told.get("created_at") or 0
    rank = _PROGRESS.get(told.get("status") or "", 0) * 100 + filled(told)
    return Change(
        "transaction",
        identifier(body.get("id"), "transactions.id"),
        Element(layers=layer(at, rank, told)),
    )


_PROGRESS: Final = {"failure": 1, "error": 1, "success": 2}
"""What is pending is decided once."""

_READERS: Final[Readers] = {
    **named(optional_identifier, "order_id", "parent_id"),
    **named(as_text, "kind", "status", "currency", "gateway"),
    **named(as_amount, "amount"),
    **named(as_flag, "test"),
    **named(moment, "created_at", "processed_at"),
}
