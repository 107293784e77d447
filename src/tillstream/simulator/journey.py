# ruff: noqa: PLR2004 - odds and shares read best where they are drawn
"""A shopper's way: look, take, leave, come back, buy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from tillstream.simulator import aftermath, counter, shoppers
from tillstream.simulator.arrivals import Phase, poisson, visits_expected
from tillstream.simulator.basket_making import fill_basket
from tillstream.simulator.facts import Checkout
from tillstream.simulator.shop_clock import instant
from tillstream.simulator.shoppers import someone, welcome

if TYPE_CHECKING:
    from tillstream.simulator.books import Row
    from tillstream.simulator.facts import Basket, Customer, Line, Whence
    from tillstream.simulator.shopfront import Shopfront

_HOUR = 3600
_DAY = 86_400


@dataclass(slots=True)
class Visit:
    """A shopper on the way through a checkout."""

    basket: Basket
    buyer: Customer | None
    outcome: Literal["buys", "leaves", "returns", "starts over", "buys anew", "unknown"]
    steps: int
    checkout: Checkout
    returns_left: int = 0


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
        counter.buy_in_store(shop, at)
    elif draw < habits.pos + habits.draft:
        counter.draft(shop, at)
    elif draw < habits.pos + habits.draft + habits.signs_up:
        shoppers.sign_up(shop, at)
    else:
        browse(shop, at)


def browse(shop: Shopfront, at: int) -> None:
    """The website: straight through an express button, or through the checkout."""
    buyer = someone(shop, at)
    visit = _begin(shop, fill_basket(shop), buyer, _cart_token(shop), counter.whence(shop), at)
    if shop.chance(0.5):
        _fill_cart(shop, visit.checkout, at)
    if shop.chance(shop.plan.habits.express):
        # A wallet's button makes no checkout webhook; the order still names its tokens.
        shop.later(at + shop.between(30, 90), finish, visit)
        return
    _decide(shop, visit)
    shop.later(at + shop.between(20, 240), begin_checkout, visit)


def _begin(
    shop: Shopfront,
    basket: Basket,
    buyer: Customer | None,
    cart_token: str | None,
    whence: Whence | None,
    at: int,
) -> Visit:
    totals = counter.totals_of(shop, basket)
    checkout = Checkout(shop.token(), cart_token, shop.checkout_number, basket, totals, at, at)
    checkout.visit = whence
    shop.checkout_number += 1
    return Visit(basket, buyer, "buys", 0, checkout)


def _fill_cart(shop: Shopfront, checkout: Checkout, at: int) -> None:
    """``carts/create`` with the first thing in it, and ``carts/update`` with all."""
    lines = checkout.basket.lines
    if checkout.cart_token is None:
        return
    _tell_cart(shop, checkout.cart_token, lines[:1], "carts/create", at, at)
    if len(lines) > 1:
        _tell_cart(shop, checkout.cart_token, lines, "carts/update", at, at + shop.between(2, 15))


def _tell_cart(
    shop: Shopfront, token: str, lines: list[Line], topic: str, created: int, at: int
) -> None:
    known = token.partition("?")[0]
    row: Row = {
        "token": known,
        "currency": shop.plan.currency,
        "items": len(lines),
        "units": sum(line.quantity for line in lines),
        "value": shop.currency.ten_thousandths(sum(line.total for line in lines)),
        "created_at": instant(created),
        "updated_at": instant(at),
    }
    shop.note(topic, shop.bodies.cart(token, lines, created, at), at, "carts", row, known)


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
        visit.returns_left = 1 + shop.chance(0.3) + shop.chance(0.1)
    elif draw < habits.no_contact + habits.comes_back + 0.02:
        visit.outcome = "starts over"
    elif draw < habits.no_contact + habits.comes_back + 0.02 + habits.buys_anew:
        visit.outcome = "buys anew"
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
    if checkout.customer is not None and shop.chance(shop.plan.habits.twin):
        shop.later(at + shop.between(20, 500), look_elsewhere, visit)
    if visit.steps > 0:
        shop.later(at + shop.between(25, 160), advance, visit)
    else:
        _after_steps(shop, visit, at)


def look_elsewhere(shop: Shopfront, visit: Visit, at: int) -> None:
    """The same shopper opens the shop on another device, too: a twin, which is left, or bought by."""
    cart = _cart_token(shop)
    twin = _begin(shop, visit.basket, visit.buyer, cart, visit.checkout.visit, at)
    twin.outcome, twin.steps = "leaves", shop.between(0, 1)
    if visit.outcome == "leaves" and shop.chance(0.3):
        twin.basket, twin.outcome = fill_basket(shop), "buys"
        twin.checkout.basket = twin.basket
    begin_checkout(shop, twin, at)


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
        case "buys anew":
            shop.later(at + shop.between(_HOUR, 9 * _DAY), buy_anew, visit)
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
        visit.returns_left -= 1
        if visit.returns_left > 0:
            # Left for the second time, and come back to once more.
            shop.later(at + shop.between(1_100, 3 * _DAY), come_back, visit)
            return
    if shop.chance(0.88):
        shop.later(at + shop.between(40, 300), finish, visit)


def buy_anew(shop: Shopfront, visit: Visit, at: int) -> None:
    """The shopper comes again days later, with nothing left of the first time, and buys."""
    again = _begin(
        shop, fill_basket(shop), visit.buyer, _cart_token(shop), counter.whence(shop), at
    )
    begin_checkout(shop, again, at)


def start_over(shop: Shopfront, visit: Visit, at: int) -> None:
    """The same cart in a new checkout: the order names the new one, the old stays abandoned."""
    old = visit.checkout
    again = _begin(shop, visit.basket, visit.buyer, old.cart_token, old.visit, at)
    begin_checkout(shop, again, at)


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
    checkout.totals = counter.totals_of(shop, checkout.basket)
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
    buyer = welcome(shop, visit.buyer, at)
    order = counter.order_of(shop, visit.basket, buyer, at, "web")
    order.whence, order.checkout_id = checkout.visit, checkout.id
    by_cart = known and checkout.cart_token is not None and shop.chance(0.02)
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
