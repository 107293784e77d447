"""Bodies as Shopify might send them, drawn small so that deliveries meet, tie and contradict.

Times come from four seconds and ids from three numbers: most pairs of bodies speak of the same
thing, many at the very same time. Fields are left out or null at random, as reduced payloads and
redaction do.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from hypothesis import strategies as st

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
CUSTOMERS = partial(
    {"id": st.sampled_from([7, 8, "9"])},
    email=WORDS, first_name=WORDS, last_name=WORDS, phone=WORDS, created_at=TIMES, updated_at=TIMES,
)  # fmt: skip
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
}
REFUNDS = st.fixed_dictionaries({"id": IDS}, optional=REFUND_FIELDS)
ORDERS = partial(
    {"id": st.just(1)},
    updated_at=TIMES, created_at=TIMES, processed_at=TIMES, cancelled_at=st.one_of(st.none(), TIMES),
    closed_at=st.one_of(st.none(), TIMES), name=WORDS, email=WORDS, phone=WORDS, currency=WORDS,
    financial_status=st.sampled_from(["paid", "pending", "refunded", None]), checkout_token=TOKENS,
    cart_token=TOKENS, test=st.booleans(), taxes_included=st.booleans(), total_price=AMOUNTS,
    total_price_set=_set(AMOUNTS), total_tax=AMOUNTS, total_tip_received=AMOUNTS, customer=EMBEDDED,
    discount_codes=_some(partial({}, code=WORDS)), line_items=_some(LINES),
    shipping_lines=_some(partial({}, price=AMOUNTS, discounted_price=AMOUNTS, tax_lines=TAXES)),
    refunds=_some(REFUNDS), original_total_duties_set=_set(AMOUNTS),
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
        )
    }
)
CHECKOUTS = partial(
    {"token": st.sampled_from(["t1", "t1?key=secret"])},
    updated_at=TIMES, created_at=TIMES, completed_at=st.one_of(st.none(), TIMES), cart_token=TOKENS, email=WORDS,
    phone=WORDS, name=WORDS, currency=WORDS, total_price=AMOUNTS, customer=EMBEDDED, abandoned_checkout_url=WORDS,
)  # fmt: skip
VARIANTS = partial(
    {"id": IDS}, title=WORDS, sku=WORDS, price=AMOUNTS, compare_at_price=AMOUNTS,
    inventory_quantity=st.integers(-3, 3), position=IDS,
)  # fmt: skip
PRODUCTS = partial(
    {"id": st.just(1)}, title=WORDS, handle=WORDS, status=WORDS, vendor=WORDS, created_at=TIMES, updated_at=TIMES,
    variants=_some(VARIANTS),
)  # fmt: skip
SHOPS = partial(
    {}, name=WORDS, email=WORDS, currency=st.sampled_from(["USD", "EUR", None]), created_at=TIMES, updated_at=TIMES,
    iana_timezone=st.sampled_from(["Europe/Berlin", "America/New_York", "Nowhere/At_All", None]),
)  # fmt: skip


def told(topics: list[str], bodies: st.SearchStrategy[Body]) -> st.SearchStrategy[Told]:
    """A delivery of one of the topics."""
    return st.tuples(st.sampled_from(topics), bodies)


ORDER_TOPICS = [
    "orders/create",
    "orders/updated",
    "orders/paid",
    "orders/cancelled",
    "orders/fulfilled",
]
STORIES: dict[str, st.SearchStrategy[Told]] = {
    "order": st.one_of(
        told(ORDER_TOPICS, ORDERS),
        told(ORDER_TOPICS, ORDERS),
        told(["orders/edited", "orders/updated"], EDITS),
        told(
            ["refunds/create"],
            st.fixed_dictionaries({"id": IDS, "order_id": st.just(1)}, optional=REFUND_FIELDS),
        ),
        told(["orders/delete"], st.just({"id": 1})),
    ),
    "checkout": st.one_of(
        told(["checkouts/create", "checkouts/update"], CHECKOUTS),
        told(["checkouts/update"], CHECKOUTS),
        told(["checkouts/delete"], st.sampled_from([{"token": "t1"}, {"cart_token": "t1"}])),
    ),
    "customer": st.one_of(
        told(["customers/create", "customers/update", "customers/disable"], CUSTOMERS),
        told(["orders/updated"], ORDERS),
        told(["customers/delete"], st.just({"id": 7})),
    ),
    "product": st.one_of(
        told(["products/create", "products/update"], PRODUCTS),
        told(["products/delete"], st.just({"id": 1})),
    ),
    "shop": told(["shop/update"], SHOPS),
}
"""For each resource, deliveries that speak of it."""
