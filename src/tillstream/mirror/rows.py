"""Projections: a merged resource as the rows that readers see. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from tillstream.mirror.orders import is_tip
from tillstream.mirror.values import instant

if TYPE_CHECKING:
    import msgspec

    from tillstream.mirror.checkouts import Checkout
    from tillstream.mirror.customers import Customer
    from tillstream.mirror.orders import Order
    from tillstream.mirror.products import Product
    from tillstream.mirror.shops import Shop

Row: TypeAlias = dict[str, Any]


def plain(view: msgspec.Struct) -> Row:
    """The fields of a view as they are; times, which end in ``_at`` or ``_on``, as instants."""
    return {
        name: instant(getattr(view, name)) if name.endswith(("_at", "_on")) else getattr(view, name)
        for name in view.__struct_fields__
    }


def order_row(order: Order) -> Row:
    """One row of ``mirror.orders``, without its key's tenant and store."""
    return {
        "id": order.id,
        "name": order.name,
        "email": order.email,
        "phone": order.phone,
        "customer_id": order.customer_id,
        "checkout_token": order.checkout_token,
        "cart_token": order.cart_token,
        "currency": order.currency,
        "presentment_currency": order.presentment_currency,
        "financial_status": order.financial_status,
        "fulfillment_status": order.fulfillment_status,
        "source_name": order.source_name,
        "taxes_included": order.taxes_included,
        "test": order.test,
        "deleted": order.deleted,
        "created_at": instant(order.created_at),
        "processed_at": instant(order.processed_at),
        "updated_at": instant(order.updated_at),
        "cancelled_at": instant(order.cancelled_at),
        "closed_at": instant(order.closed_at),
        "cancel_reason": order.cancel_reason,
        "total_price": order.total_price,
        "subtotal_price": order.subtotal_price,
        "total_tax": order.total_tax,
        "total_discounts": order.total_discounts,
        "current_total_price": order.current_total_price,
        "discount_codes": order.discount_codes,
        "channel": order.source_name,
        "country": order.country,
        "region": order.region,
        "referrer": order.referrer,
        "landing": order.landing,
        "total_price_presentment": order.total_price_presentment,
        "fulfilled_at": instant(order.fulfilled_at),
    }


def line_rows(order: Order) -> list[Row]:
    """The rows of ``mirror.order_lines``: none of a deleted order; of lines with one id, the last counts."""
    if order.deleted:
        return []
    return list(
        {
            line.id: {
                "order_id": order.id,
                "id": line.id,
                "product_id": line.product_id,
                "variant_id": line.variant_id,
                "title": line.title,
                "variant_title": line.variant_title,
                "sku": line.sku,
                "vendor": line.vendor,
                "quantity": line.quantity,
                "current_quantity": line.current_quantity,
                "price": line.price,
                "discount": line.discount,
                "tax": line.tax,
                "gift_card": line.gift_card,
                "tip": is_tip(line, order),
            }
            for line in order.lines
        }.values()
    )


def refund_rows(order: Order) -> list[Row]:
    """The rows of ``mirror.refunds``: none of a deleted order. ``tax`` is that on the lines."""
    if order.deleted:
        return []
    return [
        {
            "order_id": order.id,
            "id": refund_id,
            "created_at": instant(refund.created_at),
            "processed_at": instant(refund.processed_at),
            "subtotal": sum(line.subtotal for line in refund.lines),
            "tax": sum(line.tax for line in refund.lines),
            "shipping": refund.shipping,
            "note": refund.note,
        }
        for refund_id, refund in order.refunds.items()
    ]


def checkout_row(checkout: Checkout) -> Row:
    """One row of ``mirror.checkouts``."""
    return {
        "token": checkout.token,
        "cart_token": checkout.cart_token,
        "name": checkout.name,
        "email": checkout.email,
        "phone": checkout.phone,
        "customer_id": checkout.customer_id,
        "customer_name": checkout.customer_name,
        "currency": checkout.currency,
        "total_price": checkout.total_price,
        "created_at": instant(checkout.created_at),
        "updated_at": instant(checkout.updated_at),
        "completed_at": instant(checkout.completed_at),
        "abandoned_checkout_url": checkout.abandoned_checkout_url,
        "source_name": checkout.source_name,
        "deleted": checkout.deleted,
    }


def customer_row(customer: Customer) -> Row:
    """One row of ``mirror.customers``."""
    return plain(customer)


def product_row(product: Product) -> Row:
    """One row of ``mirror.products``."""
    row = plain(product)
    del row["variants"]
    return row


def variant_rows(product: Product) -> list[Row]:
    """The rows of ``mirror.variants``: none for a deleted product."""
    if product.deleted:
        return []
    return [{"product_id": product.id, **plain(variant)} for variant in product.variants]


def shop_row(shop: Shop) -> Row:
    """One row of ``mirror.shops``."""
    return plain(shop)
