"""The ledger of an order, drawn by hand and then at random.

Orders are bodies, read and merged by the real code; nothing is doubled. Each drawn example says
its arithmetic beside it, so that every expected number can be checked by eye. Times: placed on
March 1st, edited on the 2nd, refunded on the 3rd, cancelled on the 4th, each at 10:00 UTC.
Every ``*_set`` also holds 777.77 AUD of presentment money, which must never show up.
"""

from __future__ import annotations

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
from tillstream.rollup.entries import order_entries, total_sales


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
    # the discrepancy of 2.00 is money, not sales
    adjustments = [
        {"kind": "shipping_refund", "amount_set": bag("-5.00"), "tax_amount_set": bag("-0.50")},
        {"kind": "refund_discrepancy", "amount_set": bag("-2.00"), "tax_amount_set": bag("0.00")},
    ]
    body = order(line(1, "10.00"), shipping_lines=[shipping("5.00", "0.50")])
    assert amounts(body, refund(order_adjustments=adjustments))["refund:5"] == {
        "shipping": "-5.00",
        "taxes": "-0.50",
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
    assert amounts(body, back)["refund:5"] == {"sales_reversals": "10.00"}


def test_a_refund_that_says_itself_that_its_line_was_a_gift_card() -> None:
    # the order's body has lost its lines (a reduced payload)
    back = refund(
        refunded(1, 1, "50.00", line_item={"id": 1, "gift_card": True}), refunded(2, 1, "10.00")
    )
    assert amounts(order(), back)["refund:5"] == {"sales_reversals": "10.00"}


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
            "gift_cards_sold",
            "tips",
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
