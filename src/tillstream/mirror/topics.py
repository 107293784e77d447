"""The register of topics: which are mirrored, and by what. All others are kept and counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tillstream.mirror import checkouts, customers, orders, products, refunds, shops
from tillstream.mirror.redaction import MARKER, forgetting
from tillstream.mirror.values import Malformed

if TYPE_CHECKING:
    from tillstream.mirror.change import Body, Change, Reader


def _order(body: Body) -> list[Change]:
    # An edit's delta is wrapped; some senders put it under a plain order topic.
    return refunds.read_edited(body) if "order_edit" in body else orders.read(body)


READERS: Final[dict[str, Reader]] = {
    **dict.fromkeys(
        (
            "orders/create", "orders/updated", "orders/paid", "orders/cancelled", "orders/fulfilled",
            "orders/partially_fulfilled",
        ),
        _order,
    ),
    "orders/edited": _order,
    "orders/delete": orders.read_delete,
    "refunds/create": refunds.read_create,
    "checkouts/create": checkouts.read,
    "checkouts/update": checkouts.read,
    "checkouts/delete": checkouts.read_delete,
    **dict.fromkeys(
        ("customers/create", "customers/update", "customers/enable", "customers/disable"), customers.read
    ),
    "customers/delete": customers.read_delete,
    "products/create": products.read,
    "products/update": products.read,
    "products/delete": products.read_delete,
    "shop/update": shops.read,
}  # fmt: skip


def read(topic: str, body: bytes) -> list[Change]:
    """The changes that a delivery amounts to; none for a topic that is not mirrored.

    Raises:
        Malformed: with a reason and a sentence, when the body cannot be applied.
    """
    reader = READERS.get(topic)
    if reader is None:
        return []
    decoded = decode(body)
    changes = reader(decoded)
    return forgetting(changes, decoded) if MARKER in decoded else changes


def decode(body: bytes) -> Body:
    """The JSON object of a body."""
    try:
        value: object = msgspec.json.decode(body)
    except RecursionError:
        raise Malformed(
            "nested_too_deep", "The body nests deeper than any Shopify body does."
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise Malformed("not_json", f"The body is not JSON: {error}.") from None
    if not isinstance(value, dict):
        raise Malformed(
            "not_an_object", f"The body is JSON, but no object: {type(value).__name__}."
        )
    return value  # pyright: ignore[reportUnknownVariableType]
