# ruff: noqa: PLR2004 - odds and shares read best where they are drawn
"""A shopper's way: look, take, leave, come back, buy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from tillstream.simulator import aftermath
from tillstream.simulator.arrivals import Phase, poisson, visits_expected
from tillstream.simulator.basket_making import fill_basket
from tillstream.simulator.facts import (
    Basket,
    Checkout,
    Customer,
    Line,
    Order,
    Totals,
    placed_totals,
)

if TYPE_CHECKING:
    from tillstream.simulator.shopfront import Shopfront

_HOUR = 3600
_DAY = 86_400


@dataclass(slots=True)
class Visit:
    """A shopper on the way through a checkout."""

    basket: Basket
    buyer: Customer | None
    outcome: Literal["buys", "leaves", "returns", "starts over", "unknown"]
    steps: int
    checkout: Checkout
    again: bool = False


# -- arriving ------------------------------------------------------------------------------------


def open_doors(shop: Shopfront, phase: Phase, at: int) -> None:
    """Draw the visits of one slot of ``phase``, and come back for the next."""
    shop.lean = phase.lean
    stop = min(phase.end, at - at % phase.slot + phase.slot)
    for _ in range(poisson(shop.random, _expected(shop, phase, at, stop))):
        shop.later(shop.between(at, stop - 1), visit)
    if stop < phase.end:
        shop.later(stop, open_doors, phase)


def _expected(shop: Shopfront, phase: Phase, at: int, stop: int) -> float:
    if phase.visits_per_minute is not None:
        return phase.visits_per_minute * (stop - at) / 60
    habits = shop.plan.habits
    web = 1 - habits.pos - habits.draft
    # Of those who come, this share buys sooner or later.
    buying = 1 - web * (1 - habits.express) * habits.leaves * (1 - habits.comes_back)
    grown = shop.phases[0]
    progress = min(1.0, (at - grown.start) / max(1, grown.end - grown.start))
    per_day = shop.plan.orders_per_day / buying
    day, hour = shop.clock.day(at), shop.clock.hour(at)
    return visits_expected(per_day, day, hour, progress) * (stop - at) / _HOUR


def visit(shop: Shopfront, _: None, at: int) -> None:
    """Someone comes: to the till, by telephone, or to the website."""
    habits = shop.plan.habits
    draw = shop.random.random()
    if draw < habits.pos:
        buy_in_store(shop, at)
    elif draw < habits.pos + habits.draft:
        buy_by_draft(shop, at)
    elif draw < habits.pos + habits.draft + habits.signs_up:
        sign_up(shop, at)
    else:
        browse(shop, at)


def browse(shop: Shopfront, at: int) -> None:
    """The website: straight through an express button, or through the checkout."""
    basket, buyer = fill_basket(shop), _buyer(shop, at)
    token = _cart_token(shop)
    checkout = Checkout(
        shop.token(), token, shop.checkout_number, basket, placed_totals_of(shop, basket), at, at
    )
    shop.checkout_number += 1
    visit = Visit(basket, buyer, "buys", 0, checkout)
    if shop.chance(0.5) and shop.wants("carts/create"):
        shop.send("carts/create", shop.bodies.cart(checkout), at)
    if shop.chance(shop.plan.habits.express):
        # A wallet's button makes no checkout webhook; the order still names its tokens.
        shop.later(at + shop.between(30, 90), finish, visit)
        return
    _decide(shop, visit)
    shop.later(at + shop.between(20, 240), begin_checkout, visit)


def _decide(shop: Shopfront, visit: Visit) -> None:
    habits = shop.plan.habits
    visit.steps = 0 if shop.lean else shop.between(1, 3)
    if not shop.chance(habits.leaves):
        return
    draw = shop.random.random()
    if draw < habits.no_contact:
        visit.outcome, visit.steps = "unknown", min(visit.steps, 1)
    elif draw < habits.no_contact + habits.comes_back:
        visit.outcome = "returns"
    elif draw < habits.no_contact + habits.comes_back + 0.02:
        visit.outcome = "starts over"
    else:
        visit.outcome = "leaves"


# -- the checkout --------------------------------------------------------------------------------


def begin_checkout(shop: Shopfront, visit: Visit, at: int) -> None:
    """``checkouts/create``: in many shops before anything is known of the shopper."""
    checkout = visit.checkout
    checkout.created_at = checkout.updated_at = at
    late_contact = visit.steps > 0 and shop.chance(0.4)
    if visit.outcome != "unknown" and not late_contact:
        _give_contact(shop, visit)
    if visit.steps > 0:
        # Without an address there is no shipping yet.
        checkout.basket = replace(visit.basket, shipping=None)
    _tell_checkout(shop, checkout, "checkouts/create")
    if visit.steps > 0:
        shop.later(at + shop.between(25, 160), advance, visit)
    else:
        _after_steps(shop, visit, at)


def advance(shop: Shopfront, visit: Visit, at: int) -> None:
    """One more step: contact, address, shipping."""
    checkout = visit.checkout
    visit.steps -= 1
    _touch(shop, checkout, at)
    if visit.outcome != "unknown":
        _give_contact(shop, visit)
    checkout.basket = visit.basket
    _tell_checkout(shop, checkout, "checkouts/update")
    if visit.steps > 0:
        shop.later(checkout.updated_at + shop.between(15, 240), advance, visit)
    else:
        _after_steps(shop, visit, checkout.updated_at)


def _after_steps(shop: Shopfront, visit: Visit, at: int) -> None:
    match visit.outcome:
        case "buys":
            # One in thirty hesitates past the window, and is recovered without a mail.
            slow = shop.chance(0.033)
            pause = shop.between(900, 5_400) if slow else shop.between(20, 260)
            shop.later(at + pause, finish, visit)
        case "returns":
            away = int(shop.random.lognormvariate(9.6, 1.4))
            shop.later(at + min(max(away, 1_100), 9 * _DAY), come_back, visit)
        case "starts over":
            shop.later(at + shop.between(1_200, 2 * _DAY), start_over, visit)
        case "leaves" | "unknown":
            if shop.chance(0.012):
                shop.later(at + shop.between(20 * _DAY, 90 * _DAY), sweep, visit.checkout)


def come_back(shop: Shopfront, visit: Visit, at: int) -> None:
    """Found again, perhaps by the mail that recalls it: most buy now."""
    checkout = visit.checkout
    if checkout.deleted:
        return
    if not shop.lean or shop.chance(0.2):
        _touch(shop, checkout, at)
        _tell_checkout(shop, checkout, "checkouts/update")
        at = checkout.updated_at
    if shop.chance(0.88):
        shop.later(at + shop.between(40, 300), finish, visit)


def start_over(shop: Shopfront, visit: Visit, at: int) -> None:
    """The same cart in a new checkout: the order names the new one, the old stays abandoned."""
    old = visit.checkout
    visit.checkout = Checkout(
        shop.token(), old.cart_token, shop.checkout_number, visit.basket, old.totals, at, at
    )
    shop.checkout_number += 1
    visit.outcome, visit.steps, visit.again = "buys", 0, True
    begin_checkout(shop, visit, at)


def sweep(shop: Shopfront, checkout: Checkout, at: int) -> None:
    """The shop throws an old checkout away. Few bodies name its token; only those say which."""
    names_token = shop.chance(0.4)
    checkout.deleted = names_token and shop.wants("checkouts/delete")
    if shop.wants("checkouts/delete"):
        body = shop.bodies.checkout_deleted(
            checkout, shop.next_id("checkout"), names_token=names_token
        )
        shop.send("checkouts/delete", body, at)


def _give_contact(shop: Shopfront, visit: Visit) -> None:
    buyer, checkout = visit.buyer, visit.checkout
    if buyer is None or checkout.email or checkout.phone:
        return
    if buyer.phone and shop.chance(0.06):
        checkout.phone = buyer.phone
    else:
        checkout.email = buyer.email
    if buyer.id in shop.ledger.customers and not buyer.deleted:
        checkout.customer = buyer


def _touch(shop: Shopfront, checkout: Checkout, at: int) -> None:
    """Move the checkout's last activity on, never to a gap of exactly the window.

    Whether an activity at the window's very end saves a checkout is nobody's business here.
    """
    at = max(at, checkout.updated_at + 1)
    checkout.updated_at = at + (at - checkout.updated_at == shop.plan.window)


def _tell_checkout(shop: Shopfront, checkout: Checkout, topic: str) -> None:
    checkout.totals = placed_totals_of(shop, checkout.basket)
    known = bool(checkout.email or checkout.phone or checkout.customer)
    checkout.activity.append((checkout.updated_at, known))
    shop.ledger.checkouts[checkout.token] = checkout
    shop.send(topic, shop.bodies.checkout(checkout, checkout.totals), checkout.updated_at)


# -- buying --------------------------------------------------------------------------------------


def finish(shop: Shopfront, visit: Visit, at: int) -> None:
    """The order is placed, and its checkout told of it."""
    checkout, known = visit.checkout, visit.checkout.token in shop.ledger.checkouts
    if known:
        _touch(shop, checkout, at)
        at = checkout.updated_at
    buyer = _welcome(shop, visit.buyer, at)
    order = _order(shop, visit.basket, buyer, at, "web")
    # A cart that led to two checkouts tells neither of them apart.
    by_cart = known and checkout.cart_token is not None and not visit.again and shop.chance(0.02)
    order.checkout_token = None if by_cart else checkout.token
    order.cart_token = checkout.cart_token
    if known and (not shop.lean or shop.chance(0.12)):
        checkout.completed_at = order.created_at
        checkout.basket = visit.basket
        if buyer is not None:
            checkout.customer, checkout.email = buyer, checkout.email or buyer.email
        _tell_checkout(shop, checkout, "checkouts/update")
    elif known:
        # Not told of: what was last told stays true of the checkout.
        checkout.updated_at = checkout.activity[-1][0]
    aftermath.place(shop, order)


def buy_online_at_once(shop: Shopfront, at: int) -> Order:
    """A customer, known or new, buys through an express button this very moment."""
    basket, buyer = fill_basket(shop), _welcome(shop, _buyer(shop, at), at)
    order = _order(shop, basket, buyer, at, "web")
    order.checkout_token, order.cart_token = shop.token(), shop.token()
    aftermath.place(shop, order)
    return order


def buy_in_store(shop: Shopfront, at: int) -> None:
    """A till: nobody's name, sometimes a tip."""
    basket = fill_basket(shop, shipped=False)
    buyer = _welcome(shop, _buyer(shop, at), at) if shop.chance(0.25) else None
    if shop.chance(0.12):
        basket.tip = max(1, sum(line.total for line in basket.lines) // 10)
        tip = Line(shop.next_id("line_item"), None, None, "Tip", basket.tip, 1, tip=True)
        basket.lines.append(tip)
    order = _order(shop, basket, buyer, at, "pos")
    if buyer is None:
        # A guest's e-mail is null in some bodies and empty in others.
        order.email = None if shop.chance(0.5) else ""
    aftermath.place(shop, order)


def buy_by_draft(shop: Shopfront, at: int) -> None:
    """A draft turned into an order; some were agreed on days before they were entered."""
    buyer = _welcome(shop, _buyer(shop, at), at)
    order = _order(shop, fill_basket(shop), buyer, at, "shopify_draft_order")
    if shop.chance(0.3):
        order.processed_at = max(shop.start, at - shop.between(_HOUR, 2 * _DAY))
    order.test = shop.chance(shop.plan.habits.test * 12)
    aftermath.place(shop, order)


def sign_up(shop: Shopfront, at: int) -> None:
    """An account without an order."""
    customer = _new_customer(shop, at)
    customer.registered = True
    shop.send_customer(customer, "customers/create")
    shop.buyers.append(customer)
    if shop.chance(0.1):
        shop.later(at + shop.between(_DAY, 40 * _DAY), aftermath.forget_customer, customer)


def _order(shop: Shopfront, basket: Basket, buyer: Customer | None, at: int, source: str) -> Order:
    shop.order_number += 1
    return Order(
        id=shop.next_id("order"),
        number=shop.order_number,
        token=shop.token(),
        source_name=source,
        customer=buyer,
        email=buyer.email if buyer else None,
        phone=buyer.phone if buyer else None,
        checkout_token=None,
        cart_token=None,
        created_at=at,
        processed_at=at,
        updated_at=at,
        lines=basket.lines,
        shipping=basket.shipping,
        applications=basket.applications,
        duties=basket.duties,
        fees=basket.fees,
        tip=basket.tip,
        presentment=basket.presentment,
        place=basket.place,
        taxes_included=shop.plan.taxes_included,
        totals=placed_totals_of(shop, basket),
        gateway="cash" if source == "pos" and shop.chance(0.3) else "shopify_payments",
    )


def placed_totals_of(shop: Shopfront, basket: Basket) -> Totals:
    """The basket's figures under the shop's tax regime."""
    return placed_totals(basket, taxes_included=shop.plan.taxes_included)


# -- people --------------------------------------------------------------------------------------


def _buyer(shop: Shopfront, at: int) -> Customer:
    """Someone who bought before, or someone new.

    ``buyers`` names everyone once for each purchase, so that those who came often come often.
    """
    if shop.buyers and shop.chance(shop.plan.habits.repeat_buyer):
        for _ in range(3):
            back = int(shop.random.expovariate(1 / (len(shop.buyers) * 0.45 + 1)))
            known = shop.buyers[-1 - min(back, len(shop.buyers) - 1)]
            if not known.deleted:
                return known
    return _new_customer(shop, at)


def _new_customer(shop: Shopfront, at: int) -> Customer:
    rng, place = shop.random, shop.plan.place
    first, first_latin = rng.choice(place.first_names)
    last, last_latin = rng.choice(place.last_names)
    identifier = shop.next_id("customer")
    digits = shop.between(10, 9_999)
    return Customer(
        id=identifier,
        email=f"{first_latin}.{last_latin}{digits}@example.{('com', 'net', 'org')[digits % 3]}",
        first_name=first,
        last_name=last,
        phone=f"{place.phone}{shop.between(0, 9_999):04d}" if shop.chance(0.4) else None,
        place=place,
        city=rng.choice(place.cities),
        street=f"{shop.between(1, 240)} {rng.choice(place.streets)}",
        address_id=shop.next_id("address"),
        created_at=at,
        updated_at=at,
        registered=shop.chance(0.3),
    )


def _welcome(shop: Shopfront, buyer: Customer | None, at: int) -> Customer | None:
    """The customer as the shop knows them once they buy: made now if they are new."""
    if buyer is None:
        return None
    if buyer.deleted:
        buyer = _new_customer(shop, at)
    if buyer.id not in shop.ledger.customers:
        buyer.created_at = buyer.updated_at = at
        shop.send_customer(buyer, "customers/create")
    elif shop.chance(0.03):
        aftermath.update_customer(shop, buyer, at)
    shop.buyers.append(buyer)
    return buyer


def _cart_token(shop: Shopfront) -> str | None:
    """Carts are named in more than one fashion, and now and then not at all."""
    draw = shop.random.random()
    if draw < 0.02:
        return None
    if draw < 0.3:
        return f"c1-{shop.token()}"
    if draw < 0.36:
        return f"{shop.token()}?key={shop.token()}"
    return shop.token()
