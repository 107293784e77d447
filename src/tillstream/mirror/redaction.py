"""Forgetting people: by which marks their traces are known, and what remains of a delivery.

A *mark* names somebody or something that is to be forgotten: ``c<customer id>``, ``o<order id>``,
``t<checkout token>``, ``e<digest of an e-mail address>``, ``p<digest of a phone number>``. The digests
are there to recognise an address that comes again, not to keep it.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from tillstream.mirror.join import redact
from tillstream.mirror.values import (
    mapping,
    optional_identifier,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tillstream.mirror.change import Body, Change

MARKER: Final = "tillstream:redacted"
"""What remains of a body says so itself: which resources it forgets, and whether contact was known."""

LETTERS: Final = {"order": "o", "checkout": "t", "customer": "c"}
"""With what the marks of resources begin that tell of people."""

_FEWEST_DIGITS: Final = 7
"""Of a phone number: a shorter one is an extension, or a mistake, of many people."""


def customer_mark(customer_id: int) -> str:
    """The mark of a customer."""
    return f"c{customer_id}"


def order_mark(order_id: int) -> str:
    """The mark of an order."""
    return f"o{order_id}"


def checkout_mark(token: str) -> str:
    """The mark of a checkout."""
    return f"t{token}"


@lru_cache(maxsize=16_384)
def email_mark(email: str) -> str:
    """The mark of an e-mail address, however it is capitalised."""
    return f"e{_digest(email.strip().casefold())}"


@lru_cache(maxsize=4096)
def phone_mark(phone: str) -> str | None:
    """The mark of a phone number, however it is spaced; None for what is too short to be one."""
    digits = "".join(c for c in phone if c.isdecimal()).lstrip("0")
    return f"p{_digest(digits)}" if len(digits) >= _FEWEST_DIGITS else None


def person_marks(customer: Body, orders: Iterable[Any]) -> set[str]:
    """The marks of a request: of its ``customer`` (any of id, email, phone) and its order ids.

    Raises:
        Malformed: an id is none.
    """
    marks: set[str] = set()
    if (customer_id := optional_identifier(customer.get("id"), "customer.id")) is not None:
        marks.add(customer_mark(customer_id))
    if email := text(customer.get("email")):
        marks.add(email_mark(email))
    if (phone := text(customer.get("phone"))) and (mark := phone_mark(phone)):
        marks.add(mark)
    for order in orders:
        order_id = optional_identifier(order, "orders")
        if order_id is not None:
            marks.add(order_mark(order_id))
    return marks


def people_of(body: Body) -> list[str]:
    """Whom an order or a checkout names, as marks in order.

    A phone number is often shared; it says who somebody is only where nothing better does.

    Raises:
        Malformed: an id is none.
    """
    customer = mapping(body.get("customer"))
    customer_id = optional_identifier(customer.get("id"), "customer.id")
    found: set[str] = set() if customer_id is None else {customer_mark(customer_id)}
    for address in (body.get("email"), body.get("contact_email"), customer.get("email")):
        if told := text(address):
            found.add(email_mark(told))
    if not found:
        for number in (body.get("phone"), customer.get("phone")):
            if (told := text(number)) and (mark := phone_mark(told)):
                found.add(mark)
    return sorted(found)


def marks_of(change: Change) -> set[str]:
    """By which marks a change could be one to forget: what it is of, and whom it names."""
    if change.resource not in LETTERS:
        return set()
    return {own_mark(change.resource, change.key), *change.element.people}


def own_mark(resource: str, key: int | str) -> str:
    """The mark of a resource itself."""
    return f"{LETTERS[resource]}{key}"


# How ids and addresses are spelled in bodies that nothing reads field by field. A JSON encoder may
# put a backslash before a slash. Each begins with what is looked for first, which is much faster to
# find than any of several.
_SPELLED: Final = {
    re.compile(rb'"customer_id"\s*:\s*"?([0-9]{1,19})'): "c",
    re.compile(rb'"customer"\s*:\s*\{\s*"id"\s*:\s*"?([0-9]{1,19})'): "c",
    re.compile(rb"/Customer\\?/([0-9]{1,19})"): "c",
    re.compile(rb'"order_id"\s*:\s*"?([0-9]{1,19})'): "o",
    re.compile(rb"/Order\\?/([0-9]{1,19})"): "o",
    re.compile(rb'"checkout_token"\s*:\s*"([!-~]{1,255}?)["?]'): "t",
}
# Only from where a word begins, and without going back: the time stays proportional to the body.
_ADDRESS: Final = re.compile(
    rb"(?<![^\s\"'<>,;:(){}\[\]\\@])([^\s\"'<>,;:(){}\[\]\\@]{1,128}+@[^\s\"'<>,;:(){}\[\]\\@]{1,255}+)"
)


def marks_in_text(body: bytes) -> set[str]:
    """By which marks a body could be one to forget, where it is not read field by field."""
    found = {
        f"{kind}{told.decode(errors='replace')}"
        for spelled, kind in _SPELLED.items()
        for told in spelled.findall(body)
    }
    if b"@" in body:
        found |= {email_mark(told.decode(errors="replace")) for told in _ADDRESS.findall(body)}
    return found


def forgetting(changes: Iterable[Change], body: Body) -> list[Change]:
    """The changes of a body that is what remained of another, which forget what that one says."""
    gone = mapping(body[MARKER]).get("resources", ())
    return [
        change._replace(element=redact(change.element)) if change.resource in gone else change
        for change in changes
    ]


def contact_known(body: Body) -> bool:
    """Whether contact details were known before they were taken out of the body."""
    return MARKER in body and mapping(body[MARKER]).get("contact") is True


def _digest(told: str) -> str:
    return hashlib.blake2b(told.encode(), digest_size=12, person=b"ts redaction").hexdigest()
