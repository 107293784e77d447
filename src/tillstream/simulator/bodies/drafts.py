"""Draft orders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tillstream.simulator.bodies.parts import Parts, tax_lines
from tillstream.simulator.bodies.people import People
from tillstream.simulator.bodies.press import Json, encode

if TYPE_CHECKING:
    from tillstream.simulator.books import Row
    from tillstream.simulator.facts import Basket, Customer, Line, Totals


class Drafts(Parts, People):
    """Prints what may become an order."""

    def draft_order(self, row: Row, basket: Basket, totals: Totals, customer: Customer) -> bytes:
        """``draft_orders/create`` and ``draft_orders/update``."""
        text, completed = self._text, row["completed_at"]
        return encode(
            {
                "id": row["id"],
                "admin_graphql_api_id": f"gid://shopify/DraftOrder/{row['id']}",
                "note": None,
                "email": customer.email,
                "taxes_included": self._plan.taxes_included,
                "currency": row["currency"],
                "invoice_sent_at": None,
                "created_at": row["created_at"].isoformat(),
                "updated_at": row["updated_at"].isoformat(),
                "tax_exempt": False,
                "completed_at": completed.isoformat() if completed else None,
                "name": row["name"],
                "status": row["status"],
                "line_items": [self._draft_line(line) for line in basket.lines],
                "applied_discount": None,
                "order_id": row["order_id"],
                "shipping_line": None,
                "tax_lines": tax_lines(text, []),
                "tags": "",
                "note_attributes": [],
                "total_price": text(totals.price),
                "subtotal_price": text(totals.subtotal),
                "total_tax": text(totals.tax),
                "customer": self._person(customer),
            }
        )

    def draft_order_deleted(self, identifier: int) -> bytes:
        """``draft_orders/delete``."""
        gid = f"gid://shopify/DraftOrder/{identifier}"
        return encode({"id": identifier, "admin_graphql_api_id": gid})

    def _draft_line(self, line: Line) -> Json:
        product, variant = line.product, line.variant
        return {
            "id": line.id,
            "variant_id": variant.id if variant else None,
            "product_id": product.id if product else None,
            "title": line.title,
            "sku": variant.sku if variant else None,
            "vendor": product.vendor if product else None,
            "quantity": line.quantity,
            "gift_card": line.gift_card,
            "custom": product is None,
            "price": self._text(line.price),
            "applied_discount": None,
            "properties": [],
            "tax_lines": tax_lines(self._text, line.taxes),
            "admin_graphql_api_id": f"gid://shopify/DraftOrderLineItem/{line.id}",
        }
