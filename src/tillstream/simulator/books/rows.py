"""The final rows of everything that is mirrored, as the story knows them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from tillstream.simulator.books.tables import host_of, path_of
from tillstream.simulator.currency import Currency, exchanged
from tillstream.simulator.shop_clock import instant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from tillstream.simulator.books.ledger import Ledger
    from tillstream.simulator.facts import Checkout, Customer, Line, Order, Product, Refund

Row: TypeAlias = dict[str, Any]
Kind: TypeAlias = Literal[
    "orders", "order_lines", "refunds", "customers", "products", "variants", "checkouts", "carts",
    "transactions", "tender_transactions", "fulfillments", "returns", "draft_orders", "disputes", "collections",
    "inventory_items", "inventory_levels", "locations", "domains",
]  # fmt: skip


class Rows:
    """Prints a ledger's facts as rows.

    What an order, a customer, a product or a checkout is in the end follows from the facts. Of what
    surrounds them the story notes a row whenever it tells a new state.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._noted: defaultdict[Kind, dict[tuple[object, ...], Row]] = defaultdict(dict)

    def note(self, kind: Kind, row: Mapping[str, object], *key: object) -> None:
        """This is now the state of a thing, which ``key`` tells from others of its kind."""
        self._noted[kind][key] = dict(row)

    def change(self, kind: Kind, changes: Mapping[str, object], *key: object) -> Row:
        """Some of it is different now; the whole row."""
        row = self._noted[kind][key]
        row |= changes
        return row

    def noted(self, kind: Kind, *key: object) -> Row:
        """The row of a thing that was noted."""
        return self._noted[kind][key]

    def rows(self, kind: Kind) -> list[Row]:
        """The final rows of a kind, keyed like the mirror's columns.

        Money in ten-thousandths, instants as aware datetimes. ``email`` is None where a body
        said ``""``, and ``cart_token`` is the part before ``?``. A deleted thing has its key and
        ``deleted`` only: nothing is promised of what it was. Variants and lines of deleted
        products and orders are left out.
        """
        tell: dict[Kind, Callable[[], Iterable[Row]]] = {
            "orders": lambda: map(self._order_row, self._ledger.orders.values()),
            "order_lines": lambda: (
                self._line_row(o, li) for o in self._standing() for li in o.lines
            ),
            "refunds": lambda: (
                self._refund_row(o, r) for o in self._standing() for r in o.refunds
            ),
            "customers": lambda: map(self._customer_row, self._ledger.customers.values()),
            "products": lambda: map(self._product_row, self._ledger.products.values()),
            "variants": lambda: (
                row
                for p in self._ledger.products.values()
                if not p.deleted
                for row in self._variants(p)
            ),
            "checkouts": lambda: map(self._kept_checkout, self._ledger.checkouts.values()),
        }
        return list(tell[kind]()) if kind in tell else list(self._noted[kind].values())

    def _standing(self) -> Iterable[Order]:
        return (order for order in self._ledger.orders.values() if not order.deleted)

    def _order_row(self, order: Order) -> Row:
        if order.deleted:
            return {"id": order.id, "deleted": True}
        money = self._ledger.currency.ten_thousandths
        theirs = order.presentment[0] if order.presentment else self._ledger.plan.currency
        return {
            "id": order.id,
            "name": order.name,
            "email": order.email or None,
            "phone": order.phone,
            "customer_id": order.customer.id if order.customer else None,
            "checkout_token": order.checkout_token,
            "cart_token": bare(order.cart_token),
            "currency": self._ledger.plan.currency,
            "presentment_currency": theirs,
            "financial_status": order.financial_status,
            "fulfillment_status": order.fulfillment_status,
            "source_name": order.channel,
            "taxes_included": order.taxes_included,
            "test": order.test,
            "deleted": False,
            "created_at": instant(order.created_at),
            "processed_at": instant(order.processed_at),
            "updated_at": instant(order.updated_at),
            "cancelled_at": _maybe(order.cancelled_at),
            "closed_at": _maybe(order.closed_at),
            "cancel_reason": order.cancel_reason,
            "total_price": money(order.totals.price),
            "subtotal_price": money(order.totals.subtotal),
            "total_tax": money(order.totals.tax),
            "total_discounts": money(order.totals.discounts),
            "current_total_price": money(order.current.price),
            "discount_codes": [application.code for application in order.applications],
            **self._whence(order),
        }

    def _whence(self, order: Order) -> Row:
        """Where an order came from and goes to, and when it left."""
        ours, theirs = self._ledger.currency, order.presentment
        country, region = order.destination
        price = order.totals.price
        told = (
            ours.ten_thousandths(price)
            if theirs is None
            else Currency.of(theirs[0]).ten_thousandths(exchanged(price, ours, theirs))
        )
        return {
            "channel": order.channel,
            "country": country or None,
            "region": region or None,
            "referrer": host_of(order.whence) or None,
            "landing": path_of(order.whence) or None,
            "total_price_presentment": told,
            "fulfilled_at": _maybe(min((f.created_at for f in order.fulfillments), default=None)),
        }

    def _line_row(self, order: Order, line: Line) -> Row:
        money = self._ledger.currency.ten_thousandths
        named = line.variant is not None and line.variant.title != "Default Title"
        return {
            "order_id": order.id,
            "id": line.id,
            "product_id": line.product.id if line.product else None,
            "variant_id": line.variant.id if line.variant else None,
            "title": line.title,
            "variant_title": line.variant.title if line.variant and named else None,
            "sku": line.variant.sku if line.variant else None,
            "vendor": line.product.vendor if line.product else None,
            "quantity": line.quantity,
            "current_quantity": line.remaining,
            "price": money(line.price),
            "discount": money(line.discount),
            "tax": money(line.tax),
            "gift_card": line.gift_card,
            "tip": line.tip,
        }

    def _refund_row(self, order: Order, refund: Refund) -> Row:
        """``subtotal`` and ``tax`` as the refund lines have them, ``shipping`` without its tax."""
        money = self._ledger.currency.ten_thousandths
        return {
            "order_id": order.id,
            "id": refund.id,
            "created_at": instant(refund.created_at),
            "processed_at": instant(refund.created_at),
            "subtotal": money(sum(item.subtotal for item in refund.lines)),
            "tax": money(sum(item.tax for item in refund.lines)),
            "shipping": money(refund.shipping),
            "note": refund.note,
        }

    def _customer_row(self, customer: Customer) -> Row:
        if customer.deleted:
            kept = customer.merged_into
            return {
                "id": customer.id,
                "deleted": True,
                **({"merged_into": kept.id} if kept is not None else {}),
            }
        return {
            "id": customer.id,
            "email": customer.email,
            "first_name": customer.first_name,
            "last_name": customer.last_name,
            "phone": customer.phone,
            "created_at": instant(customer.created_at),
            "deleted": False,
            "merged_into": None,
            "account_state": "enabled" if customer.registered else "disabled",
            "tags": sorted(customer.tags),
            "email_consent": customer.email_consent,
            "sms_consent": customer.sms_consent,
            "orders_count_told": customer.orders_told,
            "amount_spent_told": self._spent_told(customer),
        }

    def _spent_told(self, customer: Customer) -> int | None:
        told = customer.spent_told
        return None if told is None else self._ledger.currency.ten_thousandths(told)

    def _product_row(self, product: Product) -> Row:
        if product.deleted:
            return {"id": product.id, "deleted": True}
        return {
            "id": product.id,
            "title": product.title,
            "handle": product.handle,
            "status": product.status,
            "vendor": product.vendor,
            "product_type": product.product_type,
            "tags": sorted(product.tags),
            "created_at": instant(product.created_at),
            "updated_at": instant(product.updated_at),
            "deleted": False,
        }

    def _variants(self, product: Product) -> list[Row]:
        money = self._ledger.currency.ten_thousandths
        return [
            {
                "product_id": product.id,
                "id": v.id,
                "title": v.title,
                "sku": v.sku,
                "price": money(v.price),
                "compare_at_price": None
                if v.compare_at_price is None
                else money(v.compare_at_price),
                "inventory_item_id": v.inventory_item_id,
                "inventory_quantity": v.inventory_quantity,
                "position": v.position,
                "in_stock": v.in_stock,
            }
            for v in product.variants
        ]

    def _kept_checkout(self, checkout: Checkout) -> Row:
        if checkout.deleted:
            return {"token": checkout.token, "deleted": True}
        return {
            "token": checkout.token,
            "cart_token": bare(checkout.cart_token),
            "name": f"#{checkout.number}",
            "email": checkout.email,
            "phone": checkout.phone,
            "customer_id": checkout.customer.id if checkout.customer else None,
            "customer_name": checkout.customer.name if checkout.customer else None,
            "currency": self._ledger.plan.currency,
            "total_price": self._ledger.currency.ten_thousandths(checkout.totals.price),
            "created_at": instant(checkout.created_at),
            "updated_at": instant(checkout.updated_at),
            "completed_at": _maybe(checkout.completed_at),
            "source_name": checkout.visit.channel if checkout.visit else "web",
            "deleted": False,
        }


def bare(token: str | None) -> str | None:
    """A cart's token without what some surfaces put behind it."""
    return token.partition("?")[0] if token else None


def _maybe(at: int | None) -> datetime | None:
    return None if at is None else instant(at)
