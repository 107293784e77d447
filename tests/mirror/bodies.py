"""Bodies as Shopify might send them, drawn small so that deliveries meet, tie and contradict.

Times come from four seconds and ids from three numbers: most pairs of bodies speak of the same
thing, many at the very same time. Fields are left out or null at random, as reduced payloads and
redaction do. ``triggered_at`` stands for the header of that name, where a body has no time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tillstream.mirror.change import Resource

Body: TypeAlias = dict[str, Any]
Told: TypeAlias = tuple[str, Body]

TIMES = st.sampled_from(
    [
        "2026-03-01T10:00:00-05:00",
        "2026-03-01T15:00:00Z",  # the same instant
        "2026-03-01T15:00:01+00:00",
        "2026-03-02T00:30:00+01:00",
        "2026-03-02T00:30:00.000001+01:00",
    ]
)
AMOUNTS = st.sampled_from(["0.00", "10.00", "9.99", "0.333", 5, 19.9, "-1.00", "", None])
IDS = st.sampled_from([1, 2, 3])
WORDS = st.sampled_from(["a", "b", "", None, "Ünï\x00", "x" * 300])
TOKENS = st.sampled_from(["t1", "t2", "t1?key=secret", None, ""])


def partial(
    required: dict[str, st.SearchStrategy[Any]], **fields: st.SearchStrategy[Any]
) -> st.SearchStrategy[Body]:
    """An object with all of ``required`` and any of ``fields``."""
    return st.fixed_dictionaries(required, optional=fields)


def _bag(amount: Any) -> Body:
    return {"shop_money": {"amount": amount, "currency_code": "USD"}}


def _set(amounts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.none(),
        st.builds(_bag, amounts),
    )


def _some(items: st.SearchStrategy[Body]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), st.lists(items, max_size=3))


TAXES = _some(
    partial(
        {}, price=AMOUNTS, rate=st.sampled_from([0.1, "0.19", None, 0]), price_set=_set(AMOUNTS)
    )
)
SHARES = _some(partial({}, amount=AMOUNTS, amount_set=_set(AMOUNTS)))
CONSENTS = st.one_of(
    st.none(),
    partial(
        {},
        state=st.sampled_from(["subscribed", "UNSUBSCRIBED", None]),
        opt_in_level=WORDS,
        consent_updated_at=st.one_of(st.none(), TIMES),
    ),
)
TAGS = st.one_of(
    st.none(),
    st.sampled_from(["", "vip", "VIP, late", "late,sale"]),
    st.lists(st.sampled_from(["vip", "VIP", "late", " sale "]), max_size=3),
)
CUSTOMERS = partial(
    {"id": st.sampled_from([7, 8, "9"])},
    email=WORDS, first_name=WORDS, last_name=WORDS, phone=WORDS, created_at=TIMES, updated_at=TIMES, tags=TAGS,
    state=st.sampled_from(["enabled", "disabled", None]), orders_count=st.sampled_from([0, 2, "3", None]),
    total_spent=AMOUNTS, currency=st.sampled_from(["EUR", None]), email_marketing_consent=CONSENTS,
    sms_marketing_consent=CONSENTS,
)  # fmt: skip
CUSTOMER_GIDS = st.sampled_from([f"gid://shopify/Customer/{number}" for number in (7, 8, 9)])
MERGES = partial(
    {
        "admin_graphql_api_customer_kept_id": CUSTOMER_GIDS,
        "admin_graphql_api_customer_deleted_id": CUSTOMER_GIDS,
    },
    status=st.sampled_from(["completed", "COMPLETED", "failed", None]),
)
SUMMARIES = partial(
    {"customerId": CUSTOMER_GIDS},
    numberOfOrders=st.sampled_from([0, 1, 5, None]), occurredAt=TIMES, lastOrderId=st.none(),
    amountSpent=st.one_of(
        st.none(), partial({}, amount=st.sampled_from(["0.00", "99.95", None]), currencyCode=st.just("EUR"))
    ),
)  # fmt: skip
RETAGGED = partial({"customerId": CUSTOMER_GIDS}, tags=TAGS, occurredAt=TIMES)
EMAIL_CONSENTS = partial(
    {"customer_id": st.sampled_from([7, 8])}, email_address=WORDS, email_marketing_consent=CONSENTS
)
SMS_CONSENTS = partial({"id": st.sampled_from([7, 8])}, phone=WORDS, sms_marketing_consent=CONSENTS)
NONE_AT_ALL: list[Any] = [None, [], {}]
EMBEDDED = st.one_of(st.sampled_from(NONE_AT_ALL), CUSTOMERS)
LINES = partial(
    {},
    id=IDS, product_id=IDS, variant_id=IDS, title=WORDS, sku=WORDS, quantity=st.integers(0, 3),
    current_quantity=st.integers(0, 3), price=AMOUNTS, price_set=_set(AMOUNTS), tax_lines=TAXES,
    discount_allocations=SHARES, total_discount=AMOUNTS, gift_card=st.booleans(),
)  # fmt: skip
REFUND_LINES = partial(
    {"line_item_id": IDS},
    quantity=st.integers(0, 3),
    subtotal=AMOUNTS,
    total_tax=AMOUNTS,
    line_item=LINES,
)
ADJUSTMENTS = partial(
    {"kind": st.sampled_from(["shipping_refund", "refund_discrepancy"])},
    amount=AMOUNTS,
    tax_amount=AMOUNTS,
)
TRANSACTIONS = partial(
    {"id": st.sampled_from([1, 2, None])},
    order_id=st.sampled_from([1, None]), parent_id=st.sampled_from([1, None]), kind=st.sampled_from(["sale", "refund"]),
    status=st.sampled_from(["pending", "success", "failure", None]), amount=AMOUNTS,
    currency=st.sampled_from(["USD", "EUR", None]), gateway=WORDS, test=st.one_of(st.none(), st.booleans()),
    created_at=TIMES, processed_at=TIMES,
)  # fmt: skip
REFUND_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "created_at": TIMES,
    "processed_at": TIMES,
    "note": WORDS,
    "refund_line_items": _some(REFUND_LINES),
    "refund_shipping_lines": _some(
        partial({}, subtotal_amount_set=_set(AMOUNTS), tax_amount_set=_set(AMOUNTS))
    ),
    "order_adjustments": _some(ADJUSTMENTS),
    "total_duties_set": _set(AMOUNTS),
    "total_additional_fees_set": _set(AMOUNTS),
    "return": st.one_of(st.none(), st.just({"id": 4})),
    "transactions": _some(TRANSACTIONS),
}
REFUNDS = st.fixed_dictionaries({"id": IDS}, optional=REFUND_FIELDS)
ADDRESSES = st.one_of(
    st.sampled_from(NONE_AT_ALL),
    partial({}, country_code=st.sampled_from(["US", "de", "", None]), province_code=st.sampled_from(["CA", None])),
)  # fmt: skip
SITES = st.sampled_from(["https://www.Example.com/a?b=c", "/products/x?utm=1", "", None, "nowhere"])
ORDERS = partial(
    {"id": st.just(1)},
    updated_at=TIMES, created_at=TIMES, processed_at=TIMES, cancelled_at=st.one_of(st.none(), TIMES),
    closed_at=st.one_of(st.none(), TIMES), name=WORDS, email=WORDS, phone=WORDS, currency=WORDS,
    financial_status=st.sampled_from(["paid", "pending", "refunded", None]), checkout_token=TOKENS,
    cart_token=TOKENS, test=st.booleans(), taxes_included=st.booleans(), total_price=AMOUNTS,
    total_price_set=_set(AMOUNTS), total_tax=AMOUNTS, total_tip_received=AMOUNTS, customer=EMBEDDED,
    discount_codes=_some(partial({}, code=WORDS)), line_items=_some(LINES),
    shipping_lines=_some(
        partial(
            {}, id=IDS, price=AMOUNTS, discounted_price=AMOUNTS, current_discounted_price_set=_set(AMOUNTS),
            is_removed=st.booleans(), tax_lines=TAXES,
        )
    ),
    refunds=_some(REFUNDS), original_total_duties_set=_set(AMOUNTS), current_total_duties_set=_set(AMOUNTS),
    original_total_additional_fees_set=_set(AMOUNTS), current_total_additional_fees_set=_set(AMOUNTS),
    total_cash_rounding_payment_adjustment_set=_set(AMOUNTS), total_cash_rounding_refund_adjustment_set=_set(AMOUNTS),
    subtotal_price=AMOUNTS, total_discounts=AMOUNTS, current_total_price=AMOUNTS, source_name=WORDS,
    presentment_currency=WORDS, fulfillment_status=WORDS, cancel_reason=WORDS, shipping_address=ADDRESSES,
    billing_address=ADDRESSES, referring_site=SITES, landing_site=SITES,
    fulfillments=_some(partial({}, status=st.sampled_from(["success", "pending"]), created_at=TIMES)),
    returns=_some(partial({"id": IDS}, exchange_line_items=_some(partial({}, line_item_id=IDS)))),
)  # fmt: skip
EDITS = st.fixed_dictionaries(
    {
        "order_edit": partial(
            {"id": IDS, "order_id": st.just(1)},
            committed_at=TIMES,
            line_items=partial(
                {},
                additions=_some(partial({"id": IDS, "delta": st.integers(0, 3)})),
                removals=_some(partial({"id": IDS, "delta": st.integers(0, 3)})),
            ),
            shipping_lines=partial(
                {}, additions=_some(partial({"id": IDS})), removals=_some(partial({"id": IDS}))
            ),
        )
    }
)
CHECKOUTS = partial(
    {"token": st.sampled_from(["t1", "t1?key=secret"])},
    updated_at=TIMES, created_at=TIMES, completed_at=st.one_of(st.none(), TIMES), cart_token=TOKENS, email=WORDS,
    phone=WORDS, name=WORDS, currency=WORDS, total_price=AMOUNTS, customer=EMBEDDED, abandoned_checkout_url=WORDS,
)  # fmt: skip
VARIANTS = partial(
    {"id": IDS}, title=WORDS, sku=WORDS, price=AMOUNTS, compare_at_price=AMOUNTS, inventory_item_id=IDS,
    inventory_quantity=st.integers(-3, 3), position=IDS,
)  # fmt: skip
VARIANT_GIDS = st.builds("gid://shopify/ProductVariant/{}".format, st.integers(1, 5))
PRODUCTS = partial(
    {"id": st.just(1)}, title=WORDS, handle=WORDS, status=WORDS, vendor=WORDS, product_type=WORDS, tags=TAGS,
    created_at=TIMES, updated_at=TIMES, published_at=st.one_of(st.none(), TIMES), variants=_some(VARIANTS),
    variant_gids=_some(partial({"admin_graphql_api_id": VARIANT_GIDS}, updated_at=TIMES)),
)  # fmt: skip
VARIANTS_ALONE = partial(
    {"id": IDS, "product_id": st.just(1)}, title=WORDS, sku=WORDS, price=AMOUNTS, compare_at_price=AMOUNTS,
    inventory_quantity=st.integers(-3, 3), position=IDS, updated_at=TIMES,
)  # fmt: skip
SHOPS = partial(
    {}, name=WORDS, email=WORDS, domain=WORDS, myshopify_domain=WORDS, plan_name=WORDS,
    currency=st.sampled_from(["USD", "EUR", None]), created_at=TIMES, updated_at=TIMES, country_code=WORDS,
    province_code=WORDS, taxes_included=st.one_of(st.none(), st.booleans()),
    primary_location_id=st.one_of(st.none(), IDS),
    enabled_presentment_currencies=st.one_of(st.none(), st.lists(st.sampled_from(["USD", "EUR"]), max_size=2)),
    iana_timezone=st.sampled_from(["Europe/Berlin", "America/New_York", "Nowhere/At_All", None]),
)  # fmt: skip
TENDERS = partial(
    {"id": IDS}, order_id=IDS, amount=AMOUNTS, currency=WORDS, payment_method=WORDS, processed_at=TIMES,
    updated_at=TIMES, test=st.one_of(st.none(), st.booleans()),
)  # fmt: skip
FULFILLMENTS = partial(
    {"id": IDS}, order_id=IDS, status=st.sampled_from(["pending", "success", "cancelled", None]),
    shipment_status=st.sampled_from(["in_transit", "delivered", None]), location_id=st.one_of(st.none(), IDS),
    service=WORDS, name=WORDS, created_at=TIMES, updated_at=TIMES,
)  # fmt: skip
RETURNS = partial(
    {"id": IDS}, order_id=IDS,
    order=st.sampled_from([None, {"id": 2}, {"admin_graphql_api_id": "gid://shopify/Order/3"}]),
    name=WORDS, status=st.sampled_from(["REQUESTED", "open", "closed", None]), created_at=TIMES, updated_at=TIMES,
    triggered_at=TIMES,
)  # fmt: skip
DRAFT_ORDERS = partial(
    {"id": IDS}, order_id=st.one_of(st.none(), IDS), customer=EMBEDDED, name=WORDS,
    status=st.sampled_from(["open", "invoice_sent", "completed", None]), currency=WORDS, total_price=AMOUNTS,
    created_at=TIMES, updated_at=TIMES, completed_at=st.one_of(st.none(), TIMES),
)  # fmt: skip
DISPUTES = partial(
    {"id": IDS}, order_id=IDS, type=st.sampled_from(["inquiry", "chargeback"]), amount=AMOUNTS, currency=WORDS,
    reason=WORDS, status=st.sampled_from(["needs_response", "under_review", "won", None]), initiated_at=TIMES,
    evidence_sent_on=st.one_of(st.none(), TIMES), finalized_on=st.one_of(st.none(), TIMES),
)  # fmt: skip
CARTS = partial(
    {"token": st.sampled_from(["c1", "c1?key=secret", "c2"])}, created_at=TIMES, updated_at=TIMES,
    line_items=_some(
        partial(
            {}, quantity=st.integers(0, 3), price=AMOUNTS, price_set=_set(AMOUNTS), line_price=AMOUNTS,
            line_price_set=_set(AMOUNTS),
        )
    ),
)  # fmt: skip
RULES = partial(
    {"column": st.sampled_from(["tag", "title", "variant_price"])},
    relation=st.sampled_from(["equals", "contains", "greater_than"]), condition=WORDS,
)  # fmt: skip
COLLECTIONS = partial(
    {"id": IDS}, title=WORDS, handle=WORDS, published_at=st.one_of(st.none(), TIMES), updated_at=TIMES,
    disjunctive=st.one_of(st.none(), st.booleans()), rules=_some(RULES),
)  # fmt: skip
INVENTORY_ITEMS = partial(
    {"id": IDS}, sku=WORDS, cost=AMOUNTS, tracked=st.one_of(st.none(), st.booleans()),
    requires_shipping=st.one_of(st.none(), st.booleans()), created_at=TIMES, updated_at=TIMES,
)  # fmt: skip
LEVEL_KEYS: dict[str, st.SearchStrategy[Any]] = {
    "inventory_item_id": st.sampled_from([1, 2]),
    "location_id": st.sampled_from([1, 2]),
}
LEVELS = partial(LEVEL_KEYS, available=st.one_of(st.none(), st.integers(-2, 3)), updated_at=TIMES)
DISCONNECTED = partial(LEVEL_KEYS, triggered_at=TIMES)
LOCATIONS = partial(
    {"id": IDS}, name=WORDS, country_code=WORDS, province_code=WORDS, active=st.one_of(st.none(), st.booleans()),
    created_at=TIMES, updated_at=TIMES,
)  # fmt: skip
DOMAINS = partial(
    {"id": IDS}, host=WORDS, ssl_enabled=st.one_of(st.none(), st.booleans()), triggered_at=TIMES,
    localization=st.one_of(
        st.none(),
        partial(
            {}, country=WORDS, default_locale=WORDS,
            alternate_locales=st.one_of(st.none(), st.lists(st.sampled_from(["de", "fr"]), max_size=2)),
        ),
    ),
)  # fmt: skip
GONE: st.SearchStrategy[Body] = st.fixed_dictionaries({"id": IDS})


class Spoken(NamedTuple):
    """Deliveries of some topics, drawn alike."""

    topics: tuple[str, ...]
    bodies: st.SearchStrategy[Body]
    weight: int = 1


def told(topics: Sequence[str], bodies: st.SearchStrategy[Body]) -> st.SearchStrategy[Told]:
    """A delivery of one of the topics."""
    return st.tuples(st.sampled_from(topics), bodies)


def _topics(topics: str) -> tuple[str, ...]:
    """``orders/create updated``, spelled out."""
    kind, _, names = topics.partition("/")
    return tuple(f"{kind}/{name}" for name in names.split())


ORDER_TOPICS = _topics("orders/create updated paid cancelled fulfilled partially_fulfilled")
_ORDERS = Spoken(ORDER_TOPICS, ORDERS, 2)
_REFUNDED = Spoken(
    ("refunds/create",),
    st.fixed_dictionaries({"id": IDS, "order_id": st.just(1)}, optional=REFUND_FIELDS),
)
SPOKEN: dict[Resource, tuple[Spoken, ...]] = {
    "order": (
        _ORDERS,
        Spoken(("orders/edited", "orders/updated"), EDITS),
        _REFUNDED,
        Spoken(("orders/delete",), st.just({"id": 1})),
    ),
    "checkout": (
        Spoken(_topics("checkouts/create update"), CHECKOUTS, 2),
        Spoken(("checkouts/delete",), st.sampled_from([{"token": "t1"}, {"cart_token": "t1"}])),
    ),
    "customer": (
        Spoken(_topics("customers/create update enable disable"), CUSTOMERS, 2),
        Spoken(("orders/updated",), partial({"id": IDS}, customer=EMBEDDED, updated_at=TIMES)),
        Spoken(("customers/delete",), st.sampled_from([{"id": 7}, {"id": 8}])),
        Spoken(("customers/merge",), MERGES),
        Spoken(("customers/purchasing_summary",), SUMMARIES),
        Spoken(("customer.tags_added", "customer.tags_removed"), RETAGGED),
        Spoken(("customers_email_marketing_consent/update",), EMAIL_CONSENTS),
        Spoken(("customers_marketing_consent/update",), SMS_CONSENTS),
    ),
    "product": (
        Spoken(_topics("products/create update"), PRODUCTS, 2),
        Spoken(_topics("variants/in_stock out_of_stock"), VARIANTS_ALONE),
        Spoken(("products/delete",), st.just({"id": 1})),
    ),
    "shop": (Spoken(("shop/update",), SHOPS),),
    "transaction": (
        Spoken(
            ("order_transactions/create",), TRANSACTIONS.filter(lambda body: body["id"] is not None)
        ),
        Spoken(
            ("refunds/create",),
            partial({"id": IDS, "order_id": IDS}, transactions=_some(TRANSACTIONS)),
        ),
    ),
    "tender_transaction": (Spoken(("tender_transactions/create",), TENDERS),),
    "fulfillment": (Spoken(_topics("fulfillments/create update"), FULFILLMENTS),),
    "return": (
        Spoken(
            _topics("returns/request approve decline cancel close reopen process update"), RETURNS
        ),
    ),
    "draft_order": (
        Spoken(_topics("draft_orders/create update"), DRAFT_ORDERS, 2),
        Spoken(("draft_orders/delete",), GONE),
    ),
    "dispute": (Spoken(_topics("disputes/create update"), DISPUTES),),
    "cart": (Spoken(_topics("carts/create update"), CARTS),),
    "collection": (
        Spoken(_topics("collections/create update"), COLLECTIONS, 2),
        Spoken(("collections/delete",), GONE),
    ),
    "inventory_item": (
        Spoken(_topics("inventory_items/create update"), INVENTORY_ITEMS, 2),
        Spoken(("inventory_items/delete",), GONE),
    ),
    "inventory_level": (
        Spoken(_topics("inventory_levels/connect update"), LEVELS, 2),
        Spoken(("inventory_levels/disconnect",), DISCONNECTED),
    ),
    "location": (
        Spoken(_topics("locations/create update activate deactivate"), LOCATIONS, 2),
        Spoken(("locations/delete",), GONE),
    ),
    "domain": (
        Spoken(_topics("domains/create update"), DOMAINS, 2),
        Spoken(("domains/destroy",), GONE),
    ),
}
"""For each resource of the register, the deliveries that speak of it."""

STORIES: dict[str, st.SearchStrategy[Told]] = {
    resource: st.one_of([told(one.topics, one.bodies) for one in spoken for _ in range(one.weight)])
    for resource, spoken in SPOKEN.items()
}
"""For each resource, a delivery that speaks of it."""
