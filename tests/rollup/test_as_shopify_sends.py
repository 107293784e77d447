"""Bodies whose fields overlap or say only part of it, as webhooks and figures.

Through the real worker into a real PostgreSQL, and asked of the real API; each order has a day of its own.
Expected amounts have their arithmetic beside them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.rollup.asked import asked, told
from tests.rollup.drawn import bag, line, order, refund, refunded

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Database
    from tests.rollup.drawn import Body


def placed(key: int, *lines: Body, **more: Any) -> Body:
    """An order of the day of October that is its id, at noon in UTC."""
    at = f"2026-10-{key:02}T12:00:00Z"
    times = dict.fromkeys(("created_at", "processed_at", "updated_at"), at)
    return {**order(*lines), "id": key, **times, **more}


async def test_the_figures_are_what_shopify_has_sold(database: Database, tmp_path: Path) -> None:
    tax = {"rate": 0.19, "price_set": bag("0.95")}
    shipped = {"id": 71, "price_set": bag("5.00"), "discounted_price_set": bag("5.00")}
    free = {**shipped, "discount_allocations": [{"amount_set": bag("5.00")}]}
    duty = {"id": 2, "tax_lines": [{"rate": 0.2, "price_set": bag("6.00")}]}
    back = {
        **refund(at="2026-10-13T12:00:00Z"),
        "order_id": 12,
        "refund_shipping_lines": [{"shipping_line_id": 71, "subtotal_amount_set": bag("2.00")}],
        "order_adjustments": [
            {"kind": "shipping_refund", "amount_set": bag("-2.00"), "tax_amount_set": bag("-0.38")}
        ],
    }
    fees = {
        **refund(at="2026-10-15T12:00:00Z", key=6, total_duties_set=bag("30.00")),
        "order_id": 14,
        "total_additional_fees_set": bag("1.50"),
    }
    later = {**refund(refunded(1, 1, "100.00"), at="2026-10-16T12:00:00Z", key=7), "order_id": 14}
    deliveries = [
        told("orders/create", placed(11, line(1, "10.00"), shipping_lines=[free])),
        told(
            "orders/create",
            placed(12, line(1, "10.00"), shipping_lines=[{**shipped, "tax_lines": [tax]}]),
        ),
        told("refunds/create", back),
        told(
            "orders/create",
            placed(
                14, line(1, "100.00", duties=[duty]), original_total_duties_set=bag("30.00"),
                original_total_additional_fees_set=bag("1.50"), current_total_additional_fees_set=bag("0.00"),
            ),
        ),
        told("refunds/create", fees),
        told("refunds/create", later),
    ]  # fmt: skip
    async with asked(database, tmp_path, "UTC", "EUR", deliveries) as shop:
        found = {
            day: {name: figures[name] for name in ("total_sales", "shipping", "taxes")}
            for day in range(11, 17)
            for figures in [await shop.figures(f"2026-10-{day}")]
        }
        assert found == {
            # a code makes shipping free, which the discounted price does not say
            11: {"total_sales": "10.00", "shipping": "0.00", "taxes": "0.00"},
            # 10.00 + 5.00 + 0.95
            12: {"total_sales": "15.95", "shipping": "5.00", "taxes": "0.95"},
            # 2.00 of 5.00 with their tax, which only the adjustment tells
            13: {"total_sales": "-2.38", "shipping": "-2.00", "taxes": "-0.38"},
            # 100.00 + 30.00 of duty + 6.00 of tax on that + 1.50 of fees
            14: {"total_sales": "137.50", "shipping": "0.00", "taxes": "6.00"},
            # all but the goods: by this refund, although a later one follows
            15: {"total_sales": "-37.50", "shipping": "0.00", "taxes": "-6.00"},
            16: {"total_sales": "-100.00", "shipping": "0.00", "taxes": "0.00"},
        }
