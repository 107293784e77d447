"""What remains of a delivery once a person in it is forgotten: what figures need, and nothing else.

Bodies are not searched for what is personal, which one would never know to have found: they are
made anew of the fields that are read (``_KEPT``) and are about no person. Reading what remains gives
the same element as reading the whole body and forgetting the person, to the byte, so that a replay
ends where the deliveries themselves did. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import msgspec

from tillstream.journal.contract import SIGNED_FOR
from tillstream.mirror.attribution import host_of, path_of
from tillstream.mirror.reading import as_list
from tillstream.mirror.redaction import MARKER, contact_known, marks_in_text, marks_of
from tillstream.mirror.topics import decode, how_named, read
from tillstream.mirror.values import Malformed, mapping, text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from tillstream.journal.contract import Delivery
    from tillstream.mirror.change import Body, Change

Shape: TypeAlias = "dict[str, Shape | Callable[[Any], Any] | None]"
"""Which fields of an object remain; None for a plain value, a shape for an object or a list of them, a
function for a value of which only a part does."""

NOTHING: Final = b"{}"
"""What remains of a body that could not be read: the delivery still counts."""


def _plain(*names: str) -> Shape:
    return dict.fromkeys(names)


def _amounts(*names: str) -> Shape:
    """Amounts, with the bags that hold them in the shop's currency."""
    bag: Shape = {"shop_money": _plain("amount", "currency_code")}
    return {**_plain(*names), **{f"{name}_set": bag for name in names}}


def _site(value: Any) -> str | None:
    """Of the page that a buyer came from, the host: what follows it may say whose page it was."""
    host = host_of(value)
    return None if host is None else f"https://{host}"


def _words(value: Any) -> list[str] | None:
    """The tags of a customer who stays, whichever way a body lists them."""
    return None if value is None else as_list(value, "tags")


_TAX: Final[Shape] = {**_plain("rate"), **_amounts("price")}
_SHARE: Final[Shape] = _amounts("amount")
_LINE: Final[Shape] = {
    **_plain(
        "id", "product_id", "variant_id", "title", "variant_title", "sku", "vendor", "quantity",
        "current_quantity", "gift_card",
    ),
    **_amounts("price", "total_discount"),
    "tax_lines": _TAX,
    "discount_allocations": _SHARE,
    "duties": {"tax_lines": _TAX},
}  # fmt: skip
_SHIPPING: Final[Shape] = {
    **_plain("id", "is_removed"),
    **_amounts("price", "discounted_price", "current_discounted_price"),
    "tax_lines": _TAX,
    "discount_allocations": _SHARE,
}
_TRANSACTION: Final[Shape] = _plain(
    "id", "order_id", "parent_id", "kind", "status", "amount", "currency", "gateway", "test", "created_at",
    "processed_at",
)  # fmt: skip
_REFUND: Final[Shape] = {
    **_plain("id", "order_id", "created_at", "processed_at"),
    "refund_line_items": {
        **_plain("line_item_id", "quantity"),
        **_amounts("subtotal", "total_tax"),
        "line_item": _plain("id", "gift_card"),
    },
    "refund_shipping_lines": {
        **_amounts("subtotal", "subtotal_amount", "tax_amount"),
        "tax_lines": _TAX,
        "shipping_line": {**_amounts("discounted_price"), "tax_lines": _TAX},
    },
    "order_adjustments": {**_plain("kind"), **_amounts("amount", "tax_amount")},
    **_amounts("total_duties", "total_additional_fees"),
    "return": _plain("id"),
    "transactions": _TRANSACTION,
}
_ADDRESS: Final[Shape] = _plain("country_code", "province_code")
_BOTH: Final[Shape] = {
    "shop_money": _plain("amount", "currency_code"),
    "presentment_money": _plain("amount", "currency_code"),
}
_CUSTOMER: Final[Shape] = _plain(
    "id", "created_at", "updated_at", "orders_count", "total_spent", "currency"
)
_CONSENT: Final[Shape] = _plain("state", "consent_updated_at")
_TOLD_CUSTOMER: Final[Shape] = {
    **_CUSTOMER, **_plain("email", "first_name", "last_name", "phone", "state"),
    "tags": _words,
    "email_marketing_consent": _CONSENT, "sms_marketing_consent": _CONSENT,
}  # fmt: skip
_ORDER: Final[Shape] = {
    **_plain(
        "id", "updated_at", "name", "currency", "presentment_currency", "financial_status",
        "fulfillment_status", "source_name", "cancel_reason", "checkout_token", "cart_token",
        "created_at", "processed_at", "cancelled_at", "closed_at", "test", "taxes_included",
    ),
    **_amounts(
        "total_price", "subtotal_price", "total_tax", "total_discounts", "current_total_price",
        "total_tip_received", "original_total_duties", "original_total_additional_fees",
        "current_total_duties", "current_total_additional_fees", "total_cash_rounding_payment_adjustment",
        "total_cash_rounding_refund_adjustment",
    ),
    "total_price_set": _BOTH,
    "customer": _CUSTOMER,
    "discount_codes": _plain("code"),
    "line_items": _LINE,
    "shipping_lines": _SHIPPING,
    "refunds": _REFUND,
    "returns": {
        **_plain("id"),
        "exchange_line_items": {**_plain("line_item_id"), "line_item": _plain("id")},
    },
    "fulfillments": _plain("created_at", "status"),
    "shipping_address": _ADDRESS,
    "billing_address": _ADDRESS,
    "referring_site": _site,
    "landing_site": path_of,
}  # fmt: skip
_DELTAS: Final[Shape] = _plain("id", "delta")
_LINE_DELTAS: Final[Shape] = {"additions": _DELTAS, "removals": _DELTAS}
_EDIT: Final[Shape] = {
    **_plain("id", "order_id", "committed_at"),
    "line_items": _LINE_DELTAS,
    "shipping_lines": _LINE_DELTAS,
}
_CHECKOUT: Final[Shape] = {
    **_plain(
        "token", "updated_at", "name", "currency", "source_name", "cart_token", "total_price",
        "created_at", "completed_at",
    ),
    "customer": _CUSTOMER,
}  # fmt: skip
_MERGE: Final[Shape] = _plain(
    "admin_graphql_api_customer_kept_id", "admin_graphql_api_customer_deleted_id", "status"
)
_SUMMARY: Final[Shape] = {
    **_plain("customerId", "customer_id", "numberOfOrders", "occurredAt"),
    "amountSpent": _plain("amount", "currencyCode"),
}
_TENDER: Final[Shape] = _plain(
    "id", "order_id", "amount", "currency", "payment_method", "processed_at", "updated_at", "test"
)
_FULFILLMENT: Final[Shape] = _plain(
    "id",
    "order_id",
    "status",
    "shipment_status",
    "location_id",
    "service",
    "name",
    "created_at",
    "updated_at",
)
_RETURN: Final[Shape] = {
    **_plain(
        "id", "admin_graphql_api_id", "order_id", "name", "status", "created_at", "updated_at"
    ),
    "order": _plain("id", "admin_graphql_api_id"),
}
_DRAFT_ORDER: Final[Shape] = {
    **_plain(
        "id", "order_id", "name", "status", "currency", "total_price", "created_at", "updated_at", "completed_at"
    ),
    "customer": _plain("id"),
}  # fmt: skip
_DISPUTE: Final[Shape] = _plain(
    "id", "order_id", "type", "amount", "currency", "reason", "status", "initiated_at", "evidence_sent_on",
    "finalized_on",
)  # fmt: skip
_CART: Final[Shape] = {
    **_plain("id", "token", "created_at", "updated_at"),
    "line_items": {**_plain("quantity"), **_amounts("price", "line_price")},
}
_REQUEST: Final[Shape] = {
    **_plain("shop_id", "shop_domain"),
    "customer": _plain("id"),
    "data_request": _plain("id"),
}

_RETURN_EVENTS: Final = (
    "request", "approve", "decline", "cancel", "close", "reopen", "process", "update",
)  # fmt: skip

_KEPT: Final[dict[str, tuple[str, Shape]]] = {
    **dict.fromkeys(
        (
            "orders/create", "orders/updated", "orders/paid", "orders/cancelled", "orders/fulfilled",
            "orders/partially_fulfilled", "orders/edited", "orders/delete",
        ),
        ("order", _ORDER),
    ),
    "refunds/create": ("order", _REFUND),
    **dict.fromkeys(("checkouts/create", "checkouts/update", "checkouts/delete"), ("checkout", _CHECKOUT)),
    **dict.fromkeys(
        ("customers/create", "customers/update", "customers/enable", "customers/disable", "customers/delete"),
        ("customer", _CUSTOMER),
    ),
    "customers/merge": ("customer", _MERGE),
    "customers/purchasing_summary": ("customer", _SUMMARY),
    **dict.fromkeys(
        ("customer.tags_added", "customer.tags_removed"),
        ("customer", _plain("customerId", "customer_id", "occurredAt")),
    ),
    **dict.fromkeys(
        ("customers_email_marketing_consent/update", "customers_marketing_consent/update"),
        ("customer", _plain("id", "customer_id")),
    ),
    "order_transactions/create": ("transaction", _TRANSACTION),
    "tender_transactions/create": ("tender_transaction", _TENDER),
    **dict.fromkeys(("fulfillments/create", "fulfillments/update"), ("fulfillment", _FULFILLMENT)),
    **dict.fromkeys((f"returns/{event}" for event in _RETURN_EVENTS), ("return", _RETURN)),
    **dict.fromkeys(
        ("draft_orders/create", "draft_orders/update", "draft_orders/delete"), ("draft_order", _DRAFT_ORDER)
    ),
    **dict.fromkeys(("disputes/create", "disputes/update"), ("dispute", _DISPUTE)),
    **dict.fromkeys(("carts/create", "carts/update"), ("cart", _CART)),
    "customers/redact": ("request", _REQUEST),
    "customers/data_request": ("request", _REQUEST),
}  # fmt: skip
"""By topic, what its body is about and what remains of it."""

_LISTED: Final = {
    "customers/redact": "orders_to_redact",
    "customers/data_request": "orders_requested",
}


def without(delivery: Delivery, marks: Collection[str]) -> Delivery:
    """What remains of a delivery; itself, if it tells of nobody with these marks."""
    named = how_named(delivery.topic)
    if named == "nobody":
        return delivery
    body, changes = _read(delivery)
    if named == "fields" and changes and body is not None:
        return _of_changes(delivery, body, changes, marks)
    if marks_in_text(delivery.body).isdisjoint(marks) and not _is_of(delivery.topic, body, marks):
        return delivery
    return _with_body(delivery, _of_anything(delivery.topic, body))


def _read(delivery: Delivery) -> tuple[Body | None, list[Change]]:
    """The body and what it says, as far as it can be read."""
    try:
        body = decode(delivery.body)
    except Malformed:
        return None, []
    try:
        return body, read(delivery.topic, delivery.body)
    except Malformed:
        return body, []


def _of_changes(
    delivery: Delivery, body: Body, changes: list[Change], marks: Collection[str]
) -> Delivery:
    gone = [one.resource for one in changes if not marks_of(one).isdisjoint(marks)]
    if not gone:
        return delivery
    kind, shape = _shape(delivery.topic, body)
    # Whoever forgets a customer forgets their orders, which name them; but an order may be forgotten
    # while its customer, who has others, is not.
    spared = {change.resource for change in changes} - set(gone)
    kept: Shape = {**shape, "customer": _TOLD_CUSTOMER} if "customer" in spared else shape
    rest = _reduced(body, kept)
    before = mapping(body.get(MARKER)).get("resources", [])
    told: dict[str, Any] = {"resources": sorted({*gone, *before})}
    if kind == "checkout" and (
        contact_known(body) or any(text(body.get(name)) for name in ("email", "phone"))
    ):
        told["contact"] = True
    return _with_body(delivery, msgspec.json.encode({**rest, MARKER: told}))


def _shape(topic: str, body: Body) -> tuple[str, Shape]:
    if "order_edit" in body:
        # Some senders put an edit under a plain order topic.
        return "order", {"order_edit": _EDIT}
    return _KEPT[topic]


def _of_anything(topic: str, body: Body | None) -> bytes:
    """What remains of a body in which people are not read field by field, or that cannot be read."""
    if body is None:
        return NOTHING
    _, shape = _KEPT.get(topic, ("", _plain("id", "token", "order_id")))
    rest = _reduced(body, shape)
    if (name := _LISTED.get(topic)) and isinstance(listed := body.get(name), list):
        rest[name] = [one for one in cast("list[Any]", listed) if isinstance(one, (int, str))]
    return msgspec.json.encode({**rest, MARKER: {"resources": ["checkout", "customer", "order"]}})


def _is_of(topic: str, body: Body | None, marks: Collection[str]) -> bool:
    """Whether a body that is not read field by field has an id that is to be forgotten as its root."""
    if body is None:
        return False
    letter = {"orders": "o", "customers": "c", "checkouts": "t"}.get(topic.partition("/")[0], "")
    told = body.get("token") if letter == "t" else body.get("id")
    return bool(letter) and f"{letter}{told}" in marks


def _reduced(body: Body, shape: Shape) -> Body:
    return {name: _kept(body[name], inner) for name, inner in shape.items() if name in body}


def _kept(value: Any, shape: Shape | Callable[[Any], Any] | None) -> Any:
    if callable(shape):
        return shape(value)
    if isinstance(value, dict):
        # A plain field that holds an object reads as none; what is in the object is nobody's.
        return {} if shape is None else _reduced(cast("Body", value), shape)
    if isinstance(value, list):
        return [] if shape is None else [_kept(one, shape) for one in cast("list[Any]", value)]
    return value


def _with_body(delivery: Delivery, body: bytes) -> Delivery:
    if body == delivery.body:
        return delivery
    # Whom it speaks for is nothing about people, and has to stay true when it is applied again.
    kept = {name: value for name, value in delivery.headers.items() if name == SIGNED_FOR}
    return msgspec.structs.replace(delivery, body=body, headers=kept)
