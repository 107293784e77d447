"""What can be listed: by which fields each resource is searched, and by which it is sorted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from graphql import GraphQLError

from tillstream.simulator.admin.connections import Listing
from tillstream.simulator.admin.context import ALL_ORDERS
from tillstream.simulator.admin.search import SearchInvalid, parse_search
from tillstream.simulator.books import life_of
from tillstream.simulator.shop_clock import instant, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tillstream.simulator.admin.connections import SortValue
    from tillstream.simulator.admin.context import Context
    from tillstream.simulator.admin.search import Fields, Value
    from tillstream.simulator.facts import Checkout, Customer, Order, Product, Variant

RECENT: Final = timedelta(days=60)
"""How far back orders are shown without ``read_all_orders``.

https://shopify.dev/docs/api/admin-graphql/latest/objects/Order
"""


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of thing that a root field lists. ``scopes``: any one of them is needed."""

    scopes: tuple[str, ...]
    items: Callable[[Context], Iterable[Any]]
    fields: Callable[[Context, Any], Fields]
    known: frozenset[str]
    sorts: dict[str, Callable[[Any], SortValue]]
    identify: Callable[[Any], int]
    show: Callable[[Context, Any], dict[str, Any]]

    def found(self, context: Context, query: str | None) -> list[Any]:
        """What a search finds.

        Raises:
            GraphQLError: for a search that cannot be read.
        """
        try:
            search = parse_search(query, self.known)
        except SearchInvalid as error:
            raise GraphQLError(str(error), extensions={"code": "BAD_REQUEST"}) from None
        return [item for item in self.items(context) if search(self.fields(context, item))]

    def listing(self, context: Context, query: str | None, sort: str | None) -> Listing[Any]:
        """What a search finds, ready to be paged; relevance is no more than the id."""
        value = self.sorts.get(sort or "ID", self.identify)
        return Listing(
            self.found(context, query),
            lambda item: (value(item), self.identify(item)),
            lambda item: self.show(context, item),
        )


# -- orders --------------------------------------------------------------------------------------


def orders_in_sight(context: Context) -> list[Order]:
    """Orders that are not deleted; old ones only for those who may see all."""
    since = 0
    if not context.installation.may(ALL_ORDERS):
        since = seconds(context.now - RECENT)
    orders = context.shop.ledger.orders.values()
    return [order for order in orders if not order.deleted and order.created_at >= since]


def _order_fields(_: Context, order: Order) -> dict[str, Value]:
    status = "open" if order.closed_at is None else "closed"
    return {
        "id": order.id,
        "name": order.name,
        "email": order.email or None,
        "created_at": instant(order.created_at),
        "updated_at": instant(order.updated_at),
        "processed_at": instant(order.processed_at),
        "financial_status": order.financial_status,
        "fulfillment_status": _SHIPPED.get(order.fulfillment_status, "unshipped"),
        "status": "cancelled" if order.cancelled_at is not None else status,
        "source_name": order.channel,
        "test": order.test,
        "customer_id": order.customer.id if order.customer else None,
        "cart_token": order.cart_token,
        "checkout_token": order.checkout_token,
        "discount_code": order.applications[0].code if order.applications else None,
        "tag": order.tags or None,
        "sku": " ".join(line.variant.sku for line in order.lines if line.variant) or None,
    }


_SHIPPED: Final[dict[str | None, str]] = {"fulfilled": "shipped", "partial": "partial"}

ORDERS: Final = Resource(
    scopes=("read_orders", "read_marketplace_orders"),
    items=orders_in_sight,
    fields=_order_fields,
    known=frozenset(
        {
            "id", "name", "email", "created_at", "updated_at", "processed_at", "financial_status",
            "fulfillment_status", "status", "source_name", "test", "customer_id", "cart_token",
            "checkout_token", "discount_code", "tag", "sku",
        }
    ),
    sorts={
        "CREATED_AT": lambda order: instant(order.created_at),
        "UPDATED_AT": lambda order: instant(order.updated_at),
        "PROCESSED_AT": lambda order: instant(order.processed_at),
        "ORDER_NUMBER": lambda order: order.number,
        "TOTAL_PRICE": lambda order: order.totals.price,
        "CUSTOMER_NAME": lambda order: order.customer.name if order.customer else "",
        "FINANCIAL_STATUS": lambda order: order.financial_status,
        "FULFILLMENT_STATUS": lambda order: order.fulfillment_status or "",
    },
    identify=lambda order: order.id,
    show=lambda context, order: context.nodes.order(order),
)  # fmt: skip


# -- people --------------------------------------------------------------------------------------


def _customers(context: Context) -> list[Customer]:
    return [known for known in context.shop.ledger.customers.values() if not known.deleted]


def _customer_fields(_: Context, customer: Customer) -> dict[str, Value]:
    return {
        "id": customer.id,
        "email": customer.email,
        "phone": customer.phone,
        "first_name": customer.first_name,
        "last_name": customer.last_name,
        "country": customer.place.country,
        "state": "enabled" if customer.registered else "disabled",
        "created_at": instant(customer.created_at),
        "customer_date": instant(customer.created_at),
        "updated_at": instant(customer.updated_at),
    }


CUSTOMERS: Final = Resource(
    scopes=("read_customers",),
    items=_customers,
    fields=_customer_fields,
    known=frozenset(
        {
            "id", "email", "phone", "first_name", "last_name", "country", "state",
            "customer_date", "updated_at",
        }
    ),
    sorts={
        "CREATED_AT": lambda customer: instant(customer.created_at),
        "UPDATED_AT": lambda customer: instant(customer.updated_at),
        "NAME": lambda customer: f"{customer.last_name}, {customer.first_name}",
        "LOCATION": lambda customer: f"{customer.place.country}, {customer.city.name}",
    },
    identify=lambda customer: customer.id,
    show=lambda context, customer: context.nodes.customer(customer),
)  # fmt: skip


# -- wares ---------------------------------------------------------------------------------------


def _products(context: Context) -> list[Product]:
    return [product for product in context.shop.ledger.products.values() if not product.deleted]


def _inventory(product: Product) -> int:
    return sum(variant.inventory_quantity for variant in product.variants)


def _product_fields(_: Context, product: Product) -> dict[str, Value]:
    return {
        "id": product.id,
        "title": product.title,
        "handle": product.handle,
        "status": product.status,
        "vendor": product.vendor,
        "product_type": product.product_type,
        "tag": product.product_type.lower(),
        "gift_card": product.gift_card,
        "inventory_total": _inventory(product),
        "sku": product.variants[0].sku if product.variants else None,
        "created_at": instant(product.created_at),
        "updated_at": instant(product.updated_at),
        "published_at": instant(product.created_at),
    }


PRODUCTS: Final = Resource(
    scopes=("read_products",),
    items=_products,
    fields=_product_fields,
    known=frozenset(
        {
            "id", "title", "handle", "status", "vendor", "product_type", "tag", "gift_card",
            "inventory_total", "sku", "created_at", "updated_at", "published_at",
        }
    ),
    sorts={
        "CREATED_AT": lambda product: instant(product.created_at),
        "UPDATED_AT": lambda product: instant(product.updated_at),
        "PUBLISHED_AT": lambda product: instant(product.created_at),
        "TITLE": lambda product: product.title,
        "VENDOR": lambda product: product.vendor,
        "PRODUCT_TYPE": lambda product: product.product_type,
        "INVENTORY_TOTAL": _inventory,
    },
    identify=lambda product: product.id,
    show=lambda context, product: context.nodes.product(product),
)  # fmt: skip


def _variants(context: Context) -> list[tuple[Product, Variant]]:
    return [(product, variant) for product in _products(context) for variant in product.variants]


VARIANTS: Final = Resource(
    scopes=("read_products",),
    items=_variants,
    fields=lambda _, pair: {"id": pair[1].id, "sku": pair[1].sku, "product_id": pair[0].id},
    known=frozenset({"id", "sku", "product_id"}),
    sorts={},
    identify=lambda pair: pair[1].id,
    show=lambda context, pair: context.nodes.variant(*pair),
)


# -- before the order ----------------------------------------------------------------------------


def _left(context: Context) -> list[Checkout]:
    """Checkouts that were left for longer than the window, recovered ones too."""
    shop, now = context.shop, seconds(context.now)
    linked = shop.ledger.linked()
    return [
        checkout
        for token, checkout in shop.ledger.checkouts.items()
        if (life := life_of(checkout, linked.get(token), shop.plan.window, now)) is not None
        and life.abandoned_at is not None
    ]


def _checkout_fields(_: Context, checkout: Checkout) -> dict[str, Value]:
    recovered = checkout.completed_at is not None
    return {
        "id": checkout.number,
        "created_at": instant(checkout.created_at),
        "updated_at": instant(checkout.updated_at),
        "status": "closed" if recovered else "open",
        "recovery_state": "recovered" if recovered else "not_recovered",
        "email_state": "not_sent",
    }


CHECKOUTS: Final = Resource(
    scopes=("read_orders",),
    items=_left,
    fields=_checkout_fields,
    known=frozenset({"id", "created_at", "updated_at", "status", "recovery_state", "email_state"}),
    sorts={
        "CREATED_AT": lambda checkout: instant(checkout.created_at),
        "TOTAL_PRICE": lambda checkout: checkout.totals.price,
        "CUSTOMER_NAME": lambda checkout: checkout.customer.name if checkout.customer else "",
    },
    identify=lambda checkout: checkout.number,
    show=lambda context, checkout: context.nodes.checkout(checkout),
)
