"""The ledger of an order, drawn by hand and then at random.

Orders are bodies, read and merged by the real code; nothing is doubled. Each drawn example says
its arithmetic beside it, so that every expected number can be checked by eye. Times: placed on
March 1st, edited on the 2nd, refunded on the 3rd, cancelled on the 4th, each at 10:00 UTC.
Every ``*_set`` also holds 777.77 AUD of presentment money, which must never show up.
"""

from __future__ import annotations

import time
from collections import Counter
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rollup.drawn import (
    CANCELLED,
    EDITED,
    PLACED,
    REFUNDED,
    SALES,
    Body,
    amounts,
    bag,
    edit,
    entries,
    line,
    merged,
    net,
    order,
    refund,
    refunded,
    shipping,
    sums,
    units,
)
from tillstream.mirror.values import moment
from tillstream.rollup.entries import (
    NO_FACETS,
    Facets,
    LineAmounts,
    order_entries,
    total_sales,
)


def test_a_plain_order() -> None:
    # 2 × 10.00 = 20.00, tax 10 % on top = 2.00
    assert amounts(order(line(1, "10.00", 2, tax="2.00", rate="0.1"))) == {
        "placement": {"orders": 1, "gross_sales": "20.00", "placed_gross": "20.00", "taxes": "2.00"}
    }


def test_an_order_counts_when_it_was_processed_for_its_customer() -> None:
    (entry,) = entries(order(line(1, "10.00"), created_at="2020-01-01T00:00:00Z"))
    assert (entry.at, entry.customer_id) == (moment(PLACED, ""), 9)
    (entry,) = entries(order(line(1, "10.00"), processed_at=None, customer=None))
    assert (entry.at, entry.customer_id) == (moment(PLACED, ""), None)


def test_discounts_of_lines_and_of_the_order_are_added() -> None:
    # line 1: 3 × 10.00 = 30.00, less 3.00 (line) and 2.70 (its share of the order's) = 24.30 net
    # line 2: 1 × 5.00, less 0.30 (its share) = 4.70 net
    placement = amounts(
        order(line(1, "10.00", 3, off=("3.00", "2.70")), line(2, "5.00", off=("0.30",)))
    )["placement"]
    assert placement["gross_sales"] == "35.00"
    assert placement["discounts"] == placement["placed_discounts"] == "6.00"


def test_without_allocations_the_total_discount_counts() -> None:
    placement = amounts(order(line(1, "10.00", 2, total_discount="1.50")))["placement"]
    assert placement["discounts"] == "1.50"


def test_tax_included_is_taken_out() -> None:
    # 2 × 11.90 = 23.80 with 19 % inside: 23.80 ÷ 1.19 = 20.00 gross, tax 3.80, nothing off
    assert amounts(order(line(1, "11.90", 2, tax="3.80", rate="0.19"), taxes_included=True)) == {
        "placement": {"orders": 1, "gross_sales": "20.00", "placed_gross": "20.00", "taxes": "3.80"}
    }


def test_tax_included_with_a_discount() -> None:
    # 23.80 with 19 % inside, 10 % off = 2.38: paid 21.42, of which tax 3.42, so net 18.00
    # gross 23.80 ÷ 1.19 = 20.00; discounts = gross − net = 2.00
    body = order(line(1, "11.90", 2, tax="3.42", rate="0.19", off=("2.38",)), taxes_included=True)
    placement = amounts(body)["placement"]
    assert (placement["gross_sales"], placement["discounts"], placement["taxes"]) == (
        "20.00",
        "2.00",
        "3.42",
    )


def test_tax_included_is_rounded_once() -> None:
    # 1.31 ÷ 1.21 = 1.08264… → 1.08; 100.01 ÷ 1.19 = 84.0420… → 84.04
    # 12.09 ÷ 1.20 = 10.075 exactly: half up → 10.08
    # 0.07 ÷ 1.08 = 0.0648… → 0.06; 10.00 ÷ 1.0725 = 9.32400… → 9.32
    # 21.50 ÷ 1.077 = 19.96285… → 19.96
    for price, rate, gross in (
        ("1.31", "0.21", "1.08"), ("100.01", "0.19", "84.04"), ("12.09", "0.2", "10.08"), ("0.07", "0.08", "0.06"),
        ("10.00", "0.0725", "9.32"), ("21.50", "0.077", "19.96"),
    ):  # fmt: skip
        body = order(line(1, price, tax="0.00", rate=rate), taxes_included=True)
        assert amounts(body)["placement"]["gross_sales"] == gross


@given(
    st.integers(1, 10**7),
    st.sampled_from(["0.19", "0.07", "0.2", "0.21", "0.081", "0.0725", "0.255"]),
)
def test_gross_of_tax_included_against_fractions(cents: int, rate: str) -> None:
    body = order(
        line(1, f"{cents // 100}.{cents % 100:02}", tax="0.00", rate=rate), taxes_included=True
    )
    exact = Fraction(cents) / (1 + Fraction(rate))
    # Half up to the cent, once: rounding to ten-thousandths before would turn 0.49996 into a half.
    assert sums(entries(body))["gross_sales"] == (exact + Fraction(1, 2)).__floor__() * 100


def test_two_tax_lines_are_one_rate() -> None:
    # 10.00 with 5 % and 7 % inside: 10.00 ÷ 1.12 = 8.928… → 8.93; the taxes are as printed
    taxes = [{"rate": 0.05, "price_set": bag("0.45")}, {"rate": 0.07, "price_set": bag("0.62")}]
    placement = amounts(order(line(1, "10.00", tax_lines=taxes), taxes_included=True))["placement"]
    assert (placement["gross_sales"], placement["taxes"]) == ("8.93", "1.07")
    assert "discounts" not in placement


def test_shipping_with_tax_on_top() -> None:
    # 5.00 + 0.50 tax; the line's 1.00 tax is added
    body = order(
        line(1, "10.00", tax="1.00", rate="0.1"), shipping_lines=[shipping("5.00", "0.50")]
    )
    assert amounts(body)["placement"] == {
        "orders": 1, "gross_sales": "10.00", "placed_gross": "10.00", "shipping": "5.00", "taxes": "1.50",
    }  # fmt: skip


def test_shipping_with_tax_inside() -> None:
    # 5.95 with 0.95 tax inside is 5.00 of shipping
    body = order(shipping_lines=[shipping("5.95", "0.95")], taxes_included=True)
    assert amounts(body)["placement"] == {"orders": 1, "shipping": "5.00", "taxes": "0.95"}


def test_shipping_without_a_discounted_price() -> None:
    # 8.00 − 3.00 allocated to it = 5.00
    told = {"price_set": bag("8.00"), "discount_allocations": [{"amount_set": bag("3.00")}]}
    assert amounts(order(shipping_lines=[told]))["placement"] == {"orders": 1, "shipping": "5.00"}


def test_gift_cards_are_no_sales() -> None:
    # the card: 50.00, beside sales; what was taken off it or put on it is ignored
    body = order(
        line(1, "50.00", tax="5.00", rate="0.1", off=("1.00",), gift_card=True), line(2, "10.00")
    )
    assert amounts(body)["placement"] == {
        "orders": 1, "gross_sales": "10.00", "placed_gross": "10.00", "gift_cards_sold": "50.00",
    }  # fmt: skip


def test_tips_are_no_sales() -> None:
    tip = line(3, "4.00", product_id=None, variant_id=None, title="Tip")
    assert amounts(order(line(2, "10.00"), tip, total_tip_received="4.00"))["placement"] == {
        "orders": 1, "gross_sales": "10.00", "placed_gross": "10.00", "tips": "4.00",
    }  # fmt: skip
    # A custom line that only happens to be called so is a sale where no tip was received.
    assert amounts(order(tip, total_tip_received="0.00"))["placement"]["gross_sales"] == "4.00"


def test_duties_and_fees() -> None:
    body = order(
        line(1, "10.00"),
        original_total_duties_set=bag("3.20"),
        original_total_additional_fees_set=bag("0.99"),
    )
    placement = amounts(body)["placement"]
    assert (placement["duties"], placement["additional_fees"]) == ("3.20", "0.99")
    # net 10.00 + duties 3.20 + fees 0.99
    assert total_sales(sums(entries(body))) == units("14.19")


def test_a_partial_refund() -> None:
    # 3 × 10.00 + 10 % tax; one unit back: 10.00 and 1.00 tax
    body = order(
        line(1, "10.00", 3, tax="3.00", rate="0.1", current=2),
        refunds=[refund(refunded(1, 1, "10.00", "1.00"))],
    )
    assert amounts(body) == {
        "placement": {
            "orders": 1,
            "gross_sales": "30.00",
            "placed_gross": "30.00",
            "taxes": "3.00",
        },
        "refund:5": {"sales_reversals": "10.00", "taxes": "-1.00"},
    }
    assert [entry.at for entry in entries(body)] == [moment(PLACED, ""), moment(REFUNDED, "")]


def test_a_partial_refund_with_tax_inside() -> None:
    # one of 2 × 11.90: 11.90 back, of which 1.90 is tax: 10.00 of sales
    body = order(line(1, "11.90", 2, tax="3.80", rate="0.19", current=1), taxes_included=True)
    assert amounts(body, refund(refunded(1, 1, "11.90", "1.90")))["refund:5"] == {
        "sales_reversals": "10.00", "taxes": "-1.90",
    }  # fmt: skip


def test_shipping_refunded_as_a_shipping_line() -> None:
    told = refund(
        refund_shipping_lines=[{"subtotal_amount_set": bag("5.00"), "tax_amount_set": bag("0.50")}]
    )
    body = order(line(1, "10.00"), shipping_lines=[shipping("5.00", "0.50")])
    assert amounts(body, told)["refund:5"] == {"shipping": "-5.00", "taxes": "-0.50"}


def test_shipping_refunded_as_an_adjustment() -> None:
    # the discrepancy of 2.00 is money beside sales
    adjustments = [
        {"kind": "shipping_refund", "amount_set": bag("-5.00"), "tax_amount_set": bag("-0.50")},
        {"kind": "refund_discrepancy", "amount_set": bag("-2.00"), "tax_amount_set": bag("0.00")},
    ]
    body = order(line(1, "10.00"), shipping_lines=[shipping("5.00", "0.50")])
    assert amounts(body, refund(order_adjustments=adjustments))["refund:5"] == {
        "shipping": "-5.00",
        "taxes": "-0.50",
        "refund_adjustments": "2.00",
    }


def test_shipping_refunded_in_both_spellings_counts_once() -> None:
    told = refund(
        refund_shipping_lines=[{"subtotal_amount_set": bag("5.00"), "tax_amount_set": bag("0.50")}],
        order_adjustments=[
            {"kind": "shipping_refund", "amount_set": bag("-5.00"), "tax_amount_set": bag("-0.50")}
        ],
    )
    assert amounts(order(line(1, "10.00")), told)["refund:5"] == {
        "shipping": "-5.00",
        "taxes": "-0.50",
    }


def test_a_full_refund_nets_to_zero() -> None:
    # 2 × 10.00 − 1.00 off + 1.90 tax + shipping 5.00 + 0.50 = 26.40, all of it back
    body = order(
        line(1, "10.00", 2, tax="1.90", rate="0.1", off=("1.00",), current=0),
        shipping_lines=[shipping("5.00", "0.50")],
    )
    back = refund(
        refunded(1, 2, "19.00", "1.90"),
        refund_shipping_lines=[{"subtotal_amount_set": bag("5.00"), "tax_amount_set": bag("0.50")}],
    )
    assert total_sales(Counter(entries(body, back)[0].amounts)) == units("26.40")
    total = sums(entries(body, back))
    assert (net(total), total["shipping"], total["taxes"], total_sales(total)) == (0, 0, 0, 0)
    assert total["orders"] == 1


def test_refunded_duties() -> None:
    body = order(line(1, "10.00"), original_total_duties_set=bag("3.20"))
    assert amounts(body, refund(total_duties_set=bag("3.20")))["refund:5"] == {"duties": "-3.20"}


def test_a_refunded_gift_card_or_tip_reverses_no_sale() -> None:
    tip = line(3, "4.00", product_id=None, variant_id=None, title="Tip")
    body = order(line(1, "50.00", gift_card=True), tip, line(2, "10.00"), total_tip_received="4.00")
    back = refund(refunded(1, 1, "50.00"), refunded(3, 1, "4.00"), refunded(2, 1, "10.00"))
    assert amounts(body, back)["refund:5"] == {
        "sales_reversals": "10.00", "gift_cards_sold": "-50.00", "tips": "-4.00",
    }  # fmt: skip


def test_a_refund_that_says_itself_that_its_line_was_a_gift_card() -> None:
    # the order's body has lost its lines (a reduced payload)
    back = refund(
        refunded(1, 1, "50.00", line_item={"id": 1, "gift_card": True}), refunded(2, 1, "10.00")
    )
    assert amounts(order(), back)["refund:5"] == {
        "sales_reversals": "10.00",
        "gift_cards_sold": "-50.00",
    }


def test_an_edit_that_adds_units() -> None:
    # 3 × 10.00 − 0.90 off, tax 2.91; two of the units came with the edit: 20.00, 0.60 off, tax 1.94
    body = order(line(1, "10.00", 3, tax="2.91", rate="0.1", off=("0.90",)))
    assert amounts(body, edit({1: 2})) == {
        "placement": {
            "orders": 1, "gross_sales": "10.00", "discounts": "0.30", "placed_gross": "10.00",
            "placed_discounts": "0.30", "taxes": "0.97",
        },
        "edit:4": {"gross_sales": "20.00", "discounts": "0.60", "taxes": "1.94"},
    }  # fmt: skip
    assert [entry.at for entry in entries(body, edit({1: 2}))] == [
        moment(PLACED, ""),
        moment(EDITED, ""),
    ]


def test_the_placement_keeps_what_rounding_leaves() -> None:
    # 3 × 3.33 = 9.99, 1.00 off: one added unit is 3.33 and 0.33 off (a third of 1.00, half up)
    body = order(line(1, "3.33", 3, off=("1.00",)))
    found = amounts(body, edit({1: 1}))
    assert found["edit:4"] == {"gross_sales": "3.33", "discounts": "0.33"}
    assert (found["placement"]["gross_sales"], found["placement"]["discounts"]) == ("6.66", "0.67")


def test_two_edits_share_a_line_in_their_order() -> None:
    body = order(line(1, "10.00", 3))
    found = amounts(body, edit({1: 1}, key=8), edit({1: 1}, key=7, at=REFUNDED))
    assert [found[name]["gross_sales"] for name in ("placement", "edit:8", "edit:7")] == [
        "10.00"
    ] * 3
    # More than the line has cannot have been added: the earlier edit goes first.
    found = amounts(body, edit({1: 2}, key=8), edit({1: 5}, key=7, at=REFUNDED))
    assert [found[name]["gross_sales"] for name in ("edit:8", "edit:7")] == ["20.00", "10.00"]
    assert "gross_sales" not in found["placement"]


def test_added_units_without_a_delivery_of_the_edit_count_at_placement() -> None:
    assert amounts(order(line(1, "10.00", 3)))["placement"]["gross_sales"] == "30.00"


def test_an_edit_that_removes_units_and_leaves_a_refund_record() -> None:
    # 2 of 3 are left; the record of 10.00 tells of the third, so the edit itself reverses nothing
    body = order(line(1, "10.00", 3, current=2))
    assert amounts(body, edit({}, {1: 1}), refund(refunded(1, 1, "10.00"), at=EDITED)) == {
        "placement": {"orders": 1, "gross_sales": "30.00", "placed_gross": "30.00"},
        "refund:5": {"sales_reversals": "10.00"},
    }


def test_an_edit_that_removes_units_without_any_record() -> None:
    # 3 × 10.00 − 3.00 off, tax 2.70; one unit is gone: net 9.00 and 0.90 tax
    body = order(line(1, "10.00", 3, tax="2.70", rate="0.1", off=("3.00",), current=2))
    assert amounts(body, edit({}, {1: 1}))["edit:4"] == {
        "sales_reversals": "9.00",
        "taxes": "-0.90",
    }


def test_units_that_are_gone_though_nothing_tells_of_them() -> None:
    # 20.00 gross, half of it reversed with the placement itself; the placed value stays
    assert amounts(order(line(1, "10.00", 2, current=1)))["placement"] == {
        "orders": 1, "gross_sales": "20.00", "placed_gross": "20.00", "sales_reversals": "10.00",
    }  # fmt: skip


def test_a_cancellation_without_refunds() -> None:
    # 10.00 + 1.00 tax + 5.00 shipping, fees 0.99: all of it is taken back on the 4th
    body = order(
        line(1, "10.00", tax="1.00", rate="0.1", current=0), shipping_lines=[shipping("5.00")],
        original_total_additional_fees_set=bag("0.99"), cancelled_at=CANCELLED,
    )  # fmt: skip
    assert amounts(body)["cancellation"] == {
        "sales_reversals": "10.00", "shipping": "-5.00", "taxes": "-1.00", "additional_fees": "-0.99",
    }  # fmt: skip
    assert entries(body)[-1].at == moment(CANCELLED, "")
    assert amounts(body)["placement"]["orders"] == 1


def test_a_cancellation_takes_what_refunds_left() -> None:
    # of 20.00 + 2.00 tax, 10.00 + 1.00 was refunded: 10.00 + 1.00 is left
    body = order(line(1, "10.00", 2, tax="2.00", rate="0.1", current=0), cancelled_at=CANCELLED)
    assert amounts(body, refund(refunded(1, 1, "10.00", "1.00")))["cancellation"] == {
        "sales_reversals": "10.00", "taxes": "-1.00",
    }  # fmt: skip


def test_a_cancellation_after_a_full_refund_has_no_entry() -> None:
    body = order(line(1, "10.00", 2, tax="2.00", rate="0.1", current=0), cancelled_at=CANCELLED)
    assert set(amounts(body, refund(refunded(1, 2, "20.00", "2.00")))) == {"placement", "refund:5"}


@pytest.mark.parametrize("change", [{"test": True}, {"id": 1, "deleted": True}])
def test_a_test_or_deleted_order_is_nothing(change: Body) -> None:
    body = order(line(1, "10.00"), **change)
    found = merged(body, refund(refunded(1, 1, "10.00")))
    if "deleted" in change:
        found = msgspec.structs.replace(found, deleted=True)
    assert order_entries(found) == []


@pytest.mark.parametrize(
    "status", ["pending", "authorized", "partially_paid", "paid", "voided", "expired", None]
)
def test_an_order_counts_whether_it_is_paid_or_not(status: str | None) -> None:
    body = order(
        line(1, "10.00"), financial_status=status, payment_gateway_names=["gift_card"], closed_at=EDITED
    )  # fmt: skip
    assert amounts(body) == {
        "placement": {"orders": 1, "gross_sales": "10.00", "placed_gross": "10.00"}
    }


def test_a_refund_alone_waits_for_its_order() -> None:
    back = refund(refunded(1, 1, "10.00"))
    assert entries(back) == []
    assert set(amounts(back, order(line(1, "10.00")))) == {"placement", "refund:5"}


def test_a_currency_without_decimals() -> None:
    # 3 × 333 = 999 yen, 10 % inside: 999 ÷ 1.1 = 908.18… → 908; one unit by edit: 908 ÷ 3 = 302.67 → 303
    body = order(line(1, "333", 3, tax="91", rate="0.1"), taxes_included=True, currency="JPY")
    placement, edited = entries(body, edit({1: 1}))
    assert edited.amounts["gross_sales"] == units("303")
    assert placement.amounts["gross_sales"] == units("605")
    # tax 91 ÷ 3 = 30.33 → 30
    assert (edited.amounts["taxes"], placement.amounts["taxes"]) == (units("30"), units("61"))


def test_orders_of_customers_are_counted_apart_from_those_of_guests() -> None:
    assert sums(entries(order(line(1, "10.00"))))["customer_orders"] == 1
    assert sums(entries(order(line(1, "10.00"), customer=None)))["customer_orders"] == 0


def test_an_empty_order_still_counts() -> None:
    assert amounts(order()) == {"placement": {"orders": 1}}


def test_without_a_discount_no_cent_is_left_that_looks_like_one() -> None:
    # 0.03 with 20 % inside is 0.025 + 0.005, and Shopify rounds the tax up to 0.01: 0.02 of sales,
    # where the rate would give 0.03. 10.00 with two taxes of 0.45 + 0.62: 8.93 of sales.
    body = order(line(1, "0.03", tax="0.01", rate="0.2"), taxes_included=True)
    assert amounts(body)["placement"] == {
        "orders": 1,
        "gross_sales": "0.02",
        "placed_gross": "0.02",
        "taxes": "0.01",
    }


def test_a_discounted_price_with_a_tax_of_no_rate() -> None:
    # 11.90, less 2.38 = 9.52, of which 1.52 is tax and 8.00 sale: 16 % of it. The tax in 11.90 is in
    # the same proportion: 11.90 × 8.00 ÷ 9.52 = 10.00 gross, so 2.00 is the discount.
    body = order(line(1, "11.90", tax="1.52", off=("2.38",)), taxes_included=True)
    assert amounts(body)["placement"] == {
        "orders": 1, "gross_sales": "10.00", "placed_gross": "10.00", "discounts": "2.00",
        "placed_discounts": "2.00", "taxes": "1.52",
    }  # fmt: skip


def test_the_tax_in_prices_is_told_apart() -> None:
    # 2 × 11.90 with 3.80 inside: 20.00 + 3.80 is what the tags say; one unit of it came by an edit
    body = order(line(1, "11.90", 2, tax="3.80", rate="0.19"), taxes_included=True)
    placement, edited = entries(body, edit({1: 1}))
    assert (placement.amounts["tax_in_prices"], edited.amounts["tax_in_prices"]) == (
        units("1.90"),
        units("1.90"),
    )
    body["taxes_included"] = False
    assert "tax_in_prices" not in sums(entries(body))


def test_units_of_sales_are_counted_when_they_come_and_go() -> None:
    # 3 and 1 units placed (the gift card is none), 1 more by the edit; 2 refunded, 1 removed
    body = order(
        line(1, "10.00", 4, current=1), line(2, "1.00"), line(3, "50.00", 2, gift_card=True)
    )
    found = {
        entry.entry: (
            entry.amounts.get("units_sold", 0),
            entry.amounts.get("units_reversed", 0),
        )
        for entry in entries(
            body, edit({1: 1}, {1: 1}), refund(refunded(1, 2, "20.00"), refunded(3, 1, "50.00"))
        )
    }
    assert found == {"placement": (4, 0), "edit:4": (1, 1), "refund:5": (0, 2)}
    cancelled = entries({**body, "cancelled_at": CANCELLED}, refund(refunded(1, 2, "20.00")))
    assert cancelled[-1].amounts["units_reversed"] == 3


def test_what_a_cancellation_took_back_no_later_refund_takes_back_again() -> None:
    # cancelled on the 4th: 10.00 + 1.00 tax + shipping 5.00; the money goes back on the 6th, 2.00 more
    # than that was worth. History stays as it is: only the 2.00 are new.
    body = order(
        line(1, "10.00", tax="1.00", rate="0.1", current=0), shipping_lines=[shipping("5.00")],
        cancelled_at=CANCELLED,
    )  # fmt: skip
    back = refund(
        refunded(1, 1, "10.00", "1.00"), at="2026-03-06T10:00:00Z",
        order_adjustments=[
            {"kind": "shipping_refund", "amount_set": bag("-5.00")},
            {"kind": "refund_discrepancy", "amount_set": bag("-2.00")},
        ],
    )  # fmt: skip
    before = amounts(body)
    assert before["cancellation"] == {
        "sales_reversals": "10.00",
        "shipping": "-5.00",
        "taxes": "-1.00",
    }
    assert amounts(body, back) == {**before, "refund:5": {"refund_adjustments": "2.00"}}


def test_a_cancelled_gift_card_or_tip_is_gone_too() -> None:
    tip = line(3, "4.00", product_id=None, variant_id=None, title="Tip")
    body = order(
        line(1, "50.00", gift_card=True), tip, total_tip_received="4.00", cancelled_at=CANCELLED
    )
    assert amounts(body)["cancellation"] == {"gift_cards_sold": "-50.00", "tips": "-4.00"}


def test_a_removed_gift_card_leaves_the_gift_cards_sold() -> None:
    # 2 of 50.00; an edit removes one, no refund tells of it
    body = order(line(1, "50.00", 2, gift_card=True, current=1))
    assert amounts(body, edit({}, {1: 1})) == {
        "placement": {"orders": 1, "gift_cards_sold": "100.00"},
        "edit:4": {"gift_cards_sold": "-50.00"},
    }


def test_a_tip_in_another_language_is_known_by_its_amount() -> None:
    tip = line(3, "4.00", product_id=None, variant_id=None, title="Trinkgeld")
    custom = line(4, "9.00", product_id=None, variant_id=None, title="Gravur")
    found = amounts(order(tip, custom, total_tip_received="4.00"))["placement"]
    assert (found["tips"], found["gross_sales"]) == ("4.00", "9.00")
    # Where a line is titled "Tip", one that happens to come to the same is a sale.
    called = line(5, "4.00", product_id=None, variant_id=None, title="Tip")
    found = amounts(order(tip, called, total_tip_received="4.00"))["placement"]
    assert (found["tips"], found["gross_sales"]) == ("4.00", "4.00")


def test_units_removed_in_steps_leave_no_cent() -> None:
    # 3 × 3.33 = 9.99 less 1.00, tax 1.00: net 8.99. Removed one by one, of running totals half up:
    # gross 3.33, 3.33, 3.33; off 0.33, 0.34 (0.67 in all), 0.33; tax 0.33, 0.34, 0.33.
    body = order(line(1, "3.33", 3, tax="1.00", rate="0.1", off=("1.00",), current=0))
    found = amounts(body, edit({}, {1: 1}, key=4), edit({}, {1: 1}, key=5), edit({}, {1: 1}, key=6))
    assert [found[name] for name in ("edit:4", "edit:5", "edit:6")] == [
        {"sales_reversals": "3.00", "taxes": "-0.33"},
        {"sales_reversals": "2.99", "taxes": "-0.34"},
        {"sales_reversals": "3.00", "taxes": "-0.33"},
    ]


def _edit_shipping(
    added: tuple[int, ...] = (), removed: tuple[int, ...] = (), key: int = 4, at: str = EDITED
) -> Body:
    told = edit(key=key, at=at)
    told["order_edit"]["shipping_lines"] = {
        "additions": [{"id": one} for one in added],
        "removals": [{"id": one} for one in removed],
    }
    return told


def test_shipping_that_an_edit_added_or_took_off() -> None:
    # 5.95 with 0.95 tax inside goes, 11.90 with 1.90 comes, both on the 2nd
    gone = {**shipping("5.95", "0.95"), "id": 71, "is_removed": True}
    come = {**shipping("11.90", "1.90"), "id": 72, "current_discounted_price_set": bag("11.90")}
    body = order(shipping_lines=[gone, come], taxes_included=True)
    assert amounts(body, _edit_shipping((72,), (71,))) == {
        "placement": {"orders": 1, "shipping": "5.00", "taxes": "0.95"},
        # 10.00 − 5.00 and 1.90 − 0.95
        "edit:4": {"shipping": "5.00", "taxes": "0.95"},
    }


def test_shipping_that_a_refund_gave_back_is_not_taken_off_again() -> None:
    # 5.00 + 0.50 tax, 3.00 of it refunded, the rest taken off by the edit: 2.00 and 0.50 × 2 ÷ 5
    told = {**shipping("5.00", "0.50"), "id": 71, "current_discounted_price_set": bag("0.00")}
    back = refund(refund_shipping_lines=[{"subtotal_amount_set": bag("3.00")}])
    found = amounts(order(shipping_lines=[told]), back, _edit_shipping(removed=(71,)))
    assert (found["refund:5"], found["edit:4"]) == (
        {"shipping": "-3.00"},
        {"shipping": "-2.00", "taxes": "-0.20"},
    )
    # Of a cancelled order the cancellation takes back what is left.
    body = order(shipping_lines=[told], cancelled_at=CANCELLED)
    assert amounts(body, back)["cancellation"] == {"shipping": "-2.00", "taxes": "-0.50"}


def test_shipping_that_an_edit_took_off_stays_of_its_day_when_the_order_is_cancelled() -> None:
    # 5.00 + 0.50 tax go on the 2nd, and what follows on the 4th changes nothing of that day
    gone = {**shipping("5.00", "0.50"), "id": 71, "is_removed": True}
    body = order(line(1, "10.00"), shipping_lines=[gone])
    edited = _edit_shipping(removed=(71,))
    before = amounts(body, edited)
    assert before["edit:4"] == {"shipping": "-5.00", "taxes": "-0.50"}
    after = amounts({**body, "cancelled_at": CANCELLED}, edited)
    assert after == {**before, "cancellation": {"sales_reversals": "10.00"}}


def test_shipping_given_back_is_that_of_the_line_which_stayed() -> None:
    # 5.00 taken off on the 2nd for 8.00, of which 4.00 go back on the 3rd. The refund names no line.
    gone = {**shipping("5.00"), "id": 71, "is_removed": True}
    come = {**shipping("8.00"), "id": 72, "current_discounted_price_set": bag("4.00")}
    back = refund(order_adjustments=[{"kind": "shipping_refund", "amount_set": bag("-4.00")}])
    found = amounts(order(shipping_lines=[gone, come]), _edit_shipping((72,), (71,)), back)
    assert found == {
        "placement": {"orders": 1, "shipping": "5.00"},
        "edit:4": {"shipping": "3.00"},
        "refund:5": {"shipping": "-4.00"},
    }


def test_a_unit_with_tax_inside_that_no_refund_tells_of_goes_at_its_price() -> None:
    # 2 × 64.60 with 20.63 inside: one is 64.60, of which 10.315 → 10.32 is tax and 54.28 sale. Half of
    # 108.57 is 54.285 → 54.29, which with 10.32 would be a cent more than the price.
    body = order(line(1, "64.60", 2, tax="20.63", rate="0.19", current=1), taxes_included=True)
    assert amounts(body, edit({}, {1: 1}))["edit:4"] == {
        "sales_reversals": "54.28",
        "taxes": "-10.32",
    }


def test_fees_and_duties_that_are_gone_go_with_the_last_change() -> None:
    # fees 0.99, none left; duties 3.20, 1.20 of them refunded and 0.50 left: 1.50 more is gone
    body = order(
        line(1, "10.00"), original_total_additional_fees_set=bag("0.99"), original_total_duties_set=bag("3.20"),
        current_total_additional_fees_set=bag("0.00"), current_total_duties_set=bag("0.50"),
    )  # fmt: skip
    back = refund(refunded(1, 1, "10.00"), total_duties_set=bag("1.20"))
    assert amounts(body, back)["refund:5"] == {
        "sales_reversals": "10.00",
        "duties": "-2.70",
        "additional_fees": "-0.99",
    }
    assert amounts(body, edit())["edit:4"] == {"duties": "-2.70", "additional_fees": "-0.99"}


def test_an_exchange_is_a_reversal_and_a_sale_of_the_same_day() -> None:
    # the shirt of 20.00 comes back on the 3rd, the one of 25.00 that goes out instead is sold on that
    # day; what was placed stays 20.00
    body = order(
        line(1, "20.00", current=0), line(2, "25.00"),
        returns=[{"id": 8, "exchange_line_items": [{"id": 1, "line_item": {"id": 2}}]}],
    )  # fmt: skip
    back = {**refund(refunded(1, 1, "20.00")), "return": {"id": 8}}
    assert amounts(body, back) == {
        "placement": {"orders": 1, "gross_sales": "20.00", "placed_gross": "20.00"},
        "edit:return-8": {"gross_sales": "25.00"},
        "refund:5": {"sales_reversals": "20.00"},
    }
    assert {e.entry: e.at for e in entries(body, back)}["edit:return-8"] == moment(REFUNDED, "")
    # Where the edit that brought it is told as well, it counts once.
    assert amounts(body, back, edit({2: 1}))["edit:4"] == {"gross_sales": "25.00"}
    assert "edit:return-8" not in amounts(body, back, edit({2: 1}))


def test_rounding_of_cash_stands_beside_sales() -> None:
    # 10.02 paid with 10.00 (−0.02); 5.03 given back as 5.05 (+0.02): 0.04 lost in all
    body = order(
        line(1, "5.01", 2, current=1), total_cash_rounding_payment_adjustment_set=bag("-0.02"),
        total_cash_rounding_refund_adjustment_set=bag("0.02"),
    )  # fmt: skip
    found = amounts(body, refund(refunded(1, 1, "5.01")))
    assert (found["placement"]["cash_rounding"], found["refund:5"]["cash_rounding"]) == (
        "-0.02",
        "-0.02",
    )
    assert total_sales(sums(entries(body, refund(refunded(1, 1, "5.01"))))) == units("5.01")


def test_a_currency_with_three_decimals() -> None:
    # 3 × 1.255 = 3.765 dinars with 5 % inside: tax 0.179, so 3.586; one unit by edit: 1.195 (3.586 ÷ 3
    # = 1.19533…), tax 0.060 (0.179 ÷ 3 = 0.05966…)
    body = order(line(1, "1.255", 3, tax="0.179", rate="0.05"), taxes_included=True, currency="KWD")
    placement, edited = entries(body, edit({1: 1}))
    assert (edited.amounts["gross_sales"], placement.amounts["gross_sales"]) == (
        units("1.195"),
        units("2.391"),
    )
    assert (edited.amounts["taxes"], placement.amounts["taxes"]) == (units("0.060"), units("0.119"))


def test_facets_are_the_same_on_every_entry() -> None:
    body = order(
        line(1, "10.00"), source_name="web", shipping_address={"country_code": "us", "province_code": "ca"},
        billing_address={"country_code": "DE"}, referring_site="https://www.Google.com/search?q=shoes",
        landing_site="/products/shoe?email=a@b.c", discount_codes=[{"code": "B"}, {"code": "A"}],
    )  # fmt: skip
    wanted = Facets("web", "US", "US-CA", "google.com", "/products/shoe", ("A", "B"))
    assert {e.facets for e in entries(body, refund(refunded(1, 1, "10.00")))} == {wanted}
    body["shipping_address"] = []
    assert entries(body)[0].facets[1:3] == ("DE", None)
    assert entries(order(line(1, "1.00")))[0].facets == NO_FACETS
    jp = order(shipping_address={"country_code": "JP", "province_code": "JP-13"})
    assert entries(jp)[0].facets.region == "JP-13"


def test_a_later_body_that_leaves_out_a_place_takes_back_none() -> None:
    told = order(
        line(1, "1.00"),
        shipping_address={"country_code": "DE"},
        landing_site="/x",
        referring_site="http://a.b",
    )
    later = {
        **told,
        "updated_at": CANCELLED,
        "shipping_address": None,
        "landing_site": None,
        "referring_site": None,
    }
    assert entries(told, later)[0].facets == entries(told)[0].facets
    assert entries(told)[0].facets[1] == "DE"


def test_what_each_line_has_of_an_entry() -> None:
    # two lines and a gift card; the tax on shipping belongs to none of them
    body = order(
        line(1, "10.00", 2, tax="2.00", rate="0.1", off=("1.00",), vendor="Acme", current=1),
        line(2, "5.00"), line(3, "50.00", gift_card=True), shipping_lines=[shipping("4.00", "0.40")],
    )  # fmt: skip
    placement, back = entries(body, refund(refunded(1, 1, "9.50", "1.00")))
    assert placement.lines == (
        LineAmounts(1, 10, 100, "Acme", {
            "gross_sales": units("20.00"), "discounts": units("1.00"), "taxes": units("2.00"), "units_sold": 2,
            "placed_gross": units("20.00"), "placed_discounts": units("1.00"),
        }),
        LineAmounts(2, 20, 200, None, {
            "gross_sales": units("5.00"), "units_sold": 1, "placed_gross": units("5.00"),
        }),
    )  # fmt: skip
    assert placement.amounts["taxes"] == units("2.40")
    assert back.lines == (
        LineAmounts(1, 10, 100, "Acme", {
            "sales_reversals": units("9.50"), "taxes": units("-1.00"), "units_reversed": 1,
        }),
    )  # fmt: skip


# Drawn at random: cents, so that every amount is one the currency has.

_cents = st.integers(0, 20_000).map(lambda cents: f"{cents // 100}.{cents % 100:02}")


@st.composite
def _lines(draw: st.DrawFn) -> list[Body]:
    return [
        line(
            key, draw(_cents), quantity := draw(st.integers(0, 4)), tax=draw(_cents),
            rate=draw(st.sampled_from(["0", "0.19", "0.0725"])), off=tuple(draw(st.lists(_cents, max_size=2))),
            current=draw(st.integers(0, quantity)), gift_card=draw(st.sampled_from([False, False, False, True])),
        )
        for key in range(1, draw(st.integers(0, 3)) + 1)
    ]  # fmt: skip


def _back(lines: list[Body], key: int, ship: str) -> Body:
    adjustment = {"kind": "shipping_refund", "amount_set": bag(ship)}
    return refund(*lines, key=key, order_adjustments=[adjustment])


@st.composite
def histories(draw: st.DrawFn) -> list[Body]:
    """An order with any edits and refunds, sane or not."""
    lines = draw(_lines())
    keys = st.integers(1, 3)
    body = order(
        *lines, taxes_included=draw(st.booleans()), currency=draw(st.sampled_from(["EUR", "JPY", "KWD"])),
        shipping_lines=draw(st.lists(st.builds(shipping, _cents, _cents), max_size=1)),
        original_total_duties_set=bag(draw(_cents)), cancelled_at=draw(st.sampled_from([None, CANCELLED])),
    )  # fmt: skip
    deltas = st.dictionaries(keys, st.integers(0, 3), max_size=2)
    edits = draw(st.lists(st.builds(edit, deltas, deltas, key=keys), max_size=2))
    backs = st.builds(
        _back,
        st.lists(st.builds(refunded, keys, st.integers(0, 3), _cents, _cents), max_size=2), keys, _cents,
    )  # fmt: skip
    return [body, *edits, *draw(st.lists(backs, max_size=2))]


_LINE_MEASURES = (
    "gross_sales", "discounts", "sales_reversals", "units_sold", "units_reversed", "placed_gross",
    "placed_discounts",
)  # fmt: skip


@given(histories())
def test_lines_add_up_to_their_entry(history: list[Body]) -> None:
    for entry in entries(*history):
        total: Counter[str] = Counter()
        for one in entry.lines:
            assert one.amounts.keys() <= {*_LINE_MEASURES, "taxes"}
            assert all(one.amounts.values())
            total.update(one.amounts)
        assert {name: total[name] for name in _LINE_MEASURES} == {
            name: entry.amounts.get(name, 0) for name in _LINE_MEASURES
        }
        assert len({one.line_id for one in entry.lines}) == len(entry.lines)


@given(histories())
def test_lines_of_a_cancelled_order_come_to_nothing(history: list[Body]) -> None:
    total: dict[int, Counter[str]] = {}
    for entry in entries({**history[0], "cancelled_at": CANCELLED}, *history[1:]):
        for one in entry.lines:
            total.setdefault(one.line_id, Counter()).update(one.amounts)
    for kept in total.values():
        assert (net(kept), kept["taxes"]) == (0, 0)
        assert kept["units_sold"] == kept["units_reversed"]


@given(histories())
def test_refunds_after_a_cancellation_change_no_sales(history: list[Body]) -> None:
    body, *rest = history
    body["cancelled_at"] = PLACED
    before = sums(entries(body, *(one for one in rest if "order_edit" in one)))
    for one in rest:
        if "order_edit" not in one:
            one["processed_at"] = one["created_at"] = CANCELLED
    after = sums(entries(body, *rest))
    assert {name: after[name] for name in (*SALES, "gift_cards_sold", "tips", "orders")} == {
        name: before[name] for name in (*SALES, "gift_cards_sold", "tips", "orders")
    }


@given(histories())
def test_edits_refunds_and_cancellations_leave_the_placed_figures(history: list[Body]) -> None:
    """Average order value is made of figures that nothing afterwards changes."""
    body, *rest = history
    cancelled = sums(entries({**body, "cancelled_at": CANCELLED}, *rest))
    placed = sums(entries({**body, "cancelled_at": None}, *(r for r in rest if "order_edit" in r)))
    for name in ("orders", "placed_gross", "placed_discounts"):
        assert cancelled[name] == placed[name]


@given(histories())
def test_prices_without_and_with_tax_differ_by_the_tax_in_them(history: list[Body]) -> None:
    body = history[0]
    tagged = sum(
        units(one["price_set"]["shop_money"]["amount"]) * one["quantity"]
        for one in body["line_items"]
        if not one["gift_card"]
    )
    total = sums(entries(*history))
    assert total["gross_sales"] + total["tax_in_prices"] == tagged


@given(
    st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 5), st.integers(0, 5)), max_size=4),
    st.booleans(),
)
def test_whatever_units_go_back_sales_stay_between_nothing_and_the_whole(
    sold: list[tuple[int, int, int]], included: bool
) -> None:
    def euros(cents: int) -> str:
        return f"{cents // 100}.{cents % 100:02}"

    body = order(
        *(line(key, euros(price), units) for key, (price, units, _) in enumerate(sold, 1)),
        taxes_included=included,
    )
    back = refund(
        *(
            refunded(key, min(gone, units), euros(price * min(gone, units)))
            for key, (price, units, gone) in enumerate(sold, 1)
        )
    )
    total = sums(entries(body, back))
    assert 0 <= net(total) <= total["gross_sales"]
    assert 0 <= total["units_reversed"] <= total["units_sold"]
    assert net(total) == sum(p * 100 * (u - min(g, u)) for p, u, g in sold)


@given(histories())
def test_a_cancelled_order_nets_to_zero_in_every_measure_of_sales(history: list[Body]) -> None:
    total = sums(entries({**history[0], "cancelled_at": CANCELLED}, *history[1:]))
    assert net(total) == 0
    assert {name: total[name] for name in SALES[3:]} == dict.fromkeys(SALES[3:], 0)
    assert total_sales(total) == 0
    assert total["orders"] == 1


@given(histories(), st.randoms(use_true_random=False))
def test_entries_are_a_function_of_the_order(history: list[Body], random: Any) -> None:
    found = entries(*history)
    assert entries(*history) == found
    shuffled = [*history, *history[1:]]
    random.shuffle(shuffled)
    assert sorted(map(repr, entries(*shuffled))) == sorted(map(repr, found))
    assert len({entry.entry for entry in found}) == len(found)
    assert all(amount for entry in found for amount in entry.amounts.values())
    assert all(entry.amounts for entry in found)


@given(histories())
def test_edits_only_move_sales_in_time(history: list[Body]) -> None:
    """Whether an edit's delivery came or not, the same is sold and the same is taxed."""
    body, *rest = history
    for one in body["line_items"]:
        one["current_quantity"] = None  # nothing is said to be gone
    body["cancelled_at"] = None
    without = sums(entries(body, *(told for told in rest if "order_edit" not in told)))
    total = sums(entries(*history))
    assert {name: total[name] for name in SALES} == {name: without[name] for name in SALES}


@given(histories())
def test_what_was_placed_is_what_the_placement_says(history: list[Body]) -> None:
    placement = entries(*history)[0]
    assert placement.entry == "placement"
    assert placement.amounts.get("placed_gross", 0) == placement.amounts.get("gross_sales", 0)
    assert placement.amounts.get("placed_discounts", 0) == placement.amounts.get("discounts", 0)
    later = sums(entries(*history)[1:])
    assert (
        not {
            "orders",
            "customer_orders",
            "placed_gross",
            "placed_discounts",
        }
        & later.keys()
    )


@given(_lines(), st.booleans(), _cents, _cents)
def test_a_full_refund_of_everything_leaves_nothing(
    lines: list[Body], included: bool, ship: str, tax: str
) -> None:
    for one in lines:
        one["current_quantity"] = 0
        one["gift_card"] = False
    body = order(*lines, taxes_included=included, shipping_lines=[shipping(ship, tax)])
    back = [
        refunded(
            one["id"], one["quantity"],
            str(units(one["price_set"]["shop_money"]["amount"]) * one["quantity"] / 10_000
                - sum(units(off["amount_set"]["shop_money"]["amount"]) for off in one["discount_allocations"]) / 10**4),
            one["tax_lines"][0]["price_set"]["shop_money"]["amount"],
        )
        for one in lines if one["quantity"]
    ]  # fmt: skip
    # Lines without units may still carry discounts and tax in a drawn body: no refund can name those.
    body["line_items"] = [one for one in lines if one["quantity"]]
    shipped = (units(ship) - (units(tax) if included else 0)) / 10_000
    told = refund(
        *back,
        refund_shipping_lines=[
            {"subtotal_amount_set": bag(str(shipped)), "tax_amount_set": bag(tax)}
        ],
    )
    total = sums(entries(body, told))
    assert (net(total), total["shipping"], total["taxes"], total_sales(total)) == (0, 0, 0, 0)


def test_an_order_of_thousands_of_lines_takes_no_longer_for_each() -> None:
    # Every line without product, one of them the tip by its amount, and every unit refunded: what one line
    # needs to know of all others must not be asked of each. Seconds of processor time, not of the clock.
    lines = [
        line(key, "1.00", 2, current=0, product_id=None, variant_id=None) for key in range(1, 4001)
    ]
    backs = [
        refund(*(refunded(key, 1, "1.00") for key in range(1, 4001)), key=number)
        for number in (5, 6)
    ]
    whole = merged(order(*lines, refunds=backs, total_tip_received="3.00"))
    begun = time.process_time()
    found = order_entries(whole)
    assert time.process_time() - begun < 2
    assert net(sums(found)) == 0
