"""The access scopes that Tillstream can use: what each tells of, and what that is good for.

https://shopify.dev/docs/api/usage/access-scopes
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tillstream.shopify.scopes import missing_scopes
from tillstream.shopify.subscriptions import WANTED, wanted_topics

if TYPE_CHECKING:
    from collections.abc import Iterable


class Permission(NamedTuple):
    """A scope that is of use."""

    scope: str
    """As Shopify spells it."""
    tells: str
    """What its topics are about."""
    serves: str
    """What becomes of that here, as a sentence without a full stop."""


USUAL: Final = ("read_orders", "read_customers", "read_products")
"""What is asked for unless somebody says otherwise: enough for every figure of sales, orders,
customers, products and checkouts. Each further scope is one more thing that a merchant has to grant."""

PERMISSIONS: Final = (
    Permission(
        "read_orders",
        "Orders, edits, refunds, payments, checkouts and carts",
        "All figures of sales, orders and checkouts, and times to fulfilment; without it there are none",
    ),
    Permission(
        "read_customers",
        "Customers, their tags and consent",
        "Customers as they are now, and those who never ordered",
    ),
    Permission(
        "read_products",
        "Products, variants, collections, and what a unit costs",
        "Sales by type and by smart collection, products that did not sell, stock as the variants tell it, "
        "and its value",
    ),
    Permission(
        "read_inventory",
        "Stock of each item at each place",
        "Stock on hand and days of stock as all places have it available, at every change; there are many",
    ),
    Permission(
        "read_fulfillments",
        "Parcels",
        "The parcels on an order's page, with how far each has come",
    ),
    Permission(
        "read_customer_merge",
        "Customers whom Shopify has merged",
        "The orders of both count as one customer's: first-time and returning customers, value, cohorts",
    ),
    Permission(
        "read_returns",
        "Returns, from the request on",
        "Kept in the copy; no figure needs them, since what is given back comes with refunds",
    ),
    Permission(
        "read_locations",
        "The places where stock is kept",
        "Kept in the copy; no figure needs them",
    ),
    Permission(
        "read_draft_orders",
        "Draft orders",
        "Kept in the copy; no figure needs them, since they count once they are orders",
    ),
    Permission(
        "read_shopify_payments_disputes",
        "Disputes of payments",
        "Kept in the copy; no figure needs them",
    ),
)
"""The usual ones first, then by how much they add."""


def topics_of(permission: Permission) -> tuple[str, ...]:
    """The wanted topics that this scope alone allows and that no permission before it does."""
    before = [one.scope for one in PERMISSIONS[: PERMISSIONS.index(permission)]]
    added = wanted_topics([*before, permission.scope]) - wanted_topics(before)
    return tuple(topic for topic in WANTED if topic in added)


def not_asked_for(scopes: Iterable[str]) -> tuple[Permission, ...]:
    """The permissions that ``scopes`` do not cover."""
    missing = missing_scopes(scopes, [one.scope for one in PERMISSIONS])
    return tuple(one for one in PERMISSIONS if one.scope in missing)
