"""Tender transactions: ``tender_transactions/create``, money that moved between buyer and shop.

https://shopify.dev/docs/api/admin-rest/latest/resources/tendertransaction
"""

from __future__ import annotations

from typing import Final

import msgspec

from tillstream.mirror.change import Body, Change
from tillstream.mirror.join import Element, layer, merged
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
from tillstream.mirror.values import identifier, moment, optional_identifier


class TenderTransaction(msgspec.Struct, frozen=True):
    """A merged tender transaction. Times in µs, ``amount`` in ten-thousandths of ``currency``.

    Money given back is negative.
    """

    id: int
    order_id: int | None = None
    amount: int | None = None
    currency: str | None = None
    payment_method: str | None = None
    processed_at: int | None = None
    test: bool = False


def read(body: Body) -> list[Change]:
    """``tender_transactions/create``. The facts never change, so null tells nothing."""
    told = present(fields(body, _READERS))
    at = moment(body.get("updated_at"), "updated_at") or told.get("processed_at") or 0
    element = Element(layers=layer(at, filled(told), told))
    return [Change("tender_transaction", identifier(body.get("id"), "id"), element)]


def view(transaction_id: int, element: Element) -> TenderTransaction:
    """The merged tender transaction of an element."""
    return msgspec.convert({**merged(element.layers), "id": transaction_id}, TenderTransaction)


_READERS: Final[Readers] = {
    **named(optional_identifier, "order_id"),
    **named(as_amount, "amount"),
    **named(as_text, "currency", "payment_method"),
    **named(moment, "processed_at"),
    **named(as_flag, "test"),
}
