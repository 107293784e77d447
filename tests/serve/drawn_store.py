"""A store drawn at random from a seed: everything that puts entries into the ledger, over some weeks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.rollup.drawn import bag, line, refunded, shipping
from tests.rollup.worlds import delivery

if TYPE_CHECKING:
    from random import Random

    from tillstream.journal.contract import Delivery

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
CODES = ["WELCOME10", "SPRING"]
CHANNELS = ["web", "pos", None]
COUNTRIES = ["DE", "US", None]


def draw_store(random: Random, shop: str, orders: int = 25) -> list[Delivery]:
    """Deliveries of a store's life in March 2026, in the order in which they happened."""
    told: list[tuple[str, str, Any]] = []
    for number in range(1, orders + 1):
        told += _order(random, number)
    for number in range(1, orders + 1):
        told += _checkout(random, number)
    return [delivery(shop, topic, body) for _, topic, body in sorted(told, key=lambda one: one[0])]


def _moment(random: Random, days: int = 25) -> datetime:
    # Near midnight, so that the zone decides the day.
    minutes = random.choice([random.randrange(60), random.randrange(24 * 60)])
    return BEGIN + timedelta(days=random.randrange(days), minutes=minutes)


def _order(random: Random, number: int) -> list[tuple[str, str, Any]]:
    placed = _moment(random)
    at = placed.isoformat()
    lines = [
        line(
            number * 10 + place,
            f"{random.randrange(1, 90)}.50",
            random.randrange(1, 4),
            tax=random.choice([None, "1.20"]),
            rate="0.07",
            off=random.choice([(), ("0.75",)]),
            product_id=random.choice([7, 8, None]),
            vendor=random.choice(["Ada", None]),
            gift_card=random.random() < 0.1,
        )
        for place in range(random.randrange(1, 4))
    ]
    if random.random() < 0.3:
        tip = line(number * 10 + 9, "2.00", product_id=None, variant_id=None, title="Tip")
        lines.append(tip)
    customer = random.choice([None, 1, 2, 3, 4, 5])
    body: dict[str, Any] = {
        "id": number, "name": f"#{number}", "currency": "EUR", "created_at": at, "processed_at": at, "updated_at": at,
        "customer": None if customer is None else {"id": customer, "updated_at": at},
        "line_items": lines, "shipping_lines": [shipping("4.90", "0.78")],
        "source_name": random.choice(CHANNELS),
        "discount_codes": [{"code": random.choice(CODES)}][: random.randrange(2)],
        "shipping_address": {"country_code": random.choice(COUNTRIES)}, "test": random.random() < 0.1,
        "cart_token": f"cart{number}", "original_total_duties_set": bag(random.choice(["0", "3.00"])),
        "original_total_additional_fees_set": bag(random.choice(["0", "0.60"])), "total_price": "50.00",
        "total_cash_rounding_payment_adjustment_set": bag(random.choice(["0", "0.02"])),
        "taxes_included": random.random() < 0.4, "total_tip_received": "2.00",
    }  # fmt: skip
    told = [(at, "orders/create", body)]
    if random.random() < 0.4:
        later = placed + timedelta(days=random.randrange(1, 6), hours=random.randrange(20))
        told.append((later.isoformat(), "refunds/create", _refund(number, lines[0], later)))
    if random.random() < 0.2:
        later = (placed + timedelta(days=random.randrange(1, 6))).isoformat()
        told.append((later, "orders/updated", {**body, "cancelled_at": later, "updated_at": later}))
    return told


def _refund(number: int, first: dict[str, Any], at: datetime) -> dict[str, Any]:
    return {
        "id": 1000 + number, "order_id": number, "created_at": at.isoformat(), "processed_at": at.isoformat(),
        "refund_line_items": [refunded(first["id"], 1, "5.00", "0.40")],
        "order_adjustments": [{"kind": "refund_discrepancy", "amount_set": bag("-1.50")}],
    }  # fmt: skip


def _checkout(random: Random, number: int) -> list[tuple[str, str, Any]]:
    begun = _moment(random)
    body: dict[str, Any] = {
        "token": f"token{number}", "cart_token": f"cart{random.choice([number, 0])}", "email": "a@example.com",
        "customer": {"id": random.randrange(1, 8)}, "currency": "EUR", "total_price": "31.00",
        "created_at": begun.isoformat(), "updated_at": begun.isoformat(),
    }  # fmt: skip
    told = [(begun.isoformat(), "checkouts/create", body)]
    if random.random() < 0.6:
        again = (begun + random.choice([timedelta(minutes=3), timedelta(hours=20)])).isoformat()
        done = {"completed_at": again} if random.random() < 0.5 else {}
        told.append((again, "checkouts/update", {**body, "updated_at": again, **done}))
    return told
