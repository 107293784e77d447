"""The books beyond the plain figures, worked by hand: lines, facets, cohorts, merges, twins, moves.

Facts are put straight into a ledger; nothing is random. Orders and customers are made as in
test_books.py, whose rules hold here, too.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from tests.simulator.test_books import NOW, TEN, VAT, at, customer, ledger, line, order
from tillstream.simulator.books import entries_of
from tillstream.simulator.books.entries import Amounts
from tillstream.simulator.books.lives import Purchase, among, life_of
from tillstream.simulator.books.segments import Bought, Segment, segments_of
from tillstream.simulator.facts import (
    Application,
    Basket,
    Checkout,
    Edit,
    Fulfillment,
    Product,
    Refund,
    RefundLine,
    Shipping,
    ShippingBack,
    Variant,
    Whence,
    placed_totals,
)

if TYPE_CHECKING:
    from tillstream.simulator.books import Ledger
    from tillstream.simulator.books.ledger import Dimension

WINDOW, DAY = 600, 86_400


def product(identifier: int, vendor: str) -> Product:
    variant = Variant(identifier * 10, "One", "SKU", 1_000, None, 1, 1, 1)
    return Product(
        identifier, "Mug", "mug", "Kitchen", "Title", vendor, [variant], (), gift_card=False, grams=1,
        created_at=0, updated_at=0,
    )  # fmt: skip


# -- lines ---------------------------------------------------------------------------------------


def test_units_and_tax_in_prices_follow_the_lines() -> None:
    # 2 × 11.90 with 19 % inside: gross 20.00, 3.80 of tax in the price; one goes back
    one = order(1, "2026-10-08T12:00", [line(1, 1_190, 2)], rate=None, included=True)
    one.lines[0].taxes = [(VAT, 380)]
    subtotal, tax = one.lines[0].take_back(1)
    back = RefundLine(3, one.lines[0], 1, subtotal, tax, "return")
    # 2.00 more than the goods were worth are given back
    one.refunds.append(Refund(2, at("2026-10-10T12:00"), [back], discrepancy=-200))
    entries = entries_of(one)
    placed, refunded = entries["placement"], entries["refund:2"]
    assert (placed.gross_sales, placed.tax_in_prices, placed.units_sold) == (2_000, 380, 2)
    assert (refunded.sales_reversals, refunded.units_reversed) == (1_000, 1)
    assert (refunded.refund_adjustments, refunded.tax_in_prices) == (200, 0)


def test_units_taken_off_without_a_record_are_reversed_by_the_edit() -> None:
    # 3 × 10.00 − 1.00 off: one unit is 10.00 − 0.33; its tax at 10 % of 29.00 is 2.90 ÷ 3 = 0.97
    one = order(1, "2026-10-08T12:00", [line(1, 1_000, 3, off=100)])
    one.lines[0].take_back(1)
    gone = [(one.lines[0], 1)]
    one.edits.append(Edit(9, at("2026-10-09T12:00"), [], gone, gone))
    edited = entries_of(one)["edit:9"]
    assert (edited.sales_reversals, edited.taxes, edited.units_reversed) == (967, -97, 1)
    # A cancellation takes back the rest, and the order comes to nothing.
    one.cancelled_at = at("2026-10-10T12:00")
    entries = entries_of(one).values()
    assert sum(entry.total_sales for entry in entries) == 0
    assert sum(entry.units_sold - entry.units_reversed for entry in entries) == 0


def test_shipping_that_an_edit_added_or_took_off() -> None:
    # 8.00 + 0.80 tax when placed; the edit of the 9th takes that off and asks 3.00 + 0.30 instead
    one = order(1, "2026-10-08T12:00", [line(1, 1_000)], shipping=800)
    moment = at("2026-10-09T12:00")
    gone, come = one.shipping[0], Shipping(2, "Post", "P", 300, 0, None, [(TEN, 30)])
    come.added, gone.removed = (9, moment), (9, moment)
    gone.take_back(*gone.left(included=False))
    one.shipping.append(come)
    told = Edit(9, moment, [], [], shipping_additions=[come], shipping_removals=[gone])
    told.unrecorded_shipping.append(gone)
    one.edits.append(told)
    entries = entries_of(one)
    assert (entries["placement"].shipping, entries["placement"].taxes) == (800, 100 + 80)
    assert (entries["edit:9"].shipping, entries["edit:9"].taxes) == (-500, -50)
    assert sum(entry.total_sales for entry in entries.values()) == one.current.price == 1_430
    # Where a refund tells of it, it is that refund's.
    told.unrecorded_shipping.clear()
    one.refunds.append(Refund(3, moment, [], shipping_back=[ShippingBack(gone, 800, 80)]))
    entries = entries_of(one)
    assert (entries["edit:9"].shipping, entries["refund:3"].shipping) == (300, -800)


def test_what_an_exchange_brings_is_sold_on_its_day() -> None:
    # 10.00 comes back on the 10th, and 15.00 goes out; the 8th stays as it was
    one = order(1, "2026-10-08T12:00", [line(1, 1_000)], rate=None)
    moment, come = at("2026-10-10T12:00"), line(2, 1_500)
    come.brought = 7, moment
    item = RefundLine(3, one.lines[0], 1, *one.lines[0].take_back(1), "return")
    one.refunds.append(Refund(2, moment, [item], return_id=7))
    one.lines.append(come)
    entries = entries_of(one)
    assert {name: (e.gross_sales, e.sales_reversals, e.orders) for name, e in entries.items()} == {
        "placement": (1_000, 0, 1),
        "edit:return-7": (1_500, 0, 0),
        "refund:2": (0, 1_000, 0),
    }
    assert entries["edit:return-7"].at == moment


def test_cash_is_rounded_with_the_order_and_with_its_latest_refund() -> None:
    one = order(1, "2026-10-08T12:00", [line(1, 1_001, 2)], rate=None)
    one.cash_rounding = -2
    for number, day in ((5, "2026-10-11"), (4, "2026-10-10")):
        item = RefundLine(30 + number, one.lines[0], 1, 1_001, 0, "return")
        one.refunds.append(Refund(number, at(f"{day}T12:00"), [item], cash_rounding=-1))
    entries = entries_of(one)
    rounded = {name: entry.cash_rounding for name, entry in entries.items()}
    assert rounded == {"placement": -2, "refund:5": 2, "refund:4": 0}


# -- what sales are told apart by ----------------------------------------------------------------


@pytest.fixture
def told_apart() -> Ledger:
    """Two products of two vendors; a code; a guest at the till.

    8 Oct  A  web, New York, by Google   10.00 of product 1 and 20.00 of product 2, code TEN
    9 Oct  B  pos, nobody                 5.00 of product 2
    9 Oct  A  10.00 of product 1 go back
    """
    book = ledger()
    first, second = line(11, 1_000), line(12, 2_000)
    first.product, second.product = product(1, "Kiln"), product(2, "Brook")
    first.variant, second.variant = first.product.variants[0], second.product.variants[0]
    a = order(1, "2026-10-08T12:00", [first, second], by=customer(1), rate=None, shipping=500)
    a.whence = Whence("web", "/pages/mugs?utm=1", "https://www.google.com/search")
    a.applications = [
        Application("TEN", "percentage", "10", "percentage", "line_item", "all", "across", 0)
    ]
    item = RefundLine(51, first, 1, *first.take_back(1), "return")
    a.refunds.append(Refund(5, at("2026-10-09T10:00"), [item]))
    third = line(21, 500)
    third.product = second.product
    b = order(2, "2026-10-09T12:00", [third], rate=None)
    b.source_name = "pos"
    book.orders = {1: a, 2: b}
    return book


@pytest.mark.parametrize(
    ("dimension", "wanted"),
    [
        # value: gross, reversals, shipping, orders, units
        ("channel", {"web": (3_000, 1_000, 500, 1, 2), "pos": (500, 0, 0, 1, 1)}),
        ("country", {"US": (3_000, 1_000, 500, 1, 2), "": (500, 0, 0, 1, 1)}),
        ("region", {"US-NY": (3_000, 1_000, 500, 1, 2), "": (500, 0, 0, 1, 1)}),
        ("referrer", {"google.com": (3_000, 1_000, 500, 1, 2), "": (500, 0, 0, 1, 1)}),
        ("landing", {"/pages/mugs": (3_000, 1_000, 500, 1, 2), "": (500, 0, 0, 1, 1)}),
        ("discount_code", {"TEN": (3_000, 1_000, 500, 1, 2), "": (500, 0, 0, 1, 1)}),
        # shipping belongs to no line, and an order counts under each product in it
        ("product", {"1": (1_000, 1_000, 0, 1, 1), "2": (2_500, 0, 0, 2, 2)}),
        ("vendor", {"Kiln": (1_000, 1_000, 0, 1, 1), "Brook": (2_500, 0, 0, 2, 2)}),
        (
            "variant",
            {"10": (1_000, 1_000, 0, 1, 1), "20": (2_000, 0, 0, 1, 1), "": (500, 0, 0, 1, 1)},
        ),
    ],
)
def test_sales_told_apart(
    told_apart: Ledger, dimension: Dimension, wanted: dict[str, tuple[int, ...]]
) -> None:
    found = told_apart.breakdown(dimension, date(2026, 10, 8), date(2026, 10, 9))
    names = ("gross_sales", "sales_reversals", "shipping", "orders", "units_sold")
    assert {v: tuple(getattr(one, n) for n in names) for v, one in found.items()} == wanted


def test_orders_sent_count_where_they_were_placed() -> None:
    # 20 min; 49 h and 1 s with a later parcel; 15 days and a bit; a test; and one that is not sent
    first, second, third, test, waiting = (
        order(n, "2026-10-08T12:00", [line(n * 10, 1_000)], rate=None) for n in range(1, 6)
    )
    for one, *seconds in (
        (first, 1_200), (second, 49 * 3600 + 1, 90 * 3600), (third, 15 * DAY + 60), (test, 60),
    ):  # fmt: skip
        one.fulfillments = [Fulfillment(n, one.processed_at + n, [], 1) for n in seconds]
    test.test = True
    book = ledger()
    book.orders = {one.id: one for one in (first, second, third, test, waiting)}
    found = book.breakdown("fulfilled_after", date(2026, 10, 8), date(2026, 10, 8))
    assert found == {value: Amounts(orders=1) for value in ("30", str(50 * 60), str(16 * 24 * 60))}
    assert not book.breakdown("fulfilled_after", date(2026, 10, 9), date(2026, 11, 8))


# -- customers -----------------------------------------------------------------------------------


def test_a_merge_makes_one_customer_of_two() -> None:
    book = ledger()
    ada, bob = customer(1), customer(2)
    # 30 Sep 22:00 in New York, and 8 October: two customers, or one who returns
    first = order(1, "2026-10-01T02:00", [line(1, 1_000)], by=ada, rate=None)
    second = order(2, "2026-10-08T12:00", [line(2, 3_000)], by=bob, rate=None)
    book.orders = {1: first, 2: second}
    september, october = date(2026, 9, 1), date(2026, 10, 1)

    def figures() -> tuple[object, ...]:
        book.revision += 1
        told = book.stats(date(2026, 10, 1), date(2026, 10, 31), NOW)
        shape = {key: (row.customers, row.orders, row.spent) for key, row in book.cohorts().items()}
        return told["customers"], told["new_customers"], told["returning_customers"], shape

    assert figures() == (
        1, 1, 0, {(september, september): (1, 1, 1_000), (october, october): (1, 1, 3_000)},
    )  # fmt: skip
    bob.deleted, bob.merged_into = True, ada
    assert figures() == (
        1, 0, 1, {(september, september): (1, 1, 1_000), (september, october): (1, 1, 3_000)},
    )  # fmt: skip
    (best,) = book.top_customers(5)
    assert (best["id"], best["orders"], best["total_spent"]) == ("1", 2, "40.00")


def test_a_move_dates_the_whole_past_anew() -> None:
    book = ledger()
    # 6 Oct 03:30 UTC is the 5th in New York and the 6th in Berlin.
    book.orders = {1: order(1, "2026-10-06T03:30", [line(1, 1_000)])}
    assert [*book.sums(NOW)] == [date(2026, 10, 5)]
    book.move("Europe/Berlin")
    assert [*book.sums(NOW)] == [date(2026, 10, 6)]
    assert book.stats(date(2026, 10, 6), date(2026, 10, 6), NOW)["timezone"] == "Europe/Berlin"


# -- checkouts of one shopper --------------------------------------------------------------------


def checkout(token: str, *times: int, completed: int | None = None) -> Checkout:
    basket = Basket([line(1, 5_000)], None, [])
    totals = placed_totals(basket, taxes_included=False)
    made = Checkout(token, None, 1, basket, totals, times[0], times[-1])
    made.activity = [(one, True) for one in times]
    made.completed_at = completed
    return made


def standing(
    *checkouts: Checkout, bought: tuple[int, ...] = ()
) -> dict[str, tuple[str | None, int | None]]:
    """By token: the twin that stands for it, and the order that infers its recovery."""
    lives = [life for one in checkouts if (life := life_of(one, None, WINDOW, 10**9)) is not None]
    purchases = [Purchase(when, number, 1) for number, when in enumerate(bought, 1)]
    return {
        life.token: (life.twin_of, life.inferred.order_id if life.inferred else None)
        for life in among(lives, purchases, WINDOW, 7 * DAY)
    }


@pytest.mark.parametrize(
    ("checkouts", "wanted"),
    [
        # begun within the window of the other's last step: one shopper, the later active stands
        ((checkout("a", 0, 300), checkout("b", 900)), {"a": ("b", None), "b": (None, None)}),
        # a second more, and they are two
        ((checkout("a", 0, 300), checkout("b", 901)), {"a": (None, None), "b": (None, None)}),
        # the one that was bought by stands, however early; equals are told apart by their tokens
        (
            (checkout("a", 0, completed=100), checkout("b", 200, 400)),
            {"a": (None, None), "b": ("a", None)},
        ),
        ((checkout("a", 50), checkout("b", 50)), {"a": (None, None), "b": ("a", None)}),
        # both bought by: two purchases
        (
            (checkout("a", 0, completed=100), checkout("b", 50, completed=120)),
            {"a": (None, None), "b": (None, None)},
        ),
    ],
)
def test_twins(
    checkouts: tuple[Checkout, ...], wanted: dict[str, tuple[str | None, int | None]]
) -> None:
    assert standing(*checkouts) == wanted


@pytest.mark.parametrize(
    ("bought", "wanted"),
    [
        # abandoned at 600 and at DAY + 600; an order infers the one abandoned last before it
        ((DAY,), {"a": (None, 1), "b": (None, None)}),
        ((2 * DAY,), {"a": (None, None), "b": (None, 1)}),
        # each order one checkout, and each checkout the earliest order
        ((DAY, 2 * DAY, 3 * DAY), {"a": (None, 1), "b": (None, 2)}),
        # not before the abandonment, and within seven days of it
        ((600,), {"a": (None, None), "b": (None, None)}),
        ((8 * DAY + 600,), {"a": (None, None), "b": (None, 1)}),
        ((8 * DAY + 601,), {"a": (None, None), "b": (None, None)}),
    ],
)
def test_inferred_recoveries(
    bought: tuple[int, ...], wanted: dict[str, tuple[str | None, int | None]]
) -> None:
    assert standing(checkout("a", 0), checkout("b", DAY), bought=bought) == wanted


def test_a_checkout_left_three_times_is_abandoned_once_and_has_three_abandonments() -> None:
    book = ledger()
    noon = at("2026-10-09T16:00")
    book.checkouts = {"tok": checkout("tok", noon, noon + DAY, noon + 2 * DAY)}
    whole = book.stats(date(2026, 10, 9), date(2026, 10, 11), NOW)
    assert (whole["abandoned_checkouts"], whole["abandonments"]) == (1, 3)
    last = book.stats(date(2026, 10, 11), date(2026, 10, 11), datetime(2026, 10, 31, tzinfo=UTC))
    assert (last["abandoned_checkouts"], last["abandonments"], last["abandoned_value"]) == (
        0,
        1,
        "0.00",
    )


# -- groups --------------------------------------------------------------------------------------


def test_customers_are_scored_by_how_many_have_less() -> None:
    # Five customers, the nth with n orders of 10.00 in all on the nth: scores n, n, n. Of the one with
    # twice that who came on the 1st, R is 1 and FM 5.
    bought = [Bought(date(2026, 3, n), n, n * 1_000) for n in range(1, 6)]
    assert segments_of(bought, 2) == {
        "dormant": Segment(2, 3, 3_000),
        "needs_attention": Segment(1, 3, 3_000),
        "loyal": Segment(1, 4, 4_000),
        "champions": Segment(1, 5, 5_000),
        "prospects": Segment(2),
    }
    bought[0] = Bought(date(2026, 3, 1), 10, 10_000)
    assert segments_of(bought, 0)["previously_loyal"] == Segment(1, 10, 10_000)


def test_equals_score_equally() -> None:
    # Nobody has less than any other: all three scores are 1
    same = Bought(date(2026, 3, 1), 1, 1_000)
    assert segments_of([same] * 4, 0) == {"dormant": Segment(4, 4, 4_000)}
