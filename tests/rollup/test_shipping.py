"""Shipping that codes lower, and shipping that is given back, in the shapes that Shopify sends.

Drawn as in ``test_entries.py``: every expected amount has its arithmetic beside it.
"""

from __future__ import annotations

import pytest

from tests.rollup.drawn import CANCELLED, Body, amounts, bag, line, order, refund, shipping


def given_back(listed: str | None = None, given: tuple[str, str] | None = None) -> Body:
    """A refund of shipping: as Shopify lists it since 2024-10, without tax, and as an adjustment."""
    return refund(
        refund_shipping_lines=[]
        if listed is None
        else [{"id": 6, "shipping_line_id": 71, "subtotal_amount_set": bag(listed)}],
        order_adjustments=[]
        if given is None
        else [
            {
                "kind": "shipping_refund",
                "amount_set": bag(given[0]),
                "tax_amount_set": bag(given[1]),
            }
        ],
    )


@pytest.mark.parametrize(
    ("discounted", "off", "charged"),
    [
        # a code for free shipping: until 2024-07 no version of Shopify took it off the discounted price
        ("5.00", ("5.00",), None),
        ("0.00", ("5.00",), None),
        # half off by a code
        ("5.00", ("2.50",), "2.50"),
        ("2.50", ("2.50",), "2.50"),
        # lowered, and nothing says by what
        ("4.00", (), "4.00"),
        ("5.00", (), "5.00"),
    ],
)
def test_a_code_lowers_shipping_whether_the_discounted_price_says_so_or_not(
    discounted: str, off: tuple[str, ...], charged: str | None
) -> None:
    told = {
        "id": 71, "price_set": bag("5.00"), "discounted_price_set": bag(discounted),
        "discount_allocations": [{"amount_set": bag(share)} for share in off],
    }  # fmt: skip
    expected: dict[str, str | int] = {
        "orders": 1, "gross_sales": "10.00", "placed_gross": "10.00",
    } | ({} if charged is None else {"shipping": charged})  # fmt: skip
    assert amounts(order(line(1, "10.00"), shipping_lines=[told])) == {"placement": expected}
    # Where bodies tell what is left of it, that nothing is left is no reversal of what was never charged.
    told["current_discounted_price_set"] = bag(charged or "0.00")
    assert amounts(order(line(1, "10.00"), shipping_lines=[told])) == {"placement": expected}
    cancelled = amounts(order(line(1, "10.00"), shipping_lines=[told], cancelled_at=CANCELLED))
    assert cancelled["placement"] == expected


@pytest.mark.parametrize(
    ("listed", "given", "expected"),
    [
        # all of 5.00 + 0.95; only the adjustment tells the tax
        ("5.00", ("-5.00", "-0.95"), {"shipping": "-5.00", "taxes": "-0.95"}),
        # 2.00 of it, and 2 ÷ 5 of the tax
        ("2.00", ("-2.00", "-0.38"), {"shipping": "-2.00", "taxes": "-0.38"}),
        # prices with tax, and the listed amount with it: 5.95 = 5.00 + 0.95
        ("5.95", ("-5.00", "-0.95"), {"shipping": "-5.00", "taxes": "-0.95"}),
        # the adjustment speaks of the whole line, the list of what was given back: 0.95 × 2 ÷ 5
        ("2.00", ("-5.00", "-0.95"), {"shipping": "-2.00", "taxes": "-0.38"}),
        (None, ("-2.00", "-0.38"), {"shipping": "-2.00", "taxes": "-0.38"}),
        ("2.00", None, {"shipping": "-2.00"}),
    ],
)
def test_the_tax_of_shipping_given_back_is_told_by_the_adjustment(
    listed: str | None, given: tuple[str, str] | None, expected: dict[str, str]
) -> None:
    body = order(line(1, "10.00"), shipping_lines=[{**shipping("5.00", "0.95"), "id": 71}])
    assert amounts(body, given_back(listed, given))["refund:5"] == expected


def test_without_an_adjustment_a_part_of_the_lines_tax_is_given_back() -> None:
    # 2.00 of 5.00: 0.95 × 2 ÷ 5
    told = given_back("2.00")
    told["refund_shipping_lines"][0]["shipping_line"] = shipping("5.00", "0.95")
    body = order(line(1, "10.00"), shipping_lines=[shipping("5.00", "0.95")])
    assert amounts(body, told)["refund:5"] == {"shipping": "-2.00", "taxes": "-0.38"}


@pytest.mark.parametrize(
    ("line_told", "back"),
    [
        # a line that costs nothing, and a refund that says it took shipping instead of giving it
        ({"price": "0.00", "current_discounted_price_set": bag("0.00")}, "-1.00"),
        # less left than nothing
        ({"price": "0.00", "current_discounted_price_set": bag("-1.00")}, "0.00"),
        ({"price": "-5.00", "current_discounted_price_set": bag("-6.00")}, "0.00"),
    ],
)
def test_amounts_that_no_shop_has_park_no_order(line_told: Body, back: str) -> None:
    body = order(line(1, "10.00"), shipping_lines=[{"id": 71, **line_told}])
    found = amounts(body, given_back(back))
    assert found["placement"]["gross_sales"] == "10.00"
