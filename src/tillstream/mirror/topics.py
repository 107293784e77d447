"""The register of topics: what each tells of, what reads it, and which tables follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

import msgspec

from tillstream.mirror import checkouts, customers, orders, products, refunds, shops
from tillstream.mirror.redaction import MARKER, forgetting
from tillstream.mirror.values import Malformed

if TYPE_CHECKING:
    from tillstream.mirror.change import Body, Change, Reader, Resource


def _order(body: Body) -> list[Change]:
    # An edit's delta is wrapped; some senders put it under a plain order topic.
    return refunds.read_edited(body) if "order_edit" in body else orders.read(body)


class Topic(NamedTuple):
    """What is done with the deliveries of a topic, whatever else they are: all are kept and counted."""

    resource: Resource | None
    """Of what they tell; None where they are about the connection or the law."""
    reader: Reader | None
    """What turns a body into changes; None where it is acted on elsewhere, as ``note`` says."""
    writes: tuple[str, ...]
    """The tables that follow, besides those of the rollup that are made of them."""
    note: str
    """What is particular about the topic, in sentences without a full stop at the end."""
    people: People = "text"


People: TypeAlias = Literal["fields", "text", "nobody"]
"""How it is found whom a body names, should they ask to be forgotten: the reader says so
(``fields``), the whole body is searched for ids and addresses (``text``), or a body of this topic
is about no shopper (``nobody``)."""


def _topics(topics: str, one: Topic) -> dict[str, Topic]:
    """The same for all topics of a kind, as in ``carts/create update``."""
    kind, _, names = topics.partition("/")
    return {f"{kind}/{name}": one for name in names.split()}


_OF_ORDERS: Final = (
    "mirror.orders",
    "mirror.order_lines",
    "mirror.refunds",
    "mirror.transactions",
    "mirror.customers",
)
_OF_PRODUCTS: Final = ("mirror.products", "mirror.variants")

TOPICS: Final[dict[str, Topic]] = {
    **_topics(
        "orders/create updated paid cancelled fulfilled partially_fulfilled",
        Topic("order", _order, _OF_ORDERS, "The whole order, with its refunds and its customer", "fields"),
    ),
    "orders/edited": Topic(
        "order", _order, ("mirror.orders",),
        "Only which quantities an edit changed and when; amounts come with orders/updated", "fields",
    ),
    "orders/delete": Topic("order", orders.read_delete, ("mirror.orders",), "Only the id", "fields"),
    "refunds/create": Topic(
        "order", refunds.read_create, ("mirror.orders", "mirror.refunds", "mirror.transactions"),
        "Comes again inside every later orders/updated", "fields",
    ),
    "order_transactions/create": Topic(
        "transaction", None, ("mirror.transactions",), "Also fires when the status changes",
    ),
    "tender_transactions/create": Topic(
        "tender_transaction", None, ("mirror.tender_transactions",), "Money that moved",
    ),
    **_topics(
        "checkouts/create update",
        Topic(
            "checkout", checkouts.read, ("mirror.checkouts", "mirror.customers"),
            "Known by its token; before 2026-04 bodies had an id too, which is not used", "fields",
        ),
    ),
    "checkouts/delete": Topic(
        "checkout", checkouts.read_delete, ("mirror.checkouts",),
        "Since 2026-04 without a token: such a body changes nothing", "fields",
    ),
    **_topics(
        "carts/create update",
        Topic("cart", None, ("mirror.carts",), "Of the online store only"),
    ),
    **_topics(
        "customers/create update enable disable",
        Topic("customer", customers.read, ("mirror.customers",), "The whole customer", "fields"),
    ),
    "customers/delete": Topic("customer", customers.read_delete, ("mirror.customers",), "Only the id", "fields"),
    "customers/purchasing_summary": Topic("customer", None, (), "Kept and counted"),
    "customers/merge": Topic("customer", None, (), "Kept and counted"),
    "customer.tags_added": Topic("customer", None, (), "Kept and counted"),
    "customer.tags_removed": Topic("customer", None, (), "Kept and counted"),
    "customers_email_marketing_consent/update": Topic("customer", None, (), "Kept and counted"),
    "customers_marketing_consent/update": Topic("customer", None, (), "Kept and counted"),
    **_topics(
        "products/create update",
        Topic("product", products.read, _OF_PRODUCTS, "The whole product with its variants", "nobody"),
    ),
    "products/delete": Topic("product", products.read_delete, _OF_PRODUCTS, "Only the id", "nobody"),
    **_topics("variants/in_stock out_of_stock", Topic("product", None, (), "Kept and counted", "nobody")),
    **_topics("collections/create update delete", Topic("collection", None, (), "Kept and counted", "nobody")),
    **_topics("inventory_items/create update delete", Topic("inventory_item", None, (), "Kept and counted", "nobody")),
    **_topics(
        "inventory_levels/connect update disconnect",
        Topic("inventory_level", None, (), "Kept and counted", "nobody"),
    ),
    **_topics(
        "fulfillments/create update", Topic("fulfillment", None, ("mirror.fulfillments",), "Without addresses"),
    ),
    **_topics(
        "returns/request approve decline cancel close reopen process update",
        Topic("return", None, ("mirror.returns",), "Bodies tell no time"),
    ),
    **_topics(
        "draft_orders/create update",
        Topic("draft_order", None, ("mirror.draft_orders",), "No sale before it is completed"),
    ),
    "draft_orders/delete": Topic("draft_order", None, ("mirror.draft_orders",), "Only the id"),
    **_topics("disputes/create update", Topic("dispute", None, ("mirror.disputes",), "Of Shopify Payments")),
    "shop/update": Topic(
        "shop", shops.read, ("mirror.shops",), "Its currency and time zone date and label every figure", "nobody",
    ),
    **_topics("domains/create update destroy", Topic("domain", None, (), "Kept and counted", "nobody")),
    "app/uninstalled": Topic(
        None, None, ("shops.stores",), "Acted on by the worker: the connection ends, and the store is erased in time",
    ),
    "app/scopes_update": Topic(
        None, None, ("shops.stores",), "Acted on by the worker: what was granted, and so which topics can be had",
    ),
    "bulk_operations/finish": Topic(None, None, (), "Kept and counted: nothing here starts bulk operations"),
    "customers/data_request": Topic(
        None, None, ("shops.privacy_requests",), "Acted on by the worker: a record is made for the customer",
    ),
    "customers/redact": Topic(
        None, None, ("shops.privacy_requests", "mirror.redactions"),
        "Acted on by the worker: the person is forgotten, whatever comes later",
    ),
    "shop/redact": Topic(
        None, None, ("shops.privacy_requests",), "Acted on by the worker: everything of the store is erased",
    ),
}  # fmt: skip
"""Every topic that Shopify can be asked for (``shopify.topics.SCOPES``), and those of the law."""

READERS: Final[dict[str, Reader]] = {
    name: topic.reader for name, topic in TOPICS.items() if topic.reader is not None
}
"""The readers of the topics that are mirrored."""


def how_named(topic: str) -> People:
    """How it is found whom a body of this topic names; what nobody reads has to be searched."""
    known = TOPICS.get(topic)
    return "text" if known is None else known.people


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
