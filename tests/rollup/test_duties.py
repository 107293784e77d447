"""Duties with tax on them, and additional fees, as orders and refunds tell them.

Drawn as in ``test_entries.py``: every expected amount has its arithmetic beside it.
"""

from __future__ import annotations

from typing import Any

from tests.rollup.drawn import (
    CANCELLED,
    REFUNDED,
    Body,
    amounts,
    bag,
    entries,
    line,
    order,
    refund,
    refunded,
    sums,
)
from tillstream.rollup.entries import total_sales

LATER = "2026-03-06T10:00:00Z"


def imported(**more: Any) -> Body:
    """A coat of 100.00, on which the buyer pays 30.00 of duty, and 20 % tax on that: 6.00."""
    duty = {"id": 2, **bag("30.00"), "tax_lines": [{"rate": 0.2, "price_set": bag("6.00")}]}
    return order(
        line(1, "100.00", 1, tax="20.00", rate="0.2", duties=[duty]),
        original_total_duties_set=bag("30.00"),
        **more,
    )


def test_the_tax_on_duties_is_a_tax() -> None:
    # 20.00 on the coat and 6.00 on the duty
    expected: dict[str, str | int] = {
        "orders": 1, "gross_sales": "100.00", "placed_gross": "100.00", "duties": "30.00", "taxes": "26.00",
    }  # fmt: skip
    assert amounts(imported()) == {"placement": expected}
    # 100.00 + 30.00 + 26.00, which is what the buyer pays
    assert total_sales(sums(entries(imported()))) == 1_560_000
    # Prices with tax in them: the coat is 80.00 and 20.00; the tax on the duty comes on top of that.
    inside = amounts(imported(taxes_included=True))["placement"]
    assert (inside["gross_sales"], inside["taxes"]) == ("80.00", "26.00")


def test_it_is_given_back_with_the_duties() -> None:
    # 10.00 of 30.00, then 20.00: 6.00 × 1 ÷ 3 = 2.00, and the rest
    first = refund(total_duties_set=bag("10.00"), key=5)
    rest = refund(refunded(1, 1, "100.00", "20.00"), total_duties_set=bag("20.00"), key=6, at=LATER)
    found = amounts(imported(), first, rest)
    assert found["refund:5"] == {"duties": "-10.00", "taxes": "-2.00"}
    assert found["refund:6"] == {"sales_reversals": "100.00", "duties": "-20.00", "taxes": "-24.00"}
    assert total_sales(sums(entries(imported(), first, rest))) == 0


def test_it_goes_with_duties_that_no_refund_tells_of_and_with_a_cancellation() -> None:
    # 15.00 of 30.00 are left: 6.00 × 1 ÷ 2 = 3.00
    body = imported(current_total_duties_set=bag("15.00"))
    assert amounts(body, refund(refunded(1, 1, "100.00", "20.00")))["refund:5"] == {
        "sales_reversals": "100.00", "duties": "-15.00", "taxes": "-23.00",
    }  # fmt: skip
    body = imported(cancelled_at=CANCELLED)
    assert amounts(body)["cancellation"] == {
        "sales_reversals": "100.00", "duties": "-30.00", "taxes": "-26.00",
    }  # fmt: skip


def test_fees_are_given_back_by_the_refund_that_says_so() -> None:
    # 1.50 of fees go on the 3rd; the refund of the 6th, which is the latest, gives none back
    body = order(
        line(1, "100.00"),
        original_total_additional_fees_set=bag("1.50"),
        current_total_additional_fees_set=bag("0.00"),
    )
    first = refund(total_additional_fees_set=bag("1.50"), key=5, at=REFUNDED)
    latest = refund(
        refunded(1, 1, "100.00"), total_additional_fees_set=bag("0.00"), key=6, at=LATER
    )
    assert amounts(body, first, latest) == {
        "placement": {
            "orders": 1, "gross_sales": "100.00", "placed_gross": "100.00", "additional_fees": "1.50",
        },
        "refund:5": {"additional_fees": "-1.50"},
        "refund:6": {"sales_reversals": "100.00"},
    }  # fmt: skip
