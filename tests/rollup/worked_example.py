"""The webhooks that Shopify would send of the orders in ``docs/worked-example.toml``.

Each order is told when it is placed and after everything that happens to it, with the topics and the
shapes of Shopify's 2026-04 bodies. Only what happened is taken from the file; its expected figures
are not read here.
"""

from __future__ import annotations

import tomllib
from copy import deepcopy
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

Body: TypeAlias = dict[str, Any]
Told: TypeAlias = tuple[str, Body]
"""A topic and its body."""

FILE: Final = Path(__file__).parents[2] / "docs" / "worked-example.toml"
_CENT: Final = Decimal("0.01")


def example() -> dict[str, Any]:
    """The file: ``order``, ``day`` and ``total``, and the shop."""
    return tomllib.loads(FILE.read_text())


def webhooks(order: dict[str, Any]) -> list[Told]:
    """All that is told of an order, in the order in which it happens."""
    now = _placed(order)
    told: list[Told] = [("orders/create", deepcopy(now))]
    for number, step in enumerate(order.get("then", ()), 1):
        _STEPS[step["kind"]](order, now, step, number, told)
    return told


def _placed(order: dict[str, Any]) -> Body:
    """The order's body as it is placed."""
    key = _key(order)
    entered = _text(order.get("entered", order["at"]))
    lines = [_line(order, index, line) for index, line in enumerate(order["lines"], 1)]
    if "tip" in order:
        lines.append(_tip(order))
    body: Body = {
        "id": key,
        "name": order["name"],
        "currency": "EUR",
        "presentment_currency": _abroad(order)[0],
        "created_at": entered,
        "processed_at": _text(order["at"]),
        "updated_at": entered,
        "cancelled_at": None,
        "test": order.get("test", False),
        "taxes_included": order.get("taxes_included", True),
        "financial_status": order.get("financial_status", "paid"),
        "source_name": order.get("source_name", "web"),
        "payment_gateway_names": [order.get("gateway", "shopify_payments")],
        "discount_codes": [{"code": code}] if (code := order.get("code")) else [],
        "customer": {"id": order["customer"]} if "customer" in order else None,
        "line_items": lines,
        "shipping_lines": [_shipping(order)] if "shipping" in order else [],
        "refunds": [],
        "returns": [],
        "total_tip_received": order.get("tip", "0.00"),
        "original_total_duties_set": _maybe(order, order.get("duties")),
        "current_total_duties_set": _maybe(order, order.get("duties")),
        "original_total_additional_fees_set": _maybe(order, order.get("fees")),
        "current_total_additional_fees_set": _maybe(order, order.get("fees")),
        "total_cash_rounding_payment_adjustment_set": _bag(
            order, order.get("cash_rounding", "0.00")
        ),
        "total_cash_rounding_refund_adjustment_set": _bag(order, "0.00"),
    }
    total = _total(order)
    return {**body, "total_price": total, "total_price_set": _bag(order, total)}


def _line(order: dict[str, Any], index: int, line: dict[str, Any]) -> Body:
    units = line.get("units", 1)
    return {
        "id": _key(order) * 100 + index,
        "product_id": 7_000 + index,
        "variant_id": 8_000 + index,
        "title": "Tea",
        "vendor": "The shop",
        "quantity": units,
        "current_quantity": units,
        "price": line["price"],
        "price_set": _bag(order, line["price"]),
        "tax_lines": [_tax(order, line["tax"], line.get("rate", "0.19"))],
        "discount_allocations": [{"amount_set": _bag(order, off)} for off in line.get("off", ())],
        "gift_card": line.get("gift_card", False),
    }


def _tip(order: dict[str, Any]) -> Body:
    line = _line(order, 80, {"price": order["tip"], "tax": "0.00", "rate": "0"})
    return {**line, "product_id": None, "variant_id": None, "title": "Tip", "vendor": None}


def _shipping(order: dict[str, Any]) -> Body:
    told = order["shipping"]
    return {
        "id": _key(order) * 100 + 90,
        "price_set": _bag(order, "5.95"),
        "discounted_price_set": _bag(order, told["price"]),
        "current_discounted_price_set": _bag(order, told["price"]),
        "is_removed": False,
        "tax_lines": [_tax(order, told["tax"], "0.19")],
    }


def _refund(
    order: dict[str, Any], now: Body, step: dict[str, Any], number: int, told: list[Told]
) -> None:
    """Units, shipping, duties or money given back."""
    back = list(step.get("back", ()))
    for given in back:
        _take(now, given)
    if step.get("tip"):
        back.append({"line": 80, "units": 1, "subtotal": order["tip"], "tax": "0.00"})
    record = _record(order, step, number, back)
    if shipped := step.get("shipping"):
        record["order_adjustments"].append(
            {
                "kind": "shipping_refund",
                "amount_set": _bag(order, "-" + shipped["amount"]),
                "tax_amount_set": _bag(order, "-" + shipped["tax"]),
            }
        )
        now["shipping_lines"][0]["current_discounted_price_set"] = _bag(order, "0.00")
    if adjustment := step.get("adjustment"):
        record["order_adjustments"].append(
            {"kind": "refund_discrepancy", "amount_set": _bag(order, "-" + adjustment)}
        )
    if duties := step.get("duties"):
        record["total_duties_set"] = _bag(order, duties)
        now["current_total_duties_set"] = _bag(order, "0.00")
    if "fees" in step:
        now["current_total_additional_fees_set"] = _bag(order, "0.00")
    if rounding := step.get("cash_rounding"):
        now["total_cash_rounding_refund_adjustment_set"] = _bag(order, rounding)
    _tell_refund(now, step, record, told)


def _exchange(
    order: dict[str, Any], now: Body, step: dict[str, Any], number: int, told: list[Told]
) -> None:
    """Units that come back, and lines that go out in their place."""
    for given in step["back"]:
        _take(now, given)
    first = len(now["line_items"]) + 1
    brought = [_line(order, index, line) for index, line in enumerate(step["lines"], first)]
    returned = _key(order) * 100 + 70 + number
    now["line_items"] += brought
    now["returns"].append(
        {
            "id": returned,
            "exchange_line_items": [
                {"id": line["id"] * 10, "line_item": {"id": line["id"]}} for line in brought
            ],
        }
    )
    record = {**_record(order, step, number, step["back"]), "return": {"id": returned}}
    _tell_refund(now, step, record, told)


def _edit(
    order: dict[str, Any], now: Body, step: dict[str, Any], number: int, told: list[Told]
) -> None:
    """Units added to lines or removed, or the shipping taken off."""
    for more in step.get("added", ()):
        line = now["line_items"][more["line"] - 1]
        line["quantity"] += more["units"]
        line["current_quantity"] += more["units"]
        taxed = Decimal(line["tax_lines"][0]["price"]) + Decimal(more["tax"])
        line["tax_lines"] = [_tax(order, str(taxed), "0.19")]
    for less in step.get("removed", ()):
        _take(now, less)
    shipping_removals: list[Body] = []
    if step.get("shipping_removed"):
        line = now["shipping_lines"][0]
        line["is_removed"] = True
        line["current_discounted_price_set"] = _bag(order, "0.00")
        shipping_removals = [{"id": line["id"]}]
    delta = {
        "id": _key(order) * 100 + 60 + number,
        "order_id": now["id"],
        "committed_at": _text(step["at"]),
        "line_items": {
            "additions": _deltas(now, step.get("added", ())),
            "removals": _deltas(now, step.get("removed", ())),
        },
        "shipping_lines": {"additions": [], "removals": shipping_removals},
    }
    told.append(("orders/edited", {"order_edit": delta}))
    if "record" in step:
        _tell_refund(now, step, _record(order, step, number, step["record"]), told)
    else:
        _tell(now, step, told)


def _cancellation(
    _: dict[str, Any], now: Body, step: dict[str, Any], __: int, told: list[Told]
) -> None:
    """All of it is called off."""
    now["cancelled_at"] = _text(step["at"])
    for line in (*now["line_items"], *now["shipping_lines"]):
        line["current_quantity"] = 0
    _tell(now, step, told, "orders/cancelled")


def _deletion(_: dict[str, Any], now: Body, __: dict[str, Any], ___: int, told: list[Told]) -> None:
    """Gone, as if it had never been."""
    told.append(("orders/delete", {"id": now["id"]}))


_STEPS: Final[
    dict[str, Callable[[dict[str, Any], Body, dict[str, Any], int, list[Told]], None]]
] = {
    "refund": _refund,
    "exchange": _exchange,
    "edit": _edit,
    "cancellation": _cancellation,
    "deletion": _deletion,
}


def _record(
    order: dict[str, Any], step: dict[str, Any], number: int, back: list[dict[str, Any]]
) -> Body:
    """A refund record of these units, with nothing else yet."""
    return {
        "id": _key(order) * 100 + 50 + number,
        "order_id": _key(order),
        "created_at": _text(step["at"]),
        "processed_at": _text(step["at"]),
        "refund_line_items": [
            {
                "line_item_id": _key(order) * 100 + given["line"],
                "quantity": given["units"],
                "subtotal_set": _bag(order, given["subtotal"]),
                "total_tax_set": _bag(order, given["tax"]),
            }
            for given in back
        ],
        "order_adjustments": [],
        "transactions": [],
    }


def _tell_refund(now: Body, step: dict[str, Any], record: Body, told: list[Told]) -> None:
    now["refunds"].append(record)
    told.append(("refunds/create", deepcopy(record)))
    _tell(now, step, told)


def _tell(now: Body, step: dict[str, Any], told: list[Told], topic: str = "orders/updated") -> None:
    # A second later than what it tells of, as Shopify's bodies often are.
    now["updated_at"] = _text(step["at"] + timedelta(seconds=1))
    told.append((topic, deepcopy(now)))


def _take(now: Body, given: dict[str, Any]) -> None:
    line = now["line_items"][given["line"] - 1]
    line["current_quantity"] = max(0, line["current_quantity"] - given["units"])


def _deltas(now: Body, changed: Any) -> list[Body]:
    return [
        {"id": now["line_items"][one["line"] - 1]["id"], "delta": one["units"]} for one in changed
    ]


def _tax(order: dict[str, Any], amount: str, rate: str) -> Body:
    return {"rate": float(rate), "price": amount, "price_set": _bag(order, amount)}


def _maybe(order: dict[str, Any], amount: str | None) -> Body | None:
    return None if amount is None else _bag(order, amount)


def _bag(order: dict[str, Any], amount: str) -> Body:
    """An amount in the shop's currency and in the buyer's."""
    theirs, rate = _abroad(order)
    there = (Decimal(amount) * rate).quantize(_CENT, ROUND_HALF_UP)
    return {
        "shop_money": {"amount": amount, "currency_code": "EUR"},
        "presentment_money": {"amount": str(there), "currency_code": theirs},
    }


def _abroad(order: dict[str, Any]) -> tuple[str, Decimal]:
    told = order.get("presentment")
    return ("EUR", Decimal(1)) if told is None else (told["currency"], Decimal(told["rate"]))


def _total(order: dict[str, Any]) -> str:
    total = sum(
        (Decimal(order.get(name, "0.00")) for name in ("tip", "duties", "fees")), Decimal("0.00")
    )
    shipping = order.get("shipping", {"price": "0.00", "tax": "0.00"})
    for line in order["lines"]:
        off = sum(map(Decimal, line.get("off", ())), Decimal(0))
        total += Decimal(line["price"]) * line.get("units", 1) - off
    if not order.get("taxes_included", True):
        total += Decimal(shipping["tax"]) + sum(Decimal(line["tax"]) for line in order["lines"])
    return str(total + Decimal(shipping["price"]))


def _key(order: dict[str, Any]) -> int:
    return int(order["name"].removeprefix("#"))


def _text(at: datetime) -> str:
    return at.isoformat()
