"""The people of a shop: who comes again, who is new, and what becomes known of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tillstream.simulator.facts import Customer

if TYPE_CHECKING:
    from tillstream.simulator.facts import Order
    from tillstream.simulator.shopfront import Shopfront

_HOUR = 3600
_DAY = 86_400


def someone(shop: Shopfront, at: int) -> Customer:
    """Someone who bought before, or someone new.

    ``buyers`` names everyone once for each purchase, so that those who came often come often.
    """
    if shop.buyers and shop.chance(shop.plan.habits.repeat_buyer):
        for _ in range(3):
            back = int(shop.random.expovariate(1 / (len(shop.buyers) * 0.45 + 1)))
            known = shop.buyers[-1 - min(back, len(shop.buyers) - 1)]
            if not known.deleted:
                return known
    return somebody_new(shop, at)


def somebody_new(shop: Shopfront, at: int) -> Customer:
    """A person the shop does not know yet."""
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


def welcome(shop: Shopfront, buyer: Customer | None, at: int) -> Customer | None:
    """The customer as the shop knows them once they buy: made now if they are new."""
    if buyer is None:
        return None
    if buyer.deleted:
        buyer = somebody_new(shop, at)
    if buyer.id not in shop.ledger.customers:
        buyer.created_at = buyer.updated_at = at
        shop.send_customer(buyer, "customers/create")
    elif shop.chance(0.03):
        change(shop, buyer, at)
    shop.buyers.append(buyer)
    return buyer


def sign_up(shop: Shopfront, at: int) -> None:
    """An account without an order."""
    customer = somebody_new(shop, at)
    customer.registered = True
    shop.send_customer(customer, "customers/create")
    shop.buyers.append(customer)
    shop.later(at + shop.between(5, 600), consent, customer)
    if shop.chance(0.1):
        shop.later(at + shop.between(_DAY, 40 * _DAY), forget, customer)


def know_better(shop: Shopfront, order: Order, at: int) -> None:
    """What the shop learns of a customer by an order: what they bought so far, tags, a second self."""
    customer = order.customer
    if customer is None or order.test:
        return
    if shop.wants("customers/purchasing_summary"):
        customer.orders_told = (customer.orders_told or 0) + 1
        customer.spent_told = (customer.spent_told or 0) + order.totals.price
        body = shop.bodies.purchasing_summary(customer, order.id, at)
        shop.send("customers/purchasing_summary", body, at)
    if shop.chance(0.1):
        shop.later(at + shop.between(60, _HOUR), tag, customer)
    if shop.chance(0.05):
        shop.later(at + shop.between(60, _HOUR), consent, customer)
    if shop.chance(shop.plan.habits.merged):
        shop.later(at + shop.between(_HOUR, 3 * _DAY), merge, customer)


def change(shop: Shopfront, customer: Customer, at: int) -> None:
    """A new street, a note, an account."""
    customer.updated_at = max(at, customer.updated_at + 1)
    customer.note = shop.random.choice((None, "Prefers parcel lockers.", "Asked for gift wrap."))
    customer.street = f"{shop.between(1, 240)} {shop.random.choice(customer.place.streets)}"
    shop.send_customer(customer, "customers/update")


def switch_account(shop: Shopfront, customer: Customer, at: int) -> None:
    """``customers/enable`` or ``customers/disable``: an account is opened or closed."""
    topic = "customers/disable" if customer.registered else "customers/enable"
    if not customer.deleted and shop.wants(topic):
        customer.registered = not customer.registered
        customer.updated_at = max(at, customer.updated_at + 1)
        shop.send_customer(customer, topic)


def tag(shop: Shopfront, customer: Customer, at: int) -> None:
    """Put a tag on a customer, or take one off. Each word on a tag has a second of its own."""
    if customer.deleted:
        return
    found = shop.random.choice(("regular", "wholesale", "press", "vip"))
    topic = "customer.tags_removed" if found in customer.tags else "customer.tags_added"
    if shop.wants(topic):
        customer.tags = sorted({*customer.tags} ^ {found})
        shop.send(topic, shop.bodies.tagged(customer, [found], at), at)


def consent(shop: Shopfront, customer: Customer, at: int) -> None:
    """Mails or messages are welcome from now on, or no longer; and now and then an account changes."""
    if customer.deleted:
        return
    if customer.phone and shop.chance(0.4):
        topic, customer.sms_consent = _turned(
            shop, customer.sms_consent, "customers_marketing_consent/update"
        )
        if topic:
            shop.send(topic, shop.bodies.sms_consent(customer, at), at)
    else:
        topic, customer.email_consent = _turned(
            shop, customer.email_consent, "customers_email_marketing_consent/update"
        )
        if topic:
            shop.send(topic, shop.bodies.email_consent(customer, at), at)
    if shop.chance(0.3):
        shop.later(at + shop.between(60, _HOUR), switch_account, customer)


def _turned(shop: Shopfront, consent: str | None, topic: str) -> tuple[str | None, str | None]:
    """The topic, if it is wanted, and what the consent is then."""
    if not shop.wants(topic):
        return None, consent
    return topic, "unsubscribed" if consent == "subscribed" else "subscribed"


def merge(shop: Shopfront, customer: Customer, at: int) -> None:
    """``customers/merge``: two customers were one person all along. Some merges fail."""
    topic = "customers/merge"
    others = [
        one
        for one in shop.buyers[-40:]
        if not one.deleted and one is not customer and one.id in shop.ledger.customers
    ]
    if customer.deleted or not others or not shop.wants(topic):
        return
    other = shop.random.choice(others)
    succeeded = shop.chance(0.9)
    if succeeded:
        other.deleted, other.merged_into = True, customer
    shop.send(topic, shop.bodies.customer_merged(customer, other, succeeded=succeeded), at)


def forget(shop: Shopfront, customer: Customer, at: int) -> None:
    """``customers/delete``: their orders stay behind."""
    if not customer.deleted and shop.wants("customers/delete"):
        customer.deleted = True
        shop.send("customers/delete", shop.bodies.customer_deleted(customer), at)
