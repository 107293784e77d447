"""The books against figures worked by hand.

Facts are put straight into a ledger; nothing is random. Every expected number follows from the
comment above it. New York is four hours behind UTC in October, Berlin two ahead.

    customer 1   A placed 5 Oct      B placed 8 Oct
    customer 2                       C placed 8 Oct (cancelled 9 Oct)
    guest                            D placed 8 Oct (gift card, tip)
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulator.shops import shop
from tillstream.simulator.books import Ledger, entries_of, life_of
from tillstream.simulator.currency import Currency, ratio, split
from tillstream.simulator.facts import (
    Basket,
    Checkout,
    Customer,
    Line,
    Order,
    Refund,
    RefundLine,
    Shipping,
    ShippingBack,
    levied,
    placed_totals,
)
from tillstream.simulator.places import UNITED_STATES
from tillstream.simulator.plan import TaxRate
from tillstream.simulator.shop_clock import ShopClock

NOW = datetime(2026, 10, 31, tzinfo=UTC)
TEN = TaxRate("Ten", 100_000)
VAT = TaxRate("VAT", 190_000)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def ledger(
    currency: str = "USD", zone: str = "America/New_York", *, included: bool = False
) -> Ledger:
    return Ledger(shop(currency, zone, included=included), ShopClock(zone))


def customer(identifier: int) -> Customer:
    return Customer(
        id=identifier,
        email=f"c{identifier}@example.com",
        first_name="Ada",
        last_name=str(identifier),
        phone=None,
        place=UNITED_STATES,
        city=UNITED_STATES.cities[0],
        street="1 Elm Street",
        address_id=identifier,
        created_at=0,
        updated_at=0,
    )


def line(
    identifier: int,
    price: int,
    quantity: int = 1,
    *,
    off: int = 0,
    gift_card: bool = False,
    tip: bool = False,
) -> Line:
    made = Line(identifier, None, None, "Thing", price, quantity, gift_card=gift_card, tip=tip)
    made.allocations = [(0, off)] if off else []
    return made


def order(
    identifier: int,
    placed: str,
    lines: list[Line],
    *,
    by: Customer | None = None,
    rate: TaxRate | None = TEN,
    shipping: int = 0,
    included: bool = False,
) -> Order:
    rates = (rate,) if rate else ()
    for one in lines:
        if not (one.gift_card or one.tip):
            one.levy(rates, included=included)
    ship = Shipping(9, "Ground", "G", shipping, 0, None, levied(shipping, rates, included=included))
    tip = sum(one.total for one in lines if one.tip)
    basket = Basket(lines, ship if shipping else None, [], tip=tip)
    return Order(
        id=identifier,
        number=1000 + identifier,
        token="t",
        source_name="web",
        customer=by,
        email=None,
        phone=None,
        checkout_token=None,
        cart_token=None,
        created_at=at(placed),
        processed_at=at(placed),
        updated_at=at(placed),
        lines=lines,
        shipping=[basket.shipping] if basket.shipping else [],
        applications=[],
        duties=0,
        fees=0,
        tip=tip,
        presentment=None,
        place=None,
        taxes_included=included,
        totals=placed_totals(basket, taxes_included=included),
        gateway="x",
    )


@pytest.fixture
def october() -> Ledger:
    book = ledger()
    ada, bob = customer(1), customer(2)
    # A, 6 Oct 03:30 UTC = 5 Oct 23:30 in New York.
    #   2 × 30.00 − 6.00 = 54.00 net; tax 5.40; shipping 8.00, its tax 0.80; total 68.20
    a = order(1, "2026-10-06T03:30", [line(11, 3000, 2, off=600)], by=ada, shipping=800)
    # B: 45.50 + tax 4.55 = 50.05
    b = order(2, "2026-10-08T12:00", [line(21, 4550)], by=ada)
    # C: 20.00 + 2.00 + shipping 8.00 + 0.80 = 30.80, cancelled on the 9th
    c = order(3, "2026-10-08T13:00", [line(31, 2000)], by=bob, shipping=800)
    c.cancelled_at = at("2026-10-09T13:00")
    # D: 10.00 + 1.00; a gift card of 25.00 and a tip of 3.00 beside it
    d = order(
        4,
        "2026-10-08T14:00",
        [line(41, 1000), line(42, 2500, gift_card=True), line(43, 300, tip=True)],
    )
    # One of A's two things comes back on 10 Oct with all shipping:
    #   27.00, tax 2.70, shipping 8.00, its tax 0.80
    subtotal, tax = a.lines[0].take_back(1)
    back = RefundLine(51, a.lines[0], 1, subtotal, tax, "return")
    shipped = [ShippingBack(a.shipping[0], 800, 80)]
    a.refunds.append(Refund(5, at("2026-10-10T10:00"), [back], shipping_back=shipped))
    book.orders = {one.id: one for one in (a, b, c, d)}
    return book


def figures(book: Ledger, first: int, last: int, *names: str) -> list[object]:
    told = book.stats(date(2026, 10, first), date(2026, 10, last), NOW)
    return [told[name] for name in names]


def test_an_order_counts_on_the_shops_day(october: Ledger) -> None:
    assert figures(october, 5, 5, "orders", "gross_sales", "discounts", "net_sales") == [
        1,
        "60.00",
        "6.00",
        "54.00",
    ]
    # net 54.00, shipping 8.00, taxes 5.40 and 0.80
    assert figures(october, 5, 5, "shipping", "taxes", "total_sales") == ["8.00", "6.20", "68.20"]
    assert figures(october, 6, 7, "orders", "total_sales") == [0, "0.00"]


def test_gift_cards_and_tips_stay_beside_sales(october: Ledger) -> None:
    # B 45.50, C 20.00, D 10.00; taxes 4.55 + 2.80 + 1.00; shipping 8.00
    assert figures(october, 8, 8, "orders", "gross_sales", "taxes", "shipping") == [
        3,
        "75.50",
        "8.35",
        "8.00",
    ]
    assert figures(october, 8, 8, "gift_cards_sold", "tips", "total_sales") == [
        "25.00",
        "3.00",
        "91.85",
    ]


def test_a_cancellation_reverses_what_is_left_on_its_own_day(october: Ledger) -> None:
    assert figures(
        october, 9, 9, "orders", "sales_reversals", "shipping", "taxes", "total_sales"
    ) == [
        0,
        "20.00",
        "-8.00",
        "-2.80",
        "-30.80",
    ]


def test_a_refund_reverses_on_its_own_day(october: Ledger) -> None:
    assert figures(october, 10, 10, "sales_reversals", "net_sales", "shipping", "taxes") == [
        "27.00",
        "-27.00",
        "-8.00",
        "-3.50",
    ]


def test_the_average_leaves_out_what_came_later(october: Ledger) -> None:
    # (60.00 − 6.00 + 45.50 + 20.00 + 10.00) ÷ 4 = 129.50 ÷ 4 = 32.375
    assert figures(october, 1, 31, "average_order_value") == ["32.38"]
    assert figures(october, 1, 4, "average_order_value") == [None]


@pytest.mark.parametrize(
    ("first", "last", "wanted"),
    [
        # Ada's first order and her second, Bob's only one; the guest is nobody.
        (1, 31, [2, 2, 1, 0.5]),
        (5, 7, [1, 1, 0, 0.0]),
        # On the 8th Ada returns; Bob is new though his order was cancelled.
        (8, 8, [2, 1, 1, 0.5]),
        (9, 20, [0, 0, 0, None]),
    ],
)
def test_customers_by_range(
    october: Ledger, first: int, last: int, wanted: list[float | None]
) -> None:
    names = ("customers", "new_customers", "returning_customers", "returning_customer_rate")
    assert figures(october, first, last, *names) == wanted


def test_lifetime_value_is_net_of_what_was_given_back(october: Ledger) -> None:
    best, second = october.top_customers(10)
    # A 68.20 − (27.00 + 2.70 + 8.80) = 29.70; B 50.05
    assert (best["id"], best["orders"], best["total_spent"]) == ("1", 2, "79.75")
    assert (second["id"], second["orders"], second["total_spent"]) == ("2", 1, "0.00")


def test_test_and_deleted_orders_contribute_nothing(october: Ledger) -> None:
    october.orders[2].test = True
    october.orders[4].deleted = True
    assert figures(october, 8, 8, "orders", "gross_sales", "tips") == [1, "20.00", "0.00"]


def test_included_tax_is_taken_out_of_gross() -> None:
    # 3 × 9.99 = 29.97, VAT inside 29.97 × 19/119 = 4.785… → 4.79; gross 29.97/1.19 = 25.184… → 25.18
    one = order(1, "2026-10-08T12:00", [line(1, 999, 3)], rate=VAT, shipping=490, included=True)
    placed = entries_of(one)["placement"]
    assert (placed.gross_sales, placed.discounts) == (2518, 0)
    # shipping 4.90 holds 0.78
    assert (placed.shipping, placed.taxes) == (412, 479 + 78)
    assert placed.total_sales == one.totals.price == 2997 + 490


def test_a_discount_in_a_tax_included_shop_is_the_difference_of_two_nets() -> None:
    # 100.00 less 10.00: gross 84.03; tax on 90.00 is 14.37, net 75.63; so 8.40 was given
    one = order(1, "2026-10-08T12:00", [line(1, 10_000, off=1_000)], rate=VAT, included=True)
    placed = entries_of(one)["placement"]
    assert (placed.gross_sales, placed.discounts, placed.taxes) == (8403, 840, 1437)


def test_units_added_by_an_edit_count_on_its_day() -> None:
    one = order(1, "2026-10-08T12:00", [line(1, 1_000, 3)], rate=TaxRate("Odd", 88_750))
    # 30.00 at 8.875 % = 2.6625 → 2.66; one of three units: 10.00 and 0.8867 → 0.89
    one.lines[0].added.append((77, 1, at("2026-10-09T12:00")))
    entries = entries_of(one)
    assert (entries["edit:77"].gross_sales, entries["edit:77"].taxes) == (1000, 89)
    assert (entries["placement"].gross_sales, entries["placement"].taxes) == (2000, 177)
    assert entries["placement"].orders == 1


def test_an_order_paid_back_after_its_cancellation_was_reversed_by_the_cancellation() -> None:
    one = order(1, "2026-10-08T12:00", [line(1, 1_000)])
    one.cancelled_at = at("2026-10-09T12:00")
    subtotal, tax = one.lines[0].take_back(1)
    item = RefundLine(3, one.lines[0], 1, subtotal, tax, "cancel")
    one.refunds.append(Refund(2, at("2026-10-10T12:00"), [item]))
    assert set(entries_of(one)) == {"placement", "cancellation"}
    one.cancelled_at = at("2026-10-10T12:00")
    assert set(entries_of(one)) == {"placement", "refund:2"}


# -- checkouts -----------------------------------------------------------------------------------

WINDOW = 600


def checkout(*activity: tuple[int, bool], completed: int | None = None) -> Checkout:
    basket = Basket([line(1, 5_000)], None, [])
    totals = placed_totals(basket, taxes_included=False)
    made = Checkout("tok", "cart", 1, basket, totals, activity[0][0], activity[-1][0])
    made.activity = list(activity)
    made.completed_at = completed
    return made


@pytest.mark.parametrize(
    ("activity", "completed", "now", "stage", "abandoned"),
    [
        # contact from the start, then silence: open until it is longer than the window
        ([(0, True)], None, 600, "open", None),
        ([(0, True)], None, 601, "abandoned", 600),
        # each step starts the window anew
        ([(0, True), (500, True)], None, 1_000, "open", None),
        ([(0, True), (500, True)], None, 1_101, "abandoned", 1_100),
        # paid inside the window, and after it
        ([(0, True), (200, True)], 200, 9_999, "converted", None),
        ([(0, True), (5_000, True)], 5_000, 9_999, "recovered", 600),
        # the silence before contact details were given does not count
        ([(0, False), (2_000, True), (2_100, True)], 2_100, 9_999, "converted", None),
        # abandoned twice counts once, at the first time
        ([(0, True), (5_000, True)], None, 9_999, "abandoned", 600),
    ],
)
def test_a_checkouts_stages(
    activity: list[tuple[int, bool]],
    completed: int | None,
    now: int,
    stage: str,
    abandoned: int | None,
) -> None:
    life = life_of(checkout(*activity, completed=completed), None, WINDOW, now)
    assert life is not None
    assert (life.stage, life.abandoned_at) == (stage, abandoned)


def test_a_checkout_without_contact_details_or_deleted_counts_nowhere() -> None:
    assert life_of(checkout((0, False)), None, WINDOW, 9_999) is None
    gone = checkout((0, True))
    gone.deleted = True
    assert life_of(gone, None, WINDOW, 9_999) is None


def test_recovery_brings_the_orders_total_on_the_day_of_abandonment() -> None:
    book = ledger()
    # 9 Oct 03:55 UTC = 8 Oct 23:55; abandoned at 00:05 on the 9th
    left = checkout((at("2026-10-09T03:55"), True))
    bought = order(1, "2026-10-12T12:00", [line(1, 5_000)])
    # joined by the cart alone, whatever follows its question mark
    bought.cart_token = "cart?key=x"
    book.checkouts, book.orders = {"tok": left}, {1: bought}
    assert figures(book, 8, 8, "checkouts", "abandoned_checkouts") == [1, 0]
    names = (
        "abandoned_checkouts",
        "recovered_checkouts",
        "recovered_checkout_rate",
        "recovered_sales",
    )
    assert figures(book, 9, 9, *names, "abandoned_value") == [1, 1, 1.0, "55.00", "0.00"]
    (row,) = book.checkout_list(NOW)
    assert (row["stage"], row["order_name"]) == ("recovered", "#1001")
    assert row["recovered_at"] == datetime(2026, 10, 12, 12, tzinfo=UTC)


def test_an_abandoned_checkout_is_worth_its_total() -> None:
    book = ledger()
    book.checkouts = {"tok": checkout((at("2026-10-09T12:00"), True))}
    assert figures(book, 9, 9, "abandoned_value", "recovered_sales") == ["50.00", "0.00"]


# -- arithmetic ----------------------------------------------------------------------------------


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**6), min_size=1, max_size=8))
def test_what_is_split_adds_up(amount: int, weights: list[int]) -> None:
    parts = split(amount, weights)
    assert sum(parts) == (amount if sum(weights) else 0)
    assert all(part >= 0 for part in parts)


@given(st.integers(1, 10**7), st.integers(1, 30), st.integers(0, 250_000), st.booleans(), st.data())
def test_units_given_back_one_by_one_give_back_the_whole(
    price: int, quantity: int, rate: int, included: bool, data: st.DataObject
) -> None:
    one = line(1, price, quantity, off=data.draw(st.integers(0, price * quantity)))
    one.levy((TaxRate("Any", rate),), included=included)
    shares = [one.take_back(1) for _ in range(quantity)]
    assert sum(subtotal for subtotal, _ in shares) == one.total - one.discount
    assert sum(tax for _, tax in shares) == one.tax
    assert min(min(share) for share in shares) >= 0


@given(st.integers(-(10**9), 10**9), st.integers(1, 10**6))
def test_ratios_round_half_up_in_size(numerator: int, denominator: int) -> None:
    assert abs(ratio(numerator, denominator) * denominator - numerator) * 2 <= denominator
    assert ratio(-numerator, denominator) == -ratio(numerator, denominator)


@pytest.mark.parametrize(
    ("code", "minor", "text", "scaled"),
    [
        ("USD", 123_456, "1234.56", 12_345_600),
        ("USD", -5, "-0.05", -500),
        ("JPY", 1_500, "1500", 15_000_000),
        ("KWD", 1_250, "1.250", 12_500),
    ],
)
def test_money_as_text_and_in_ten_thousandths(
    code: str, minor: int, text: str, scaled: int
) -> None:
    currency = Currency.of(code)
    assert currency.text(minor) == text
    assert currency.ten_thousandths(minor) == scaled


def test_a_window_of_its_own_is_kept() -> None:
    book = ledger()
    book.plan = replace(book.plan, window=3_600)
    book.checkouts = {"tok": checkout((at("2026-10-09T12:00"), True))}
    early = datetime(2026, 10, 9, 12, 30, tzinfo=UTC)
    assert book.checkout_list(early)[0]["stage"] == "open"
