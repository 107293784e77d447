"""The register of topics: what each tells of, what reads it, and which tables follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

import msgspec

from tillstream.mirror import (
    carts,
    checkouts,
    collections,
    customers,
    disputes,
    domains,
    draft_orders,
    fulfillments,
    inventory,
    locations,
    order_reading,
    products,
    refunds,
    returns,
    shops,
    tender_transactions,
    transactions,
)
from tillstream.mirror.redaction import MARKER, forgetting
from tillstream.mirror.values import TRIGGERED_AT, Malformed

if TYPE_CHECKING:
    from tillstream.mirror.change import Body, Change, Reader, Resource


def _order(body: Body) -> list[Change]:
    # An edit's delta is wrapped; some senders put it under a plain order topic.
    if "order_edit" in body:
        return refunds.read_edited(body)
    return [*order_reading.read(body), *transactions.read_of_order(body)]


def _refund(body: Body) -> list[Change]:
    return [*refunds.read_create(body), *transactions.read_of_refund(body)]


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
    timed: bool = True
    """Whether bodies say of when they are; of those that do not, the time of the trigger says it."""


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
_OF_CUSTOMERS: Final = ("mirror.customers",)
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
    "orders/delete": Topic(
        "order", order_reading.read_delete, ("mirror.orders", "mirror.order_lines", "mirror.refunds"),
        "Only the id; nothing that comes late brings the order back", "fields",
    ),
    "refunds/create": Topic(
        "order", _refund, ("mirror.orders", "mirror.refunds", "mirror.transactions"),
        "Comes again inside every later orders/updated", "fields",
    ),
    "order_transactions/create": Topic(
        "transaction", transactions.read, ("mirror.transactions",),
        "Also fires when the status changes; of how somebody paid, only the gateway",
    ),
    "tender_transactions/create": Topic(
        "tender_transaction", tender_transactions.read, ("mirror.tender_transactions",),
        "Money that moved, negative where it was given back",
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
        Topic("cart", carts.read, ("mirror.carts",), "Of the online store only; what is in it in sum"),
    ),
    **_topics(
        "customers/create update enable disable",
        Topic("customer", customers.read, ("mirror.customers",), "The whole customer", "fields"),
    ),
    "customers/delete": Topic("customer", customers.read_delete, ("mirror.customers",), "Only the id", "fields"),
    "customers/purchasing_summary": Topic(
        "customer", customers.read_purchasing_summary, _OF_CUSTOMERS,
        "Shopify's own count of orders and money spent, kept beside what is counted here", "fields",
    ),
    "customers/merge": Topic(
        "customer", customers.read_merge, _OF_CUSTOMERS,
        "One customer leads to another from now on, and so do the orders; a failed merge changes nothing", "fields",
    ),
    "customer.tags_added": Topic(
        "customer", customers.read_tags_added, _OF_CUSTOMERS, "Only what was added: the later word on a tag counts",
        "fields",
    ),
    "customer.tags_removed": Topic(
        "customer", customers.read_tags_removed, _OF_CUSTOMERS, "Only what was removed: the later word on a tag counts",
        "fields",
    ),
    "customers_email_marketing_consent/update": Topic(
        "customer", customers.read_email_consent, _OF_CUSTOMERS, "Consent has a time of its own", "fields",
    ),
    "customers_marketing_consent/update": Topic(
        "customer", customers.read_sms_consent, _OF_CUSTOMERS, "Consent to text messages", "fields",
    ),
    **_topics(
        "products/create update",
        Topic("product", products.read, _OF_PRODUCTS, "The whole product with its variants", "nobody"),
    ),
    "products/delete": Topic("product", products.read_delete, _OF_PRODUCTS, "Only the id", "nobody"),
    "variants/in_stock": Topic(
        "product", products.read_in_stock, _OF_PRODUCTS, "A variant alone, maybe before its product", "nobody",
    ),
    "variants/out_of_stock": Topic(
        "product", products.read_out_of_stock, _OF_PRODUCTS, "A variant alone, maybe before its product", "nobody",
    ),
    **_topics(
        "collections/create update",
        Topic(
            "collection", collections.read, ("mirror.collections",),
            "With the rules of a smart one; which products are in a manual one is told by no webhook", "nobody",
        ),
    ),
    "collections/delete": Topic(
        "collection", collections.read_delete, ("mirror.collections",), "Only the id", "nobody",
    ),
    **_topics(
        "inventory_items/create update",
        Topic("inventory_item", inventory.read_item, ("mirror.inventory_items",), "With the cost of a unit", "nobody"),
    ),
    "inventory_items/delete": Topic(
        "inventory_item", inventory.read_item_delete, ("mirror.inventory_items",), "Only the id", "nobody",
    ),
    **_topics(
        "inventory_levels/connect update",
        Topic(
            "inventory_level", inventory.read_level, ("mirror.inventory_levels",), "Of one item at one place", "nobody",
        ),
    ),
    "inventory_levels/disconnect": Topic(
        "inventory_level", inventory.read_disconnect, ("mirror.inventory_levels",),
        "Without a time: that of the trigger says whether the item was stocked there again", "nobody", timed=False,
    ),
    **_topics(
        "locations/create update activate deactivate",
        Topic("location", locations.read, ("mirror.locations",), "Of the address, only country and province", "nobody"),
    ),
    "locations/delete": Topic("location", locations.read_delete, ("mirror.locations",), "Only the id", "nobody"),
    **_topics(
        "fulfillments/create update",
        Topic("fulfillment", fulfillments.read, ("mirror.fulfillments",), "Without where the parcel goes"),
    ),
    **_topics(
        "returns/request approve decline cancel close process update",
        Topic(
            "return", returns.read, ("mirror.returns",),
            "Without a time: that of the trigger counts, and then how far the return has come", timed=False,
        ),
    ),
    "returns/reopen": Topic(
        "return", returns.read_reopen, ("mirror.returns",), "The one way back, further on than closed", timed=False,
    ),
    **_topics(
        "draft_orders/create update",
        Topic("draft_order", draft_orders.read, ("mirror.draft_orders",), "No sale before it is completed"),
    ),
    "draft_orders/delete": Topic("draft_order", draft_orders.read_delete, ("mirror.draft_orders",), "Only the id"),
    **_topics("disputes/create update", Topic("dispute", disputes.read, ("mirror.disputes",), "Of Shopify Payments")),
    "shop/update": Topic(
        "shop", shops.read, ("mirror.shops",), "Its currency and time zone date and label every figure", "nobody",
    ),
    **_topics(
        "domains/create update",
        Topic(
            "domain", domains.read, ("mirror.domains",), "Without a time: that of the trigger counts", "nobody",
            timed=False,
        ),
    ),
    "domains/destroy": Topic("domain", domains.read_destroy, ("mirror.domains",), "For good", "nobody"),
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


def read(topic: str, body: bytes, triggered_at: str = "") -> list[Change]:
    """The changes that a delivery amounts to; none for a topic that is not mirrored.

    Args:
        topic: as the header names it.
        body: as it came.
        triggered_at: the header of that name, for the few bodies that have no time themselves.

    Raises:
        Malformed: with a reason and a sentence, when the body cannot be applied.
    """
    reader = READERS.get(topic)
    if reader is None:
        return []
    decoded = decode(body)
    if not TOPICS[topic].timed:
        decoded[TRIGGERED_AT] = triggered_at
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
