"""What comes after an order: edits, refunds, money, parcels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tillstream.simulator.bodies.parts import Parts
from tillstream.simulator.bodies.press import Json, encode, raw
from tillstream.simulator.currency import Currency, exchanged

if TYPE_CHECKING:
    from tillstream.simulator.books import Row
    from tillstream.simulator.facts import (
        Edit,
        Fulfillment,
        Order,
        Refund,
        RefundLine,
        Return,
        Transaction,
    )

_EMPTY_RECEIPT = raw({})


class Afterwards(Parts):
    """Prints what happens to orders."""

    def edited(self, order: Order, edit: Edit) -> bytes:
        """``orders/edited``: a delta of quantities, without amounts."""
        when = self._clock.text(edit.committed_at)
        return encode(
            {
                "order_edit": {
                    "id": edit.id,
                    "app_id": None,
                    "created_at": when,
                    "committed_at": when,
                    "notify_customer": False,
                    "order_id": order.id,
                    "staff_note": "",
                    "user_id": None,
                    "line_items": {
                        "additions": [{"id": line.id, "delta": n} for line, n in edit.additions],
                        "removals": [{"id": line.id, "delta": n} for line, n in edit.removals],
                    },
                    "discounts": {"line_item": {"additions": [], "removals": []}},
                    "shipping_lines": {
                        "additions": [{"id": one.id} for one in edit.shipping_additions],
                        "removals": [{"id": one.id} for one in edit.shipping_removals],
                    },
                }
            }
        )

    def refund(self, refund: Refund, order: Order) -> bytes:
        """``refunds/create``: the refund at the root."""
        return encode(self._refund(refund, order))

    def _refund(self, refund: Refund, order: Order) -> Json:
        when, theirs = self._clock.text(refund.created_at), order.presentment
        duties: list[Json] = []
        if refund.duties:
            duties.append(
                {"duty_id": refund.id + 1, "amount_set": self._bag(refund.duties, theirs)}
            )
        return {
            "id": refund.id,
            "admin_graphql_api_id": f"gid://shopify/Refund/{refund.id}",
            "created_at": when,
            "note": refund.note,
            "order_id": order.id,
            "processed_at": when,
            "restock": refund.restock,
            "return": None if refund.return_id is None else _return(refund.return_id),
            "user_id": 902541635,
            "duties": duties,
            "total_duties_set": self._bag(refund.duties, theirs),
            "refund_line_items": [self._refund_line(line, order) for line in refund.lines],
            "refund_shipping_lines": self._refunded_shipping(refund, order),
            "order_adjustments": self._adjustments(refund, order),
            "transactions": [self._transaction(t, order) for t in refund.transactions],
        }

    def _refund_line(self, item: RefundLine, order: Order) -> Json:
        theirs = order.presentment
        return {
            "id": item.id,
            "line_item": self._line(item.line, order),
            "line_item_id": item.line.id,
            "location_id": self._shop_id + 17 if item.restock_type != "no_restock" else None,
            "quantity": item.quantity,
            "restock_type": item.restock_type,
            "subtotal": self._number(item.subtotal),
            "subtotal_set": self._bag(item.subtotal, theirs),
            "total_tax": self._number(item.tax),
            "total_tax_set": self._bag(item.tax, theirs),
        }

    def _refunded_shipping(self, refund: Refund, order: Order) -> list[Json]:
        if refund.shipping == 0 or refund.told_as == "adjustments":
            return []
        return [
            {
                "id": refund.id + 2 + 8 * index,
                "shipping_line": self._shipping(back.shipping, order.presentment),
                "subtotal_amount_set": self._bag(back.amount, order.presentment),
                "tax_amount_set": self._bag(back.tax, order.presentment),
            }
            for index, back in enumerate(refund.shipping_back)
        ]

    def _adjustments(self, refund: Refund, order: Order) -> list[Json]:
        told: list[Json] = []
        if refund.shipping and refund.told_as != "lines":
            told.append(
                self._adjustment(
                    refund, order, "shipping_refund", -refund.shipping, -refund.shipping_tax
                )
            )
        if refund.discrepancy:
            told.append(
                self._adjustment(refund, order, "refund_discrepancy", refund.discrepancy, 0)
            )
        return told

    def _adjustment(self, refund: Refund, order: Order, kind: str, amount: int, tax: int) -> Json:
        text, theirs = self._text, order.presentment
        return {
            "id": refund.id + (3 if kind == "shipping_refund" else 4),
            "amount": text(amount),
            "amount_set": self._bag(amount, theirs),
            "kind": kind,
            "order_id": order.id,
            "reason": "Shipping refund" if kind == "shipping_refund" else "Refund discrepancy",
            "refund_id": refund.id,
            "tax_amount": text(tax),
            "tax_amount_set": self._bag(tax, theirs),
        }

    def transaction(self, transaction: Transaction, order: Order) -> bytes:
        """``order_transactions/create``."""
        return encode(self._transaction(transaction, order))

    def _transaction(self, transaction: Transaction, order: Order) -> Json:
        when = self._clock.text(transaction.created_at)
        theirs = order.presentment
        code, amount = self._currency.code, self._text(transaction.amount)
        if theirs is not None:
            code = theirs[0]
            amount = Currency.of(code).text(exchanged(transaction.amount, self._currency, theirs))
        nothing = {"amount": Currency.of(code).text(0), "currency": code}
        return {
            "id": transaction.id,
            "admin_graphql_api_id": f"gid://shopify/OrderTransaction/{transaction.id}",
            "amount": amount,
            "amount_rounding": None,
            "authorization": f"ch_{transaction.id:x}",
            "created_at": when,
            "currency": code,
            "device_id": None,
            "error_code": None,
            "gateway": order.gateway,
            "kind": transaction.kind,
            "location_id": None,
            "manual_payment_gateway": order.gateway in ("bank_transfer", "cash"),
            "message": "Transaction approved",
            "order_id": order.id,
            "parent_id": transaction.parent_id,
            "payment_id": f"{order.name}.{len(order.transactions)}",
            "processed_at": when,
            "receipt": _EMPTY_RECEIPT,
            "source_name": order.source_name,
            "status": "success",
            "test": order.test,
            "total_unsettled_set": {"presentment_money": nothing, "shop_money": nothing},
            "user_id": None,
        }

    def tender(self, transaction: Transaction, order: Order, identifier: int) -> bytes:
        """``tender_transactions/create``: negative where money goes back."""
        theirs = order.presentment
        code = theirs[0] if theirs else self._currency.code
        amount = (
            exchanged(transaction.amount, self._currency, theirs) if theirs else transaction.amount
        )
        sign = -1 if transaction.kind == "refund" else 1
        return encode(
            {
                "id": identifier,
                "order_id": order.id,
                "amount": Currency.of(code).text(sign * amount),
                "currency": code,
                "user_id": None,
                "test": order.test,
                "processed_at": self._clock.text(transaction.created_at),
                "remote_reference": f"ch_{transaction.id:x}",
                "payment_details": None,
                "payment_method": "cash" if order.gateway == "cash" else "credit_card",
            }
        )

    def returned(self, row: Row, exchanged: Return | None = None, *, bare: bool = False) -> bytes:
        """``returns/*``: without a time, and ``bare`` with little more than the id.

        ``exchanged`` is what is known of an exchange, if it is one.
        """
        printed: Json = {**_return(row["id"]), "status": row["status"]}
        if not bare:
            gid = f"gid://shopify/Order/{row['order_id']}"
            printed |= {
                "name": row["name"],
                "order": {"id": row["order_id"], "admin_graphql_api_id": gid},
                "total_return_line_items": 1,
                "return_line_items": [],
                "return_shipping_fees": [],
                "exchange_line_items": _exchange_lines(exchanged),
                "total_exchange_line_items": len(exchanged.lines) if exchanged else 0,
            }
        return encode(printed)

    def _exchange(self, exchanged: Return) -> Json:
        """A return as the orders have it: by which of their lines it was answered."""
        return {
            **_return(exchanged.id),
            "name": exchanged.name,
            "exchange_line_items": _exchange_lines(exchanged),
            "total_exchange_line_items": len(exchanged.lines),
        }

    def dispute(self, row: Row, amount: str, evidence_due_by: int) -> bytes:
        """``disputes/create`` and ``disputes/update``."""
        ended = row["finalized_on"]
        return encode(
            {
                "id": row["id"],
                "order_id": row["order_id"],
                "type": row["type"],
                "amount": amount,
                "currency": row["currency"],
                "reason": row["reason"],
                "network_reason_code": "4837",
                "status": row["status"],
                "evidence_due_by": self._clock.text(evidence_due_by),
                "evidence_sent_on": None,
                "finalized_on": ended.isoformat() if ended else None,
                "initiated_at": row["initiated_at"].isoformat(),
            }
        )

    def fulfillment(self, fulfillment: Fulfillment, order: Order) -> bytes:
        """``fulfillments/create`` and ``fulfillments/update``."""
        more = {"email": order.email, "destination": None}
        return encode(self._fulfillment(fulfillment, order) | more)

    def _fulfillment(self, fulfillment: Fulfillment, order: Order) -> Json:
        when = self._clock.text(fulfillment.created_at)
        number = f"TS{fulfillment.id % 10**10:010d}"
        url = f"https://track.example.com/{number}"
        return {
            "id": fulfillment.id,
            "admin_graphql_api_id": f"gid://shopify/Fulfillment/{fulfillment.id}",
            "created_at": when,
            "location_id": self._shop_id + 17,
            "name": f"{order.name}.{fulfillment.number}",
            "order_id": order.id,
            "origin_address": {},
            "receipt": {},
            "service": "manual",
            "shipment_status": fulfillment.shipment_status,
            "status": "success",
            "tracking_company": "Other",
            "tracking_number": number,
            "tracking_numbers": [number],
            "tracking_url": url,
            "tracking_urls": [url],
            "updated_at": self._clock.text(fulfillment.updated_at or fulfillment.created_at),
            "line_items": [
                {
                    "id": line.id,
                    "quantity": units,
                    "title": line.title,
                    "variant_id": line.variant.id,
                }
                for line, units in fulfillment.lines
                if line.variant
            ],
        }


def _return(identifier: int) -> Json:
    """A return by its ids alone."""
    return {"id": identifier, "admin_graphql_api_id": f"gid://shopify/Return/{identifier}"}


def _exchange_lines(exchanged: Return | None) -> list[Json]:
    """What goes out instead of what comes back."""
    if exchanged is None:
        return []
    return [
        {
            "id": exchanged.id + number,
            "admin_graphql_api_id": f"gid://shopify/ExchangeLineItem/{exchanged.id + number}",
            "line_item": {
                "id": line.id,
                "admin_graphql_api_id": f"gid://shopify/LineItem/{line.id}",
                "quantity": line.quantity,
                "title": line.title,
            },
        }
        for number, line in enumerate(exchanged.lines, 1)
    ]
